/* Tests of exposition. */
#include "exposition.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct buf text;
static struct exposition classic, open;

static void set_up(void)
{
    text = (struct buf){0};
    classic = (struct exposition){.out = &text};
    open = (struct exposition){
        .out = &text, .is_openmetrics = true, .created = 1700000000.25};
}

static void tear_down(void)
{
    buf_free(&text);
}

static const struct exposition_label two[EXPOSITION_LABELS] = {
    {"operation", "getInbound"}, {"status", "200"}};

START_TEST(a_counter_is_a_total)
{
    exposition_begin(
        &classic, EXPOSITION_COUNTER, "nf_requests", NULL, "Requests.");
    exposition_count(&classic, two, UINT64_MAX);
    exposition_end(&classic);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_requests_total Requests.\n"
        "# TYPE nf_requests_total counter\n"
        "nf_requests_total{operation=\"getInbound\",status=\"200\"} "
        "18446744073709551615\n");
}
END_TEST

START_TEST(openmetrics_tells_since_when_and_that_it_ends)
{
    exposition_begin(
        &open, EXPOSITION_COUNTER, "nf_requests", NULL, "Requests.");
    exposition_count(&open, NULL, 3);
    exposition_end(&open);
    ck_assert_str_eq(buf_text(&text), "# HELP nf_requests Requests.\n"
                                      "# TYPE nf_requests counter\n"
                                      "nf_requests_total 3\n"
                                      "nf_requests_created 1700000000.250\n"
                                      "# EOF\n");
}
END_TEST

START_TEST(a_unit_is_told_where_there_is_a_word_for_that)
{
    exposition_begin(
        &classic, EXPOSITION_GAUGE, "nf_age_seconds", "seconds", "Age.");
    exposition_gauge(&classic, NULL, 0.5);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_age_seconds Age.\n# TYPE nf_age_seconds gauge\n"
        "nf_age_seconds 0.5\n");
    buf_reset(&text, text.cap);
    exposition_begin(
        &open, EXPOSITION_GAUGE, "nf_age_seconds", "seconds", "Age.");
    exposition_gauge(&open, NULL, 0.5);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_age_seconds Age.\n# TYPE nf_age_seconds gauge\n"
        "# UNIT nf_age_seconds seconds\n"
        "nf_age_seconds 0.5\n");
}
END_TEST

START_TEST(a_number_is_as_short_as_it_can_be)
{
    exposition_begin(&classic, EXPOSITION_GAUGE, "nf", NULL, "Any.");
    exposition_gauge(&classic, NULL, 2.933);
    exposition_gauge(&classic, NULL, 0.1 + 0.2);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&text), "\nnf 2.933\nnf 0.30000000000000004\n"));
}
END_TEST

START_TEST(an_info_is_a_gauge_where_there_is_no_such_type)
{
    const struct exposition_label label[] = {{"version", "1.0"}, {0}};

    exposition_begin(&classic, EXPOSITION_INFO, "nf_build", NULL, "Build.");
    exposition_info(&classic, label);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_build_info Build.\n# TYPE nf_build_info gauge\n"
        "nf_build_info{version=\"1.0\"} 1\n");
    buf_reset(&text, text.cap);
    exposition_begin(&open, EXPOSITION_INFO, "nf_build", NULL, "Build.");
    exposition_info(&open, label);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_build Build.\n# TYPE nf_build info\n"
        "nf_build_info{version=\"1.0\"} 1\n");
}
END_TEST

START_TEST(buckets_hold_those_of_the_smaller_ones_too)
{
    static const char *const bounds[] = {"0.5", "1.0"};
    static const uint64_t counts[] = {2, 0, 5};
    const struct exposition_label label[] = {{"a", "b"}, {0}};

    exposition_begin(
        &open, EXPOSITION_HISTOGRAM, "nf_seconds", "seconds", "Time.");
    exposition_histogram(&open, label, bounds, counts, 3, 12.5);
    ck_assert_str_eq(buf_text(&text),
        "# HELP nf_seconds Time.\n# TYPE nf_seconds histogram\n"
        "# UNIT nf_seconds seconds\n"
        "nf_seconds_bucket{a=\"b\",le=\"0.5\"} 2\n"
        "nf_seconds_bucket{a=\"b\",le=\"1.0\"} 2\n"
        "nf_seconds_bucket{a=\"b\",le=\"+Inf\"} 7\n"
        "nf_seconds_sum{a=\"b\"} 12.5\n"
        "nf_seconds_count{a=\"b\"} 7\n"
        "nf_seconds_created{a=\"b\"} 1700000000.250\n");
}
END_TEST

START_TEST(a_value_cannot_end_its_quotes)
{
    const struct exposition_label label[] = {{"name", "a\"b\\c\nd"}, {0}};

    exposition_begin(&classic, EXPOSITION_GAUGE, "nf", NULL, "Any.");
    exposition_gauge(&classic, label, 1);
    ck_assert_ptr_nonnull(
        strstr(buf_text(&text), "\nnf{name=\"a\\\"b\\\\c\\nd\"} 1\n"));
}
END_TEST

/* The second one is what Prometheus 2.42 sends. */
static const struct {
    const char *accept;
    bool is_open;
} wishes[] = {
    {NULL, false},
    {"application/openmetrics-text;version=1.0.0,"
     "application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        true},
    {"", false},
    {"*/*", false},
    {"text/html, */*;q=0.8", false},
    {"text/plain", false},
    {"application/openmetrics-text", true},
    {"Application/OpenMetrics-Text ; version=1.0.0", true},
    {"application/openmetrics-text;q=0", false},
    {"application/openmetrics-text; version=1.0.0; q=0.4, text/plain;q=0.5",
        false},
    {"text/plain;q=0.4 , application/openmetrics-text;q=0.5", true},
    {"application/openmetrics-texts", false},
    {",,;q,application/openmetrics-text", true},
};

START_TEST(who_asks_for_it_gets_openmetrics)
{
    ck_assert_int_eq(
        exposition_wants_openmetrics(wishes[_i].accept), wishes[_i].is_open);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_counter_is_a_total);
    tcase_add_test(tests, openmetrics_tells_since_when_and_that_it_ends);
    tcase_add_test(tests, a_unit_is_told_where_there_is_a_word_for_that);
    tcase_add_test(tests, a_number_is_as_short_as_it_can_be);
    tcase_add_test(tests, an_info_is_a_gauge_where_there_is_no_such_type);
    tcase_add_test(tests, buckets_hold_those_of_the_smaller_ones_too);
    tcase_add_test(tests, a_value_cannot_end_its_quotes);
    tcase_add_loop_test(
        tests, who_asks_for_it_gets_openmetrics, 0, COUNT(wishes));
}
