/* Tests of words: where a text is broken, and what is made of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "words.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static struct buf document, printed, parts, raw;
static const struct language *language = &language_simple;

static struct text text(const char *s)
{
    return (struct text){s, strlen(s)};
}

static unsigned take(const unsigned char **at, int bytes)
{
    unsigned number = 0;

    while (bytes-- > 0)
        number = number << 8 | *(*at)++;
    return number;
}

/* A document as PostgreSQL prints it, without quotes. Fails unless its words
 * are in PostgreSQL's order, and their places too. */
static const char *print(struct text subject, struct text story)
{
    buf_reset(&document, document.cap);
    buf_reset(&printed, printed.cap);
    words_document(language, subject, story, &document);
    ck_assert(!document.failed);
    const unsigned char *at = (const unsigned char *)document.data;
    const char *before = "";
    for (unsigned words = take(&at, 4); words > 0; words--) {
        const char *word = (const char *)at;
        at += strlen(word) + 1;
        ck_assert_int_lt(strcmp(before, word), 0);
        ck_assert_uint_lt(strlen(word), 2048);
        before = word;
        buf_printf(&printed, "%s%s", printed.len ? " " : "", word);
        unsigned last = 0;
        for (unsigned i = 0, count = take(&at, 2); i < count; i++) {
            unsigned place = take(&at, 2);
            ck_assert_uint_lt(i, 255);
            ck_assert_uint_lt(last, place & 0x3fff);
            last = place & 0x3fff;
            buf_printf(&printed, "%s%u%s", i ? "," : ":", last,
                place >> 14 == 3 ? "A" : "");
        }
    }
    ck_assert_ptr_eq(at, document.data + document.len);
    return buf_text(&printed);
}

/* --- documents ---------------------------------------------------------- */

static const struct {
    const char *story, *document;
} stories[] = {
    {"", ""},
    {" .-!? \u2014 \U0001f600", ""},
    {"Two words, two", "two:1,3 words:2"},
    {"ab a abc b", "a:2 ab:1 abc:3 b:4"},
    {"abcdefghij abcdefgh abcdefghi",
        "abcdefgh:2 abcdefghi:3 abcdefghij:1"}, /* behind 8 bytes */
    {"x\u00e4 xz", "xz:2 x\u00e4:1"},           /* by bytes */
    /* what stands between */
    {"can't O\u2019Reilly foo-bar a_b", "a:7 b:8 bar:6 can:1 foo:5 o:3 "
                                        "reilly:4 t:2"},
    {"me@example.com", "com:3 example:2 me:1"},
    {"3.14 1,000 x2", "000:4 1:3 14:2 3:1 x2:5"},
    {"so\U0001f600good", "good:2 so:1"},
    {"m\u00b2 50% \u20ac5", "5:3 50:2 m:1"},
    /* case and composition */
    {"\u00c4RGER Stra\u00dfe \u03a3\u03a3\u03c2",
        "stra\u00dfe:2 \u00e4rger:1 \u03c3\u03c3\u03c2:3"},
    {"E\u0301te\u0301 \u00e9t\u00e9", "\u00e9t\u00e9:1,2"},
    {"\u1112\u1161\u11ab\uae00 \ud55c\uae00", "\ud55c\uae00:1,2"},
    {"\u0301x", "x:1"}, /* a mark on nothing */
    {"\u0928\u092e\u0938\u094d\u0924\u0947",
        "\u0928\u092e\u0938\u094d\u0924\u0947:1"},
    /* a letter is a word, and the run is */
    {"\u65e5\u672c\u8a9e", "\u65e5:1 \u65e5\u672c\u8a9e:1 \u672c:2 \u8a9e:3"},
    {"A5\u624b\u673ab", "a5:1 a5\u624b\u673ab:1 b:4 \u624b:2 \u673a:3"},
    {"\u65e5", "\u65e5:1"},
    {"\u0e01\u0e47\u0e01", "\u0e01:2 \u0e01\u0e47:1 \u0e01\u0e47\u0e01:1"},
    {"\uae00\uae00", "\uae00\uae00:1"}, /* has spaces */
    /* numbers with units */
    {"2.5kg", "2:1 5:2 5kg:2 kg:3"},
    {"-5kg 5kg", "5:1 5kg:1,3 kg:2"},
    {"1e5a 3e", "1e5:1 1e5a:1 3e:3 a:2"},
    /* left out */
    {"Tom &amp; don&#39;t &#x2F; &lt;", "don:2 t:3 tom:1"},
    {"A&B; &1; &#x; &amp", "1:2 a:1 amp:4 x:3"},
    {"at http://a.b/c, x1://y", "a:2 at:1 b:3 c:4 x1:5 y:6"},
    {"x.http://a http: //b", "a:3 b:5 http:2,4 x:1"},
    {"<b>bold</b>", "b:1,3 bold:2"},
    /* no UTF-8 */
    {"a\xff"
     "b\xc3 c\xe2\x82",
        "a:1 b:2 c:3"},
};

START_TEST(breaks_a_text)
{
    ck_assert_str_eq(
        print(text(""), text(stories[_i].story)), stories[_i].document);
}
END_TEST

START_TEST(puts_the_story_behind_the_subject)
{
    ck_assert_str_eq(
        print(text("One two"), text("two three")), "one:1A three:4 two:2A,3");
}
END_TEST

START_TEST(prints_what_tsvectorrecv_reads)
{
    static const char bytes[] = "\0\0\0\2"
                                "a\0\0\2\xc0\1\0\3"
                                "b\0\0\1\0\2";

    print(text("a"), text("b a"));
    ck_assert_uint_eq(document.len, sizeof(bytes) - 1);
    ck_assert_mem_eq(document.data, bytes, document.len);
}
END_TEST

static const char *repeat(const char *word, int times)
{
    static struct buf long_text;

    buf_reset(&long_text, long_text.cap);
    for (int i = 0; i < times; i++)
        buf_puts(&long_text, word);
    return buf_text(&long_text);
}

START_TEST(leaves_out_a_word_that_is_too_long)
{
    struct buf story = {0};

    buf_printf(&story, "%s b", repeat("x", 2048));
    ck_assert_str_eq(print(text("a"), text(buf_text(&story))), "a:1A b:2");
    buf_reset(&story, 0);
    buf_printf(&story, "%s b", repeat("x", 2047));
    ck_assert_ptr_nonnull(
        strstr(print(text("a"), text(buf_text(&story))), "b:3"));
    buf_free(&story);
    ck_assert_str_eq(print(text("a"), text(repeat("x", 20000))), "a:1A");
}
END_TEST

START_TEST(divides_a_run_that_is_too_long)
{
    ck_assert_ptr_nonnull(
        strstr(print(text(""), text(repeat("\u65e5", 20000))), ",255"));
    ck_assert_ptr_null(strchr(buf_text(&printed), ' '));
}
END_TEST

START_TEST(keeps_the_first_places)
{
    const char *all = print(text("a"), text(repeat("a ", 300)));

    ck_assert_ptr_nonnull(strstr(all, "a:1A,2,3,"));
    ck_assert_str_eq(strrchr(all, ','), ",255");
}
END_TEST

START_TEST(has_one_place_behind_the_last)
{
    struct buf story = {0};

    for (int i = 0; i < 20000; i++)
        buf_printf(&story, "w%d ", i % 16500);
    print(text(""), text(buf_text(&story)));
    ck_assert_ptr_nonnull(strstr(printed.data, " w16381:16382 "));
    ck_assert_ptr_nonnull(strstr(printed.data, " w16382:16383 "));
    ck_assert_ptr_nonnull(strstr(printed.data, " w16450:16383 "));
    ck_assert_ptr_nonnull(strstr(printed.data, " w2:3,16383 "));
    buf_free(&story);
}
END_TEST

/* --- queries ------------------------------------------------------------ */

static const struct {
    const char *keywords, *parts, *raw;
} queries[] = {
    {"Word", "('word'", "Word"},
    {"one two", "('one'\n & ('two'", "one\ntwo"},
    {"\"one two\" three", "('one' <-> 'two'\n & ('three'", "one two\nthree"},
    {"\"one", "('one'", "one"},
    {"a\"b c\"d", "('a'\n & ('b' <-> 'c'\n & ('d'", "a\nb c\nd"},
    {"one or two", "('one'\n | ('two'", "one\ntwo"},
    {"one OR two three", "('one'\n | ('two'\n & ('three'", "one\ntwo\nthree"},
    {"or or or", "('or'\n | ('or'", "or\nor"},
    {"one or", "('one'\n & ('or'", "one\nor"},
    {"one order", "('one'\n & ('order'", "one\norder"},
    {"one or-two", "('one'\n & ('or' <-> 'two'", "one\nor-two"},
    {"one or.two", "('one'\n | ('two'", "one\n.two"},
    {"one -or two", "('one'\n & !('or'\n & ('two'", "one\nor\ntwo"},
    {"one -two", "('one'\n & !('two'", "one\ntwo"},
    {"-\"one two\"", "!('one' <-> 'two'", "one two"},
    {"--one - two", "!!('one'\n & !('two'", "one\ntwo"},
    {"a&b | c!d (e) <f", "('a'\n & ('b'\n & ('c'\n & ('d'\n & ('e'\n & ('f'",
        "a\nb\nc\nd\ne\nf"},
    {"12:30", "('12'\n & ('30'", "12\n:30"},
    {"foo-bar", "('foo' <-> 'bar'", "foo-bar"},
    {"http://a.b/c", "('a' <-> 'b' <-> 'c'", "http://a.b/c"},
    {"\"it's\na\\b\"", "('it' <-> 's' <-> 'a' <-> 'b'", "it's a\\b"},
    {"1e5a 2x e5", "('1e5' <-> 'a'\n & ('2x'\n & ('e5'", "1e5a\n2x\ne5"},
    {"\u65e5\u672c", "('\u65e5' <-> '\u672c'", "\u65e5\u672c"},
    {"\u00c4rger\u3000nie", "('\u00e4rger'\n & ('nie'", "\u00c4rger\nnie"},
    {"! one", "('one'", "one"},
    {"... one", "('one'", "one"},
    {"one or \"\" two", "('one'\n | ('two'", "one\ntwo"},
    {"... or one", "('one'", "one"},
    {"one or ...", "('one'", "one"},
};

static bool ask(const char *keywords)
{
    buf_reset(&parts, parts.cap);
    buf_reset(&raw, raw.cap);
    bool is_query = words_query(language, text(keywords), &parts, &raw);
    ck_assert(!parts.failed && !raw.failed);
    return is_query;
}

START_TEST(takes_keywords_apart)
{
    ck_assert(ask(queries[_i].keywords));
    ck_assert_str_eq(buf_text(&parts), queries[_i].parts);
    ck_assert_str_eq(buf_text(&raw), queries[_i].raw);
}
END_TEST

START_TEST(knows_when_there_is_no_word)
{
    static const char *const none[] = {"", " ", "\"", "\"\"", "-", "!!!", "'",
        "\"-", "...", "\U0001f600", "\u0301", "http://", "\xff"};

    for (int i = 0; i < COUNT(none); i++)
        ck_assert_msg(!ask(none[i]), "%s", none[i]);
}
END_TEST

START_TEST(leaves_out_what_no_document_has)
{
    ck_assert(!ask(repeat("x", 2048)));
    ck_assert(ask(repeat("x", 2047)));
}
END_TEST

/* --- anything ----------------------------------------------------------- */

/* Each text ends where its memory does: sanitizers see what goes beyond. */
START_TEST(takes_anything)
{
    static const char *const pieces[] = {"a", "Z", "9", "e", " ", "-", "\"",
        "or", "&", "#", "x", ";", ":", "//", "http", ".", "'", "\\", "<", "\n",
        "\u00e9", "\u0301", "\u65e5", "\u0e01", "\u0e47", "\u3000",
        "\U0001f600", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f"};

    srand(1);
    for (int round = 0; round < 3000; round++) {
        char line[128] = "";
        for (int i = rand() % 24; i > 0; i--)
            strcat(line, pieces[rand() % COUNT(pieces)]);
        char *copy = strdup(line);
        print(text(copy), text(copy));
        ask(copy);
        free(copy);
    }
}
END_TEST

/* --- places ------------------------------------------------------------- */

static const struct {
    const char *keywords, *text, *places;
} finds[] = {
    {"rain", "It rained, rain, RAIN", "11-15 17-21"},
    {"rain sun", "sun and rain", "0-3 8-12"},
    {"rain or sun", "sun and rain", "0-3 8-12"},
    {"rain -sun", "sun and rain", "8-12"},
    {"rain --sun", "sun and rain", "0-3 8-12"},
    {"\"good news\"", "good news, bad news", "0-4 5-9 15-19"},
    {"-\"good news\" sun", "good news, sun", "11-14"},
    {"köln", "In KÖLN", "3-7"},
    {"\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80 e\xcc\x81te\xcc\x81 x", "2-7"},
    {"example", "www.example.com", "4-11"},
    {"www.example.com", "www.example.com", "0-3 4-11 12-15"},
    {"\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd x",
        "1-3"},
    {"5", "-5kg", "1-2"},
    {"rain", "&rain; <b>rain</b>", "10-14"},
    {"snow", "It rained", ""},
    {"snow", "", ""},
    {"- \"\"", "It rained", ""},
    {"a", "a\xff\xffz a", "0-1 5-6"},
};

START_TEST(finds_words_in_a_text)
{
    struct span spans[SPANS_MAX];
    struct buf wanted = {0};
    struct buf places = {0};

    words_wanted(language, text(finds[_i].keywords), &wanted);
    int count = words_find(language, &wanted, text(finds[_i].text), spans);
    for (int i = 0; i < count; i++)
        buf_printf(
            &places, "%s%d-%d", i ? " " : "", spans[i].from, spans[i].to);
    ck_assert_str_eq(buf_text(&places), finds[_i].places);
    buf_free(&wanted);
    buf_free(&places);
}
END_TEST

START_TEST(finds_no_more_places_than_there_is_room_for)
{
    struct span spans[SPANS_MAX];
    struct buf wanted = {0};
    struct buf story = {0};

    for (int i = 0; i < SPANS_MAX + 10; i++)
        buf_puts(&story, "rain ");
    words_wanted(language, text("rain"), &wanted);
    int count = words_find(
        language, &wanted, (struct text){story.data, story.len}, spans);
    ck_assert_int_eq(count, SPANS_MAX);
    ck_assert_int_eq(spans[SPANS_MAX - 1].from, 5 * (SPANS_MAX - 1));
    buf_free(&wanted);
    buf_free(&story);
}
END_TEST

/* --- languages ---------------------------------------------------------- */

static void speak(const char *name)
{
    language = language_find(name);
    ck_assert_ptr_nonnull(language);
}

static const struct {
    const char *language, *subject, *story, *document;
} documents[] = {
    {"english", "Houses", "house, housing",
        "hous:1A,2,3 house:2 houses:1A housing:3"},
    {"english", "", "a a", "a:1,2"},
    {"german", "", "Die H\u00e4user", "die:1 haus:2 h\u00e4user:2"},
    {"simple+unaccent", "Caf\u00e9", "Stra\u00dfe",
        "cafe:1A caf\u00e9:1A strasse:2 stra\u00dfe:2"},
    {"english", "", "\u624b\u673aphones",
        "phone:3 phones:3 \u624b:1 \u624b\u673aphone:1 "
        "\u624b\u673aphones:1 \u673a:2"},
};

START_TEST(puts_forms_beside_words)
{
    speak(documents[_i].language);
    ck_assert_str_eq(
        print(text(documents[_i].subject), text(documents[_i].story)),
        documents[_i].document);
}
END_TEST

START_TEST(asks_for_forms)
{
    speak("english");
    ck_assert(ask("Houses \"running dogs\" -cats"));
    ck_assert_str_eq(
        buf_text(&parts), "('hous'\n & ('run' <-> 'dog'\n & !('cat'");
    ck_assert_str_eq(buf_text(&raw), "Houses\nrunning dogs\ncats");
    speak("french+unaccent");
    ck_assert(ask("t\u00e9l\u00e9vis\u00e9e caf\u00e9"));
    ck_assert_str_eq(buf_text(&parts), "(('televis' | 'televise')\n & ('caf'");
}
END_TEST

static const struct {
    const char *language, *keywords, *text, *places;
} finds_forms[] = {
    {"english", "house", "Houses, housed and his", "0-6 8-14"},
    {"english", "-house dog", "house dogs", "6-10"},
    {"german", "haus", "Die H\u00e4user", "4-10"},
    {"simple+unaccent", "resume", "r\u00e9sum\u00e9 resum\u00e9", "0-6 7-13"},
    {"simple+unaccent", "r\u00e9sum\u00e9", "a resume", "2-8"},
    {"simple", "resume", "r\u00e9sum\u00e9", ""},
};

START_TEST(finds_words_by_their_forms)
{
    struct span spans[SPANS_MAX];
    struct buf wanted = {0};
    struct buf places = {0};

    speak(finds_forms[_i].language);
    words_wanted(language, text(finds_forms[_i].keywords), &wanted);
    int count =
        words_find(language, &wanted, text(finds_forms[_i].text), spans);
    for (int i = 0; i < count; i++)
        buf_printf(
            &places, "%s%d-%d", i ? " " : "", spans[i].from, spans[i].to);
    ck_assert_str_eq(buf_text(&places), finds_forms[_i].places);
    buf_free(&wanted);
    buf_free(&places);
}
END_TEST

START_TEST(takes_anything_in_any_language)
{
    static const char *const names[] = {"german", "french+unaccent",
        "arabic+unaccent", "turkish", "simple+unaccent"};

    for (int i = 0; i < COUNT(names); i++) {
        speak(names[i]);
        for (int at = 0; at < COUNT(stories); at++) {
            print(text(""), text(stories[at].story));
            ask(stories[at].story);
            ck_assert_ptr_null(strstr(buf_text(&parts), "''"));
        }
        print(text("\u0670\u0591 \u05b0"), text("\u064e"));
        ask("\u0670 \u05b0");
        ck_assert_ptr_null(strstr(buf_text(&parts), "''"));
    }
}
END_TEST

static void release(void)
{
    buf_free(&document);
    buf_free(&printed);
    buf_free(&parts);
    buf_free(&raw);
}

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, release);
    tcase_add_loop_test(tests, breaks_a_text, 0, COUNT(stories));
    tcase_add_test(tests, puts_the_story_behind_the_subject);
    tcase_add_test(tests, prints_what_tsvectorrecv_reads);
    tcase_add_test(tests, leaves_out_a_word_that_is_too_long);
    tcase_add_test(tests, divides_a_run_that_is_too_long);
    tcase_add_test(tests, keeps_the_first_places);
    tcase_add_test(tests, has_one_place_behind_the_last);
    tcase_add_loop_test(tests, takes_keywords_apart, 0, COUNT(queries));
    tcase_add_test(tests, knows_when_there_is_no_word);
    tcase_add_test(tests, leaves_out_what_no_document_has);
    tcase_add_test(tests, takes_anything);
    tcase_add_loop_test(tests, finds_words_in_a_text, 0, COUNT(finds));
    tcase_add_test(tests, finds_no_more_places_than_there_is_room_for);
    tcase_add_loop_test(tests, puts_forms_beside_words, 0, COUNT(documents));
    tcase_add_test(tests, asks_for_forms);
    tcase_add_loop_test(
        tests, finds_words_by_their_forms, 0, COUNT(finds_forms));
    tcase_add_test(tests, takes_anything_in_any_language);
}
