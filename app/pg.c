/* The only file that knows libpq: connect, reconnect, prepare, execute, and
 * what a SQLSTATE means to the caller. */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "pg.h"

enum {
    STATEMENTS_MAX = 64, /* in the whole program */
    CONNECT_PAUSE = 100, /* ms between attempts of all workers together */
    CLIENT_GRACE = 100,  /* ms that the client waits past the server's limit */
    LOCK_PAUSE = 50,     /* ms until a lock is tried for again */

    INT8 = 20, /* in pg_type.dat */
};

/* 2000-01-01, where PostgreSQL's clock starts, in microseconds since 1970 */
static const int64_t pg_epoch = INT64_C(946684800000000);

struct pg {
    struct pg_settings settings;
    struct buf opening, transaction, begin; /* SQL */
    PGconn *conn;
    PGresult *result;
    bool prepared[STATEMENTS_MAX];
    bool in_transaction;
    const struct pg_statement *running; /* what was sent and not waited for */
    int64_t deadline;                   /* of that */
    int64_t identity;
    int64_t session;
    struct spent spent;
    int first_host; /* the list of hosts is rotated to begin with this one */
    struct replica *replica;
};

bool pg_check(const char *conninfo, struct buf *fault)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);

    if (message)
        buf_printf(fault, "%.*s", (int)strcspn(message, "\n"), message);
    PQfreemem(message);
    PQconninfoFree(options);
    return options != NULL;
}

struct pg *pg_new(const struct pg_settings *settings)
{
    struct pg *pg = calloc(1, sizeof(*pg));

    if (!pg)
        return NULL;
    pg->settings = *settings;
    pg->first_host = settings->first_host;
    buf_puts(&pg->opening, settings->opening);
    buf_puts(&pg->transaction, settings->transaction);
    buf_printf(&pg->begin, "BEGIN;%s", settings->transaction);
    if (!pg->opening.failed && !pg->transaction.failed && !pg->begin.failed)
        return pg;
    pg_free(pg);
    return NULL;
}

static void clear_result(struct pg *pg)
{
    PQclear(pg->result);
    pg->result = NULL;
}

static void disconnect(struct pg *pg)
{
    clear_result(pg);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->in_transaction = false;
    memset(pg->prepared, 0, sizeof(pg->prepared));
}

void pg_free(struct pg *pg)
{
    if (!pg)
        return;
    disconnect(pg);
    buf_free(&pg->opening);
    buf_free(&pg->transaction);
    buf_free(&pg->begin);
    free(pg);
}

/* libpq's messages end with a newline and may have several lines. */
static int first_line(const char *message)
{
    return (int)strcspn(message, "\n");
}

static void explain(
    const struct pg *pg, struct buf *reason, const char *message)
{
    if (reason)
        buf_printf(reason, "%s: %.*s", pg->settings.subject,
            first_line(message), message);
}

static bool wait_for(const PGconn *conn, short events, int64_t deadline)
{
    int64_t left = deadline - monotonic_ms();
    struct pollfd pollfd = {.fd = PQsocket(conn), .events = events};

    return left > 0 && pollfd.fd >= 0 && poll(&pollfd, 1, (int)left) != 0;
}

/* --- connecting --------------------------------------------------------- */

/* Copies a comma-separated list so that it begins with its item number
 * `first`, modulo their count. */
static void rotate_list(const char *list, int first, struct buf *out)
{
    const char *start = list;

    while (first-- > 0) {
        const char *comma = strchr(start, ',');
        start = comma ? comma + 1 : list;
    }
    buf_puts(out, start);
    if (start > list) {
        buf_puts(out, ",");
        buf_add(out, list, (size_t)(start - list) - 1);
    }
}

/* Starts a connection whose host lists begin with first_host: libpq tries
 * hosts in their order, and one that swallows packets would use up the time of
 * all that come after it. */
static PGconn *start_connection(const struct pg *pg)
{
    enum {
        LISTS = 3
    };
    static const char *const lists[LISTS] = {"host", "hostaddr", "port"};
    const char *keywords[3 + LISTS] = {"dbname", "fallback_application_name"};
    const char *values[3 + LISTS] = {pg->settings.conninfo, "newsfeed"};
    struct buf rotated[LISTS] = {0};
    int used = 2;

    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    if (!conn || pg->first_host == 0)
        return conn;

    PQconninfoOption *options = PQconninfo(conn);
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        for (int i = 0; i < LISTS; i++)
            if (o->val && strchr(o->val, ',') &&
                strcmp(o->keyword, lists[i]) == 0) {
                rotate_list(o->val, pg->first_host, &rotated[i]);
                keywords[used] = lists[i];
                values[used++] = buf_text(&rotated[i]);
            }
    PQconninfoFree(options);

    if (used > 2) {
        PQfinish(conn);
        conn = PQconnectStartParams(keywords, values, 1);
    }
    for (int i = 0; i < LISTS; i++)
        buf_free(&rotated[i]);
    return conn;
}

static void begin_with_next_host(struct pg *pg)
{
    pg->first_host = pg->first_host < INT16_MAX ? pg->first_host + 1 : 0;
}

static bool complete_connection(struct pg *pg, int64_t deadline)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(pg->conn, events, deadline))
            return false;
        status = PQconnectPoll(pg->conn);
    }
    return status == PGRES_POLLING_OK;
}

/* Waits for the last result of what was sent, kept in pg->result. */
static bool receive(struct pg *pg, int64_t deadline)
{
    clear_result(pg);
    for (;;) {
        int unsent = PQflush(pg->conn);
        if (unsent < 0)
            return false;
        if (unsent > 0 || PQisBusy(pg->conn)) {
            if (!wait_for(pg->conn, POLLIN | (unsent ? POLLOUT : 0), deadline))
                return false;
            if (!PQconsumeInput(pg->conn))
                return false;
            continue;
        }
        PGresult *next = PQgetResult(pg->conn);
        if (!next)
            return pg->result != NULL;
        clear_result(pg);
        pg->result = next;
    }
}

static bool has_rows(const struct pg *pg)
{
    ExecStatusType status = PQresultStatus(pg->result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

int64_t pg_identity(const struct pg *pg)
{
    return pg->identity;
}

/* Opens the session, and has it looked at. */
static enum error greet(struct pg *pg, int64_t deadline, struct buf *reason)
{
    if (!PQsendQuery(pg->conn, buf_text(&pg->opening)) ||
        !receive(pg, deadline)) {
        explain(pg, reason, PQerrorMessage(pg->conn));
        return ERR_NO_DATABASE;
    }
    const char *state = PQresultErrorField(pg->result, PG_DIAG_SQLSTATE);
    bool lacks_table = state && strcmp(state, "42P01") == 0;
    if (has_rows(pg) || lacks_table)
        return pg->settings.accept(pg, &pg->identity, reason);
    explain(pg, reason, PQresultErrorMessage(pg->result));
    return ERR_NO_DATABASE;
}

static void log_notice(void *context, const char *message)
{
    (void)context;
    log_debug("pg", "%.*s", first_line(message), message);
}

_Static_assert(
    (int)ERR_INTERNAL < (int)METRICS_COLUMNS, "each error has its column");

static void note_fault(enum error error)
{
    if (error)
        metrics_count(METRIC_DATABASE_FAULTS, metrics_process(), (int)error);
}

/* *was_there: the server had taken us in before it failed. */
static enum error connect_new(
    struct pg *pg, struct buf *reason, bool *was_there)
{
    int64_t deadline = monotonic_ms() + pg->settings.connect_timeout;
    enum error error = ERR_NO_DATABASE;

    pg->conn = start_connection(pg);
    if (!pg->conn)
        return ERR_NO_DATABASE;
    PQsetNoticeProcessor(pg->conn, log_notice, NULL);
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        explain(pg, reason, PQerrorMessage(pg->conn));
    else if (!complete_connection(pg, deadline)) {
        explain(pg, reason, PQerrorMessage(pg->conn));
        if (monotonic_ms() >= deadline)
            buf_printf(
                reason, "no answer within %d ms", pg->settings.connect_timeout);
    } else if (PQsetnonblocking(pg->conn, 1) == 0) {
        error = greet(pg, deadline, reason);
        *was_there = monotonic_ms() < deadline;
    }
    clear_result(pg);
    note_fault(error);
    if (error)
        disconnect(pg);
    else
        pg->session++;
    return error;
}

/* Keeps everybody off a database that failed, and logs when that begins and
 * when it is over: once, whoever finds out. */
static void note(const struct pg *pg, enum error error, const char *sentence)
{
    struct breaker *breaker = pg->settings.breaker;

    if (error && (!breaker || breaker_trip(breaker, CONNECT_PAUSE)))
        log_error("pg", "%s", sentence);
    else if (!error && breaker && breaker_reset(breaker))
        log_info("pg", "%s: answers again", pg->settings.subject);
}

enum error pg_connect(struct pg *pg, struct buf *reason)
{
    struct breaker *breaker = pg->settings.breaker;
    struct buf sentence = {0};
    bool was_there = false;

    if (pg->conn)
        return OK;
    if (breaker && breaker_is_open(breaker)) {
        explain(pg, reason, "out of reach a moment ago");
        return ERR_NO_DATABASE;
    }
    if (breaker && breaker_was_tripped(breaker)) /* the others wait for us */
        breaker_trip(breaker, pg->settings.connect_timeout);
    enum error error = connect_new(pg, &sentence, &was_there);
    if (error == ERR_NO_DATABASE && was_there) { /* our session alone was cut */
        buf_reset(&sentence, sentence.cap);
        error = connect_new(pg, &sentence, &was_there);
    }
    if (error) /* the first one may swallow packets, or be none for us */
        begin_with_next_host(pg);
    if (reason)
        buf_puts(reason, buf_text(&sentence));
    else
        note(pg, error, buf_text(&sentence));
    buf_free(&sentence);
    return error;
}

void pg_leave(struct pg *pg)
{
    disconnect(pg);
    begin_with_next_host(pg);
}

int64_t pg_session(const struct pg *pg)
{
    return pg->session;
}

/* A connection that the server closed while it lay idle is readable. */
static void drop_if_closed(struct pg *pg)
{
    struct pollfd pollfd = {.fd = PQsocket(pg->conn), .events = POLLIN};

    while (pg->conn && poll(&pollfd, 1, 0) != 0) {
        /* a last message first, its reading succeeds; then the end */
        if (!PQconsumeInput(pg->conn) || PQstatus(pg->conn) == CONNECTION_BAD)
            disconnect(pg);
    }
}

void pg_look(struct pg *pg)
{
    if (pg->conn)
        drop_if_closed(pg);
}

bool pg_refresh(struct pg *pg)
{
    pg_look(pg);
    return pg_connect(pg, NULL) == OK;
}

/* --- executing ---------------------------------------------------------- */

void pg_add_int(struct pg_params *params, int64_t value)
{
    int i = params->count++;
    params->numbers[i] = htobe64((uint64_t)value);
    params->values[i] = NULL; /* numbers[i], once the struct lies still */
    params->lengths[i] = sizeof(uint64_t);
    params->formats[i] = 1;
    params->types[i] = INT8;
}

void pg_add_text(struct pg_params *params, struct text text)
{
    int i = params->count++;
    params->values[i] = text.data;
    params->lengths[i] = (int)text.len;
    params->formats[i] = 1;
}

void pg_add_ids(struct pg_params *params, const struct buf *ids)
{
    int i = params->count++;
    buf_array(&params->arrays[i], ids);
    params->values[i] = buf_text(&params->arrays[i]);
    params->formats[i] = 0;
}

void pg_array_add(
    struct buf *array, enum pg_type type, const struct buf *element)
{
    /* dimensions, flags, type, how many there are, from which number on */
    uint32_t head[] = {htobe32(1), 0, htobe32(type), 0, htobe32(1)};
    uint32_t size = htobe32((uint32_t)element->len);

    if (array->len == 0)
        buf_add(array, head, sizeof(head));
    buf_add(array, &size, sizeof(size));
    buf_add(array, element->data, element->len);
    array->failed |= element->failed;
    if (array->failed)
        return;
    memcpy(head, array->data, sizeof(head));
    head[3] = htobe32(be32toh(head[3]) + 1);
    memcpy(array->data, head, sizeof(head));
}

void pg_add_array(struct pg_params *params, const struct buf *array)
{
    int i = params->count++;
    params->values[i] = buf_text(array);
    params->lengths[i] = (int)array->len;
    params->formats[i] = 1;
    params->arrays[i].failed = array->failed;
}

static bool is_prepared(const struct pg *pg, struct pg_statement *statement)
{
    static int slots;

    if (statement->slot == 0 && slots < STATEMENTS_MAX - 1)
        statement->slot = ++slots;
    return pg->prepared[statement->slot];
}

static bool prepare(struct pg *pg, const struct pg_statement *statement,
    const struct pg_params *params, int64_t deadline)
{
    if (!PQsendPrepare(pg->conn, statement->name, statement->sql, params->count,
            params->types) ||
        !receive(pg, deadline))
        return false;
    pg->prepared[statement->slot] = has_rows(pg);
    return true;
}

/* Sends and receives; false if that broke the connection or took too long.
 * Otherwise pg->result says how it went. *is_sent: the server may have run it
 * all the same. */
static bool run(struct pg *pg, struct pg_statement *statement,
    struct pg_params *params, int64_t deadline, bool *is_sent)
{
    const char *values[PG_PARAMS_MAX];

    *is_sent = true;
    if (statement->many)
        return PQsendQuery(pg->conn, statement->sql) && receive(pg, deadline);
    for (int i = 0; i < params->count; i++)
        values[i] = params->types[i] == INT8 ? (const char *)&params->numbers[i]
                                             : params->values[i];

    if (!pg->settings.prepare)
        return PQsendQueryParams(pg->conn, statement->sql, params->count,
                   params->types, values, params->lengths, params->formats,
                   1) &&
               receive(pg, deadline);
    *is_sent = false;
    if (!is_prepared(pg, statement)) {
        if (!prepare(pg, statement, params, deadline))
            return false;
        if (!pg->prepared[statement->slot])
            return true;
    }
    *is_sent = true;
    return PQsendQueryPrepared(pg->conn, statement->name, params->count, values,
               params->lengths, params->formats, 1) &&
           receive(pg, deadline);
}

/* What a failure means to the caller, and what to do about it. */
struct verdict {
    enum error error;
    enum {
        KEEP,
        AGAIN,     /* undone, worth another run */
        RECONNECT, /* this session is of no more use */
    } next;
};

/* What an SQLSTATE (PostgreSQL manual, appendix A) means to us. */
static struct verdict judge(const PGresult *result)
{
    static const struct {
        const char *prefix;
        struct verdict verdict;
    } states[] = {
        {"40001", {ERR_LOCKED, AGAIN}}, /* serialization_failure */
        {"40P01", {ERR_LOCKED, AGAIN}}, /* deadlock_detected */
        {"55P03", {ERR_LOCKED, AGAIN}}, /* lock_not_available: lock_timeout */
        {"57014", {ERR_TIMEOUT, KEEP}}, /* query_canceled */
        {"25P03", {ERR_TIMEOUT, RECONNECT}}, /* stood still in a transaction */
        {"53", {ERR_UNAVAILABLE, KEEP}},     /* insufficient resources */
        {"57P", {ERR_NO_DATABASE, RECONNECT}},   /* shutdown, starting up */
        {"08", {ERR_NO_DATABASE, RECONNECT}},    /* connection exception */
        {"25006", {ERR_NO_DATABASE, RECONNECT}}, /* read only: a failover */
        {"26000", {ERR_UNAVAILABLE, RECONNECT}}, /* statement unknown, */
        {"42P05",
            {ERR_UNAVAILABLE, RECONNECT}}, /* or there: a pooler's doing */
        {"0A000", {ERR_UNAVAILABLE, RECONNECT}}, /* cached plan out of date */
    };
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return (struct verdict){OK, KEEP};

    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state)
        return (struct verdict){ERR_NO_DATABASE, RECONNECT};
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0)
            return states[i].verdict;
    return (struct verdict){ERR_INTERNAL, KEEP};
}

/* The server itself said what went wrong, and so undid it. Of class 08 it is a
 * pooler that speaks, which has lost the server behind it. */
static bool is_undone(const struct pg *pg)
{
    const char *state = PQresultErrorField(pg->result, PG_DIAG_SQLSTATE);

    return state && strncmp(state, "08", 2) != 0;
}

static void log_failure(
    const struct pg *pg, const struct pg_statement *statement)
{
    const char *message = PQresultErrorMessage(pg->result);
    const char *state = PQresultErrorField(pg->result, PG_DIAG_SQLSTATE);

    log_error("pg", "%s%s: %.*s (%s)", pg->settings.prefix, statement->name,
        first_line(message), message, state ? state : "no SQLSTATE");
}

/* The connection broke, or the time was up, while a statement was under way.
 * What was sent may go on at the server, which may even have committed it and
 * wait for a standby. */
static struct verdict lose_connection(struct pg *pg,
    const struct pg_statement *statement, int64_t deadline, bool is_undone)
{
    bool late = monotonic_ms() >= deadline;
    const char *message = PQerrorMessage(pg->conn);

    log_error("pg", "%s%s: %.*s", pg->settings.prefix, statement->name,
        late ? (int)strlen("no answer in time") : first_line(message),
        late ? "no answer in time" : message);
    if (late && pg->settings.breaker)
        breaker_trip(pg->settings.breaker, CONNECT_PAUSE);
    disconnect(pg);
    if (!is_undone)
        return (struct verdict){ERR_UNKNOWN, RECONNECT};
    return late ? (struct verdict){ERR_TIMEOUT, RECONNECT}
                : (struct verdict){ERR_NO_DATABASE, AGAIN};
}

/* One run of it, by a connection that is there. */
static struct verdict try(struct pg *pg, struct pg_statement *statement,
    struct pg_params *params, bool keeps)
{
    int64_t deadline =
        monotonic_ms() + pg->settings.statement_timeout + CLIENT_GRACE;
    bool is_sent;

    if (!run(pg, statement, params, deadline, &is_sent))
        return lose_connection(pg, statement, deadline, !keeps || !is_sent);
    struct verdict verdict = judge(pg->result);
    if (!verdict.error)
        return verdict;
    log_failure(pg, statement);
    if (verdict.error == ERR_LOCKED && !pg->settings.once)
        /* whoever waits for ours goes first */
        poll(NULL, 0, LOCK_PAUSE);
    if (verdict.next != RECONNECT)
        return verdict;
    if (keeps && !is_undone(pg))
        verdict.error = ERR_UNKNOWN;
    else
        verdict.next = AGAIN;
    disconnect(pg);
    return verdict;
}

static enum error exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    bool alone = !pg->in_transaction && /* nothing before it that is lost */
                 !pg->settings.once;
    bool keeps = statement->commits || (alone && !statement->reads);
    struct verdict verdict = {.next = AGAIN};
    int64_t start = monotonic_ns();

    for (int i = 0; i < PG_RUNS_MAX && verdict.next == AGAIN; i++) {
        if (alone ? !pg_refresh(pg) : !pg->conn) {
            verdict.error = ERR_NO_DATABASE;
            break;
        }
        int64_t began = monotonic_ns();
        verdict = try(pg, statement, params, keeps);
        metrics_time(METRIC_DATABASE_TIME, metrics_process(), began);
        note_fault(verdict.error);
        if (!verdict.error || !alone)
            break;
    }
    spent_add(&pg->spent, statement->name, monotonic_ns() - start);
    return verdict.error;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    enum error error = ERR_INTERNAL;
    bool failed = false;

    for (int i = 0; i < params->count; i++)
        failed |= params->arrays[i].failed;
    if (failed)
        log_error("pg", "%s: no memory for its parameters", statement->name);
    else
        error = exec(pg, statement, params);
    for (int i = 0; i < params->count; i++)
        buf_free(&params->arrays[i]);
    return error;
}

enum error pg_send(struct pg *pg, const struct pg_statement *statement)
{
    struct buf sql = {0};

    if (!pg_refresh(pg))
        return ERR_NO_DATABASE;

    buf_printf(&sql, "%s%s", buf_text(&pg->transaction), statement->sql);
    pg->deadline =
        monotonic_ms() + pg->settings.statement_timeout + CLIENT_GRACE;
    bool is_sent = !sql.failed && PQsendQuery(pg->conn, buf_text(&sql));
    buf_free(&sql);
    if (!is_sent) {
        lose_connection(pg, statement, pg->deadline, true);
        return ERR_NO_DATABASE;
    }
    pg->running = statement;
    return OK;
}

bool pg_is_running(struct pg *pg)
{
    const struct pg_statement *statement = pg->running;

    if (!statement)
        return false;
    bool alive = PQconsumeInput(pg->conn) && PQflush(pg->conn) >= 0;
    if (alive && PQisBusy(pg->conn) && monotonic_ms() < pg->deadline)
        return true;
    pg->running = NULL;
    if (!alive || !receive(pg, monotonic_ms()))
        lose_connection(pg, statement, pg->deadline, true);
    else if (judge(pg->result).error)
        log_failure(pg, statement);
    return false;
}

void pg_hand_over(struct pg *from, struct pg *to)
{
    clear_result(to);
    to->result = from->result;
    from->result = NULL;
}

void pg_set_replica(struct pg *pg, struct replica *replica)
{
    pg->replica = replica;
}

struct replica *pg_replica(const struct pg *pg)
{
    return pg->replica;
}

int pg_timeout(const struct pg *pg)
{
    return pg->settings.statement_timeout;
}

struct spent *pg_spent(struct pg *pg)
{
    return &pg->spent;
}

bool pg_is_connected(const struct pg *pg)
{
    return pg->conn != NULL;
}

enum error pg_begin(struct pg *pg)
{
    struct pg_statement begin = {.name = "begin",
        .sql = buf_text(&pg->begin),
        .reads = true,
        .many = true};
    enum error error = pg_exec(pg, &begin, &(struct pg_params){0});

    pg->in_transaction = true;
    if (error) /* perhaps behind its first word */
        pg_rollback(pg);
    return error;
}

enum error pg_commit(struct pg *pg)
{
    static struct pg_statement commit = {
        .name = "commit", .sql = "COMMIT", .commits = true};
    enum error error = pg_exec(pg, &commit, &(struct pg_params){0});

    pg->in_transaction = false;
    return error;
}

void pg_rollback(struct pg *pg)
{
    static struct pg_statement rollback = {
        .name = "rollback", .sql = "ROLLBACK"};

    if (!pg->in_transaction)
        return;
    if (pg->conn && pg_exec(pg, &rollback, &(struct pg_params){0}))
        disconnect(pg);
    pg->in_transaction = false;
}

/* --- reading ------------------------------------------------------------ */

int pg_rows(const struct pg *pg)
{
    return PQntuples(pg->result);
}

bool pg_is_null(const struct pg *pg, int row, int column)
{
    return PQgetisnull(pg->result, row, column);
}

static int64_t read_int(const char *bytes, int len)
{
    uint64_t value = 0;

    for (int i = 0; i < len; i++)
        value = value << 8 | (unsigned char)bytes[i];
    if (len > 1 && len < 8 && (value & (uint64_t)1 << (len * 8 - 1)))
        value |= ~(uint64_t)0 << (len * 8);
    return (int64_t)value;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    return read_int(PQgetvalue(pg->result, row, column),
        PQgetlength(pg->result, row, column));
}

int64_t pg_time(const struct pg *pg, int row, int column)
{
    return pg_is_null(pg, row, column) ? 0 : pg_int(pg, row, column) + pg_epoch;
}

struct text pg_text(const struct pg *pg, int row, int column)
{
    return (struct text){
        .data = PQgetvalue(pg->result, row, column),
        .len = (size_t)PQgetlength(pg->result, row, column),
    };
}

/* The binary form (array_send in PostgreSQL's arrayfuncs.c): dimensions,
 * flags, element type, then for each dimension its length and lower bound, all
 * int32; then for each element its length and bytes. */
void pg_ids(const struct pg *pg, int row, int column, struct buf *ids)
{
    const char *bytes = PQgetvalue(pg->result, row, column);

    if (pg_is_null(pg, row, column) || read_int(bytes, 4) == 0)
        return;
    int64_t count = read_int(bytes + 12, 4);
    for (int64_t i = 0; i < count; i++) {
        int64_t id = read_int(bytes + 20 + 12 * i + 4, 8);
        buf_add(ids, &id, sizeof(id));
    }
}
