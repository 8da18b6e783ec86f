/* The OpenAPI file, read at launch: operations, parameters, body schemas. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "spec.h"
#include "spec_shape.h"

/* A specification and the memory that it points into. */
struct loaded {
    struct spec spec;
    struct node_file file;
    struct schema_set schemas;
};

static const struct {
    const char *key;
    char name[8];
} methods[] = {
    {"get", "GET"},
    {"post", "POST"},
    {"put", "PUT"},
    {"patch", "PATCH"},
    {"delete", "DELETE"},
};

static bool is_true(const struct node *node)
{
    return node && strcmp(node->text, "true") == 0;
}

static bool has_segment(const struct spec_path *path, const char *name)
{
    for (int i = 0; i < path->segment_count; i++)
        if (path->segments[i].is_parameter &&
            strcmp(path->segments[i].text, name) == 0)
            return true;
    return false;
}

static void read_segment(struct loaded *loaded, const struct node *node,
    struct spec_path *path, const char *start, size_t len)
{
    struct spec_segment *segment = &path->segments[path->segment_count];

    if (path->segment_count == SPEC_SEGMENTS_MAX) {
        node_fault(&loaded->file, node->line,
            "a path must have at most %d segments", SPEC_SEGMENTS_MAX);
        return;
    }
    segment->is_parameter = len > 2 && start[0] == '{' && start[len - 1] == '}';
    if (segment->is_parameter) {
        start++;
        len -= 2;
    }
    if (memchr(start, '{', len) || memchr(start, '}', len))
        node_fault(&loaded->file, node->line,
            "a {parameter} must have a name and fill its segment of the path");
    if (len == 0 && path->template[1] != '\0')
        node_fault(
            &loaded->file, node->line, "a path must have no empty segments");
    segment->text = node_alloc(&loaded->file, len + 1);
    if (!segment->text)
        return;
    memcpy(segment->text, start, len);
    if (segment->is_parameter && has_segment(path, segment->text))
        node_fault(&loaded->file, node->line, "{%s} must stand once in a path",
            segment->text);
    path->segment_count++;
}

static void read_segments(
    struct loaded *loaded, const struct node *node, struct spec_path *path)
{
    const char *at = path->template;

    if (*at != '/')
        node_fault(&loaded->file, node->line,
            "a path must begin with /, is \"%s\"", path->template);
    while (*at == '/') {
        size_t len = strcspn(++at, "/");
        read_segment(loaded, node, path, at, len);
        at += len;
    }
}

/* Whether both match the same requests. */
static bool is_twin(const struct spec_path *a, const struct spec_path *b)
{
    if (a->segment_count != b->segment_count)
        return false;
    for (int i = 0; i < a->segment_count; i++)
        if (a->segments[i].is_parameter != b->segments[i].is_parameter ||
            (!a->segments[i].is_parameter &&
                strcmp(a->segments[i].text, b->segments[i].text) != 0))
            return false;
    return true;
}

static void refuse_twins(struct loaded *loaded, const struct node *node,
    const struct spec_path *path)
{
    for (const struct spec_path *p = loaded->spec.paths; p < path; p++)
        if (is_twin(p, path))
            node_fault(&loaded->file, node->line,
                "%s matches the same requests as %s", path->template,
                p->template);
}

const struct spec_parameter *spec_find_parameter(
    const struct spec_operation *operation, const char *name,
    enum spec_place in)
{
    int (*compare)(const char *, const char *) =
        in == SPEC_IN_HEADER ? strcasecmp : strcmp;

    for (int i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].in == in &&
            compare(operation->parameters[i].name, name) == 0)
            return &operation->parameters[i];
    return NULL;
}

static enum spec_place place_of(const char *in)
{
    if (strcmp(in, "path") == 0)
        return SPEC_IN_PATH;
    return strcmp(in, "query") == 0 ? SPEC_IN_QUERY : SPEC_IN_HEADER;
}

static void check_parameter(struct loaded *loaded,
    const struct spec_operation *operation, const struct node *node,
    const struct spec_parameter *parameter)
{
    if (spec_find_parameter(operation, parameter->name, parameter->in))
        node_fault(&loaded->file, node->line,
            "the parameter %s must stand once, with the path or with the "
            "operation",
            parameter->name);
    if (parameter->in == SPEC_IN_HEADER && !http_is_parameter(parameter->name))
        node_fault(&loaded->file, node->line,
            "the header %s is none that an operation of this program reads",
            parameter->name);
    if (!schema_takes_text(parameter->schema))
        node_fault(&loaded->file, node->line,
            "the schema of a parameter must be of type string or integer");
    if (parameter->by_default && parameter->in != SPEC_IN_QUERY)
        node_fault(&loaded->file, node->line,
            "of parameters, those of the query alone may have a default");
}

static void read_parameter(
    struct loaded *loaded, struct spec_operation *operation, struct node *node)
{
    struct spec_parameter parameter = {
        .name = node_get(node, "name")->text,
        .in = place_of(node_get(node, "in")->text),
        .required = is_true(node_get(node, "required")),
        .schema = schema_build(&loaded->schemas, node_get(node, "schema")),
    };

    if (!schema_default(parameter.schema, &parameter.by_default))
        node_fault(&loaded->file, node->line,
            "the default of a parameter must fit its schema");
    check_parameter(loaded, operation, node, &parameter);
    if (operation->parameter_count < SPEC_PARAMETERS_MAX)
        operation->parameters[operation->parameter_count++] = parameter;
    else
        node_fault(&loaded->file, operation->line,
            "an operation must have at most %d parameters",
            SPEC_PARAMETERS_MAX);
}

static void read_parameters(
    struct loaded *loaded, struct spec_operation *operation, struct node *list)
{
    for (struct node *n = list ? list->first : NULL; n; n = n->next)
        read_parameter(
            loaded, operation, node_follow(&loaded->file, n, "parameters"));
}

/* Each {name} of the path needs its parameter, and each parameter its name. */
static void match_parameters(struct loaded *loaded,
    const struct spec_path *path, struct spec_operation *operation)
{
    for (int i = 0; i < path->segment_count; i++)
        if (path->segments[i].is_parameter &&
            !spec_find_parameter(
                operation, path->segments[i].text, SPEC_IN_PATH))
            node_fault(&loaded->file, operation->line,
                "{%s} of %s must be among the parameters, in: path",
                path->segments[i].text, path->template);
    for (int i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].in == SPEC_IN_PATH &&
            !has_segment(path, operation->parameters[i].name))
            node_fault(&loaded->file, operation->line,
                "the parameter %s must stand in the path, as {%s}",
                operation->parameters[i].name, operation->parameters[i].name);
}

static void read_body(
    struct loaded *loaded, struct spec_operation *operation, struct node *node)
{
    if (!node)
        return;
    node = node_follow(&loaded->file, node, "requestBodies");
    operation->body_required = is_true(node_get(node, "required"));
    operation->body = schema_build(&loaded->schemas,
        node_get(
            node_get(node_get(node, "content"), "application/json"), "schema"));
}

static void read_operation(struct loaded *loaded, struct spec_path *path,
    struct spec_operation *operation, struct node *path_node, struct node *node)
{
    operation->line = node->line;
    operation->id = node_get(node, "operationId")->text;
    const struct spec_operation *twin = spec_find(&loaded->spec, operation->id);
    if (twin)
        node_fault(&loaded->file, node->line,
            "the operationId %s is used twice, first in line %d", operation->id,
            twin->line);

    const struct node *security = node_get(node, "security");
    if (!security)
        security = node_get(loaded->file.root, "security");
    operation->secured = security && security->first;

    read_parameters(loaded, operation, node_get(path_node, "parameters"));
    read_parameters(loaded, operation, node_get(node, "parameters"));
    match_parameters(loaded, path, operation);
    read_body(loaded, operation, node_get(node, "requestBody"));
}

static void read_path(struct loaded *loaded, struct node *node)
{
    struct spec *spec = &loaded->spec;
    struct spec_path *path = &spec->paths[spec->path_count];

    if (spec->path_count == SPEC_PATHS_MAX) {
        node_fault(&loaded->file, node->line,
            "there must be at most %d paths, this is one more", SPEC_PATHS_MAX);
        return;
    }
    path->template = node->key;
    read_segments(loaded, node, path);
    refuse_twins(loaded, node, path);
    spec->path_count++;

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        struct node *child = node_get(node, methods[i].key);
        if (!child)
            continue;
        struct spec_operation *operation =
            &path->operations[path->operation_count];
        operation->method = methods[i].name;
        read_operation(loaded, path, operation, node, child);
        path->operation_count++;
    }
}

/* Relies on spec_shape_check having found no fault. */
static void read_spec(struct loaded *loaded)
{
    struct node *root = loaded->file.root;
    const struct node *info = node_get(root, "info");

    loaded->spec.title = node_get(info, "title")->text;
    loaded->spec.version = node_get(info, "version")->text;
    for (struct node *n = node_get(root, "paths")->first; n; n = n->next)
        read_path(loaded, n);
}

bool spec_load(const char *file, struct spec **spec, struct buf *faults)
{
    struct loaded *loaded = calloc(1, sizeof(*loaded));

    *spec = NULL;
    if (!loaded) {
        buf_printf(faults, "%s: no memory\n", file);
        return false;
    }
    loaded->spec.owned = loaded;
    loaded->spec.file = file;
    loaded->file.name = file;
    loaded->file.faults = faults;
    loaded->schemas.file = &loaded->file;

    node_read(&loaded->file);
    if (loaded->file.root)
        spec_shape_check(&loaded->file, &loaded->schemas);
    if (loaded->file.fault_count == 0)
        read_spec(loaded);
    if (loaded->file.fault_count > 0) {
        spec_free(&loaded->spec);
        return false;
    }
    *spec = &loaded->spec;
    return true;
}

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    struct loaded *loaded = spec->owned;
    schema_build_free(&loaded->schemas);
    node_free(&loaded->file);
    free(loaded);
}

const struct spec_operation *spec_find(const struct spec *spec, const char *id)
{
    for (int i = 0; i < spec->path_count; i++) {
        const struct spec_path *path = &spec->paths[i];
        for (int j = 0; j < path->operation_count; j++)
            if (strcmp(path->operations[j].id, id) == 0)
                return &path->operations[j];
    }
    return NULL;
}
