/* The cache of inbound pages: keys, leases, and what is read and stored. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache_inner.h"
#include "clock.h"
#include "contract.h"
#include "log.h"
#include "metrics.h"
#include "runtime.h"

enum {
    LEASE_WAIT = 5, /* ms that another reader waits for it, once */
    LEASE_SIZE = 19,
    NEWS_ROOM = 16 << 10, /* bytes in front of a page, beside its own length:
                             whose page has more of them does not look */
};

_Static_assert(CACHE_LEASE_AGE_MAX < (CONTRACT_LEASE_TTL - 1) * 1000,
    "a lease may have ended already");

const char *cache_prefix_end(const struct config *config)
{
    return *config->auth_key_file ? CONTRACT_KEY_TOKENS : "";
}

void cache_name_key(
    const struct cache *cache, int64_t participant, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX,
        "%s%s" CONTRACT_KEY_FEED "%" PRId64 CONTRACT_KEY_DATABASE "%s",
        cache->config->cache_prefix, cache_prefix_end(cache->config),
        participant, cache->database);
}

bool cache_check(const struct config *config, struct buf *faults)
{
    if (*config->cache_servers == '\0')
        return true;
    struct memc *memc =
        memc_new(config->cache_servers, config->cache_timeout, faults);
    bool ok = memc != NULL;
    ok &= runtime_check(config->service_runtime_dir, faults);
    memc_free(memc);
    return ok;
}

bool cache_prepare(const struct config *config, struct buf *faults)
{
    return *config->cache_servers == '\0' ||
           runtime_make(config->service_runtime_dir, faults);
}

struct cache *cache_new(const struct config *config, struct cache_guard *guards,
    struct breaker *payments)
{
    struct buf faults = {0};
    struct cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->config = config;
    cache->guards = guards;
    cache->payments = payments;
    if (*config->cache_servers == '\0')
        return cache;
    cache->memc =
        memc_new(config->cache_servers, config->cache_timeout, &faults);
    /* no two readers anywhere may take one lease for their own */
    if (!cache->memc || getentropy(&cache->nonce, sizeof(cache->nonce))) {
        log_lines("cache", buf_text(&faults));
        cache_free(cache);
        cache = NULL;
    }
    for (int i = 0; cache && i < CONTRACT_GROUPS; i++)
        cache->servers[i] = (unsigned char)memc_server_of(cache->memc, i);
    buf_free(&faults);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    cache_send(cache, true);
    memc_free(cache->memc);
    buf_free(&cache->room);
    free(cache);
}

struct spent *cache_spent(struct cache *cache)
{
    return &cache->spent;
}

enum memc_result cache_measure(struct cache *cache, enum cache_work work,
    int64_t began, enum memc_result result)
{
    spent_add(&cache->spent, "", metrics_time(METRIC_CACHE_TIME, work, began));
    if (is_failure(result))
        metrics_count(METRIC_CACHE_FAULTS, work, 0);
    return result;
}

/* --- reading ------------------------------------------------------------ */

static bool may_read(struct cache *cache, int group)
{
    int server = cache->servers[group];

    if (!cache->memc || breaker_is_open(&cache->guards[server].reads))
        return false;
    if (!runtime_is_closed(
            runtime_dir(cache), cache_server_name(cache, server)))
        return cache_database_find(cache);
    cache_server_pay(cache, server);
    return false;
}

/* A worker's has a nonce, nginx's is empty. */
static bool is_lease(const struct buf *value)
{
    return value->len == 0 ||
           (value->len >= 2 && memcmp(value->data, "L:", 2) == 0);
}

/* Looks, and puts up a lease where there is nothing, or in place of what `over`
 * names, at once. A connection that was closed while it lay idle is no reason
 * to give up. */
static enum memc_result claim(struct cache *cache, int group, const char *key,
    const char *lease, uint64_t over, struct buf *value)
{
    enum memc_result result = MEMC_LOST;
    int64_t began = monotonic_ns();

    for (int i = 0; i < 2 && result == MEMC_LOST; i++)
        result = memc_claim(cache->memc, group, key, lease, CONTRACT_LEASE_TTL,
            over, value, &cache->lease);
    return cache_server_note_read(
        cache, group, cache_measure(cache, CACHE_READ, began, result));
}

static void name_lease(struct cache *cache, char lease[LEASE_SIZE])
{
    snprintf(lease, LEASE_SIZE, "L:%016" PRIx64, ++cache->nonce);
}

enum cache_lookup cache_fetch(
    struct cache *cache, int64_t participant, uint64_t given, struct buf *value)
{
    int group = group_of(participant);
    char key[KEY_MAX];
    char lease[LEASE_SIZE];

    if (!may_read(cache, group))
        return CACHE_MISS;
    if (given) {
        cache->lease = given;
        return CACHE_LEASE;
    }
    cache_name_key(cache, participant, key);
    name_lease(cache, lease);

    for (int i = 0; i < 2; i++) {
        if (i > 0) /* another reader has it */
            nanosleep(
                &(struct timespec){.tv_nsec = LEASE_WAIT * 1000000L}, NULL);
        if (claim(cache, group, key, lease, 0, value) != MEMC_OK)
            return CACHE_MISS;
        if (!is_lease(value))
            return CACHE_HIT;
        if (strcmp(buf_text(value), lease) == 0)
            break;
    }
    return CACHE_LEASE; /* another's too, who may be slow or gone */
}

enum cache_lookup cache_take_over(
    struct cache *cache, int64_t participant, struct buf *value)
{
    int group = group_of(participant);
    char key[KEY_MAX];
    char lease[LEASE_SIZE];

    cache_name_key(cache, participant, key);
    name_lease(cache, lease);
    if (claim(cache, group, key, lease, cache->lease, value) != MEMC_OK)
        return CACHE_MISS;
    return is_lease(value) ? CACHE_LEASE : CACHE_HIT;
}

void cache_store(
    struct cache *cache, int64_t participant, const char *stored, size_t len)
{
    int group = group_of(participant);
    char key[KEY_MAX];

    if (len > CONTRACT_STORED_MAX || !cache_database_is_current(cache)) {
        cache_release(cache, participant);
        return;
    }
    cache_name_key(cache, participant, key);
    int64_t began = monotonic_ns();
    enum memc_result result = memc_replace(cache->memc, group, key, stored, len,
        (uint32_t)(2 * len + NEWS_ROOM), cache->config->cache_ttl,
        cache->lease);
    cache_server_note_read(
        cache, group, cache_measure(cache, CACHE_WRITE, began, result));
    if (result == MEMC_OK)
        metrics_count(METRIC_CACHE_PAGES, PAGE_STORED, 0);
}

void cache_release(struct cache *cache, int64_t participant)
{
    /* or it ends by itself */
    (void)cache_try_drop(cache, &participant, 1, CACHE_EVERYWHERE);
}
