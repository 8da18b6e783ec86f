/* The servers of the cache: who answers, and what is owed to who did not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache_inner.h"
#include "contract.h"
#include "log.h"
#include "runtime.h"

enum {
    HURRY = 10, /* ms that a server which did not drop in time is given */
    QUESTION_PAUSE = 200, /* ms until it is asked again whether it answers */

    /* ms between two tries to pay a server's debts, and how long one may take
     * before another process tries; where all is owed, a try counts a second */
    PAYMENT_PAUSE = 100,
    PAYMENT_MAX = 5000,
    SECOND = 1000,
    /* seconds: a lease from before may still fill a page (CONTRACT_LEASE_TTL),
     * and memcached's clock may lag behind after it stood still */
    TTL_MARGIN = 10,
};

_Static_assert(MEMC_SERVERS_MAX <= 64, "servers have a bit each");

const char *cache_server_name(const struct cache *cache, int server)
{
    return memc_server_name(cache->memc, server);
}

int cache_server_count(const struct cache *cache)
{
    return cache->memc ? memc_server_count(cache->memc) : 0;
}

void cache_server_note(const struct cache *cache, int server,
    struct breaker *breaker, enum memc_result result, int pause)
{
    bool failed = is_failure(result);
    bool was_failing = breaker_was_tripped(breaker);
    struct buf name = {0};

    if (failed)
        breaker_trip(breaker, pause);
    else if (was_failing)
        breaker_reset(breaker);
    if (failed == was_failing)
        return;
    memc_print_server(cache->memc, server, &name);
    if (failed)
        log_warn(
            "cache", "%s fails: %s", buf_text(&name), memc_error(cache->memc));
    else
        log_info("cache", "%s answers again", buf_text(&name));
    buf_free(&name);
}

enum memc_result cache_server_note_read(
    const struct cache *cache, int group, enum memc_result result)
{
    int server = cache->servers[group];

    cache_server_note(cache, server, &cache->guards[server].reads, result,
        cache->config->cache_retry);
    return result;
}

/* --- who answers -------------------------------------------------------- */

int cache_server_group(const struct cache *cache, int server)
{
    int group = 0;

    while (group < CONTRACT_GROUPS - 1 && cache->servers[group] != server)
        group++;
    return group;
}

void cache_server_limit(struct cache *cache, int server)
{
    int timeout = cache->config->cache_timeout;

    if (breaker_was_tripped(&cache->guards[server].drops) && timeout > HURRY)
        timeout = HURRY;
    memc_limit_changes(cache->memc, timeout);
}

bool cache_server_answers(struct cache *cache, int server)
{
    struct breaker *drops = &cache->guards[server].drops;
    int group = cache_server_group(cache, server);

    if (!breaker_was_tripped(drops))
        return true;
    if (breaker_is_open(drops))
        return false;
    cache_server_limit(cache, server);
    enum memc_result result = memc_fence(cache->memc, group, NULL);
    if (result == MEMC_LOST)
        result = memc_fence(cache->memc, group, NULL);
    cache_server_note(cache, server, drops, result, QUESTION_PAUSE);
    return !is_failure(result);
}

bool cache_answers(struct cache *cache, cache_servers servers)
{
    bool all = true;

    for (int i = 0; i < cache_server_count(cache); i++)
        if (servers & bit_of(i))
            all &= cache_server_answers(cache, i);
    return all;
}

/* --- debts -------------------------------------------------------------- */

enum memc_result cache_server_delete(
    const struct cache *cache, int server, const char *keys)
{
    int group = cache_server_group(cache, server);
    enum memc_result result = MEMC_OK;
    char key[KEY_MAX];

    for (size_t len; !is_failure(result) && *keys; keys += len + 1) {
        len = strcspn(keys, "\n");
        if (len < sizeof(key)) {
            memcpy(key, keys, len);
            key[len] = '\0';
            result = memc_delete(cache->memc, group, key);
        }
        if (keys[len] == '\0')
            break;
    }
    return is_failure(result) ? result : memc_fence(cache->memc, group, NULL);
}

/* Deletes what could not be deleted, or lets it expire; then the server is open
 * again. */
static void settle(struct cache *cache, int server, struct debts *debts)
{
    const char *keys = buf_text(&debts->keys);

    memc_limit_changes(cache->memc, cache->config->cache_timeout);
    enum memc_result result = cache_server_delete(cache, server, keys);
    if (result == MEMC_LOST)
        result = cache_server_delete(cache, server, keys);
    cache_server_note(cache, server, &cache->guards[server].drops, result, 0);
    if (is_failure(result))
        return;
    if (debts->all && debts->answered < cache->config->cache_ttl + TTL_MARGIN)
        runtime_note_answer(debts);
    else
        runtime_open(
            runtime_dir(cache), cache_server_name(cache, server), debts);
}

void cache_server_pay(struct cache *cache, int server)
{
    struct breaker *turn = &cache->payments[server];
    struct debts debts;

    if (!breaker_take(turn, PAYMENT_MAX))
        return;
    if (!cache_server_answers(cache, server)) {
        breaker_trip(turn, PAYMENT_PAUSE); /* they would be read for nothing */
        return;
    }
    errno = 0;
    bool is_owed = runtime_take_debts(
        runtime_dir(cache), cache_server_name(cache, server), &debts);
    if (!is_owed && errno != ENOENT)
        log_error("cache", "%s/" CONTRACT_CLOSED "%s cannot be read: %s",
            runtime_dir(cache), cache_server_name(cache, server),
            strerror(errno));
    if (is_owed) {
        settle(cache, server, &debts);
        runtime_put_back(&debts);
    }
    breaker_trip(turn, is_owed && debts.all ? SECOND : PAYMENT_PAUSE);
}

void cache_pay(struct cache *cache)
{
    for (int i = 0; cache->memc && i < memc_server_count(cache->memc); i++)
        if (runtime_is_closed(runtime_dir(cache), cache_server_name(cache, i)))
            cache_server_pay(cache, i);
}

/* --- how others know servers -------------------------------------------- */

/* The name is a number already (memc.h). */
static int64_t number_of(const struct cache *cache, int server)
{
    return strtoll(cache_server_name(cache, server), NULL, 16);
}

void cache_add_numbers(
    const struct cache *cache, cache_servers servers, struct buf *numbers)
{
    for (int i = 0; i < cache_server_count(cache); i++) {
        int64_t number = number_of(cache, i);
        if (servers & bit_of(i))
            buf_add(numbers, &number, sizeof(number));
    }
}

cache_servers cache_numbered(const struct cache *cache, int64_t number)
{
    cache_servers servers = 0;

    for (int i = 0; i < cache_server_count(cache); i++)
        if (number_of(cache, i) == number)
            servers |= bit_of(i);
    return servers;
}
