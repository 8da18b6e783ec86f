/* Which keys an OpenAPI 3.1 file may have, where, and what stands at them:
 * one table for each kind of object in it. */
#include <string.h>

#include "spec_shape.h"

struct walk {
    struct node_file *file;
    struct schema_set *schemas;
};

/* A kind of value. */
struct shape {
    const char *what;    /* "an operation" */
    const char *section; /* of components, where $ref may point; NULL: none */
    const struct field *fields; /* of a map, up to one without a name */
    void (*check)(struct walk *walk, struct node *node); /* or NULL */
};

struct field {
    const char *name;
    enum {
        ONE,
        LIST_OF,
        MAP_OF,
    } how;
    const struct shape *shape;
    bool required;
};

static void walk_node(
    struct walk *walk, struct node *node, const struct shape *shape);

static void check_text(struct walk *walk, struct node *node)
{
    if (!node_text(node))
        node_fault(walk->file, node->line, "%s must be a string%s",
            node->key ? node->key : "each item",
            node->text ? ": put it in quotes" : "");
}

static void check_flag(struct walk *walk, struct node *node)
{
    if (node->type != NODE_BOOLEAN)
        node_fault(
            walk->file, node->line, "%s must be true or false", node->key);
}

static bool is_true(const struct node *node)
{
    return node && node->type == NODE_BOOLEAN && *node->text == 't';
}

static void check_schema(struct walk *walk, struct node *node)
{
    schema_build(walk->schemas, node);
}

static const struct shape any = {"a value", NULL, NULL, NULL};
static const struct shape text = {"a string", NULL, NULL, check_text};
static const struct shape flag = {"true or false", NULL, NULL, check_flag};
static const struct shape schema = {"a schema", NULL, NULL, check_schema};

static const struct field contact_fields[] = {
    {"name", ONE, &text, false},
    {"url", ONE, &text, false},
    {"email", ONE, &text, false},
    {0},
};
static const struct shape contact = {"contact", NULL, contact_fields, NULL};

static const struct field license_fields[] = {
    {"name", ONE, &text, true},
    {"identifier", ONE, &text, false},
    {"url", ONE, &text, false},
    {0},
};
static const struct shape license = {"license", NULL, license_fields, NULL};

static const struct field info_fields[] = {
    {"title", ONE, &text, true},
    {"version", ONE, &text, true},
    {"summary", ONE, &text, false},
    {"description", ONE, &text, false},
    {"termsOfService", ONE, &text, false},
    {"contact", ONE, &contact, false},
    {"license", ONE, &license, false},
    {0},
};
static const struct shape info = {"info", NULL, info_fields, NULL};

static const struct field server_fields[] = {
    {"url", ONE, &text, true},
    {"description", ONE, &text, false},
    {0},
};
static const struct shape server = {"a server", NULL, server_fields, NULL};

static const struct field docs_fields[] = {
    {"url", ONE, &text, true},
    {"description", ONE, &text, false},
    {0},
};
static const struct shape docs = {"externalDocs", NULL, docs_fields, NULL};

static const struct field tag_fields[] = {
    {"name", ONE, &text, true},
    {"description", ONE, &text, false},
    {"externalDocs", ONE, &docs, false},
    {0},
};
static const struct shape tag = {"a tag", NULL, tag_fields, NULL};

static const struct field example_fields[] = {
    {"summary", ONE, &text, false},
    {"description", ONE, &text, false},
    {"value", ONE, &any, true},
    {0},
};
static const struct shape example = {
    "an example", "examples", example_fields, NULL};

static const struct field media_fields[] = {
    {"schema", ONE, &schema, true},
    {"example", ONE, &any, false},
    {"examples", MAP_OF, &example, false},
    {0},
};
static const struct shape media = {"a media type", NULL, media_fields, NULL};

static const struct field header_fields[] = {
    {"description", ONE, &text, false},
    {"required", ONE, &flag, false},
    {"deprecated", ONE, &flag, false},
    {"schema", ONE, &schema, true},
    {"example", ONE, &any, false},
    {"examples", MAP_OF, &example, false},
    {0},
};
static const struct shape header = {"a header", "headers", header_fields, NULL};

static const struct field response_fields[] = {
    {"description", ONE, &text, true},
    {"headers", MAP_OF, &header, false},
    {"content", MAP_OF, &media, false},
    {0},
};
static const struct shape response = {
    "a response", "responses", response_fields, NULL};

static bool is_status(const char *key)
{
    if (strcmp(key, "default") == 0)
        return true;
    return strlen(key) == 3 && *key >= '1' && *key <= '5' &&
           (strcmp(key + 1, "XX") == 0 || strspn(key, "0123456789") == 3);
}

static void check_responses(struct walk *walk, struct node *node)
{
    if (node->type != NODE_MAP || !node->first) {
        node_fault(walk->file, node->line,
            "responses must be a map of at least one response");
        return;
    }
    for (struct node *child = node->first; child; child = child->next) {
        if (!is_status(child->key))
            node_fault(walk->file, child->line,
                "the key of a response must be a status such as \"200\" or "
                "\"4XX\", or default, is \"%s\"",
                child->key);
        walk_node(walk, child, &response);
    }
}

static const struct shape responses = {
    "responses", NULL, NULL, check_responses};

/* Of a request: the program reads JSON and nothing else. */
static void check_content(struct walk *walk, struct node *node)
{
    struct node *json = node_get(node, "application/json");
    if (!json || node->first->next)
        node_fault(walk->file, node->line,
            "content of a request must be \"application/json\" alone");
    if (json)
        walk_node(walk, json, &media);
}

static const struct shape content = {"content", NULL, NULL, check_content};

static const struct field body_fields[] = {
    {"description", ONE, &text, false},
    {"content", ONE, &content, true},
    {"required", ONE, &flag, false},
    {0},
};
static const struct shape body = {
    "a request body", "requestBodies", body_fields, NULL};

/* Whether the program knows the place that a parameter is sent in. */
static void check_parameter(struct walk *walk, struct node *node)
{
    const char *in = node_text(node_get(node, "in"));
    const struct node *required = node_get(node, "required");

    if (!in)
        return; /* noted as missing, or as no string */
    if (strcmp(in, "path") == 0) {
        if (!is_true(required))
            node_fault(walk->file, node->line,
                "a path parameter must have required: true");
    } else if (strcmp(in, "query") != 0 && strcmp(in, "header") != 0) {
        node_fault(walk->file, node->line,
            "in must be path, query or header, is %s", in);
    }
}

static const struct field parameter_fields[] = {
    {"name", ONE, &text, true},
    {"in", ONE, &text, true},
    {"description", ONE, &text, false},
    {"required", ONE, &flag, false},
    {"deprecated", ONE, &flag, false},
    {"schema", ONE, &schema, true},
    {"example", ONE, &any, false},
    {"examples", MAP_OF, &example, false},
    {0},
};
static const struct shape parameter = {
    "a parameter", "parameters", parameter_fields, check_parameter};

static void check_requirement(struct walk *walk, struct node *node)
{
    const struct node *schemes =
        node_get(node_get(walk->file->root, "components"), "securitySchemes");
    const struct node *named = node->type == NODE_MAP ? node->first : NULL;

    if (!named || named->next)
        node_fault(walk->file, node->line,
            "security must name one scheme: optional credentials, and two "
            "kinds at once, are not supported");
    else if (!node_get(schemes, named->key))
        node_fault(walk->file, named->line,
            "security names \"%s\", which components/securitySchemes does not "
            "have",
            named->key);
    else if (named->type != NODE_LIST || named->first)
        node_fault(walk->file, named->line,
            "%s must be []: scopes are not supported", named->key);
}

static void check_security(struct walk *walk, struct node *node)
{
    if (node->type != NODE_LIST || (node->first && node->first->next))
        node_fault(walk->file, node->line,
            "security must be a list of one requirement, or [] for none");
    else if (node->first)
        check_requirement(walk, node->first);
}

static const struct shape security = {"security", NULL, NULL, check_security};

static void check_scheme(struct walk *walk, struct node *node)
{
    const char *type = node_text(node_get(node, "type"));
    const char *kind = node_text(node_get(node, "scheme"));

    if (!type || strcmp(type, "http") != 0 || !kind ||
        strcmp(kind, "bearer") != 0)
        node_fault(walk->file, node->line,
            "a security scheme must have type: http and scheme: bearer");
}

static const struct field scheme_fields[] = {
    {"type", ONE, &text, true},
    {"scheme", ONE, &text, true},
    {"bearerFormat", ONE, &text, false},
    {"description", ONE, &text, false},
    {0},
};
static const struct shape scheme = {
    "a security scheme", NULL, scheme_fields, check_scheme};

/* Of an operation, and of a webhook's: they differ in its id and its body. */
#define OPERATION_FIELDS(id, ...)                   \
    static const struct field id##_fields[] = {     \
        __VA_ARGS__,                                \
        {"tags", LIST_OF, &text, false},            \
        {"summary", ONE, &text, false},             \
        {"description", ONE, &text, false},         \
        {"externalDocs", ONE, &docs, false},        \
        {"deprecated", ONE, &flag, false},          \
        {"parameters", LIST_OF, &parameter, false}, \
        {"responses", ONE, &responses, true},       \
        {"security", ONE, &security, false},        \
        {0},                                        \
    }

OPERATION_FIELDS(operation, {"operationId", ONE, &text, true},
    {"requestBody", ONE, &body, false});
static const struct shape operation = {
    "an operation", NULL, operation_fields, NULL};

/* No head and no options: GET answers HEAD, and nginx OPTIONS. */
static const struct field path_fields[] = {
    {"summary", ONE, &text, false},
    {"description", ONE, &text, false},
    {"parameters", LIST_OF, &parameter, false},
    {"get", ONE, &operation, false},
    {"post", ONE, &operation, false},
    {"put", ONE, &operation, false},
    {"patch", ONE, &operation, false},
    {"delete", ONE, &operation, false},
    {0},
};
static const struct shape path = {"a path", NULL, path_fields, NULL};

/* What the service sends by itself. Readers are told, nothing is checked by it:
 * but it is to be right as all else. */
static const struct field message_fields[] = {
    {"description", ONE, &text, false},
    {"content", MAP_OF, &media, true},
    {"required", ONE, &flag, false},
    {0},
};
static const struct shape message = {
    "a webhook's body", NULL, message_fields, NULL};

OPERATION_FIELDS(notice, {"requestBody", ONE, &message, true});
static const struct shape notice = {
    "a webhook's operation", NULL, notice_fields, NULL};

static const struct field webhook_fields[] = {
    {"summary", ONE, &text, false},
    {"description", ONE, &text, false},
    {"post", ONE, &notice, true},
    {0},
};
static const struct shape webhook = {"a webhook", NULL, webhook_fields, NULL};

static const struct field components_fields[] = {
    {"schemas", MAP_OF, &schema, false},
    {"responses", MAP_OF, &response, false},
    {"parameters", MAP_OF, &parameter, false},
    {"examples", MAP_OF, &example, false},
    {"requestBodies", MAP_OF, &body, false},
    {"headers", MAP_OF, &header, false},
    {"securitySchemes", MAP_OF, &scheme, false},
    {0},
};
static const struct shape components = {
    "components", NULL, components_fields, NULL};

static void check_version(struct walk *walk, struct node *node)
{
    const char *number = node_text(node);
    if (!number || strncmp(number, "3.1.", 4) != 0)
        node_fault(walk->file, node->line, "openapi must be 3.1.x");
}

static const struct shape version = {"openapi", NULL, NULL, check_version};

static const struct field root_fields[] = {
    {"openapi", ONE, &version, true},
    {"info", ONE, &info, true},
    {"servers", LIST_OF, &server, false},
    {"tags", LIST_OF, &tag, false},
    {"externalDocs", ONE, &docs, false},
    {"security", ONE, &security, false},
    {"paths", MAP_OF, &path, true},
    {"webhooks", MAP_OF, &webhook, false},
    {"components", ONE, &components, false},
    {0},
};
static const struct shape root = {"the file", NULL, root_fields, NULL};

static void walk_children(struct walk *walk, struct node *node,
    enum node_type type, const struct shape *shape)
{
    if (node->type != type) {
        node_fault(walk->file, node->line, "%s must be a %s", node->key,
            type == NODE_LIST ? "list" : "map");
        return;
    }
    for (struct node *child = node->first; child; child = child->next)
        walk_node(walk, child, shape);
}

static void walk_field(
    struct walk *walk, struct node *node, const struct shape *shape)
{
    const struct field *field = shape->fields;
    while (field->name && strcmp(field->name, node->key) != 0)
        field++;

    if (!field->name) {
        if (strncmp(node->key, "x-", 2) != 0)
            node_fault(walk->file, node->line,
                "%s is no key of %s that this program honours", node->key,
                shape->what);
    } else if (field->how == LIST_OF) {
        walk_children(walk, node, NODE_LIST, field->shape);
    } else if (field->how == MAP_OF) {
        walk_children(walk, node, NODE_MAP, field->shape);
    } else {
        walk_node(walk, node, field->shape);
    }
}

static void walk_fields(
    struct walk *walk, struct node *node, const struct shape *shape)
{
    if (node->type != NODE_MAP) {
        node_fault(walk->file, node->line, "%s must be a map", shape->what);
        return;
    }
    for (struct node *child = node->first; child; child = child->next)
        walk_field(walk, child, shape);
    for (const struct field *field = shape->fields; field->name; field++)
        if (field->required && !node_get(node, field->name))
            node_fault(walk->file, node->line, "%s must have %s", shape->what,
                field->name);
}

/* What it names is looked at where it stands. */
static void walk_reference(
    struct walk *walk, struct node *node, const struct shape *shape)
{
    static const struct field fields[] = {
        {"$ref", ONE, &text, true},
        {"summary", ONE, &text, false},
        {"description", ONE, &text, false},
        {0},
    };
    static const struct shape reference = {"a $ref", NULL, fields, NULL};

    walk_fields(walk, node, &reference);
    node_follow(walk->file, node, shape->section);
}

static void walk_node(
    struct walk *walk, struct node *node, const struct shape *shape)
{
    if (shape->section && node_get(node, "$ref")) {
        walk_reference(walk, node, shape);
        return;
    }
    if (shape->fields)
        walk_fields(walk, node, shape);
    if (shape->check)
        shape->check(walk, node);
}

void spec_shape_check(struct node_file *file, struct schema_set *schemas)
{
    struct walk walk = {file, schemas};
    walk_node(&walk, file->root, &root);
    schema_build_finish(schemas);
}
