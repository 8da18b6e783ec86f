/* What does not fit in a request: places and sentences, gathered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

/* Stands where there was no memory for a text. */
static char no_memory[] = "does not fit (no memory to say more)";

void fault_add(
    struct faults *faults, const char *pointer, const char *format, ...)
{
    if (faults->count < FAULTS_MAX) {
        struct fault *fault = &faults->list[faults->count];
        char *detail;
        va_list args;
        va_start(args, format);
        if (vasprintf(&detail, format, args) < 0)
            detail = NULL;
        va_end(args);
        fault->pointer = strdup(pointer);
        fault->detail = detail;
        faults->failed |= !fault->pointer || !detail;
        if (!fault->pointer)
            fault->pointer = no_memory;
        if (!detail)
            fault->detail = no_memory;
    }
    faults->count++;
}

void faults_free(struct faults *faults)
{
    for (int i = 0; i < faults->count && i < FAULTS_MAX; i++) {
        if (faults->list[i].pointer != no_memory)
            free(faults->list[i].pointer);
        if (faults->list[i].detail != no_memory)
            free(faults->list[i].detail);
    }
    *faults = (struct faults){0};
}
