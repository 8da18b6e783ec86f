/* A request held against its operation: parameters and body, all faults at
 * once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "json.h"
#include "schema.h"
#include "utf8.h"

enum {
    PLACE_MAX = 128
};

/* Which of the list it is, or the count: it is not there. */
static int find_argument(const struct arguments *arguments, const char *name)
{
    int i = 0;

    while (i < arguments->count && strcmp(arguments->list[i].name, name) != 0)
        i++;
    return i;
}

static bool has_argument(const struct arguments *arguments, const char *name)
{
    return find_argument(arguments, name) < arguments->count;
}

/* The value that a text stands for, checked; to be put. */
static struct json_object *check_text(const struct schema *schema,
    const char *text, const char *place, struct faults *faults)
{
    struct json_object *value = schema_parse_text(schema, text);

    if (value)
        schema_check(schema, value, place, faults);
    else
        faults->failed = true;
    return value;
}

static void keep_value(const struct spec_parameter *parameter, const char *text,
    const char *place, struct arguments *arguments, struct faults *faults)
{
    const char *by_default = parameter->by_default;
    int i = arguments->count++;

    arguments->list[i].name = parameter->name;
    arguments->list[i].is_default = by_default && strcmp(text, by_default) == 0;
    arguments->list[i].value =
        check_text(parameter->schema, text, place, faults);
}

/* Decodes (in place), checks and keeps the value of one parameter. */
static void take_value(const struct spec_parameter *parameter, char *text,
    struct arguments *arguments, struct faults *faults)
{
    bool in_path = parameter->in == SPEC_IN_PATH;
    char place[PLACE_MAX];

    snprintf(place, sizeof(place), "%s:%s", in_path ? "path" : "query",
        parameter->name);
    if (has_argument(arguments, parameter->name)) {
        fault_add(faults, place, "is there twice");
        return;
    }
    if (http_decode(text, !in_path) && utf8_is_valid(text, strlen(text))) {
        keep_value(parameter, text, place, arguments, faults);
        return;
    }
    arguments->list[arguments->count++].name = parameter->name;
    fault_add(faults, place, "must be percent-encoded UTF-8 without NUL");
}

void check_path(const struct route *route, struct arguments *arguments,
    struct faults *faults)
{
    for (int i = 0; i < route->value_count; i++) {
        const struct spec_parameter *parameter = spec_find_parameter(
            route->operation, route->values[i].name, SPEC_IN_PATH);
        char *text =
            strndup(route->values[i].start, (size_t)route->values[i].len);
        if (!text)
            faults->failed = true;
        else if (parameter)
            take_value(parameter, text, arguments, faults);
        free(text);
    }
}

/* One `name=value` of the query, in place. */
static void check_pair(const struct spec_operation *operation, char *pair,
    struct arguments *arguments, struct faults *faults)
{
    static char empty[1];
    char place[PLACE_MAX];
    char *value = strchr(pair, '=');

    if (value)
        *value++ = '\0';
    const struct spec_parameter *parameter =
        http_decode(pair, true) && utf8_is_valid(pair, strlen(pair))
            ? spec_find_parameter(operation, pair, SPEC_IN_QUERY)
            : NULL;
    if (parameter) {
        take_value(parameter, value ? value : empty, arguments, faults);
        return;
    }
    bool shown = utf8_is_valid(pair, strlen(pair)) && strlen(pair) < 64;
    snprintf(place, sizeof(place), "query:%s", shown ? pair : "?");
    fault_add(faults, place, "is no parameter of this operation");
}

static void check_query(const char *query,
    const struct spec_operation *operation, struct arguments *arguments,
    struct faults *faults)
{
    char *copy = strdup(query);
    char *rest = copy;

    faults->failed |= !copy;
    for (char *pair; copy && (pair = strsep(&rest, "&")) != NULL;)
        if (*pair != '\0')
            check_pair(operation, pair, arguments, faults);
    free(copy);

    for (int i = 0; i < operation->parameter_count; i++) {
        const struct spec_parameter *p = &operation->parameters[i];
        char place[PLACE_MAX];
        if (p->in != SPEC_IN_QUERY || has_argument(arguments, p->name))
            continue;
        snprintf(place, sizeof(place), "query:%s", p->name);
        if (p->required)
            fault_add(faults, place, "is required");
        else if (p->by_default)
            keep_value(p, p->by_default, place, arguments, faults);
    }
}

static void check_headers(const struct http_request *request,
    const struct spec_operation *operation, struct faults *faults)
{
    for (int i = 0; i < operation->parameter_count; i++) {
        const struct spec_parameter *p = &operation->parameters[i];
        char place[PLACE_MAX];
        if (p->in != SPEC_IN_HEADER)
            continue;
        const char *text = http_parameter(request, p->name);
        snprintf(place, sizeof(place), "header:%s", p->name);
        if (text)
            json_free(check_text(p->schema, text, place, faults));
        else if (p->required)
            fault_add(faults, place, "is required");
    }
}

static bool is_json(const char *content_type)
{
    size_t len = strlen(HTTP_JSON);

    return content_type && strncasecmp(content_type, HTTP_JSON, len) == 0 &&
           strchr("; \t", content_type[len]);
}

static enum error check_body(const struct http_request *request,
    const struct spec_operation *operation, struct arguments *arguments,
    struct faults *faults)
{
    bool absent = request->body_len == 0 && !request->content_type;

    if (request->body_too_large)
        return ERR_TOO_LARGE;
    if (absent && !operation->body_required)
        return OK;
    if (!absent && !is_json(request->content_type))
        return ERR_MEDIA_TYPE;
    if (request->body_cut) {
        fault_add(faults, "#", "ended before its Content-Length");
        return OK;
    }
    int before = faults->count;
    arguments->body = json_parse(request->body, request->body_len, faults);
    if (faults->count == before && !faults->failed)
        schema_check(operation->body, arguments->body, "#", faults);
    return OK;
}

enum error check_request(const struct http_request *request,
    const struct route *route, struct arguments *arguments,
    struct faults *faults)
{
    const struct spec_operation *operation = route->operation;

    check_query(request->query, operation, arguments, faults);
    check_headers(request, operation, faults);
    enum error error = operation->body
                           ? check_body(request, operation, arguments, faults)
                           : OK;
    if (faults->failed)
        return ERR_INTERNAL;
    return !error && faults->count > 0 ? ERR_INVALID : error;
}

static struct json_object *find_value(
    const struct arguments *arguments, const char *name)
{
    int i = find_argument(arguments, name);

    return i < arguments->count ? arguments->list[i].value : NULL;
}

bool arguments_is_default(const struct arguments *arguments, const char *name)
{
    int i = find_argument(arguments, name);

    return i == arguments->count || arguments->list[i].is_default;
}

int64_t arguments_int(const struct arguments *arguments, const char *name)
{
    return json_int(find_value(arguments, name));
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
    return json_value_text(find_value(arguments, name)).data;
}

void arguments_free(struct arguments *arguments)
{
    for (int i = 0; i < arguments->count; i++)
        json_free(arguments->list[i].value);
    json_free(arguments->body);
    *arguments = (struct arguments){0};
}
