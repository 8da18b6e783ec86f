/* The links from one page of a list to its neighbours (RFC 8288). */
#ifndef NEWSFEED_PAGE_H
#define NEWSFEED_PAGE_H

#include "buf.h"
#include "model.h"

/* Appends a Link header's value: `<path?extra&limit=…&before=…>; rel="next"`
 * (older) where something older exists, `rel="prev"` (newer) where the page
 * has a place to look from; nothing if it has neither. `extra` is a raw query
 * to carry along, "" for none. The limit is printed where it is not the
 * default. */
void page_print_links(struct buf *out, const char *path, const char *extra,
    const struct page *page, const struct page_ends *ends);

#endif
