/* Live feeds: who may listen, and from where on. The streamer does the rest. */
#include <inttypes.h>
#include <string.h>

#include "api.h"
#include "cursor.h"
#include "store.h"

/* Where the client stands: a browser that connects again names its last event,
 * and goes on to ask for `after` as it did at first. */
static enum error check_cursor(struct call *call, const char **cursor)
{
    const char *after = arguments_text(call->arguments, "after");
    const char *last = call->request->last_event_id;
    struct cursor parsed;

    *cursor = last ? last : after;
    if (**cursor == '\0' || cursor_parse(*cursor, &parsed))
        return OK;
    return api_refuse(call, last ? "header:Last-Event-ID" : "query:after",
        "must be the id of an event of this stream, or the number in a "
        "page's prev link");
}

/* nginx passes the request on to the streamer, which asks nobody. */
enum error api_inbound_stream(struct call *call, struct http_response *response)
{
    int64_t id = api_participant(call);
    struct participant found;
    const char *cursor;

    if (!call->config->stream_enabled || !call->request->may_stream)
        return api_fail(call, ERR_NOT_FOUND, "streams are switched off");
    enum error error = check_cursor(call, &cursor);
    if (!error)
        error = store_participant_get(call->pg, id, &found);
    if (error)
        return api_explain(call, error);
    if (strcmp(call->request->method, "HEAD") != 0)
        http_header(response, "X-Accel-Redirect",
            CONTRACT_STREAM_PATH "%" PRId64 "/%" PRId64 "/%s", id,
            call->identity.until, cursor);
    response->content_type = HTTP_EVENTS;
    response->is_passing = true;
    return OK;
}
