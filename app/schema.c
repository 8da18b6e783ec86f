/* A JSON value checked against a schema: all faults at once, each with its
 * place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "format.h"
#include "schema_build.h"
#include "utf8.h"

/* Where a value stands in the one around it; the outermost has no parent. */
struct place {
    const struct place *parent;
    const char *key; /* of an object's field, else NULL */
    size_t index;    /* of a list's item */
};

/* One run over a value. */
struct check {
    const char *root;      /* pointer of the outermost value */
    struct faults *faults; /* NULL: it matters only whether there are some */
    int count;
    bool failed; /* there was no memory to tell */
};

/* RFC 6901: ~ and / within a key are written ~0 and ~1. */
static void print_key(const char *key, struct buf *out)
{
    for (; *key; key++)
        if (*key == '~')
            buf_puts(out, "~0");
        else if (*key == '/')
            buf_puts(out, "~1");
        else
            buf_add(out, key, 1);
}

static void print_place(
    const struct check *check, const struct place *place, struct buf *out)
{
    if (!place->parent) {
        buf_puts(out, check->root);
        return;
    }
    print_place(check, place->parent, out);
    buf_puts(out, "/");
    if (place->key)
        print_key(place->key, out);
    else
        buf_printf(out, "%zu", place->index);
}

/* Gives up a text that went into a fault. */
static void finish(struct check *check, struct buf *text)
{
    check->failed |= text->failed;
    buf_free(text);
}

/* Notes a fault. Printing stops with the list being full: a long list of bad
 * items must not cost more than it shows. */
static void __attribute__((format(printf, 3, 4)))
add(struct check *check, const struct place *place, const char *format, ...)
{
    struct buf pointer = {0}, detail = {0};

    check->count++;
    if (!check->faults)
        return;
    if (check->faults->count < FAULTS_MAX) {
        va_list args;
        va_start(args, format);
        buf_vprintf(&detail, format, args);
        va_end(args);
        print_place(check, place, &pointer);
    }
    fault_add(check->faults, buf_text(&pointer), "%s", buf_text(&detail));
    finish(check, &pointer);
    finish(check, &detail);
}

static const struct {
    enum schema_type type;
    const char *phrase;
} types[] = {
    {SCHEMA_NULL, "null"},
    {SCHEMA_BOOLEAN, "true or false"},
    {SCHEMA_INTEGER, "an integer"},
    {SCHEMA_NUMBER, "a number"},
    {SCHEMA_STRING, "a string"},
    {SCHEMA_ARRAY, "a list"},
    {SCHEMA_OBJECT, "an object"},
};

/* "a string", or "null or a string". */
static void print_types(unsigned set, struct buf *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (set & types[i].type) {
            if (out->len > 0)
                buf_puts(out, " or ");
            buf_puts(out, types[i].phrase);
        }
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) ||
           json_object_is_type(value, json_type_double);
}

/* json-c holds integers as int64 or, past that, as uint64. */
static long double number_of(struct json_object *value)
{
    if (json_object_is_type(value, json_type_double))
        return (long double)json_object_get_double(value);
    int64_t number = json_object_get_int64(value);
    return number < 0 ? (long double)number
                      : (long double)json_object_get_uint64(value);
}

/* All types that a value is of; none for NaN and the infinities, which json-c
 * reads although JSON has none. */
static unsigned types_of(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return SCHEMA_NULL;
    case json_type_boolean:
        return SCHEMA_BOOLEAN;
    case json_type_int:
        return SCHEMA_INTEGER | SCHEMA_NUMBER;
    case json_type_double: {
        double number = json_object_get_double(value);
        if (!isfinite(number))
            return 0;
        return floor(number) < number ? SCHEMA_NUMBER
                                      : SCHEMA_INTEGER | SCHEMA_NUMBER;
    }
    case json_type_string:
        return SCHEMA_STRING;
    case json_type_array:
        return SCHEMA_ARRAY;
    case json_type_object:
        return SCHEMA_OBJECT;
    }
    return 0;
}

/* What a value is, in one word: 1 is an integer, though also a number. */
static const char *describe(struct json_object *value)
{
    unsigned set = types_of(value);
    if (set == SCHEMA_BOOLEAN)
        return "a boolean";
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (set & types[i].type)
            return types[i].phrase;
    return "no JSON value";
}

/* A parameter is always sent as text, so there what it is says nothing. */
static void refuse_type(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    struct buf phrase = {0};
    bool in_body = *check->root == '#';

    print_types(schema->types, &phrase);
    add(check, place, "must be %s%s%s", buf_text(&phrase),
        in_body ? ", is " : "", in_body ? describe(value) : "");
    finish(check, &phrase);
}

static bool equals(const struct node *node, struct json_object *value)
{
    switch (node->type) {
    case NODE_NULL:
        return value == NULL;
    case NODE_BOOLEAN:
        return json_object_is_type(value, json_type_boolean) &&
               json_object_get_boolean(value) == (*node->text == 't');
    case NODE_INTEGER:
    case NODE_NUMBER: {
        long double wanted = strtold(node->text, NULL);
        return is_number(value) && number_of(value) >= wanted &&
               number_of(value) <= wanted;
    }
    case NODE_STRING: {
        size_t len = strlen(node->text);
        return json_object_is_type(value, json_type_string) &&
               (size_t)json_object_get_string_len(value) == len &&
               memcmp(json_object_get_string(value), node->text, len) == 0;
    }
    default:
        return false;
    }
}

static void print_scalar(const struct node *node, struct buf *out)
{
    const char *quote = node->type == NODE_STRING ? "\"" : "";
    const char *text = node->type == NODE_NULL ? "null" : node->text;
    buf_printf(out, "%s%s%s", quote, text, quote);
}

static void check_choices(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    struct buf phrase = {0};
    const struct node *first = schema->choices->first;

    for (const struct node *node = first; node; node = node->next) {
        if (equals(node, value))
            goto out;
        if (node != first)
            buf_puts(&phrase, ", ");
        print_scalar(node, &phrase);
    }
    add(check, place, "must be %s%s", first->next ? "one of " : "",
        buf_text(&phrase));
out:
    finish(check, &phrase);
}

static void check_constant(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    struct buf phrase = {0};

    if (equals(schema->constant, value))
        return;
    print_scalar(schema->constant, &phrase);
    add(check, place, "must be %s", buf_text(&phrase));
    finish(check, &phrase);
}

/* False if it is too little or too much. */
static bool check_size(struct check *check, const struct place *place,
    size_t size, const struct schema_bound *min, const struct schema_bound *max,
    const char *unit)
{
    int before = check->count;

    if (min->node && (long double)size < min->value)
        add(check, place, "must be at least %s %s%s, has %zu", min->node->text,
            unit, min->value > 1 ? "s" : "", size);
    if (max->node && (long double)size > max->value)
        add(check, place, "must be at most %s %s%s, has %zu", max->node->text,
            unit, max->value > 1 ? "s" : "", size);
    return check->count == before;
}

static void check_format(struct check *check, enum schema_format format,
    const char *text, size_t len, const struct place *place)
{
    if (format == SCHEMA_DATE && !format_is_date(text, len))
        add(check, place, "must be a date such as 2026-11-20");
    if (format == SCHEMA_DATE_TIME && !format_is_date_time(text, len))
        add(check, place, "must be a date-time such as 2026-11-20T10:53:00Z");
    if (format == SCHEMA_URI_REFERENCE && !format_is_uri_reference(text, len))
        add(check, place, "must be a URI reference such as /participant/7");
}

static void check_string(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);

    /* One fault is enough for what is empty, and what is too long must not be
     * searched: that bounds the pattern's time. */
    if (!check_size(check, place, utf8_length(text, len), &schema->min_length,
            &schema->max_length, "character"))
        return;
    if (schema->pattern &&
        !pattern_matches(schema->pattern, text, len, &check->failed)) {
        if (schema->title)
            add(check, place, "must be %s", schema->title);
        else
            add(check, place, "must match the pattern %s",
                schema->pattern_text);
    }
    check_format(check, schema->format, text, len, place);
}

static void check_number(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    long double number = number_of(value);
    int before = check->count;

    if (schema->minimum.node && number < schema->minimum.value)
        add(check, place, "must be at least %s", schema->minimum.node->text);
    if (schema->maximum.node && number > schema->maximum.value)
        add(check, place, "must be at most %s", schema->maximum.node->text);
    if (schema->above.node && number <= schema->above.value)
        add(check, place, "must be more than %s", schema->above.node->text);
    if (schema->below.node && number >= schema->below.value)
        add(check, place, "must be less than %s", schema->below.node->text);

    /* INT64_MIN is what json-c makes of all that is less, too. */
    bool as_int64 =
        schema->format == SCHEMA_INT64 || (schema->types & SCHEMA_INTEGER);
    if (as_int64 && check->count == before &&
        (number <= (long double)INT64_MIN || number > (long double)INT64_MAX))
        add(check, place,
            "must be from -9223372036854775807 to 9223372036854775807");
}

static void check_value(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place);

static void check_array(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    size_t count = json_object_array_length(value);

    check_size(
        check, place, count, &schema->min_items, &schema->max_items, "item");
    for (size_t i = 0; schema->items && i < count; i++) {
        struct place item = {place, NULL, i};
        check_value(check, schema->items->schema,
            json_object_array_get_idx(value, i), &item);
    }
}

static bool has_property(const struct schema *schema, const char *name)
{
    const struct schema_link *link = schema->properties;
    while (link && strcmp(link->name, name) != 0)
        link = link->next;
    return link != NULL;
}

static void check_object(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    struct json_object *field;
    const struct node *name = schema->required ? schema->required->first : NULL;

    for (; name; name = name->next) {
        struct place missing = {place, name->text, 0};
        if (!json_object_object_get_ex(value, name->text, NULL))
            add(check, &missing, "is required");
    }
    for (const struct schema_link *p = schema->properties; p; p = p->next) {
        struct place inner = {place, p->name, 0};
        if (json_object_object_get_ex(value, p->name, &field))
            check_value(check, p->schema, field, &inner);
    }
    if (!schema->closed)
        return;
    json_object_object_foreach(value, key, ignored)
    {
        struct place unknown = {place, key, 0};
        (void)ignored;
        if (!has_property(schema, key))
            add(check, &unknown, "is not known here");
    }
}

/* How many of the schemas a value fits. */
static int count_fits(struct check *check, const struct schema_link *link,
    struct json_object *value)
{
    static const struct place outermost;
    int fits = 0;

    for (; link; link = link->next) {
        struct check trial = {.root = check->root};
        check_value(&trial, link->schema, value, &outermost);
        fits += trial.count == 0;
        check->failed |= trial.failed;
    }
    return fits;
}

/* One fault that says what would be right beats those of every branch. */
static void refuse_all(
    struct check *check, const struct schema *schema, const struct place *place)
{
    const char *phrase = schema->title ? schema->title : schema->description;
    if (phrase)
        add(check, place, "must be %s", phrase);
    else
        add(check, place, "has none of the forms that are allowed here");
}

static void check_branches(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    for (const struct schema_link *p = schema->all_of; p; p = p->next)
        check_value(check, p->schema, value, place);
    if (schema->any_of && count_fits(check, schema->any_of, value) == 0)
        refuse_all(check, schema, place);
    if (schema->one_of) {
        int fits = count_fits(check, schema->one_of, value);
        if (fits == 0)
            refuse_all(check, schema, place);
        else if (fits > 1)
            add(check, place, "has %d forms at once, must have one", fits);
    }
}

static void check_value(struct check *check, const struct schema *schema,
    struct json_object *value, const struct place *place)
{
    if (!check->faults && check->count > 0)
        return;
    unsigned is = types_of(value);
    if (schema->types && !(schema->types & is)) {
        refuse_type(check, schema, value, place);
        return;
    }

    if (schema->choices)
        check_choices(check, schema, value, place);
    if (schema->constant)
        check_constant(check, schema, value, place);
    if (is & SCHEMA_STRING)
        check_string(check, schema, value, place);
    if (is & SCHEMA_NUMBER)
        check_number(check, schema, value, place);
    if (is & SCHEMA_ARRAY)
        check_array(check, schema, value, place);
    if (is & SCHEMA_OBJECT)
        check_object(check, schema, value, place);
    check_branches(check, schema, value, place);
}

void schema_check(const struct schema *schema, struct json_object *value,
    const char *place, struct faults *faults)
{
    static const struct place outermost;
    struct check check = {.root = place, .faults = faults};
    check_value(&check, schema, value, &outermost);
    faults->failed |= check.failed;
}

/* The types that a schema names, itself or through what it is made of. */
static unsigned types_named(const struct schema *schema)
{
    unsigned set = schema->types;
    if (set)
        return set;
    const struct schema_link *const lists[] = {
        schema->all_of, schema->any_of, schema->one_of};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        for (const struct schema_link *link = lists[i]; link; link = link->next)
            set |= types_named(link->schema);
    return set;
}

bool schema_takes_text(const struct schema *schema)
{
    unsigned set = types_named(schema);
    return set && !(set & ~(unsigned)(SCHEMA_STRING | SCHEMA_INTEGER));
}

/* "0", "17", "-17"; not "+1", "017", "-0", " 1" or "1.0". */
static bool is_canonical(const char *text)
{
    if (strcmp(text, "0") == 0)
        return true;
    const char *digits = text + (*text == '-');
    return *digits >= '1' && *digits <= '9' &&
           digits[strspn(digits, "0123456789")] == '\0';
}

struct json_object *schema_parse_text(
    const struct schema *schema, const char *text)
{
    if (!(types_named(schema) & SCHEMA_INTEGER) || !is_canonical(text))
        return json_object_new_string(text);
    return *text == '-' ? json_object_new_int64(strtoll(text, NULL, 10))
                        : json_object_new_uint64(strtoull(text, NULL, 10));
}

/* Its own, or that of what it is made of. */
static const struct node *find_default(const struct schema *schema)
{
    const struct node *found = schema->by_default;

    for (const struct schema_link *l = schema->all_of; l && !found; l = l->next)
        found = find_default(l->schema);
    return found;
}

bool schema_default(const struct schema *schema, const char **text)
{
    const struct node *node = find_default(schema);
    static const struct place outermost;
    struct check check = {.root = ""};

    *text = node ? node->text : NULL;
    if (!*text)
        return !node;
    struct json_object *value = schema_parse_text(schema, *text);
    check_value(&check, schema, value, &outermost);
    bool fits = equals(node, value) && check.count == 0 && !check.failed;
    json_object_put(value);
    return fits;
}
