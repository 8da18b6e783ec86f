/* Tests of breaker. */
#include "breaker.h"
#include "runner.h"

START_TEST(a_breaker_opens_and_is_reset)
{
    struct breaker breaker = {0};

    ck_assert(!breaker_is_open(&breaker) && !breaker_was_tripped(&breaker));
    breaker_trip(&breaker, 60000);
    ck_assert(breaker_is_open(&breaker) && breaker_was_tripped(&breaker));
    breaker_reset(&breaker);
    ck_assert(!breaker_is_open(&breaker) && !breaker_was_tripped(&breaker));
}
END_TEST

START_TEST(one_process_begins_and_ends_a_failure)
{
    struct breaker breaker = {0};

    ck_assert(!breaker_reset(&breaker));
    ck_assert(breaker_trip(&breaker, 0));
    ck_assert(!breaker_trip(&breaker, 60000));
    ck_assert(breaker_reset(&breaker));
    ck_assert(!breaker_reset(&breaker));
}
END_TEST

START_TEST(a_breaker_closes_when_its_time_is_over)
{
    struct breaker breaker = {0};

    breaker_trip(&breaker, 0);
    ck_assert(!breaker_is_open(&breaker));
    ck_assert(breaker_was_tripped(&breaker));
}
END_TEST

START_TEST(one_takes_a_breaker_until_its_time_is_over)
{
    struct breaker breaker = {0};

    ck_assert(breaker_take(&breaker, 60000));
    ck_assert(!breaker_take(&breaker, 60000));
    breaker_trip(&breaker, 0);
    ck_assert(breaker_take(&breaker, 60000));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_breaker_opens_and_is_reset);
    tcase_add_test(tests, one_process_begins_and_ends_a_failure);
    tcase_add_test(tests, a_breaker_closes_when_its_time_is_over);
    tcase_add_test(tests, one_takes_a_breaker_until_its_time_is_over);
}
