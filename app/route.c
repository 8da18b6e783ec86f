/* Method and path to an operation: a pure function of the specification. */
#include <string.h>

#include "route.h"

/* Whether a path matches the template; fills the values. */
static bool matches(
    const struct spec_path *template, const char *path, struct route *route)
{
    route->value_count = 0;
    for (int i = 0; i < template->segment_count; i++) {
        const struct spec_segment *segment = &template->segments[i];
        if (*path++ != '/')
            return false;
        size_t len = strcspn(path, "/");

        if (!segment->is_parameter) {
            if (strlen(segment->text) != len ||
                memcmp(segment->text, path, len) != 0)
                return false;
        } else if (len == 0) {
            return false;
        } else {
            int n = route->value_count++;
            route->values[n].name = segment->text;
            route->values[n].start = path;
            route->values[n].len = (int)len;
        }
        path += len;
    }
    return *path == '\0';
}

/* Of two templates that match the same path: the one that is literal where
 * they first differ. */
static bool is_closer(const struct spec_path *a, const struct spec_path *b)
{
    for (int i = 0; i < a->segment_count; i++)
        if (a->segments[i].is_parameter != b->segments[i].is_parameter)
            return b->segments[i].is_parameter;
    return false;
}

static const struct spec_operation *find_operation(
    const struct spec_path *path, const char *method)
{
    for (int i = 0; i < path->operation_count; i++)
        if (strcmp(path->operations[i].method, method) == 0)
            return &path->operations[i];
    return NULL;
}

enum error route_match(const struct spec *spec, const char *method,
    const char *path, struct route *route)
{
    struct route found;

    *route = (struct route){0};
    for (int i = 0; i < spec->path_count; i++) {
        const struct spec_path *template = &spec->paths[i];
        if (matches(template, path, &found) &&
            (!route->path || is_closer(template, route->path))) {
            found.operation = NULL;
            found.path = template;
            *route = found;
        }
    }
    if (!route->path)
        return ERR_NOT_FOUND;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    route->operation = find_operation(route->path, method);
    return route->operation ? OK : ERR_METHOD;
}

void route_allow(const struct spec_path *path, struct buf *out)
{
    for (int i = 0; i < path->operation_count; i++) {
        const char *method = path->operations[i].method;
        buf_puts(out, method);
        buf_puts(out, strcmp(method, "GET") == 0 ? ", HEAD, " : ", ");
    }
    buf_puts(out, "OPTIONS");
}
