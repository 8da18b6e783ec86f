/* The operations: a table from operationId to handler. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "json.h"
#include "metrics.h"
#include "page.h"

static const struct api_operation operations[] = {
    {"addParticipant", api_participant_add, ACCESS_ADMIN, NULL, {0}},
    {"addParticipants", api_participant_add_all, ACCESS_ADMIN, NULL, {0}},
    {"getParticipant", api_participant_get, ACCESS_ANYONE, NULL, {"id"}},
    {"renameParticipant", api_participant_rename, ACCESS_SELF, "id", {"id"}},
    {"removeParticipant", api_participant_remove, ACCESS_SELF, "id", {"id"}},
    {"addFriend", api_friend_add, ACCESS_SELF, "id", {"id"}},
    {"addFriends", api_friend_add_all, ACCESS_SELF, "id", {"id"}},
    {"getFriend", api_friend_list, ACCESS_ANYONE, NULL, {"id"}},
    {"removeFriend", api_friend_remove, ACCESS_SELF, "id", {"id", "friend"}},
    {"addOutbound", api_outbound_add, ACCESS_SELF, "id", {"id"}},
    {"getOutbound", api_outbound_list, ACCESS_ANYONE, NULL, {"id"}},
    {"getOutboundItem", api_outbound_get, ACCESS_ANYONE, NULL, {"id", "item"}},
    {"editOutbound", api_outbound_edit, ACCESS_SELF, "id", {"id", "item"}},
    {"removeOutbound", api_outbound_remove, ACCESS_SELF, "id", {"id", "item"}},
    {"getInbound", api_inbound_list, ACCESS_SELF, "id", {"id"}},
    {"getMarker", api_marker_get, ACCESS_SELF, "id", {"id"}},
    {"setMarker", api_marker_set, ACCESS_SELF, "id", {"id"}},
    {"getInboundStream", api_inbound_stream, ACCESS_SELF, "id", {"id"}},
    {"searchOutbound", api_search, ACCESS_ANYONE, NULL, {0}},
    {"searchItems", api_search_items, ACCESS_ANYONE, NULL, {0}},
};

enum {
    API_OPERATIONS = sizeof(operations) / sizeof(*operations)
};

const struct api_operation *api_find(const char *id)
{
    for (int i = 0; i < API_OPERATIONS; i++)
        if (strcmp(operations[i].id, id) == 0)
            return &operations[i];
    return NULL;
}

_Static_assert((int)OPERATIONS + (int)API_OPERATIONS <= (int)METRICS_ROWS,
    "each operation has its row");

int api_number(const struct api_operation *operation)
{
    return OPERATIONS + (int)(operation - operations);
}

const char *api_name(int number)
{
    int i = number - OPERATIONS;

    return i >= 0 && i < API_OPERATIONS ? operations[i].id : NULL;
}

static bool has_parameter(const struct spec_path *path, const char *name)
{
    for (int i = 0; i < path->segment_count; i++)
        if (path->segments[i].is_parameter &&
            strcmp(path->segments[i].text, name) == 0)
            return true;
    return false;
}

static void check_described(const struct spec *spec,
    const struct spec_path *path, const struct spec_operation *described,
    bool asks_for_tokens, struct buf *faults)
{
    const struct api_operation *operation = api_find(described->id);

    if (!operation) {
        buf_printf(faults,
            "%s:%d: operationId '%s' has no handler in this program\n",
            spec->file, described->line, described->id);
        return;
    }
    for (int i = 0; i < API_IDS_MAX && operation->ids[i]; i++)
        if (!has_parameter(path, operation->ids[i]))
            buf_printf(faults, "%s:%d: the path of '%s' must have {%s}\n",
                spec->file, described->line, operation->id, operation->ids[i]);
    if (asks_for_tokens && !described->secured &&
        operation->access != ACCESS_ANYONE)
        buf_printf(faults,
            "%s:%d: '%s' is for %s alone, so with auth.key_file set it must "
            "have security, its own or the file's\n",
            spec->file, described->line, operation->id,
            operation->self ? "the participant of the path"
                            : "an administrator");
}

bool api_check_spec(
    const struct spec *spec, bool asks_for_tokens, struct buf *faults)
{
    size_t before = faults->len;

    for (int i = 0; i < API_OPERATIONS; i++)
        if (!spec_find(spec, operations[i].id))
            buf_printf(faults,
                "%s: has no operation '%s', which this program serves\n",
                spec->file, operations[i].id);
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++)
            check_described(spec, &spec->paths[i],
                &spec->paths[i].operations[j], asks_for_tokens, faults);
    return faults->len == before && !faults->failed;
}

bool api_allows(const struct call *call, const struct api_operation *operation)
{
    const struct identity *who = &call->identity;

    if (who->is_admin || operation->access == ACCESS_ANYONE)
        return true;
    return operation->access == ACCESS_SELF && who->participant > 0 &&
           who->participant == arguments_int(call->arguments, operation->self);
}

enum error api_check_ids(
    struct call *call, const struct api_operation *operation)
{
    enum error error = OK;

    for (int i = 0; i < API_IDS_MAX && operation->ids[i]; i++)
        if (arguments_int(call->arguments, operation->ids[i]) < 1) {
            char place[64];
            snprintf(place, sizeof(place), "path:%s", operation->ids[i]);
            error = api_refuse(call, place, "must be at least 1");
        }
    return error;
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

enum error api_check_from(
    struct call *call, struct json_object *body, const char *place)
{
    int64_t from;
    char pointer[64];

    if (!json_member(body, "from") ||
        (json_reference(body, "from", &from) && from == api_participant(call)))
        return OK;
    snprintf(pointer, sizeof(pointer), "%s/from", place);
    return api_refuse(
        call, pointer, "must be the participant of the path, or left out");
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
    page->limit = limit > 0 ? (int)limit : PAGE_LIMIT_MAX;
    page->is_default = arguments_is_default(call->arguments, "limit");
    page->before = arguments_int(call->arguments, "before");
    page->after = arguments_int(call->arguments, "after");
    if (page->before < 0)
        return api_refuse(call, "query:before", "must be at least 1");
    if (page->after < 0)
        return api_refuse(call, "query:after", "must be at least 1");
    return OK;
}

void api_print_path(const struct call *call, struct buf *out)
{
    const struct spec_path *path = call->route->path;

    for (int i = 0; i < path->segment_count; i++) {
        const struct spec_segment *segment = &path->segments[i];
        buf_puts(out, "/");
        if (segment->is_parameter)
            buf_int(out, arguments_int(call->arguments, segment->text));
        else
            buf_puts(out, segment->text);
    }
}

void api_link(const struct call *call, struct http_response *response,
    const char *extra, const struct page *page, const struct page_ends *ends)
{
    struct buf path = {0};
    struct buf links = {0};

    api_print_path(call, &path);
    page_print_links(&links, buf_text(&path), extra, page, ends);
    if (links.len > 0)
        http_header(response, "Link", "%s", buf_text(&links));
    response->headers.failed |= path.failed || links.failed;
    buf_free(&path);
    buf_free(&links);
}
