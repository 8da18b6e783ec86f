/* What there is to do: the tables of followers and jobs. */
#ifndef NEWSFEED_AGENDA_H
#define NEWSFEED_AGENDA_H

#include "follower.h"
#include "job.h"

/* In the order of a round. They end with NULL. */
extern struct follower *const followers[];
extern struct job *const jobs[];

/* Whether the tables hold; a line for each fault. */
bool agenda_check(struct buf *faults);

#endif
