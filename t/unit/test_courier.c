/* Tests of courier, against a server that answers as its path says. */
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "courier.h"
#include "runner.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))
#define BODY "{\"id\":\"812.7\"}"

enum {
    SOON = 500,   /* ms of a whole request that is not answered */
    LONG = 20000, /* ms */
};

static struct courier *courier;
static struct courier_answer answer;
static char url[300];
static int port;
static pid_t server;

/* --- the server, a process for each connection --------------------------- */

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void say_for_ever(int fd, const char *text, int ms)
{
    for (;;) {
        say(fd, text);
        poll(NULL, 0, ms);
    }
}

/* Up to the end of the body; false: the client has gone. */
static bool hear(int fd, char *request, size_t size)
{
    size_t len = 0;
    ssize_t got;

    do {
        got = recv(fd, request + len, size - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
        request[len] = '\0';
    } while (got > 0 && !strstr(request, BODY));
    return got > 0;
}

static bool is_as_it_should_be(const char *request)
{
    return strstr(request, " HTTP/1.1\r\n") &&
           strstr(request, "\r\nContent-Type: text/a\r\n") &&
           strstr(request, "\r\nx-b: c\r\n") &&
           strstr(request, "\r\nContent-Length: 14\r\n") &&
           !strcasestr(request, "\r\nExpect:") &&
           !strcasestr(request, "\r\nAccept-Encoding:") &&
           strstr(request, "\r\n\r\n" BODY);
}

static void serve(int fd)
{
    char request[2000];
    char path[32];

    while (hear(fd, request, sizeof(request))) {
        if (sscanf(request, "POST /%31s ", path) != 1)
            _exit(1);
        if (strcmp(path, "check") == 0)
            say(fd, is_as_it_should_be(request)
                        ? "HTTP/1.1 204 \r\n\r\n"
                        : "HTTP/1.1 400 \r\nContent-Length: 0\r\n\r\n");
        else if (strcmp(path, "again") == 0)
            say(fd, "HTTP/1.1 503 Full\r\nRetry-After: 77\r\n"
                    "Content-Length: 0\r\n\r\n");
        else if (strcmp(path, "elsewhere") == 0)
            say(fd, "HTTP/1.1 307 Go\r\nLocation: /check\r\n"
                    "Content-Length: 0\r\n\r\n");
        else if (strcmp(path, "early") == 0)
            say(fd, "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 202 Late\r\n"
                    "Content-Length: 0\r\n\r\n");
        else if (strcmp(path, "early-alone") == 0)
            say(fd, "HTTP/1.1 103 Early\r\n\r\n");
        else if (strcmp(path, "flood") == 0) {
            say(fd, "HTTP/1.1 200 OK\r\n\r\n");
            say_for_ever(fd, request, 0);
        } else if (strcmp(path, "flood-of-heads") == 0) {
            say(fd, "HTTP/1.1 200 OK\r\n");
            say_for_ever(fd, "X: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 0);
        } else if (strcmp(path, "drops") == 0) {
            say(fd, "HTTP/1.1 200 OK\r\n\r\n");
            say_for_ever(fd, "x", 50);
        } else if (strcmp(path, "drops-of-a-head") == 0) {
            say(fd, "HTTP/1.1 200 OK\r\nX: ");
            say_for_ever(fd, "x", 50);
        } else if (strcmp(path, "nonsense") == 0)
            say_for_ever(fd, "no HTTP at all\r\n", 10);
        else if (strcmp(path, "gone") == 0)
            _exit(0);
        else if (strcmp(path, "silence") == 0)
            say_for_ever(fd, "", 1000);
    }
    _exit(0);
}

static void start_server(void)
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    void *any = &address;

    ck_assert_int_eq(bind(listener, any, len), 0);
    ck_assert_int_eq(listen(listener, 50), 0);
    ck_assert_int_eq(getsockname(listener, any, &len), 0);
    port = ntohs(address.sin6_port);
    server = fork();
    if (server == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* where a test fails */
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(listener);
                serve(fd);
            }
            close(fd);
        }
    }
    setpgid(server, server);
    close(listener);
}

static void stop_server(void)
{
    kill(-server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* --- the client ----------------------------------------------------------- */

static void make(int timeout, bool private_addresses)
{
    courier_free(courier);
    courier = courier_new(&(struct courier_settings){
        .at_once = 2,
        .timeout = timeout,
        .private_addresses = private_addresses,
        .ca_file = "",
    });
    ck_assert_ptr_nonnull(courier);
}

static void set_up(void)
{
    start_server();
    make(LONG, true);
}

static void tear_down(void)
{
    courier_free(courier);
    stop_server();
}

static bool post(const char *path)
{
    static const char *const headers[] = {
        "Content-Type: text/a", "x-b: c", NULL};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", port, path);
    return courier_send(
        courier, url, headers, (struct text){BODY, strlen(BODY)}, url);
}

static int ask(const char *path)
{
    ck_assert(post(path));
    ck_assert(courier_next(courier, LONG, &answer));
    ck_assert_ptr_eq(answer.tag, url);
    ck_assert_int_eq(answer.status == 0, answer.failure != NULL);
    return answer.status;
}

static int ask_origin(const char *origin)
{
    snprintf(url, sizeof(url), "%s:%d/check", origin, port);
    ck_assert(courier_send(courier, url, (const char *const[]){NULL},
        (struct text){BODY, strlen(BODY)}, url));
    ck_assert(courier_next(courier, LONG, &answer));
    return answer.status;
}

START_TEST(posts_what_it_is_given)
{
    ck_assert_int_eq(ask("check"), 204);
    ck_assert_int_eq(ask("check"), 204);
    ck_assert_int_eq(answer.retry_after, 0);
}
END_TEST

static const struct {
    const char *path;
    int status;
} answers[] = {
    {"again", 503},
    {"elsewhere", 307}, /* and not what is there */
    {"early", 202},
    {"flood", 200},
};

START_TEST(tells_the_status)
{
    int64_t start = monotonic_ms();

    ck_assert_int_eq(ask(answers[_i].path), answers[_i].status);
    ck_assert_int_lt(monotonic_ms() - start, LONG / 2); /* not all of a flood */
}
END_TEST

START_TEST(tells_when_to_come_again)
{
    ck_assert_int_eq(ask("again"), 503);
    ck_assert_int_eq(answer.retry_after, 77);
    ck_assert_int_eq(ask("check"), 204);
    ck_assert_int_eq(answer.retry_after, 0);
}
END_TEST

static const char *const failures[] = {"gone", "silence", "nonsense",
    "early-alone", "drops-of-a-head", "flood-of-heads"};

START_TEST(tells_that_there_is_no_answer)
{
    make(SOON, true);
    ck_assert_int_eq(ask("check"), 204);
    ck_assert_int_eq(ask(failures[_i]), 0);
    ck_assert(!answer.is_private);
    ck_assert_int_eq(ask("check"), 204);
}
END_TEST

START_TEST(a_whole_head_is_an_answer_in_time)
{
    make(SOON, true);
    int64_t start = monotonic_ms();
    ck_assert_int_eq(ask("drops"), 200);
    ck_assert_int_ge(monotonic_ms() - start, SOON - 10); /* curl rounds */
}
END_TEST

START_TEST(says_that_a_head_is_too_long)
{
    ask("flood-of-heads");
    ck_assert_str_eq(answer.failure, "the head of its answer is too long");
}
END_TEST

START_TEST(says_that_nobody_is_there)
{
    stop_server();
    ck_assert_int_eq(ask("check"), 0);
    ck_assert_ptr_nonnull(strstr(answer.failure, "connect"));
}
END_TEST

/* --- at once -------------------------------------------------------------- */

START_TEST(has_room_for_so_many)
{
    ck_assert(courier_has_room(courier));
    ck_assert(post("silence"));
    ck_assert(courier_has_room(courier));
    ck_assert(post("silence"));
    ck_assert(!courier_has_room(courier));
    courier_drop(courier);
    ck_assert(courier_has_room(courier));
    ck_assert(!courier_next(courier, LONG, &answer));
}
END_TEST

START_TEST(one_that_is_slow_holds_up_no_other)
{
    ck_assert(post("silence"));
    ck_assert_int_eq(ask("check"), 204);
    ck_assert(courier_has_room(courier));
}
END_TEST

START_TEST(waits_for_as_long_as_it_is_told)
{
    ck_assert(!courier_next(courier, LONG, &answer)); /* for nothing */
    ck_assert(post("silence"));
    int64_t start = monotonic_ms();
    ck_assert(!courier_next(courier, 50, &answer));
    ck_assert_int_ge(monotonic_ms() - start, 50);
    ck_assert(!courier_next(courier, 0, &answer));
}
END_TEST

/* In place of the C library's, of which libcurl asks in threads: one name takes
 * long. */
int getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    int (*original)(const char *, const char *, const struct addrinfo *,
        struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    memcpy(&original, &symbol, sizeof(original));
    if (strcmp(name, "slow.example") == 0)
        poll(NULL, 0, 10 * SOON);
    return original(name, service, hints, found);
}

START_TEST(a_name_that_is_not_found_holds_up_nobody)
{
    make(SOON, true);
    int64_t start = monotonic_ms();
    ck_assert_int_eq(ask_origin("http://slow.example"), 0);
    ck_assert_int_lt(monotonic_ms() - start, 5 * SOON);
}
END_TEST

/* --- where it does not go ---------------------------------------------------
 */

static const char *const private_origins[] = {
    "http://127.0.0.1",
    "http://localhost",
    "http://2130706433",
    "http://0x7f.1",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
};

START_TEST(private_addresses_are_refused)
{
    ask_origin(private_origins[_i]);
    ck_assert_int_eq(answer.status, 400); /* it is there */
    make(LONG, false);
    ask_origin(private_origins[_i]);
    ck_assert_int_eq(answer.status, 0);
    ck_assert(answer.is_private);
    ask_origin("ftp://127.0.0.1");
    ck_assert(!answer.is_private);
    make(LONG, true);
    ask_origin(private_origins[_i]);
    ck_assert_int_eq(answer.status, 400);
    ck_assert(!answer.is_private);
}
END_TEST

START_TEST(proxies_are_not_asked)
{
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    ck_assert_int_eq(setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1), 0);
    ck_assert_int_eq(ask("check"), 204);
}
END_TEST

static const char *const other_protocols[] = {"ftp://127.0.0.1",
    "gopher://127.0.0.1", "smtp://127.0.0.1", "ws://127.0.0.1"};

START_TEST(other_protocols_are_not_spoken)
{
    ck_assert_int_eq(ask_origin(other_protocols[_i]), 0);
    ck_assert_str_eq(answer.failure, "Unsupported protocol");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, posts_what_it_is_given);
    tcase_add_loop_test(tests, tells_the_status, 0, COUNT(answers));
    tcase_add_test(tests, tells_when_to_come_again);
    tcase_add_loop_test(
        tests, tells_that_there_is_no_answer, 0, COUNT(failures));
    tcase_add_test(tests, a_whole_head_is_an_answer_in_time);
    tcase_add_test(tests, says_that_a_head_is_too_long);
    tcase_add_test(tests, says_that_nobody_is_there);
    tcase_add_test(tests, has_room_for_so_many);
    tcase_add_test(tests, one_that_is_slow_holds_up_no_other);
    tcase_add_test(tests, waits_for_as_long_as_it_is_told);
    tcase_add_test(tests, a_name_that_is_not_found_holds_up_nobody);
    tcase_add_loop_test(
        tests, private_addresses_are_refused, 0, COUNT(private_origins));
    tcase_add_test(tests, proxies_are_not_asked);
    tcase_add_loop_test(
        tests, other_protocols_are_not_spoken, 0, COUNT(other_protocols));
}
