/* The form of a feed's first page as it lies in memcached, and how a page is
 * assembled from it. nginx's module has this file too, so that both take the
 * same bytes for a page and answer with the same.
 *
 * What was read from the database, the base, is a line, a line for each item,
 * and the page's JSON; posts that came later lie in front of it, the newest
 * first for the most part:
 *
 *     +ID XID SNAPSHOT TAG LENGTH\n  {"id":ID,…}\n
 *     …
 *     =PATH LIMIT OLDER PREV SNAPSHOT COUNT\n
 *     ID TAG LENGTH\n
 *     …
 *     [{"id":ID,…},…]
 *
 * ID    of the post
 * TAG   of its text: 16 hexadecimal digits; LENGTH in bytes
 * PATH  of the list, for its links
 * LIMIT of a page's items; OLDER: 1 where there are older ones than these
 * PREV  id that leads to what is newer: nothing before it is still to come
 *
 * A SNAPSHOT is PostgreSQL's pg_current_snapshot(), XID a pg_current_xact_id().
 * Those of a post in front are those of the statement that saw who the author's
 * friends are, and of the transaction that put the post into this feed; that of
 * the base was taken after the reader had claimed the key, and not after it
 * read. They tell, without a clock, whether a post in front belongs to a page,
 * however late it came:
 *
 *   - If the base's snapshot sees the transaction, the base knows of the post
 *     already: it is in it, or something has taken it out.
 *   - If not, and the post's snapshot has seen all that the base's has, it
 *     belongs there. Whatever takes it out has a later transaction than both,
 *     and drops this page behind that.
 *   - If not, something that the base has seen may have taken it out: the
 *     friendship may have ended meanwhile. This page is read anew.
 *
 * A standby of the database does not tell which transactions from xmin up to
 * xmax had not ended; its pg_current_snapshot() has none, as if all had. That
 * of a base which was read there ends with "*" in place of them: it is not
 * taken to have seen any of these by the first rule, and to have seen each by
 * the second, so that a post of theirs has the page read anew. */
#ifndef NEWSFEED_STORED_H
#define NEWSFEED_STORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract.h"

enum {
    /* Items of a page, and as many in front of it: more are read anew. */
    STORED_LIMIT_MAX = 200,
    STORED_ITEMS_MAX = 2 * STORED_LIMIT_MAX,
    STORED_PATH_MAX = 200,
    STORED_LINKS_MAX = 2 * STORED_PATH_MAX + 100,
    STORED_ETAG_SIZE = 19 /* with its quotes and its NUL */
};

struct stored_item {
    int64_t id;
    const char *text; /* in the stored bytes, with some before and behind it */
    size_t len;
    uint64_t tag;
};

/* A page: the newest items, each once, by id. Points into the stored bytes. */
struct stored {
    struct stored_item items[STORED_ITEMS_MAX];
    int count;
    int limit;
    bool older;    /* there are older ones */
    int64_t prev;  /* nothing before it is still to come; 0: there is none */
    bool is_ahead; /* the newest came behind the base, and prev leads before it
                    */
    const char *path;
    size_t path_len;
};

/* False if the bytes are no page, or one that is to be read anew. */
bool stored_parse(const char *bytes, size_t len, struct stored *stored);

/* The length of the page's JSON: "[", the items with "," between them, "]". */
size_t stored_length(const struct stored *stored);

/* How many items from the first one on lie in the bytes as they are printed,
 * with the "," between them. 1 or more. */
int stored_run(const struct stored *stored, int first);

/* False if a page is ahead of what is known to have come to all pages, so that
 * something older than its newest may still come to it: then it is read anew.
 * `horizon` must have been known before the bytes were fetched (contract.h). */
bool stored_settle(struct stored *stored, int64_t horizon);

/* The tag of a page, which follows from those of its items, and the value of
 * its Link header: next (older) where there are older items, prev (newer) where
 * prev is known; "" if neither. Both NUL-terminated. */
void stored_etag(const struct stored *stored, char etag[STORED_ETAG_SIZE]);
void stored_links(const struct stored *stored, char links[STORED_LINKS_MAX]);

#endif
