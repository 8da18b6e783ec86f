/* What one dispatcher works with. */
#include "shift.h"

cache_servers shift_drop(
    const struct shift *shift, const struct buf *feeds, cache_servers servers)
{
    return cache_try_drop(shift->cache,
        (const int64_t *)(const void *)feeds->data,
        feeds->len / sizeof(int64_t), servers);
}
