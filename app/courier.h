/* POSTs to others over HTTP, several at a time: the only file that knows
 * libcurl, and no word of what it carries. */
#ifndef NEWSFEED_COURIER_H
#define NEWSFEED_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"

struct courier;

struct courier_settings {
    int at_once;            /* requests */
    int timeout;            /* ms, of a whole one */
    bool private_addresses; /* may be connected to (address.h) */
    const char *ca_file;    /* whose certificates hold; "": the system's */
};

/* What became of a request. The final head of an answer is an answer; its body
 * is read up to a limit, for the connection to be used again, and thrown away.
 * Redirects are answers like others. */
struct courier_answer {
    void *tag;           /* of the request */
    int status;          /* 0: there was no answer */
    const char *failure; /* then why, in words of the library alone */
    bool is_private;     /* then whether the address may not be connected to */
    int64_t retry_after; /* seconds that it asks for; 0: none */
};

/* To be made in the process that uses it. The settings' text must outlive it.
 * NULL: no memory, or libcurl is none that it can use. */
struct courier *courier_new(const struct courier_settings *settings);
void courier_free(struct courier *courier); /* gives up what is on its way */

/* Whether one more can be sent. */
bool courier_has_room(struct courier *courier);

/* Begins a request. The headers end with NULL and are copied, the body must
 * live until its answer. False: no memory. */
MUST_CHECK bool courier_send(struct courier *courier, const char *url,
    const char *const *headers, struct text body, void *tag);

/* Waits up to so long for an answer. False: none came, or none can come. */
bool courier_next(
    struct courier *courier, int ms, struct courier_answer *answer);

/* Gives up what is on its way, without answers. */
void courier_drop(struct courier *courier);

#endif
