/* Live feeds: who listens to which, and how each comes to hear of all that is
 * new, in order, and of each thing once. */
#ifndef NEWSFEED_LIVE_H
#define NEWSFEED_LIVE_H

#include "config.h"
#include "pg.h"
#include "push.h"

struct live;

/* Config and pg must outlive it; NULL if there is no memory. */
struct live *live_new(const struct config *config, struct pg *pg);
void live_free(struct live *live); /* behind the push that it serves */

/* As push_service has them; the context is the struct live. */
void *live_open(void *context, struct push_peer *peer,
    const struct push_request *request, struct push_refusal *refusal);
void live_close(void *context, void *listener);

/* How many listen. */
int live_count(const struct live *live);

/* Sends what is new. The next turn is in so many ms. */
int live_turn(struct live *live);

#endif
