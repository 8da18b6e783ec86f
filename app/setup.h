/* What a launch or a reload works with: settings, keys, specification and what
 * outlets need, checked. */
#ifndef NEWSFEED_SETUP_H
#define NEWSFEED_SETUP_H

#include "auth.h"
#include "buf.h"
#include "config.h"
#include "error.h"
#include "outlet.h"
#include "spec.h"

/* Where it all comes from; the strings are the command line's. */
struct setup_source {
    const char *file; /* of settings; NULL: none */
    char **overrides; /* "section.key=value" */
    int override_count;
};

struct setup {
    struct config *config;
    struct auth *auth;
    struct spec *spec;
    struct outlet_loaded outlets;
};

/* Reads the sources anew, and checks the settings and that the specification
 * and the handlers fit each other. Processes forked later inherit it and read
 * nothing by themselves, so all of a generation agree. On failure *setup is
 * untouched and `faults` has a line for each fault. Freed with setup_clear if
 * and only if true. */
MUST_CHECK bool setup_load(
    const struct setup_source *source, struct setup *setup, struct buf *faults);

/* The same for who is to serve with it: makes the folder that it needs, too. */
MUST_CHECK bool setup_prepare(
    const struct setup_source *source, struct setup *setup, struct buf *faults);

void setup_clear(struct setup *setup);

#endif
