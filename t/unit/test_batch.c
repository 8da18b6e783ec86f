/* Tests of how much is taken at once. */
#include "batch.h"
#include "runner.h"

START_TEST(what_failed_is_halved_until_it_stands_alone)
{
    int size = 100;
    int turns = 0;

    for (; size > 1; turns++)
        size = batch_next(size, 100, false, 0);
    ck_assert_int_eq(turns, 6);
    ck_assert_int_eq(batch_next(1, 100, false, 0), 1);
}
END_TEST

START_TEST(what_is_quick_grows_up_to_the_most)
{
    ck_assert_int_eq(batch_next(1, 100, true, 0), 2);
    ck_assert_int_eq(batch_next(40, 100, true, BATCH_MS / 2), 80);
    ck_assert_int_eq(batch_next(80, 100, true, 0), 100);
    ck_assert_int_eq(batch_next(1, 1, true, 0), 1);
}
END_TEST

START_TEST(what_is_slow_shrinks_to_what_there_is_time_for)
{
    ck_assert_int_eq(batch_next(1000, 1000, true, (int64_t)BATCH_MS * 10), 100);
    ck_assert_int_eq(batch_next(3, 1000, true, (int64_t)BATCH_MS * 1000), 1);
    ck_assert_int_eq(batch_next(1000, 1000, true, INT64_MAX), 1);
}
END_TEST

START_TEST(what_takes_its_time_stays)
{
    ck_assert_int_eq(batch_next(70, 100, true, BATCH_MS), 70);
    ck_assert_int_eq(batch_next(70, 100, true, BATCH_MS / 2 + 1), 70);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_failed_is_halved_until_it_stands_alone);
    tcase_add_test(tests, what_is_quick_grows_up_to_the_most);
    tcase_add_test(tests, what_is_slow_shrinks_to_what_there_is_time_for);
    tcase_add_test(tests, what_takes_its_time_stays);
}
