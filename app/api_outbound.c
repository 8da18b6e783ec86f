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

    enum error error = api_check_from(call, body, "#");
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
        arguments_int(call->arguments, "item"), &item, NULL);

    if (error == ERR_NOT_FOUND)
        return no_such_item(call);
    if (!error)
        json_print_item(&response->body, &item);
    return error;
}

/* Of what the client has seen, or it is told that it has changed: a tag is made
 * of a post as it is printed. */
static enum error check_tag(struct call *call, struct version *version)
{
    struct http_response seen = {0};
    struct item item;

    enum error error = store_outbound_get(call->pg, api_participant(call),
        arguments_int(call->arguments, "item"), &item, version);
    if (error)
        return error;
    json_print_item(&seen.body, &item);
    http_set_etag(&seen);
    if (seen.body.failed)
        error = ERR_INTERNAL;
    else if (!http_etag_matches(call->request->if_match, seen.etag))
        error = ERR_CHANGED;
    http_response_free(&seen);
    return error;
}

/* One that the body does not have is without data. */
static struct text text_to_edit(const struct call *call, const char *name)
{
    struct json_object *body = call->arguments->body;

    return json_member(body, name) ? json_text(body, name) : (struct text){0};
}

/* Between the look at the version and the edit it may become another, or go. */
static enum error explain_edit(
    struct call *call, enum error error, const struct version *version)
{
    struct item item;

    if (error != ERR_NOT_FOUND)
        return error;
    if (version &&
        store_outbound_get(call->pg, api_participant(call),
            arguments_int(call->arguments, "item"), &item, NULL) == OK)
        return ERR_CHANGED;
    return no_such_item(call);
}

enum error api_outbound_edit(struct call *call, struct http_response *response)
{
    struct text subject = text_to_edit(call, "subject");
    struct text story = text_to_edit(call, "story");
    struct version seen, *version = NULL;
    enum error error = OK;
    struct item item;

    if (!subject.data && !story.data)
        return api_refuse(call, "#", "must have a subject, a story or both");
    if (call->request->if_match) {
        version = &seen;
        error = check_tag(call, version);
    }
    if (!error)
        error = store_outbound_edit(call->pg, api_participant(call),
            arguments_int(call->arguments, "item"), subject, story, version,
            &item, call->touched);
    if (error)
        return explain_edit(call, error, version);
    json_print_item(&response->body, &item);
    http_set_etag(response);
    return OK;
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
