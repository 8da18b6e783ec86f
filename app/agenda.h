/* What there is to do: the tables of followers and jobs, and a look at which of
 * them have something. */
#ifndef NEWSFEED_AGENDA_H
#define NEWSFEED_AGENDA_H

#include "follower.h"
#include "job.h"

/* In the order of a round. They end with NULL. */
extern struct follower *const followers[];
extern struct job *const jobs[];

/* Whether the tables hold; a line for each fault. */
bool agenda_check(struct buf *faults);

/* Sets is_due of all jobs and is_behind of all followers, in one round trip;
 * nothing is and nobody is, if that fails. A kind of orders that is no job's is
 * logged once. */
MUST_CHECK enum error agenda_look(const struct config *config, struct pg *pg);

#endif
