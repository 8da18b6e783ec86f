/* newsfeed status, newsfeed ready: what the monitor of a running service
 * says. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "listen.h"
#include "monitor.h"

enum {
    TIMEOUT = 5, /* s, of the whole and of each read */
};

static int fail(const char *address, const char *why)
{
    fprintf(stderr, "newsfeed: %s: %s\n", address, why);
    return EX_UNAVAILABLE;
}

static const char *explain(int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
        return "nobody listens there: newsfeed does not run, or with other "
               "settings (-c FILE)";
    case EACCES:
        return "this account may not ask: be the one that newsfeed runs as, or "
               "of its group";
    default:
        return strerror(error);
    }
}

/* -1: errno says why. */
static int connect_to(const char *address)
{
    struct timeval limit = {.tv_sec = TIMEOUT};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_storage port;
    const struct sockaddr *to = (const struct sockaddr *)&path;
    socklen_t size = sizeof(path);

    if (*address != '/') {
        listen_parse_port(address, &port);
        to = (const struct sockaddr *)&port;
        size = port.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6);
    } else if (strlen(address) < sizeof(path.sun_path))
        strcpy(path.sun_path, address);
    else {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        connect(fd, to, size) == 0)
        return fd;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    errno = cause;
    return -1;
}

/* All that comes back; false: errno says why not. */
static bool ask(int fd, const char *path, struct buf *answer)
{
    char request[64], piece[4096];
    int len = snprintf(request, sizeof(request),
        "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    ssize_t got = write(fd, request, (size_t)len) == len ? 1 : -1;

    while (got > 0 && (got = read(fd, piece, sizeof(piece))) > 0)
        buf_add(answer, piece, (size_t)got);
    if (got < 0 && errno == EAGAIN)
        errno = ETIMEDOUT;
    return got == 0 && !answer->failed;
}

/* The status, and where the body begins; 0: this is no answer. */
static int parse(const struct buf *answer, const char **body)
{
    const char *text = buf_text(answer);
    int status = 0;

    *body = strstr(text, "\r\n\r\n");
    if (!*body || sscanf(text, "HTTP/1.%*d %d", &status) != 1)
        return 0;
    *body += 4;
    return status;
}

int command_ask(const struct config *config, const char *path)
{
    char address[PATH_MAX];
    struct buf answer = {0};
    const char *body;
    int code = EX_OK;

    monitor_name(config, address);
    if (!*config->monitor_listen)
        return fail("monitor.listen", "is empty, so nobody tells anything");
    int fd = connect_to(address);
    if (fd < 0)
        return fail(address, explain(errno));
    if (!ask(fd, path, &answer)) {
        code = fail(address, strerror(errno));
        goto out;
    }
    int status = parse(&answer, &body);
    if (status == 0)
        code = fail(address, "it is no monitor of newsfeed's that listens");
    else {
        fputs(body, stdout);
        code = status == 200 ? EX_OK : EXIT_FAILURE;
    }
out:
    close(fd);
    buf_free(&answer);
    return code;
}
