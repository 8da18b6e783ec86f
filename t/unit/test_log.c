/* Tests of log. */
#include <fcntl.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "log.h"

static char line[8192]; /* what was logged */
static int pipe_fds[2];
static int saved;

/* Standard error goes into a pipe: one read gives what one write put in. */
static void set_up(void)
{
    ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    saved = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
}

static void tear_down(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    log_set_level(LOG_LEVEL_INFO);
    log_set_process("newsfeed");
    log_set_request(NULL);
}

static const char *logged(void)
{
    ssize_t len = read(pipe_fds[0], line, sizeof(line) - 1);

    line[len > 0 ? len : 0] = '\0';
    return line;
}

static bool fits(const char *text, const char *pattern)
{
    regex_t regex;

    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

START_TEST(a_line_says_when_what_who_and_about_what)
{
    log_set_process("worker 3");
    log_warn("cache", "%s %d", "gone", 5);
    ck_assert(fits(logged(),
        "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
        "\\.[0-9]{3}Z warn worker 3\\[[0-9]+\\] cache: gone 5\n$"));
}
END_TEST

START_TEST(a_request_is_named_until_it_is_over)
{
    log_set_request("abc-1");
    log_error("x", "one");
    ck_assert(fits(logged(), "\\] abc-1 x: one\n$"));
    log_set_request(NULL);
    log_error("x", "two");
    ck_assert(fits(logged(), "\\] x: two\n$"));
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
    log_debug("x", "unseen");
    ck_assert_str_eq(logged(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("x", "seen");
    ck_assert(fits(logged(), "debug .* x: seen"));
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("x", "unseen");
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(control_characters_forge_no_line)
{
    log_info("x", "a\nb\r\x1b[1m\x7f");
    ck_assert(fits(logged(), "x: a\\?b\\?\\?\\[1m\\?\n$"));
}
END_TEST

START_TEST(bytes_of_utf8_stay)
{
    log_info("x", "\xc3\xa4");
    ck_assert(fits(logged(), "x: \xc3\xa4\n$"));
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("x", "%s", text);
    ck_assert_uint_eq(strlen(logged()), 2000);
    ck_assert_int_eq(line[1999], '\n');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_line_says_when_what_who_and_about_what);
    tcase_add_test(tests, a_request_is_named_until_it_is_over);
    tcase_add_test(tests, lines_above_the_level_are_dropped);
    tcase_add_test(tests, control_characters_forge_no_line);
    tcase_add_test(tests, bytes_of_utf8_stay);
    tcase_add_test(tests, a_long_line_is_cut_and_still_ends);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
