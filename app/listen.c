/* The socket that nginx talks to: handed down or made here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"

enum {
    FIRST_PASSED = 3, /* systemd's SD_LISTEN_FDS_START */

    /* Connections that wait for a worker. More would only turn refusals into
     * requests that have expired when their turn comes; the kernel's
     * net.core.somaxconn may be lower. */
    BACKLOG = 512,
};

void listen_open_standard(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            abort();
}

static int get_option(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    if (getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0)
        return -1;
    return value;
}

static bool is_listening(int fd)
{
    return get_option(fd, SO_ACCEPTCONN) == 1;
}

/* Moves an inherited socket out of the way; who talks FastCGI to a worker can
 * take it over, so only a socket with file permissions is accepted. */
static int take_over(int fd, struct buf *reason)
{
    if (get_option(fd, SO_DOMAIN) != AF_UNIX) {
        buf_printf(reason,
            "descriptor %d is not a Unix socket: FastCGI must "
            "not be reachable from other hosts",
            fd);
        return -1;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PASSED);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (moved < 0 || null < 0 || dup2(null, fd) < 0) {
        buf_printf(
            reason, "cannot move descriptor %d: %s", fd, strerror(errno));
        return -1;
    }
    close(null);
    return moved;
}

/* How many sockets systemd passed to this very process. */
static int count_passed(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");

    if (!pid || !count || atol(pid) != (long)getpid())
        return 0;
    return atoi(count);
}

/* 0: nothing is there, or a socket that nobody listens on any more and that is
 * now gone. */
static int make_room(
    int fd, const struct sockaddr_un *address, struct buf *reason)
{
    const char *path = address->sun_path;
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    struct stat st;

    if (lstat(path, &st) < 0) {
        if (errno == ENOENT)
            return 0;
        buf_printf(reason, "cannot look at %s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISSOCK(st.st_mode)) {
        buf_printf(
            reason, "%s is there and is no socket: name another path", path);
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0) {
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
        buf_printf(reason,
            "process %d listens on %s: stop it or name another path",
            (int)peer.pid, path);
        return -1;
    }
    if (errno != ECONNREFUSED || unlink(path) < 0) {
        buf_printf(reason, "cannot replace %s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

/* Two that start at once would both find a socket that nobody listens on, and
 * the second would remove what the first had made: one at a time. The file
 * stays, for whoever has opened it already must lock the same one. */
static int lock(const char *path)
{
    char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + sizeof(".lock")];

    snprintf(name, sizeof(name), "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* Between bind and listen nobody can connect: the mode is set in time. */
static int open_path(const char *path, struct buf *reason)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int locked = -1;
    int probe = -1;
    int fd = -1;

    if (strlen(path) >= sizeof(address.sun_path)) {
        buf_printf(reason,
            "%s is too long for a socket's path: at most %zu "
            "characters",
            path, sizeof(address.sun_path) - 1);
        return -1;
    }
    strcpy(address.sun_path, path);

    locked = lock(path);
    if (locked < 0 && errno == EWOULDBLOCK) {
        buf_printf(reason,
            "another process is just about to listen on %s: stop it or name "
            "another path",
            path);
        goto refused;
    }
    if (locked < 0)
        goto failed;
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0 || fd < 0)
        goto failed;
    if (make_room(probe, &address, reason) < 0)
        goto refused;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(path, 0660) < 0 || listen(fd, BACKLOG) < 0)
        goto failed;
    close(probe);
    close(locked);
    return fd;

failed:
    buf_printf(reason, "cannot listen on %s: %s", path, strerror(errno));
refused:
    if (locked >= 0)
        close(locked);
    if (probe >= 0)
        close(probe);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The owner of a socket's file; false: it has none any more. */
static bool get_group(int fd, gid_t *group)
{
    struct sockaddr_un address = {0};
    socklen_t size = sizeof(address) - 1;
    struct stat st;

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
        stat(address.sun_path, &st) < 0)
        return false;
    *group = st.st_gid;
    return true;
}

bool listen_share(int fd, const char *path)
{
    gid_t group;

    return !get_group(fd, &group) || chown(path, (uid_t)-1, group) == 0;
}

int listen_open_beside(
    int fd, const char *path, bool *is_shared, struct buf *reason)
{
    int opened = open_path(path, reason);

    *is_shared = opened >= 0 && listen_share(fd, path);
    return opened;
}

/* --- a port of this host ------------------------------------------------ */

bool listen_parse_port(const char *text, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    char *end;

    *address = (struct sockaddr_storage){0};
    size_t len = colon ? (size_t)(colon - text) : sizeof(host);
    if (len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535)
        return false;
    if (strcmp(host, "[::1]") == 0) {
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
            .sin6_port = htons((uint16_t)port),
            .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        return true;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1 &&
           ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int listen_open_port(const char *text, struct buf *reason)
{
    struct sockaddr_storage address;
    const int on = 1;

    if (!listen_parse_port(text, &address)) {
        buf_printf(reason,
            "%s is no port of this host: must be 127.0.0.1:PORT, or [::1]:PORT",
            text);
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (struct sockaddr *)&address,
            address.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6)) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    buf_printf(reason, "cannot listen on %s: %s", text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int listen_open(const char *path, struct buf *reason)
{
    int passed = count_passed();

    if (path)
        return open_path(path, reason);
    if (is_listening(STDIN_FILENO))
        return take_over(STDIN_FILENO, reason);
    if (passed == 1 && is_listening(FIRST_PASSED))
        return take_over(FIRST_PASSED, reason);
    if (passed > 0)
        buf_printf(reason,
            "systemd passed %d descriptors, must be one "
            "listening stream socket",
            passed);
    else
        buf_puts(reason,
            "there is no socket to serve: start with --listen PATH, or with "
            "spawn-fcgi -n -M 0660 -s PATH -- newsfeed --config FILE, or from "
            "a systemd socket unit");
    return -1;
}
