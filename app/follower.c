/* Followers of posts: whether a table of them holds, and a transaction's worth
 * of one. */
#include <string.h>

#include "batch.h"
#include "clock.h"
#include "follower.h"
#include "log.h"
#include "outbox.h"
#include "sql.h"

static void check(const struct follower *f, struct buf *faults)
{
    if (f->name[strspn(f->name, "abcdefghijklmnopqrstuvwxyz_")])
        buf_printf(faults, "follower '%s': its name must be a to z and '_'\n",
            f->name);
    if (!f->turn)
        buf_printf(faults, "follower '%s': it has no turn\n", f->name);
    if (f->batch < 1)
        buf_printf(
            faults, "follower '%s': its batch must be 1 or more\n", f->name);
}

bool follower_check(struct follower *const *table, struct buf *faults)
{
    size_t before = faults->len;

    for (struct follower *const *f = table; *f; f++) {
        check(*f, faults);
        for (struct follower *const *other = table; other < f; other++)
            if (strcmp((*other)->name, (*f)->name) == 0)
                buf_printf(faults, "follower '%s': it is twice\n", (*f)->name);
    }
    return faults->len == before && !faults->failed;
}

void follower_names(struct follower *const *table, const struct config *config,
    struct buf *names)
{
    for (struct follower *const *f = table; *f; f++)
        if (!(*f)->is_on || (*f)->is_on(config))
            buf_printf(names, "%s%s", names->len > 0 ? " " : "", (*f)->name);
}

static struct text name_of(const struct follower *follower)
{
    return (struct text){follower->name, strlen(follower->name)};
}

/* --- a transaction's worth ---------------------------------------------- */

static enum error take(const struct shift *shift,
    const struct follower *follower, int limit, struct buf *posts, int *count)
{
    static struct pg_statement statement = {
        .name = "follower_take",
        .sql = sql_follower_take,
    };
    struct pg_params params = {0};

    pg_add_text(&params, name_of(follower));
    pg_add_int(&params, limit);
    enum error error = pg_exec(shift->pg, &statement, &params);
    *count = error ? 0 : pg_rows(shift->pg);
    for (int i = 0; i < *count; i++) {
        int64_t id = pg_int(shift->pg, i, 0);
        buf_add(posts, &id, sizeof(id));
    }
    return posts->failed ? ERR_INTERNAL : error;
}

static enum error pass(const struct shift *shift,
    const struct follower *follower, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "follower_pass",
        .sql = sql_follower_pass,
    };
    struct pg_params params = {0};

    pg_add_text(&params, name_of(follower));
    pg_add_ids(&params, posts);
    return pg_exec(shift->pg, &statement, &params);
}

static enum error close_gaps(
    const struct shift *shift, const struct follower *follower)
{
    static struct pg_statement statement = {
        .name = "follower_close_gaps",
        .sql = sql_follower_close_gaps,
    };
    struct pg_params params = {0};

    pg_add_text(&params, name_of(follower));
    return pg_exec(shift->pg, &statement, &params);
}

/* *count: how many posts it was given; *done: how many of them are done. */
static enum error transact(const struct shift *shift,
    const struct follower *follower, int limit, int *count, int *done)
{
    struct buf posts = {0};

    enum error error = pg_begin(shift->pg);
    if (!error)
        error = take(shift, follower, limit, &posts, count);
    *done = *count;
    if (!error && *count > 0)
        error = follower->turn(shift, &posts, done);
    posts.len = (size_t)*done * sizeof(int64_t);
    if (!error && *count > 0)
        error = pass(shift, follower, &posts);
    if (!error)
        error = close_gaps(shift, follower);
    if (!error)
        error = pg_commit(shift->pg);
    pg_rollback(shift->pg);
    buf_free(&posts);
    return error;
}

/* The turn of a post that nothing can be done with. */
static enum error set_aside(
    const struct shift *shift, const struct buf *posts, int *count)
{
    static struct pg_statement statement = {
        .name = "set_aside",
        .sql = "INSERT INTO outbox (kind, participant_id, other_id)"
               " SELECT $2::bigint::int::\"char\", participant_id, id"
               " FROM outbound WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    (void)count;
    pg_add_ids(&params, posts);
    pg_add_int(&params, OUTBOX_SET_ASIDE);
    enum error error = pg_exec(shift->pg, &statement, &params);
    if (!error)
        log_error("dispatcher", "post %lld set aside in outbox as kind '%c'",
            (long long)*(const int64_t *)(const void *)posts->data,
            OUTBOX_SET_ASIDE);
    return error;
}

static void set_first_aside(
    const struct shift *shift, const struct follower *follower)
{
    struct follower aside = *follower;
    int count = 0;
    int done = 0;

    aside.turn = set_aside;
    enum error error = transact(shift, &aside, 1, &count, &done);
    log_error("dispatcher", "follower '%s' %s", follower->name,
        error ? "fails at a post, which could not be set aside"
              : "goes on behind a post that it fails at");
}

bool follower_work(const struct shift *shift, struct follower *follower)
{
    int64_t began = monotonic_ms();
    int size = follower->size > 0 ? follower->size : follower->batch;
    int count = 0;
    int done = 0;

    enum error error = transact(shift, follower, size, &count, &done);
    if (error == ERR_INTERNAL && count == 1)
        set_first_aside(shift, follower);
    if (count > 0)
        follower->size =
            batch_next(size, follower->batch, !error, monotonic_ms() - began);
    return !error && (count == size || done < count);
}
