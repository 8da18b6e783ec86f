/* Tests of replica: who is asked what, and when a replica may answer, with the
 * two servers played by the test. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "database.h"
#include "metrics.h"
#include "replica.h"
#include "runner.h"

/* --- two servers -------------------------------------------------------- */

struct pg {
    int64_t sessions;
    bool is_connected;
    int64_t position;  /* of the log: on disk, or replayed */
    int64_t time;      /* us, of its clock */
    const char *mark;  /* that the one tells and the other has; NULL: none */
    bool is_new;       /* nobody has written it down */
    int begun;         /* how often that was done */
    enum error fault;  /* of what it is asked for */
    bool is_lost;      /* and the connection with it */
    enum error locked; /* who connects is told so */
    int host;          /* that the next connection begins with */
    bool is_promoted;
    int reads;
    int64_t column;
    int rows;
    struct replica *replica;
    struct spent spent;
};

static struct pg primary, standby;
static struct config config;
static struct replica_state state;
static int replays; /* a look at it finds so many bytes more */

void pg_set_replica(struct pg *pg, struct replica *replica)
{
    pg->replica = replica;
}

struct replica *pg_replica(const struct pg *pg)
{
    return pg->replica;
}

struct pg *database_new_replica(const struct config *config_, int first_host)
{
    ck_assert_ptr_eq(config_, &config);
    ck_assert_int_ge(first_host, 0);
    return &standby;
}

bool pg_check(const char *conninfo, struct buf *fault)
{
    if (strchr(conninfo, '='))
        return true;
    buf_puts(fault, "missing \"=\"");
    return false;
}

void pg_free(struct pg *pg)
{
    ck_assert_ptr_eq(pg, &standby);
}

static enum error open_session(struct pg *pg, struct buf *reason)
{
    if (pg->is_connected)
        return OK;
    if (pg->locked) {
        pg->host++;
        if (reason)
            buf_puts(reason, "replica: it does not let us in");
        return pg->locked;
    }
    pg->is_connected = true;
    pg->sessions++;
    return OK;
}

enum error pg_connect(struct pg *pg, struct buf *reason)
{
    return open_session(pg, reason);
}

void pg_look(struct pg *pg)
{
    (void)pg;
}

bool pg_is_connected(const struct pg *pg)
{
    return pg->is_connected;
}

void pg_leave(struct pg *pg)
{
    pg->is_connected = false;
    pg->host++;
}

int64_t pg_session(const struct pg *pg)
{
    return pg->sessions;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    if (pg == &primary)
        ck_assert_int_eq(open_session(pg, NULL), OK);
    ck_assert(pg->is_connected);
    spent_add(&pg->spent, statement->name, 1000);
    if (pg->fault) {
        pg->is_connected = !pg->is_lost;
        return pg->fault;
    }
    pg->rows = 1;
    if (strcmp(statement->name, "position") == 0) {
        ck_assert_ptr_eq(pg, &primary);
        pg->column = pg->position;
    } else if (strcmp(statement->name, "replayed") == 0) {
        ck_assert_ptr_eq(pg, &standby);
        pg->column = pg->position;
        pg->position += replays;
    } else if (strcmp(statement->name, "life") == 0) {
        ck_assert_ptr_eq(pg, &primary);
        pg->rows = !pg->is_new;
    } else if (strcmp(statement->name, "life_begin") == 0) {
        ck_assert_ptr_eq(pg, &primary);
        pg->is_new = false;
        pg->begun++;
    } else if (strcmp(statement->name, "life_met") == 0) {
        ck_assert_ptr_eq(pg, &standby);
        pg->rows = pg->mark && strcmp(pg->mark, params->values[0]) == 0;
    } else {
        pg->reads++;
    }
    return OK;
}

void pg_add_text(struct pg_params *params, struct text text)
{
    params->values[params->count++] = text.data;
}

int pg_rows(const struct pg *pg)
{
    return pg->rows;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    ck_assert_int_eq(row, 0);
    ck_assert_int_eq(column, 0);
    return pg->column;
}

int64_t pg_time(const struct pg *pg, int row, int column)
{
    ck_assert_int_eq(row, 0);
    ck_assert_int_eq(column, 1);
    return pg->time;
}

bool pg_is_null(const struct pg *pg, int row, int column)
{
    ck_assert_int_eq(row, 0);
    ck_assert_int_eq(column, 0);
    return pg->is_promoted;
}

struct text pg_text(const struct pg *pg, int row, int column)
{
    ck_assert_int_eq(row, 0);
    ck_assert_int_eq(column, 0);
    return (struct text){pg->mark, strlen(pg->mark)};
}

void pg_hand_over(struct pg *from, struct pg *to)
{
    ck_assert_ptr_eq(from, &standby);
    ck_assert_ptr_eq(to, &primary);
}

struct spent *pg_spent(struct pg *pg)
{
    return &pg->spent;
}

/* --- tests -------------------------------------------------------------- */

static void set_up(void)
{
    config =
        (struct config){.db_read_conninfo = "host=standby", .db_prepare = true};
    primary = (struct pg){.mark = "one", .position = 100};
    standby = (struct pg){.mark = "one", .position = 100};
    memset(&state, 0, sizeof(state));
    replays = 0;
    ck_assert(replica_attach(&primary, &config, &state));
}

static void tear_down(void)
{
    replica_detach(&primary);
    ck_assert_ptr_null(primary.replica);
}

/* Whether the replica did it; one of both must. */
static bool reads_there(void)
{
    static struct pg_statement statement = {.name = "feed"};
    struct pg_params params = {0};
    int before = primary.reads + standby.reads;

    int there = standby.reads;
    ck_assert_int_eq(replica_exec(&primary, &statement, &params), OK);
    ck_assert_int_eq(primary.reads + standby.reads, before + 1);
    ck_assert(replica_answered(&primary) == (standby.reads > there));
    return standby.reads > there;
}

static bool serves(void)
{
    replica_begin(&primary, true);
    return reads_there();
}

static uint64_t counted(enum replica_read read)
{
    return metrics_value(METRIC_REPLICA_READS, read, 0);
}

START_TEST(one_that_has_replayed_as_much_serves)
{
    uint64_t before = counted(READ_SERVED);

    ck_assert(serves());
    standby.position = 101; /* or more */
    ck_assert(serves());
    ck_assert_uint_eq(counted(READ_SERVED), before + 2);
    ck_assert_int_eq(state.fault, READ_SERVED);
}
END_TEST

START_TEST(what_is_the_primarys_is_read_there)
{
    replica_begin(&primary, false);
    ck_assert(!reads_there());
    ck_assert_int_eq(standby.sessions, 0);
}
END_TEST

START_TEST(each_request_asks_once_how_far_it_must_be)
{
    ck_assert(serves());
    primary.position = 200;
    ck_assert(reads_there()); /* the same request: it began before that */
    ck_assert(!serves());
}
END_TEST

START_TEST(it_is_waited_for_a_little)
{
    primary.position = 103;
    replays = 1;
    ck_assert(serves());
    ck_assert_int_ge(standby.position, 103);
}
END_TEST

START_TEST(one_that_lags_is_left_alone_for_a_while)
{
    uint64_t before = counted(READ_BEHIND);

    primary.position = 101;
    ck_assert(!serves());
    standby.position = 101;
    int64_t began = monotonic_ms();
    while (!serves())
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    ck_assert_uint_gt(counted(READ_BEHIND), before + 1);
    ck_assert_int_eq(state.fault, READ_SERVED); /* not yet worth a word */
}
END_TEST

START_TEST(one_that_goes_on_lagging_is_left_for_another)
{
    primary.position = 101;
    int64_t began = monotonic_ms();
    while (standby.sessions < 2) {
        ck_assert(!serves());
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    }
    ck_assert_int_eq(state.fault, READ_BEHIND);
    began = monotonic_ms();
    while (standby.sessions < 3) { /* and so may that one be */
        ck_assert(!serves());
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    }
    ck_assert_int_ge(monotonic_ms() - began, 900);
}
END_TEST

START_TEST(one_that_lags_may_be_of_this_life)
{
    standby.mark = NULL; /* not yet */
    standby.position = 99;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_SERVED);
    ck_assert(standby.is_connected);
}
END_TEST

START_TEST(one_of_another_life_is_refused)
{
    standby.mark = NULL;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_REFUSED);
    ck_assert(!standby.is_connected);
}
END_TEST

START_TEST(a_life_is_written_down_once)
{
    ck_assert(serves());
    ck_assert_int_eq(primary.begun, 0); /* by somebody else */
    primary.is_connected = false;
    primary.is_new = true;
    ck_assert(serves());
    ck_assert_int_eq(primary.begun, 1);
    primary.is_connected = false;
    ck_assert(serves());
    ck_assert_int_eq(primary.begun, 1);
}
END_TEST

START_TEST(a_new_session_of_the_primary_may_be_another_life)
{
    ck_assert(serves());
    primary.is_connected = false;
    primary.mark = "two";
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_REFUSED);
}
END_TEST

START_TEST(a_new_session_of_the_replica_may_be_of_another_life)
{
    ck_assert(serves());
    standby.is_connected = false;
    standby.mark = "two";
    ck_assert(!serves());
}
END_TEST

START_TEST(one_that_was_promoted_is_refused)
{
    ck_assert(serves());
    standby.is_promoted = true;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_REFUSED);
}
END_TEST

START_TEST(one_whose_clock_is_ahead_is_refused)
{
    primary.time = 1000000000;
    standby.time = primary.time + 4000000;
    ck_assert(serves());
    standby.time = 0; /* then more is looked at than need be */
    ck_assert(serves());
    standby.time = primary.time + 9000000;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_REFUSED);
}
END_TEST

START_TEST(nobody_comes_to_where_a_page_of_the_log_ends)
{
    int64_t began = monotonic_ms();

    ck_assert(serves());
    primary.position = 8192;
    standby.position = 8191;
    while (monotonic_ms() - began < 1200)
        ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_SERVED);
    ck_assert_int_eq(standby.sessions, 1);
    primary.position = standby.position;
    while (!serves())
        ck_assert_int_lt(monotonic_ms() - began, 10000);
}
END_TEST

START_TEST(one_that_is_gone_is_tried_by_one_now_and_then)
{
    standby.locked = ERR_NO_DATABASE;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_GONE);
    standby.locked = OK;
    int64_t began = monotonic_ms();
    while (!serves())
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    ck_assert_int_ge(monotonic_ms() - began, 900);
}
END_TEST

START_TEST(no_host_is_left_out)
{
    standby.locked = ERR_NO_DATABASE;
    ck_assert(!serves());
    ck_assert_int_eq(standby.host, 1);
    standby.locked = OK;
    standby.is_promoted = true;
    breaker_reset(&state.connecting);
    ck_assert(!serves());
    ck_assert_int_eq(standby.host, 2);
}
END_TEST

START_TEST(one_that_is_no_standby_is_refused)
{
    standby.locked = ERR_INVALID;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_REFUSED);
}
END_TEST

START_TEST(a_statement_that_is_lost_there_is_the_primarys)
{
    ck_assert(serves());
    standby.fault = ERR_TIMEOUT;
    standby.is_lost = true;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_GONE);
}
END_TEST

START_TEST(a_statement_that_takes_too_long_there_is_the_last_for_a_while)
{
    ck_assert(serves());
    standby.fault = ERR_TIMEOUT;
    ck_assert(!serves());
    ck_assert_int_eq(state.fault, READ_GONE);
    ck_assert(!standby.is_connected);
}
END_TEST

START_TEST(a_statement_that_fails_there_is_the_primarys)
{
    uint64_t before = counted(READ_FAILED);

    ck_assert(serves());
    standby.fault = ERR_LOCKED;
    replica_begin(&primary, true);
    ck_assert(!reads_there());
    standby.fault = OK;
    ck_assert(!reads_there()); /* and so is the rest of the request */
    ck_assert_uint_eq(counted(READ_FAILED), before + 1);
    int64_t began = monotonic_ms();
    while (!serves())
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    ck_assert_int_ge(monotonic_ms() - began, 50);
    ck_assert_uint_gt(counted(READ_FAILED), before + 1); /* while it rests */
    ck_assert_int_eq(state.fault, READ_SERVED);
    ck_assert_int_eq(standby.sessions, 1);
}
END_TEST

/* Of who cannot be asked, or fails: for that reason there is a fault. */
static void go_on_with(struct pg *pg, enum replica_read read)
{
    uint64_t before = counted(read);
    int64_t began = monotonic_ms();

    ck_assert(serves());
    pg->fault = ERR_INTERNAL;
    while (state.fault == READ_SERVED) {
        replica_begin(&primary, true);
        static struct pg_statement statement = {.name = "feed"};
        enum error error =
            replica_exec(&primary, &statement, &(struct pg_params){0});
        ck_assert_int_eq(error, primary.fault);
        replica_look(&primary);
        ck_assert_int_lt(monotonic_ms() - began, 10000);
    }
    ck_assert_int_eq(state.fault, read);
    ck_assert_int_ge(monotonic_ms() - began, 900);
    ck_assert_uint_gt(counted(read), before + 1);
}

START_TEST(one_whose_statements_go_on_failing_is_left_for_another)
{
    go_on_with(&standby, READ_FAILED);
    ck_assert(!standby.is_connected);
}
END_TEST

START_TEST(a_primary_that_does_not_tell_is_a_fault_of_its_own)
{
    go_on_with(&primary, READ_UNKNOWN);
    ck_assert(standby.is_connected);
}
END_TEST

START_TEST(a_look_finds_what_is_wrong)
{
    standby.mark = NULL;
    replica_look(&primary);
    ck_assert_int_eq(state.fault, READ_REFUSED);
    ck_assert_int_eq(standby.reads, 0);
    state.fault = READ_SERVED;
    replica_look(&primary); /* not again as soon as this */
    ck_assert_int_eq(state.fault, READ_SERVED);
}
END_TEST

START_TEST(who_gives_up_reads_from_the_primary)
{
    ck_assert(serves());
    replica_give_up(&primary);
    ck_assert(!replica_answered(&primary));
    ck_assert(!reads_there());
    ck_assert(serves());
}
END_TEST

START_TEST(without_a_replica_all_is_the_primarys)
{
    struct replica *replica = primary.replica;

    primary.replica = NULL;
    ck_assert(!serves());
    ck_assert(!replica_answered(&primary));
    primary.replica = replica;
}
END_TEST

START_TEST(what_it_took_there_is_told_with_the_rest)
{
    ck_assert(serves());
    primary.spent = (struct spent){0};
    ck_assert(serves());
    ck_assert_int_eq(primary.spent.count, 3);
    ck_assert_int_eq(primary.spent.ns, 3000);
}
END_TEST

START_TEST(settings_are_checked)
{
    struct buf faults = {0};

    ck_assert(replica_check(&config, &faults));
    config.db_read_conninfo = "standby";
    config.db_prepare = false;
    ck_assert(!replica_check(&config, &faults));
    ck_assert_str_eq(buf_text(&faults),
        "db.read_conninfo: missing \"=\"\n"
        "db.read_conninfo: must be empty with db.prepare = off: a pooler may "
        "have one replica asked how far it is and another one read\n");
    config.db_read_conninfo = "";
    buf_reset(&faults, 0);
    ck_assert(replica_check(&config, &faults));
    buf_free(&faults);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, one_that_has_replayed_as_much_serves);
    tcase_add_test(tests, what_is_the_primarys_is_read_there);
    tcase_add_test(tests, each_request_asks_once_how_far_it_must_be);
    tcase_add_test(tests, it_is_waited_for_a_little);
    tcase_add_test(tests, one_that_lags_is_left_alone_for_a_while);
    tcase_add_test(tests, one_that_goes_on_lagging_is_left_for_another);
    tcase_add_test(tests, one_that_lags_may_be_of_this_life);
    tcase_add_test(tests, one_of_another_life_is_refused);
    tcase_add_test(tests, a_life_is_written_down_once);
    tcase_add_test(tests, a_new_session_of_the_primary_may_be_another_life);
    tcase_add_test(tests, a_new_session_of_the_replica_may_be_of_another_life);
    tcase_add_test(tests, one_that_was_promoted_is_refused);
    tcase_add_test(tests, one_whose_clock_is_ahead_is_refused);
    tcase_add_test(tests, nobody_comes_to_where_a_page_of_the_log_ends);
    tcase_add_test(tests, one_that_is_gone_is_tried_by_one_now_and_then);
    tcase_add_test(tests, no_host_is_left_out);
    tcase_add_test(tests, one_that_is_no_standby_is_refused);
    tcase_add_test(tests, a_statement_that_is_lost_there_is_the_primarys);
    tcase_add_test(
        tests, a_statement_that_takes_too_long_there_is_the_last_for_a_while);
    tcase_add_test(tests, a_statement_that_fails_there_is_the_primarys);
    tcase_add_test(
        tests, one_whose_statements_go_on_failing_is_left_for_another);
    tcase_add_test(tests, a_primary_that_does_not_tell_is_a_fault_of_its_own);
    tcase_add_test(tests, a_look_finds_what_is_wrong);
    tcase_add_test(tests, who_gives_up_reads_from_the_primary);
    tcase_add_test(tests, without_a_replica_all_is_the_primarys);
    tcase_add_test(tests, what_it_took_there_is_told_with_the_rest);
    tcase_add_test(tests, settings_are_checked);
}
