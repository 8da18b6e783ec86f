/* What one kind of work took, within a request: how much of it, how long, and
 * what took longest. */
#ifndef NEWSFEED_SPENT_H
#define NEWSFEED_SPENT_H

#include <stdint.h>

/* Starts as all zeros, and is set to them again. */
struct spent {
    int64_t ns;
    int count;
    const char *longest; /* its name; NULL: there was nothing */
    int64_t longest_ns;
};

/* The name is kept, not copied. */
static inline void spent_add(struct spent *spent, const char *name, int64_t ns)
{
    spent->ns += ns;
    spent->count++;
    if (spent->longest && ns <= spent->longest_ns)
        return;
    spent->longest = name;
    spent->longest_ns = ns;
}

/* What was done elsewhere is part of it. */
static inline void spent_merge(struct spent *all, const struct spent *part)
{
    all->ns += part->ns;
    all->count += part->count;
    if (!part->longest || part->longest_ns <= all->longest_ns)
        return;
    all->longest = part->longest;
    all->longest_ns = part->longest_ns;
}

#endif
