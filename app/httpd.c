/* The only file that knows libmicrohttpd: answers GETs with texts, whatever the
 * rest of the process is at. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "clock.h"
#include "httpd.h"
#include "log.h"

enum {
    CONNECTIONS_MAX = 32,
    MEMORY_MAX = 8 << 10, /* bytes, of a request's head */
    TIMEOUT = 10,         /* s, between two bytes, or two requests */
    REQUEST_TIME = 3000,  /* ms, of a request and its answer */
};

/* Who is connected. */
struct guest {
    int fd;      /* -1: nobody */
    int64_t due; /* monotonic ms, by which it is to be answered */
};

struct httpd {
    httpd_handler *handler;
    void *context;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* of the guests */
    struct guest guests[CONNECTIONS_MAX];
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

/* --- who is connected --------------------------------------------------- */

/* NULL: nobody has that descriptor or, of -1, no place is free. */
static struct guest *find_guest(struct httpd *httpd, int fd)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (httpd->guests[i].fd == fd)
            return &httpd->guests[i];
    return NULL;
}

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

/* A connection's descriptor is still its own when it ends. */
static void on_connection(void *context, struct MHD_Connection *connection,
    void **state, enum MHD_ConnectionNotificationCode code)
{
    struct httpd *httpd = context;
    int fd = fd_of(connection);
    bool is_new = code == MHD_CONNECTION_NOTIFY_STARTED;

    (void)state;
    pthread_mutex_lock(&httpd->lock);
    struct guest *guest = find_guest(httpd, is_new ? -1 : fd);
    if (guest)
        *guest =
            (struct guest){is_new ? fd : -1, monotonic_ms() + REQUEST_TIME};
    pthread_mutex_unlock(&httpd->lock);
}

/* The next request may come until the time between two is over. */
static void on_answered(void *context, struct MHD_Connection *connection,
    void **state, enum MHD_RequestTerminationCode code)
{
    struct httpd *httpd = context;

    (void)state;
    (void)code;
    pthread_mutex_lock(&httpd->lock);
    struct guest *guest = find_guest(httpd, fd_of(connection));
    if (guest)
        guest->due = monotonic_ms() + TIMEOUT * 1000 + REQUEST_TIME;
    pthread_mutex_unlock(&httpd->lock);
}

void httpd_end_late(struct httpd *httpd)
{
    int64_t now = monotonic_ms();

    pthread_mutex_lock(&httpd->lock);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        const struct guest *guest = &httpd->guests[i];
        if (guest->fd >= 0 && now > guest->due)
            shutdown(guest->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&httpd->lock);
}

/* --- starting ----------------------------------------------------------- */

struct httpd *httpd_start(int listen_fd, httpd_handler *handler, void *context)
{
    struct httpd *httpd = calloc(1, sizeof(*httpd));

    if (!httpd)
        return NULL;
    httpd->handler = handler;
    httpd->context = context;
    pthread_mutex_init(&httpd->lock, NULL);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        httpd->guests[i].fd = -1;
    httpd->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, on_request, httpd, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, httpd,
        MHD_OPTION_NOTIFY_COMPLETED, on_answered, httpd, MHD_OPTION_END);
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
