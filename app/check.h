/* A request held against its operation: parameters and body, all faults at
 * once. */
#ifndef NEWSFEED_CHECK_H
#define NEWSFEED_CHECK_H

#include "error.h"
#include "fault.h"
#include "http.h"
#include "route.h"

struct json_object;

/* The values that a request gives its operation's parameters, and its body.
 * Starts as all zeros; give back with arguments_free. */
struct arguments {
    struct {
        const char *name;
        struct json_object *value;
        bool is_default;
    } list[SPEC_PARAMETERS_MAX];
    int count;
    struct json_object *body; /* NULL if the operation takes none */
};

/* The path's parameters: whom and what the request is about. */
void check_path(const struct route *route, struct arguments *arguments,
    struct faults *faults);

/* All the rest. ERR_TOO_LARGE, ERR_MEDIA_TYPE: see the names. ERR_INVALID:
 * `faults` has one entry for everything that does not fit. ERR_INTERNAL: there
 * was no memory to tell. */
MUST_CHECK enum error check_request(const struct http_request *request,
    const struct route *route, struct arguments *arguments,
    struct faults *faults);

/* A parameter's value; where the request gives none, its default, or 0 and ""
 * if it has none either. */
int64_t arguments_int(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name);

/* Whether that is what it is if the request gives none. */
bool arguments_is_default(const struct arguments *arguments, const char *name);

void arguments_free(struct arguments *arguments);

#endif
