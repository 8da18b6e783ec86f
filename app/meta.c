/* The only file that speaks memcached's meta protocol. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "meta.h"

enum {
    KEY_MAX = 250,
    LINE_MAX_LEN = 2048, /* of an answer, by far */
    CHUNK = 64 << 10,    /* bytes that are put together before they are sent */
    KEPT = 256 << 10,    /* bytes of a buffer that stay allocated */
};

struct meta {
    char *host;
    int port;
    int timeout;
    int fd;              /* -1: not connected */
    bool is_fenced;      /* the answer to the fence is here */
    struct buf commands; /* not sent yet */
    struct buf answers;  /* not read yet, less than a line of them */
    struct buf told;
    struct buf refused; /* the last key whose value was not stored */
    char error[128];
};

struct meta *meta_new(const char *host, int port)
{
    struct meta *meta = calloc(1, sizeof(*meta));

    if (!meta)
        return NULL;
    meta->fd = -1;
    meta->port = port;
    meta->timeout = 1;
    meta->host = strdup(host);
    if (meta->host)
        return meta;
    free(meta);
    return NULL;
}

static void disconnect(struct meta *meta)
{
    if (meta->fd >= 0)
        close(meta->fd);
    meta->fd = -1;
    meta->is_fenced = false;
    buf_reset(&meta->commands, KEPT);
    buf_reset(&meta->answers, KEPT);
    buf_reset(&meta->told, KEPT);
    buf_reset(&meta->refused, KEPT);
}

void meta_free(struct meta *meta)
{
    if (!meta)
        return;
    disconnect(meta);
    buf_free(&meta->commands);
    buf_free(&meta->answers);
    buf_free(&meta->told);
    buf_free(&meta->refused);
    free(meta->host);
    free(meta);
}

const char *meta_error(const struct meta *meta)
{
    return meta->error;
}

void meta_limit(struct meta *meta, int timeout)
{
    meta->timeout = timeout;
}

static enum meta_result fail(
    struct meta *meta, enum meta_result result, const char *reason)
{
    snprintf(meta->error, sizeof(meta->error), "%s", reason);
    disconnect(meta);
    return result;
}

/* --- connecting --------------------------------------------------------- */

/* The result of poll for these events. EINTR does not make it longer. */
static int wait_for(const struct meta *meta, int fd, short events)
{
    int64_t end = monotonic_ms() + meta->timeout;
    struct pollfd polled = {.fd = fd, .events = events};
    int64_t left = meta->timeout;
    int ready;

    do {
        ready = poll(&polled, 1, (int)left);
        left = end - monotonic_ms();
    } while (ready < 0 && errno == EINTR && left > 0);
    return ready;
}

/* 0, or what is wrong. */
static int connect_to(
    const struct meta *meta, int fd, const struct sockaddr *to, socklen_t len)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (connect(fd, to, len) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    if (wait_for(meta, fd, POLLOUT) <= 0)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno
                                                                   : error;
}

/* 0, or what is wrong. */
static int open_socket(
    struct meta *meta, int family, const struct sockaddr *to, socklen_t len)
{
    const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    int error = connect_to(meta, fd, to, len);
    if (error) {
        close(fd);
        return error;
    }
    if (family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    meta->fd = fd;
    return 0;
}

static int open_path(struct meta *meta)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (strlen(meta->host) >= sizeof(to.sun_path))
        return ENAMETOOLONG;
    strcpy(to.sun_path, meta->host);
    return open_socket(meta, AF_UNIX, (const struct sockaddr *)&to, sizeof(to));
}

static int open_host(struct meta *meta)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = EHOSTUNREACH;
    char port[8];

    snprintf(port, sizeof(port), "%d", meta->port);
    if (getaddrinfo(meta->host, port, &hints, &found) == 0) {
        for (const struct addrinfo *a = found; a && error; a = a->ai_next)
            error = open_socket(meta, a->ai_family, a->ai_addr, a->ai_addrlen);
        freeaddrinfo(found);
    }
    return error;
}

static enum meta_result ensure(struct meta *meta)
{
    if (meta->fd >= 0)
        return META_OK;
    int error = meta->port ? open_host(meta) : open_path(meta);
    if (!error)
        return META_OK;
    return fail(
        meta, error == ETIMEDOUT ? META_FAILED : META_LOST, strerror(error));
}

/* --- answers ------------------------------------------------------------ */

static bool starts_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

/* The key that a line tells behind " k", "" if none. */
static struct text key_in(const char *line)
{
    const char *key = strstr(line, " k");

    if (!key)
        return (struct text){"", 0};
    key += 2;
    return (struct text){key, strcspn(key, " ")};
}

static bool is_refused(const struct meta *meta, struct text key)
{
    return meta->refused.len == key.len &&
           memcmp(buf_text(&meta->refused), key.data, key.len) == 0;
}

/* The number behind " f" and the like, 0 if none. */
static uint64_t number_in(const char *line, const char *flag)
{
    const char *number = strstr(line, flag);

    return number ? strtoull(number + strlen(flag), NULL, 10) : 0;
}

/* Larger than the value's client flags allow, if they do not allow anything. */
static bool is_outgrown(const char *line)
{
    uint64_t room = number_in(line, " f");

    return room > 0 && number_in(line, " s") > room;
}

/* False: nobody asked for such an answer. */
static bool read_line(struct meta *meta, const char *line)
{
    struct text key = key_in(line);

    if (strcmp(line, "MN") == 0) {
        meta->is_fenced = true;
    } else if (starts_with(line, "NS")) {
        buf_reset(&meta->refused, KEPT);
        buf_add(&meta->refused, key.data, key.len);
    } else if (starts_with(line, "HD")) {
        if (!strstr(line, " Op") || is_refused(meta, key) ||
            is_outgrown(line)) {
            buf_add(&meta->told, key.data, key.len);
            buf_puts(&meta->told, "\n");
        }
    } else if (strcmp(line, "NF") != 0 && /* what was to be deleted */
               !starts_with(line, "SERVER_ERROR out of memory") &&
               !starts_with(line, "SERVER_ERROR object too large"))
        return false;
    return !meta->refused.failed && !meta->told.failed;
}

/* All whole lines. */
static bool read_lines(struct meta *meta)
{
    char *start = meta->answers.data;
    char *end = start + meta->answers.len;
    bool ok = !meta->answers.failed;

    for (char *lf; ok && (lf = memchr(start, '\n', (size_t)(end - start)));
         start = lf + 1) {
        ok = lf > start && lf[-1] == '\r' && !meta->is_fenced;
        *lf = '\0';
        if (ok) {
            lf[-1] = '\0';
            ok = read_line(meta, start);
        }
    }
    meta->answers.len = (size_t)(end - start);
    memmove(meta->answers.data, start, meta->answers.len);
    return ok && meta->answers.len < LINE_MAX_LEN;
}

static enum meta_result receive(struct meta *meta)
{
    char bytes[4096];
    ssize_t got = recv(meta->fd, bytes, sizeof(bytes), 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return META_OK;
    if (got < 0)
        return fail(meta, META_LOST, strerror(errno));
    if (got == 0)
        return fail(meta, META_LOST, "it closed the connection");
    buf_add(&meta->answers, bytes, (size_t)got);
    if (!read_lines(meta))
        return fail(meta, META_FAILED, "it sent an answer that is none");
    return META_OK;
}

/* --- commands ----------------------------------------------------------- */

static enum meta_result pass(struct meta *meta, size_t *sent)
{
    ssize_t passed = send(meta->fd, meta->commands.data + *sent,
        meta->commands.len - *sent, MSG_NOSIGNAL);

    if (passed > 0)
        *sent += (size_t)passed;
    else if (errno != EAGAIN && errno != EINTR)
        return fail(meta, META_LOST, strerror(errno));
    return META_OK;
}

/* Sends what was put together, and reads meanwhile, lest both sides wait for
 * each other. */
static enum meta_result send_all(struct meta *meta, bool until_fence)
{
    enum meta_result result = META_OK;
    size_t sent = 0;

    if (meta->commands.failed)
        return fail(meta, META_FAILED, "no memory");
    while (!result && sent < meta->commands.len) {
        result = pass(meta, &sent);
        if (result || sent == meta->commands.len)
            break;
        if (wait_for(meta, meta->fd, POLLIN | POLLOUT) <= 0)
            result = fail(meta, META_FAILED, "it takes nothing in time");
        else
            result = receive(meta);
    }
    while (!result && until_fence && !meta->is_fenced) {
        if (wait_for(meta, meta->fd, POLLIN) <= 0)
            result = fail(meta, META_FAILED, "it does not answer in time");
        else
            result = receive(meta);
    }
    if (!result)
        buf_reset(&meta->commands, KEPT);
    return result;
}

static bool is_key(const char *key)
{
    size_t len = 0;

    while (key[len] > ' ' && key[len] < 0x7f)
        len++;
    return key[len] == '\0' && len >= 1 && len <= KEY_MAX;
}

static enum meta_result begin(struct meta *meta, const char *key)
{
    if (!is_key(key)) /* it could bring commands of its own */
        return fail(meta, META_FAILED, "this is no key");
    if (meta->commands.len > CHUNK) {
        enum meta_result result = send_all(meta, false);
        if (result)
            return result;
    }
    return ensure(meta);
}

enum meta_result meta_delete(struct meta *meta, const char *key)
{
    enum meta_result result = begin(meta, key);

    if (!result)
        buf_printf(&meta->commands, "md %s q\r\n", key);
    return result;
}

static void add_value(struct meta *meta, const char *bytes, size_t len)
{
    buf_puts(&meta->commands, "\r\n");
    buf_add(&meta->commands, bytes, len);
    buf_puts(&meta->commands, "\r\n");
}

enum meta_result meta_set(struct meta *meta, const char *key, const char *value,
    size_t len, int ttl_seconds)
{
    enum meta_result result = begin(meta, key);

    if (result)
        return result;
    buf_printf(&meta->commands, "ms %s %zu T%d q", key, len, ttl_seconds);
    add_value(meta, value, len);
    return META_OK;
}

enum meta_result meta_prepend(
    struct meta *meta, const char *key, const char *bytes, size_t len)
{
    enum meta_result result = begin(meta, key);

    if (result)
        return result;
    buf_printf(&meta->commands, "ms %s %zu MP k q", key, len);
    add_value(meta, bytes, len);
    buf_printf(&meta->commands, "mg %s k f s q Op\r\n", key);
    return META_OK;
}

enum meta_result meta_find(struct meta *meta, const char *key)
{
    enum meta_result result = begin(meta, key);

    if (!result)
        buf_printf(&meta->commands, "mg %s k q\r\n", key);
    return result;
}

enum meta_result meta_send(struct meta *meta)
{
    return meta->commands.len > 0 ? send_all(meta, false) : META_OK;
}

enum meta_result meta_fence(struct meta *meta, struct buf *keys)
{
    enum meta_result result = ensure(meta);

    if (result)
        return result;
    buf_puts(&meta->commands, "mn\r\n");
    result = send_all(meta, true);
    if (!result && keys) {
        buf_add(keys, buf_text(&meta->told), meta->told.len);
        if (keys->failed)
            return fail(meta, META_FAILED, "no memory");
    }
    buf_reset(&meta->told, KEPT);
    buf_reset(&meta->refused, KEPT);
    meta->is_fenced = false;
    return result;
}
