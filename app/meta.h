/* The only file that speaks memcached's meta protocol: commands are put
 * together, sent without waiting (1-2 us each against 80-90 us), and answered
 * at a fence, as a connection's commands run in order. (protocol.txt of
 * memcached 1.6; libmemcached does not know these commands.)
 *
 * A connection that met anything unforeseen is closed, for it may hold
 * somebody's late answer, and is made anew by the next command. */
#ifndef NEWSFEED_META_H
#define NEWSFEED_META_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct meta;

enum meta_result {
    META_OK,
    META_LOST,   /* the connection was closed, or could not be made */
    META_FAILED, /* no answer in time, or nonsense */
};

/* `host` is a path where `port` is 0. Connects nothing yet; NULL: no memory. */
struct meta *meta_new(const char *host, int port);
void meta_free(struct meta *meta);

/* What failed last, for the log. */
const char *meta_error(const struct meta *meta);

/* How long, in ms, the server may do nothing from now on: 1 or more. */
void meta_limit(struct meta *meta, int timeout);

/* Keys have 1 to 250 bytes, of which none is a space or a control character;
 * those of others are not sent, META_FAILED. A result is that of the connection
 * so far, not the command's. */
enum meta_result meta_delete(struct meta *meta, const char *key);
enum meta_result meta_set(struct meta *meta, const char *key, const char *value,
    size_t len, int ttl_seconds);

/* Puts bytes in front of a value, where there is one, which keeps its life and
 * its client flags, and gets another number. The fence tells its key where
 * there is one and that could not be done (memory is short, or it would be too
 * large) or where it has more bytes now than its client flags say, unless they
 * are 0: all of it is copied each time. */
enum meta_result meta_prepend(
    struct meta *meta, const char *key, const char *bytes, size_t len);

/* Asks whether there is a value; the fence tells the keys of those that are. */
enum meta_result meta_find(struct meta *meta, const char *key);

/* Sends what was put together, and waits for no answer. */
enum meta_result meta_send(struct meta *meta);

/* Returns when all commands so far have run; `keys` gets those that they tell,
 * each with a "\n" behind it. */
enum meta_result meta_fence(struct meta *meta, struct buf *keys);

#endif
