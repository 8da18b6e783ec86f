/* Participants. */
#include "api.h"
#include "json.h"
#include "store.h"

static enum error answer(struct call *call, struct http_response *response,
    enum error error, const struct participant *p)
{
    if (!error)
        json_print_participant(&response->body, p);
    return api_explain(call, error);
}

enum error api_participant_add(
    struct call *call, struct http_response *response)
{
    struct participant p = {0};
    enum error error = store_participant_add(
        call->pg, json_text(call->arguments->body, "name"), &p);

    call->made_participant = p.id;
    return answer(call, response, error, &p);
}

static enum error read_names(struct call *call, struct buf *names)
{
    struct json_object *list = call->arguments->body;

    for (size_t i = 0; i < json_count(list); i++) {
        struct text name = json_text(json_entry(list, i), "name");
        buf_add(names, &name, sizeof(name));
    }
    if (names->failed)
        return ERR_INTERNAL;
    if (names->len == 0)
        return api_refuse(call, "#", "must be a list with an entry at least");
    return OK;
}

static void print_results(
    struct buf *out, const struct buf *names, const struct buf *ids)
{
    const struct text *name = (const struct text *)(const void *)names->data;
    const int64_t *id = (const int64_t *)(const void *)ids->data;

    for (size_t i = 0; i < ids->len / sizeof(*id); i++) {
        buf_puts(out, i == 0 ? "[" : ",");
        json_print_added_participant(
            out, &(struct participant){id[i], name[i]});
    }
    buf_puts(out, "]");
}

enum error api_participant_add_all(
    struct call *call, struct http_response *response)
{
    struct buf names = {0}, ids = {0};

    enum error error = read_names(call, &names);
    if (!error)
        error = store_participant_add_all(call->pg, &names, &ids);
    if (!error && ids.failed)
        error = ERR_INTERNAL;
    if (!error)
        print_results(&response->body, &names, &ids);
    buf_free(&names);
    buf_free(&ids);
    return error;
}

enum error api_participant_get(
    struct call *call, struct http_response *response)
{
    struct participant p = {0};
    enum error error =
        store_participant_get(call->pg, api_participant(call), &p);

    return answer(call, response, error, &p);
}

enum error api_participant_rename(
    struct call *call, struct http_response *response)
{
    struct participant p = {0};
    enum error error = store_participant_rename(call->pg, api_participant(call),
        json_text(call->arguments->body, "name"), &p);

    return answer(call, response, error, &p);
}

enum error api_participant_remove(
    struct call *call, struct http_response *response)
{
    enum error error = store_participant_remove(
        call->pg, api_participant(call), call->touched);

    response->status = 204;
    return api_explain(call, error);
}
