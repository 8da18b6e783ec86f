/* The socket that nginx talks to: handed down or made here. */
#ifndef NEWSFEED_LISTEN_H
#define NEWSFEED_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "buf.h"

/* Gives descriptors 0, 1 and 2 something to stand for where they are closed,
 * so that no socket ever takes the place of standard error. */
void listen_open_standard(void);

/* The listening socket, above 2 and closed on exec: at `path` if there is one,
 * else descriptor 0 (spawn-fcgi, systemd's StandardInput=socket), else
 * systemd's LISTEN_FDS. A path that a living process listens on, a path that
 * is no socket, and a socket that other hosts could reach are refused; of two
 * processes that make one at the same path at once, one is. A file `path`.lock
 * stays. -1: `reason` has a sentence. */
int listen_open(const char *path, struct buf *reason);

/* Another one, made at `path` and open to the group that the socket `fd` is
 * open to. *is_shared: false if this account may not give it to that group. */
int listen_open_beside(
    int fd, const char *path, bool *is_shared, struct buf *reason);

/* Opens a file to that group, too. False: this account may not. */
bool listen_share(int fd, const char *path);

/* One at a port that this host alone reaches: "127.0.0.1:9464", "[::1]:9464".
 */
bool listen_parse_port(const char *text, struct sockaddr_storage *address);
int listen_open_port(const char *text, struct buf *reason);

#endif
