/* Markers: how far a participant has read its feed. */
#include "api.h"
#include "json.h"
#include "store.h"

static enum error answer(struct call *call, struct http_response *response,
    enum error error, const struct marker *marker)
{
    if (!error)
        json_print_marker(&response->body, marker);
    return api_explain(call, error);
}

enum error api_marker_get(struct call *call, struct http_response *response)
{
    struct marker marker = {0};
    enum error error =
        store_marker_get(call->pg, api_participant(call), &marker);

    return answer(call, response, error, &marker);
}

enum error api_marker_set(struct call *call, struct http_response *response)
{
    int64_t last_read =
        json_int(json_member(call->arguments->body, "last_read"));
    struct marker marker = {0};
    enum error error =
        store_marker_set(call->pg, api_participant(call), last_read, &marker);

    return answer(call, response, error, &marker);
}
