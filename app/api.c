/* The operations: a table from operationId to handler. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "api.h"
#include "json.h"
#include "page.h"

static const struct api_operation operations[] = {
    {"addParticipant", api_participant_add, ACCESS_ADMIN},
    {"getParticipant", api_participant_get, ACCESS_ANYONE},
    {"renameParticipant", api_participant_rename, ACCESS_SELF},
    {"removeParticipant", api_participant_remove, ACCESS_SELF},
    {"addFriend", api_friend_add, ACCESS_SELF},
    {"getFriend", api_friend_list, ACCESS_ANYONE},
    {"removeFriend", api_friend_remove, ACCESS_SELF},
    {"addOutbound", api_outbound_add, ACCESS_SELF},
    {"getOutbound", api_outbound_list, ACCESS_ANYONE},
    {"getOutboundItem", api_outbound_get, ACCESS_ANYONE},
    {"removeOutbound", api_outbound_remove, ACCESS_SELF},
    {"getInbound", api_inbound_list, ACCESS_SELF},
    {"searchOutbound", api_search, ACCESS_ANYONE},
};

enum {
    OPERATIONS = sizeof(operations) / sizeof(*operations)
};

const struct api_operation *api_find(const char *id)
{
    for (int i = 0; i < OPERATIONS; i++)
        if (strcmp(operations[i].id, id) == 0)
            return &operations[i];
    return NULL;
}

bool api_check_spec(const struct spec *spec, struct buf *faults)
{
    size_t before = faults->len;

    for (int i = 0; i < OPERATIONS; i++)
        if (!spec_find(spec, operations[i].id))
            buf_printf(faults,
                "%s: has no operation '%s', which this program serves\n",
                spec->file, operations[i].id);
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++) {
            const struct spec_operation *o = &spec->paths[i].operations[j];
            if (!api_find(o->id))
                buf_printf(faults,
                    "%s:%d: operationId '%s' has no handler in this program\n",
                    spec->file, o->line, o->id);
        }
    return faults->len == before;
}

enum error api_fail(
    struct call *call, enum error error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(call->detail, format, args);
    va_end(args);
    return error;
}

enum error api_refuse(
    struct call *call, const char *pointer, const char *detail)
{
    fault_add(call->faults, pointer, "%s", detail);
    return ERR_INVALID;
}

int64_t api_participant(const struct call *call)
{
    return arguments_int(call->arguments, "id");
}

enum error api_explain(struct call *call, enum error error)
{
    if (error != ERR_NOT_FOUND)
        return error;
    return api_fail(call, error, "participant %" PRId64 " does not exist",
        api_participant(call));
}

enum error api_check_from(struct call *call)
{
    struct json_object *body = call->arguments->body;
    int64_t from;

    if (!json_member(body, "from") ||
        (json_reference(body, "from", &from) && from == api_participant(call)))
        return OK;
    return api_refuse(
        call, "#/from", "must be the participant of the path, or left out");
}

void api_touch(struct call *call, int64_t participant)
{
    buf_add(call->touched, &participant, sizeof(participant));
}

enum error api_page(struct call *call, struct page *page)
{
    int64_t limit = arguments_int(call->arguments, "limit");

    if (limit > PAGE_LIMIT_MAX) /* the specification allows more */
        return api_refuse(call, "query:limit", "must be at most 200");
    page->limit = limit > 0 ? (int)limit : PAGE_LIMIT_DEFAULT;
    page->before = arguments_int(call->arguments, "before");
    page->after = arguments_int(call->arguments, "after");
    return OK;
}

void api_link(const struct call *call, struct http_response *response,
    const char *extra, const struct page *page, const struct page_ends *ends)
{
    struct buf links = {0};

    page_print_links(&links, call->request->path, extra, page, ends);
    if (links.len > 0)
        http_header(response, "Link", "%s", buf_text(&links));
    buf_free(&links);
}
