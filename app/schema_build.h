/* Schemas made from YAML, and what they consist of; for schema and spec. */
#ifndef NEWSFEED_SCHEMA_BUILD_H
#define NEWSFEED_SCHEMA_BUILD_H

#include "pattern.h"
#include "schema.h"
#include "yaml.h"

enum schema_type { /* bits */
    SCHEMA_NULL = 1,
    SCHEMA_BOOLEAN = 2,
    SCHEMA_INTEGER = 4, /* a number without a fraction: 1.0 is one */
    SCHEMA_NUMBER = 8,
    SCHEMA_STRING = 16,
    SCHEMA_ARRAY = 32,
    SCHEMA_OBJECT = 64,
};

enum schema_format {
    SCHEMA_NO_FORMAT,
    SCHEMA_DATE,
    SCHEMA_DATE_TIME,
    SCHEMA_INT64,
    SCHEMA_URI_REFERENCE,
};

struct schema_link {
    const char *name; /* of a property, else NULL */
    struct schema *schema;
    struct schema_link *next;
};

/* What a keyword does not say is 0 or NULL. Bounds of numbers are nodes, for
 * their text, with their values beside them: a long double holds every int64,
 * uint64 and double. */
struct schema_bound {
    const struct node *node;
    long double value;
};

struct schema {
    struct node *node; /* what it was made from */
    unsigned types;    /* enum schema_type; 0: any */
    enum schema_format format;
    const char *title;
    const char *description;
    struct schema_link *properties;
    const struct node *required;
    bool closed;               /* additionalProperties: false */
    struct schema_link *items; /* one or none */
    struct schema_bound min_length, max_length, min_items, max_items;
    struct schema_bound minimum, maximum, above, below;
    struct pattern *pattern;
    const char *pattern_text;
    const struct node *choices; /* enum */
    const struct node *constant;
    const struct node *by_default;
    struct schema_link *all_of; /* and what $ref names */
    struct schema_link *any_of;
    struct schema_link *one_of;
    struct schema *next; /* of the same set */
    enum {
        SCHEMA_UNSEEN,
        SCHEMA_OPEN,
        SCHEMA_DONE,
    } walk; /* of schema_build_finish */
};

/* All schemas of a file. Starts as all zeros but for the file. */
struct schema_set {
    struct node_file *file;
    struct schema *first;
};

/* The schema of a node, made once; faults go to the file. NULL: no memory, or
 * the node is no schema. */
struct schema *schema_build(struct schema_set *set, struct node *node);

/* To be called when all are built, before any is used: refuses schemas that
 * come back to themselves without going down into the value. */
void schema_build_finish(struct schema_set *set);

/* Before the file's node_free. */
void schema_build_free(struct schema_set *set);

#endif
