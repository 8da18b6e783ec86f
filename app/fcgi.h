/* The only file that knows libfcgi. */
#ifndef NEWSFEED_FCGI_H
#define NEWSFEED_FCGI_H

#include <signal.h>

#include "http.h"

struct fcgi; /* one worker's end of the listening socket */

enum fcgi_event {
    FCGI_REQUEST, /* a request was read; answer it with fcgi_respond */
    FCGI_NOTHING, /* a signal, a second without a request, or another worker
                     was faster: try again */
    FCGI_BROKEN,  /* the socket cannot be used any more; logged */
};

/* Called in the worker after the fork, never in the master: libfcgi installs
 * signal handlers. `fd` is a listening socket, made non-blocking. NULL:
 * logged. */
struct fcgi *fcgi_open(int fd);
void fcgi_close(struct fcgi *fcgi);

enum {
    FCGI_PATIENCE_MAX = 1000 /* ms */
};

/* Waits for a connection, with the given signal mask during the wait only and
 * for `patience` ms at most, and reads one request. Calls busy(context) once a
 * connection is there and before anything is read from it, so that a peer that
 * stalls is seen by who watches. A request whose peer is already gone is
 * dropped (FCGI_NOTHING). The request's strings are valid until fcgi_respond.
 * *started_ms is the time (ms since 1970) at which nginx took the request, 0 if
 * unknown. */
enum fcgi_event fcgi_accept(struct fcgi *fcgi, int patience,
    const sigset_t *wait_mask, void (*busy)(void *context), void *context,
    struct http_request *request, int64_t *started_ms);

/* Sends head and body (no body for HEAD) and ends the request. */
void fcgi_respond(struct fcgi *fcgi, const struct http_response *response);

#endif
