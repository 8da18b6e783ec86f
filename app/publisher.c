/* Tells an outlet what has happened: one process for each, with its
 * connection. */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrival.h"
#include "clock.h"
#include "database.h"
#include "event.h"
#include "exit.h"
#include "log.h"
#include "outlet.h"
#include "publisher.h"
#include "sql.h"

enum {
    STATEMENT_TIMEOUT = 10000, /* ms; no client waits */

    /* Whoever holds an outlet and is gone is waited for so long; ms. */
    LEASE = 10000,
    RENEWAL = LEASE / 3,

    INTERVAL = 100, /* ms between looks where there is nothing to do */
    PAUSE = 500,    /* the same while another one holds the outlet */

    KEPT = 1 << 20, /* bytes of events that stay allocated */
};

struct publisher {
    const struct outlet_kind *outlet;
    struct outlet_means means;
    char holder[HOST_NAME_MAX + 20];
    struct slot *slot;
    struct arrival arrival;

    bool is_held;
    int64_t renew_at;     /* monotonic ms */
    int64_t database;     /* in which it is held; see pg_identity */
    struct cursor noted;  /* its place there */
    struct cursor behind; /* what is read next */
    void *opened;

    bool has_batch;
    struct cursor end; /* its last, or up to where there was none */
    int count;         /* of its events that can be told */
    int settled;       /* of these */
    struct outlet_event events[OUTLET_BATCH_MAX];
    struct buf bodies;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

static struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static bool is_same(struct cursor a, struct cursor b)
{
    return a.pos == b.pos && a.sub == b.sub;
}

/* --- the outlet is held ------------------------------------------------- */

/* What is not settled, others tell: or this one, once it holds it again. */
static void let_go(struct publisher *p)
{
    if (p->opened)
        p->outlet->close(p->opened);
    p->opened = NULL;
    p->is_held = false;
    p->has_batch = false;
}

static void add_holder(const struct publisher *p, struct pg_params *params)
{
    pg_add_text(params, text_of(p->means.name));
    pg_add_text(params, text_of(p->holder));
}

/* No rows: another one holds it. */
static enum error ask_to_hold(struct publisher *p)
{
    static struct pg_statement statement = {
        .name = "publisher_hold",
        .sql = sql_publisher_hold,
    };
    struct pg_params params = {0};

    add_holder(p, &params);
    pg_add_int(&params, LEASE);
    pg_add_int(&params, p->arrival.horizon);
    p->renew_at = monotonic_ms() + RENEWAL;
    return pg_exec(p->means.pg, &statement, &params);
}

static void tell_begin(const struct publisher *p, int64_t floor)
{
    char place[CURSOR_SIZE];

    cursor_print(&p->noted, place);
    log_info(
        "publisher", "%s: events are told behind %s", p->means.label, place);
    if (p->noted.pos < floor)
        log_warn("publisher",
            "%s: events up to %" PRId64 " were kept no longer "
            "(feed.event_hours): of those behind %s, posts alone are told",
            p->means.label, floor, place);
}

static bool begin(struct publisher *p, struct cursor place)
{
    int64_t floor;

    let_go(p);
    p->noted = p->behind = place;
    p->database = pg_identity(p->means.pg);
    if (arrival_floor(p->means.pg, &floor))
        return false;
    p->opened = p->outlet->open(&p->means);
    p->is_held = p->opened != NULL;
    if (p->is_held)
        tell_begin(p, floor);
    return p->is_held;
}

/* It is begun anew where that is not as it was left: in another database,
 * behind another holder, or because somebody has set the place. */
static bool hold(struct publisher *p)
{
    const struct pg *pg = p->means.pg;

    if (p->is_held && monotonic_ms() < p->renew_at)
        return true;
    if (ask_to_hold(p) || pg_rows(pg) == 0) {
        let_go(p);
        return false;
    }
    struct cursor place = {pg_int(pg, 0, 0), pg_int(pg, 0, 1)};
    bool is_as_left = p->is_held && p->database == pg_identity(pg) &&
                      is_same(place, p->noted);
    return is_as_left || begin(p, place);
}

/* In another database, such as a standby that took over, the same place may
 * have other events behind it. */
static bool is_still_there(const struct publisher *p)
{
    return pg_refresh(p->means.pg) && pg_identity(p->means.pg) == p->database;
}

/* What is settled behind it is told again if this fails: there may be another
 * holder by now. */
static bool note(struct publisher *p, struct cursor place)
{
    static struct pg_statement statement = {
        .name = "publisher_note",
        .sql = sql_publisher_note,
    };
    struct pg_params params = {0};

    add_holder(p, &params);
    pg_add_int(&params, LEASE);
    pg_add_int(&params, p->noted.pos);
    pg_add_int(&params, p->noted.sub);
    pg_add_int(&params, place.pos);
    pg_add_int(&params, place.sub);
    p->renew_at = monotonic_ms() + RENEWAL;
    if (!is_still_there(p) || pg_exec(p->means.pg, &statement, &params) ||
        pg_rows(p->means.pg) == 0) {
        let_go(p);
        return false;
    }
    p->noted = p->behind = place;
    return true;
}

static void release(struct publisher *p)
{
    static struct pg_statement statement = {
        .name = "publisher_release",
        .sql = "UPDATE publisher SET held_until = '-infinity'"
               " WHERE name = $1::text AND holder = $2::text",
    };
    struct pg_params params = {0};
    bool is_held = p->is_held;

    let_go(p);
    add_holder(p, &params);
    if (is_held && pg_exec(p->means.pg, &statement, &params))
        log_warn("publisher", "%s: the next one waits for %d s", p->means.label,
            LEASE / 1000);
}

/* --- events are read, and told ------------------------------------------ */

/* Of what is gone, nothing is told. */
static void print_batch(struct publisher *p, int rows)
{
    const struct pg *pg = p->means.pg;

    p->count = p->settled = 0;
    buf_reset(&p->bodies, KEPT);
    for (int row = 0; row < rows; row++) {
        struct outlet_event *event = &p->events[p->count];
        size_t start = p->bodies.len;
        if (!event_print(pg, row, &p->bodies))
            continue;
        event->place = event_place(pg, row);
        event->occurred = event_time(pg, row);
        event->body.len = p->bodies.len - start;
        cursor_print(&event->place, event->id_text);
        event->id = text_of(event->id_text);
        buf_add(&p->bodies, "", 1);
        p->count++;
    }
    const char *body = p->bodies.data;
    for (int i = 0; i < p->count; i++) {
        p->events[i].body.data = body;
        body += p->events[i].body.len + 1;
    }
}

/* As far as is known: what came since the last look waits for the next. */
static bool is_behind(const struct publisher *p)
{
    int64_t horizon = p->arrival.horizon;

    return p->behind.pos < horizon ||
           (p->behind.pos == horizon && p->behind.sub != CURSOR_ALL);
}

/* Only what has arrived of the database that it is held in. */
static bool read_batch(struct publisher *p)
{
    const struct pg *pg = p->means.pg;
    struct cursor horizon = {p->arrival.horizon, CURSOR_ALL};
    int rows;

    if (!is_behind(p) || event_read(p->means.pg, &p->behind, horizon.pos,
                             p->outlet->batch, &rows))
        return false;
    if (pg_identity(pg) != p->database || p->arrival.database != p->database) {
        let_go(p);
        return false;
    }
    print_batch(p, rows);
    if (p->bodies.failed) {
        log_error(
            "publisher", "%s: no memory for %d events", p->means.label, rows);
        return false;
    }
    p->end = rows < p->outlet->batch ? horizon : event_place(pg, rows - 1);
    p->has_batch = true;
    return true;
}

/* False: nothing has become of it. */
static bool tell_batch(struct publisher *p)
{
    int left = p->count - p->settled;
    int settled = 0;

    slot_busy(p->slot); /* anew, so that an outlet that hangs is seen */
    if (left > 0)
        settled = p->outlet->send(p->opened, p->events + p->settled, left);
    p->settled += settled;
    p->has_batch = settled < left;
    if (!p->has_batch)
        return note(p, p->end);
    return settled > 0 && note(p, p->events[p->settled - 1].place);
}

/* How many ms to rest. */
static int turn(struct publisher *p)
{
    slot_busy(p->slot);
    if (!p->has_batch && arrival_look(p->means.pg, &p->arrival))
        return PAUSE;
    if (!p->arrival.is_known)
        return INTERVAL;
    if (!hold(p))
        return PAUSE;
    if (p->has_batch || read_batch(p))
        return tell_batch(p) && is_behind(p) ? 0 : INTERVAL;
    if (p->opened && p->outlet->rest)
        p->outlet->rest(p->opened);
    return INTERVAL;
}

/* --- the process -------------------------------------------------------- */

static void listen_to_signals(void)
{
    static const int signals[] = {SIGQUIT, SIGTERM, SIGINT};
    sigset_t none;

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], stop);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void name_holder(struct publisher *p, uint64_t life)
{
    char host[HOST_NAME_MAX + 1] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        *host = '\0';
    snprintf(p->holder, sizeof(p->holder), "%s %016" PRIx64, host, life);
}

int publisher_run(int index, uint64_t life, const struct setup *setup,
    struct scoreboard *scoreboard, struct slot *slot)
{
    const struct config *config = setup->config;
    struct publisher *p = calloc(1, sizeof(*p));
    char label[OUTLET_LABEL_SIZE];
    struct buf name = {0};
    int number;
    int kind = outlet_find(config, index, &number);
    int code = EXIT_FAILURE; /* the rest of the service does without it */

    listen_to_signals();
    if (!p)
        return code;
    p->slot = slot;
    p->means = (struct outlet_means){
        .config = config,
        .loaded = setup->outlets.of[kind],
        .number = number,
        .pg = database_new(config, STATEMENT_TIMEOUT, &scoreboard->db),
        .metric = outlets[kind]->metric + number,
        .is_stopping = &stopping,
    };
    p->outlet = outlets[kind];
    p->outlet->print_name(config, number, &name);
    p->means.name = buf_text(&name);
    outlet_label(config, index, label);
    p->means.label = label;
    name_holder(p, life);
    if (!p->means.pg || name.failed)
        goto out;
    while (!stopping) {
        int ms = turn(p);
        slot_idle(slot);
        if (!stopping)
            poll(NULL, 0, ms);
    }
    slot_busy(slot);
    release(p);
    code = EXIT_RETIRED;
out:
    arrival_free(&p->arrival);
    buf_free(&p->bodies);
    buf_free(&name);
    pg_free(p->means.pg);
    free(p);
    return code;
}
