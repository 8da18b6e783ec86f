/* fault: faults are kept in order, copied, and counted past the limit. */
#include "../../app/fault.h"
#include "runner.h"

START_TEST(keeps_place_and_sentence)
{
    struct faults faults = {0};
    fault_add(&faults, "#/subject", "must be at most %d characters", 200);
    ck_assert_int_eq(faults.count, 1);
    ck_assert_str_eq(faults.list[0].pointer, "#/subject");
    ck_assert_str_eq(faults.list[0].detail, "must be at most 200 characters");
    faults_free(&faults);
}
END_TEST

START_TEST(copies_the_place)
{
    struct faults faults = {0};
    char pointer[] = "#/a";
    fault_add(&faults, pointer, "is required");
    pointer[2] = 'b';
    ck_assert_str_eq(faults.list[0].pointer, "#/a");
    faults_free(&faults);
}
END_TEST

START_TEST(counts_what_it_does_not_keep)
{
    struct faults faults = {0};
    for (int i = 0; i < FAULTS_MAX + 5; i++)
        fault_add(&faults, "#", "fault %d", i);
    ck_assert_int_eq(faults.count, FAULTS_MAX + 5);
    ck_assert_str_eq(faults.list[0].detail, "fault 0");
    ck_assert_str_eq(faults.list[FAULTS_MAX - 1].detail, "fault 31");
    faults_free(&faults);
}
END_TEST

START_TEST(is_empty_when_freed)
{
    struct faults faults = {0};
    fault_add(&faults, "#", "once");
    faults_free(&faults);
    ck_assert_int_eq(faults.count, 0);
    fault_add(&faults, "#", "again");
    ck_assert_str_eq(faults.list[0].detail, "again");
    faults_free(&faults);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, keeps_place_and_sentence);
    tcase_add_test(tests, copies_the_place);
    tcase_add_test(tests, counts_what_it_does_not_keep);
    tcase_add_test(tests, is_empty_when_freed);
}
