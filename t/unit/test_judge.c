/* Tests of judge: who has to be killed, and when that is to be looked at. */
#include "judge.h"
#include "runner.h"

enum {
    START = 1000000, /* the first look */
    BUSY = 30000,
    SILENCE = 15000,
};

static struct judge judge;
static struct conduct conduct;
static int64_t ms;

/* An idle process, seen at the first look. */
static void set_up(void)
{
    judge = (struct judge){0};
    judge_wake(&judge, START);
    conduct = (struct conduct){
        .seen_at = START,
        .busy_limit = BUSY,
        .silence_limit = SILENCE,
    };
}

/* The verdict at that time of a master that has looked every second. */
static enum verdict verdict_at(int64_t time)
{
    while (judge.looked_at + 1000 < time)
        judge_wake(&judge, judge.looked_at + 1000);
    judge_wake(&judge, time);
    return judge_process(&judge, &conduct, time, &ms);
}

START_TEST(whoever_is_seen_is_fine)
{
    for (int64_t time = START; time < START + 10 * SILENCE; time += 1000) {
        conduct.seen_at = time;
        ck_assert_int_eq(verdict_at(time + 900), VERDICT_FINE);
    }
    ck_assert_int_eq(judge_due(&judge, &conduct), INT64_MAX);
}
END_TEST

START_TEST(who_is_idle_must_show_a_sign_of_life)
{
    ck_assert_int_eq(verdict_at(START + SILENCE - 1), VERDICT_FINE);
    ck_assert_int_eq(verdict_at(START + SILENCE), VERDICT_SILENT);
    ck_assert_int_eq(ms, SILENCE);
}
END_TEST

/* With one request it shows no other sign. */
START_TEST(who_is_busy_may_be_silent_for_as_long_as_that_may_take)
{
    conduct.busy_since = START + 5;
    ck_assert_int_eq(judge_due(&judge, &conduct), START + 5 + BUSY);
    ck_assert_int_eq(verdict_at(START + 5 + BUSY - 1), VERDICT_FINE);
    ck_assert_int_eq(verdict_at(START + 5 + BUSY), VERDICT_STUCK);
    ck_assert_int_eq(ms, BUSY);
}
END_TEST

START_TEST(who_was_told_to_stop_has_until_then)
{
    conduct.kill_at = START + 2000;
    ck_assert_int_eq(judge_due(&judge, &conduct), START + 2000);
    ck_assert_int_eq(verdict_at(START + 1999), VERDICT_FINE);
    ck_assert_int_eq(verdict_at(START + 2000), VERDICT_LATE);
}
END_TEST

START_TEST(the_earlier_of_two_ends_is_due)
{
    conduct.busy_since = START;
    conduct.kill_at = START + BUSY + 1;
    ck_assert_int_eq(judge_due(&judge, &conduct), START + BUSY);
    conduct.kill_at = START + BUSY - 1;
    ck_assert_int_eq(judge_due(&judge, &conduct), START + BUSY - 1);
}
END_TEST

/* Its log line then tells the request that it is stuck in. */
START_TEST(who_is_late_and_stuck_is_stuck)
{
    conduct.busy_since = START;
    conduct.kill_at = START + BUSY;
    ck_assert_int_eq(verdict_at(START + BUSY), VERDICT_STUCK);
}
END_TEST

/* Nothing of the time that the master itself stood still is held against
 * anybody, and all of what comes behind it is. */
START_TEST(a_master_that_overslept_blames_nobody_for_it)
{
    int64_t woken = START + 3600000;

    for (int busy = 0; busy < 2; busy++) {
        int limit = busy ? BUSY : SILENCE;
        set_up();
        conduct.busy_since = busy ? START : 0;
        judge_wake(&judge, woken);
        ck_assert_int_eq(
            judge_process(&judge, &conduct, woken, &ms), VERDICT_FINE);
        ck_assert_int_eq(
            judge_due(&judge, &conduct), busy ? woken + BUSY : INT64_MAX);
        ck_assert_int_eq(verdict_at(woken + limit - 1), VERDICT_FINE);
        ck_assert_int_ne(verdict_at(woken + limit), VERDICT_FINE);
        ck_assert_int_eq(ms, limit);
    }
}
END_TEST

/* The first look is one after standing still, too. */
START_TEST(a_look_in_time_is_none_that_was_overslept)
{
    int64_t awake = judge.awake_since;

    ck_assert_int_eq(awake, START);
    judge_wake(&judge, START + 3000);
    ck_assert_int_eq(judge.awake_since, awake);
    judge_wake(&judge, START + 6001);
    ck_assert_int_eq(judge.awake_since, START + 6001);
}
END_TEST

START_TEST(a_master_that_overslept_still_ends_who_was_told_to_stop)
{
    conduct.kill_at = START + 2000;
    judge_wake(&judge, START + 60000);
    ck_assert_int_eq(
        judge_process(&judge, &conduct, START + 60000, &ms), VERDICT_LATE);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, whoever_is_seen_is_fine);
    tcase_add_test(tests, who_is_idle_must_show_a_sign_of_life);
    tcase_add_test(
        tests, who_is_busy_may_be_silent_for_as_long_as_that_may_take);
    tcase_add_test(tests, who_was_told_to_stop_has_until_then);
    tcase_add_test(tests, the_earlier_of_two_ends_is_due);
    tcase_add_test(tests, who_is_late_and_stuck_is_stuck);
    tcase_add_test(tests, a_master_that_overslept_blames_nobody_for_it);
    tcase_add_test(tests, a_look_in_time_is_none_that_was_overslept);
    tcase_add_test(
        tests, a_master_that_overslept_still_ends_who_was_told_to_stop);
}
