/* One user: a connection that carries one request at a time. */
#ifndef LOAD_USER_H
#define LOAD_USER_H

#include <stdatomic.h>

#include "report.h"

struct user;

/* NULL when memory ran out. What it is given must outlive the user. */
struct user *user_new(const struct options *options, uint64_t seed,
    struct tally *tally, const atomic_bool *stop);
void user_free(struct user *user);

/* NULL if a request gets an answer, whatever its status; else why not, in
 * words that hold until the user's next request. Is not counted. */
const char *user_try(struct user *user);

/* Body of a thread; the argument is the user. Ends after stop is set, once the
 * request under way is answered: within 10 s. */
void *user_run(void *user);

int64_t now_us(void); /* of the monotonic clock */

/* The next number of a sequence; any state will do to begin with. */
uint64_t random_next(uint64_t *state);

#endif
