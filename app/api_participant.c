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
