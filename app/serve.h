/* One request to one response. */
#ifndef NEWSFEED_SERVE_H
#define NEWSFEED_SERVE_H

#include "auth.h"
#include "config.h"
#include "error.h"
#include "http.h"
#include "scoreboard.h"
#include "spec.h"

/* All that answering needs; opaque. One a worker, made after the fork. */
struct service;

/* Opens no connection yet: that happens at first need. NULL if there is no
 * memory. The arguments must outlive it. */
struct service *service_new(const struct config *config,
    const struct auth *auth, const struct spec *spec,
    struct scoreboard *scoreboard);
void service_free(struct service *service);

/* Whether there is a connection to the database, as far as is known; the second
 * one finds out, and connects if there is none. */
bool service_is_connected(const struct service *service);
bool service_connect(struct service *service);

/* To be called behind each answer and, with is_idle, where there is no request
 * for a moment: sends what can wait (cache_send). False: something waits still.
 */
bool service_rest(struct service *service, bool is_idle);

/* Fills the empty response, which stays the caller's; always succeeds, in that
 * every fault becomes a response. What the response needs of the request is
 * copied. */
void serve(struct service *service, const struct http_request *request,
    struct http_response *response);

/* Adds a line for each operation of the specification without a handler, each
 * handler without an operation, each id that a path lacks and, where the
 * settings ask for tokens, each operation that is not for everybody and does
 * not; false if there was one. */
bool service_check_spec(
    const struct spec *spec, const struct config *config, struct buf *faults);

#endif
