/* The table of outlets, and which of them are configured. */
#include <stdio.h>

#include "outlet.h"

/* A name stands for a file, outlet_KIND.c, which has a struct outlet_kind of
 * that name. */
#define OUTLETS(ROW)  \
    ROW(outlet_kafka) \
    ROW(outlet_webhook)

#define DECLARE_OUTLET(NAME) extern const struct outlet_kind NAME;
#define ADDRESS(NAME) &NAME,

OUTLETS(DECLARE_OUTLET)

const struct outlet_kind *const outlets[] = {OUTLETS(ADDRESS) NULL};

_Static_assert(sizeof(outlets) / sizeof(*outlets) - 1 <= OUTLET_KINDS_MAX,
    "one room each");

bool outlet_load(const struct config *config, struct outlet_loaded *loaded,
    struct buf *faults)
{
    bool holds = true;

    for (int i = 0; outlets[i]; i++)
        if (outlets[i]->count(config) > 0) {
            loaded->of[i] = outlets[i]->load(config, faults);
            holds &= loaded->of[i] != NULL;
        }
    return holds;
}

void outlet_unload(struct outlet_loaded *loaded)
{
    for (int i = 0; outlets[i]; i++)
        if (loaded->of[i])
            outlets[i]->unload(loaded->of[i]);
    *loaded = (struct outlet_loaded){0};
}

int outlet_count(const struct config *config)
{
    int count = 0;

    for (int i = 0; outlets[i]; i++)
        count += outlets[i]->count(config);
    return count;
}

int outlet_find(const struct config *config, int index, int *number)
{
    int kind = 0;

    *number = index;
    while (*number >= outlets[kind]->count(config))
        *number -= outlets[kind++]->count(config);
    return kind;
}

void outlet_label(
    const struct config *config, int index, char label[OUTLET_LABEL_SIZE])
{
    int number;
    const struct outlet_kind *outlet =
        outlets[outlet_find(config, index, &number)];

    if (outlet->is_one)
        snprintf(label, OUTLET_LABEL_SIZE, "%s", outlet->kind);
    else
        snprintf(label, OUTLET_LABEL_SIZE, "%s %d", outlet->kind, number + 1);
}
