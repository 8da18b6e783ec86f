/* What there is to do: the tables of followers and jobs. */
#include "agenda.h"

/* In the order of a round. A name stands for a file, follower_NAME.c, which has
 * a struct follower of that name. */
#define FOLLOWERS(ROW) \
    ROW(follower_drop) \
    ROW(follower_index)

/* The same of job_NAME.c. */
#define JOBS(ROW)       \
    ROW(job_drop)       \
    ROW(job_deliver)    \
    ROW(job_reconcile)  \
    ROW(job_sweep_post) \
    ROW(job_sweep_participant)

#define DECLARE_FOLLOWER(NAME) extern struct follower NAME;
#define DECLARE_JOB(NAME) extern struct job NAME;
#define ADDRESS(NAME) &NAME,

FOLLOWERS(DECLARE_FOLLOWER)
JOBS(DECLARE_JOB)

struct follower *const followers[] = {FOLLOWERS(ADDRESS) NULL};
struct job *const jobs[] = {JOBS(ADDRESS) NULL};

bool agenda_check(struct buf *faults)
{
    bool holds = job_check(jobs, faults);

    return follower_check(followers, faults) && holds;
}
