/* One request to one response. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "clock.h"
#include "contract.h"
#include "database.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "replica.h"
#include "request_log.h"
#include "serve.h"
#include "store.h"

enum {
    KEPT = 256 << 10, /* bytes of a buffer that stay allocated */
};

struct service {
    const struct config *config;
    const struct auth *auth;
    const struct spec *spec;
    struct pg *pg;
    struct pg *index; /* NULL: the search is in the same */
    struct cache *cache;
    struct buf detail;
    struct buf touched;
    struct buf scratch;
    struct news news;
};

struct service *service_new(const struct config *config,
    const struct auth *auth, const struct spec *spec,
    struct scoreboard *scoreboard)
{
    struct service *service = calloc(1, sizeof(*service));

    if (!service)
        return NULL;
    service->config = config;
    service->auth = auth;
    service->spec = spec;
    service->pg =
        database_new(config, config->db_statement_timeout, &scoreboard->db);
    if (*config->search_conninfo)
        service->index = database_new_search(
            config, config->db_statement_timeout, &scoreboard->search);
    service->cache = cache_new(config, scoreboard->cache, scoreboard->payments);
    if (service->pg && service->cache &&
        (*config->search_conninfo == '\0' || service->index) &&
        (*config->db_read_conninfo == '\0' ||
            replica_attach(service->pg, config, &scoreboard->replica)))
        return service;
    service_free(service);
    return NULL;
}

void service_free(struct service *service)
{
    if (!service)
        return;
    replica_detach(service->pg);
    pg_free(service->pg);
    pg_free(service->index);
    cache_free(service->cache);
    buf_free(&service->detail);
    buf_free(&service->touched);
    buf_free(&service->scratch);
    news_free(&service->news);
    free(service);
}

bool service_is_connected(const struct service *service)
{
    return pg_is_connected(service->pg);
}

bool service_connect(struct service *service)
{
    bool is_connected = pg_refresh(service->pg);

    cache_meet_database(service->cache, pg_identity(service->pg));
    if (is_connected)
        replica_look(service->pg);
    return is_connected;
}

bool service_rest(struct service *service, bool is_idle)
{
    cache_send(service->cache, is_idle);
    return !cache_has_unsent(service->cache);
}

bool service_check_spec(
    const struct spec *spec, const struct config *config, struct buf *faults)
{
    return api_check_spec(spec, *config->auth_key_file, faults);
}

/* --- who may ------------------------------------------------------------ */

static enum error check_access(const struct service *service, struct call *call,
    const struct api_operation *operation)
{
    const char *reason;

    if (!auth_is_on(service->auth) || !call->route->operation->secured)
        return OK;
    enum error error = auth_check(
        service->auth, call->request->authorization, &call->identity, &reason);
    if (error == ERR_UNAUTHENTICATED)
        return api_fail(call, error, "%s", reason);
    if (error)
        return error;
    if (!api_allows(call, operation))
        return api_fail(call, ERR_FORBIDDEN,
            operation->access == ACCESS_ADMIN
                ? "only an administrator may do this"
                : "the token is another participant's");
    return OK;
}

/* --- doing it ----------------------------------------------------------- */

static enum error fail_for_memory(void)
{
    log_error("serve", "out of memory");
    return ERR_INTERNAL;
}

/* A response whose buffers could not grow is no response. */
static bool is_whole(const struct http_response *response)
{
    return !response->body.failed && !response->headers.failed;
}

static enum error handle(struct call *call,
    const struct api_operation *operation, struct http_response *response)
{
    enum error error = operation->handle(call, response);

    if (!error && (!is_whole(response) || call->touched->failed))
        return fail_for_memory();
    return error;
}

static struct text text_of(const char *string)
{
    return (struct text){.data = string, .len = strlen(string)};
}

/* The answer of then. Pages are dropped as they were, or were to be: whoever
 * answered first may have lost the outcome, or died. */
static enum error replay(struct call *call, const struct stored_answer *answer,
    struct http_response *response)
{
    http_header(response, "Idempotent-Replayed", "true");
    response->status = answer->status;
    buf_add(&response->body, answer->body.data, answer->body.len);
    if (!api_participant(call))
        return OK;
    return store_readers(call->pg, api_participant(call),
        call->config->feed_inline_friends, call->touched);
}

/* Makes the key ours (*is_new), or answers for it. */
static enum error claim_key(struct call *call, struct text scope,
    struct http_response *response, bool *is_new)
{
    const struct http_request *request = call->request;
    struct text key = text_of(request->idempotency_key);
    struct text body = {request->body, request->body_len};
    struct stored_answer answer;
    enum store_key state;

    enum error error =
        store_key_claim(call->pg, scope, key, body, &state, &answer);
    if (error)
        return error;
    *is_new = state == KEY_NEW;
    if (state == KEY_RUNNING)
        return api_fail(call, ERR_CONFLICT,
            "the first request with this Idempotency-Key is still running");
    if (state == KEY_OTHER)
        return api_fail(call, ERR_KEY_REUSED,
            "this Idempotency-Key belongs to a request with another body");
    if (state == KEY_GONE)
        return api_fail(call, ERR_NOT_FOUND,
            "what the first request with this Idempotency-Key made was "
            "removed");
    if (state == KEY_DONE)
        error = replay(call, &answer, response);
    return is_whole(response) ? error : fail_for_memory();
}

/* Keeps the answer for the key. */
static enum error finish_key(
    struct call *call, struct text scope, const struct http_response *response)
{
    struct stored_answer answer = {
        .status = response->status,
        .body = {buf_text(&response->body), response->body.len},
        .participant = call->made_participant ? call->made_participant
                                              : api_participant(call),
        .post = call->made_post,
    };

    return store_key_finish(
        call->pg, scope, text_of(call->request->idempotency_key), &answer);
}

static void start_response(struct call *call, struct http_response *response)
{
    http_response_reset(response);
    buf_reset(call->touched, KEPT);
    news_reset(call->news, KEPT);
    response->status = 200;
    response->content_type = HTTP_JSON;
}

static enum error transact(struct call *call,
    const struct api_operation *operation, const struct text *scope,
    struct http_response *response)
{
    bool is_new = !scope;

    start_response(call, response);
    enum error error = pg_begin(call->pg);
    if (!error && scope)
        error = claim_key(call, *scope, response, &is_new);
    if (!error && is_new)
        error = handle(call, operation, response);
    if (!error && is_new && scope)
        error = finish_key(call, *scope, response);
    if (!error && is_new)
        error = pg_commit(call->pg);
    pg_rollback(call->pg);
    return error;
}

/* The same within a transaction, which runs again where a statement alone
 * would. scope: of the key for which it also keeps the answer; NULL: of none.
 */
static enum error handle_whole(struct call *call,
    const struct api_operation *operation, const struct text *scope,
    struct http_response *response)
{
    enum error error = ERR_LOCKED;

    for (int i = 0; i < PG_RUNS_MAX && error == ERR_LOCKED; i++)
        error = transact(call, operation, scope, response);
    return error;
}

/* A key is its sender's, for one method and path. */
static enum error handle_once(struct call *call,
    const struct api_operation *operation, struct http_response *response)
{
    const struct http_request *request = call->request;
    struct buf name = {0};

    buf_printf(&name, "%lld%s %s %s", (long long)call->identity.participant,
        call->identity.is_admin ? "+" : "", request->method, request->path);
    struct text scope = {buf_text(&name), name.len};

    enum error error = name.failed
                           ? fail_for_memory()
                           : handle_whole(call, operation, &scope, response);
    buf_free(&name);
    return error;
}

static bool is_read(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Of those whom it touched, once all is committed. */
static void change_pages(struct call *call)
{
    const int64_t *feeds = (const int64_t *)(void *)call->touched->data;
    size_t count = call->touched->len / sizeof(int64_t);
    struct cache_news news = {call->news->post, news_print, call->news};

    if (call->news->post)
        cache_put(call->cache, feeds, count, &news);
    else
        cache_drop(call->cache, feeds, count);
}

static enum error run(struct call *call, const struct spec_operation *described,
    const struct api_operation *operation, struct http_response *response)
{
    bool once =
        call->request->idempotency_key &&
        spec_find_parameter(described, HTTP_IDEMPOTENCY_KEY, SPEC_IN_HEADER);
    bool many = json_count(call->arguments->body) > 0; /* or none of them */

    replica_begin(call->pg, is_read(call->request->method));
    start_response(call, response);
    enum error error = once   ? handle_once(call, operation, response)
                       : many ? handle_whole(call, operation, NULL, response)
                              : handle(call, operation, response);
    cache_meet_database(call->cache, pg_identity(call->pg));
    if (!error)
        change_pages(call);
    return error;
}

/* --- answering ---------------------------------------------------------- */

static const char *default_detail(enum error error)
{
    switch (error) {
    case ERR_INVALID:
        return "the request does not fit the API's description";
    case ERR_NOT_FOUND:
        return "this path does not exist";
    case ERR_METHOD:
        return "this path knows other methods, see Allow";
    case ERR_CHANGED:
        return "it has changed since the entity tag of If-Match";
    case ERR_TOO_LARGE:
        return "the body must be at most " CONTRACT_TEXT(
            CONTRACT_BODY_MAX) " bytes";
    case ERR_MEDIA_TYPE:
        return "the body must be sent as Content-Type: application/json";
    case ERR_UNAVAILABLE:
        return "the service is overloaded; try again";
    case ERR_QUEUED:
        return "the service is overloaded, this request waited too long for "
               "its turn; try again";
    case ERR_TIMEOUT:
        return "the database took too long; try again";
    case ERR_LOCKED:
        return "the database took too long, other requests were in the way; "
               "try again";
    case ERR_NO_DATABASE:
        return "the service is without its database; try again";
    case ERR_NO_SEARCH:
        return "the search is out of reach, all else goes on; try again";
    case ERR_UNKNOWN:
        return "it is not known whether this was done; repeat it with the same "
               "Idempotency-Key, or without one look first";
    default:
        return "something unforeseen happened; it was logged with this "
               "request_id";
    }
}

static void print_headers(const struct http_request *request, enum error error,
    const struct route *route, struct http_response *response)
{
    struct buf allow = {0};

    if (error_status(error) == 503)
        http_header(response, "Retry-After", "1");
    if (error == ERR_UNAUTHENTICATED)
        http_header(response, "WWW-Authenticate", "Bearer realm=\"newsfeed\"%s",
            request->authorization ? ", error=\"invalid_token\"" : "");
    if (error == ERR_METHOD) {
        route_allow(route->path, &allow);
        http_header(response, "Allow", "%s", buf_text(&allow));
        response->headers.failed |= allow.failed;
    }
    buf_free(&allow);
}

static void print_problem(const struct http_request *request, enum error error,
    const struct call *call, const struct route *route,
    struct http_response *response)
{
    struct buf instance = {0};

    if (error == ERR_INTERNAL)
        log_error(
            "serve", "%s %s answered 500", request->method, request->path);
    http_response_reset(response);
    response->status = error_status(error);
    response->content_type = HTTP_PROBLEM;
    print_headers(request, error, route, response);

    /* a path may hold any byte, a problem is UTF-8 */
    http_encode(&instance, request->path, "-._~!$&'()*+,;=:@/%");
    json_print_problem(&response->body,
        &(struct problem){
            .status = response->status,
            .detail = call->detail->len > 0 ? buf_text(call->detail)
                                            : default_detail(error),
            .instance = buf_text(&instance),
            .request_id = request->id,
            .faults = call->faults,
        });
    if (instance.failed || !is_whole(response)) { /* say less */
        http_response_reset(response);
        response->status = error_status(ERR_INTERNAL);
    }
    buf_free(&instance);
}

/* A GET carries a tag, and nothing else if the client has the same already. */
static void finish_read(
    const struct http_request *request, struct http_response *response)
{
    if (response->is_passing)
        return;
    if (!response->etag[0])
        http_set_etag(response);
    if (!request->if_none_match ||
        !http_etag_matches(request->if_none_match, response->etag))
        return;
    response->status = 304;
    response->content_type = NULL;
    buf_reset(&response->body, KEPT);
}

static void note(const struct call *call, const struct api_operation *operation,
    struct http_response *response, int64_t began)
{
    bool is_asked = call->request->auth_only;
    struct spent database = *pg_spent(call->pg);
    int number = is_asked    ? OPERATION_ASKED
                 : operation ? api_number(operation)
                             : OPERATION_NONE;
    struct request_record record = {
        .request = call->request,
        .response = response,
        .operation = operation ? operation->id : NULL,
        .participant = api_participant(call),
        .ns = monotonic_ns() - began,
        .database = &database,
        .cache = cache_spent(call->cache),
    };

    if (call->index)
        spent_merge(&database, pg_spent(call->index));
    metrics_count(METRIC_REQUESTS, number, metrics_status(response->status));
    metrics_took(METRIC_REQUEST_TIME, number, record.ns);
    if (!is_asked)
        request_log_time(call->config, &record, response);
    request_log(call->config, &record);
}

void serve(struct service *service, const struct http_request *request,
    struct http_response *response)
{
    struct route route = {0};
    struct arguments arguments = {0};
    struct faults faults = {0};
    struct call call = {
        .config = service->config,
        .pg = service->pg,
        .index = service->index,
        .cache = service->cache,
        .request = request,
        .route = &route,
        .arguments = &arguments,
        .faults = &faults,
        .detail = &service->detail,
        .touched = &service->touched,
        .scratch = &service->scratch,
        .news = &service->news,
    };
    const struct api_operation *operation = NULL;
    int64_t began = monotonic_ns();

    buf_reset(&service->detail, KEPT);
    buf_reset(&service->touched, KEPT);
    buf_reset(&service->scratch, KEPT);
    news_reset(&service->news, KEPT);
    *pg_spent(service->pg) = *cache_spent(service->cache) = (struct spent){0};
    if (service->index)
        *pg_spent(service->index) = (struct spent){0};

    enum error error = request->expired ? ERR_QUEUED : OK;
    if (!error)
        error =
            route_match(service->spec, request->method, request->path, &route);
    if (!error) {
        operation = api_find(route.operation->id);
        check_path(&route, &arguments, &faults);
        error = faults.failed ? ERR_INTERNAL
                              : check_access(service, &call, operation);
    }
    if (request->auth_only) { /* nginx acts on nothing but these two */
        response->status = error ? 403 : 204;
        goto out;
    }
    if (!error)
        error = check_request(request, &route, &arguments, &faults);
    if (!error)
        error = api_check_ids(&call, operation);
    if (!error)
        error = run(&call, route.operation, operation, response);
    if (faults.failed)
        error = fail_for_memory();

    if (error_status(error) == 503)
        metrics_count(METRIC_REFUSED, (int)error, 0);
    if (error)
        print_problem(request, error, &call, &route, response);
    else if (is_read(request->method))
        finish_read(request, response);
out:
    if (response->status == 204)
        response->content_type = NULL;
    note(&call, operation, response, began);
    arguments_free(&arguments);
    faults_free(&faults);
}
