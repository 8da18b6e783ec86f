/* Opens sessions with the database: what is set in them, and whether it is a
 * database for this program. */
#include <stdlib.h>
#include <string.h>

#include "database.h"

enum {
    IDLE_TIMEOUT = 3000 /* ms between two statements of a transaction */
};

/* Every statement is planned once and kept, perhaps while its tables are empty,
 * and none of them has to read a whole table; compiling plans never pays for
 * ones this small. A process that stands still within a transaction must not
 * keep its locks, and a lock is given up in time to try for it again: whoever
 * holds it may wait for one of ours, which PostgreSQL looks for only after its
 * deadlock_timeout. Whoever adds to the search index never has to put its
 * waiting entries in their places: that is done beside it, all at once. */
static void print_settings(
    const char *set, int statement_timeout, struct buf *sql)
{
    buf_printf(sql,
        "%1$s statement_timeout = %2$d;%1$s lock_timeout = %3$d;"
        "%1$s idle_in_transaction_session_timeout = %4$d;"
        "%1$s enable_seqscan = off;%1$s jit = off;"
        "%1$s plan_cache_mode = force_generic_plan;"
        "%1$s gin_pending_list_limit = '1GB';",
        set, statement_timeout, statement_timeout / PG_RUNS_MAX + 1,
        IDLE_TIMEOUT);
}

/* A kind of database: by what its first migration is called, which others
 * follow, and what stands for one of them. */
struct kind {
    const char *name; /* what the log calls it */
    const char *first;
    const char *migrate;
    int version;
    const char *identity;
};

/* A timeline begins with each promotion of a standby and each recovery to a
 * point in time. */
static const struct kind service = {"database", "feed", "sql/migrate",
    DATABASE_SCHEMA_VERSION,
    " (SELECT hashtextextended(concat_ws(' ', system_identifier, oid,"
    " CASE WHEN NOT pg_is_in_recovery()"
    " THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END, id), 0)"
    " FROM pg_control_system(), pg_database, incarnation"
    " WHERE datname = current_database())::text"};

static const struct kind search = {"search database", "search",
    "sql/migrate --search", DATABASE_SEARCH_VERSION, "'0'"};

enum look {
    LOOK_ENCODING,
    LOOK_KNOWN,    /* how many of the migrations that this program needs */
    LOOK_BREAKING, /* the first later one that is; NULL: none */
    LOOK_IDENTITY,
    LOOK_FIRST, /* what the first migration is called */
};

/* What the database says of itself, in the order above. */
static void print_look(const struct kind *kind, struct buf *sql)
{
    buf_printf(sql,
        "SELECT current_setting('server_encoding'),"
        " count(*) FILTER (WHERE version <= %1$d)::text,"
        " min(version) FILTER (WHERE version > %1$d AND NOT compatible)::text,"
        "%2$s, max(name) FILTER (WHERE version = 1) FROM migration",
        kind->version, kind->identity);
}

/* Holds that against what this program needs. */
static enum error accept_as(const struct kind *kind, const struct pg *pg,
    int64_t *identity, struct buf *reason)
{
    if (pg_rows(pg) == 0) {
        buf_printf(reason,
            "%s: it has no newsfeed tables yet, or those of an older release; "
            "run %s",
            kind->name, kind->migrate);
        return ERR_INVALID;
    }
    const char *encoding = pg_text(pg, 0, LOOK_ENCODING).data;
    const char *first = pg_text(pg, 0, LOOK_FIRST).data;
    int known = atoi(pg_text(pg, 0, LOOK_KNOWN).data);
    int breaking = atoi(pg_text(pg, 0, LOOK_BREAKING).data);

    if (*first && strcmp(first, kind->first) != 0)
        buf_printf(reason,
            "%s: its tables are not those of %s; the search has a database of "
            "its own, or search.conninfo stays empty",
            kind->name, kind->migrate);
    else if (strcmp(encoding, "UTF8") != 0)
        buf_printf(reason,
            "%s: its encoding is %s and must be UTF8; make it anew with "
            "createdb -E UTF8 -T template0",
            kind->name, encoding);
    else if (known < kind->version)
        buf_printf(reason,
            "%s: its schema has version %d, this program needs version %d; run "
            "%s",
            kind->name, known, kind->version, kind->migrate);
    else if (breaking > 0)
        buf_printf(reason,
            "%s: its schema has version %d, which a program for version %d "
            "does not know; install the program that belongs to it",
            kind->name, breaking, kind->version);
    else {
        *identity = strtoll(pg_text(pg, 0, LOOK_IDENTITY).data, NULL, 10);
        return OK;
    }
    return ERR_INVALID;
}

static enum error accept(
    const struct pg *pg, int64_t *identity, struct buf *reason)
{
    return accept_as(&service, pg, identity, reason);
}

static enum error accept_search(
    const struct pg *pg, int64_t *identity, struct buf *reason)
{
    return accept_as(&search, pg, identity, reason);
}

/* A pooler gives a session to others behind each transaction: then they are
 * set in transactions, and statements by themselves have what their role has
 * (etc/newsfeed.conf). */
static struct pg *open_kind(const struct kind *kind, const char *conninfo,
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    struct buf opening = {0};
    struct buf transaction = {0};
    struct pg *pg = NULL;

    if (config->db_prepare)
        print_settings("SET", statement_timeout, &opening);
    else
        print_settings("SET LOCAL", statement_timeout, &transaction);
    print_look(kind, &opening);
    if (!opening.failed && !transaction.failed)
        pg = pg_new(&(struct pg_settings){
            .conninfo = conninfo,
            .subject = kind->name,
            .prefix = "",
            .connect_timeout = config->db_connect_timeout,
            .statement_timeout = statement_timeout,
            .prepare = config->db_prepare,
            .opening = buf_text(&opening),
            .transaction = buf_text(&transaction),
            .accept = kind == &search ? accept_search : accept,
            .breaker = breaker,
        });
    buf_free(&opening);
    buf_free(&transaction);
    return pg;
}

/* What each step at a replica may take of the time of a request, of which more
 * than half is the primary's, before and behind them. There are six at most: it
 * is connected to, twice if its session was cut, asked how far it is, twice,
 * and whether it is of this life, and read. */
static int limit_part(const struct config *config, int timeout)
{
    int part = config->worker_request_timeout / 16;

    return timeout < part ? timeout : part;
}

/* Whose rows tell of the lives of the database (replica.h). */
static enum error accept_replica(
    const struct pg *pg, int64_t *identity, struct buf *reason)
{
    *identity = 0;
    if (pg_rows(pg) > 0 && *pg_text(pg, 0, 0).data == 't')
        return OK;
    buf_puts(reason,
        pg_rows(pg) == 0
            ? "replica: it has no newsfeed tables, or those of an older release"
            : "replica: it is no standby; db.read_conninfo is to name those "
              "alone");
    return ERR_INVALID;
}

struct pg *database_new_replica(const struct config *config, int first_host)
{
    int timeout = limit_part(config, config->db_statement_timeout);
    struct buf opening = {0};
    struct pg *pg = NULL;

    print_settings("SET", timeout, &opening);
    buf_puts(&opening, "SELECT pg_is_in_recovery(), count(*) FROM life");
    if (!opening.failed)
        pg = pg_new(&(struct pg_settings){
            .conninfo = config->db_read_conninfo,
            .subject = "replica",
            .prefix = "replica: ",
            .first_host = first_host,
            .once = true,
            .connect_timeout = limit_part(config, config->db_connect_timeout),
            .statement_timeout = timeout,
            .prepare = true,
            .opening = buf_text(&opening),
            .transaction = "",
            .accept = accept_replica,
        });
    buf_free(&opening);
    return pg;
}

struct pg *database_new(
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    return open_kind(
        &service, config->db_conninfo, config, statement_timeout, breaker);
}

struct pg *database_new_search(
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    return open_kind(
        &search, config->search_conninfo, config, statement_timeout, breaker);
}

/* The one that pg stands for, which it frees. */
static enum error check(struct pg *pg, struct buf *reason)
{
    enum error error = pg ? pg_connect(pg, reason) : ERR_NO_DATABASE;

    pg_free(pg);
    return error;
}

enum error database_check(const struct config *config, struct buf *reason)
{
    int timeout = config->db_statement_timeout;
    enum error error = check(database_new(config, timeout, NULL), reason);

    if (error || !*config->search_conninfo)
        return error;
    error = check(database_new_search(config, timeout, NULL), reason);
    return error ? ERR_NO_SEARCH : OK;
}
