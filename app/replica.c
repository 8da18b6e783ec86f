/* Reads of the database that its replicas serve (db.read_conninfo), as new as
 * the primary's would be. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "database.h"
#include "log.h"
#include "metrics.h"
#include "replica.h"
#include "sql.h"

enum {
    LAG_WAIT = 10,     /* ms that a request waits for it to come so far */
    REST = 100,        /* ms without a look at one that did not, or failed */
    RESTS_MAX = 1000,  /* ms that it may be so before another host is tried */
    FAULT_REST = 1000, /* ms without a look at one that is gone, or refused */
    CALM = 3000,       /* ms without a failure, and it is over */
    LOOK_PAUSE = 1000, /* ms between looks of who has nothing else to do */
    WAL_PAGE = 8192,   /* bytes of the log */
    MARK_SIZE = 40,    /* a UUID */
};

/* us that its clock may be ahead of the primary's: what is younger than a
 * minute is looked at by that (store.c), and nobody takes so long to bring a
 * post. */
static const int64_t clock_slack = 5000000;

struct replica {
    struct pg *pg;
    struct replica_state *state;
    bool may_read;      /* this request, as yet */
    bool has_caught_up; /* as far as this request needs it */
    bool answered;
    int64_t rests_until;   /* monotonic ms */
    int64_t resting_since; /* likewise; 0: it served since */
    enum replica_read rests_for;
    int64_t looks_at;     /* monotonic ms */
    char mark[MARK_SIZE]; /* of the life that the primary is in */
    int64_t marked_by;    /* the primary's session that told it */
    int64_t met;          /* the replica's that has it */
};

bool replica_check(const struct config *config, struct buf *faults)
{
    struct buf fault = {0};
    bool ok = true;

    if (*config->db_read_conninfo == '\0')
        return true;
    if (!pg_check(config->db_read_conninfo, &fault)) {
        buf_printf(faults, "db.read_conninfo: %s\n", buf_text(&fault));
        ok = false;
    }
    if (!config->db_prepare) {
        buf_puts(faults,
            "db.read_conninfo: must be empty with db.prepare = off: a pooler "
            "may have one replica asked how far it is and another one read\n");
        ok = false;
    }
    buf_free(&fault);
    return ok;
}

bool replica_attach(
    struct pg *pg, const struct config *config, struct replica_state *state)
{
    struct replica *replica = calloc(1, sizeof(*replica));

    if (!replica)
        return false;
    replica->state = state;
    replica->pg = database_new_replica(config, (int)(getpid() % INT16_MAX));
    pg_set_replica(pg, replica);
    return replica->pg != NULL;
}

void replica_detach(struct pg *pg)
{
    struct replica *replica = pg ? pg_replica(pg) : NULL;

    if (!replica)
        return;
    pg_set_replica(pg, NULL);
    pg_free(replica->pg);
    free(replica);
}

/* --- its faults --------------------------------------------------------- */

/* Said once, by whoever finds out first. */
static enum replica_read fail(
    struct replica *replica, enum replica_read fault, const char *sentence)
{
    struct replica_state *state = replica->state;

    state->failed_at = monotonic_ms();
    if (!atomic_exchange(&state->fault, fault))
        log_warn("pg", "%s; the primary is read", sentence);
    return fault;
}

static void succeed(struct replica *replica)
{
    struct replica_state *state = replica->state;

    replica->resting_since = 0;
    if (state->fault && monotonic_ms() - state->failed_at > CALM &&
        atomic_exchange(&state->fault, READ_SERVED))
        log_info("pg", "replica: it is read again");
}

/* Nobody connects to one for a while. */
static enum replica_read keep_off(
    struct replica *replica, enum replica_read fault, const char *sentence)
{
    replica->resting_since = 0;
    breaker_trip(&replica->state->connecting, FAULT_REST);
    return fail(replica, fault, sentence);
}

static enum replica_read leave(
    struct replica *replica, enum replica_read fault, const char *sentence)
{
    pg_leave(replica->pg);
    return keep_off(replica, fault, sentence);
}

/* It may be better in a moment; if not, by another host. */
static enum replica_read rest(
    struct replica *replica, enum replica_read fault, const char *sentence)
{
    int64_t now = monotonic_ms();

    replica->rests_until = now + REST;
    replica->rests_for = fault;
    if (!replica->resting_since)
        replica->resting_since = now;
    if (now - replica->resting_since <= RESTS_MAX)
        return fault;
    replica->resting_since = 0;
    if (fault != READ_UNKNOWN)
        pg_leave(replica->pg);
    return fail(replica, fault, sentence);
}

/* A statement of ours failed, which the driver has logged. */
static enum replica_read explain(struct replica *replica, enum error error)
{
    return pg_is_connected(replica->pg) && error != ERR_TIMEOUT
               ? rest(replica, READ_FAILED,
                     "replica: its statements have failed for a second")
               : leave(replica, READ_GONE,
                     "replica: its connection was lost, or it did not answer "
                     "in time");
}

/* --- whether it may be read --------------------------------------------- */

/* One at a time tries what failed a while ago. */
static enum replica_read connect_to(struct replica *replica)
{
    struct breaker *connecting = &replica->state->connecting;
    enum replica_read read = READ_SERVED;
    struct buf sentence = {0};

    pg_look(replica->pg);
    if (pg_is_connected(replica->pg))
        return READ_SERVED;
    if (breaker_was_tripped(connecting) &&
        !breaker_take(connecting, FAULT_REST))
        return replica->state->fault == READ_REFUSED ? READ_REFUSED : READ_GONE;
    enum error error = pg_connect(replica->pg, &sentence);
    if (!error)
        breaker_reset(connecting);
    else
        read =
            keep_off(replica, error == ERR_INVALID ? READ_REFUSED : READ_GONE,
                buf_text(&sentence));
    buf_free(&sentence);
    return read;
}

enum error replica_life(struct pg *pg)
{
    static struct pg_statement look = {
        .name = "life",
        .sql = sql_life,
        .reads = true,
    };
    static struct pg_statement begin = {
        .name = "life_begin",
        .sql = sql_life_begin,
        .reads = true, /* it may be run twice */
    };
    struct pg_params params = {0};

    enum error error = pg_exec(pg, &look, &params);
    if (!error && pg_rows(pg) == 0)
        error = pg_exec(pg, &begin, &params);
    return !error && pg_rows(pg) == 0 ? ERR_LOCKED : error;
}

static enum error find_life(struct replica *replica, struct pg *pg)
{
    if (pg_session(pg) == replica->marked_by && pg_is_connected(pg))
        return OK;
    enum error error = replica_life(pg);
    if (error)
        return error;
    struct text mark = pg_text(pg, 0, 0);
    if (mark.len >= MARK_SIZE)
        return ERR_INTERNAL;
    if (strcmp(mark.data, replica->mark) != 0)
        replica->met = 0;
    strcpy(replica->mark, mark.data);
    replica->marked_by = pg_session(pg);
    return OK;
}

static enum replica_read meet(struct replica *replica)
{
    static struct pg_statement statement = {
        .name = "life_met",
        .sql = "SELECT FROM life WHERE mark = $1::text::uuid",
        .reads = true,
    };
    struct pg_params params = {0};

    if (replica->met == pg_session(replica->pg))
        return READ_SERVED;
    pg_add_text(&params, (struct text){replica->mark, strlen(replica->mark)});
    enum error error = pg_exec(replica->pg, &statement, &params);
    if (error)
        return explain(replica, error);
    if (pg_rows(replica->pg) == 0)
        return leave(replica, READ_REFUSED,
            "replica: it is none of this database, or has not followed it "
            "since the last promotion or restore");
    replica->met = pg_session(replica->pg);
    return READ_SERVED;
}

/* Up to where the primary's log has what was answered by a time, of its
 * clock. */
struct moment {
    int64_t position;
    int64_t time; /* us since 1970 */
};

static enum error find_moment(struct pg *pg, struct moment *moment)
{
    static struct pg_statement statement = {
        .name = "position",
        .sql = "SELECT CASE WHEN current_setting('synchronous_commit') = 'off'"
               " THEN pg_current_wal_insert_lsn()"
               " ELSE pg_current_wal_flush_lsn() END, clock_timestamp()",
        .reads = true,
    };
    struct pg_params params = {0};
    enum error error = pg_exec(pg, &statement, &params);

    if (!error)
        *moment = (struct moment){pg_int(pg, 0, 0), pg_time(pg, 0, 1)};
    return error;
}

/* Pages of the log are written as they are full, with what has only begun in
 * them: nobody has replayed up to there before more comes, which is no fault.
 */
static enum replica_read fall_behind(struct replica *replica, int64_t position)
{
    if (position % WAL_PAGE == 0)
        replica->resting_since = 0;
    return rest(
        replica, READ_BEHIND, "replica: it has lagged behind for a second");
}

/* No position: it is a primary by now. */
static enum replica_read wait_for(
    struct replica *replica, const struct moment *moment)
{
    static struct pg_statement statement = {
        .name = "replayed",
        .sql = "SELECT CASE WHEN pg_is_in_recovery()"
               " THEN pg_last_wal_replay_lsn() END, clock_timestamp()",
        .reads = true,
    };
    int64_t began = monotonic_ms();

    for (;;) {
        struct pg_params params = {0};
        enum error error = pg_exec(replica->pg, &statement, &params);
        if (error)
            return explain(replica, error);
        int64_t waited = monotonic_ms() - began;
        if (pg_is_null(replica->pg, 0, 0))
            return leave(replica, READ_REFUSED, "replica: it was promoted");
        if (pg_time(replica->pg, 0, 1) - moment->time >
            clock_slack + waited * 1000)
            return leave(replica, READ_REFUSED,
                "replica: its clock is more than 5 s ahead of the primary's");
        if (pg_int(replica->pg, 0, 0) >= moment->position)
            return READ_SERVED;
        if (waited >= LAG_WAIT)
            return fall_behind(replica, moment->position);
        poll(NULL, 0, 1);
    }
}

/* Position and life are told by one session of the primary; the mark of the
 * life is before that position. */
static enum replica_read catch_up(struct replica *replica, struct pg *pg)
{
    struct moment moment;

    if (monotonic_ms() < replica->rests_until)
        return replica->rests_for;
    enum replica_read read = connect_to(replica);
    if (read)
        return read;
    if (find_life(replica, pg) || find_moment(pg, &moment) ||
        pg_session(pg) != replica->marked_by)
        return rest(replica, READ_UNKNOWN,
            "replica: the primary has not told for a second how far it is");
    read = wait_for(replica, &moment);
    return read ? read : meet(replica);
}

void replica_look(struct pg *pg)
{
    struct replica *replica = pg_replica(pg);

    if (!replica || monotonic_ms() < replica->looks_at)
        return;
    replica->looks_at = monotonic_ms() + LOOK_PAUSE;
    bool has_failed = /* at more than this */
        replica->resting_since && replica->rests_for == READ_FAILED;
    if (!catch_up(replica, pg) && !has_failed)
        succeed(replica);
}

/* --- reading ------------------------------------------------------------ */

void replica_begin(struct pg *pg, bool may_read)
{
    struct replica *replica = pg_replica(pg);

    if (!replica)
        return;
    replica->may_read = may_read;
    replica->has_caught_up = replica->answered = false;
}

static void stop(struct replica *replica, enum replica_read read)
{
    replica->may_read = replica->answered = false;
    metrics_count(METRIC_REPLICA_READS, read, 0);
}

void replica_give_up(struct pg *pg)
{
    stop(pg_replica(pg), READ_UNSETTLED);
}

bool replica_answered(const struct pg *pg)
{
    const struct replica *replica = pg_replica(pg);

    return replica && replica->answered;
}

static enum replica_read try(struct replica *replica, struct pg *pg,
    struct pg_statement *statement, struct pg_params *params)
{
    enum replica_read read = READ_SERVED;

    if (!replica->has_caught_up)
        read = catch_up(replica, pg);
    if (read)
        return read;
    replica->has_caught_up = true;
    enum error error = pg_exec(replica->pg, statement, params);
    if (error)
        return explain(replica, error);
    pg_hand_over(replica->pg, pg);
    succeed(replica);
    return READ_SERVED;
}

enum error replica_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    struct replica *replica = pg_replica(pg);

    if (!replica || !replica->may_read)
        return pg_exec(pg, statement, params);
    *pg_spent(replica->pg) = (struct spent){0};
    enum replica_read read = try(replica, pg, statement, params);
    spent_merge(pg_spent(pg), pg_spent(replica->pg));
    if (read) {
        stop(replica, read);
        return pg_exec(pg, statement, params);
    }
    replica->answered = true;
    metrics_count(METRIC_REPLICA_READS, READ_SERVED, 0);
    return OK;
}
