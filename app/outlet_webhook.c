/* Events for an endpoint of webhooks: several on their way at a time, those of
 * one participant one after the other.
 *
 * What an endpoint does not take may be its own fault or the event's. If it
 * seems to be the endpoint's, nothing is posted for a while, and then all of it
 * again. If it is the event's, its participant waits in the database
 * (waiting.h), with its later events, and the others go on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "courier.h"
#include "event.h"
#include "log.h"
#include "outlet.h"
#include "release.h"
#include "waiting.h"
#include "webhook.h"

enum {
    AT_ONCE = 16,            /* requests */
    BATCH = 64,              /* events that are read at a time */
    SUSPECTS = 16,           /* who may wait by themselves where all fails */
    TOO_MANY_REQUESTS = 429, /* a status */
    LANES = 4,               /* of those who wait, so many at a time */
    LANE = 8,                /* with so many events */
    PATIENCE = 3,          /* failures of one event, or of whatever is posted */
    TURN = 1000,           /* ms */
    REST_TURN = 100,       /* ms, where there is no batch */
    LOOK_INTERVAL = 200,   /* ms between looks for those who wait */
    TELL_INTERVAL = 60000, /* ms between lines of the log on what is lost */
    PAUSE_MAX = 600000,    /* ms between two tries */
    BODY_KEPT = 4096,      /* bytes of memory */
};

/* An event to be posted. */
struct parcel {
    struct lane *lane; /* NULL: in the batch */
    struct cursor place;
    int64_t occurred; /* us since 1970 */
    struct text body;
    enum {
        OPEN,
        FLYING,
        SETTLED, /* taken, or put aside, or gone */
    } state;
    int failures;
    uint64_t taken_before; /* by the endpoint, when it failed first */
    int64_t due;           /* monotonic ms */
};

/* The next events of a participant who waits. */
struct lane {
    int64_t participant;
    int count; /* 0: it is free */
    int next;  /* the first that is not settled */
    int tries; /* of that */
    bool was_taken;
    int64_t waiting_since; /* monotonic ms */
    struct parcel parcels[LANE];
    struct buf bodies[LANE];
};

/* Events that were set aside, and that the log does not know of yet. */
struct loss {
    int count;
    struct cursor first, last;
    int64_t tell_at; /* monotonic ms */
};

struct endpoint {
    const struct outlet_means *means;
    const struct webhook *webhook;
    char *url;
    struct courier *courier;
    struct waiting waiting;

    struct parcel parcels[BATCH];
    int count, first;   /* of the batch; those before are settled and told */
    struct cursor seen; /* up to here all were in one */

    struct lane lanes[LANES];
    int64_t look_at; /* monotonic ms: for those who wait */

    uint64_t taken;
    int misses;      /* since something was taken last */
    bool is_failing; /* so that all wait */
    bool is_noted;   /* that, in the database; perhaps before this process */
    int64_t failing_since; /* monotonic ms */
    int pauses;            /* since then */
    int64_t pause_end;     /* monotonic ms */
    struct loss loss;
};

/* --- pauses and words --------------------------------------------------- */

/* A quarter less or more, so that not all is tried in the same moment. */
static int64_t jitter(int64_t ms)
{
    unsigned random = 0;

    if (getrandom(&random, sizeof(random), 0) < 0)
        random = 0;
    return ms - ms / 4 + random % (unsigned)(ms / 2 + 1);
}

/* Before the next try, behind so many: what the answer asks for, if that is
 * more. */
static int64_t pause_behind(
    const struct endpoint *e, int tries, const struct courier_answer *answer)
{
    int64_t ms = e->means->config->webhook_retry;
    int64_t asked = answer->retry_after;

    for (; tries > 1 && ms < PAUSE_MAX; tries--)
        ms *= 2;
    ms = jitter(ms < PAUSE_MAX ? ms : PAUSE_MAX);
    asked = asked < PAUSE_MAX / 1000 ? asked * 1000 : PAUSE_MAX;
    return asked > ms ? asked : ms;
}

/* Nothing of it is the endpoint's, who might write lines into the log. */
static const char *describe(const struct courier_answer *answer)
{
    static char text[64];

    if (answer->is_private)
        return "its address is private (webhook.private_addresses)";
    if (!answer->status)
        return answer->failure;
    snprintf(text, sizeof(text), "status %d%s", answer->status,
        answer->status / 100 == 3 ? ", redirects are not followed" : "");
    return text;
}

/* Which of them speak of the event that was posted, not of the endpoint. */
static bool is_of_event(int status)
{
    return status == 400 || status == 409 || status == 413 || status == 422;
}

/* --- what is given up --------------------------------------------------- */

static void tell_loss(struct endpoint *e)
{
    struct loss *loss = &e->loss;
    char first[CURSOR_SIZE], last[CURSOR_SIZE];

    if (loss->count == 0)
        return;
    cursor_print(&loss->first, first);
    cursor_print(&loss->last, last);
    log_error("webhook",
        "%s: %d events are set aside, %s to %s: they were not taken for %d s",
        e->means->label, loss->count, first, last,
        e->means->config->webhook_give_up);
    loss->count = 0;
    loss->tell_at = monotonic_ms() + TELL_INTERVAL;
}

static void set_aside(struct endpoint *e, struct parcel *parcel)
{
    if (e->loss.count++ == 0)
        e->loss.first = parcel->place;
    e->loss.last = parcel->place;
    metrics_count(METRIC_EVENTS, e->means->metric, EVENT_SET_ASIDE);
    parcel->state = SETTLED;
}

/* Whether an event has waited for long enough, where nothing was taken since
 * then. */
static bool is_hopeless(
    const struct endpoint *e, const struct parcel *parcel, int64_t since)
{
    int64_t limit = (int64_t)e->means->config->webhook_give_up * 1000;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return monotonic_ms() - since >= limit &&
           now.tv_sec * 1000 - parcel->occurred / 1000 >= limit;
}

/* --- the endpoint fails, and is well again ------------------------------ */

/* What flew already when the pause began makes it no longer. */
static void pause_all(struct endpoint *e, const struct courier_answer *answer)
{
    int64_t now = monotonic_ms();
    int64_t waited;

    if (now < e->pause_end)
        return;
    e->pause_end = now + pause_behind(e, ++e->pauses, answer);
    if (!e->is_failing)
        log_warn("webhook",
            "%s: takes no events, so that all wait: %s; they are posted again "
            "with growing pauses",
            e->means->label, describe(answer));
    if (waiting_add_all(&e->waiting, &waited))
        waited = e->is_failing ? now - e->failing_since : 0;
    e->failing_since = now - waited;
    e->is_failing = e->is_noted = true;
}

/* Those who wait may have done so for the endpoint's sake: they are tried at
 * once. It may have been failing before this process. */
static void end_failing(struct endpoint *e)
{
    int64_t ms;

    if (waiting_end_all(&e->waiting, &ms) == OK)
        e->is_noted = false;
    if (e->is_failing)
        ms = monotonic_ms() - e->failing_since;
    if (ms >= 0)
        log_info("webhook", "%s: takes events again, after %" PRId64 " s",
            e->means->label, ms / 1000);
    e->is_failing = false;
    e->look_at = 0;
}

static void note_taken(struct endpoint *e)
{
    metrics_count(METRIC_EVENTS, e->means->metric, EVENT_SENT);
    if (e->is_noted)
        end_failing(e);
    e->taken++;
    e->misses = e->pauses = 0;
    e->pause_end = 0;
}

/* Of an endpoint that takes nothing, all that is old enough; without a try of
 * their own, for these are many and tries few. */
static void give_up_old(struct endpoint *e)
{
    for (int i = e->first; i < e->count && e->is_failing; i++)
        if (e->parcels[i].state == OPEN &&
            is_hopeless(e, &e->parcels[i], e->failing_since))
            set_aside(e, &e->parcels[i]);
}

/* --- those who wait ----------------------------------------------------- */

static void begin_lane(struct endpoint *e, struct lane *lane, int row)
{
    const struct pg *pg = e->means->pg;

    lane->participant = event_place(pg, row).sub;
    lane->count = lane->next = 0;
    lane->tries = waiting_tries(pg, row);
    lane->was_taken = false;
    lane->waiting_since = monotonic_ms() - waiting_ms(pg, row);
}

/* False: there is no memory for it. */
static bool add_to_lane(struct endpoint *e, struct lane *lane, int row)
{
    const struct pg *pg = e->means->pg;
    struct buf *body = &lane->bodies[lane->count];

    buf_reset(body, BODY_KEPT);
    bool is_there = event_print(pg, row, body);
    if (body->failed)
        return false;
    lane->parcels[lane->count++] = (struct parcel){
        .lane = lane,
        .place = event_place(pg, row),
        .occurred = event_time(pg, row),
        .body = {buf_text(body), body->len},
        .state = is_there ? OPEN : SETTLED,
    };
    return true;
}

/* Whatever becomes of the note, it is begun anew from what the database says.
 */
static void end_lane(
    struct endpoint *e, struct lane *lane, int tries, int64_t ms)
{
    bool is_through = lane->next == lane->count;
    struct cursor place =
        lane->parcels[is_through ? lane->count - 1 : lane->next].place;
    struct waiting_step step = {
        .participant = lane->participant,
        .done = is_through ? place.pos : place.pos - 1,
        .tries = tries,
        .was_taken = lane->was_taken,
        .ms = ms,
    };

    lane->count = 0;
    if (waiting_move(&e->waiting, &step) == OK && is_through)
        e->look_at = 0; /* there may be more */
}

/* Goes on to its next event that is not settled, or is through. */
static void follow_lane(struct endpoint *e, struct lane *lane)
{
    while (lane->next < lane->count &&
           lane->parcels[lane->next].state == SETTLED) {
        lane->next++;
        lane->tries = 0;
    }
    if (lane->next == lane->count)
        end_lane(e, lane, 0, 0);
}

static bool has_lanes(const struct endpoint *e)
{
    for (int i = 0; i < LANES; i++)
        if (e->lanes[i].count > 0)
            return true;
    return false;
}

/* Its rows follow each other. What there is no memory for, and what is behind
 * it, waits for another look. */
static int make_lane(struct endpoint *e, struct lane *lane, int row, int rows)
{
    bool has_memory = true;

    begin_lane(e, lane, row);
    for (;
         row < rows && event_place(e->means->pg, row).sub == lane->participant;
         row++)
        has_memory = has_memory && add_to_lane(e, lane, row);
    return row;
}

static void make_lanes(struct endpoint *e, int rows)
{
    const struct pg *pg = e->means->pg;
    int64_t ended[LANES];
    int lanes = 0, ends = 0;

    for (int row = 0; row < rows;)
        if (waiting_is_over(pg, row))
            ended[ends++] = event_place(pg, row++).sub;
        else
            row = make_lane(e, &e->lanes[lanes++], row, rows);
    for (int i = 0; i < ends; i++)
        if (waiting_end(&e->waiting, ended[i]) == OK)
            log_info("webhook", "%s: participant %" PRId64 " waits no more",
                e->means->label, ended[i]);
    for (int i = 0; i < lanes; i++)
        if (e->lanes[i].count > 0)
            follow_lane(e, &e->lanes[i]);
}

static void look_for_waiting(struct endpoint *e)
{
    int64_t now = monotonic_ms();
    int rows;

    if (now < e->look_at || has_lanes(e))
        return;
    e->look_at = now + LOOK_INTERVAL;
    if (waiting_due(&e->waiting, &e->seen, LANES, LANE, &rows) == OK)
        make_lanes(e, rows);
}

/* --- a batch ------------------------------------------------------------ */

/* Those of participants who wait are settled: they are read again. */
static enum error settle_waiting(struct endpoint *e)
{
    struct buf participants = {0};
    struct buf found = {0};

    for (int i = 0; i < e->count; i++)
        buf_add(&participants, &e->parcels[i].place.sub, sizeof(int64_t));
    enum error error = waiting_find(&e->waiting, &participants, &found);
    const int64_t *ids = (const int64_t *)(const void *)found.data;
    for (size_t i = 0; !error && i < found.len / sizeof(*ids); i++)
        for (int j = 0; j < e->count; j++)
            if (e->parcels[j].place.sub == ids[i])
                e->parcels[j].state = SETTLED;
    buf_free(&participants);
    buf_free(&found);
    return error;
}

static void take_batch(
    struct endpoint *e, const struct outlet_event *events, int count)
{
    e->first = 0;
    e->count = count;
    for (int i = 0; i < count; i++)
        e->parcels[i] = (struct parcel){
            .place = events[i].place,
            .occurred = events[i].occurred,
            .body = events[i].body,
        };
    if (settle_waiting(e))
        e->count = 0; /* it is taken the next time */
    else
        e->seen = events[count - 1].place;
}

/* Its participant waits from now on. False: it cannot, and so all must. */
static bool park(struct endpoint *e, const struct parcel *parcel,
    const struct courier_answer *answer, int limit)
{
    int64_t participant = parcel->place.sub;
    struct waiting_step step = {
        .participant = participant,
        .done = parcel->place.pos - 1,
        .tries = parcel->failures,
        .ms = pause_behind(e, parcel->failures, answer),
    };
    char id[CURSOR_SIZE];
    bool is_added;

    if (waiting_add(&e->waiting, &step, limit, &is_added) || !is_added)
        return false;
    cursor_print(&parcel->place, id);
    log_warn("webhook",
        "%s: does not take event %s: %s; participant %" PRId64
        " waits, others go on",
        e->means->label, id, describe(answer), participant);
    for (int i = e->first; i < e->count; i++)
        if (e->parcels[i].place.sub == participant)
            e->parcels[i].state = SETTLED;
    return true;
}

/* --- posting ------------------------------------------------------------ */

/* Without the dot, which parts what is signed. */
static void print_id(const struct parcel *parcel, char *id, size_t size)
{
    snprintf(id, size, "newsfeed-%" PRId64 "-%" PRId64, parcel->place.pos,
        parcel->place.sub);
}

/* What cannot be posted stays for the next turn. */
static void post(struct endpoint *e, struct parcel *parcel)
{
    char id[64], agent[64], id_line[80], time_line[64];
    int64_t now = time(NULL);
    struct buf signature = {0};

    print_id(parcel, id, sizeof(id));
    snprintf(agent, sizeof(agent), "User-Agent: newsfeed/%s", release_version);
    snprintf(id_line, sizeof(id_line), "webhook-id: %s", id);
    snprintf(time_line, sizeof(time_line), "webhook-timestamp: %" PRId64, now);
    buf_puts(&signature, "webhook-signature: ");
    enum error error =
        webhook_sign(e->webhook, id, now, parcel->body, &signature);
    const char *const headers[] = {"Content-Type: application/cloudevents+json",
        agent, id_line, time_line, buf_text(&signature), NULL};
    if (!error &&
        courier_send(e->courier, e->url, headers, parcel->body, parcel))
        parcel->state = FLYING;
    buf_free(&signature);
}

/* Not before those of the same participant that come before it. */
static bool may_fly(const struct endpoint *e, int index)
{
    const struct parcel *parcel = &e->parcels[index];

    if (parcel->state != OPEN ||
        (parcel->due > monotonic_ms() && !e->is_failing))
        return false;
    for (int i = e->first; i < index; i++)
        if (e->parcels[i].place.sub == parcel->place.sub &&
            e->parcels[i].state != SETTLED)
            return false;
    return true;
}

static void post_all(struct endpoint *e)
{
    if (monotonic_ms() < e->pause_end)
        return;
    for (int i = 0; i < LANES && courier_has_room(e->courier); i++) {
        struct lane *lane = &e->lanes[i];
        if (lane->count > 0 && lane->parcels[lane->next].state == OPEN)
            post(e, &lane->parcels[lane->next]);
    }
    for (int i = e->first; i < e->count && courier_has_room(e->courier); i++)
        if (may_fly(e, i))
            post(e, &e->parcels[i]);
}

/* One who waits already does so by itself. */
static void fail_lane(struct endpoint *e, struct parcel *parcel,
    const struct courier_answer *answer)
{
    struct lane *lane = parcel->lane;

    if (is_hopeless(e, parcel, lane->waiting_since)) {
        set_aside(e, parcel);
        follow_lane(e, lane);
    } else {
        int tries = lane->tries + 1;
        end_lane(e, lane, tries, pause_behind(e, tries, answer));
    }
}

/* How many may wait by themselves, if one more is to: an event that is refused,
 * or is not taken while others are, is at fault itself. Where nothing is taken,
 * one may be to blame for it, and must not hold up all others for ever: a few
 * may, to find out. */
static int may_wait(const struct endpoint *e, const struct parcel *parcel,
    const struct courier_answer *answer)
{
    if (is_of_event(answer->status))
        return WAITING_MAX;
    if (parcel->failures < PATIENCE || answer->status == TOO_MANY_REQUESTS)
        return 0;
    return e->taken > parcel->taken_before ? WAITING_MAX : SUSPECTS;
}

static void fail_batch(struct endpoint *e, struct parcel *parcel,
    const struct courier_answer *answer)
{
    if (parcel->failures++ == 0)
        parcel->taken_before = e->taken;
    e->misses += !is_of_event(answer->status);
    int limit = may_wait(e, parcel, answer);
    if (limit > 0 && park(e, parcel, answer, limit))
        return;
    parcel->due = monotonic_ms() + pause_behind(e, parcel->failures, answer);
    if (limit > 0 || e->misses >= PATIENCE || answer->retry_after > 0)
        pause_all(e, answer);
}

static void take_answer(struct endpoint *e, const struct courier_answer *answer)
{
    struct parcel *parcel = answer->tag;

    parcel->state = OPEN;
    if (answer->status / 100 == 2) {
        parcel->state = SETTLED;
        note_taken(e);
        if (parcel->lane) {
            parcel->lane->was_taken = true;
            parcel->lane->waiting_since = monotonic_ms();
            follow_lane(e, parcel->lane);
        }
        return;
    }
    metrics_count(METRIC_EVENTS, e->means->metric, EVENT_FAILED);
    if (parcel->lane)
        fail_lane(e, parcel, answer);
    else
        fail_batch(e, parcel, answer);
}

/* --- an outlet ---------------------------------------------------------- */

static void print_name(
    const struct config *config, int number, struct buf *name)
{
    struct text url = webhook_url(config, number);

    buf_puts(name, "webhook ");
    buf_add(name, url.data, url.len);
}

static void *load(const struct config *config, struct buf *faults)
{
    return webhook_new(config, faults);
}

static void unload(void *loaded)
{
    webhook_free(loaded);
}

static void close_endpoint(void *self)
{
    struct endpoint *e = self;

    tell_loss(e);
    courier_free(e->courier);
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANE; j++)
            buf_free(&e->lanes[i].bodies[j]);
    free(e->url);
    free(e);
}

static void *open_endpoint(const struct outlet_means *means)
{
    const struct config *config = means->config;
    struct text url = webhook_url(config, means->number);
    struct endpoint *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->means = means;
    e->webhook = means->loaded;
    e->waiting = (struct waiting){means->pg, means->name};
    e->is_noted = true;
    e->url = strndup(url.data, url.len);
    e->courier = courier_new(&(struct courier_settings){
        .at_once = AT_ONCE,
        .timeout = config->webhook_timeout,
        .private_addresses = config->webhook_private_addresses,
        .ca_file = config->webhook_ca_file,
    });
    if (!e->url || !e->courier) {
        close_endpoint(e);
        return NULL;
    }
    return e;
}

/* How many in front of the batch are settled, of those not told so yet. */
static int count_settled(const struct endpoint *e)
{
    int count = 0;

    while (e->first + count < e->count &&
           e->parcels[e->first + count].state == SETTLED)
        count++;
    return count;
}

/* Told to stop, it waits for what is on its way, which would come twice else.
 */
static void run(struct endpoint *e, int ms)
{
    int64_t end = monotonic_ms() + ms;
    struct courier_answer answer;
    int64_t left;

    look_for_waiting(e);
    give_up_old(e);
    do {
        if (!*e->means->is_stopping)
            post_all(e);
        left = end - monotonic_ms();
        if (left < 0 || !courier_next(e->courier, (int)left, &answer))
            break;
        take_answer(e, &answer);
    } while (e->first == e->count || e->first + count_settled(e) < e->count);
    if (monotonic_ms() >= e->loss.tell_at)
        tell_loss(e);
}

static int send_events(
    void *self, const struct outlet_event *events, int event_count)
{
    struct endpoint *e = self;

    if (e->first == e->count)
        take_batch(e, events, event_count);
    run(e, TURN);
    int settled = count_settled(e);
    e->first += settled;
    return settled;
}

/* Those who wait do so, whether there is something new or not. */
static void rest(void *self)
{
    run(self, REST_TURN);
}

const struct outlet_kind outlet_webhook = {
    .kind = "webhook",
    .batch = BATCH,
    .metric = OUTLET_WEBHOOK,
    .count = webhook_count,
    .print_name = print_name,
    .load = load,
    .unload = unload,
    .open = open_endpoint,
    .send = send_events,
    .rest = rest,
    .close = close_endpoint,
};
