/* Tests of languages: which there are, and what they make of words. */
#include <string.h>

#include "language.h"
#include "runner.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

START_TEST(knows_those_of_libstemmer_and_simple)
{
    static const char *const names[] = {"simple", "english", "german", "french",
        "simple+unaccent", "german+unaccent"};
    struct buf all = {0};

    for (int i = 0; i < COUNT(names); i++) {
        const struct language *language = language_find(names[i]);
        ck_assert_msg(language != NULL, "%s", names[i]);
        ck_assert_str_eq(language_name(language), names[i]);
        ck_assert_ptr_eq(language_find(names[i]), language);
    }
    language_print_all(&all);
    ck_assert_int_eq(strncmp(buf_text(&all), "simple ", 7), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&all), " german "));
    buf_free(&all);
}
END_TEST

START_TEST(knows_no_other)
{
    static const char *const names[] = {"", "klingon", "de", "German",
        "german ", "german+", "german+unaccen", "german+unaccent+unaccent",
        "+unaccent", "simple+"};

    for (int i = 0; i < COUNT(names); i++)
        ck_assert_msg(language_find(names[i]) == NULL, "%s", names[i]);
}
END_TEST

static const struct {
    const char *language, *word, *forms;
} words[] = {
    {"simple", "h\u00e4user", "h\u00e4user"}, {"english", "houses", "hous"},
    {"english", "a", "a"}, {"german", "h\u00e4user", "haus"},
    {"french", "\u00e9coles", "\u00e9col"},
    {"french+unaccent", "\u00e9coles", "ecol"},
    {"french+unaccent", "ecoles", "ecol"},
    {"french+unaccent", "t\u00e9l\u00e9vis\u00e9", "televis"},
    {"french+unaccent", "t\u00e9l\u00e9vis\u00e9e", "televis televise"},
    {"russian", "\u043a\u043d\u0438\u0433\u0438", "\u043a\u043d\u0438\u0433"},
    {"simple+unaccent", "\u00fc\u0153\u00f8\u0142\u00df", "uoeolss"},
    {"simple+unaccent", "\u1ec7", "e"},                  /* two at once */
    {"simple+unaccent", "\u3070\uac00", "\u3070\uac00"}, /* no accents */
    {"simple+unaccent", "\u0623\u064e", "\u0627"},
    {"simple+unaccent", "\u0670", "\u0670"}, /* of nothing else */
};

START_TEST(makes_forms_of_a_word)
{
    struct buf forms = {0};

    language_forms(language_find(words[_i].language), words[_i].word,
        strlen(words[_i].word), &forms);
    ck_assert(!forms.failed);
    ck_assert_int_eq(forms.data[forms.len - 1], '\0');
    for (size_t i = 0; i + 1 < forms.len; i++)
        if (forms.data[i] == '\0')
            forms.data[i] = ' ';
    ck_assert_str_eq(buf_text(&forms), words[_i].forms);
    buf_free(&forms);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, knows_those_of_libstemmer_and_simple);
    tcase_add_test(tests, knows_no_other);
    tcase_add_loop_test(tests, makes_forms_of_a_word, 0, COUNT(words));
}
