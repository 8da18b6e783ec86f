/* Whether a process has to be killed; see judge.h. */
#include <stdbool.h>

#include "judge.h"

enum {
    OVERSLEPT = 3000 /* ms between two looks, of which there is one a second */
};

void judge_wake(struct judge *judge, int64_t now)
{
    if (now - judge->looked_at > OVERSLEPT)
        judge->awake_since = now;
    judge->looked_at = now;
}

static int64_t later(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

enum verdict judge_process(const struct judge *judge,
    const struct conduct *conduct, int64_t now, int64_t *ms)
{
    bool busy = conduct->busy_since != 0;
    int64_t since = busy ? conduct->busy_since : conduct->seen_at;
    int limit = busy ? conduct->busy_limit : conduct->silence_limit;

    *ms = now - later(since, judge->awake_since);
    if (*ms >= limit)
        return busy ? VERDICT_STUCK : VERDICT_SILENT;
    if (conduct->kill_at && conduct->kill_at <= now)
        return VERDICT_LATE;
    return VERDICT_FINE;
}

int64_t judge_due(const struct judge *judge, const struct conduct *conduct)
{
    int64_t due = conduct->kill_at ? conduct->kill_at : INT64_MAX;

    if (conduct->busy_since) {
        int64_t stuck = later(conduct->busy_since, judge->awake_since) +
                        conduct->busy_limit;
        due = stuck < due ? stuck : due;
    }
    return due;
}
