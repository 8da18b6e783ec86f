/* Request and response as plain structs, and how a response is printed. */
#ifndef NEWSFEED_HTTP_H
#define NEWSFEED_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "contract.h"

#define HTTP_JSON CONTRACT_STORED_TYPE
#define HTTP_IDEMPOTENCY_KEY "Idempotency-Key"
#define HTTP_IF_MATCH "If-Match"
#define HTTP_EVENTS "text/event-stream"
#define HTTP_LAST_EVENT_ID "Last-Event-ID"
#define HTTP_PROBLEM "application/problem+json"

enum {
    HTTP_REQUEST_ID_MAX = 64 /* characters */
};

/* All strings outlive the handling of the request, no longer. A header that
 * the request does not have is NULL. */
struct http_request {
    const char *id;     /* 1 to 64 of A-Z a-z 0-9 . _ - */
    const char *method; /* as sent: "GET" */
    const char *path;   /* raw, before '?' */
    const char *query;  /* raw, after '?'; "" if none */
    const char *content_type;
    const char *authorization;
    const char *if_none_match;
    const char *if_match;
    const char *idempotency_key;
    const char *last_event_id;
    const char *traceparent; /* W3C Trace Context's, if it is sound */
    const char *body;        /* NUL-terminated behind body_len bytes */
    size_t body_len;
    bool body_too_large; /* the body was over the limit and not kept */
    bool body_cut;       /* fewer bytes came than were announced */
    int64_t waited;      /* ms for a worker */
    bool expired;        /* too long: answer 503 */
    bool auth_only;      /* asks only whether it would be allowed */
    bool may_stream;     /* nginx can hand it on to the streamer */
    uint64_t lease;      /* nginx's on the page asked for (cache.h), or 0 */
};

/* Of a header that an operation may have for a parameter, its name in any case:
 * whether there is such a one, and its value or NULL. */
bool http_is_parameter(const char *header);
const char *http_parameter(
    const struct http_request *request, const char *header);

/* Starts as all zeros; give back with http_response_free. */
struct http_response {
    int status;
    const char *content_type; /* NULL: a response without a body */
    char etag[24];            /* with its quotes; "" if none */
    bool is_passing;          /* a stream: it has no tag and no length */
    struct buf headers;       /* further header lines, each ends with CRLF */
    struct buf body;
};

/* Appends "Name: value\r\n"; CR and LF within the value are left out. */
void http_header(struct http_response *response, const char *name,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What an entity tag is made of: XXH3, 64 bits. */
uint64_t http_tag(const char *bytes, size_t len);

/* Sets the entity tag from the bytes of the body. */
void http_set_etag(struct http_response *response);

/* Whether the value of If-None-Match or If-Match names this tag: "*" or a list,
 * compared weakly (RFC 9110, 13.1.2), since nginx weakens the tag of what it
 * compresses. */
bool http_etag_matches(const char *list, const char *etag);

/* Prints the head for FastCGI, from "Status: 200 OK" to the empty line, with
 * the body's Content-Length (but for 204 and 304, which have none). */
void http_print_head(const struct http_response *response, struct buf *out);

/* For the next request: empties it, keeps some memory. */
void http_response_reset(struct http_response *response);
void http_response_free(struct http_response *response);

/* Appends a text with every byte written %XX but letters, digits and what
 * `plain` lists besides. */
void http_encode(struct buf *out, const char *text, const char *plain);

/* Decodes %XX, and '+' as a space if `form`; in place, NUL-terminated.
 * False if an escape is broken or would give a NUL. */
bool http_decode(char *text, bool form);

#endif
