/* The cache of inbound pages: keys, leases, drops. It may fail at any time and
 * never makes a request fail.
 *
 * One key a feed: "<prefix>:inbound:<id>@<database>". A value is a page in the
 * form of stored.h, with what was posted meanwhile in front, or a lease
 * (nothing, or "L:" and a nonce): the promise of one reader that it is fetching
 * the page. nginx takes the lease for a worker as it looks for the page
 * (nginx/module); without it, a worker does. The page replaces the lease by
 * compare and swap, so a page that may already be old goes unstored where there
 * was a drop in between, which deletes page and lease alike, or news, which are
 * put in front of either. (The scheme is that of Nishtala et al., Scaling
 * Memcache at Facebook, NSDI 2013, but for the news.) What is neither page nor
 * untouched lease is taken over by the next reader.
 *
 * Whoever put news in front of all pages confirms that, behind it, under a key
 * of the post's; what is not confirmed, because a process died, the dispatcher
 * drops.
 *
 * A server that cannot be told to drop pages is closed (runtime.h): from before
 * the write is answered, nobody on this host reads from it, neither nginx nor a
 * worker, until somebody has deleted those pages or, where they were too many,
 * until it has answered for so long that they have expired. What was stored
 * meanwhile under an older lease is deleted with them. Hosts that share the
 * server have the dispatcher's word, who drops again what was not dropped, once
 * the server answers. */
#ifndef NEWSFEED_CACHE_H
#define NEWSFEED_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "scoreboard.h"
#include "spent.h"

struct cache;

/* Servers, a bit each in the order of cache.servers. */
typedef uint64_t cache_servers;

#define CACHE_EVERYWHERE UINT64_MAX

enum {
    /* ms; then memcached may have ended a lease that nginx took: it counts
     * whole seconds, of which the last may be over at once */
    CACHE_LEASE_AGE_MAX = 1500,
};

/* A post, and how to print what is put in front of a reader's page. */
struct cache_news {
    int64_t post; /* 0: its confirmation is not the cache's business */
    void (*print)(void *context, int64_t reader, struct buf *out);
    void *context;
};

/* A post and those whose pages it is in. */
struct cache_post {
    int64_t id;
    const int64_t *readers;
    size_t count;
    cache_servers unconfirmed;
};

enum cache_lookup {
    CACHE_HIT,   /* here is the page */
    CACHE_LEASE, /* read the truth, then cache_store or cache_release */
    CACHE_MISS,  /* read the truth and store nothing */
};

/* Whether the settings about the cache hold; a line for each fault. */
bool cache_check(const struct config *config, struct buf *faults);

/* Makes service.runtime_dir, where there is a cache. False: see faults. */
bool cache_prepare(const struct config *config, struct buf *faults);

/* Connects nothing yet. guards, payments: one for each server, whoever shares
 * them; a server that failed is left alone for a while, and debts to it are
 * paid by one process at a time. The config must outlive it. NULL: no memory,
 * or bad settings (logged). With cache.servers empty everything is a miss and
 * every drop succeeds. */
struct cache *cache_new(const struct config *config, struct cache_guard *guards,
    struct breaker *payments);
void cache_free(struct cache *cache);

/* What it took since it was last set to zeros. */
struct spent *cache_spent(struct cache *cache);

/* To be told whenever there may be a new connection to the database: pages that
 * were read from another one, or in another life of it (pg_identity), have
 * other keys, and nobody on this host finds them from here on. An identity must
 * not come back. */
void cache_meet_database(struct cache *cache, int64_t identity);

/* The page of a feed. `given` is the number of the lease that nginx took, which
 * is then ours, or 0. Another reader's lease is waited for once, LEASE_WAIT ms,
 * and then shared: whoever is first to store the page ends it. `value` is
 * replaced. */
enum cache_lookup cache_fetch(struct cache *cache, int64_t participant,
    uint64_t given, struct buf *value);

/* After CACHE_HIT, for the same participant: what was found is no page, and
 * this reader is to make one in its place. Another may have been faster. */
enum cache_lookup cache_take_over(
    struct cache *cache, int64_t participant, struct buf *value);

/* After CACHE_LEASE, for the same participant. */
void cache_store(
    struct cache *cache, int64_t participant, const char *stored, size_t len);
void cache_release(struct cache *cache, int64_t participant);

/* Deletes the pages of these feeds (int64_t each) and returns when no reader on
 * this host can get them any more. */
void cache_drop(struct cache *cache, const int64_t *participants, size_t count);

/* Puts news in front of the pages of these feeds, and returns when no reader on
 * this host can get them without. Pages that cannot be changed are dropped. */
void cache_put(struct cache *cache, const int64_t *participants, size_t count,
    const struct cache_news *news);

/* Of what may wait for a moment (the confirmation of a post goes with what is
 * sent for the next one): sends what has waited long enough or, if nothing else
 * is to be done, all of it. */
void cache_send(struct cache *cache, bool is_idle);
bool cache_has_unsent(const struct cache *cache);

/* All posts up to the horizon have been put in front of their readers' pages on
 * these servers, or the pages were dropped. What cannot be told stays as it
 * was. */
void cache_set_horizon(
    struct cache *cache, cache_servers servers, int64_t post);

/* Of the server that holds this feed, and of the database whose pages are read
 * on this host. 0: unknown. */
int64_t cache_horizon(struct cache *cache, int64_t participant);

/* Sets of each post the servers on which it has readers and nobody has
 * confirmed that all of them have it. Gives those that could not be asked,
 * where nothing is confirmed. */
cache_servers cache_find_unconfirmed(
    struct cache *cache, struct cache_post *posts, int count);

/* The same as cache_drop, of these servers alone, and cache_put for who tries
 * again: gives the servers that could not be told. Their pages are still read.
 */
cache_servers cache_try_drop(struct cache *cache, const int64_t *participants,
    size_t count, cache_servers servers);
cache_servers cache_try_put(struct cache *cache, const int64_t *participants,
    size_t count, const struct cache_news *news);

/* Whether these servers do what they are told. Those that did not, the last
 * time, are asked again now and then. */
bool cache_answers(struct cache *cache, cache_servers servers);

/* Appends the numbers (int64_t each) by which every host knows these servers;
 * and those that have a number: none if it is no server's. */
void cache_add_numbers(
    const struct cache *cache, cache_servers servers, struct buf *numbers);
cache_servers cache_numbered(const struct cache *cache, int64_t number);

/* Pays the debts of closed servers, as far as it is time for that. */
void cache_pay(struct cache *cache);

/* Prints the nginx include that tells which server holds which feed; false:
 * see `faults`. */
bool cache_print_map(
    const struct config *config, struct buf *out, struct buf *faults);

#endif
