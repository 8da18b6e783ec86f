/* The only file that knows libwebsockets and libev: who listens, by
 * server-sent events or WebSocket on one path, and is sent messages.
 *
 * What is sent to many is one message, kept until the last has it. Its data may
 * have a gap, which each listener's own text fills. */
#ifndef NEWSFEED_PUSH_H
#define NEWSFEED_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum {
    PUSH_OWN_MAX = 64,        /* bytes of a listener's own text */
    PUSH_UNSENT_MAX = 1 << 20 /* bytes: whoever is so far behind is dropped */
};

struct push;      /* all that listen, in one loop */
struct push_peer; /* one that listens */
struct push_message;

/* What a client asks for, valid during the call alone. */
struct push_request {
    const char *path;
    const char *id; /* X-Request-Id; "" if none */
};

/* How a client is turned away. */
struct push_refusal {
    int status;
    const char *content_type;
    struct buf body; /* freed by push */
};

struct push_service {
    /* A client asks to listen. What is returned stands for it until close();
     * NULL: it is told the refusal. */
    void *(*open)(void *context, struct push_peer *peer,
        const struct push_request *request, struct push_refusal *refusal);
    /* It is gone, and its peer with it. Never called within push_send. */
    void (*close)(void *context, void *listener);
    /* Called again and again; the next time is in so many ms. */
    int (*turn)(void *context);
    void *context;
};

/* Serves who connects to the listening socket, and is not its owner. heartbeat:
 * ms without a message until a sign of life is sent. connections: at most, with
 * those that are turned away. NULL: the log says why. */
struct push *push_new(int listen_fd, int connections, int heartbeat,
    const struct push_service *service);

/* Runs until push_stop, which `turn` calls. */
void push_run(struct push *push);
void push_stop(struct push *push);
void push_free(struct push *push); /* ends all connections */

/* From now on nobody is let in. */
void push_shut(struct push *push);

/* Ends so many connections, those first that are there for longest, as
 * push_end does. False: there are none left. */
bool push_end_some(struct push *push, int count);

/* Within open(): what fills the gap for this one, and when it ends by itself,
 * in seconds since 1970; 0: never. */
void push_set(struct push_peer *peer, const char *own, int64_t until);

/* A message with a reference, given back with push_release; NULL if there is no
 * memory. event and id are plain words, data is JSON in one line, its gap is in
 * front of data[gap]; 0: it has none. */
struct push_message *push_message_new(
    const char *event, const char *id, struct text data, size_t gap);
void push_release(struct push_message *message);

/* Takes a reference of its own. Nothing is sent to one that is about to end. */
void push_send(struct push_peer *peer, struct push_message *message);

/* Bytes that wait to be sent. */
size_t push_unsent(const struct push_peer *peer);

/* Ends the connection when all is sent. */
void push_end(struct push_peer *peer);

#endif
