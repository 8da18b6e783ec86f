/* The form of a page as it lies in memcached: a response, head and body, whose
 * head holds its tag and its links and nothing else. nginx's module has this
 * file too, so that both take the same bytes for a page. */
#ifndef NEWSFEED_STORED_H
#define NEWSFEED_STORED_H

#include <stdbool.h>
#include <stddef.h>

#include "contract.h"

/* Points into the bytes, which are CONTRACT_STORED_START, its tag, its links,
 * an empty line, the body. */
struct stored {
    const char *etag; /* with its quotes */
    size_t etag_len;
    const char *links; /* the value of Link */
    size_t links_len;  /* 0: there is none */
    const char *body;
    size_t body_len;
};

/* False if it is not as http_print_stored (http.h) writes it: whatever else a
 * head says, somebody else wrote it. */
bool stored_parse(const char *bytes, size_t len, struct stored *stored);

#endif
