/* The only file that knows libmicrohttpd: answers GETs with texts, whatever the
 * rest of the process is at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "httpd.h"
#include "log.h"

enum {
    CONNECTIONS_MAX = 32,
    MEMORY_MAX = 8 << 10, /* bytes, of a request's head */
    TIMEOUT = 10,         /* s */
};

struct httpd {
    httpd_handler *handler;
    void *context;
    struct MHD_Daemon *daemon;
};

static void log_line(void *context, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_line(void *context, const char *format, va_list args)
{
    char line[200];

    (void)context;
    vsnprintf(line, sizeof(line), format, args);
    log_debug("httpd", "%.*s", (int)strcspn(line, "\n"), line);
}

static enum MHD_Result refuse(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_NO;

    if (response &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD"))
        result = MHD_queue_response(
            connection, MHD_HTTP_METHOD_NOT_ALLOWED, response);
    MHD_destroy_response(response);
    return result;
}

/* Takes the body's memory over. */
static enum MHD_Result send_answer(
    struct MHD_Connection *connection, struct httpd_answer *answer)
{
    struct MHD_Response *response = NULL;
    enum MHD_Result result = MHD_NO;

    if (!answer->body.failed)
        response = MHD_create_response_from_buffer(
            answer->body.len, answer->body.data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        buf_free(&answer->body);
        return MHD_NO;
    }
    if (MHD_add_response_header(
            response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type) &&
        MHD_add_response_header(
            response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"))
        result =
            MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context,
    struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *body, size_t *body_len, void **state)
{
    struct httpd *httpd = context;
    struct httpd_answer answer = {0};

    (void)version;
    (void)body;
    if (!*state) { /* the head; the body, if there is one, comes next */
        *state = httpd;
        return MHD_YES;
    }
    if (*body_len > 0) {
        *body_len = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
        strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection);
    httpd->handler(httpd->context,
        &(struct httpd_request){
            .path = url,
            .accept = MHD_lookup_connection_value(
                connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
        },
        &answer);
    return send_answer(connection, &answer);
}

struct httpd *httpd_start(int listen_fd, httpd_handler *handler, void *context)
{
    struct httpd *httpd = calloc(1, sizeof(*httpd));

    if (!httpd)
        return NULL;
    httpd->handler = handler;
    httpd->context = context;
    httpd->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, on_request, httpd, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT,
        MHD_OPTION_END);
    if (httpd->daemon)
        return httpd;
    log_error("httpd", "libmicrohttpd does not start");
    free(httpd);
    return NULL;
}

/* Whoever else has the socket goes on to listen: to stop with it would shut it
 * down. */
void httpd_stop(struct httpd *httpd)
{
    if (!httpd)
        return;
    MHD_quiesce_daemon(httpd->daemon);
    MHD_stop_daemon(httpd->daemon);
    free(httpd);
}
