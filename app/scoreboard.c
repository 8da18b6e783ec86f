/* What each process is doing, in memory that all of them share. */
#include <stdio.h>
#include <sys/mman.h>

#include "clock.h"
#include "metrics.h"
#include "scoreboard.h"

enum {
    SIGN_OF_LIFE = 3000 /* ms; whoever is idle gives one a second */
};

struct scoreboard *scoreboard_new(void)
{
    void *memory = mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void scoreboard_free(struct scoreboard *scoreboard)
{
    if (scoreboard)
        munmap(scoreboard, sizeof(*scoreboard));
}

void slot_clear(struct slot *slot)
{
    slot->ready = false;
    slot->connected = false;
    slot->busy_since = 0;
    slot->seen_at = monotonic_ms();
    slot->served = 0;
    slot->process = PROCESS_NONE;
    slot->listeners = 0;
    slot->request_id[0] = '\0';
    slot->request_line[0] = '\0';
}

/* The texts first: who sees the time must not see the last request's. */
void slot_busy(struct slot *slot)
{
    slot->request_id[0] = '\0';
    slot->request_line[0] = '\0';
    slot->busy_since = monotonic_ms();
}

void slot_begin(struct slot *slot, const char *request_id, const char *method,
    const char *path)
{
    if (!slot->busy_since)
        slot_busy(slot);
    snprintf(slot->request_id, sizeof(slot->request_id), "%s", request_id);
    snprintf(
        slot->request_line, sizeof(slot->request_line), "%s %s", method, path);
}

void slot_end(struct slot *slot)
{
    slot->served++;
    slot_idle(slot);
}

void slot_idle(struct slot *slot)
{
    slot->seen_at = monotonic_ms(); /* first: who is idle must be alive */
    slot->busy_since = 0;
}

/* One that was stopped takes no requests, though nobody has noticed yet. */
bool slot_is_alive(const struct slot *slot)
{
    int64_t busy_since = slot->busy_since;

    return monotonic_ms() - (busy_since ? busy_since : slot->seen_at) <
           SIGN_OF_LIFE;
}

bool scoreboard_has_database(const struct scoreboard *scoreboard)
{
    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct slot *slot = &scoreboard->slots[i];
        if (slot->ready && slot->connected && slot_is_alive(slot))
            return true;
    }
    return false;
}
