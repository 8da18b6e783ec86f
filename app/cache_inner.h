/* What the files of the cache share, and no other includes. */
#ifndef NEWSFEED_CACHE_INNER_H
#define NEWSFEED_CACHE_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "breaker.h"
#include "buf.h"
#include "cache.h"
#include "contract.h"
#include "memc.h"
#include "metrics.h"
#include "scoreboard.h"
#include "spent.h"

enum {
    KEY_MAX = 160,
};

struct cache {
    const struct config *config;
    struct memc *memc;                      /* NULL: there is no cache */
    struct cache_guard *guards;             /* one for each server */
    struct breaker *payments;               /* likewise */
    unsigned char servers[CONTRACT_GROUPS]; /* the server of each group */
    uint64_t nonce;
    uint64_t lease; /* cas of the lease, or of what was seen in its place */
    struct spent spent;
    struct buf room;                   /* for what is put in front of a page */
    bool has_unsent;                   /* a confirmation, that of */
    int64_t unsent;                    /* ms, monotonic */
    int64_t identity;                  /* of the database met last; 0: none */
    char database[CONTRACT_WORD_SIZE]; /* whose pages keys name just now */
    char before[CONTRACT_WORD_SIZE];   /* the word when that one was met */
    bool is_unwritten;                 /* its own could not be, the last time */
    bool is_untold;                    /* nor the horizon */
};

static inline int group_of(int64_t participant)
{
    return (int)(participant % CONTRACT_GROUPS);
}

static inline const char *runtime_dir(const struct cache *cache)
{
    return cache->config->service_runtime_dir;
}

static inline cache_servers bit_of(int server)
{
    return (cache_servers)1 << server;
}

static inline bool is_failure(enum memc_result result)
{
    return result == MEMC_LOST || result == MEMC_FAILED;
}

/* What a key of these settings has behind its prefix, and that of a feed. */
const char *cache_prefix_end(const struct config *config);
void cache_name_key(
    const struct cache *cache, int64_t participant, char key[KEY_MAX]);

/* Counts an operation that has ended, and gives its result. */
enum memc_result cache_measure(struct cache *cache, enum cache_work work,
    int64_t began, enum memc_result result);

/* The database whose pages are read on this host. False: nobody knows it, and
 * so nobody reads any. */
bool cache_database_find(struct cache *cache);

/* Whether what this process reads from its database belongs under the keys of
 * the one whose pages are read: others may have met a newer one already. */
bool cache_database_is_current(const struct cache *cache);

int cache_server_count(const struct cache *cache);
const char *cache_server_name(const struct cache *cache, int server);

/* Any group on a server leads there. */
int cache_server_group(const struct cache *cache, int server);

/* Keeps everybody off a server that failed, and logs when that begins and when
 * it is over. note_read: off reading a group, and gives the result. */
void cache_server_note(const struct cache *cache, int server,
    struct breaker *breaker, enum memc_result result, int pause);
enum memc_result cache_server_note_read(
    const struct cache *cache, int group, enum memc_result result);

/* Who failed to drop is given less time. */
void cache_server_limit(struct cache *cache, int server);

bool cache_server_answers(struct cache *cache, int server);

/* Deletes the keys, a line each, and waits until that has been done. */
enum memc_result cache_server_delete(
    const struct cache *cache, int server, const char *keys);

/* Whoever comes by pays a server's debts, one at a time and not too often. */
void cache_server_pay(struct cache *cache, int server);

#endif
