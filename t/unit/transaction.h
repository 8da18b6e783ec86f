/* The clock, the log and the transactions of a program whose database the test
 * plays. To be included by one file of it. */
#ifndef NEWSFEED_TEST_TRANSACTION_H
#define NEWSFEED_TEST_TRANSACTION_H

#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "pg.h"

static struct {
    int64_t now; /* ms */
    int commits;
    int begun; /* the test counts what is done in the open one, */
    int done;  /* and with its commit that is done for good */
} transaction;

int64_t monotonic_ms(void)
{
    return transaction.now;
}

void log_error(const char *subject, const char *format, ...)
{
    (void)subject;
    (void)format;
}

bool pg_is_connected(const struct pg *pg)
{
    (void)pg;
    return true;
}

enum error pg_begin(struct pg *pg)
{
    (void)pg;
    transaction.begun = 0;
    return OK;
}

enum error pg_commit(struct pg *pg)
{
    (void)pg;
    transaction.commits++;
    transaction.done += transaction.begun;
    return OK;
}

void pg_rollback(struct pg *pg)
{
    (void)pg;
}

void pg_add_int(struct pg_params *params, int64_t value)
{
    params->numbers[params->count++] = (uint64_t)value;
}

/* "{1,2}" */
static inline void print_ids(const struct buf *ids, char *text, size_t size)
{
    struct buf array = {0};

    buf_array(&array, ids);
    snprintf(text, size, "%s", buf_text(&array));
    buf_free(&array);
}

#endif
