/* The only file that knows libpq: connect, reconnect, prepare, execute, and
 * what a SQLSTATE means to the caller. */
#ifndef NEWSFEED_PG_H
#define NEWSFEED_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "breaker.h"
#include "buf.h"
#include "error.h"
#include "spent.h"

struct pg; /* one connection, made at first need and again when it breaks */

/* Looks at the result of a session's opening, which has no rows where that
 * names a table that is not there. OK: the session may be used, and *identity
 * stands for its database (pg_identity). ERR_INVALID: the database is not one
 * for this program, and `reason` gets a sentence. */
typedef enum error pg_accept(
    const struct pg *pg, int64_t *identity, struct buf *reason);

struct pg_settings {
    const char *conninfo;
    const char *subject; /* of what is said about it, "database" */
    const char *prefix;  /* of what its statements are called in the log */
    int first_host;      /* of several, modulo their number */
    bool once;           /* a statement is run by the connection that there is,
                            and is not run again: pg_refresh makes a new one */
    int connect_timeout; /* ms, of a whole attempt */
    int statement_timeout; /* ms that the server may take; we wait a bit more */
    bool prepare;
    const char *opening;     /* SQL that a session begins with, in one go */
    const char *transaction; /* the same of a transaction, ends with a ";" */
    pg_accept *accept;
    struct breaker *breaker; /* tells of an outage; NULL: never spared one */
};

/* One SQL text. Statically allocated; the name is what the log says. */
struct pg_statement {
    const char *name;
    const char *sql;
    bool reads;   /* may be run again when the connection breaks in it */
    bool commits; /* makes last what ran before it */
    bool many;    /* several at once, without parameters or rows */
    int slot;     /* the driver's */
};

enum {
    PG_PARAMS_MAX = 10,
    PG_RUNS_MAX = 3, /* of what other transactions were in the way of */
};

/* Starts as all zeros; the pg_add functions append $1, $2, … Texts are not
 * copied. */
struct pg_params {
    int count;
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    unsigned types[PG_PARAMS_MAX]; /* 0: as the statement says */
    uint64_t numbers[PG_PARAMS_MAX];
    struct buf arrays[PG_PARAMS_MAX]; /* of pg_add_ids, freed by pg_exec */
};

/* What an array may be of. */
enum pg_type {
    PG_TEXT = 25, /* in pg_type.dat */
    PG_TSVECTOR = 3614
};

void pg_add_int(struct pg_params *params, int64_t value);     /* bigint */
void pg_add_text(struct pg_params *params, struct text text); /* or NULL */
/* A bigint[] of these, an int64_t each. If they, or it, could not grow, pg_exec
 * fails. */
void pg_add_ids(struct pg_params *params, const struct buf *ids);

/* An array is made of one element at a time, each as its type's recv function
 * reads it. It has one at least, and is not copied. */
void pg_array_add(
    struct buf *array, enum pg_type type, const struct buf *element);
void pg_add_array(struct pg_params *params, const struct buf *array);

/* Whether it is a conninfo string, or a URI; else `fault` gets a sentence. */
bool pg_check(const char *conninfo, struct buf *fault);

/* Connects nothing yet; NULL if there is no memory. Conninfo, subject and
 * prefix must outlive it, what else it needs of the settings is copied. */
struct pg *pg_new(const struct pg_settings *settings);
void pg_free(struct pg *pg);

/* Connects unless connected. `reason` gets a sentence unless OK; if it
 * is NULL, the log says once when it begins to fail, and when that is over.
 * ERR_NO_DATABASE: out of reach, or the breaker is open; ERR_INVALID: it was
 * not accepted. Another attempt begins with the next host. */
MUST_CHECK enum error pg_connect(struct pg *pg, struct buf *reason);

/* The same, after a look whether the server has closed the connection while it
 * lay idle: before anything is sent, so that even a write may use a new one.
 * Whether there is one. */
bool pg_refresh(struct pg *pg);

/* The look alone, of which nothing is said: pg_connect tells why there is no
 * connection any more. */
void pg_look(struct pg *pg);

/* Gives the connection up: the next one begins with the next host. */
void pg_leave(struct pg *pg);

/* How many connections there have been: another number, another session. */
int64_t pg_session(const struct pg *pg);

/* Stands for the database that was accepted last, and for the life that it is
 * in: another number after a restore, a failover, a look at another one. 0
 * before the first connection. */
int64_t pg_identity(const struct pg *pg);

/* Runs one statement in one round trip (two at its first use). Its result is
 * read with the getters below, until the next call with this pg. Errors are
 * logged here. ERR_TIMEOUT: it took too long; ERR_LOCKED: another transaction
 * was in the way, and outside of a transaction it was run three times;
 * ERR_NO_DATABASE: no connection; ERR_UNAVAILABLE: overload; ERR_UNKNOWN: a
 * write or a COMMIT was sent and its answer never came; ERR_INTERNAL:
 * everything else. Within a transaction, all but ERR_UNKNOWN undo it. */
MUST_CHECK enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params);

/* Sends a statement without parameters, as a transaction of its own, and does
 * not wait for it: until pg_is_running says that it has ended, nothing else may
 * be asked of this pg. How it ended is logged if it failed, and no more. */
MUST_CHECK enum error pg_send(
    struct pg *pg, const struct pg_statement *statement);
bool pg_is_running(struct pg *pg);

/* The last result of the one is then that of the other. */
void pg_hand_over(struct pg *from, struct pg *to);

/* Who reads elsewhere in its place (replica.h); NULL, as at first: nobody. */
struct replica;
void pg_set_replica(struct pg *pg, struct replica *replica);
struct replica *pg_replica(const struct pg *pg);

/* What statements took since it was last set to zeros, with the time in which
 * they had to connect first. */
struct spent *pg_spent(struct pg *pg);

/* ms that the server may take for a statement. */
int pg_timeout(const struct pg *pg);

/* Whether there is a connection, as far as is known. */
bool pg_is_connected(const struct pg *pg);

MUST_CHECK enum error pg_begin(struct pg *pg);
MUST_CHECK enum error pg_commit(struct pg *pg);
void pg_rollback(struct pg *pg); /* also what was never begun */

/* Getters of the last result. No bounds are checked; a NULL reads as 0, false
 * and "". */
int pg_rows(const struct pg *pg);
bool pg_is_null(const struct pg *pg, int row, int column);
int64_t pg_int(
    const struct pg *pg, int row, int column); /* any integer, bool */
/* us since 1970; 0: NULL */
int64_t pg_time(const struct pg *pg, int row, int column);
struct text pg_text(const struct pg *pg, int row, int column);

/* Appends the elements of a bigint[] without NULLs, an int64_t each. */
void pg_ids(const struct pg *pg, int row, int column, struct buf *ids);

#endif
