/* The OpenAPI file, read at launch: operations, parameters, body schemas. */
#ifndef NEWSFEED_SPEC_H
#define NEWSFEED_SPEC_H

#include <stdbool.h>

#include "buf.h"
#include "schema.h"

enum {
    SPEC_SEGMENTS_MAX = 8,    /* of a path */
    SPEC_PARAMETERS_MAX = 12, /* of an operation */
    SPEC_PATHS_MAX = 64,
    SPEC_METHODS_MAX = 8, /* of a path */
};

enum spec_place {
    SPEC_IN_PATH,
    SPEC_IN_QUERY,
    SPEC_IN_HEADER,
};

struct spec_parameter {
    char *name;
    enum spec_place in;
    bool required;
    const struct schema *schema;
    const char *by_default; /* of the query, as if it were sent; NULL: none */
};

struct spec_operation {
    char *id;           /* operationId */
    const char *method; /* upper case: "GET" */
    struct spec_parameter parameters[SPEC_PARAMETERS_MAX];
    int parameter_count;
    const struct schema *body; /* NULL: takes none */
    bool body_required;
    bool secured; /* its security (or the file's) asks for credentials */
    int line;     /* of the operation in the file */
};

struct spec_segment {
    char *text;        /* literal, or the parameter's name */
    bool is_parameter; /* {name} */
};

struct spec_path {
    char *template;
    struct spec_segment segments[SPEC_SEGMENTS_MAX];
    int segment_count;
    struct spec_operation operations[SPEC_METHODS_MAX]; /* GET first */
    int operation_count;
};

struct spec {
    struct spec_path paths[SPEC_PATHS_MAX];
    int path_count;
    const char *file; /* as given to spec_load, not copied */
    char *title;
    char *version;
    void *owned; /* schemas and the rest, freed with the spec */
};

/* Reads an OpenAPI 3.1 file. On success *spec is new, freed with spec_free.
 * On failure *spec is NULL and `faults` holds a line for every fault:
 * "file:line: reason". Refused: every keyword, $ref, format, style or method
 * that this program would not honour; two templates that match the same path;
 * an operationId used twice; a {name} without a parameter and the reverse. */
bool spec_load(const char *file, struct spec **spec, struct buf *faults);
void spec_free(struct spec *spec);

/* The parameter of this name (a header's in any case) and place, or NULL. */
const struct spec_parameter *spec_find_parameter(
    const struct spec_operation *operation, const char *name,
    enum spec_place in);

/* The operation with this operationId, or NULL. */
const struct spec_operation *spec_find(const struct spec *spec, const char *id);

#endif
