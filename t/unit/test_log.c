/* Tests of log. */
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "runner.h"

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
    log_set_format(LOG_PLAIN);
    log_set_output("stderr");
    log_set_process("newsfeed");
    log_set_request(NULL);
}

/* As it is when somebody else made it; the tests read without waiting. */
static void make_it_block(void)
{
    ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, 0), 0);
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

/* Nobody reads: logs until no line can be left unlost, and says how many. */
static int fill_up(void)
{
    char text[1000];
    int count = 0;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (; count < 1000; count++)
        log_info("x", "%s", text);
    return count;
}

/* Reads until there is nothing more; counts the lines that end as they must,
 * and adds up what the others say to be lost. */
static void take_all(int *lines, int *lost)
{
    FILE *stream = fdopen(dup(pipe_fds[0]), "r");
    const char *words;

    *lines = *lost = 0;
    while (fgets(line, sizeof(line), stream)) {
        ck_assert_int_eq(line[strlen(line) - 1], '\n');
        ck_assert(fits(line, "^(<.>)?20[0-9-]+T[0-9:.]+Z [a-z]+ newsfeed\\["));
        words = strstr(line, " log: ");
        if (words)
            *lost += atoi(words + strlen(" log: "));
        else
            ++*lines;
    }
    fclose(stream);
}

/* There may have been room for the shorter line that tells. */
static void lose_and_find(void)
{
    int lines, more, lost, still_lost;

    int count = fill_up();
    take_all(&lines, &lost);
    ck_assert_int_gt(lines, 10);
    ck_assert_int_lt(lines + lost, count);
    ck_assert(log_tell_lost());
    log_info("x", "one more");
    take_all(&more, &still_lost);
    ck_assert_int_eq(more, 1);
    ck_assert_int_eq(lines + lost + still_lost, count);
    ck_assert(log_tell_lost());
    ck_assert_str_eq(logged(), ""); /* it is told once */
}

START_TEST(a_full_pipe_stops_nobody_and_the_loss_is_told)
{
    make_it_block();
    log_open();
    lose_and_find();
}
END_TEST

START_TEST(a_full_pipe_that_may_not_be_opened_stops_nobody)
{
    make_it_block();
    ck_assert_int_eq(fchmod(pipe_fds[1], 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    log_open();
    ck_assert_int_eq(seteuid(getuid()), 0);
    prctl(PR_SET_DUMPABLE, 1); /* LeakSanitizer needs it */
    lose_and_find();
}
END_TEST

START_TEST(the_mode_of_the_others_descriptor_stays)
{
    make_it_block();
    log_open();
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(losses_are_counted_over_all_processes)
{
    int lines, none, lost, still_lost;

    make_it_block();
    log_open();
    int count = fill_up();
    pid_t pid = fork();
    if (pid == 0) {
        fill_up();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    take_all(&lines, &lost);
    ck_assert(log_tell_lost());
    take_all(&none, &still_lost);
    ck_assert_int_eq(lines + lost + still_lost, 2 * count);
}
END_TEST

START_TEST(a_pipe_without_a_reader_stops_nobody)
{
    make_it_block();
    log_open();
    signal(SIGPIPE, SIG_IGN);
    close(pipe_fds[0]);
    log_info("x", "unheard");
    ck_assert(!log_tell_lost());
    ck_assert_int_eq(pipe(pipe_fds), 0); /* for tear_down */
}
END_TEST

/* In place of the pipe. */
static void use_sockets(void)
{
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_fds), 0);
    ck_assert_int_eq(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
    dup2(pipe_fds[1], STDERR_FILENO);
}

START_TEST(a_full_socket_stops_nobody_and_the_loss_is_told)
{
    use_sockets();
    log_open();
    lose_and_find();
}
END_TEST

START_TEST(a_line_has_its_priority_in_the_journal_alone)
{
    struct stat st;
    char name[64];

    use_sockets();
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(name, sizeof(name), "%lu:%lu", (unsigned long)st.st_dev,
        (unsigned long)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_open();
    log_error("x", "a");
    ck_assert(fits(logged(), "^<3>20.* error .*x: a\n$"));
    log_warn("x", "a");
    ck_assert(fits(logged(), "^<4>20"));
    log_info("x", "a");
    ck_assert(fits(logged(), "^<6>20"));

    setenv("JOURNAL_STREAM", "1:1", 1); /* of somebody who started us */
    log_open();
    log_info("x", "a");
    ck_assert(fits(logged(), "^20"));
    unsetenv("JOURNAL_STREAM");
}
END_TEST

START_TEST(a_terminal_that_is_held_up_stops_nobody)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios modes;

    ck_assert_int_eq(grantpt(terminal), 0);
    ck_assert_int_eq(unlockpt(terminal), 0);
    int fd = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tcgetattr(fd, &modes), 0);
    cfmakeraw(&modes);
    ck_assert_int_eq(tcsetattr(fd, TCSANOW, &modes), 0);
    dup2(fd, STDERR_FILENO);
    dup2(terminal, pipe_fds[0]);
    log_open();
    int count = fill_up();

    int found = 0, lost = 0;
    for (int i = 0; i < 2; i++) {
        FILE *stream = fdopen(dup(terminal), "r");
        while (fgets(line, sizeof(line), stream))
            if (strstr(line, " log: "))
                lost += atoi(strstr(line, " log: ") + strlen(" log: "));
            else /* one line may have been cut */
                found += fits(line, "^20.* newsfeed\\[[0-9]+\\] x: x{999}\n$");
        fclose(stream);
        log_tell_lost();
    }
    ck_assert_int_gt(found, 0);
    ck_assert_int_eq(found + lost, count);
    close(fd);
    close(terminal);
}
END_TEST

START_TEST(bytes_of_utf8_stay)
{
    log_info("x", "\xc3\xa4");
    ck_assert(fits(logged(), "x: \xc3\xa4\n$"));
}
END_TEST

START_TEST(control_characters_of_two_bytes_are_masked_as_well)
{
    log_info("x", "a\xc2\x9b"
                  "1m\xc2\x80\xc2\x9f\xc2\xa0");
    ck_assert(fits(logged(), "x: a\\?\\?1m\\?\\?\\?\\?\xc2\xa0\n$"));
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_masked)
{
    log_info("x", "\x9b"
                  "1m \xc3( \xc0\x80 \xed\xa0\x80 \xf0\x9f\x98\x80 \xe2\x82");
    ck_assert(fits(logged(), "x: \\?1m \\?\\( \\?\\? \\?\\?\\? "
                             "\xf0\x9f\x98\x80 \\?\\?\n$"));
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

START_TEST(a_line_of_json_says_the_same)
{
    log_set_format(LOG_JSON);
    log_set_process("worker 3");
    log_set_request("abc-1");
    log_warn("cache", "%s is \"gone\" \\ \n", "it");
    ck_assert(fits(logged(),
        "^\\{\"time\":\"20[0-9]{2}-[^\"]*Z\",\"level\":\"warn\","
        "\"process\":\"worker 3\",\"pid\":[0-9]+,\"request_id\":\"abc-1\","
        "\"subject\":\"cache\","
        "\"message\":\"it is \\\\\"gone\\\\\" \\\\\\\\ \\?\"\\}\n$"));
}
END_TEST

START_TEST(a_long_line_of_json_is_whole)
{
    char text[5000];

    log_set_format(LOG_JSON);
    for (int quotes = 0; quotes < 2; quotes++) {
        memset(text, quotes ? '"' : 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_info("x", "%s", text);
        ck_assert_uint_le(strlen(logged()), 2000);
        ck_assert_uint_gt(strlen(line), 1990);
        ck_assert(fits(line, "\"message\":\"(x+|(\\\\\")+)\"\\}\n$"));
    }
}
END_TEST

static const struct log_field fields[] = {
    {.name = "path", .text = "/a=\"b\""},
    {.name = "none", .text = ""},
    {.name = "status", .number = 200},
    {.name = "ms", .number = 1002, .is_us = true},
    {.name = "word", .text = "plain"},
};

START_TEST(fields_can_be_taken_apart)
{
    log_fields(LOG_LEVEL_INFO, "request", fields, 5);
    ck_assert(fits(logged(),
        "\\] request: path=\"/a=\\\\\"b\\\\\"\" none=\"\" status=200 "
        "ms=1.002 word=plain\n$"));
    log_set_format(LOG_JSON);
    log_fields(LOG_LEVEL_INFO, "request", fields, 5);
    ck_assert(fits(logged(),
        "\"subject\":\"request\",\"path\":\"/a=\\\\\"b\\\\\"\",\"none\":\"\","
        "\"status\":200,\"ms\":1.002,\"word\":\"plain\"\\}\n$"));
    log_fields(LOG_LEVEL_DEBUG, "request", fields, 5);
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(syslog_gets_what_it_takes_and_standard_error_the_rest)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char got[4096];

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/newsfeed-log.%d",
        (int)getpid());
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    log_set_output(address.sun_path);
    log_warn("x", "one");
    ssize_t len = recv(fd, got, sizeof(got) - 1, 0);
    ck_assert_int_gt(len, 0);
    got[len] = '\0';
    ck_assert(fits(got, "^<28>newsfeed\\[[0-9]+\\]: 20.* warn .* x: one$"));
    ck_assert_str_eq(logged(), "");

    close(fd);
    unlink(address.sun_path);
    log_warn("x", "two");
    ck_assert(fits(logged(), "^20.* warn .* x: two\n$"));

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0); /* it is back */
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    log_warn("x", "three");
    ck_assert_int_gt(recv(fd, got, sizeof(got), 0), 0);
    close(fd);
    unlink(address.sun_path);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_line_says_when_what_who_and_about_what);
    tcase_add_test(tests, a_request_is_named_until_it_is_over);
    tcase_add_test(tests, lines_above_the_level_are_dropped);
    tcase_add_test(tests, control_characters_forge_no_line);
    tcase_add_test(tests, a_full_pipe_stops_nobody_and_the_loss_is_told);
    tcase_add_test(tests, a_full_pipe_that_may_not_be_opened_stops_nobody);
    tcase_add_test(tests, the_mode_of_the_others_descriptor_stays);
    tcase_add_test(tests, losses_are_counted_over_all_processes);
    tcase_add_test(tests, a_pipe_without_a_reader_stops_nobody);
    tcase_add_test(tests, a_full_socket_stops_nobody_and_the_loss_is_told);
    tcase_add_test(tests, a_line_has_its_priority_in_the_journal_alone);
    tcase_add_test(tests, a_terminal_that_is_held_up_stops_nobody);
    tcase_add_test(tests, bytes_of_utf8_stay);
    tcase_add_test(tests, control_characters_of_two_bytes_are_masked_as_well);
    tcase_add_test(tests, bytes_that_are_no_utf8_are_masked);
    tcase_add_test(tests, a_long_line_is_cut_and_still_ends);
    tcase_add_test(tests, a_line_of_json_says_the_same);
    tcase_add_test(tests, a_long_line_of_json_is_whole);
    tcase_add_test(tests, fields_can_be_taken_apart);
    tcase_add_test(
        tests, syslog_gets_what_it_takes_and_standard_error_the_rest);
}
