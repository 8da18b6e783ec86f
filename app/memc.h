/* The only file that knows libmemcached: keys and values on a set of servers,
 * changed by the commands of meta.h.
 *
 * A group, not the key, decides which server holds a key: consistent hashing
 * (ketama, weighted) of the group's name. That lets others who know only the
 * map from groups to servers read the same keys. */
#ifndef NEWSFEED_MEMC_H
#define NEWSFEED_MEMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum {
    MEMC_SERVERS_MAX = 64
};

struct memc;

enum memc_result {
    MEMC_OK,
    MEMC_NOT_FOUND, /* nothing there, or what is there forbids it */
    MEMC_LOST,      /* the connection was closed: another try makes a new one */
    MEMC_FAILED,    /* the server did not answer in time, or nonsense */
};

/* Servers as "unix:/path, host:port@weight, [v6]:port", separated by commas;
 * weights 1 to 1000. timeout in ms, of one operation or connect. Connects
 * nothing yet. NULL: `faults` gets a line for each entry that does not parse.
 */
struct memc *memc_new(const char *servers, int timeout, struct buf *faults);
void memc_free(struct memc *memc);

int memc_server_count(const struct memc *memc);

/* "unix:/path" or "host:port", as nginx's `server` directive takes it. */
void memc_print_server(const struct memc *memc, int server, struct buf *out);

/* The same on every host and wherever it stands in the list: a short name of
 * 0-9 a-f, made from what memc_print_server prints. */
const char *memc_server_name(const struct memc *memc, int server);

/* What failed last, for the log. */
const char *memc_error(const struct memc *memc);

/* The server that holds a group's keys, from 0. */
int memc_server_of(const struct memc *memc, int group);

/* Stores `mine` where nothing is stored or, if `over` is not 0, where the value
 * is that it names, then reads what is there, all in one round trip: *value is
 * `mine`, or what somebody else stored, and cas names it to memc_replace and
 * for `over`. MEMC_NOT_FOUND: there is no room, or nothing. */
enum memc_result memc_claim(struct memc *memc, int group, const char *key,
    const char *mine, int ttl_seconds, uint64_t over, struct buf *value,
    uint64_t *cas);

/* Only over the value that cas names, and without waiting for an answer: where
 * that value is gone, nothing happens. `room`: how many bytes it may come to
 * have by what is put in front of it. */
enum memc_result memc_replace(struct memc *memc, int group, const char *key,
    const char *value, size_t len, uint32_t room, int ttl_seconds,
    uint64_t cas);

/* How long, in ms, a server may do nothing about what follows from now on. */
void memc_limit_changes(struct memc *memc, int timeout);

/* Put together, and sent by memc_send without waiting (meta.h). memc_fence
 * returns when all of them for that server have run, and tells of those whose
 * value was found, of those in front of whose value nothing could be put and of
 * those that have no room for more: appends the keys, with a "\n" behind each,
 * unless `keys` is NULL. */
enum memc_result memc_delete(struct memc *memc, int group, const char *key);
enum memc_result memc_set(struct memc *memc, int group, const char *key,
    const char *value, size_t len, int ttl_seconds);
enum memc_result memc_prepend(struct memc *memc, int group, const char *key,
    const char *bytes, size_t len);
enum memc_result memc_find(struct memc *memc, int group, const char *key);
enum memc_result memc_send(struct memc *memc, int group);
enum memc_result memc_fence(struct memc *memc, int group, struct buf *keys);

#endif
