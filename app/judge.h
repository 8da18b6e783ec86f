/* Whether a process has to be killed: it is stuck, shows no sign of life, or
 * was told to stop and did not. Pure: times come in, a verdict goes out. All
 * are milliseconds of the monotonic clock. */
#ifndef NEWSFEED_JUDGE_H
#define NEWSFEED_JUDGE_H

#include <stdint.h>

/* When the master looked. Where it stood still, as when it was stopped or the
 * machine was, so may all others have: what was before says nothing. Starts as
 * all zeros. */
struct judge {
    int64_t looked_at;
    int64_t awake_since;
};

/* What is known of a process, and how long it may be so. */
struct conduct {
    int64_t busy_since; /* with one thing; 0: idle */
    int64_t seen_at;    /* alive, last */
    int64_t kill_at;    /* told to stop by then; 0: not told */
    int busy_limit;
    int silence_limit; /* of one that is idle */
};

enum verdict {
    VERDICT_FINE,
    VERDICT_STUCK,
    VERDICT_SILENT,
    VERDICT_LATE,
};

/* At each look, before the processes are judged. */
void judge_wake(struct judge *judge, int64_t now);

/* *ms: for how long it has been stuck or silent. */
enum verdict judge_process(const struct judge *judge,
    const struct conduct *conduct, int64_t now, int64_t *ms);

/* When it is stuck or late, if nothing changes; INT64_MAX: never. Silence is
 * not told: it is not so long since others were looked at. */
int64_t judge_due(const struct judge *judge, const struct conduct *conduct);

#endif
