/* Tests of push: over sockets, in the loop that it runs. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "push.h"
#include "runner.h"

enum {
    CLIENTS = 2,
    LONG = 64 << 10,
    HEARTBEAT = 40, /* ms */
};

static char folder[32];
static char path[64];
static int listen_fd;
static struct push *push;
static struct push_service service;
static int clients[CLIENTS];
static struct push_peer *peers[CLIENTS];
static int opened;
static int closed;
static int64_t until;
static int refuse_with;
static struct buf received;

/* What the loop is run for. */
static bool (*is_done)(void);
static int turns;

static void *open_peer(void *context, struct push_peer *peer,
    const struct push_request *request, struct push_refusal *refusal)
{
    char own[32];

    (void)context;
    ck_assert_str_eq(request->id, "an-id");
    if (refuse_with) {
        refusal->status = refuse_with;
        refusal->content_type = "text/plain";
        buf_puts(&refusal->body, "no room");
        return NULL;
    }
    snprintf(own, sizeof(own), ",\"to\":\"%s\"", request->path);
    push_set(peer, own, until);
    peers[opened++] = peer;
    return peer;
}

static void close_peer(void *context, void *listener)
{
    (void)context;
    for (int i = 0; i < CLIENTS; i++)
        if (peers[i] == listener)
            peers[i] = NULL;
    closed++;
}

static int turn(void *context)
{
    (void)context;
    ck_assert_int_lt(++turns, 5000);
    if (is_done())
        push_stop(push);
    return 1;
}

static void run_until(bool (*condition)(void))
{
    is_done = condition;
    turns = 0;
    push_run(push);
}

static void set_up(void)
{
    struct buf reason = {0};

    strcpy(folder, "/tmp/newsfeed-push-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    service = (struct push_service){open_peer, close_peer, turn, NULL};
    listen_fd = listen_open(path, &reason);
    push = push_new(listen_fd, 8, HEARTBEAT, &service);
    ck_assert_ptr_nonnull(push);
}

/* Signs of life are seldom from now on. */
static void be_patient(void)
{
    push_free(push);
    push = push_new(listen_fd, 8, 60000, &service);
    ck_assert_ptr_nonnull(push);
}

static void tear_down(void)
{
    char lock[80];

    push_free(push);
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i] > 0)
            close(clients[i]);
    buf_free(&received);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    unlink(path);
    unlink(lock);
    rmdir(folder);
}

static void ask(int i, const char *request)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, path);
    clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(
        write(clients[i], request, strlen(request)), strlen(request));
}

static bool one_is_open(void)
{
    return opened == 1;
}

static bool two_are_open(void)
{
    return opened == 2;
}

static bool one_is_closed(void)
{
    return closed == 1;
}

static void listen_as(int i, const char *name)
{
    char request[128];

    snprintf(request, sizeof(request),
        "GET /%s HTTP/1.1\r\nHost: a\r\nX-Request-Id: an-id\r\n\r\n", name);
    ask(i, request);
    run_until(i == 0 ? one_is_open : two_are_open);
}

/* All that has come to a client, without waiting. */
static void receive(int i)
{
    char bytes[4096];
    ssize_t got;

    while ((got = recv(clients[i], bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        buf_add(&received, bytes, (size_t)got);
}

static const char *awaited;
static int awaiting;

static bool has_come(void)
{
    receive(awaiting);
    return received.len > 0 &&
           memmem(received.data, received.len, awaited, strlen(awaited));
}

static void await(int i, const char *text)
{
    awaiting = i;
    awaited = text;
    run_until(has_come);
}

static bool is_over(void)
{
    struct pollfd peer = {.fd = clients[awaiting], .events = POLLRDHUP};

    return poll(&peer, 1, 0) == 1 && (peer.revents & (POLLRDHUP | POLLHUP));
}

static void await_end(int i)
{
    awaiting = i;
    run_until(is_over);
    receive(i);
}

static struct push_message *message(const char *id, const char *data)
{
    const char *gap = strchr(data, '|');
    char text[64];

    snprintf(text, sizeof(text), "%.*s%s",
        (int)(gap ? gap - data : (long)strlen(data)), data, gap ? gap + 1 : "");
    return push_message_new("item", id, (struct text){text, strlen(text)},
        gap ? (size_t)(gap - data) : 0);
}

static void send_one(struct push_peer *peer, const char *id, const char *data)
{
    struct push_message *m = message(id, data);

    push_send(peer, m);
    push_release(m);
}

START_TEST(a_message_is_one_event_to_each_with_its_own_text)
{
    struct push_message *m = message("12.3", "{\"id\":1|,\"a\":2}");

    listen_as(0, "one");
    listen_as(1, "two");
    push_send(peers[0], m);
    push_send(peers[1], m);
    push_release(m);
    await(0, "\n\nevent: item\nid: 12.3\n"
             "data: {\"id\":1,\"to\":\"/one\",\"a\":2}\n\n");
    ck_assert_ptr_nonnull(strstr(received.data, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(received.data, "text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(received.data, "\r\n\r\nretry: "));
    await(1, "data: {\"id\":1,\"to\":\"/two\",\"a\":2}\n\n");
}
END_TEST

START_TEST(messages_come_in_their_order)
{
    listen_as(0, "one");
    for (int i = 100; i < 150; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        send_one(peers[0], id, "{}");
    }
    await(0, "id: 149\n");
    const char *at = received.data;
    for (int i = 100; i < 150; i++) {
        char id[16];
        snprintf(id, sizeof(id), "id: %d\n", i);
        at = strstr(at, id);
        ck_assert_ptr_nonnull(at);
    }
}
END_TEST

static void open_websocket(void)
{
    ask(0, "GET /one HTTP/1.1\r\nHost: a\r\nX-Request-Id: an-id\r\n"
           "Connection: upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    run_until(one_is_open);
}

START_TEST(a_websocket_gets_frames)
{
    open_websocket();
    send_one(peers[0], "7", "{\"id\":1|}");
    await(0, "\x81\x35{\"event\":\"item\",\"id\":\"7\","
             "\"data\":{\"id\":1,\"to\":\"/one\"}}");
    /* of the key, as RFC 6455 has it for an example */
    ck_assert_ptr_nonnull(
        strstr(received.data, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    await(0, "\x89"); /* a ping, a while later */
    push_end(peers[0]);
    await(0, "\x88\x02\x03\xe9");
}
END_TEST

START_TEST(silence_is_broken_by_comments)
{
    listen_as(0, "one");
    await(0, "\n\n:\n\n:\n\n");
}
END_TEST

START_TEST(an_end_comes_behind_all_that_is_unsent)
{
    listen_as(0, "one");
    send_one(peers[0], "7", "{}");
    push_end(peers[0]);
    send_one(peers[0], "8", "{}");
    await_end(0);
    ck_assert_ptr_nonnull(strstr(received.data, "id: 7\n"));
    ck_assert_ptr_null(strstr(received.data, "id: 8\n"));
    ck_assert_int_eq(closed, 1);
}
END_TEST

START_TEST(it_ends_when_its_time_is_over)
{
    until = (int64_t)time(NULL) + 1;
    listen_as(0, "one");
    await_end(0);
    ck_assert_int_ge((int64_t)time(NULL), until);
}
END_TEST

START_TEST(a_refusal_is_an_answer)
{
    refuse_with = 429;
    ask(0, "GET /one HTTP/1.1\r\nHost: a\r\nX-Request-Id: an-id\r\n\r\n");
    await_end(0);
    ck_assert_ptr_nonnull(strstr(received.data, "HTTP/1.1 429 "));
    ck_assert_ptr_nonnull(strstr(received.data, "content-length: 7\r\n"));
    ck_assert_ptr_nonnull(strstr(received.data, "\r\n\r\nno room"));
    ck_assert_int_eq(closed, 0);
}
END_TEST

START_TEST(whoever_goes_is_closed)
{
    be_patient();
    listen_as(0, "one");
    close(clients[0]);
    clients[0] = 0;
    run_until(one_is_closed);
}
END_TEST

START_TEST(a_websocket_that_goes_is_closed)
{
    be_patient();
    open_websocket();
    close(clients[0]);
    clients[0] = 0;
    run_until(one_is_closed);
}
END_TEST

START_TEST(what_a_listener_says_means_nothing)
{
    be_patient();
    listen_as(0, "one");
    ck_assert_int_eq(write(clients[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    send_one(peers[0], "7", "{}");
    await(0, "id: 7\n");
    ck_assert_ptr_null(strstr(strstr(received.data, "200 OK") + 1, "HTTP/1.1"));
}
END_TEST

static void send_much(struct push_peer *peer, size_t bytes)
{
    char *text = malloc(LONG);

    memset(text, 'x', LONG);
    for (size_t sent = 0; sent < bytes; sent += LONG) {
        struct push_message *m =
            push_message_new("item", "1", (struct text){text, LONG}, 0);
        push_send(peer, m);
        push_release(m);
    }
    free(text);
}

START_TEST(whoever_is_too_far_behind_is_dropped)
{
    listen_as(0, "one");
    listen_as(1, "two");
    send_much(peers[0], PUSH_UNSENT_MAX - 2 * LONG);
    ck_assert_uint_ge(push_unsent(peers[0]), PUSH_UNSENT_MAX - 2 * LONG);
    send_much(peers[0], 4 * LONG);
    ck_assert_uint_eq(push_unsent(peers[0]), 0);
    run_until(one_is_closed);
    send_one(peers[1], "7", "{}");
    await(1, "id: 7\n");
}
END_TEST

START_TEST(whoever_takes_nothing_for_long_is_dropped)
{
    listen_as(0, "one");
    send_much(peers[0], PUSH_UNSENT_MAX - 2 * LONG);
    run_until(one_is_closed);
}
END_TEST

START_TEST(all_are_ended_a_few_at_a_time)
{
    listen_as(0, "one");
    listen_as(1, "two");
    ck_assert(push_end_some(push, 1));
    await_end(0);
    ck_assert_int_eq(closed, 1);
    ck_assert(push_end_some(push, 1));
    await_end(1);
    ck_assert(!push_end_some(push, 1));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_message_is_one_event_to_each_with_its_own_text);
    tcase_add_test(tests, messages_come_in_their_order);
    tcase_add_test(tests, a_websocket_gets_frames);
    tcase_add_test(tests, silence_is_broken_by_comments);
    tcase_add_test(tests, an_end_comes_behind_all_that_is_unsent);
    tcase_add_test(tests, it_ends_when_its_time_is_over);
    tcase_add_test(tests, a_refusal_is_an_answer);
    tcase_add_test(tests, whoever_goes_is_closed);
    tcase_add_test(tests, a_websocket_that_goes_is_closed);
    tcase_add_test(tests, what_a_listener_says_means_nothing);
    tcase_add_test(tests, whoever_is_too_far_behind_is_dropped);
    tcase_add_test(tests, whoever_takes_nothing_for_long_is_dropped);
    tcase_add_test(tests, all_are_ended_a_few_at_a_time);
}
