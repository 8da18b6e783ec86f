/* Tests of meta, against a played server. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meta.h"
#include "runner.h"

enum {
    TIMEOUT = 2000, /* ms; whoever waits for it waits shorter */
    SHORT = 20
};

static char folder[32];
static char path[64];
static int listener;
static pid_t server;
static bool at_once; /* it answers */
static struct meta *meta;
static struct buf keys;

static void set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    at_once = false;
    strcpy(folder, "/tmp/newsfeed-meta-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(
        bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    meta = meta_new(path, 0);
    meta_limit(meta, TIMEOUT);
}

static void tear_down(void)
{
    meta_free(meta);
    close(listener);
    unlink(path);
    rmdir(folder);
    buf_free(&keys);
}

/* --- the server --------------------------------------------------------- */

/* Takes exactly these bytes, then answers, byte by byte. */
static void play(int peer, const char *commands, const char *answer)
{
    char bytes[1024] = "";
    size_t len = 0;

    while (len < strlen(commands)) {
        ssize_t got = read(peer, bytes + len, strlen(commands) - len);
        if (got <= 0)
            _exit(1);
        len += (size_t)got;
    }
    if (memcmp(bytes, commands, len) != 0)
        _exit(2);
    size_t step = at_once ? strlen(answer) : 1;
    for (; *answer; answer += step)
        if (write(peer, answer, step) != (ssize_t)step)
            _exit(3);
}

/* A server for one connection, which ends when it has played, or stays until
 * the client goes. */
static void serve(const char *commands, const char *answer, bool stays)
{
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server > 0)
        return;
    int peer = accept(listener, NULL, NULL);
    char byte;
    play(peer, commands, answer);
    while (stays && read(peer, &byte, 1) > 0)
        ;
    _exit(0);
}

/* Whether it got what it should. */
static bool was_served(void)
{
    int status = -1;

    meta_free(meta);
    meta = NULL;
    waitpid(server, &status, 0);
    return status == 0;
}

/* --- commands ----------------------------------------------------------- */

START_TEST(deletes_are_sent_at_the_fence_and_answered_by_it)
{
    serve("md a q\r\nmd b q\r\nmn\r\n", "NF\r\nMN\r\n", true);
    ck_assert_int_eq(meta_delete(meta, "a"), META_OK);
    ck_assert_int_eq(meta_delete(meta, "b"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_uint_eq(keys.len, 0);
    ck_assert(was_served());
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        int peer = accept(listener, NULL, NULL);
        play(peer, "md a q\r\nmn\r\n", "MN\r\n");
        play(peer, "ms k 2 T5 q\r\nab\r\nmn\r\n", "MN\r\n");
        _exit(0);
    }
    ck_assert_int_eq(meta_delete(meta, "a"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_int_eq(meta_set(meta, "k", "ab", 2, 5), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert(was_served());
}
END_TEST

START_TEST(what_could_not_be_put_in_front_is_told)
{
    serve("ms a 1 MP k q\r\nx\r\nmg a k f s q Op\r\n"
          "ms b 1 MP k q\r\nx\r\nmg b k f s q Op\r\n"
          "ms c 1 MP k q\r\nx\r\nmg c k f s q Op\r\n"
          "mn\r\n",
        "NS ka\r\n" /* nothing is there */
        "HD kb Op\r\n"
        "NS kc\r\nHD kc Op\r\nMN\r\n",
        true);
    ck_assert_int_eq(meta_prepend(meta, "a", "x", 1), META_OK);
    ck_assert_int_eq(meta_prepend(meta, "b", "x", 1), META_OK);
    ck_assert_int_eq(meta_prepend(meta, "c", "x", 1), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_str_eq(buf_text(&keys), "c\n");
    ck_assert(was_served());
}
END_TEST

START_TEST(what_has_outgrown_its_room_is_told)
{
    serve("ms a 1 MP k q\r\nx\r\nmg a k f s q Op\r\n"
          "ms b 1 MP k q\r\nx\r\nmg b k f s q Op\r\n"
          "ms c 1 MP k q\r\nx\r\nmg c k f s q Op\r\n"
          "mn\r\n",
        "HD ka f100 s100 Op\r\n"
        "HD kb f100 s101 Op\r\n"
        "HD kc f0 s1048576 Op\r\n" /* it has no limit */
        "MN\r\n",
        true);
    ck_assert_int_eq(meta_prepend(meta, "a", "x", 1), META_OK);
    ck_assert_int_eq(meta_prepend(meta, "b", "x", 1), META_OK);
    ck_assert_int_eq(meta_prepend(meta, "c", "x", 1), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_str_eq(buf_text(&keys), "b\n");
    ck_assert(was_served());
}
END_TEST

START_TEST(what_was_refused_before_is_not_told_again)
{
    static const char prepend[] =
        "ms a 1 MP k q\r\nx\r\nmg a k f s q Op\r\nmn\r\n";

    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        int peer = accept(listener, NULL, NULL);
        play(peer, prepend, "NS ka\r\nMN\r\n");
        play(peer, prepend, "HD ka Op\r\nMN\r\n");
        _exit(0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(meta_prepend(meta, "a", "x", 1), META_OK);
        ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
        ck_assert_uint_eq(keys.len, 0);
    }
    ck_assert(was_served());
}
END_TEST

START_TEST(what_is_found_is_told)
{
    serve("mg a k q\r\nmg b k q\r\nmn\r\n", "HD kb\r\nMN\r\n", true);
    ck_assert_int_eq(meta_find(meta, "a"), META_OK);
    ck_assert_int_eq(meta_find(meta, "b"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_str_eq(buf_text(&keys), "b\n");
    ck_assert(was_served());
}
END_TEST

START_TEST(a_lack_of_memory_there_is_no_failure)
{
    serve("ms a 1 T5 q\r\nx\r\nmn\r\n",
        "SERVER_ERROR out of memory storing object\r\nMN\r\n", true);
    ck_assert_int_eq(meta_set(meta, "a", "x", 1, 5), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert(was_served());
}
END_TEST

/* More than a socket takes, in both directions: nobody waits for the other. */
START_TEST(many_commands_at_once_do_not_get_stuck)
{
    enum {
        COUNT = 20000
    };

    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        int peer = accept(listener, NULL, NULL);
        for (int i = 0; i < COUNT; i++) {
            char find[32];
            char answer[32];
            snprintf(find, sizeof(find), "mg key-%d k q\r\n", i);
            snprintf(answer, sizeof(answer), "HD kkey-%d\r\n", i);
            play(peer, find, answer);
        }
        play(peer, "mn\r\n", "MN\r\n");
        _exit(0);
    }
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        ck_assert_int_eq(meta_find(meta, key), META_OK);
    }
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    int lines = 0;
    for (size_t i = 0; i < keys.len; i++)
        lines += keys.data[i] == '\n';
    ck_assert_int_eq(lines, COUNT);
    ck_assert(was_served());
}
END_TEST

/* Not at a fence alone, and behind one as well. */
START_TEST(answers_are_read_while_commands_are_sent)
{
    static char value[1 << 20];
    static char taken[1 << 16];

    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        int peer = accept(listener, NULL, NULL);
        play(peer, "mn\r\n", "MN\r\n");
        play(peer, "ms k 1048576 MP k q\r\n", "NS kk\r\n");
        size_t left = sizeof(value) + strlen("\r\nmg k k f s q Op\r\n");
        for (ssize_t got = 1; left > 0 && got > 0; left -= (size_t)got)
            got =
                read(peer, taken, left < sizeof(taken) ? left : sizeof(taken));
        play(peer, "md d q\r\nmn\r\n", "HD kk Op\r\nMN\r\n");
        _exit(left > 0);
    }
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    memset(value, 'x', sizeof(value));
    ck_assert_int_eq(meta_prepend(meta, "k", value, sizeof(value)), META_OK);
    ck_assert_int_eq(meta_delete(meta, "d"), META_OK); /* sends the others */
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert_str_eq(buf_text(&keys), "k\n");
    ck_assert(was_served());
}
END_TEST

/* --- what goes wrong ---------------------------------------------------- */

static const char *const no_keys[] = {
    "", "a b", "a\r\nmn", "a\t", "\x7f", "k\xc3\xa4se"};

START_TEST(what_is_no_key_is_not_sent)
{
    ck_assert_int_eq(meta_delete(meta, no_keys[_i]), META_FAILED);
    ck_assert_int_eq(meta_find(meta, no_keys[_i]), META_FAILED);
    ck_assert_int_eq(meta_set(meta, no_keys[_i], "x", 1, 1), META_FAILED);
    ck_assert_int_eq(meta_prepend(meta, no_keys[_i], "x", 1), META_FAILED);
}
END_TEST

START_TEST(a_long_key_is_not_sent)
{
    char key[252];

    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    ck_assert_int_eq(meta_delete(meta, key), META_FAILED);
    key[250] = '\0';
    ck_assert_int_eq(meta_delete(meta, key), META_OK);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_a_lost_connection)
{
    close(listener);
    listener = -1;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(meta_delete(meta, "a"), META_LOST);
        ck_assert_int_eq(meta_fence(meta, &keys), META_LOST);
        ck_assert_str_eq(meta_error(meta), strerror(ECONNREFUSED));
    }
}
END_TEST

START_TEST(a_closed_connection_is_lost_and_made_anew)
{
    serve("md a q\r\n", "", false);
    ck_assert_int_eq(meta_delete(meta, "a"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_LOST);
    waitpid(server, NULL, 0);
    serve("md b q\r\nmn\r\n", "MN\r\n", true); /* nothing of before */
    ck_assert_int_eq(meta_delete(meta, "b"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_OK);
    ck_assert(was_served());
}
END_TEST

START_TEST(a_silent_server_is_not_waited_for)
{
    serve("md a q\r\nmn\r\n", "", true);
    meta_limit(meta, SHORT);
    ck_assert_int_eq(meta_delete(meta, "a"), META_OK);
    ck_assert_int_eq(meta_fence(meta, &keys), META_FAILED);
    ck_assert_str_eq(meta_error(meta), "it does not answer in time");
    ck_assert(was_served());
}
END_TEST

START_TEST(a_server_that_takes_nothing_is_not_waited_for)
{
    static char value[1 << 20];
    enum meta_result result = META_OK;

    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        int peer = accept(listener, NULL, NULL);
        pause();
        _exit(peer);
    }
    memset(value, 'x', sizeof(value));
    meta_limit(meta, SHORT);
    for (int i = 0; i < 10 && !result; i++)
        result = meta_prepend(meta, "k", value, sizeof(value));
    ck_assert_int_eq(result, META_FAILED);
    ck_assert_str_eq(meta_error(meta), "it takes nothing in time");
    kill(server, SIGKILL);
}
END_TEST

static const char *const no_answers[] = {
    "XX\r\nMN\r\n",
    "\r\nMN\r\n",
    "MN\n",
    "MN\r\nMN\r\n",
    "ERROR\r\n",
    "CLIENT_ERROR bad command line format\r\nMN\r\n",
    "VA 1\r\nx\r\nMN\r\n",
};

START_TEST(what_is_no_answer_ends_the_connection)
{
    at_once = true; /* what comes later is the next question's */
    serve("mn\r\n", no_answers[_i], true);
    ck_assert_int_eq(meta_fence(meta, &keys), META_FAILED);
    ck_assert_str_eq(meta_error(meta), "it sent an answer that is none");
    meta_free(meta);
    meta = NULL;
    waitpid(server, NULL, 0);
}
END_TEST

START_TEST(an_answer_without_an_end_ends_the_connection)
{
    static char line[4096];

    memset(line, 'x', sizeof(line) - 1);
    serve("mn\r\n", line, true);
    ck_assert_int_eq(meta_fence(meta, &keys), META_FAILED);
    meta_free(meta);
    meta = NULL;
    waitpid(server, NULL, 0);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, deletes_are_sent_at_the_fence_and_answered_by_it);
    tcase_add_test(tests, a_connection_is_used_again);
    tcase_add_test(tests, what_could_not_be_put_in_front_is_told);
    tcase_add_test(tests, what_has_outgrown_its_room_is_told);
    tcase_add_test(tests, what_was_refused_before_is_not_told_again);
    tcase_add_test(tests, what_is_found_is_told);
    tcase_add_test(tests, a_lack_of_memory_there_is_no_failure);
    tcase_add_test(tests, many_commands_at_once_do_not_get_stuck);
    tcase_add_test(tests, answers_are_read_while_commands_are_sent);
    tcase_add_loop_test(tests, what_is_no_key_is_not_sent, 0,
        sizeof(no_keys) / sizeof(*no_keys));
    tcase_add_test(tests, a_long_key_is_not_sent);
    tcase_add_test(tests, a_server_that_is_not_there_is_a_lost_connection);
    tcase_add_test(tests, a_closed_connection_is_lost_and_made_anew);
    tcase_add_test(tests, a_silent_server_is_not_waited_for);
    tcase_add_test(tests, a_server_that_takes_nothing_is_not_waited_for);
    tcase_add_loop_test(tests, what_is_no_answer_ends_the_connection, 0,
        sizeof(no_answers) / sizeof(*no_answers));
    tcase_add_test(tests, an_answer_without_an_end_ends_the_connection);
}
