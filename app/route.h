/* Method and path to an operation: a pure function of the specification. */
#ifndef NEWSFEED_ROUTE_H
#define NEWSFEED_ROUTE_H

#include "error.h"
#include "spec.h"

/* The raw text of each {parameter} of the matched path, in path order, as
 * sent (still percent-encoded), cut from the request's path by position. */
struct route {
    const struct spec_operation *operation; /* NULL unless OK */
    const struct spec_path *path;           /* NULL if not found */
    struct {
        const char *name;
        const char *start;
        int len;
    } values[SPEC_SEGMENTS_MAX];
    int value_count;
};

/* OK; ERR_NOT_FOUND: no such path; ERR_METHOD: known path, other method. HEAD
 * matches where GET does. A literal segment wins over a parameter; a parameter
 * matches any text but the empty one. A trailing slash is another path. */
MUST_CHECK enum error route_match(const struct spec *spec, const char *method,
    const char *path, struct route *route);

/* The methods of a path as an Allow header's value: "GET, HEAD, POST,
 * OPTIONS". */
void route_allow(const struct spec_path *path, struct buf *out);

#endif
