/* Schemas made from YAML: every keyword is honoured or refused. */
#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "schema_build.h"

_Static_assert(LDBL_MANT_DIG >= 64, "long double must hold every integer");

/* One keyword being read into the schema's member at an offset. */
struct reading {
    struct schema_set *set;
    struct schema *schema;
    struct node *node;
    size_t offset;
};

static void refuse(const struct reading *reading, const char *should)
{
    node_fault(reading->set->file, reading->node->line, "%s must be %s",
        reading->node->key, should);
}

static void *member(const struct reading *reading)
{
    return (char *)reading->schema + reading->offset;
}

static void read_any(const struct reading *reading)
{
    (void)reading;
}

static void read_flag(const struct reading *reading)
{
    if (reading->node->type != NODE_BOOLEAN)
        refuse(reading, "true or false");
}

static void read_list(const struct reading *reading)
{
    if (reading->node->type != NODE_LIST)
        refuse(reading, "a list");
}

static void read_text(const struct reading *reading)
{
    const char **text = member(reading);

    *text = node_text(reading->node);
    if (!*text)
        refuse(reading, "a string");
}

static unsigned type_of(const char *name)
{
    static const struct {
        const char *name;
        enum schema_type type;
    } types[] = {
        {"null", SCHEMA_NULL},
        {"boolean", SCHEMA_BOOLEAN},
        {"integer", SCHEMA_INTEGER},
        {"number", SCHEMA_NUMBER},
        {"string", SCHEMA_STRING},
        {"array", SCHEMA_ARRAY},
        {"object", SCHEMA_OBJECT},
    };
    for (size_t i = 0; name && i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(name, types[i].name) == 0)
            return types[i].type;
    return 0;
}

/* Unquoted, null is no string, yet it is the name of a type to most people:
 * saying so beats guessing. */
static void read_type(const struct reading *reading)
{
    static const char should[] =
        "\"null\" (in quotes), boolean, integer, number, string, array, "
        "object, or a list of these";
    const struct node *list = reading->node;
    const struct node *name = list->type == NODE_LIST ? list->first : list;

    if (!name)
        refuse(reading, should);
    for (; name; name = list->type == NODE_LIST ? name->next : NULL) {
        unsigned type = type_of(node_text(name));
        if (type == 0)
            refuse(reading, should);
        reading->schema->types |= type;
    }
}

static void read_format(const struct reading *reading)
{
    static const struct {
        const char *name;
        enum schema_format format;
    } formats[] = {
        {"date", SCHEMA_DATE},
        {"date-time", SCHEMA_DATE_TIME},
        {"int64", SCHEMA_INT64},
        {"uri-reference", SCHEMA_URI_REFERENCE},
    };
    const char *text = node_text(reading->node);
    for (size_t i = 0; text && i < sizeof(formats) / sizeof(*formats); i++)
        if (strcmp(text, formats[i].name) == 0) {
            reading->schema->format = formats[i].format;
            return;
        }
    refuse(reading, "date, date-time, int64 or uri-reference");
}

static bool is_number(const struct node *node)
{
    return node->type == NODE_INTEGER || node->type == NODE_NUMBER;
}

static void read_bound(const struct reading *reading)
{
    struct schema_bound *bound = member(reading);

    if (!is_number(reading->node)) {
        refuse(reading, "a number");
        return;
    }
    errno = 0;
    bound->node = reading->node;
    bound->value = strtold(reading->node->text, NULL);
    if (errno == ERANGE || bound->value > DBL_MAX || bound->value < -DBL_MAX)
        refuse(reading, "a number that a double can hold");
}

static void read_size(const struct reading *reading)
{
    struct schema_bound *bound = member(reading);

    if (reading->node->type != NODE_INTEGER || *reading->node->text == '-')
        refuse(reading, "an integer, 0 or more");
    else
        *bound = (struct schema_bound){
            reading->node, strtold(reading->node->text, NULL)};
}

static void read_pattern(const struct reading *reading)
{
    char reason[PATTERN_REASON_MAX];
    struct schema *schema = reading->schema;

    schema->pattern_text = node_text(reading->node);
    if (!schema->pattern_text) {
        refuse(reading, "a string");
        return;
    }
    schema->pattern = pattern_new(schema->pattern_text, reason);
    if (!schema->pattern)
        node_fault(reading->set->file, reading->node->line,
            "pattern is no regular expression: %s", reason);
}

static bool is_scalar(const struct node *node)
{
    return node->type != NODE_LIST && node->type != NODE_MAP;
}

static void read_choices(const struct reading *reading)
{
    const struct node *choice = reading->node->first;

    if (reading->node->type != NODE_LIST || !choice)
        refuse(reading, "a list of at least one value");
    for (; choice; choice = choice->next)
        if (!is_scalar(choice)) {
            refuse(reading, "made of values that are no lists and no maps");
            break;
        }
    reading->schema->choices = reading->node;
}

static void read_constant(const struct reading *reading)
{
    if (!is_scalar(reading->node))
        refuse(reading, "a value that is no list and no map");
    reading->schema->constant = reading->node;
}

/* An annotation, but of a parameter (schema_default). */
static void read_default(const struct reading *reading)
{
    reading->schema->by_default = reading->node;
}

/* Appends the schema of a node to the list at `links`. */
static void link_schema(struct schema_set *set, struct schema_link **links,
    struct node *node, const char *name)
{
    struct schema *schema = schema_build(set, node);
    struct schema_link *link =
        schema ? node_alloc(set->file, sizeof(*link)) : NULL;
    if (!link)
        return;
    link->name = name;
    link->schema = schema;
    while (*links)
        links = &(*links)->next;
    *links = link;
}

static void read_schema(const struct reading *reading)
{
    link_schema(reading->set, member(reading), reading->node, NULL);
}

static void read_schemas(const struct reading *reading)
{
    struct node *node = reading->node->first;
    if (reading->node->type != NODE_LIST || !node)
        refuse(reading, "a list of at least one schema");
    else
        for (; node; node = node->next)
            link_schema(reading->set, member(reading), node, NULL);
}

static void read_properties(const struct reading *reading)
{
    if (reading->node->type != NODE_MAP) {
        refuse(reading, "a map of schemas");
        return;
    }
    for (struct node *node = reading->node->first; node; node = node->next)
        link_schema(reading->set, member(reading), node, node->key);
}

/* A $ref is one more schema that must hold, beside what stands with it. */
static void read_ref(const struct reading *reading)
{
    struct node *target =
        node_find(reading->set->file, reading->node, "schemas");
    if (target)
        link_schema(reading->set, member(reading), target, NULL);
}

static void read_required(const struct reading *reading)
{
    if (reading->node->type != NODE_LIST) {
        refuse(reading, "a list of names");
        return;
    }
    for (const struct node *n = reading->node->first; n; n = n->next)
        if (!node_text(n)) {
            refuse(reading, "a list of names, each a string");
            return;
        }
    reading->schema->required = reading->node;
}

static void read_additional(const struct reading *reading)
{
    if (reading->node->type != NODE_BOOLEAN)
        refuse(reading, "true or false");
    else
        reading->schema->closed = strcmp(reading->node->text, "false") == 0;
}

#define AT(name) offsetof(struct schema, name)

static const struct keyword {
    const char *name;
    void (*read)(const struct reading *reading);
    size_t offset; /* where what it says is kept, if read wants to know */
} keywords[] = {
    {"$ref", read_ref, AT(all_of)},
    {"additionalProperties", read_additional, 0},
    {"allOf", read_schemas, AT(all_of)},
    {"anyOf", read_schemas, AT(any_of)},
    {"const", read_constant, 0},
    {"default", read_default, 0},
    {"deprecated", read_flag, 0},
    {"description", read_text, AT(description)},
    {"enum", read_choices, 0},
    {"example", read_any, 0},
    {"examples", read_list, 0},
    {"exclusiveMaximum", read_bound, AT(below)},
    {"exclusiveMinimum", read_bound, AT(above)},
    {"format", read_format, 0},
    {"items", read_schema, AT(items)},
    {"maxItems", read_size, AT(max_items)},
    {"maxLength", read_size, AT(max_length)},
    {"maximum", read_bound, AT(maximum)},
    {"minItems", read_size, AT(min_items)},
    {"minLength", read_size, AT(min_length)},
    {"minimum", read_bound, AT(minimum)},
    {"oneOf", read_schemas, AT(one_of)},
    {"pattern", read_pattern, 0},
    {"properties", read_properties, AT(properties)},
    {"readOnly", read_flag, 0},
    {"required", read_required, 0},
    {"title", read_text, AT(title)},
    {"type", read_type, 0},
};

static void read_keyword(
    struct schema_set *set, struct schema *schema, struct node *node)
{
    if (strncmp(node->key, "x-", 2) == 0)
        return;
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
        if (strcmp(node->key, keywords[i].name) == 0) {
            struct reading reading = {set, schema, node, keywords[i].offset};
            keywords[i].read(&reading);
            return;
        }
    node_fault(set->file, node->line,
        "%s is no schema keyword that this program honours", node->key);
}

struct schema *schema_build(struct schema_set *set, struct node *node)
{
    for (struct schema *schema = set->first; schema; schema = schema->next)
        if (schema->node == node)
            return schema;
    if (node->type != NODE_MAP) {
        node_fault(set->file, node->line, "a schema must be a map");
        return NULL;
    }
    struct schema *schema = node_alloc(set->file, sizeof(*schema));
    if (!schema)
        return NULL;

    /* In the set before its parts are read: one of them may be itself. */
    schema->node = node;
    schema->next = set->first;
    set->first = schema;
    for (struct node *child = node->first; child; child = child->next)
        read_keyword(set, schema, child);
    return schema;
}

static void walk(struct schema_set *set, struct schema *schema);

/* A link that closes a circle is cut, so that who comes later may walk. */
static void walk_links(struct schema_set *set, struct schema_link **links)
{
    while (*links) {
        struct schema *schema = (*links)->schema;
        if (schema->walk == SCHEMA_OPEN) {
            node_fault(set->file, schema->node->line,
                "this schema contains itself without going down into a "
                "property or an item");
            *links = (*links)->next;
            continue;
        }
        walk(set, schema);
        links = &(*links)->next;
    }
}

static void walk(struct schema_set *set, struct schema *schema)
{
    if (schema->walk == SCHEMA_DONE)
        return;
    schema->walk = SCHEMA_OPEN;
    walk_links(set, &schema->all_of);
    walk_links(set, &schema->any_of);
    walk_links(set, &schema->one_of);
    schema->walk = SCHEMA_DONE;
}

void schema_build_finish(struct schema_set *set)
{
    for (struct schema *schema = set->first; schema; schema = schema->next)
        walk(set, schema);
}

void schema_build_free(struct schema_set *set)
{
    for (struct schema *schema = set->first; schema; schema = schema->next)
        pattern_free(schema->pattern);
    set->first = NULL;
}
