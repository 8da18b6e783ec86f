/* Friends: a friendship is mutual and exists once. */
#include <inttypes.h>
#include <stdio.h>

#include "api.h"
#include "json.h"
#include "store.h"

/* Which of the two it is that does not exist. */
static int64_t find_missing(struct call *call, int64_t from, int64_t to)
{
    struct participant found;

    return store_participant_get(call->pg, from, &found) ? from : to;
}

/* Of a body, or of an entry of it, which stands at that place. */
static enum error read_friend(
    struct call *call, struct json_object *body, const char *place, int64_t *to)
{
    enum error error = api_check_from(call, body, place);
    char pointer[64];

    if (json_reference(body, "to", to))
        return error;
    snprintf(pointer, sizeof(pointer), "%s/to", place);
    return api_refuse(call, pointer,
        "must name a participant: \"/participant/7\", 7 or \"7\"");
}

#define NOT_ONESELF "must be somebody else"

enum error api_friend_add(struct call *call, struct http_response *response)
{
    int64_t from = api_participant(call);
    struct friendship friendship;
    int64_t to;

    enum error error = read_friend(call, call->arguments->body, "#", &to);
    if (error)
        return error;
    if (to == from)
        return api_refuse(call, "#/to", NOT_ONESELF);

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

/* All faults at once, as they are told of what does not fit the schema. */
static enum error read_friends(struct call *call, struct buf *others)
{
    struct json_object *list = call->arguments->body;
    enum error error = OK;

    for (size_t i = 0; i < json_count(list); i++) {
        char place[32];
        int64_t to = 0;
        snprintf(place, sizeof(place), "#/%zu", i);
        if (read_friend(call, json_entry(list, i), place, &to))
            error = ERR_INVALID;
        buf_add(others, &to, sizeof(to));
    }
    if (others->failed)
        return ERR_INTERNAL;
    if (others->len == 0)
        return api_refuse(call, "#", "must be a list with an entry at least");
    return error;
}

/* id: of the friendship; 0: there is none. */
static void print_result(
    struct call *call, struct buf *out, int64_t to, int64_t id)
{
    int64_t from = api_participant(call);
    char detail[64];

    if (id) {
        api_touch(call, to);
        json_print_added_friendship(out, &(struct friendship){id, from, to});
    } else if (to == from) {
        json_print_refusal(out, error_status(ERR_INVALID), NOT_ONESELF);
    } else {
        snprintf(detail, sizeof(detail),
            "participant %" PRId64 " does not exist", to);
        json_print_refusal(out, error_status(ERR_NOT_FOUND), detail);
    }
}

static void print_results(struct call *call, struct buf *out,
    const struct buf *others, const struct buf *ids)
{
    const int64_t *to = (const int64_t *)(const void *)others->data;
    const int64_t *id = (const int64_t *)(const void *)ids->data;

    api_touch(call, api_participant(call));
    for (size_t i = 0; i < others->len / sizeof(*to); i++) {
        buf_puts(out, i == 0 ? "[" : ",");
        print_result(call, out, to[i], id[i]);
    }
    buf_puts(out, "]");
}

enum error api_friend_add_all(struct call *call, struct http_response *response)
{
    struct buf others = {0}, ids = {0};

    enum error error = read_friends(call, &others);
    if (!error)
        error = store_friend_add_all(call->pg, api_participant(call), &others,
            call->config->feed_backfill, &ids);
    if (!error && ids.failed)
        error = ERR_INTERNAL;
    if (!error)
        print_results(call, &response->body, &others, &ids);
    buf_free(&others);
    buf_free(&ids);
    return api_explain(call, error);
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
