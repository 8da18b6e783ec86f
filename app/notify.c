/* Tells whoever supervises the service how it is. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"

static const struct timeval PATIENCE = {.tv_sec = 1};

static int send_to(const char *path, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    int fd = -1;

    if (length >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    if (*path == '@') /* of a name that is in no folder */
        *address.sun_path = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &PATIENCE, sizeof(PATIENCE));
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL,
        (struct sockaddr *)&address,
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    int error = errno;
    close(fd);
    errno = error;
    return sent < 0 ? -1 : 0;
}

void notify(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    char text[256];
    va_list args;

    if (!path)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (send_to(path, text) < 0)
        log_error("notify", "%s cannot be told %.*s: %s", path,
            (int)strcspn(text, "\n"), text, strerror(errno));
}

void notify_alive(void)
{
    if (getenv("WATCHDOG_USEC"))
        notify("WATCHDOG=1");
}
