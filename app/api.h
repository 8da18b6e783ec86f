/* The operations: a table from operationId to handler, and what a handler
 * works with. Handlers never call handlers. */
#ifndef NEWSFEED_API_H
#define NEWSFEED_API_H

#include "auth.h"
#include "cache.h"
#include "check.h"
#include "config.h"
#include "error.h"
#include "feed.h"
#include "http.h"
#include "model.h"
#include "pg.h"

/* One checked request on its way through its handler. */
struct call {
    const struct config *config;
    struct identity identity; /* all zeros if nobody is asked */
    struct pg *pg;
    struct pg *index; /* the search's own; NULL: the same */
    struct cache *cache;
    const struct http_request *request;
    const struct route *route;
    const struct arguments *arguments;
    struct faults *faults;    /* for ERR_INVALID */
    struct buf *detail;       /* of an error, for the client */
    struct buf *touched;      /* feeds whose page changed, an int64_t each; they
                                 are dropped once all is committed */
    struct news *news;        /* what to put in front of these pages instead */
    struct buf *scratch;      /* a buffer, for this call */
    int64_t made_participant; /* their ids; 0: none */
    int64_t made_post;
};

/* Fills the empty response of status 200 without a body; on an error the
 * response is thrown away. */
typedef enum error api_handler(
    struct call *call, struct http_response *response);

enum api_access {
    ACCESS_ANYONE, /* whoever has a valid token */
    ACCESS_SELF,   /* whom a parameter names, or an administrator */
    ACCESS_ADMIN,
};

enum {
    API_IDS_MAX = 2
};

struct api_operation {
    const char *id;
    api_handler *handle;
    enum api_access access;
    const char *self; /* of ACCESS_SELF: that parameter, one of the ids */
    const char *ids[API_IDS_MAX]; /* parameters that the path must have; the
                                     handler takes them for ids */
};

/* By operationId; NULL: none. */
const struct api_operation *api_find(const char *id);

/* Its number among what is counted (metrics.h), and the id of that number's;
 * NULL: none. */
int api_number(const struct api_operation *operation);
const char *api_name(int number);

/* See service_check_spec. */
bool api_check_spec(
    const struct spec *spec, bool asks_for_tokens, struct buf *faults);

/* Whether the operation is for whoever calls, once the path has been read. */
bool api_allows(const struct call *call, const struct api_operation *operation);

/* ERR_INVALID with a fault for each id of the path that is none, whatever the
 * specification lets pass. */
MUST_CHECK enum error api_check_ids(
    struct call *call, const struct api_operation *operation);

/* --- what handlers share ------------------------------------------------ */

/* Sets the detail of an error and gives the error back. */
enum error api_fail(struct call *call, enum error error, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* ERR_INVALID with one fault. */
enum error api_refuse(
    struct call *call, const char *pointer, const char *detail);

/* The participant of the path: {id}. */
int64_t api_participant(const struct call *call);

/* Passes an error on; NOT_FOUND with the detail that there is no such
 * participant. */
enum error api_explain(struct call *call, enum error error);

/* ERR_INVALID if "from" of the body, or of an entry of it, names somebody else
 * than the path; place: its pointer, "#" or "#/3". */
MUST_CHECK enum error api_check_from(
    struct call *call, struct json_object *body, const char *place);

void api_touch(struct call *call, int64_t participant);

/* limit, before and after of the query. */
MUST_CHECK enum error api_page(struct call *call, struct page *page);

/* The path asked for, as others would write it: %36 in it becomes 6. A page
 * with links is shared, and other forms of its path may be refused to its
 * readers. */
void api_print_path(const struct call *call, struct buf *out);

/* The Link header of a list; extra: see page_print_links. */
void api_link(const struct call *call, struct http_response *response,
    const char *extra, const struct page *page, const struct page_ends *ends);

/* --- handlers, by resource ---------------------------------------------- */

api_handler api_participant_add, api_participant_add_all, api_participant_get,
    api_participant_rename, api_participant_remove;
api_handler api_friend_add, api_friend_add_all, api_friend_list,
    api_friend_remove;
api_handler api_outbound_add, api_outbound_list, api_outbound_get,
    api_outbound_edit, api_outbound_remove;
api_handler api_inbound_list, api_inbound_stream;
api_handler api_marker_get, api_marker_set;
api_handler api_search, api_search_items;

#endif
