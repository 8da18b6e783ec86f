/* Tests of buf. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "runner.h"

START_TEST(is_empty_text_at_first)
{
    struct buf buf = {0};

    ck_assert_str_eq(buf_text(&buf), "");
}
END_TEST

START_TEST(appends_in_order)
{
    struct buf buf = {0};

    buf_puts(&buf, "a");
    buf_add(&buf, "bcd", 2);
    buf_int(&buf, -7);
    buf_printf(&buf, "%s=%d", "x", 5);
    ck_assert_str_eq(buf_text(&buf), "abc-7x=5");
    ck_assert_uint_eq(buf.len, 8);
    buf_free(&buf);
}
END_TEST

START_TEST(prints_the_extremes_of_integers)
{
    struct buf buf = {0};

    buf_int(&buf, INT64_MIN);
    buf_puts(&buf, " ");
    buf_int(&buf, 0);
    buf_puts(&buf, " ");
    buf_int(&buf, INT64_MAX);
    ck_assert_str_eq(
        buf_text(&buf), "-9223372036854775808 0 9223372036854775807");
    buf_free(&buf);
}
END_TEST

START_TEST(prints_arrays_of_numbers)
{
    static const int64_t list[] = {1, -20, INT64_MAX};
    struct buf numbers = {0};
    struct buf buf = {0};

    buf_array(&buf, &numbers);
    buf_add(&numbers, list, sizeof(list));
    buf_array(&buf, &numbers);
    ck_assert_str_eq(buf_text(&buf), "{}{1,-20,9223372036854775807}");
    ck_assert(!buf.failed);

    numbers.failed = true; /* some are missing */
    buf_array(&buf, &numbers);
    ck_assert(buf.failed);
    buf_free(&numbers);
    buf_free(&buf);
}
END_TEST

START_TEST(keeps_nul_bytes)
{
    struct buf buf = {0};

    buf_add(&buf, "a\0b", 3);
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_mem_eq(buf.data, "a\0b", 4);
    buf_free(&buf);
}
END_TEST

/* Around each capacity, where an off-by-one would lose the ending NUL. */
START_TEST(is_terminated_at_every_length)
{
    struct buf buf = {0};

    for (size_t len = 1; len <= 1100; len++) {
        buf_add(&buf, "x", 1);
        ck_assert_uint_eq(buf.len, len);
        ck_assert_uint_lt(buf.len, buf.cap);
        ck_assert_int_eq(buf.data[len], '\0');
    }
    buf_free(&buf);
}
END_TEST

START_TEST(takes_nothing_more_after_a_failure)
{
    struct buf buf = {0};

    buf_puts(&buf, "kept");
    buf_add(&buf, "", SIZE_MAX);
    ck_assert(buf.failed);
    buf_puts(&buf, "lost");
    ck_assert_str_eq(buf_text(&buf), "kept");
    buf_free(&buf);
}
END_TEST

START_TEST(fails_beyond_its_limit)
{
    char *half = calloc(1, BUF_MAX / 2);
    struct buf buf = {0};

    buf_add(&buf, half, BUF_MAX / 2);
    ck_assert(!buf.failed);
    buf_add(&buf, half, BUF_MAX / 2);
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.len, BUF_MAX / 2);
    buf_free(&buf);
    free(half);
}
END_TEST

START_TEST(reset_keeps_little_memory)
{
    struct buf buf = {0};

    buf_puts(&buf, "text");
    buf.failed = true;
    buf_reset(&buf, 4096);
    ck_assert_ptr_nonnull(buf.data);
    ck_assert_str_eq(buf_text(&buf), "");
    ck_assert(!buf.failed);
    buf_free(&buf);
}
END_TEST

START_TEST(reset_gives_much_memory_back_and_clears_a_failure)
{
    struct buf buf = {0};

    for (int i = 0; i < 5000; i++)
        buf_puts(&buf, "x");
    buf.failed = true;
    buf_reset(&buf, 4096);
    ck_assert_ptr_null(buf.data);
    ck_assert(!buf.failed);
    buf_puts(&buf, "again");
    ck_assert_str_eq(buf_text(&buf), "again");
    buf_free(&buf);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, is_empty_text_at_first);
    tcase_add_test(tests, appends_in_order);
    tcase_add_test(tests, prints_the_extremes_of_integers);
    tcase_add_test(tests, prints_arrays_of_numbers);
    tcase_add_test(tests, keeps_nul_bytes);
    tcase_add_test(tests, is_terminated_at_every_length);
    tcase_add_test(tests, takes_nothing_more_after_a_failure);
    tcase_add_test(tests, fails_beyond_its_limit);
    tcase_add_test(tests, reset_keeps_little_memory);
    tcase_add_test(tests, reset_gives_much_memory_back_and_clears_a_failure);
}
