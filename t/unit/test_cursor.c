/* Tests of cursor. */
#include "cursor.h"
#include "runner.h"

static const struct {
    const char *text;
    struct cursor cursor;
} cursors[] = {
    {"0", {0, CURSOR_ALL}},
    {"7", {7, CURSOR_ALL}},
    {"812.45", {812, 45}},
    {"9223372036854775807.9223372036854775807", {INT64_MAX, INT64_MAX}},
};

START_TEST(a_cursor_is_read_as_it_was_printed)
{
    char text[CURSOR_SIZE];
    struct cursor cursor;

    cursor_print(&cursors[_i].cursor, text);
    ck_assert_str_eq(text, cursors[_i].text);
    ck_assert(cursor_parse(text, &cursor));
    ck_assert_int_eq(cursor.pos, cursors[_i].cursor.pos);
    ck_assert_int_eq(cursor.sub, cursors[_i].cursor.sub);
}
END_TEST

static const char *const others[] = {"", ".", "x", "7x", "-7", "+7", " 7", "7 ",
    "07", "00", "7.", ".7", "7.0", "7.07", "7.-1", "7.1.1", "7,1", "0x7", "1e3",
    "9223372036854775808", "1.9223372036854775808", "99999999999999999999"};

START_TEST(what_is_no_cursor_is_refused)
{
    struct cursor cursor;

    ck_assert_msg(!cursor_parse(others[_i], &cursor), "%s", others[_i]);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

void add_tests(TCase *tests)
{
    tcase_add_loop_test(
        tests, a_cursor_is_read_as_it_was_printed, 0, COUNT(cursors));
    tcase_add_loop_test(tests, what_is_no_cursor_is_refused, 0, COUNT(others));
}
