/* Live feeds: who listens to which, and how each comes to hear of all that is
 * new, in order, and of each thing once.
 *
 * All that is up to `told` has been sent to those who are up to date. What is
 * new behind it, up to the horizon, is read once for all of them; those who are
 * not up to date, and those whose feeds have changed otherwise than by new
 * posts, catch up, each by itself, with `told`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "clock.h"
#include "contract.h"
#include "cursor.h"
#include "error.h"
#include "http.h"
#include "json.h"
#include "live.h"
#include "live_read.h"
#include "log.h"
#include "metrics.h"

enum {
    /* ms between looks for what is new. Each costs the database some 0.7 ms
     * where there is something, whatever that is. */
    TURN_INTERVAL = 25,
    IDLE_INTERVAL = 100,  /* where nobody listens */
    FAULT_INTERVAL = 200, /* where the database is away */
    CATCHING_UP = 50,     /* ms that others may wait for those who catch up */

    /* So many are read at once, fewer where their authors have so many friends
     * that it takes long. */
    POSTS_MAX = 200,
    QUICK = 50, /* ms */
    SLOW = 200,

    /* ms until a cursor of the future is taken for one of another database:
     * another host's streamer may be ahead of this one. */
    PATIENCE = 2000,

    ROOM = 256 << 10, /* unsent bytes with which nobody catches up */
    BUCKETS = 16384,
    KEPT = 256 << 10, /* bytes of a buffer that stay allocated */
};

enum state {
    COMING, /* it is to be seen where it stands */
    BEHIND, /* it has seen what is up to `at` */
    UP_TO_DATE,
};

struct listener {
    struct listener *next;     /* in its bucket */
    struct listener *previous; /* those behind */
    struct listener *following;
    struct push_peer *peer;
    int64_t participant;
    enum state state;
    bool has_cursor;
    struct cursor at;
    int64_t since; /* monotonic ms; it came */
};

struct live {
    const struct config *config;
    struct pg *pg;
    struct arrival arrival;
    int64_t told; /* see above */
    int posts;    /* at once */

    int count;
    int up_to_date;
    struct listener *buckets[BUCKETS];
    struct listener late; /* the ring of those that are not up to date */

    struct buf readers; /* scratch */
    struct buf touched;
    struct buf text;
};

struct live *live_new(const struct config *config, struct pg *pg)
{
    struct live *live = calloc(1, sizeof(*live));

    if (!live)
        return NULL;
    live->config = config;
    live->pg = pg;
    live->posts = POSTS_MAX;
    live->late.previous = live->late.following = &live->late;
    return live;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    arrival_free(&live->arrival);
    buf_free(&live->readers);
    buf_free(&live->touched);
    buf_free(&live->text);
    free(live);
}

/* --- who listens -------------------------------------------------------- */

static struct listener **bucket_of(struct live *live, int64_t participant)
{
    /* Fibonacci hashing (Knuth, TAOCP 3, 6.4) */
    uint64_t hash = (uint64_t)participant * UINT64_C(0x9e3779b97f4a7c15);

    return &live->buckets[hash >> 50];
}

static void be_late(struct live *live, struct listener *l)
{
    l->previous = live->late.previous;
    l->following = &live->late;
    l->previous->following = l->following->previous = l;
}

static void be_late_no_more(struct listener *l)
{
    l->previous->following = l->following;
    l->following->previous = l->previous;
}

static void catch_up_from(
    struct live *live, struct listener *l, const struct cursor *at)
{
    if (l->state == UP_TO_DATE) {
        be_late(live, l);
        live->up_to_date--;
    }
    l->state = BEHIND;
    l->at = *at;
}

static void be_up_to_date(struct live *live, struct listener *l)
{
    be_late_no_more(l);
    l->state = UP_TO_DATE;
    live->up_to_date++;
}

static int count_of(struct live *live, int64_t participant)
{
    int count = 0;

    for (const struct listener *l = *bucket_of(live, participant); l;
         l = l->next)
        count += l->participant == participant;
    return count;
}

/* --- coming and going --------------------------------------------------- */

/* "7/1234567890/123.45", as the worker made it: whose feed, until when, and the
 * cursor, if there is one. */
static bool parse_path(const char *path, struct listener *l, int64_t *until)
{
    int end = 0;

    if (sscanf(path, CONTRACT_STREAM_PATH "%" SCNd64 "/%" SCNd64 "/%n",
            &l->participant, until, &end) != 2 ||
        end == 0)
        return false;
    l->has_cursor = path[end] != '\0';
    return !l->has_cursor || cursor_parse(path + end, &l->at);
}

static void refuse(struct push_refusal *refusal, int status,
    const struct push_request *request, int64_t participant, const char *detail)
{
    static const struct faults none;
    char instance[64];

    metrics_count(METRIC_STREAMS, STREAM_REFUSED, 0);
    snprintf(instance, sizeof(instance),
        "/participant/%" PRId64 "/inbound/stream", participant);
    refusal->status = status;
    refusal->content_type = HTTP_PROBLEM;
    json_print_problem(&refusal->body, &(struct problem){
                                           .status = status,
                                           .detail = detail,
                                           .instance = instance,
                                           .request_id = request->id,
                                           .faults = &none,
                                       });
}

static bool has_room(struct live *live, const struct listener *l,
    const struct push_request *request, struct push_refusal *refusal)
{
    const struct config *config = live->config;

    if (live->count >= config->stream_listeners) {
        refuse(refusal, 503, request, l->participant,
            "as many listen here as can; try again later");
        return false;
    }
    if (count_of(live, l->participant) >= config->stream_listeners_each) {
        refuse(refusal, 429, request, l->participant,
            "too many listen to this feed; end one of them, or try again "
            "later");
        return false;
    }
    return true;
}

void *live_open(void *context, struct push_peer *peer,
    const struct push_request *request, struct push_refusal *refusal)
{
    struct live *live = context;
    struct listener *l = calloc(1, sizeof(*l));
    int64_t until = 0;

    if (!l || !parse_path(request->path, l, &until)) {
        if (l)
            log_error("live", "this was no request of a worker's: %.100s",
                request->path);
        refuse(refusal, 500, request, 0, "this was no request of a worker's");
        free(l);
        return NULL;
    }
    if (!has_room(live, l, request, refusal)) {
        free(l);
        return NULL;
    }
    l->peer = peer;
    l->since = monotonic_ms();
    struct listener **bucket = bucket_of(live, l->participant);
    l->next = *bucket;
    *bucket = l;
    be_late(live, l);
    live->count++;
    metrics_count(METRIC_STREAMS, STREAM_OPENED, 0);

    buf_reset(&live->text, KEPT);
    json_print_to(&live->text, l->participant);
    push_set(peer, buf_text(&live->text), until);
    return l;
}

void live_close(void *context, void *listener)
{
    struct live *live = context;
    struct listener *gone = listener;
    struct listener **l = bucket_of(live, gone->participant);

    while (*l != gone)
        l = &(*l)->next;
    *l = gone->next;
    if (gone->state == UP_TO_DATE)
        live->up_to_date--;
    else
        be_late_no_more(gone);
    live->count--;
    free(gone);
}

/* --- telling ------------------------------------------------------------ */

/* Without memory for it, it has to come again. */
static void send(struct listener *l, struct push_message *message)
{
    if (message)
        push_send(l->peer, message);
    else
        push_end(l->peer);
}

static void send_and_release(struct listener *l, struct push_message *message)
{
    send(l, message);
    push_release(message);
}

static void reset(struct live *live, struct listener *l, const char *reason)
{
    send_and_release(l, live_reset(live->told, reason));
    be_up_to_date(live, l);
}

/* In another database, what they have seen may never have been, and its numbers
 * be taken for other things. */
static void doubt_all(struct live *live)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct listener *l = live->buckets[i]; l; l = l->next)
            if (l->state != COMING) {
                catch_up_from(live, l, &(struct cursor){INT64_MAX, CURSOR_ALL});
                l->state = COMING;
                l->has_cursor = true;
            }
}

/* Calls it for all who are up to date with the feeds of these. */
static void for_readers(struct live *live, const struct buf *readers,
    void (*call)(struct live *live, struct listener *l, void *context),
    void *context)
{
    const int64_t *reader = (const int64_t *)(const void *)readers->data;
    size_t count = readers->len / sizeof(*reader);

    for (size_t i = 0; i < count; i++)
        for (struct listener *l = *bucket_of(live, reader[i]); l; l = l->next)
            if (l->participant == reader[i] && l->state == UP_TO_DATE)
                call(live, l, context);
}

static void fall_behind(struct live *live, struct listener *l, void *context)
{
    (void)context;
    catch_up_from(live, l, &(struct cursor){live->told, CURSOR_ALL});
}

struct telling {
    int row;
    struct push_message *message; /* made for the first who hears of it */
};

/* Whoever is slow to take it catches up by itself. */
static void tell_one(struct live *live, struct listener *l, void *context)
{
    struct telling *telling = context;

    if (push_unsent(l->peer) >= ROOM) {
        fall_behind(live, l, NULL);
        return;
    }
    if (!telling->message)
        telling->message = live_post(live->pg, telling->row, &live->text);
    send(l, telling->message);
}

/* What took too long would take as long again. */
static void choose_posts(struct live *live, enum error error, int64_t ms)
{
    if (error)
        live->posts = 1;
    else if (ms > SLOW && live->posts > 1)
        live->posts /= 2;
    else if (ms < QUICK && live->posts < POSTS_MAX)
        live->posts *= 2;
}

static enum error tell_posts(struct live *live, int64_t horizon)
{
    int64_t start = monotonic_ms();
    int count;
    enum error error =
        live_posts(live->pg, live->told, &horizon, live->posts, &count);

    choose_posts(live, error, monotonic_ms() - start);
    for (int i = 0; !error && i < count; i++) {
        struct telling telling = {.row = i};
        buf_reset(&live->readers, KEPT);
        live_post_readers(live->pg, i, &live->readers);
        if (live->readers.failed)
            return ERR_INTERNAL;
        for_readers(live, &live->readers, tell_one, &telling);
        push_release(telling.message);
        live->told = live_post_id(live->pg, i);
    }
    if (!error)
        live->told = horizon;
    return error;
}

static void all_fall_behind(struct live *live)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct listener *l = live->buckets[i]; l; l = l->next)
            if (l->state == UP_TO_DATE)
                fall_behind(live, l, NULL);
}

/* Whom an event touches may hear of more than new posts, and of these not as
 * the others do. Where it takes too long to find out who that is, as it would
 * again, it may be anybody. */
static enum error tell_news(struct live *live, int64_t horizon)
{
    buf_reset(&live->touched, KEPT);
    enum error error =
        live_touched(live->pg, live->told, horizon, &live->touched);
    if (error == ERR_TIMEOUT) {
        all_fall_behind(live);
        live->told = horizon;
        return OK;
    }
    if (error || live->touched.failed)
        return error ? error : ERR_INTERNAL;
    for_readers(live, &live->touched, fall_behind, NULL);
    return tell_posts(live, horizon);
}

static enum error look(struct live *live)
{
    int64_t before = live->arrival.database;
    enum error error = arrival_look(live->pg, &live->arrival);
    int64_t horizon = live->arrival.horizon;

    if (error)
        return error;
    if (before && before != live->arrival.database) {
        live->told = 0;
        doubt_all(live);
    }
    if (!live->arrival.is_known || horizon <= live->told)
        return OK;
    if (live->up_to_date > 0)
        return tell_news(live, horizon);
    live->told = horizon;
    return OK;
}

/* --- catching up -------------------------------------------------------- */

static enum error catch_up(struct live *live, struct listener *l)
{
    bool is_all, is_end = false;
    int count;
    enum error error = live_catch_up(
        live->pg, l->participant, &l->at, live->told, &count, &is_all);

    if (error)
        return error;
    for (int i = 0; i < count && !is_end; i++) {
        if (push_unsent(l->peer) >= ROOM)
            return OK;
        send_and_release(l, live_change(live->pg, l->participant, i,
                                &live->text, &l->at, &is_end));
    }
    if (is_end)
        push_end(l->peer);
    if (is_all || is_end)
        be_up_to_date(live, l);
    return OK;
}

/* One that came with a cursor stands there, unless that says nothing here. */
static void place(
    struct live *live, struct listener *l, int64_t floor, int64_t now)
{
    if (l->at.pos < floor)
        reset(live, l, "too old");
    else if (l->at.pos <= live->told)
        catch_up_from(live, l, &l->at);
    else if (now - l->since > PATIENCE)
        reset(live, l, "unknown");
}

/* It was there when a worker looked; if that was before `told`, no event will
 * say that it is gone. */
static enum error welcome(
    struct live *live, struct listener *l, int64_t now, int64_t *floor)
{
    bool is_gone;
    enum error gone = live_is_gone(live->pg, l->participant, &is_gone);

    if (gone)
        return gone;
    if (is_gone) {
        send_and_release(l, live_end(live->told, l->participant));
        push_end(l->peer);
        be_up_to_date(live, l);
        return OK;
    }
    if (!l->has_cursor) {
        send_and_release(l, live_ready(live->told));
        be_up_to_date(live, l);
        return OK;
    }
    enum error error = *floor < 0 ? arrival_floor(live->pg, floor) : OK;
    if (!error)
        place(live, l, *floor, now);
    return error;
}

/* Each in turn, as far as there is time; the next time, it is the others' turn:
 * whatever one of them meets, it keeps nobody else waiting for long. */
static enum error attend_to_late(struct live *live)
{
    int64_t now = monotonic_ms();
    int64_t floor = -1;
    enum error error = OK;

    for (int left = live->count - live->up_to_date;
         left > 0 && !error && monotonic_ms() - now < CATCHING_UP; left--) {
        struct listener *l = live->late.following;
        be_late_no_more(l);
        be_late(live, l);
        if (l->state == COMING)
            error = welcome(live, l, now, &floor);
        if (!error && l->state == BEHIND && push_unsent(l->peer) < ROOM)
            error = catch_up(live, l);
    }
    return error;
}

int live_count(const struct live *live)
{
    return live->count;
}

int live_turn(struct live *live)
{
    if (live->count == 0)
        return IDLE_INTERVAL;
    enum error error = look(live);
    if (!error && live->arrival.is_known)
        error = attend_to_late(live);
    return error ? FAULT_INTERVAL : TURN_INTERVAL;
}
