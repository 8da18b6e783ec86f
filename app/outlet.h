/* Outlets: where events are told to others. Each that is configured has a
 * process of its own (publisher.h). What makes a kind of them is in a file of
 * its own, outlet_KIND.c, and all kinds are in a table (outlet.c). */
#ifndef NEWSFEED_OUTLET_H
#define NEWSFEED_OUTLET_H

#include <signal.h>
#include <stdbool.h>

#include "buf.h"
#include "config.h"
#include "cursor.h"
#include "metrics.h"
#include "pg.h"

enum {
    OUTLET_BATCH_MAX = 200, /* events at once; each may have 120 KB */
    OUTLET_LABEL_SIZE = 32,
    OUTLET_KINDS_MAX = 4,
};

struct outlet_event {
    struct cursor place;
    int64_t occurred; /* us since 1970 */
    struct text id;   /* "812.7", its place */
    struct text body; /* CloudEvents in JSON, one line without its end */
    char id_text[CURSOR_SIZE];
};

/* What an outlet works with. All of it is there for as long as it is open. */
struct outlet_means {
    const struct config *config;
    const void *loaded; /* see load() */
    int number;         /* which one of its kind, from 0 on */
    const char *name;   /* in the table publisher: may hold secrets */
    const char *label;  /* what people call it, in the log as well */
    struct pg *pg;
    int metric; /* which one it is in METRIC_EVENTS, where it counts */
    const volatile sig_atomic_t *is_stopping; /* then send() comes to an end */
};

/* A kind of outlets. */
struct outlet_kind {
    const char *kind;
    bool is_one; /* there is no second one */
    int batch;   /* events at once, OUTLET_BATCH_MAX at most */

    int metric; /* of the first one; others are behind it */

    /* How many are configured. */
    int (*count)(const struct config *config);

    /* Appends what the number-th is called in the database, for ever. */
    void (*print_name)(
        const struct config *config, int number, struct buf *name);

    /* Before anything is started, and only if some are configured: reads what
     * is to be read, such as a file with a secret, and checks it. NULL: a line
     * for each fault. The configuration outlives what is loaded. */
    void *(*load)(const struct config *config, struct buf *faults);
    void (*unload)(void *loaded);

    /* NULL: no memory. It is not yet to wait for whoever is told. */
    void *(*open)(const struct outlet_means *means);

    /* Tells events, in this order for each participant. How many in front are
     * settled for good: told, or put aside where they last. It is called again
     * with the rest, which lies where it lay, and with other events once all
     * are settled. It takes a few seconds at most, and logs when it begins to
     * fail and when that is over.
     */
    int (*send)(void *self, const struct outlet_event *events, int count);

    /* In place of that where there is nothing to tell, within a tenth of a
     * second or so. NULL: it has nothing to do then. */
    void (*rest)(void *self);

    /* Also while events are not settled: others tell them anew. */
    void (*close)(void *self);
};

extern const struct outlet_kind *const outlets[]; /* ends with NULL */

/* What the kinds have loaded, in their order. Starts as all zeros. */
struct outlet_loaded {
    void *of[OUTLET_KINDS_MAX];
};

/* Freed with outlet_unload in either case. False: a line for each fault. */
bool outlet_load(const struct config *config, struct outlet_loaded *loaded,
    struct buf *faults);
void outlet_unload(struct outlet_loaded *loaded);

/* How many are configured, of all kinds. */
int outlet_count(const struct config *config);

/* Of which kind one of them is, by its index from 0 on; *number: and which of
 * these. */
int outlet_find(const struct config *config, int index, int *number);

/* What people call it: "kafka", "webhook 2". */
void outlet_label(
    const struct config *config, int index, char label[OUTLET_LABEL_SIZE]);

#endif
