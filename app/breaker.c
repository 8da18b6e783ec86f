/* What has just failed is left alone for a while, by every process. */
#include "breaker.h"
#include "clock.h"

bool breaker_is_open(struct breaker *breaker)
{
    return breaker->open_until > monotonic_ms();
}

bool breaker_was_tripped(struct breaker *breaker)
{
    return breaker->open_until != 0;
}

bool breaker_trip(struct breaker *breaker, int ms)
{
    return atomic_exchange(&breaker->open_until, monotonic_ms() + ms) == 0;
}

bool breaker_reset(struct breaker *breaker)
{
    return breaker->open_until && atomic_exchange(&breaker->open_until, 0) != 0;
}

bool breaker_take(struct breaker *breaker, int ms)
{
    int64_t now = monotonic_ms();
    int64_t until = breaker->open_until;

    return until <= now && atomic_compare_exchange_strong(
                               &breaker->open_until, &until, now + ms);
}
