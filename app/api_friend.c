/* Friends: a friendship is mutual and exists once. */
#include <inttypes.h>

#include "api.h"
#include "json.h"
#include "store.h"

/* Which of the two it is that does not exist. */
static int64_t find_missing(struct call *call, int64_t from, int64_t to)
{
    struct participant found;

    return store_participant_get(call->pg, from, &found) ? from : to;
}

enum error api_friend_add(struct call *call, struct http_response *response)
{
    int64_t from = api_participant(call);
    struct friendship friendship;
    int64_t to;

    enum error error = api_check_from(call);
    if (error)
        return error;
    if (!json_reference(call->arguments->body, "to", &to))
        return api_refuse(call, "#/to",
            "must name a participant: \"/participant/7\", 7 or \"7\"");
    if (to == from)
        return api_refuse(call, "#/to", "must be somebody else");

    error = store_friend_add(
        call->pg, from, to, call->config->feed_backfill, &friendship);
    if (error == ERR_NOT_FOUND)
        return api_fail(call, error, "participant %" PRId64 " does not exist",
            find_missing(call, from, to));
    if (error)
        return error;
    api_touch(call, from);
    api_touch(call, to);
    json_print_friendship(&response->body, &friendship);
    return OK;
}

enum error api_friend_list(struct call *call, struct http_response *response)
{
    struct friendships found;
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error =
            store_friend_list(call->pg, api_participant(call), &page, &found);
    if (error)
        return api_explain(call, error);

    buf_puts(&response->body, "[");
    for (int i = 0; i < found.ends.count; i++) {
        if (i > 0)
            buf_puts(&response->body, ",");
        json_print_friendship(&response->body, &found.list[i]);
    }
    buf_puts(&response->body, "]");
    api_link(call, response, "", &page, &found.ends);
    return OK;
}

enum error api_friend_remove(struct call *call, struct http_response *response)
{
    int64_t participant = api_participant(call);
    int64_t friend = arguments_int(call->arguments, "friend");

    enum error error = store_friend_remove(call->pg, participant, friend);
    if (error == ERR_NOT_FOUND)
        return api_fail(call, error,
            "there is no friendship of %" PRId64 " and %" PRId64, participant,
            friend);
    if (error)
        return error;
    api_touch(call, participant);
    api_touch(call, friend);
    response->status = 204;
    return OK;
}
