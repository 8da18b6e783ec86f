/* The only file that knows libfcgi. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "contract.h"
#include "fcgi.h"
#include "log.h"

enum {
    NO_SOCKET = -1,

    /* nginx sends right after it has connected. */
    FIRST_BYTE_TIMEOUT = 1000, /* ms */

    /* Of one read or write on a connection; nginx sends a request whole and
     * takes answers as fast as they come. */
    IO_TIMEOUT_SECONDS = 5,

    /* Input behind a refused body that is read and thrown away: closing with
     * unread input would tear the answer up. Beyond, the peer has it so. */
    DRAIN_MAX = 1 << 20,

    PAUSE_MS = 100, /* after the system ran out of descriptors or memory */

    HEAD_KEEP_MAX = 16 << 10, /* bytes kept for the next answer */
};

struct fcgi {
    int listen_fd;
    int epoll_fd;
    bool initialized; /* request is */
    FCGX_Request request;
    bool is_head;
    char id[HTTP_REQUEST_ID_MAX + 1];
    char body[CONTRACT_BODY_MAX + 1];
    struct buf head;
};

static bool watch(struct fcgi *fcgi)
{
    /* Exclusive: one connection wakes one worker, not all of them. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    /* systemd takes O_NONBLOCK from the socket when it runs another command of
     * the unit, as for a reload. Who then waits in accept sees after a second
     * that it is to end. */
    struct timeval limit = {.tv_sec = 1};
    int flags = fcntl(fcgi->listen_fd, F_GETFL);

    return setsockopt(fcgi->listen_fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
               sizeof(limit)) == 0 &&
           flags >= 0 &&
           fcntl(fcgi->listen_fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           epoll_ctl(fcgi->epoll_fd, EPOLL_CTL_ADD, fcgi->listen_fd, &event) ==
               0;
}

/* libfcgi is given no socket to accept from: it would wait for as long as it
 * likes for what a peer has to say. */
static bool start_library(struct fcgi *fcgi)
{
    if (FCGX_Init() != 0)
        return false;
    signal(SIGPIPE, SIG_IGN);
    signal(
        SIGUSR1, SIG_IGN); /* libfcgi's own handler ends accepting for good */
    fcgi->initialized = FCGX_InitRequest(&fcgi->request, NO_SOCKET, 0) == 0;
    return fcgi->initialized;
}

struct fcgi *fcgi_open(int fd)
{
    struct fcgi *fcgi = calloc(1, sizeof(*fcgi));

    if (!fcgi) {
        log_error("fcgi", "out of memory");
        return NULL;
    }
    fcgi->listen_fd = fd;
    fcgi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (fcgi->epoll_fd < 0 || !watch(fcgi) || !start_library(fcgi)) {
        log_error(
            "fcgi", "cannot use the listening socket: %s", strerror(errno));
        fcgi_close(fcgi);
        return NULL;
    }
    return fcgi;
}

void fcgi_close(struct fcgi *fcgi)
{
    if (!fcgi)
        return;
    if (fcgi->initialized)
        FCGX_Free(&fcgi->request, 1);
    if (fcgi->epoll_fd >= 0)
        close(fcgi->epoll_fd);
    buf_free(&fcgi->head);
    free(fcgi);
}

/* Never keeps the connection, even if nginx is set to: a worker would wait on
 * its kept connections while others wait for a worker. A detached one is closed
 * at once; else the library would shut it down and wait up to two seconds for
 * nginx to close as well. A Unix socket loses nothing that was sent before it
 * was closed. */
static void finish(struct fcgi *fcgi)
{
    fcgi->request.keepConnection = 0;
    FCGX_Detach(&fcgi->request);
    FCGX_Finish_r(&fcgi->request);
}

static void limit_waiting(int fd)
{
    struct timeval limit = {.tv_sec = IO_TIMEOUT_SECONDS};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
        log_warn("fcgi", "cannot limit waiting: %s", strerror(errno));
}

/* Looks for a connection also when the time is up: the kernel wakes one of us
 * for each, and that one may stand still. */
static enum fcgi_event wait_for_connection(
    struct fcgi *fcgi, int patience, const sigset_t *wait_mask)
{
    struct epoll_event event;

    if (epoll_pwait(fcgi->epoll_fd, &event, 1, patience, wait_mask) >= 0)
        return FCGI_REQUEST;
    if (errno == EINTR)
        return FCGI_NOTHING;
    log_error("fcgi", "cannot wait for connections: %s", strerror(errno));
    return FCGI_BROKEN;
}

static enum fcgi_event take_connection(struct fcgi *fcgi)
{
    int fd = accept4(fcgi->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        limit_waiting(fd);
        fcgi->request.ipcFd = fd;
        return FCGI_REQUEST;
    }
    switch (errno) {
    case EAGAIN: /* another worker was faster */
    case EINTR:
    case ECONNABORTED:
        return FCGI_NOTHING;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        log_error("fcgi", "cannot accept: %s", strerror(errno));
        poll(NULL, 0, PAUSE_MS);
        return FCGI_NOTHING;
    default:
        log_error("fcgi", "cannot accept: %s", strerror(errno));
        return FCGI_BROKEN;
    }
}

/* Reads the request up to its body. libfcgi closes what it cannot read, and
 * looks for another one: there is none. */
static bool read_head(struct fcgi *fcgi)
{
    struct pollfd peer = {.fd = fcgi->request.ipcFd, .events = POLLIN};

    if (poll(&peer, 1, FIRST_BYTE_TIMEOUT) != 1) {
        finish(fcgi);
        return false;
    }
    fcgi->request.keepConnection = 1; /* or it were closed first of all */
    return FCGX_Accept_r(&fcgi->request) == 0;
}

/* nginx closes when its client goes away. Work that nobody waits for is worth
 * dropping just when there is too much of it. */
static bool is_peer_gone(int fd)
{
    struct pollfd peer = {.fd = fd};

    return poll(&peer, 1, 0) == 1 && (peer.revents & (POLLHUP | POLLERR));
}

/* NULL if it is empty too: so nginx says that a request has no such header. */
static const char *get(const struct fcgi *fcgi, const char *name)
{
    const char *value = FCGX_GetParam(name, fcgi->request.envp);

    return value && *value ? value : NULL;
}

static bool is_id(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return len > 0 && len <= HTTP_REQUEST_ID_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789._-") == len;
}

static void set_id(struct fcgi *fcgi)
{
    const char *id = get(fcgi, "REQUEST_ID");
    uint64_t random[2] = {0};

    if (is_id(id)) {
        strcpy(fcgi->id, id);
        return;
    }
    if (getrandom(random, sizeof(random), 0) < 0)
        log_warn("fcgi", "no random request id: %s", strerror(errno));
    snprintf(fcgi->id, sizeof(fcgi->id), "%016llx%016llx",
        (unsigned long long)random[0], (unsigned long long)random[1]);
}

static void read_body(struct fcgi *fcgi, struct http_request *request)
{
    const char *text = get(fcgi, "CONTENT_LENGTH");
    char *end;

    request->body = fcgi->body;
    fcgi->body[0] = '\0';
    if (!text)
        return;
    unsigned long long len = strtoull(text, &end, 10);
    request->body_too_large = len > CONTRACT_BODY_MAX;
    request->body_cut = *end != '\0';
    if (request->body_too_large || request->body_cut)
        return;

    int got = FCGX_GetStr(fcgi->body, (int)len, fcgi->request.in);
    request->body_len = got > 0 ? (size_t)got : 0;
    request->body_cut = request->body_len < len;
    fcgi->body[request->body_len] = '\0';
}

/* 0 if there is none, or none that could be. */
static uint64_t read_lease(const struct fcgi *fcgi)
{
    const char *text = get(fcgi, "CACHE_LEASE");
    char *end;

    uint64_t lease = text ? strtoull(text, &end, 10) : 0;
    return lease && *end == '\0' ? lease : 0;
}

/* The strings are libfcgi's until the request is finished; the target is cut
 * in two in place. */
static void read_request(struct fcgi *fcgi, struct http_request *request)
{
    char *path = FCGX_GetParam("REQUEST_URI", fcgi->request.envp);
    char *query = path ? strchr(path, '?') : NULL;
    const char *method = get(fcgi, "REQUEST_METHOD");

    if (query)
        *query++ = '\0';
    set_id(fcgi);
    *request = (struct http_request){
        .id = fcgi->id,
        .method = method ? method : "",
        .path = path ? path : "",
        .query = query ? query : "",
        .content_type = get(fcgi, "CONTENT_TYPE"),
        .authorization = get(fcgi, "HTTP_AUTHORIZATION"),
        .if_none_match = get(fcgi, "HTTP_IF_NONE_MATCH"),
        .if_match = get(fcgi, "HTTP_IF_MATCH"),
        .idempotency_key = get(fcgi, "HTTP_IDEMPOTENCY_KEY"),
        .last_event_id = get(fcgi, "HTTP_LAST_EVENT_ID"),
        .traceparent = get(fcgi, "HTTP_TRACEPARENT"),
    };
    request->auth_only = get(fcgi, "AUTH_ONLY") != NULL;
    request->may_stream = get(fcgi, "STREAM") != NULL;
    request->lease = read_lease(fcgi);
    fcgi->is_head = strcmp(request->method, "HEAD") == 0;
    read_body(fcgi, request);
}

/* nginx's $msec: seconds with three decimals. */
static int64_t read_start(const struct fcgi *fcgi)
{
    const char *text = get(fcgi, "REQUEST_START");
    double seconds = text ? strtod(text, NULL) : 0;

    return seconds > 0 && seconds < 1e12 ? (int64_t)(seconds * 1000) : 0;
}

enum fcgi_event fcgi_accept(struct fcgi *fcgi, int patience,
    const sigset_t *wait_mask, void (*busy)(void *context), void *context,
    struct http_request *request, int64_t *started_ms)
{
    enum fcgi_event event = wait_for_connection(fcgi, patience, wait_mask);

    if (event == FCGI_REQUEST)
        event = take_connection(fcgi);
    if (event != FCGI_REQUEST)
        return event;
    busy(context);
    if (!read_head(fcgi))
        return FCGI_NOTHING;
    if (is_peer_gone(fcgi->request.ipcFd)) {
        finish(fcgi);
        return FCGI_NOTHING;
    }
    read_request(fcgi, request);
    *started_ms = read_start(fcgi);
    return FCGI_REQUEST;
}

/* What is left of the input, within bounds. */
static void drain(struct fcgi *fcgi)
{
    char scrap[8192];
    int total = 0;
    int got;

    do {
        got = FCGX_GetStr(scrap, sizeof(scrap), fcgi->request.in);
        total += got;
    } while (got == (int)sizeof(scrap) && total < DRAIN_MAX);
}

void fcgi_respond(struct fcgi *fcgi, const struct http_response *response)
{
    const struct buf *body = &response->body;
    struct buf *head = &fcgi->head;
    FCGX_Stream *out = fcgi->request.out;

    drain(fcgi);
    http_print_head(response, head);
    if (head->failed || response->headers.failed || body->failed)
        log_error("fcgi", "no memory for the answer, none is sent");
    else if (FCGX_PutStr(buf_text(head), (int)head->len, out) < 0 ||
             (!fcgi->is_head &&
                 FCGX_PutStr(buf_text(body), (int)body->len, out) < 0))
        log_info("fcgi", "the answer was not taken: %s",
            strerror(FCGX_GetError(out)));
    buf_reset(head, HEAD_KEEP_MAX);
    finish(fcgi);
}
