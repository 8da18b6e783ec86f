/* Feeds: what friends posted. The first page of the default size is cached. */
#include "api.h"
#include "feed.h"
#include "json.h"
#include "metrics.h"
#include "store.h"

static enum error read_feed(
    struct call *call, struct page *page, struct items *found)
{
    enum error error = api_page(call, page);

    if (!error)
        error =
            store_inbound_list(call->pg, api_participant(call), page, found);
    return api_explain(call, error);
}

static enum error read_page(struct call *call, struct http_response *response)
{
    struct items found;
    struct page page;

    enum error error = read_feed(call, &page, &found);
    if (error)
        return error;
    json_print_items(&response->body, found.list, found.ends.count);
    api_link(call, response, "", &page, &found.ends);
    return OK;
}

/* --- the first page ----------------------------------------------------- */

/* From the database; `stored` gets the form to be stored, unless it is NULL. */
static enum error read_first_page(
    struct call *call, struct http_response *response, struct buf *stored)
{
    struct buf path = {0};
    struct items found;
    struct page page;

    enum error error = read_feed(call, &page, &found);
    if (error)
        return error;
    api_print_path(call, &path);
    feed_print(&found, buf_text(&path), page.limit, response, stored);
    response->headers.failed |= path.failed;
    buf_free(&path);
    return OK;
}

/* Reads it under the lease, and stores it, or gives the lease back. */
static enum error fill_cache(struct call *call, struct http_response *response)
{
    int64_t participant = api_participant(call);
    struct buf *stored = call->scratch;

    buf_reset(stored, stored->cap);
    enum error error = read_first_page(call, response, stored);
    cache_meet_database(call->cache, pg_identity(call->pg));
    if (error || stored->len == 0 || stored->failed || response->body.failed)
        cache_release(call->cache, participant);
    else
        cache_store(call->cache, participant, stored->data, stored->len);
    return error;
}

/* The page, or who is to read the truth. */
static enum cache_lookup look_up(
    struct call *call, struct http_response *response)
{
    int64_t participant = api_participant(call);
    struct buf *value = call->scratch;
    int64_t horizon = 0;

    if (!call->request->lease) /* or there is no page */
        horizon = cache_horizon(
            call->cache, participant); /* before it is looked for */

    enum cache_lookup lookup =
        cache_fetch(call->cache, participant, call->request->lease, value);
    for (int i = 0; i < 2 && lookup == CACHE_HIT; i++) {
        if (feed_parse(value->data, value->len, horizon, response))
            return CACHE_HIT;
        lookup = cache_take_over(call->cache, participant, value);
    }
    return lookup == CACHE_LEASE ? CACHE_LEASE : CACHE_MISS;
}

static void note(enum lookup lookup)
{
    metrics_count(METRIC_CACHE_LOOKUPS, lookup, 0);
}

enum error api_inbound_list(struct call *call, struct http_response *response)
{
    if (*call->request->query != '\0')
        return read_page(call, response);
    switch (look_up(call, response)) {
    case CACHE_HIT:
        note(LOOKUP_HIT);
        return OK;
    case CACHE_LEASE:
        note(LOOKUP_LEASE);
        return fill_cache(call, response);
    default:
        note(LOOKUP_MISS);
        return read_first_page(call, response, NULL);
    }
}
