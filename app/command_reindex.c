/* newsfeed reindex: the search index anew, in the same or another language. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "command.h"
#include "database.h"
#include "fill.h"
#include "rebuild.h"

enum {
    STATEMENT_TIMEOUT = 300000, /* ms */
    SILENCE = 5000,             /* ms: one that is at it is seen more often */
    LITTLE = 50,                /* posts, which the change itself may do */
    INTERVAL = 5000,            /* ms between lines */
    PAUSE = 200,                /* ms between looks and tries */
};

struct rebuilding {
    struct pg *pg;
    struct pg *posts; /* NULL: the same */
    bool is_apart;
    struct fill fill;
    struct rebuild_look look;
    const struct language *language;
    int64_t turn;
    int64_t progress;
    int64_t next_line;
};

static int fail(const char *sentence)
{
    fprintf(stderr, "newsfeed: reindex: %s\n", sentence);
    return EX_UNAVAILABLE;
}

/* What is done stays done. */
static int give_up(void)
{
    return fail("stopped by the database; run it again to go on");
}

static int refuse_language(const char *name)
{
    struct buf names = {0};

    language_print_all(&names);
    fprintf(stderr,
        "newsfeed: reindex: --language %s: must be one of %s, or one of these "
        "with +unaccent behind it\n",
        name, buf_text(&names));
    buf_free(&names);
    return EX_USAGE;
}

static int refuse_account(const struct rebuilding *r)
{
    fprintf(stderr,
        "newsfeed: reindex: the account of %s does not own the tables: give "
        "that of sql/migrate, --set \"%s=dbname=%s "
        "options=-crole=newsfeed_owner\"\n",
        r->is_apart ? "search.conninfo" : "the database",
        r->is_apart ? "search.conninfo" : "db.conninfo",
        r->is_apart ? "newsfeed_search" : "newsfeed");
    return EX_UNAVAILABLE;
}

/* One who is at it shows himself again; one who died does not. */
static int wait_for_silence(struct rebuilding *r)
{
    int64_t age = -1;

    for (;;) {
        if (rebuild_look(r->pg, &r->look))
            return give_up();
        if (!r->look.is_owner)
            return refuse_account(r);
        if (r->look.next.len == 0 || r->look.age >= SILENCE)
            return EX_OK;
        if (age > r->look.age) {
            fail("another one is at it already: wait for that, or end it");
            return EX_TEMPFAIL;
        }
        age = r->look.age;
        poll(NULL, 0, PAUSE);
    }
}

static void tell(struct rebuilding *r, bool is_forced)
{
    int64_t now = monotonic_ms();

    if (!is_forced && now < r->next_line)
        return;
    r->next_line = now + INTERVAL;
    printf("%s: done up to post %" PRId64 " of %" PRId64 "\n",
        language_name(r->language), r->progress, r->look.newest);
    fflush(stdout);
}

static void tell_of_holder(void)
{
    printf("somebody holds the table search (see pg_stat_activity): waiting\n");
    fflush(stdout);
}

static enum error start(struct rebuilding *r)
{
    return rebuild_begin(r->pg, language_name(r->language));
}

static enum error drop_next(struct rebuilding *r)
{
    return rebuild_cancel(r->pg);
}

static enum error drop_old(struct rebuilding *r)
{
    return rebuild_tidy(r->pg);
}

/* Waits for those who index, and for who tidies up for them. */
static enum error insist(
    struct rebuilding *r, enum error (*step)(struct rebuilding *r))
{
    enum error error;

    while ((error = step(r)) == ERR_LOCKED) {
        tell_of_holder();
        poll(NULL, 0, PAUSE);
    }
    return error;
}

/* What was begun in another language is given up. */
static enum error begin(struct rebuilding *r)
{
    const char *name = language_name(r->language);
    bool goes_on = strcmp(buf_text(&r->look.next), name) == 0;
    enum error error = insist(r, drop_old);

    if (!error && r->look.next.len > 0 && !goes_on)
        error = insist(r, drop_next);
    if (!error && !goes_on)
        error = insist(r, start);
    if (!error)
        error = rebuild_take_turn(r->pg, &r->turn);
    return error;
}

/* Until little is left but what comes just now. */
static enum error build(struct rebuilding *r)
{
    enum error error = OK;
    int count = LITTLE;

    while ((!error && count >= LITTLE) || error == ERR_LOCKED) {
        error = rebuild_piece(
            r->pg, r->posts, r->turn, r->language, &count, &r->progress);
        tell(r, false);
    }
    return error;
}

/* Between two tries those who index can go on for a while, and so does this. */
static enum error build_on(struct rebuilding *r)
{
    int64_t end = monotonic_ms() + INTERVAL;
    enum error error = OK;

    tell_of_holder();
    while (!error && monotonic_ms() < end) {
        poll(NULL, 0, PAUSE);
        error = build(r);
    }
    return error;
}

static enum error change(struct rebuilding *r)
{
    enum error error = rebuild_switch(r->pg, r->posts, r->turn, r->language);

    while (error == ERR_LOCKED) {
        error = build_on(r);
        if (!error)
            error = rebuild_switch(r->pg, r->posts, r->turn, r->language);
    }
    return error;
}

static int rebuild(struct rebuilding *r)
{
    printf("the search is in %s; building in %s\n", buf_text(&r->look.in_force),
        language_name(r->language));
    enum error error = begin(r);
    if (!error)
        error = build(r);
    if (!error)
        error = rebuild_settle(r->pg);
    if (!error)
        error = build(r);
    if (!error) {
        tell(r, true);
        error = change(r);
    }
    if (!error)
        error = insist(r, drop_old);
    if (error == ERR_NOT_FOUND) {
        fail("another one has gone on with it");
        return EX_TEMPFAIL;
    }
    if (error)
        return give_up();
    printf("the search is in %s\n", language_name(r->language));
    return EX_OK;
}

static int cancel(struct rebuilding *r)
{
    if (insist(r, drop_old) || (r->look.next.len > 0 && insist(r, drop_next)) ||
        (r->is_apart && rebuild_give_up(r->pg)))
        return give_up();
    printf("the search is in %s\n", buf_text(&r->look.in_force));
    return EX_OK;
}

/* --- filling ------------------------------------------------------------- */

/* One that is new takes the language that is asked for, or else that of the
 * index in whose place it comes. */
static enum error choose(struct rebuilding *r, const char *name)
{
    struct buf language = {0};
    enum error error = OK;

    if (name)
        buf_puts(&language, name);
    else
        error = fill_language(&r->fill, &language);
    if (!error && language_find(buf_text(&language)))
        error = rebuild_choose(r->pg, buf_text(&language));
    buf_free(&language);
    return error;
}

static void tell_filling(struct rebuilding *r)
{
    int64_t now = monotonic_ms();

    if (r->fill.target == 0 || now < r->next_line)
        return;
    r->next_line = now + INTERVAL;
    printf("filled up to %" PRId64 " of %" PRId64 "\n", r->fill.done,
        r->fill.target);
    fflush(stdout);
}

/* What is lacking in the index is done first, as the service does it. One that
 * was found to lack something is built anew from its first post on. */
static enum error fill(struct rebuilding *r, const char *name)
{
    bool is_there = false;
    enum error error = fill_open(&r->fill, r->fill.shift.config, r->pg);

    r->posts = r->fill.apart.posts;
    if (!error && r->fill.is_new)
        error = choose(r, name);
    while (!error && !is_there) {
        error = fill_turn(&r->fill, &is_there);
        tell_filling(r);
    }
    if (error || !r->is_apart || r->fill.apart.state != APART_LACKING)
        return error;
    if (r->look.next.len > 0)
        error = insist(r, drop_next);
    return error ? error : rebuild_mend(r->pg);
}

/* Without a language: that of what was begun, or of the index in force. */
static int work(struct rebuilding *r, const char *name, bool cancels)
{
    int code = wait_for_silence(r);

    if (code != EX_OK)
        return code;
    if (cancels)
        return cancel(r);
    if (fill(r, name) || rebuild_look(r->pg, &r->look))
        return give_up();
    if (r->fill.is_new &&
        (!r->is_apart || r->fill.apart.state == APART_WHOLE) &&
        (!name || strcmp(name, buf_text(&r->look.in_force)) == 0)) {
        printf("the search is in %s; the index is filled\n",
            buf_text(&r->look.in_force));
        return EX_OK;
    }
    if (!name)
        name = buf_text(r->look.next.len ? &r->look.next : &r->look.in_force);
    r->language = language_find(name);
    return r->language ? rebuild(r) : refuse_language(name);
}

/* --- emptying ------------------------------------------------------------ */

static enum error empty_old(struct rebuilding *r)
{
    return rebuild_empty(r->posts);
}

/* Only once the other one can do without it. */
static int empty(struct rebuilding *r)
{
    static const char remedy[] =
        "the index of search.conninfo is not whole: newsfeed reindex fills it, "
        "or builds it anew";
    struct rebuild_look here = {0};
    int code;

    enum error error = fill_open(&r->fill, r->fill.shift.config, r->pg);
    for (bool is_there = false; !error && !is_there && !r->fill.is_new;)
        error = fill_turn(&r->fill, &is_there);
    if (error)
        return give_up();
    if (r->fill.apart.state != APART_WHOLE)
        return fail(remedy);
    r->posts = r->fill.apart.posts;
    if (rebuild_look(r->posts, &here))
        code = give_up();
    else if (!here.is_owner)
        code = refuse_account(&(struct rebuilding){0});
    else if (here.next.len > 0)
        code = fail("one is being built in the database: first, with --set "
                    "search.conninfo=, reindex --cancel");
    else
        code = insist(r, empty_old) ? give_up() : EX_OK;
    if (code == EX_OK)
        printf("the index of the database is empty\n");
    buf_free(&here.in_force);
    buf_free(&here.next);
    return code;
}

int command_reindex(const struct config *config, const char *language,
    bool cancels, bool empties)
{
    struct rebuilding r = {
        .is_apart = *config->search_conninfo != '\0',
        .fill.shift.config = config,
    };
    struct buf reason = {0};
    int code = EX_USAGE;

    if (language && !language_find(language))
        return refuse_language(language);
    if (empties && !r.is_apart)
        return fail("search.conninfo is empty, so the index of the database is "
                    "the one that is in use");
    r.pg = r.is_apart ? database_new_search(config, STATEMENT_TIMEOUT, NULL)
                      : database_new(config, STATEMENT_TIMEOUT, NULL);
    if (!r.pg)
        return fail("out of memory");
    if (pg_connect(r.pg, &reason))
        code = fail(buf_text(&reason));
    else
        code = empties ? empty(&r) : work(&r, language, cancels);
    buf_free(&r.look.in_force);
    buf_free(&r.look.next);
    buf_free(&reason);
    fill_close(&r.fill);
    pg_free(r.pg);
    return code;
}
