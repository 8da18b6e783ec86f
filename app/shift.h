/* What one dispatcher works with. */
#ifndef NEWSFEED_SHIFT_H
#define NEWSFEED_SHIFT_H

#include "cache.h"
#include "config.h"
#include "pg.h"

struct shift {
    const struct config *config;
    struct pg *pg;
    struct pg *flusher; /* goes on while others are indexed */
    struct cache *cache;
};

/* Drops the pages of these feeds (int64_t each) that lie on these servers;
 * gives those that could not be told. */
cache_servers shift_drop(
    const struct shift *shift, const struct buf *feeds, cache_servers servers);

#endif
