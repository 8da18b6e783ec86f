/* Search: authors by what they posted. */
#include <string.h>

#include "api.h"
#include "store.h"

enum error api_search(struct call *call, struct http_response *response)
{
    const char *keywords = arguments_text(call->arguments, "keywords");
    struct text text = {.data = keywords, .len = strlen(keywords)};
    struct matches found;
    struct buf query = {0};
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error = store_search(call->pg, text, &page, &found);
    if (error == ERR_INVALID && call->faults->count == 0)
        return api_refuse(call, "query:keywords",
            "must name at least one word to look for, besides those to leave "
            "out");
    if (error)
        return error;

    buf_puts(&response->body, "[");
    for (int i = 0; i < found.ends.count; i++) {
        buf_puts(
            &response->body, i > 0 ? ",\"/participant/" : "\"/participant/");
        buf_int(&response->body, found.list[i]);
        buf_puts(&response->body, "\"");
    }
    buf_puts(&response->body, "]");
    buf_puts(&query, "keywords="); /* once more, for the links */
    http_encode(&query, keywords, "-._~");
    api_link(call, response, buf_text(&query), &page, &found.ends);
    response->headers.failed |= query.failed;
    buf_free(&query);
    return OK;
}
