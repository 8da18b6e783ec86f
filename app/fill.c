/* Brings a search index to the end of what there is, as the service does. */
#include <poll.h>

#include "database.h"
#include "document.h"
#include "fill.h"
#include "follower.h"

enum {
    TIMEOUT = 300000, /* ms, of a statement */
    MOMENT = 50,      /* ms */
};

extern struct follower follower_index;

static enum error begin_here(struct fill *f)
{
    static struct pg_statement statement = {
        .name = "fill_begin",
        .sql = "INSERT INTO follower (name) VALUES ('index')"
               " ON CONFLICT DO NOTHING",
    };

    return pg_exec(f->shift.pg, &statement, &(struct pg_params){0});
}

static enum error look_here(struct fill *f)
{
    static struct pg_statement statement = {
        .name = "fill_look",
        .sql = "SELECT done, coalesce((SELECT max(id) FROM outbound), 0)"
               " FROM follower WHERE name = 'index'",
        .reads = true,
    };
    struct pg *pg = f->shift.pg;

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (error)
        return error;
    f->done = pg_int(pg, 0, 0);
    if (f->target == 0)
        f->target = pg_int(pg, 0, 1);
    return OK;
}

static enum error look_apart(struct fill *f)
{
    static struct pg_statement statement = {
        .name = "fill_state",
        .sql = "SELECT state = 'n', done FROM follower WHERE name = 'index'",
        .reads = true,
    };
    struct pg *pg = f->shift.pg;

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (error)
        return error;
    f->is_new = pg_int(pg, 0, 0) != 0;
    f->done = pg_int(pg, 0, 1);
    return OK;
}

enum error fill_open(struct fill *f, const struct config *config, struct pg *pg)
{
    bool is_apart = *config->search_conninfo != '\0';

    f->shift.config = config;
    f->shift.pg = f->apart.search = pg;
    f->shift.flusher = is_apart ? database_new_search(config, TIMEOUT, NULL)
                                : database_new(config, TIMEOUT, NULL);
    f->apart.flusher = f->shift.flusher;
    f->apart.posts = is_apart ? database_new(config, TIMEOUT, NULL) : NULL;
    if (!f->shift.flusher || (is_apart && !f->apart.posts))
        return ERR_INTERNAL;
    if (is_apart)
        return look_apart(f);
    enum error error = begin_here(f);
    if (!error)
        error = look_here(f);
    f->is_new = !error && f->done == 0;
    return error;
}

void fill_close(struct fill *f)
{
    apart_free(&f->apart);
    pg_free(f->apart.posts);
    pg_free(f->shift.flusher);
}

static enum error work_apart(struct fill *f, bool *more)
{
    struct apart *apart = &f->apart;

    enum error error = apart_turn(apart, more);
    f->done = apart->done;
    if (!error && f->target == 0 && apart->arrival.is_known)
        f->target = apart->arrival.horizon;
    return error;
}

static enum error work_here(struct fill *f, bool *more)
{
    *more = follower_work(&f->shift, &follower_index);
    return look_here(f);
}

/* Of an index that is apart, `done` is known once it has been looked at. */
enum error fill_turn(struct fill *f, bool *is_there)
{
    bool more;
    enum error error =
        f->apart.posts ? work_apart(f, &more) : work_here(f, &more);

    *is_there =
        !error && f->done >= f->target &&
        (!f->apart.posts || (f->apart.is_known && f->apart.state != APART_NEW));
    if (error)
        return error;
    documents_flush(f->shift.flusher, !*is_there);
    if (!more && !*is_there)
        poll(NULL, 0, MOMENT);
    return OK;
}

enum error fill_language(struct fill *f, struct buf *name)
{
    static struct pg_statement statement = {
        .name = "fill_language",
        .sql = "SELECT language FROM search_language",
        .reads = true,
    };
    struct pg *pg = f->apart.posts ? f->apart.posts : f->shift.pg;

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (!error)
        buf_puts(name, pg_text(pg, 0, 0).data);
    return name->failed ? ERR_INTERNAL : error;
}
