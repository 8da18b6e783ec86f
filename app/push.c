/* The only file that knows libwebsockets and libev: who listens, by
 * server-sent events or WebSocket on one path, and is sent messages. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>
#include <libwebsockets.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "push.h"

enum {
    HEAD_MAX = 1024,     /* bytes, of a request's head and an answer's */
    FRAME_MAX = 4 << 10, /* bytes, of what a client may say */
    CHUNK = 32 << 10, /* bytes that one write gathers, if messages are short */
    OTHERS = 64,      /* descriptors for other things than connections */
    SCAN_INTERVAL = 1000, /* ms between looks who ends or is silent */
    PAUSE_MS = 10,        /* after the system ran out of descriptors */
    SILENCES = 4,         /* heartbeats in which nothing could be written */
    RETRY_MS = 1000,      /* until a client comes again, and up to twice that */
    EVENT_MAX = 16,
    ID_MAX = 44,
};

struct push_message {
    int references;
    char event[EVENT_MAX];
    char id[ID_MAX];
    size_t gap;
    size_t len;
    char data[];
};

struct push_peer {
    struct push_peer *next; /* a ring with push.peers, oldest first */
    struct push_peer *previous;
    struct push *push;
    struct lws *wsi;
    void *listener; /* the service's; NULL: it was turned away */
    bool is_websocket;
    bool is_ending;  /* when all is sent */
    bool is_due;     /* a sign of life */
    int64_t said_at; /* monotonic ms; the last message or sign */
    int64_t until;
    ev_io going; /* of server-sent events, see on_readable */
    size_t own_len;
    char own[PUSH_OWN_MAX];

    size_t unsent;
    struct push_message **queue; /* a ring */
    unsigned first;
    unsigned count;
    unsigned room; /* a power of two, or 0 */
};

struct push {
    struct push_service service;
    int heartbeat;
    int64_t scan_at;
    int listen_fd;
    struct push_peer peers; /* only its links */
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct buf chunk; /* to be written, behind LWS_PRE bytes */

    struct ev_loop *loop;
    ev_io listening;
    ev_timer timer;
};

/* --- messages ----------------------------------------------------------- */

struct push_message *push_message_new(
    const char *event, const char *id, struct text data, size_t gap)
{
    struct push_message *message = malloc(sizeof(*message) + data.len);

    if (!message)
        return NULL;
    message->references = 1;
    snprintf(message->event, sizeof(message->event), "%s", event);
    snprintf(message->id, sizeof(message->id), "%s", id);
    message->gap = gap;
    message->len = data.len;
    memcpy(message->data, data.data, data.len);
    return message;
}

void push_release(struct push_message *message)
{
    if (message && --message->references == 0)
        free(message);
}

static void print_data(const struct push_peer *peer,
    const struct push_message *message, struct buf *out)
{
    buf_add(out, message->data, message->gap);
    if (message->gap > 0)
        buf_add(out, peer->own, peer->own_len);
    buf_add(out, message->data + message->gap, message->len - message->gap);
}

/* In the form of the HTML standard, "Server-sent events". */
static void print_event(const struct push_peer *peer,
    const struct push_message *message, struct buf *out)
{
    buf_puts(out, "event: ");
    buf_puts(out, message->event);
    buf_puts(out, "\nid: ");
    buf_puts(out, message->id);
    buf_puts(out, "\ndata: ");
    print_data(peer, message, out);
    buf_puts(out, "\n\n");
}

static void print_frame(const struct push_peer *peer,
    const struct push_message *message, struct buf *out)
{
    buf_puts(out, "{\"event\":\"");
    buf_puts(out, message->event);
    buf_puts(out, "\",\"id\":\"");
    buf_puts(out, message->id);
    buf_puts(out, "\",\"data\":");
    print_data(peer, message, out);
    buf_puts(out, "}");
}

/* --- queues ------------------------------------------------------------- */

static size_t size_of(const struct push_message *message)
{
    return sizeof(*message) + message->len;
}

static bool make_room(struct push_peer *peer)
{
    unsigned room = peer->room > 0 ? 2 * peer->room : 4;

    if (peer->count < peer->room)
        return true;
    struct push_message **queue = calloc(room, sizeof(struct push_message *));
    if (!queue)
        return false;
    for (unsigned i = 0; i < peer->count; i++)
        queue[i] = peer->queue[(peer->first + i) & (peer->room - 1)];
    free(peer->queue);
    peer->queue = queue;
    peer->first = 0;
    peer->room = room;
    return true;
}

static struct push_message *first_of(const struct push_peer *peer)
{
    return peer->queue[peer->first];
}

static void drop_first(struct push_peer *peer)
{
    struct push_message *message = first_of(peer);

    peer->first = (peer->first + 1) & (peer->room - 1);
    peer->count--;
    peer->unsent -= size_of(message);
    push_release(message);
    if (peer->count == 0) { /* most have nothing to wait for */
        free(peer->queue);
        peer->queue = NULL;
        peer->first = peer->room = 0;
    }
}

/* Whoever takes nothing more is never asked to write: the loop finds that the
 * connection is over. */
static void cut(struct push_peer *peer)
{
    peer->is_ending = true;
    metrics_count(METRIC_STREAMS, STREAM_DROPPED, 0);
    while (peer->count > 0)
        drop_first(peer);
    shutdown(lws_get_socket_fd(peer->wsi), SHUT_RDWR);
}

void push_send(struct push_peer *peer, struct push_message *message)
{
    if (peer->is_ending)
        return;
    if (peer->unsent + size_of(message) > PUSH_UNSENT_MAX || !make_room(peer)) {
        log_info("push", "a listener is dropped that is %zu bytes behind",
            peer->unsent);
        cut(peer);
        return;
    }
    metrics_count(METRIC_MESSAGES, 0, 0);
    message->references++;
    peer->queue[(peer->first + peer->count++) & (peer->room - 1)] = message;
    peer->unsent += size_of(message);
    lws_callback_on_writable(peer->wsi);
}

size_t push_unsent(const struct push_peer *peer)
{
    return peer->unsent;
}

void push_end(struct push_peer *peer)
{
    if (peer->is_ending)
        return;
    peer->is_ending = true;
    lws_callback_on_writable(peer->wsi);
}

bool push_end_some(struct push *push, int count)
{
    struct push_peer *peer = push->peers.next;

    for (; peer != &push->peers && count > 0; peer = peer->next)
        if (!peer->is_ending) {
            push_end(peer);
            count--;
        }
    return push->peers.next != &push->peers;
}

/* --- writing ------------------------------------------------------------ */

static void start_chunk(struct push *push)
{
    static const char nothing[LWS_PRE];

    buf_reset(&push->chunk, CHUNK);
    buf_add(&push->chunk, nothing, LWS_PRE);
}

/* What the kernel does not take at once, the library keeps, and asks for no
 * more until that is gone. False: the connection is to be closed. */
static bool write_chunk(struct push_peer *peer, enum lws_write_protocol how)
{
    struct buf *chunk = &peer->push->chunk;
    size_t len = chunk->len - LWS_PRE;

    return !chunk->failed &&
           lws_write(peer->wsi, (unsigned char *)chunk->data + LWS_PRE, len,
               how) >= (int)len;
}

/* One WebSocket message, or as many events as make a chunk. */
static bool write_messages(struct push_peer *peer)
{
    struct buf *chunk = &peer->push->chunk;

    start_chunk(peer->push);
    do {
        if (peer->is_websocket)
            print_frame(peer, first_of(peer), chunk);
        else
            print_event(peer, first_of(peer), chunk);
        drop_first(peer);
    } while (!peer->is_websocket && peer->count > 0 && chunk->len < CHUNK);
    return write_chunk(
        peer, peer->is_websocket ? LWS_WRITE_TEXT : LWS_WRITE_HTTP);
}

static bool write_sign(struct push_peer *peer)
{
    start_chunk(peer->push);
    if (!peer->is_websocket)
        buf_puts(&peer->push->chunk, ":\n\n");
    return write_chunk(
        peer, peer->is_websocket ? LWS_WRITE_PING : LWS_WRITE_HTTP);
}

static bool write_something(struct push_peer *peer)
{
    bool is_fine = true;

    if (peer->count > 0)
        is_fine = write_messages(peer);
    else if (peer->is_due && !peer->is_ending)
        is_fine = write_sign(peer);
    peer->is_due = false;
    peer->said_at = monotonic_ms();
    if (is_fine && (peer->count > 0 || peer->is_ending))
        lws_callback_on_writable(peer->wsi);
    return is_fine;
}

/* Returns what ends the connection, or 0. */
static int on_writable(struct push_peer *peer)
{
    if (!peer->is_ending || peer->count > 0)
        return write_something(peer) ? 0 : -1;
    if (peer->is_websocket)
        lws_close_reason(peer->wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
    return -1;
}

/* --- coming ------------------------------------------------------------- */

static struct push_peer *peer_new(
    struct push *push, struct lws *wsi, bool is_websocket)
{
    struct push_peer *peer = calloc(1, sizeof(*peer));

    if (!peer)
        return NULL;
    peer->push = push;
    peer->wsi = wsi;
    peer->is_websocket = is_websocket;
    peer->said_at = monotonic_ms();
    peer->previous = push->peers.previous;
    peer->next = &push->peers;
    peer->previous->next = peer->next->previous = peer;
    lws_set_opaque_user_data(wsi, peer);
    return peer;
}

static void peer_free(struct push_peer *peer)
{
    struct push *push = peer->push;

    ev_io_stop(push->loop, &peer->going);
    while (peer->count > 0)
        drop_first(peer);
    peer->previous->next = peer->next;
    peer->next->previous = peer->previous;
    if (peer->listener)
        push->service.close(push->service.context, peer->listener);
    free(peer);
}

void push_set(struct push_peer *peer, const char *own, int64_t until)
{
    snprintf(peer->own, sizeof(peer->own), "%s", own);
    peer->own_len = strlen(peer->own);
    peer->until = until;
}

static bool print_head(struct lws *wsi, int status, const char *type,
    lws_filepos_t len, struct buf *out)
{
    unsigned char head[LWS_PRE + HEAD_MAX];
    unsigned char *start = head + LWS_PRE;
    unsigned char *p = start;
    unsigned char *end = head + sizeof(head);

    if (lws_add_http_common_headers(
            wsi, (unsigned)status, type, len, &p, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
            (const unsigned char *)"no-store", 8, &p, end) ||
        lws_finalize_http_header(wsi, &p, end))
        return false;
    buf_add(out, start, (size_t)(p - start));
    return !out->failed;
}

static bool write_head(struct push *push, struct lws *wsi)
{
    const struct buf *chunk = &push->chunk;
    size_t len = chunk->len - LWS_PRE;

    return !chunk->failed &&
           lws_write(wsi, (unsigned char *)chunk->data + LWS_PRE, len,
               LWS_WRITE_HTTP_HEADERS) >= (int)len;
}

/* Head and document at once, which the kernel has room for; then it is over. */
static int turn_away(
    struct push *push, struct lws *wsi, struct push_refusal *refusal)
{
    start_chunk(push);
    if (print_head(wsi, refusal->status, refusal->content_type,
            refusal->body.len, &push->chunk)) {
        buf_add(&push->chunk, buf_text(&refusal->body), refusal->body.len);
        (void)write_head(push, wsi);
    }
    return -1;
}

/* When a client whose connection ends comes again: not all at once. */
static int choose_retry(void)
{
    unsigned random = 0;

    if (getrandom(&random, sizeof(random), 0) < 0)
        random = 0;
    return RETRY_MS + (int)(random % RETRY_MS);
}

/* Amid an answer, the library neither reads nor hears that the other side is
 * gone, and would be told of it again and again. What else is said there means
 * nothing. */
static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct push_peer *peer = watcher->data;
    char scrap[512];

    (void)loop;
    (void)events;
    ssize_t got = recv(watcher->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        lws_set_timeout(peer->wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_SYNC);
}

static void watch(struct push_peer *peer)
{
    ev_io_init(
        &peer->going, on_readable, lws_get_socket_fd(peer->wsi), EV_READ);
    peer->going.data = peer;
    ev_io_start(peer->push->loop, &peer->going);
}

static int greet(struct push *push, struct lws *wsi)
{
    start_chunk(push);
    if (!print_head(wsi, 200, "text/event-stream", LWS_ILLEGAL_HTTP_CONTENT_LEN,
            &push->chunk))
        return -1;
    buf_printf(&push->chunk, "retry: %d\n\n", choose_retry());
    if (!write_head(push, wsi))
        return -1;
    lws_http_headers_detach(wsi); /* or each would keep them */
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    return 0;
}

static bool copy_id(struct lws *wsi, char text[HEAD_MAX])
{
    *text = '\0';
    return lws_hdr_custom_length(wsi, "x-request-id:", 13) <= 0 ||
           lws_hdr_custom_copy(wsi, text, HEAD_MAX, "x-request-id:", 13) >= 0;
}

/* 0: it listens. */
static int let_in(struct push *push, struct lws *wsi, bool is_websocket)
{
    char path[HEAD_MAX], id[HEAD_MAX];
    struct push_refusal refusal = {0};
    struct push_peer *peer = NULL;
    int code = -1;

    if (lws_hdr_copy(wsi, path, HEAD_MAX, WSI_TOKEN_GET_URI) >= 0 &&
        copy_id(wsi, id))
        peer = peer_new(push, wsi, is_websocket);
    if (!peer)
        return -1;
    peer->listener = push->service.open(push->service.context, peer,
        &(struct push_request){path, id}, &refusal);
    if (!peer->listener)
        code = turn_away(push, wsi, &refusal);
    else
        code = is_websocket ? 0 : greet(push, wsi);
    if (code == 0 && !is_websocket)
        watch(peer);
    buf_free(&refusal.body);
    return code;
}

/* --- the library -------------------------------------------------------- */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
    struct push *push = lws_context_user(lws_get_context(wsi));
    struct push_peer *peer = lws_get_opaque_user_data(wsi);

    (void)user;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return let_in(push, wsi, false);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return strcasecmp(in, "websocket") == 0 ? let_in(push, wsi, true) : -1;
    case LWS_CALLBACK_ESTABLISHED:
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return peer ? on_writable(peer) : -1;
    case LWS_CALLBACK_RECEIVE:
        if (len + lws_remaining_packet_payload(wsi) <= FRAME_MAX)
            return 0;
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        if (peer)
            peer_free(peer);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "newsfeed", .callback = on_event, .rx_buffer_size = FRAME_MAX},
    {0},
};

/* Its warnings are about what clients send. */
static void log_line(int level, const char *line)
{
    size_t len = strcspn(line, "\n");

    if (level == LLL_ERR)
        log_error("push", "%.*s", (int)len, line);
    else
        log_debug("push", "%.*s", (int)len, line);
}

/* --- the loop ----------------------------------------------------------- */

static void on_connection(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct push *push = watcher->data;
    int fd;

    (void)loop;
    (void)events;
    while ((fd = accept4(push->listen_fd, NULL, NULL,
                SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        if (!lws_adopt_socket_vhost(push->vhost, fd))
            log_error("push", "a connection could not be taken");
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log_error("push", "cannot accept: %s", strerror(errno));
        poll(NULL, 0, PAUSE_MS);
    }
}

static void look_at(struct push_peer *peer, int64_t now, int64_t seconds)
{
    int64_t silence = now - peer->said_at;

    if (peer->until > 0 && seconds >= peer->until)
        push_end(peer);
    if (silence < peer->push->heartbeat)
        return;
    if (silence >= SILENCES * (int64_t)peer->push->heartbeat) {
        cut(peer); /* it was asked for long whether it takes anything */
        return;
    }
    peer->is_due = true;
    lws_callback_on_writable(peer->wsi);
}

/* Who ends, and who has heard nothing for long. */
static void scan(struct push *push)
{
    int64_t now = monotonic_ms();
    int64_t seconds = (int64_t)time(NULL);

    if (now < push->scan_at)
        return;
    push->scan_at =
        now + (push->heartbeat < 2 * SCAN_INTERVAL ? push->heartbeat / 2
                                                   : SCAN_INTERVAL);
    for (struct push_peer *peer = push->peers.next; peer != &push->peers;
         peer = peer->next)
        look_at(peer, now, seconds);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct push *push = timer->data;

    (void)events;
    scan(push);
    timer->repeat = push->service.turn(push->service.context) / 1000.0;
    ev_timer_again(loop, timer);
}

void push_run(struct push *push)
{
    ev_run(push->loop, 0);
}

void push_stop(struct push *push)
{
    ev_break(push->loop, EVBREAK_ALL);
}

void push_shut(struct push *push)
{
    ev_io_stop(push->loop, &push->listening);
}

/* --- beginning and end -------------------------------------------------- */

/* The library makes tables for as many descriptors as there may be: so many are
 * asked for as are needed. */
static bool allow_descriptors(int connections)
{
    rlim_t wanted = (rlim_t)connections + OTHERS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    if (limit.rlim_max < wanted)
        log_warn("push",
            "no more than %llu descriptors may be open, for %d connections: "
            "raise the limit (ulimit -Hn, LimitNOFILE=)",
            (unsigned long long)limit.rlim_max, connections);
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool start_library(struct push *push)
{
    /* Signs of life are ours. */
    static const lws_retry_bo_t patience;
    void *loops[] = {push->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_DISABLE_IPV6,
        .foreign_loops = loops,
        .user = push,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .retry_and_idle_policy = &patience,
        .max_http_header_data = HEAD_MAX,
        .pt_serv_buf_size = FRAME_MAX,
    };

    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    push->context = lws_create_context(&info);
    if (push->context)
        push->vhost = lws_get_vhost_by_name(push->context, "default");
    return push->vhost != NULL;
}

/* Others may take what has come first. */
static bool start_watching(struct push *push)
{
    int flags = fcntl(push->listen_fd, F_GETFL);

    if (flags < 0 || fcntl(push->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return false;
    ev_io_init(&push->listening, on_connection, push->listen_fd, EV_READ);
    push->listening.data = push;
    ev_io_start(push->loop, &push->listening);
    ev_timer_init(&push->timer, on_time, 0, 0);
    push->timer.data = push;
    ev_timer_start(push->loop, &push->timer);
    return true;
}

struct push *push_new(int listen_fd, int connections, int heartbeat,
    const struct push_service *service)
{
    struct push *push = calloc(1, sizeof(*push));

    if (!push)
        return NULL;
    push->service = *service;
    push->heartbeat = heartbeat;
    push->listen_fd = listen_fd;
    push->peers.next = push->peers.previous = &push->peers;
    if (!allow_descriptors(connections))
        log_warn("push", "cannot raise the limit of descriptors: %s",
            strerror(errno));
    push->loop = ev_loop_new(EVFLAG_NOSIGMASK);
    if (!push->loop || !start_watching(push) || !start_library(push)) {
        log_error("push",
            "libwebsockets does not start; it needs its part for libev "
            "(libwebsockets-evlib-ev)");
        push_free(push);
        return NULL;
    }
    return push;
}

void push_free(struct push *push)
{
    if (!push)
        return;
    if (push->context)
        lws_context_destroy(push->context);
    if (push->loop)
        ev_loop_destroy(push->loop);
    buf_free(&push->chunk);
    free(push);
}
