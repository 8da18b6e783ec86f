/* Tests of report. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "metrics.h"
#include "report.h"
#include "runner.h"

static struct report report;
static char text[2000];
static int ends[2];
static int saved;

static void set_up(void)
{
    report = (struct report){0};
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
}

static void tear_down(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

/* What was said about which subject; "" if nothing was. */
static const char *told(void)
{
    report_tell(&report);
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    const char *said = strstr(text, " report: ");
    return said ? said + strlen(" report: ") : text;
}

START_TEST(nothing_is_said_of_nothing)
{
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(each_cause_has_its_count)
{
    metrics_add(METRIC_REFUSED, ERR_QUEUED, 0, 3);
    metrics_count(METRIC_REFUSED, ERR_NO_DATABASE, 0);
    ck_assert_str_eq(told(),
        "4 requests were answered 503: 3 waited too long for a worker, "
        "1 had no database\n");
}
END_TEST

START_TEST(what_was_told_is_not_told_again)
{
    metrics_add(METRIC_REFUSED, ERR_TIMEOUT, 0, 2);
    told();
    ck_assert_str_eq(told(), "");
    metrics_add(METRIC_REFUSED, ERR_TIMEOUT, 0, 5);
    ck_assert_str_eq(
        told(), "5 requests were answered 503: 5 took the database too long\n");
}
END_TEST

START_TEST(every_error_that_is_503_is_told)
{
    for (int error = OK; error <= ERR_INTERNAL; error++)
        if (error_status((enum error)error) == 503)
            metrics_count(METRIC_REFUSED, error, 0);
    ck_assert_str_eq(told(),
        "7 requests were answered 503: 1 for other reasons, "
        "1 waited too long for a worker, 1 took the database too long, "
        "1 met locks of others, 1 had no database, "
        "1 had no database of the search, 1 may have been done\n");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nothing_is_said_of_nothing);
    tcase_add_test(tests, each_cause_has_its_count);
    tcase_add_test(tests, what_was_told_is_not_told_again);
    tcase_add_test(tests, every_error_that_is_503_is_told);
}
