/* The only file that knows libmicrohttpd: answers GETs with texts, whatever the
 * rest of the process is at. */
#ifndef NEWSFEED_HTTPD_H
#define NEWSFEED_HTTPD_H

#include "buf.h"

struct httpd;

/* Valid during the call alone. */
struct httpd_request {
    const char *path;
    const char *accept; /* NULL: it has none */
};

struct httpd_answer {
    int status;
    const char *content_type; /* outlives it */
    struct buf body;          /* freed by httpd */
};

/* Fills an answer of all zeros. It is called in a thread of its own, one call
 * at a time. */
typedef void httpd_handler(void *context, const struct httpd_request *request,
    struct httpd_answer *answer);

/* Serves who connects to the listening socket, and is not its owner. NULL: the
 * log says why. Ends with httpd_stop. */
struct httpd *httpd_start(int listen_fd, httpd_handler *handler, void *context);
void httpd_stop(struct httpd *httpd);

/* To be called now and then: ends the connections of who takes more than
 * seconds for a request and its answer, and so keeps others out. */
void httpd_end_late(struct httpd *httpd);

#endif
