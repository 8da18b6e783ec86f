/* The cache of inbound pages: keys, leases, drops. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"
#include "clock.h"
#include "contract.h"
#include "log.h"
#include "memc.h"
#include "metrics.h"
#include "runtime.h"

enum {
    LEASE_WAIT = 5, /* ms that another reader waits for it, once */
    KEY_MAX = 160,
    LEASE_SIZE = 19,
    CONFIRMED_TTL = 20,   /* s that the dispatcher may take to come to a post */
    NEWS_ROOM = 16 << 10, /* bytes in front of a page, beside its own length:
                             whose page has more of them does not look */
    MANY = 64,       /* pages, of which those are looked for first that are */
    UNSENT_MAX = 20, /* ms that a confirmation may wait to go with others */
    HURRY = 10,      /* ms that a server which did not drop in time is given */
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
_Static_assert(CACHE_LEASE_AGE_MAX < (CONTRACT_LEASE_TTL - 1) * 1000,
    "a lease may have ended already");

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

static int group_of(int64_t participant)
{
    return (int)(participant % CONTRACT_GROUPS);
}

static const char *prefix_end(const struct config *config)
{
    return *config->auth_key_file ? CONTRACT_KEY_TOKENS : "";
}

static void name_key(
    const struct cache *cache, int64_t participant, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX,
        "%s%s" CONTRACT_KEY_FEED "%" PRId64 CONTRACT_KEY_DATABASE "%s",
        cache->config->cache_prefix, prefix_end(cache->config), participant,
        cache->database);
}

static const char *runtime_dir(const struct cache *cache)
{
    return cache->config->service_runtime_dir;
}

static const char *name_of(const struct cache *cache, int server)
{
    return memc_server_name(cache->memc, server);
}

static int server_count(const struct cache *cache)
{
    return cache->memc ? memc_server_count(cache->memc) : 0;
}

static cache_servers bit_of(int server)
{
    return (cache_servers)1 << server;
}

static void name_identity(
    const struct cache *cache, char word[CONTRACT_WORD_SIZE])
{
    snprintf(
        word, CONTRACT_WORD_SIZE, "%016" PRIx64, (uint64_t)cache->identity);
}

/* Whether what this process reads from its database belongs under the keys of
 * the one whose pages are read: others may have met a newer one already. */
static bool is_current(const struct cache *cache)
{
    char own[CONTRACT_WORD_SIZE];

    name_identity(cache, own);
    return cache->identity == 0 || strcmp(cache->database, own) == 0;
}

static bool set_database(struct cache *cache)
{
    name_identity(cache, cache->database);
    bool is_written = runtime_set(
        runtime_dir(cache), CONTRACT_WORD_DATABASE, cache->database);
    if (!is_written && !cache->is_unwritten)
        log_error("cache", "%s/" CONTRACT_WORD_DATABASE " cannot be made: %s",
            runtime_dir(cache), strerror(errno));
    cache->is_unwritten = !is_written;
    return is_written;
}

/* The database whose pages are read on this host. False: nobody knows it, and
 * so nobody reads any. */
static bool find_database(struct cache *cache)
{
    return runtime_get(
               runtime_dir(cache), CONTRACT_WORD_DATABASE, cache->database) ||
           (cache->identity != 0 && set_database(cache));
}

/* A word that could not be written is tried again, unless somebody else has
 * replaced the one of before meanwhile, whose database may be newer than ours.
 */
void cache_meet_database(struct cache *cache, int64_t identity)
{
    char known[CONTRACT_WORD_SIZE], own[CONTRACT_WORD_SIZE];
    bool is_new = identity != cache->identity;

    if (!cache->memc || identity == 0 || (!is_new && !cache->is_unwritten))
        return;
    cache->identity = identity;
    name_identity(cache, own);
    runtime_get(runtime_dir(cache), CONTRACT_WORD_DATABASE, known);
    if (is_new) {
        if (*known && strcmp(known, own) != 0)
            log_warn("cache", "the database is another one than before, or was "
                              "restored: pages of before are read no more");
        strcpy(cache->database, own);
        strcpy(cache->before, known);
    }
    if (strcmp(known, own) != 0 && strcmp(known, cache->before) == 0)
        set_database(cache);
    else
        cache->is_unwritten = false;
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

static bool is_failure(enum memc_result result)
{
    return result == MEMC_LOST || result == MEMC_FAILED;
}

/* Keeps everybody off a server that failed, and logs when that begins and when
 * it is over. */
static void note(const struct cache *cache, int server, struct breaker *breaker,
    enum memc_result result, int pause)
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

static enum memc_result measure(struct cache *cache, enum cache_work work,
    int64_t began, enum memc_result result)
{
    spent_add(&cache->spent, "", metrics_time(METRIC_CACHE_TIME, work, began));
    if (is_failure(result))
        metrics_count(METRIC_CACHE_FAULTS, work, 0);
    return result;
}

static enum memc_result note_read(
    const struct cache *cache, int group, enum memc_result result)
{
    int server = cache->servers[group];

    note(cache, server, &cache->guards[server].reads, result,
        cache->config->cache_retry);
    return result;
}

/* --- who answers -------------------------------------------------------- */

/* Any group on a server leads there. */
static int some_group(const struct cache *cache, int server)
{
    int group = 0;

    while (group < CONTRACT_GROUPS - 1 && cache->servers[group] != server)
        group++;
    return group;
}

/* Who failed to drop is given less time. */
static void limit_changes(struct cache *cache, int server)
{
    int timeout = cache->config->cache_timeout;

    if (breaker_was_tripped(&cache->guards[server].drops) && timeout > HURRY)
        timeout = HURRY;
    memc_limit_changes(cache->memc, timeout);
}

static bool answers(struct cache *cache, int server)
{
    struct breaker *drops = &cache->guards[server].drops;
    int group = some_group(cache, server);

    if (!breaker_was_tripped(drops))
        return true;
    if (breaker_is_open(drops))
        return false;
    limit_changes(cache, server);
    enum memc_result result = memc_fence(cache->memc, group, NULL);
    if (result == MEMC_LOST)
        result = memc_fence(cache->memc, group, NULL);
    note(cache, server, drops, result, QUESTION_PAUSE);
    return !is_failure(result);
}

bool cache_answers(struct cache *cache, cache_servers servers)
{
    bool all = true;

    for (int i = 0; i < server_count(cache); i++)
        if (servers & bit_of(i))
            all &= answers(cache, i);
    return all;
}

/* --- debts -------------------------------------------------------------- */

/* Deletes the keys, a line each, and waits until that has been done. */
static enum memc_result delete_keys(
    const struct cache *cache, int server, const char *keys)
{
    int group = some_group(cache, server);
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
    enum memc_result result = delete_keys(cache, server, keys);
    if (result == MEMC_LOST)
        result = delete_keys(cache, server, keys);
    note(cache, server, &cache->guards[server].drops, result, 0);
    if (is_failure(result))
        return;
    if (debts->all && debts->answered < cache->config->cache_ttl + TTL_MARGIN)
        runtime_note_answer(debts);
    else
        runtime_open(runtime_dir(cache), name_of(cache, server), debts);
}

/* Whoever comes by pays, one at a time and not too often. */
static void pay(struct cache *cache, int server)
{
    struct breaker *turn = &cache->payments[server];
    struct debts debts;

    if (!breaker_take(turn, PAYMENT_MAX))
        return;
    if (!answers(cache, server)) { /* all that would be read for nothing */
        breaker_trip(turn, PAYMENT_PAUSE);
        return;
    }
    errno = 0;
    bool is_owed =
        runtime_take_debts(runtime_dir(cache), name_of(cache, server), &debts);
    if (!is_owed && errno != ENOENT)
        log_error("cache", "%s/" CONTRACT_CLOSED "%s cannot be read: %s",
            runtime_dir(cache), name_of(cache, server), strerror(errno));
    if (is_owed) {
        settle(cache, server, &debts);
        runtime_put_back(&debts);
    }
    breaker_trip(turn, is_owed && debts.all ? SECOND : PAYMENT_PAUSE);
}

void cache_pay(struct cache *cache)
{
    for (int i = 0; cache->memc && i < memc_server_count(cache->memc); i++)
        if (runtime_is_closed(runtime_dir(cache), name_of(cache, i)))
            pay(cache, i);
}

/* --- reading ------------------------------------------------------------ */

static bool may_read(struct cache *cache, int group)
{
    int server = cache->servers[group];

    if (!cache->memc || breaker_is_open(&cache->guards[server].reads))
        return false;
    if (!runtime_is_closed(runtime_dir(cache), name_of(cache, server)))
        return find_database(cache);
    pay(cache, server);
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
    return note_read(cache, group, measure(cache, CACHE_READ, began, result));
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
    name_key(cache, participant, key);
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

    name_key(cache, participant, key);
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

    if (len > CONTRACT_STORED_MAX || !is_current(cache)) {
        cache_release(cache, participant);
        return;
    }
    name_key(cache, participant, key);
    int64_t began = monotonic_ns();
    enum memc_result result = memc_replace(cache->memc, group, key, stored, len,
        (uint32_t)(2 * len + NEWS_ROOM), cache->config->cache_ttl,
        cache->lease);
    note_read(cache, group, measure(cache, CACHE_WRITE, began, result));
    if (result == MEMC_OK)
        metrics_count(METRIC_CACHE_PAGES, PAGE_STORED, 0);
}

/* Deletes a page, or puts news in front of it. */
static enum memc_result change_page(
    struct cache *cache, int64_t participant, const struct cache_news *news)
{
    int group = group_of(participant);
    struct buf *room = &cache->room;
    char key[KEY_MAX];

    name_key(cache, participant, key);
    metrics_count(METRIC_CACHE_PAGES, news ? PAGE_PUT : PAGE_DROPPED, 0);
    if (news) {
        buf_reset(room, room->cap);
        news->print(news->context, participant, room);
    }
    if (!news || room->failed)
        return memc_delete(cache->memc, group, key);
    return memc_prepend(cache->memc, group, key, room->data, room->len);
}

static void name_confirmation(
    const struct cache *cache, int64_t post, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "%s%s:put:%" PRId64 CONTRACT_KEY_DATABASE "%s",
        cache->config->cache_prefix, prefix_end(cache->config), post,
        cache->database);
}

/* That all of them have it, on this server. Nobody asks at once: it goes with
 * what is sent next. */
static enum memc_result confirm(
    struct cache *cache, int group, const struct cache_news *news)
{
    char key[KEY_MAX];

    name_confirmation(cache, news->post, key);
    if (!cache->has_unsent)
        cache->unsent = monotonic_ms();
    cache->has_unsent = true;
    return memc_set(cache->memc, group, key, "", 0, CONFIRMED_TTL);
}

/* What cannot be sent has not been confirmed, and is dropped. */
void cache_send(struct cache *cache, bool is_idle)
{
    if (!cache->has_unsent ||
        (!is_idle && monotonic_ms() - cache->unsent < UNSENT_MAX))
        return;
    for (int i = 0; i < memc_server_count(cache->memc); i++)
        (void)memc_send(cache->memc, some_group(cache, i));
    cache->has_unsent = false;
}

bool cache_has_unsent(const struct cache *cache)
{
    return cache->has_unsent;
}

/* Returns when it has been done, with all pages that lie on one server, of
 * which there is one. Pages that cannot be changed are deleted. */
static enum memc_result change_pages(struct cache *cache, int server,
    const int64_t *participants, size_t count, const struct cache_news *news)
{
    int group = some_group(cache, server);
    struct buf unchanged = {0};
    enum memc_result result = MEMC_OK;

    for (size_t i = 0; i < count && !is_failure(result); i++)
        if (cache->servers[group_of(participants[i])] == server)
            result = change_page(cache, participants[i], news);
    if (!is_failure(result))
        result = memc_fence(cache->memc, group, &unchanged);
    if (!is_failure(result) && unchanged.len > 0)
        result = delete_keys(cache, server, buf_text(&unchanged));
    buf_free(&unchanged);
    return result;
}

/* Whether the line is this key; then it goes on to the next one. */
static bool take_line(const char **line, const char *key)
{
    size_t len = strlen(key);

    if (strncmp(*line, key, len) != 0 || (*line)[len] != '\n')
        return false;
    *line += len + 1;
    return true;
}

/* Appends those on the server who have a page or a lease there. */
static enum memc_result find_pages(struct cache *cache, int server,
    const int64_t *participants, size_t count, struct buf *owners)
{
    int group = some_group(cache, server);
    struct buf found = {0};
    enum memc_result result = MEMC_OK;
    char key[KEY_MAX];

    for (size_t i = 0; i < count && !is_failure(result); i++)
        if (cache->servers[group_of(participants[i])] == server) {
            name_key(cache, participants[i], key);
            result = memc_find(cache->memc, group, key);
        }
    if (!is_failure(result))
        result = memc_fence(cache->memc, group, &found);
    const char *line = buf_text(&found);
    for (size_t i = 0; i < count && *line; i++) {
        name_key(cache, participants[i], key);
        if (take_line(&line, key))
            buf_add(owners, &participants[i], sizeof(participants[i]));
    }
    buf_free(&found);
    return owners->failed ? MEMC_FAILED : result;
}

/* Of many pages, few may be there: then the others are not printed and sent for
 * nothing. Who comes later than the look reads what is committed by now. */
static enum memc_result change_on(struct cache *cache, int server,
    const int64_t *participants, size_t count, const struct cache_news *news)
{
    struct buf owners = {0};
    enum memc_result result = MEMC_OK;

    if (news && count > MANY) {
        result = find_pages(cache, server, participants, count, &owners);
        participants = (const int64_t *)(const void *)owners.data;
        count = owners.len / sizeof(*participants);
    }
    if (!is_failure(result))
        result = change_pages(cache, server, participants, count, news);
    if (!is_failure(result) && news && news->post)
        result = confirm(cache, some_group(cache, server), news);
    buf_free(&owners);
    return result;
}

static bool lies_on(const struct cache *cache, int server,
    const int64_t *participants, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cache->servers[group_of(participants[i])] == server)
            return true;
    return false;
}

/* Once more over a new connection, if the first was lost. */
static bool try_change_on(struct cache *cache, int server,
    const int64_t *participants, size_t count, const struct cache_news *news)
{
    int64_t began = monotonic_ns();

    limit_changes(cache, server);
    enum memc_result result =
        change_on(cache, server, participants, count, news);
    if (result == MEMC_LOST) /* all of them */
        result = change_on(cache, server, participants, count, news);
    measure(cache, CACHE_CHANGE, began, result);
    note(cache, server, &cache->guards[server].drops, result, 0);
    return !is_failure(result);
}

/* Whether readers have turned to another database's pages while those of the
 * one before were dropped. */
static bool has_changed(struct cache *cache)
{
    char before[CONTRACT_WORD_SIZE];

    strcpy(before, cache->database);
    return find_database(cache) && strcmp(cache->database, before) != 0;
}

/* From here on nobody on this host reads from the server. */
static void owe(
    struct cache *cache, int server, const int64_t *participants, size_t count)
{
    struct buf keys = {0};
    char key[KEY_MAX];

    for (size_t i = 0; i < count; i++)
        if (cache->servers[group_of(participants[i])] == server) {
            name_key(cache, participants[i], key);
            buf_printf(&keys, "%s\n", key);
        }
    if (keys.failed ||
        !runtime_close(runtime_dir(cache), name_of(cache, server), &keys))
        log_error("cache",
            "%s: pages that were not dropped cannot be kept from readers: %s",
            runtime_dir(cache),
            keys.failed ? "out of memory" : strerror(errno));
    buf_free(&keys);
}

static cache_servers change_on_all(struct cache *cache,
    const int64_t *participants, size_t count, const struct cache_news *news,
    cache_servers servers, bool may_owe)
{
    cache_servers failed = 0;

    for (int i = 0; i < server_count(cache); i++) {
        if (!(servers & bit_of(i)) || !lies_on(cache, i, participants, count) ||
            try_change_on(cache, i, participants, count, news))
            continue;
        failed |= bit_of(i);
        if (may_owe)
            owe(cache, i, participants, count);
    }
    return failed;
}

static cache_servers servers_of(
    const struct cache *cache, const int64_t *participants, size_t count)
{
    cache_servers servers = 0;

    for (int i = 0; i < server_count(cache); i++)
        if (lies_on(cache, i, participants, count))
            servers |= bit_of(i);
    return servers;
}

/* Gives the servers that could not be told. */
static cache_servers change(struct cache *cache, const int64_t *participants,
    size_t count, const struct cache_news *news, cache_servers servers,
    bool may_owe)
{
    cache_servers failed = 0;

    if (!cache->memc || count == 0)
        return 0;
    if (!find_database(cache))
        return servers & servers_of(cache, participants, count);
    do /* another database's pages know nothing of ours */
        failed |= change_on_all(cache, participants, count,
            is_current(cache) ? news : NULL, servers, may_owe);
    while (has_changed(cache));
    return failed;
}

cache_servers cache_try_drop(struct cache *cache, const int64_t *participants,
    size_t count, cache_servers servers)
{
    return change(cache, participants, count, NULL, servers, false);
}

cache_servers cache_try_put(struct cache *cache, const int64_t *participants,
    size_t count, const struct cache_news *news)
{
    return change(cache, participants, count, news, CACHE_EVERYWHERE, false);
}

void cache_drop(struct cache *cache, const int64_t *participants, size_t count)
{
    (void)change(cache, participants, count, NULL, CACHE_EVERYWHERE, true);
}

void cache_put(struct cache *cache, const int64_t *participants, size_t count,
    const struct cache_news *news)
{
    (void)change(cache, participants, count, news, CACHE_EVERYWHERE, true);
}

/* --- the horizon -------------------------------------------------------- */

static void name_horizon(
    const struct cache *cache, int server, char name[2 * CONTRACT_WORD_SIZE])
{
    snprintf(name, 2 * CONTRACT_WORD_SIZE, "%s/" CONTRACT_WORD_HORIZON "%s",
        cache->database, name_of(cache, server));
}

static bool set_horizon(struct cache *cache, int server, const char *word)
{
    char name[2 * CONTRACT_WORD_SIZE], known[CONTRACT_WORD_SIZE];

    runtime_tell_open(runtime_dir(cache), name_of(cache, server));
    name_horizon(cache, server, name);
    return (runtime_get(runtime_dir(cache), name, known) &&
               strcmp(known, word) == 0) ||
           runtime_set(runtime_dir(cache), name, word);
}

void cache_set_horizon(struct cache *cache, cache_servers servers, int64_t post)
{
    char word[2 * CONTRACT_WORD_SIZE];
    bool is_told = true;

    if (!cache->memc || !find_database(cache) || !is_current(cache))
        return;
    snprintf(word, sizeof(word), "%" PRId64 CONTRACT_HORIZON_DATABASE "%s",
        post, cache->database);
    for (int i = 0; is_told && i < server_count(cache); i++)
        is_told = !(servers & bit_of(i)) || set_horizon(cache, i, word);
    if (!is_told && !cache->is_untold)
        log_error("cache", "%s/" CONTRACT_WORD_HORIZON "* cannot be made: %s",
            runtime_dir(cache), strerror(errno));
    cache->is_untold = !is_told;
}

int64_t cache_horizon(struct cache *cache, int64_t participant)
{
    char name[2 * CONTRACT_WORD_SIZE], word[CONTRACT_WORD_SIZE];

    if (!cache->memc || !find_database(cache))
        return 0;
    name_horizon(cache, cache->servers[group_of(participant)], name);
    return runtime_get(runtime_dir(cache), name, word) ? strtoll(word, NULL, 10)
                                                       : 0;
}

/* --- behind those who may have died ------------------------------------- */

/* Asks for the confirmations of posts that have readers on a server: appends
 * their keys, a line each, in the order of the posts. */
static enum memc_result find_confirmations(struct cache *cache, int server,
    const struct cache_post *posts, int count, struct buf *found)
{
    int group = some_group(cache, server);
    enum memc_result result = MEMC_OK;
    char key[KEY_MAX];

    for (int i = 0; i < count && !is_failure(result); i++)
        if (lies_on(cache, server, posts[i].readers, posts[i].count)) {
            name_confirmation(cache, posts[i].id, key);
            result = memc_find(cache->memc, group, key);
        }
    return is_failure(result) ? result : memc_fence(cache->memc, group, found);
}

/* Those with readers on the server whose keys are not among the lines. */
static void set_unconfirmed(const struct cache *cache, int server,
    struct cache_post *posts, int count, const char *line)
{
    char key[KEY_MAX];

    for (int i = 0; i < count; i++) {
        name_confirmation(cache, posts[i].id, key);
        if (lies_on(cache, server, posts[i].readers, posts[i].count) &&
            !take_line(&line, key))
            posts[i].unconfirmed |= bit_of(server);
    }
}

static bool find_unconfirmed_on(
    struct cache *cache, int server, struct cache_post *posts, int count)
{
    struct buf found = {0};
    bool is_told = answers(cache, server);

    if (is_told) {
        memc_limit_changes(cache->memc, cache->config->cache_timeout);
        enum memc_result result =
            find_confirmations(cache, server, posts, count, &found);
        if (result == MEMC_LOST)
            result = find_confirmations(cache, server, posts, count, &found);
        note(cache, server, &cache->guards[server].drops, result, 0);
        is_told = !is_failure(result);
    }
    set_unconfirmed(cache, server, posts, count, buf_text(&found));
    buf_free(&found);
    return is_told;
}

cache_servers cache_find_unconfirmed(
    struct cache *cache, struct cache_post *posts, int count)
{
    bool is_known = !cache->memc || find_database(cache);
    cache_servers failed = 0;

    for (int i = 0; i < count; i++)
        posts[i].unconfirmed =
            is_known ? 0 : servers_of(cache, posts[i].readers, posts[i].count);
    if (!is_known)
        return CACHE_EVERYWHERE;
    for (int i = 0; i < server_count(cache); i++)
        if (!find_unconfirmed_on(cache, i, posts, count))
            failed |= bit_of(i);
    return failed;
}

void cache_release(struct cache *cache, int64_t participant)
{
    /* or it ends by itself */
    (void)cache_try_drop(cache, &participant, 1, CACHE_EVERYWHERE);
}

/* --- how others know servers -------------------------------------------- */

/* The name is a number already (memc.h). */
static int64_t number_of(const struct cache *cache, int server)
{
    return strtoll(name_of(cache, server), NULL, 16);
}

void cache_add_numbers(
    const struct cache *cache, cache_servers servers, struct buf *numbers)
{
    for (int i = 0; i < server_count(cache); i++) {
        int64_t number = number_of(cache, i);
        if (servers & bit_of(i))
            buf_add(numbers, &number, sizeof(number));
    }
}

cache_servers cache_numbered(const struct cache *cache, int64_t number)
{
    cache_servers servers = 0;

    for (int i = 0; i < server_count(cache); i++)
        if (number_of(cache, i) == number)
            servers |= bit_of(i);
    return servers;
}

/* --- for nginx ---------------------------------------------------------- */

/* Of a feed that asks for a token there is no key but by the verdict that
 * auth.conf gets: one server's include defines its variable in all of them. */
static void print_key_map(const struct config *config, struct buf *out)
{
    if (*config->auth_key_file)
        buf_printf(out,
            "# auth.key_file is set: there is a key only where auth.conf asked "
            "a worker,\n# and the worker answered 204.\n"
            "map \"$newsfeed_authorized:$newsfeed_feed\" $newsfeed_cache_key "
            "{\n"
            "    default \"\";\n"
            "    \"~^204:(?<newsfeed_allowed>[0-9]+)$\"\n"
            "        %s%s" CONTRACT_KEY_FEED "$newsfeed_allowed;\n}\n",
            config->cache_prefix, prefix_end(config));
    else
        buf_printf(out,
            "map $newsfeed_feed $newsfeed_cache_key {\n"
            "    default %s" CONTRACT_KEY_FEED "$newsfeed_feed;\n"
            "    \"\" \"\";\n}\n",
            config->cache_prefix);
}

bool cache_print_map(
    const struct config *config, struct buf *out, struct buf *faults)
{
    if (*config->cache_servers == '\0') {
        buf_puts(faults, "cache.servers: is empty, so there is no map; name "
                         "the servers, or leave the fast path out\n");
        return false;
    }
    struct memc *memc =
        memc_new(config->cache_servers, config->cache_timeout, faults);
    if (!memc)
        return false;

    buf_puts(out, "# Which memcached holds which feed: printed by newsfeed "
                  "--cache-map.\n");
    for (int i = 0; i < memc_server_count(memc); i++) {
        buf_printf(out, "upstream " CONTRACT_UPSTREAM "%s { server ",
            memc_server_name(memc, i));
        memc_print_server(memc, i, out);
        buf_puts(out, "; keepalive 32; }\n");
    }
    buf_printf(
        out, "newsfeed_runtime_dir \"%s\";\n", config->service_runtime_dir);
    buf_printf(out,
        "map %s $newsfeed_cache {\n"
        "    default " CONTRACT_UPSTREAM "%s;\n",
        memc_server_count(memc) > 1 ? "$newsfeed_bucket" : "\"\"",
        memc_server_name(memc, 0));
    for (int i = 0; i < CONTRACT_GROUPS && memc_server_count(memc) > 1; i++)
        buf_printf(out, "    %d " CONTRACT_UPSTREAM "%s;\n", i,
            memc_server_name(memc, memc_server_of(memc, i)));
    buf_puts(out, "}\n");
    print_key_map(config, out);
    memc_free(memc);
    return true;
}
