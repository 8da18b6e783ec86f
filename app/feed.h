/* A feed's first page as a response and as it is stored (stored.h), and what a
 * post puts in front of it. */
#ifndef NEWSFEED_FEED_H
#define NEWSFEED_FEED_H

#include "buf.h"
#include "http.h"
#include "store.h"

/* Prints a page that was read into an empty response: body, tag and links; and
 * in the form to be stored into `stored`, unless that is NULL: nothing, if it
 * is not to be stored. `path` is that of the list. */
void feed_print(const struct items *items, const char *path, int limit,
    struct http_response *response, struct buf *stored);

/* The response from the stored form, into an empty one; horizon: that of before
 * the bytes were fetched (stored_settle). False if they are no page, or one
 * that is to be read anew, or if there is no memory. */
bool feed_parse(const char *bytes, size_t len, int64_t horizon,
    struct http_response *response);

/* A post for those whose feeds it enters. Starts as all zeros. */
struct news {
    int64_t post; /* 0: there is none */
    struct buf stamp;
    struct buf head; /* of the item, up to its reader */
    struct buf tail;
    struct buf text; /* room for the item */
};

/* xid, snapshot: see stored.h. Everything is copied. */
void news_set(struct news *news, const struct item *item, struct text xid,
    struct text snapshot);
void news_reset(struct news *news, size_t keep);
void news_free(struct news *news);

/* Appends what is put in front of a reader's page (cache.h); `context` is a
 * struct news. out->failed: no memory. */
void news_print(void *context, int64_t reader, struct buf *out);

#endif
