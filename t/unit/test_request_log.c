/* Tests of request_log. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "request_log.h"
#include "runner.h"

static char line[4096]; /* what was logged */
static int pipe_fds[2];
static int saved;

static struct config config;
static struct http_request request;
static struct http_response response;
static struct spent database, cache;
static struct request_record record;

static void set_up(void)
{
    ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    saved = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    config = (struct config){.service_log_slow = 500};
    request = (struct http_request){
        .method = "POST", .path = "/participant/7/outbound", .waited = 3};
    response = (struct http_response){.status = 200};
    buf_puts(&response.body, "{}");
    record = (struct request_record){
        .request = &request,
        .response = &response,
        .operation = "addOutbound",
        .participant = 7,
        .ns = 2345678,
        .database = &database,
        .cache = &cache,
    };
}

static void tear_down(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    http_response_free(&response);
}

static const char *logged(void)
{
    ssize_t len = read(pipe_fds[0], line, sizeof(line) - 1);

    line[len > 0 ? len : 0] = '\0';
    return line;
}

static void assert_ends(const char *text, const char *end)
{
    ck_assert_uint_ge(strlen(text), strlen(end));
    ck_assert_str_eq(text + strlen(text) - strlen(end), end);
}

START_TEST(what_took_longest_is_kept)
{
    struct spent spent = {0};

    spent_add(&spent, "a", 2);
    spent_add(&spent, "b", 5);
    spent_add(&spent, "c", 5);
    ck_assert_int_eq(spent.ns, 12);
    ck_assert_int_eq(spent.count, 3);
    ck_assert_str_eq(spent.longest, "b");
    ck_assert_int_eq(spent.longest_ns, 5);
}
END_TEST

START_TEST(nobody_asked_for_lines)
{
    request_log(&config, &record);
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_line_a_request)
{
    config.service_log_requests = true;
    spent_add(&database, "begin", 100000);
    spent_add(&database, "outbound_add", 1500000);
    spent_add(&cache, "", 250000);
    request.traceparent = "00-1-2-3";
    request_log(&config, &record);
    ck_assert_ptr_nonnull(strstr(logged(), " info "));
    assert_ends(line,
        " request: operation=addOutbound method=POST "
        "path=/participant/7/outbound participant=7 status=200 bytes=2 "
        "ms=2.345 queue_ms=3 database_ms=1.600 statements=2 "
        "slowest=outbound_add slowest_ms=1.500 cache_ms=0.250 "
        "traceparent=00-1-2-3\n");
}
END_TEST

START_TEST(what_there_is_not_is_not_said)
{
    config.service_log_requests = true;
    record.operation = NULL;
    record.participant = 0;
    request_log(&config, &record);
    assert_ends(logged(),
        " request: method=POST path=/participant/7/outbound status=200 bytes=2 "
        "ms=2.345 queue_ms=3 database_ms=0.000 statements=0 cache_ms=0.000\n");
}
END_TEST

START_TEST(slow_ones_are_told_always)
{
    record.ns = 500 * 1000000 - 1;
    request_log(&config, &record);
    ck_assert_str_eq(logged(), "");
    record.ns++;
    request_log(&config, &record);
    ck_assert_ptr_nonnull(strstr(logged(), " warn "));
    ck_assert_ptr_nonnull(strstr(line, " slow request: operation="));
    ck_assert_ptr_nonnull(strstr(line, " ms=500.000 "));
    config.service_log_slow = 0;
    request_log(&config, &record);
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(clients_are_told_the_times_if_they_may)
{
    request_log_time(&config, &record, &response);
    ck_assert_uint_eq(response.headers.len, 0);
    config.service_server_timing = true;
    spent_add(&database, "outbound_add", 1500000);
    request_log_time(&config, &record, &response);
    ck_assert_str_eq(buf_text(&response.headers),
        "Server-Timing: queue;dur=3.000, db;dur=1.500, cache;dur=0.000, "
        "total;dur=2.346\r\n");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_took_longest_is_kept);
    tcase_add_test(tests, nobody_asked_for_lines);
    tcase_add_test(tests, a_line_a_request);
    tcase_add_test(tests, what_there_is_not_is_not_said);
    tcase_add_test(tests, slow_ones_are_told_always);
    tcase_add_test(tests, clients_are_told_the_times_if_they_may);
}
