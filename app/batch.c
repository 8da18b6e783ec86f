/* How much to take at once. */
#include "batch.h"

int batch_next(int size, int max, bool is_good, int64_t took)
{
    int64_t next = size;

    if (!is_good)
        next = size / 2;
    else if (took > BATCH_MS)
        next = size * (int64_t)BATCH_MS / took;
    else if (took <= BATCH_MS / 2)
        next = size * (int64_t)2;
    if (next > max)
        next = max;
    return next > 1 ? (int)next : 1;
}
