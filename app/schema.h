/* A JSON value checked against the JSON Schema 2020-12 keywords that the
 * specification uses: all faults at once, each with its place. */
#ifndef NEWSFEED_SCHEMA_H
#define NEWSFEED_SCHEMA_H

#include <stdbool.h>

#include "fault.h"

struct json_object;
struct schema; /* opaque; built and owned by spec.c's loader */

/* Checks value (NULL is JSON null) and adds a fault for everything that does
 * not fit; faults->failed becomes true if there was no memory to tell. `place`
 * is the pointer of the value itself: "#" for a body, "query:limit" or
 * "path:id" for a parameter. Integers past 64 bits, which json-c turns into the
 * nearest that it can hold, never fit "integer". */
void schema_check(const struct schema *schema, struct json_object *value,
    const char *place, struct faults *faults);

/* Whether schema_parse_text can give values that fit: the schema is of
 * strings or integers and of nothing else. */
bool schema_takes_text(const struct schema *schema);

/* The text of its default, NULL if it has none; false if that does not fit the
 * schema itself. */
bool schema_default(const struct schema *schema, const char **text);

/* The value that a parameter's text stands for by the schema's type: a
 * canonical decimal becomes an integer where the schema wants one, all else
 * stays a string (and then does not fit). One past 64 bits becomes the nearest
 * that they hold, as in json-c. New, to be put; NULL: no memory. */
struct json_object *schema_parse_text(
    const struct schema *schema, const char *text);

#endif
