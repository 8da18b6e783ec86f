/* Tests of metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "metrics.h"
#include "runner.h"

enum {
    MS = 1000000
};

static struct buf text;

static void tear_down(void)
{
    buf_free(&text);
}

static const char *name(int number)
{
    return number == OPERATIONS ? "getInbound" : NULL;
}

static const char *print(void)
{
    struct exposition out = {.out = &text};

    buf_reset(&text, text.cap);
    metrics_print(&out, name);
    return buf_text(&text);
}

static void ck_assert_printed(const char *line)
{
    ck_assert_msg(strstr(print(), line) != NULL, "there is no %s", line);
}

START_TEST(each_count_is_found_where_it_was_made)
{
    metrics_count(METRIC_REQUESTS, OPERATIONS, metrics_status(404));
    metrics_add(METRIC_REQUESTS, OPERATIONS, metrics_status(404), 2);
    metrics_count(METRIC_EVENTS, OUTLET_WEBHOOK, EVENT_SET_ASIDE);
    ck_assert_uint_eq(
        metrics_value(METRIC_EVENTS, OUTLET_WEBHOOK, EVENT_SET_ASIDE), 1);
    ck_assert_printed("\nnewsfeed_requests_total{operation=\"getInbound\","
                      "status=\"404\"} 3\n");
    ck_assert_printed("\nnewsfeed_events_total{outlet=\"webhook 1\","
                      "result=\"set_aside\"} 1\n");
}
END_TEST

START_TEST(what_was_never_counted_is_zero)
{
    metrics_count(METRIC_EVENTS, OUTLET_KAFKA, EVENT_FAILED);
    ck_assert_printed("\nnewsfeed_events_total{outlet=\"kafka\","
                      "result=\"sent\"} 0\n");
    ck_assert_ptr_null(strstr(buf_text(&text), "webhook"));
    ck_assert_printed("\nnewsfeed_process_ends_total{process=\"worker\","
                      "cause=\"died\"} 0\n");
    ck_assert_printed("\nnewsfeed_request_duration_seconds_count{operation="
                      "\"getInbound\"} 0\n");
    ck_assert_printed("\nnewsfeed_stream_messages_total 0\n");
}
END_TEST

/* Of some hundred pairs, few ever are. */
START_TEST(a_status_that_never_was_is_not_printed)
{
    metrics_count(METRIC_REQUESTS, OPERATION_NONE, metrics_status(404));
    ck_assert_printed("newsfeed_requests_total{operation=\"none\"");
    ck_assert_ptr_null(strstr(buf_text(&text), "status=\"200\""));
}
END_TEST

START_TEST(an_error_that_is_no_fault_of_the_database_has_no_word)
{
    metrics_count(METRIC_DATABASE_FAULTS, PROCESS_WORKER, ERR_TIMEOUT);
    ck_assert_printed("newsfeed_database_faults_total{process=\"worker\","
                      "fault=\"timeout\"} 1\n");
    ck_assert_ptr_null(strstr(buf_text(&text), "(null)"));
    ck_assert_ptr_null(strstr(buf_text(&text), "=\"\""));
}
END_TEST

START_TEST(each_status_has_its_word)
{
    char line[64];

    for (int status = 100; status < 600; status++) {
        int word = metrics_status(status);
        if (word == metrics_status(0))
            continue;
        metrics_count(METRIC_REQUESTS, OPERATION_NONE, word);
        snprintf(line, sizeof(line), "\"none\",status=\"%d\"} 1\n", status);
        ck_assert_printed(line);
    }
    ck_assert_ptr_null(strstr(buf_text(&text), "\"other\""));
}
END_TEST

START_TEST(another_status_is_one_of_the_others)
{
    ck_assert_int_eq(metrics_status(418), metrics_status(0));
    ck_assert_int_ne(metrics_status(418), metrics_status(503));
}
END_TEST

START_TEST(a_time_falls_into_the_bucket_that_ends_with_it)
{
    metrics_took(METRIC_WAIT_TIME, 0, MS);
    metrics_took(METRIC_WAIT_TIME, 0, MS + 1);
    metrics_took(METRIC_WAIT_TIME, 0, 3600000 * (int64_t)MS);
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"0.0005\"} 0"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"0.001\"} 1"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"0.0025\"} 2"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"10.0\"} 2"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"+Inf\"} 3"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_count 3\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_sum 3600.00200000");
}
END_TEST

/* As where two machines' clocks are compared. */
START_TEST(a_time_below_zero_is_none)
{
    metrics_took(METRIC_WAIT_TIME, 0, -5 * MS);
    ck_assert_printed("\nnewsfeed_request_wait_seconds_bucket{le=\"5e-05\"} 1"
                      "\n");
    ck_assert_printed("\nnewsfeed_request_wait_seconds_sum 0\n");
}
END_TEST

START_TEST(what_began_just_now_took_little)
{
    int64_t began = monotonic_ns() - MS;
    int64_t ns = metrics_time(METRIC_CACHE_TIME, CACHE_READ, began);

    ck_assert_int_ge(ns, MS);
    ck_assert_int_le(ns, monotonic_ns() - began);
    ck_assert(metrics_quantile(METRIC_CACHE_TIME, CACHE_READ, 1) < 10);
    ck_assert(metrics_quantile(METRIC_CACHE_TIME, CACHE_READ, 1) > 0);
}
END_TEST

START_TEST(a_quantile_is_a_bound)
{
    ck_assert_double_eq(metrics_quantile(METRIC_WAIT_TIME, 0, 0.5), 0);
    for (int i = 0; i < 99; i++)
        metrics_took(METRIC_WAIT_TIME, 0, MS);
    metrics_took(METRIC_WAIT_TIME, 0, 200 * MS);
    ck_assert_double_eq(metrics_quantile(METRIC_WAIT_TIME, 0, 0.5), 0.001);
    ck_assert_double_eq(metrics_quantile(METRIC_WAIT_TIME, 0, 0.99), 0.001);
    ck_assert_double_eq(metrics_quantile(METRIC_WAIT_TIME, 0, 1), 0.25);
    metrics_took(METRIC_CACHE_TIME, CACHE_READ, MS);
    metrics_took(METRIC_CACHE_TIME, CACHE_WRITE, 5 * MS);
    ck_assert_double_eq(
        metrics_quantile(METRIC_CACHE_TIME, METRICS_ALL, 1), 0.005);
}
END_TEST

START_TEST(what_another_process_counted_outlives_it)
{
    int status;

    ck_assert(metrics_open());
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 1000; i++)
            metrics_count(METRIC_MESSAGES, 0, 0);
        abort();
    }
    for (int i = 0; i < 1000; i++)
        metrics_count(METRIC_MESSAGES, 0, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_uint_eq(metrics_value(METRIC_MESSAGES, 0, 0), 2000);
}
END_TEST

START_TEST(all_have_begun_when_the_table_was_made)
{
    struct exposition out = {.out = &text, .is_openmetrics = true};

    ck_assert(metrics_open());
    metrics_print(&out, name);
    const char *created = strstr(buf_text(&text), "_messages_created ");
    ck_assert_ptr_nonnull(created);
    double age = (double)time(NULL) - strtod(strchr(created, ' '), NULL);
    ck_assert(age > -5 && age < 60);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, each_count_is_found_where_it_was_made);
    tcase_add_test(tests, what_was_never_counted_is_zero);
    tcase_add_test(tests, a_status_that_never_was_is_not_printed);
    tcase_add_test(
        tests, an_error_that_is_no_fault_of_the_database_has_no_word);
    tcase_add_test(tests, each_status_has_its_word);
    tcase_add_test(tests, another_status_is_one_of_the_others);
    tcase_add_test(tests, a_time_falls_into_the_bucket_that_ends_with_it);
    tcase_add_test(tests, a_time_below_zero_is_none);
    tcase_add_test(tests, what_began_just_now_took_little);
    tcase_add_test(tests, a_quantile_is_a_bound);
    tcase_add_test(tests, what_another_process_counted_outlives_it);
    tcase_add_test(tests, all_have_begun_when_the_table_was_made);
}
