/* Reads of the database that its replicas serve (db.read_conninfo), as new as
 * the primary's would be.
 *
 * After the 200 to a write, a GET that starts later sees it, whoever answers,
 * on whichever host. So each request that reads from a replica first asks the
 * primary how far its log is on disk, and reads once the replica has replayed
 * that much:
 *
 *   - What was answered by then is committed, with its commit on the primary's
 *     disk, so before that position. (No transaction of a request gives up to
 *     wait for its disk.) Where synchronous_commit is off, it may be behind it,
 *     and the position of what was only written is asked for.
 *   - Positions are asked for one by one, the replica's by a statement before
 *     the one that reads: a position of the same statement could be newer than
 *     its picture of the data.
 *   - For the cache it is the same as a read of the primary's at the moment of
 *     asking: it is asked behind the lease, and whatever dropped or changed the
 *     page before that is in what the replica has replayed.
 *
 * So nothing depends on how the replica is replicated to: it may be
 * asynchronous, and one that lags, hangs or is gone is known by that it has not
 * come so far; then the primary answers. No commit ever waits for a replica.
 * (The other way, synchronous replication with remote_apply, makes each write
 * wait for each replica, for ever if one hangs; and whether it waits for those
 * that are read cannot be known when it matters: names of standbys and quorums
 * change between a look at them and a read, and an administrator, or a restart,
 * ends the wait of a commit that no replica has.)
 *
 * Positions mean something within one life of one database, in one cluster. Of
 * each life - a promotion begins one, a restore does - a row tells (table
 * `life`), which the first program to meet it makes, on its primary. A standby
 * that has the row has replayed the log of that life; it is asked for whenever
 * either session is a new one. What remains is the administrator's: a standby
 * that was made to follow another primary while this one lives on must not be
 * read.
 *
 * A replica may be ahead, too: there a commit is seen when it is replayed, on
 * the primary only when its session has heard that it is on disk, or of its
 * synchronous standbys. So what it tells of posts that have arrived holds for
 * what was read with it alone (store.c); and of a page that it gave it is not
 * known which of the newest transactions it saw (stored.h). Who may still bring
 * a post that is missing stands in locks, which only the primary has: so lists
 * that would have to wait for one are read there. What a list need not wait for
 * any more is told by the clock of whoever reads it: so one that is far ahead
 * of the primary's is refused. */
#ifndef NEWSFEED_REPLICA_H
#define NEWSFEED_REPLICA_H

#include <stdbool.h>

#include "config.h"
#include "pg.h"
#include "scoreboard.h"

/* Whether the settings about replicas hold; a line for each fault. */
bool replica_check(const struct config *config, struct buf *faults);

/* Reads in the place of pg from now on, and goes with it. Connects nothing yet.
 * state: shared by all processes. False: no memory. */
MUST_CHECK bool replica_attach(
    struct pg *pg, const struct config *config, struct replica_state *state);

/* Closes what replica_attach made, if it was called. */
void replica_detach(struct pg *pg);

/* Connects, and looks whether it may be read, for the log and for whoever
 * watches the service, now and then: when there is nothing else to do. */
void replica_look(struct pg *pg);

/* A request begins; may_read: nothing in it must be the primary's. Without a
 * replica these do nothing. */
void replica_begin(struct pg *pg, bool may_read);

/* What was read is not enough: for the rest of the request it is the primary
 * that is asked. */
void replica_give_up(struct pg *pg);

/* Gives the mark of the life that the database is in, of which a row tells from
 * now on (table life), as its only row. LOCKED: another one is just at it. */
MUST_CHECK enum error replica_life(struct pg *pg);

/* The same as pg_exec, for a statement that only reads, at the replica if that
 * is as far as it must be. `params` must not have ids. */
MUST_CHECK enum error replica_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params);

/* Whether the last result came from there. */
bool replica_answered(const struct pg *pg);

#endif
