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
#include "cursor.h"
#include "database.h"
#include "event.h"

enum {
    PIECE = 500,      /* events at once */
    INTERVAL = 50,    /* ms between looks */
    PATIENCE = 10000, /* ms for those who may still bring what is older */
    BEGINNING = -1,   /* in a place: with the first event that is kept */
};

struct telling {
    struct pg *pg;
    struct arrival arrival;
    struct cursor place; /* behind which it goes on */
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

/* Of what is kept no longer, nothing can be told. */
static int check_floor(struct telling *telling)
{
    int64_t floor;

    if (arrival_floor(telling->pg, &floor))
        return fail("the database could not be read", "");
    if (telling->place.pos == BEGINNING)
        telling->place = (struct cursor){floor, CURSOR_ALL};
    if (telling->place.pos >= floor)
        return EX_OK;
    fprintf(stderr,
        "newsfeed: events: those behind %" PRId64 " are kept no longer up to "
        "%" PRId64 " (feed.event_hours); begin with --from %" PRId64
        ", and read what is missing from the service\n",
        telling->place.pos, floor, floor);
    return EX_DATAERR;
}

/* In another database, or a restored one, ids are of other things. */
static int look(struct telling *telling)
{
    int64_t database = telling->arrival.database;

    if (arrival_look(telling->pg, &telling->arrival))
        return fail("the database could not be read", "");
    if (database && database != telling->arrival.database)
        return fail("the database is another one by now, or was restored",
            "begin anew");
    return check_floor(telling);
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

int command_events(const struct config *config, const char *from, bool follows)
{
    struct telling telling = {.place.pos = BEGINNING};
    struct buf reason = {0};
    int code = EX_USAGE;

    if (from && !cursor_parse(from, &telling.place)) {
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
        code = follows ? tell_on(&telling) : tell_once(&telling);
    arrival_free(&telling.arrival);
    buf_free(&telling.line);
    buf_free(&reason);
    pg_free(telling.pg);
    return code;
}
