/* Tests of pattern: what differs between regular expressions. */
#include <string.h>

#include "pattern.h"
#include "runner.h"

static char reason[PATTERN_REASON_MAX];

static bool matches(const char *text, const char *bytes, size_t len)
{
    bool failed = false;
    struct pattern *pattern = pattern_new(text, reason);

    ck_assert_msg(pattern != NULL, "%s: %s", text, reason);
    bool found = pattern_matches(pattern, bytes, len, &failed);
    ck_assert(!failed);
    pattern_free(pattern);
    return found;
}

static size_t print(unsigned c, char *out)
{
    if (c < 0x80)
        return (size_t)(*out = (char)c, 1);
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* ECMA-262, 12.2 and 12.3: all of category Zs in Unicode, and these. */
static bool is_space(unsigned c)
{
    static const unsigned spaces[] = {9, 0xA, 0xB, 0xC, 0xD, 0x20, 0xA0, 0x1680,
        0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
        0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF};

    for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
        if (spaces[i] == c)
            return true;
    return false;
}

/* Each alone: everything that is white space, and nothing that is not. */
static const struct {
    const char *text;
    bool is_space; /* what it matches */
} patterns[] = {
    {"^\\s$", true},
    {"\\s", true},
    {"^[\\s]$", true},
    {"^[^\\S]$", true},
    {"^[x\\sy]$", true},
    {"^[\\]\\s]$", true},
    {"^[\\s\\s]$", true},
    {"^\\S$", false},
    {"\\S", false},
    {"^[\\S]$", false},
    {"^[^\\s]$", false},
};

START_TEST(white_space_is_that_of_ecma_262)
{
    struct pattern *pattern = pattern_new(patterns[_i].text, reason);
    char bytes[4];
    bool failed = false;

    ck_assert_msg(pattern != NULL, "%s", reason);
    for (unsigned c = 0; c <= 0x10FFFF; c++) {
        if ((c >= 0xD800 && c <= 0xDFFF) || c == 'x' || c == 'y' || c == ']')
            continue;
        bool found = pattern_matches(pattern, bytes, print(c, bytes), &failed);
        if (found != (is_space(c) == patterns[_i].is_space))
            ck_abort_msg("%s: U+%04X", patterns[_i].text, c);
    }
    ck_assert(!failed);
    pattern_free(pattern);
}
END_TEST

static const struct {
    const char *text;
    const char *bytes;
    bool matches;
} others[] = {
    {"^\\\\s$", "\\s", true}, /* a backslash and an s */
    {"^\\\\s$", " ", false},
    {"^\\\\\\s$", "\\ ", true},
    {"^[\\\\s]$", "s", true},
    {"^[\\\\s]$", " ", false},
    {"^\\[\\s]$", "[ ]", true}, /* no class */
    {"^[^]\\s]$", "a ]", true}, /* an empty one, of which this is not */
    {"^[[\\s]$", "[", true},
    {"^[[\\s]$", "-", false},
    {"^[\\s\\S]*$", "a \n\xEF\xBB\xBF", true},
    {"^a\\s+b$", "a\xEF\xBB\xBF b", true},
    {"^\\d$", "7", true},
    {"^\\d$", "\xD9\xA7", false}, /* a seven, in Arabic */
    {"^\\w$", "\xC3\xA4", false},
    {"^\\W$", "\xC3\xA4", true},
    {"^.$", "\xF0\x9F\x98\x80", true},
    {"a$", "a\n", false},
    {"^\\u00e4$", "\xC3\xA4", true},
};

START_TEST(the_rest_stays_what_it_is)
{
    ck_assert_msg(matches(others[_i].text, others[_i].bytes,
                      strlen(others[_i].bytes)) == others[_i].matches,
        "%s: %s", others[_i].text, others[_i].bytes);
}
END_TEST

static const struct {
    const char *text;
    const char *words;
} refused[] = {
    {"(", "at character 2"},
    {"\\s\\s(", "at character 6"},
    {"[\\s", "at character 4"},
    {"\\", "at character 2"},
};

START_TEST(a_fault_is_told_where_it_stands)
{
    ck_assert_ptr_null(pattern_new(refused[_i].text, reason));
    ck_assert_msg(strstr(reason, refused[_i].words) != NULL, "%s", reason);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

void add_tests(TCase *tests)
{
    tcase_add_loop_test(
        tests, white_space_is_that_of_ecma_262, 0, COUNT(patterns));
    tcase_add_loop_test(tests, the_rest_stays_what_it_is, 0, COUNT(others));
    tcase_add_loop_test(
        tests, a_fault_is_told_where_it_stands, 0, COUNT(refused));
}
