/* newsfeed events: what has happened, as JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "arrival.h"
#include "clock.h"
#include "command.h"
#include "database.h"
#include "event.h"

enum {
    PIECE = 500,     /* events at once */
    INTERVAL = 50,   /* ms between looks */
    PATIENCE = 10000 /* ms for those who may still bring what is older */
};

struct telling {
    struct pg *pg;
    struct arrival arrival;
    struct place place; /* behind which it goes on */
    struct buf line;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "newsfeed: events: %s%s%s\n", what, *why ? ": " : "", why);
    return EX_UNAVAILABLE;
}

/* EX_OK: as far as everything has arrived. */
static int tell(struct telling *telling)
{
    int count;

    do {
        if (event_read(telling->pg, &telling->place, telling->arrival.horizon,
                PIECE, &count))
            return fail("the database could not be read", "");
        for (int i = 0; i < count; i++) {
            buf_reset(&telling->line, telling->line.cap);
            telling->place = event_place(telling->pg, i);
            if (event_print(telling->pg, i, &telling->line) &&
                puts(buf_text(&telling->line)) == EOF)
                return fail("standard output", strerror(errno));
        }
        if (fflush(stdout) == EOF)
            return fail("standard output", strerror(errno));
    } while (count == PIECE);
    return EX_OK;
}

static int look(struct telling *telling)
{
    return arrival_look(telling->pg, &telling->arrival)
               ? fail("the database could not be read", "")
               : EX_OK;
}

/* What had come when it began, and all before that. */
static int tell_once(struct telling *telling)
{
    int64_t end = monotonic_ms() + PATIENCE;
    int code = look(telling);

    while (code == EX_OK && !telling->arrival.is_known) {
        if (monotonic_ms() >= end)
            return fail("a transaction is at work on posts and does not end",
                "see pg_stat_activity");
        poll(NULL, 0, INTERVAL);
        code = look(telling);
    }
    return code == EX_OK ? tell(telling) : code;
}

static int tell_on(struct telling *telling)
{
    int code = EX_OK;

    for (;;) {
        code = look(telling);
        if (code == EX_OK && telling->arrival.is_known)
            code = tell(telling);
        if (code != EX_OK)
            return code;
        poll(NULL, 0, INTERVAL);
    }
}

/* Of what is kept no longer, nothing can be told. */
static int begin(struct telling *telling, const char *from)
{
    int64_t floor;

    if (arrival_floor(telling->pg, &floor))
        return fail("the database could not be read", "");
    if (!from)
        telling->place = (struct place){floor, INT64_MAX};
    if (telling->place.id >= floor)
        return EX_OK;
    fprintf(stderr,
        "newsfeed: events: --from %s: events up to %" PRId64
        " are kept no longer (feed.event_hours); begin with that, and read "
        "what is missing from the service\n",
        from, floor);
    return EX_DATAERR;
}

int command_events(const struct config *config, const char *from, bool follows)
{
    struct telling telling = {0};
    struct buf reason = {0};
    int code = EX_USAGE;

    if (from && !event_parse_place(from, &telling.place)) {
        fprintf(stderr,
            "newsfeed: events: --from %s: must be an event's id, such as "
            "812.7, or 812\n",
            from);
        return EX_USAGE;
    }
    telling.pg = database_new(config, config->db_statement_timeout, NULL);
    if (!telling.pg)
        return fail("out of memory", "");
    if (pg_connect(telling.pg, &reason))
        code = fail("no database", buf_text(&reason));
    else
        code = begin(&telling, from);
    if (code == EX_OK)
        code = follows ? tell_on(&telling) : tell_once(&telling);
    arrival_free(&telling.arrival);
    buf_free(&telling.line);
    buf_free(&reason);
    pg_free(telling.pg);
    return code;
}
