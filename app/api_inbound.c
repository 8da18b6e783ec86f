/* Feeds: what friends posted. The first page of the default size is cached. */
#include "api.h"
#include "json.h"
#include "store.h"

static enum error read_feed(struct call *call, struct http_response *response)
{
    int64_t participant = api_participant(call);
    struct items found;
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error = store_inbound_list(call->pg, participant, &page, &found);
    if (error)
        return api_explain(call, error);
    json_print_items(&response->body, found.list, found.ends.count);
    api_link(call, response, "", &page, &found.ends);
    return OK;
}

/* Stores what was read under the lease, or gives the lease back. */
static void fill_cache(
    struct call *call, struct http_response *response, enum error error)
{
    int64_t participant = api_participant(call);

    buf_reset(call->scratch, call->scratch->cap);
    if (!error) {
        http_set_etag(response);
        http_print_stored(response, call->scratch);
    }
    if (error || call->scratch->failed || response->body.failed)
        cache_release(call->cache, participant);
    else
        cache_store(
            call->cache, participant, call->scratch->data, call->scratch->len);
}

/* The page, or who is to read the truth. What is no page was written by
 * somebody else: it goes, and this reader makes the next one. */
static enum cache_lookup look_up(
    struct call *call, struct http_response *response)
{
    int64_t participant = api_participant(call);
    uint64_t lease = call->request->lease;

    for (int i = 0; i < 2; i++) {
        enum cache_lookup lookup =
            cache_fetch(call->cache, participant, lease, call->scratch);
        if (lookup != CACHE_HIT || http_parse_stored(call->scratch->data,
                                       call->scratch->len, response))
            return lookup;
        cache_release(call->cache, participant);
    }
    return CACHE_MISS;
}

enum error api_inbound_list(struct call *call, struct http_response *response)
{
    enum cache_lookup lookup = CACHE_MISS;

    if (*call->request->query == '\0')
        lookup = look_up(call, response);
    if (lookup == CACHE_HIT)
        return OK;
    enum error error = read_feed(call, response);
    if (lookup == CACHE_LEASE) {
        cache_meet_database(call->cache, pg_identity(call->pg));
        fill_cache(call, response, error);
    }
    return error;
}
