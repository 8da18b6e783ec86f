/* Posts, as their author's. */
#include <inttypes.h>

#include "api.h"
#include "json.h"
#include "store.h"

enum error api_outbound_add(struct call *call, struct http_response *response)
{
    struct json_object *body = call->arguments->body;
    int64_t author = api_participant(call);
    struct delivery added = {.readers = call->touched};

    enum error error = api_check_from(call);
    if (error)
        return error;
    error = store_outbound_add(call->pg, author, json_text(body, "subject"),
        json_text(body, "story"), call->config->feed_inline_friends, &added);
    if (error)
        return api_explain(call, error);
    call->made_post = added.item.id;
    json_print_item(&response->body, &added.item);
    news_set(call->news, &added.item, added.xid, added.snapshot);
    return OK;
}

enum error api_outbound_list(struct call *call, struct http_response *response)
{
    int64_t author = api_participant(call);
    struct items found;
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error = store_outbound_list(call->pg, author, &page, &found);
    if (error)
        return api_explain(call, error);
    json_print_items(&response->body, found.list, found.ends.count);
    api_link(call, response, "", &page, &found.ends);
    return OK;
}

static enum error no_such_item(struct call *call)
{
    return api_fail(call, ERR_NOT_FOUND,
        "participant %" PRId64 " has no item %" PRId64, api_participant(call),
        arguments_int(call->arguments, "item"));
}

enum error api_outbound_get(struct call *call, struct http_response *response)
{
    struct item item;
    enum error error = store_outbound_get(call->pg, api_participant(call),
        arguments_int(call->arguments, "item"), &item);

    if (error == ERR_NOT_FOUND)
        return no_such_item(call);
    if (!error)
        json_print_item(&response->body, &item);
    return error;
}

enum error api_outbound_remove(
    struct call *call, struct http_response *response)
{
    enum error error = store_outbound_remove(call->pg, api_participant(call),
        arguments_int(call->arguments, "item"), call->touched);

    if (error == ERR_NOT_FOUND)
        return no_such_item(call);
    response->status = 204;
    return error;
}
