/* Changes pages in the cache, of all who have a post in theirs, and tells which
 * posts have been put in front of all of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache_inner.h"
#include "clock.h"
#include "contract.h"
#include "log.h"
#include "metrics.h"
#include "runtime.h"

enum {
    CONFIRMED_TTL = 20, /* s that the dispatcher may take to come to a post */
    MANY = 64,       /* pages, of which those are looked for first that are */
    UNSENT_MAX = 20, /* ms that a confirmation may wait to go with others */
};

/* Deletes a page, or puts news in front of it. */
static enum memc_result change_page(
    struct cache *cache, int64_t participant, const struct cache_news *news)
{
    int group = group_of(participant);
    struct buf *room = &cache->room;
    char key[KEY_MAX];

    cache_name_key(cache, participant, key);
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
        cache->config->cache_prefix, cache_prefix_end(cache->config), post,
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
        (void)memc_send(cache->memc, cache_server_group(cache, i));
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
    int group = cache_server_group(cache, server);
    struct buf unchanged = {0};
    enum memc_result result = MEMC_OK;

    for (size_t i = 0; i < count && !is_failure(result); i++)
        if (cache->servers[group_of(participants[i])] == server)
            result = change_page(cache, participants[i], news);
    if (!is_failure(result))
        result = memc_fence(cache->memc, group, &unchanged);
    if (!is_failure(result) && unchanged.len > 0)
        result = cache_server_delete(cache, server, buf_text(&unchanged));
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
    int group = cache_server_group(cache, server);
    struct buf found = {0};
    enum memc_result result = MEMC_OK;
    char key[KEY_MAX];

    for (size_t i = 0; i < count && !is_failure(result); i++)
        if (cache->servers[group_of(participants[i])] == server) {
            cache_name_key(cache, participants[i], key);
            result = memc_find(cache->memc, group, key);
        }
    if (!is_failure(result))
        result = memc_fence(cache->memc, group, &found);
    const char *line = buf_text(&found);
    for (size_t i = 0; i < count && *line; i++) {
        cache_name_key(cache, participants[i], key);
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
        result = confirm(cache, cache_server_group(cache, server), news);
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

    cache_server_limit(cache, server);
    enum memc_result result =
        change_on(cache, server, participants, count, news);
    if (result == MEMC_LOST) /* all of them */
        result = change_on(cache, server, participants, count, news);
    cache_measure(cache, CACHE_CHANGE, began, result);
    cache_server_note(cache, server, &cache->guards[server].drops, result, 0);
    return !is_failure(result);
}

/* Whether readers have turned to another database's pages while those of the
 * one before were dropped. */
static bool has_changed(struct cache *cache)
{
    char before[CONTRACT_WORD_SIZE];

    strcpy(before, cache->database);
    return cache_database_find(cache) && strcmp(cache->database, before) != 0;
}

/* From here on nobody on this host reads from the server. */
static void owe(
    struct cache *cache, int server, const int64_t *participants, size_t count)
{
    struct buf keys = {0};
    char key[KEY_MAX];

    for (size_t i = 0; i < count; i++)
        if (cache->servers[group_of(participants[i])] == server) {
            cache_name_key(cache, participants[i], key);
            buf_printf(&keys, "%s\n", key);
        }
    if (keys.failed || !runtime_close(runtime_dir(cache),
                           cache_server_name(cache, server), &keys))
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

    for (int i = 0; i < cache_server_count(cache); i++) {
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

    for (int i = 0; i < cache_server_count(cache); i++)
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
    if (!cache_database_find(cache))
        return servers & servers_of(cache, participants, count);
    do /* another database's pages know nothing of ours */
        failed |= change_on_all(cache, participants, count,
            cache_database_is_current(cache) ? news : NULL, servers, may_owe);
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

/* --- behind those who may have died ------------------------------------- */

/* Asks for the confirmations of posts that have readers on a server: appends
 * their keys, a line each, in the order of the posts. */
static enum memc_result find_confirmations(struct cache *cache, int server,
    const struct cache_post *posts, int count, struct buf *found)
{
    int group = cache_server_group(cache, server);
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
    bool is_told = cache_server_answers(cache, server);

    if (is_told) {
        memc_limit_changes(cache->memc, cache->config->cache_timeout);
        enum memc_result result =
            find_confirmations(cache, server, posts, count, &found);
        if (result == MEMC_LOST)
            result = find_confirmations(cache, server, posts, count, &found);
        cache_server_note(
            cache, server, &cache->guards[server].drops, result, 0);
        is_told = !is_failure(result);
    }
    set_unconfirmed(cache, server, posts, count, buf_text(&found));
    buf_free(&found);
    return is_told;
}

cache_servers cache_find_unconfirmed(
    struct cache *cache, struct cache_post *posts, int count)
{
    bool is_known = !cache->memc || cache_database_find(cache);
    cache_servers failed = 0;

    for (int i = 0; i < count; i++)
        posts[i].unconfirmed =
            is_known ? 0 : servers_of(cache, posts[i].readers, posts[i].count);
    if (!is_known)
        return CACHE_EVERYWHERE;
    for (int i = 0; i < cache_server_count(cache); i++)
        if (!find_unconfirmed_on(cache, i, posts, count))
            failed |= bit_of(i);
    return failed;
}
