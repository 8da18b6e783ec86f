/* What one dispatcher works with. */
#ifndef NEWSFEED_SHIFT_H
#define NEWSFEED_SHIFT_H

#include <stdbool.h>

#include "cache.h"
#include "config.h"
#include "pg.h"

struct shift {
    const struct config *config;
    struct pg *pg;
    struct pg *flusher; /* goes on while others are indexed */
    struct cache *cache;
};

/* Drops the pages of these feeds (int64_t each); false: a server could not be
 * told. */
bool shift_drop(const struct shift *shift, const struct buf *feeds);

#endif
