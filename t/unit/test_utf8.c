/* utf8: what RFC 3629 allows and forbids, and lengths in code points. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../app/utf8.h"
#include "runner.h"

static const char *const valid[] = {
    "",
    "plain text, longer than a machine word",
    "\x7F",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF", /* the last before the surrogates */
    "\xEE\x80\x80", /* the first behind them */
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF", /* U+10FFFF */
    "1234567\xC3\xA4 across the edge of a word",
};

static const char *const invalid[] = {
    "\x80", /* a continuation alone */
    "\xBF",
    "\xC0\x80",         /* overlong NUL */
    "\xC1\xBF",         /* overlong U+7F */
    "\xE0\x9F\xBF",     /* overlong U+7FF */
    "\xF0\x8F\xBF\xBF", /* overlong U+FFFF */
    "\xED\xA0\x80",     /* the first surrogate */
    "\xED\xBF\xBF",     /* the last one */
    "\xF4\x90\x80\x80", /* U+110000 */
    "\xF5\x80\x80\x80",
    "\xFE",
    "\xFF",
    "\xC2", /* cut off */
    "\xE2\x82",
    "\xF0\x9F\x98",
    "\xC2 ", /* broken off */
    "\xE2\x82 ",
    "\xF0\x9F\x98 ",
    "12345678\x80", /* behind a word of ASCII */
    "1234567\xC3",
};

START_TEST(accepts_valid)
{
    ck_assert(utf8_is_valid(valid[_i], strlen(valid[_i])));
}
END_TEST

START_TEST(refuses_invalid)
{
    ck_assert(!utf8_is_valid(invalid[_i], strlen(invalid[_i])));
}
END_TEST

START_TEST(accepts_nul)
{
    ck_assert(utf8_is_valid("a\0b", 3));
}
END_TEST

/* Every code point, encoded here, is valid unless it is a surrogate. */
START_TEST(knows_every_code_point)
{
    for (uint32_t c = 0x10000; c <= 0x13FFFF; c++) {
        char bytes[4] = {(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
            (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))};
        ck_assert_int_eq(utf8_is_valid(bytes, 4), c <= 0x10FFFF);
    }
    for (uint32_t c = 0; c <= 0xFFFF; c++) {
        char bytes[3] = {(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
            (char)(0x80 | (c & 63))};
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        ck_assert_int_eq(utf8_is_valid(bytes, 3), c >= 0x800 && !surrogate);
    }
}
END_TEST

/* A heap copy without a NUL behind it: a sanitizer sees any read too far. */
START_TEST(reads_no_byte_too_many)
{
    static const char text[] = "12345678\xF0\x9F\x98\x80 12345678";
    for (size_t len = 0; len < sizeof(text); len++) {
        char *copy = malloc(len + !len);
        memcpy(copy, text, len);
        ck_assert_int_eq(utf8_is_valid(copy, len), len < 9 || len > 11);
        free(copy);
    }
}
END_TEST

START_TEST(counts_code_points)
{
    ck_assert_uint_eq(utf8_length("", 0), 0);
    ck_assert_uint_eq(utf8_length("abc", 3), 3);
    ck_assert_uint_eq(
        utf8_length("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9), 3);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_loop_test(
        tests, accepts_valid, 0, sizeof(valid) / sizeof(*valid));
    tcase_add_loop_test(
        tests, refuses_invalid, 0, sizeof(invalid) / sizeof(*invalid));
    tcase_add_test(tests, accepts_nul);
    tcase_add_test(tests, knows_every_code_point);
    tcase_add_test(tests, reads_no_byte_too_many);
    tcase_add_test(tests, counts_code_points);
}
