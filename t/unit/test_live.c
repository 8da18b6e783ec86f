/* Tests of live, over a database and connections that are a few arrays. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "clock.h"
#include "live.h"
#include "live_read.h"
#include "runner.h"

enum {
    PEERS = 4,
    ENTRIES = 64,
    PIECE = 3, /* of what a reader catches up with, in one look */
    MUCH = 1 << 19,
};

/* --- the database ------------------------------------------------------- */

/* What is in the feed of a reader. Of a post everybody hears alike; whatever
 * else it is, it touches the reader. */
static struct entry {
    int64_t pos;
    int64_t sub;
    int64_t reader;
    bool is_post;
    bool is_end;
} entries[ENTRIES];
static int entry_count;
static int64_t arrived;
static int64_t event_floor;
static int64_t database;
static enum error fault;
static int64_t now;

static int64_t gone; /* a participant that is no more */

static const struct entry *found[ENTRIES];
static int found_count;

int64_t monotonic_ns(void)
{
    return monotonic_ms() * 1000000;
}

int64_t monotonic_ms(void)
{
    return now;
}

void arrival_free(struct arrival *arrival)
{
    (void)arrival;
}

static void add(int64_t pos, int64_t sub, int64_t reader, bool is_post)
{
    ck_assert_int_lt(entry_count, ENTRIES);
    entries[entry_count++] = (struct entry){pos, sub, reader, is_post, false};
    arrived = pos;
}

/* A post that both can read, 1 and 2. */
static void publish(int64_t id)
{
    add(id, 0, 1, true);
    add(id, 0, 2, true);
}

enum error arrival_look(struct pg *pg, struct arrival *arrival)
{
    (void)pg;
    if (fault)
        return fault;
    arrival->is_known = true;
    arrival->database = database;
    arrival->horizon = arrived;
    return OK;
}

enum error arrival_floor(struct pg *pg, int64_t *position)
{
    (void)pg;
    *position = event_floor;
    return fault;
}

static enum error touched_fault;

enum error live_touched(
    struct pg *pg, int64_t from, int64_t to, struct buf *touched)
{
    (void)pg;
    if (touched_fault)
        return touched_fault;
    for (int i = 0; i < entry_count; i++)
        if (!entries[i].is_post && entries[i].pos > from &&
            entries[i].pos <= to)
            buf_add(touched, &entries[i].reader, sizeof(int64_t));
    return fault;
}

enum error live_posts(
    struct pg *pg, int64_t from, int64_t *to, int limit, int *count)
{
    (void)pg;
    (void)limit;
    found_count = 0;
    for (int i = 0; i < entry_count; i++)
        if (entries[i].is_post && entries[i].pos > from &&
            entries[i].pos <= *to &&
            (found_count == 0 || found[found_count - 1]->pos != entries[i].pos))
            found[found_count++] = &entries[i];
    *count = found_count;
    return fault;
}

int64_t live_post_id(const struct pg *pg, int row)
{
    (void)pg;
    return found[row]->pos;
}

void live_post_readers(const struct pg *pg, int row, struct buf *readers)
{
    (void)pg;
    for (int i = 0; i < entry_count; i++)
        if (entries[i].pos == found[row]->pos)
            buf_add(readers, &entries[i].reader, sizeof(int64_t));
}

enum error live_catch_up(struct pg *pg, int64_t reader,
    const struct cursor *from, int64_t to, int *count, bool *is_all)
{
    (void)pg;
    found_count = 0;
    for (int i = 0; i < entry_count && found_count < PIECE; i++) {
        const struct entry *e = &entries[i];
        bool is_behind = e->pos > from->pos ||
                         (e->pos == from->pos && from->sub != CURSOR_ALL &&
                             e->sub > from->sub);
        if (e->reader == reader && is_behind && e->pos <= to)
            found[found_count++] = e;
    }
    *count = found_count;
    *is_all = found_count < PIECE;
    return fault;
}

enum error live_is_gone(struct pg *pg, int64_t reader, bool *is_gone)
{
    (void)pg;
    *is_gone = reader == gone;
    return fault;
}

/* --- messages and connections ------------------------------------------- */

struct push_message {
    char text[32];
};

struct push_peer {
    char heard[512];
    char own[64];
    size_t unsent;
    size_t size; /* of each message */
    bool is_ended;
    void *listener;
};

static struct push_peer peers[PEERS];

static struct push_message *make(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static struct push_message *make(const char *format, ...)
{
    struct push_message *message = calloc(1, sizeof(*message));
    va_list args;

    va_start(args, format);
    vsnprintf(message->text, sizeof(message->text), format, args);
    va_end(args);
    return message;
}

struct push_message *live_post(
    const struct pg *pg, int row, struct buf *scratch)
{
    (void)scratch;
    return make("%" PRId64, live_post_id(pg, row));
}

struct push_message *live_change(const struct pg *pg, int64_t reader, int row,
    struct buf *scratch, struct cursor *at, bool *is_end)
{
    const struct entry *e = found[row];

    (void)pg;
    (void)scratch;
    ck_assert_int_eq(e->reader, reader);
    *at = (struct cursor){e->pos, e->sub};
    *is_end = e->is_end;
    return e->sub ? make("%" PRId64 ".%" PRId64, e->pos, e->sub)
                  : make("%" PRId64, e->pos);
}

struct push_message *live_ready(int64_t position)
{
    return make("ready %" PRId64, position);
}

struct push_message *live_reset(int64_t position, const char *reason)
{
    return make("%s %" PRId64, reason, position);
}

struct push_message *live_end(int64_t position, int64_t reader)
{
    return make("end of %" PRId64 ", %" PRId64, reader, position);
}

void push_release(struct push_message *message)
{
    free(message);
}

void push_set(struct push_peer *peer, const char *own, int64_t until)
{
    snprintf(peer->own, sizeof(peer->own), "%s %" PRId64, own, until);
}

void push_send(struct push_peer *peer, struct push_message *message)
{
    if (*peer->heard)
        strcat(peer->heard, ", ");
    strcat(peer->heard, message->text);
    peer->unsent += peer->size;
}

size_t push_unsent(const struct push_peer *peer)
{
    return peer->unsent;
}

void push_end(struct push_peer *peer)
{
    peer->is_ended = true;
}

/* --- tests -------------------------------------------------------------- */

static struct config config;
static struct live *live;
static struct push_refusal refusal;

static void set_up(void)
{
    config.stream_listeners = PEERS;
    config.stream_listeners_each = 2;
    live = live_new(&config, NULL);
    database = 1;
    arrived = 10;
    now = 1000;
}

static void tear_down(void)
{
    for (int i = 0; i < PEERS; i++)
        if (peers[i].listener)
            live_close(live, peers[i].listener);
    live_free(live);
    buf_free(&refusal.body);
}

static bool ask(int i, const char *path)
{
    struct push_request request = {path, "an-id"};

    buf_reset(&refusal.body, 0);
    refusal.status = 0;
    peers[i].listener = live_open(live, &peers[i], &request, &refusal);
    return peers[i].listener != NULL;
}

static void assert_heard(int i, const char *heard)
{
    ck_assert_str_eq(peers[i].heard, heard);
}

static void turn(void)
{
    live_turn(live);
}

START_TEST(who_comes_hears_of_what_comes_then)
{
    publish(11);
    ck_assert(ask(0, "/_stream/1/77/"));
    ck_assert_str_eq(peers[0].own, ",\"to\":\"/participant/1\" 77");
    turn();
    publish(12);
    publish(13);
    turn();
    turn();
    assert_heard(0, "ready 11, 12, 13");
}
END_TEST

START_TEST(each_hears_of_what_is_in_its_feed)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/1/0/"));
    ck_assert(ask(2, "/_stream/2/0/") && ask(3, "/_stream/3/0/"));
    turn();
    add(11, 0, 2, true);
    publish(12);
    turn();
    assert_heard(0, "ready 10, 12");
    assert_heard(1, "ready 10, 12");
    assert_heard(2, "ready 10, 11, 12");
    assert_heard(3, "ready 10");
}
END_TEST

START_TEST(nothing_is_told_before_all_has_arrived)
{
    ck_assert(ask(0, "/_stream/1/0/"));
    turn();
    publish(12);
    arrived = 10;
    turn();
    assert_heard(0, "ready 10");
    arrived = 12;
    turn();
    assert_heard(0, "ready 10, 12");
}
END_TEST

START_TEST(a_cursor_is_where_it_goes_on)
{
    for (int64_t id = 11; id < 20; id++)
        publish(id);
    ck_assert(ask(0, "/_stream/1/0/12"));
    for (int i = 0; i < 5; i++)
        turn();
    publish(20);
    turn();
    assert_heard(0, "13, 14, 15, 16, 17, 18, 19, 20");
}
END_TEST

START_TEST(a_cursor_may_stand_within_an_event)
{
    for (int64_t sub = 1; sub < 6; sub++)
        add(11, sub, 1, false);
    publish(12);
    ck_assert(ask(0, "/_stream/1/0/11.3") && ask(1, "/_stream/1/0/11"));
    for (int i = 0; i < 5; i++)
        turn();
    assert_heard(0, "11.4, 11.5, 12");
    assert_heard(1, "12");
}
END_TEST

START_TEST(whom_an_event_touches_hears_all_in_order)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/2/0/"));
    turn();
    publish(11);
    add(12, 5, 1, false);
    add(12, 6, 1, false);
    publish(13);
    add(14, 0, 1, false);
    publish(15);
    for (int i = 0; i < 4; i++)
        turn();
    publish(16);
    turn();
    assert_heard(0, "ready 10, 11, 12.5, 12.6, 13, 14, 15, 16");
    assert_heard(1, "ready 10, 11, 13, 15, 16");
}
END_TEST

START_TEST(where_it_takes_too_long_whom_events_touch_all_catch_up)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/2/0/"));
    turn();
    touched_fault = ERR_TIMEOUT;
    publish(11);
    add(12, 5, 1, false);
    publish(13);
    for (int i = 0; i < 4; i++)
        turn();
    assert_heard(0, "ready 10, 11, 12.5, 13");
    assert_heard(1, "ready 10, 11, 13");
    touched_fault = OK;
}
END_TEST

START_TEST(a_cursor_of_the_future_is_waited_for_and_then_reset)
{
    ck_assert(ask(0, "/_stream/1/0/12") && ask(1, "/_stream/1/0/1000"));
    turn();
    assert_heard(0, "");
    publish(12);
    publish(13);
    turn();
    assert_heard(0, "13");
    assert_heard(1, "");
    now += 10000;
    turn();
    publish(14);
    turn();
    assert_heard(0, "13, 14");
    assert_heard(1, "unknown 13, 14");
}
END_TEST

START_TEST(a_cursor_of_before_the_floor_is_reset)
{
    event_floor = 8;
    ck_assert(ask(0, "/_stream/1/0/7") && ask(1, "/_stream/1/0/8"));
    publish(11);
    turn();
    publish(12);
    turn();
    assert_heard(0, "too old 11, 12");
    assert_heard(1, "11, 12");
}
END_TEST

START_TEST(another_database_resets_all)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/2/0/"));
    turn();
    database = 2;
    arrived = 5;
    turn();
    now += 10000;
    turn();
    publish(6);
    turn();
    assert_heard(0, "ready 10, unknown 5, 6");
    assert_heard(1, "ready 10, unknown 5, 6");
}
END_TEST

START_TEST(who_is_slow_goes_on_when_there_is_room)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/2/0/"));
    turn();
    publish(11);
    turn();
    peers[0].unsent = MUCH;
    for (int64_t id = 12; id < 18; id++) {
        publish(id);
        turn();
    }
    assert_heard(0, "ready 10, 11");
    peers[0].unsent = 0;
    for (int i = 0; i < 4; i++)
        turn();
    publish(18);
    turn();
    assert_heard(0, "ready 10, 11, 12, 13, 14, 15, 16, 17, 18");
    assert_heard(1, "ready 10, 11, 12, 13, 14, 15, 16, 17, 18");
}
END_TEST

START_TEST(who_is_full_within_a_turn_misses_nothing)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/1/0/10"));
    turn();
    peers[0].size = peers[1].size = MUCH;
    for (int64_t id = 11; id < 14; id++)
        publish(id);
    for (int i = 0; i < 6; i++) {
        turn();
        peers[0].unsent = peers[1].unsent = 0;
    }
    assert_heard(0, "ready 10, 11, 12, 13");
    assert_heard(1, "11, 12, 13");
}
END_TEST

START_TEST(without_the_database_it_pauses)
{
    ck_assert(ask(0, "/_stream/1/0/"));
    turn();
    fault = ERR_NO_DATABASE;
    publish(11);
    ck_assert(ask(1, "/_stream/1/0/10"));
    turn();
    turn();
    assert_heard(0, "ready 10");
    ck_assert(!peers[0].is_ended);
    fault = OK;
    turn();
    assert_heard(0, "ready 10, 11");
    assert_heard(1, "11");
}
END_TEST

START_TEST(the_end_of_a_reader_is_the_end)
{
    ck_assert(ask(0, "/_stream/1/0/"));
    turn();
    add(11, 0, 1, false);
    entries[0].is_end = true;
    turn();
    assert_heard(0, "ready 10, 11");
    ck_assert(peers[0].is_ended);
}
END_TEST

START_TEST(who_is_gone_before_it_is_welcome_hears_that)
{
    gone = 1;
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/1/0/3"));
    ck_assert(ask(2, "/_stream/2/0/"));
    turn();
    add(11, 0, 2, true);
    turn();
    assert_heard(0, "end of 1, 10");
    assert_heard(1, "end of 1, 10");
    assert_heard(2, "ready 10, 11");
    ck_assert(peers[0].is_ended && peers[1].is_ended && !peers[2].is_ended);
}
END_TEST

START_TEST(so_many_may_listen)
{
    ck_assert(ask(0, "/_stream/1/0/") && ask(1, "/_stream/1/0/"));
    ck_assert(!ask(2, "/_stream/1/0/"));
    ck_assert_int_eq(refusal.status, 429);
    ck_assert_ptr_nonnull(strstr(buf_text(&refusal.body),
        "\"instance\":\"/participant/1/inbound/stream\""));
    config.stream_listeners = 2;
    ck_assert(!ask(2, "/_stream/2/0/"));
    ck_assert_int_eq(refusal.status, 503);
    live_close(live, peers[0].listener);
    ck_assert(ask(0, "/_stream/2/0/"));
}
END_TEST

static const char *const others[] = {"/", "/_stream/", "/_stream/x/0/",
    "/_stream/1", "/_stream/1/0", "/_stream/1/0/x", "/_stream/1/0/12/",
    "/stream/1/0/", "/_stream/1/0/12.x"};

START_TEST(what_no_worker_says_is_refused)
{
    ck_assert(!ask(0, others[_i]));
    ck_assert_int_eq(refusal.status, 500);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, who_comes_hears_of_what_comes_then);
    tcase_add_test(tests, each_hears_of_what_is_in_its_feed);
    tcase_add_test(tests, nothing_is_told_before_all_has_arrived);
    tcase_add_test(tests, a_cursor_is_where_it_goes_on);
    tcase_add_test(tests, a_cursor_may_stand_within_an_event);
    tcase_add_test(tests, whom_an_event_touches_hears_all_in_order);
    tcase_add_test(
        tests, where_it_takes_too_long_whom_events_touch_all_catch_up);
    tcase_add_test(tests, a_cursor_of_the_future_is_waited_for_and_then_reset);
    tcase_add_test(tests, a_cursor_of_before_the_floor_is_reset);
    tcase_add_test(tests, another_database_resets_all);
    tcase_add_test(tests, who_is_slow_goes_on_when_there_is_room);
    tcase_add_test(tests, who_is_full_within_a_turn_misses_nothing);
    tcase_add_test(tests, without_the_database_it_pauses);
    tcase_add_test(tests, the_end_of_a_reader_is_the_end);
    tcase_add_test(tests, who_is_gone_before_it_is_welcome_hears_that);
    tcase_add_test(tests, so_many_may_listen);
    tcase_add_loop_test(tests, what_no_worker_says_is_refused, 0,
        sizeof(others) / sizeof(*others));
}
