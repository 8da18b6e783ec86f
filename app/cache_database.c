/* What this host says of the database that pages are read from: which one it
 * is, and up to which of its posts they are up to date. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_inner.h"
#include "contract.h"
#include "log.h"
#include "runtime.h"

static void name_identity(
    const struct cache *cache, char word[CONTRACT_WORD_SIZE])
{
    snprintf(
        word, CONTRACT_WORD_SIZE, "%016" PRIx64, (uint64_t)cache->identity);
}

bool cache_database_is_current(const struct cache *cache)
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

bool cache_database_find(struct cache *cache)
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

/* --- the horizon -------------------------------------------------------- */

static void name_horizon(
    const struct cache *cache, int server, char name[2 * CONTRACT_WORD_SIZE])
{
    snprintf(name, 2 * CONTRACT_WORD_SIZE, "%s/" CONTRACT_WORD_HORIZON "%s",
        cache->database, cache_server_name(cache, server));
}

static bool set_horizon(struct cache *cache, int server, const char *word)
{
    char name[2 * CONTRACT_WORD_SIZE], known[CONTRACT_WORD_SIZE];

    runtime_tell_open(runtime_dir(cache), cache_server_name(cache, server));
    name_horizon(cache, server, name);
    return (runtime_get(runtime_dir(cache), name, known) &&
               strcmp(known, word) == 0) ||
           runtime_set(runtime_dir(cache), name, word);
}

void cache_set_horizon(struct cache *cache, cache_servers servers, int64_t post)
{
    char word[2 * CONTRACT_WORD_SIZE];
    bool is_told = true;

    if (!cache->memc || !cache_database_find(cache) ||
        !cache_database_is_current(cache))
        return;
    snprintf(word, sizeof(word), "%" PRId64 CONTRACT_HORIZON_DATABASE "%s",
        post, cache->database);
    for (int i = 0; is_told && i < cache_server_count(cache); i++)
        is_told = !(servers & bit_of(i)) || set_horizon(cache, i, word);
    if (!is_told && !cache->is_untold)
        log_error("cache", "%s/" CONTRACT_WORD_HORIZON "* cannot be made: %s",
            runtime_dir(cache), strerror(errno));
    cache->is_untold = !is_told;
}

int64_t cache_horizon(struct cache *cache, int64_t participant)
{
    char name[2 * CONTRACT_WORD_SIZE], word[CONTRACT_WORD_SIZE];

    if (!cache->memc || !cache_database_find(cache))
        return 0;
    name_horizon(cache, cache->servers[group_of(participant)], name);
    return runtime_get(runtime_dir(cache), name, word) ? strtoll(word, NULL, 10)
                                                       : 0;
}
