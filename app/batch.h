/* How much to take at once: so much that a batch takes about as long as others
 * may wait for it, and less where one failed. */
#ifndef NEWSFEED_BATCH_H
#define NEWSFEED_BATCH_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BATCH_MS = 300 /* that a batch should take, at most */
};

/* The size of the next batch, 1 to max, behind one of `size` that took so many
 * ms. Halved behind one that failed, so that what made it fail ends up alone:
 * whoever finds it there sets it aside. */
int batch_next(int size, int max, bool is_good, int64_t took);

#endif
