/* What there is to do: the tables of followers and jobs, and a look at which of
 * them have something. */
#include <limits.h>
#include <string.h>

#include "agenda.h"
#include "log.h"
#include "sql.h"

/* In the order of a round. A name stands for a file, follower_NAME.c, which has
 * a struct follower of that name. */
#define FOLLOWERS(ROW) \
    ROW(follower_drop) \
    ROW(follower_index)

/* The same of job_NAME.c. */
#define JOBS(ROW)       \
    ROW(job_drop)       \
    ROW(job_deliver)    \
    ROW(job_reconcile)  \
    ROW(job_reindex)    \
    ROW(job_sweep_post) \
    ROW(job_sweep_participant)

#define DECLARE_FOLLOWER(NAME) extern struct follower NAME;
#define DECLARE_JOB(NAME) extern struct job NAME;
#define ADDRESS(NAME) &NAME,

FOLLOWERS(DECLARE_FOLLOWER)
JOBS(DECLARE_JOB)

struct follower *const followers[] = {FOLLOWERS(ADDRESS) NULL};
struct job *const jobs[] = {JOBS(ADDRESS) NULL};

bool agenda_check(struct buf *faults)
{
    bool holds = job_check(jobs, faults);

    return follower_check(followers, faults) && holds;
}

/* --- a look --------------------------------------------------------------- */

/* Orders of a kind that another release makes stay for a program that knows
 * it. */
static void note_strange(char letter, const char *name)
{
    static bool is_told[UCHAR_MAX + 1];
    bool *told = &is_told[(unsigned char)letter];

    if (letter == OUTBOX_SET_ASIDE || *told)
        return;
    *told = true;
    log_error("dispatcher",
        "there are orders of kind '%c', %s, which this program does not know; "
        "they stay",
        letter, *name ? name : "of which nobody has a name");
}

static void note_orders(char letter, bool is_due, const char *name)
{
    for (int i = 0; jobs[i]; i++)
        if (jobs[i]->letter == letter) {
            jobs[i]->is_due = is_due;
            return;
        }
    note_strange(letter, name);
}

static void note_posts(const char *name, bool is_behind)
{
    for (int i = 0; followers[i]; i++)
        if (strcmp(followers[i]->name, name) == 0)
            followers[i]->is_behind = is_behind;
}

static void forget(void)
{
    for (int i = 0; jobs[i]; i++)
        jobs[i]->is_due = false;
    for (int i = 0; followers[i]; i++)
        followers[i]->is_behind = false;
}

static enum error ask(
    struct pg *pg, const struct buf *letters, const struct buf *names)
{
    static struct pg_statement statement = {
        .name = "look",
        .sql = sql_look,
        .reads = true,
    };
    struct pg_params params = {0};

    if (letters->failed || names->failed)
        return ERR_INTERNAL;
    pg_add_text(&params, (struct text){buf_text(letters), letters->len});
    pg_add_int(&params, OUTBOX_PAUSE_MAX + 1000);
    pg_add_text(&params, (struct text){buf_text(names), names->len});
    return pg_exec(pg, &statement, &params);
}

enum error agenda_look(const struct config *config, struct pg *pg)
{
    struct buf letters = {0};
    struct buf names = {0};

    forget();
    job_letters(jobs, &letters);
    follower_names(followers, config, &names);
    enum error error = ask(pg, &letters, &names);
    for (int i = 0; !error && i < pg_rows(pg); i++) {
        bool is = pg_int(pg, i, 1) != 0;
        const char *name = pg_text(pg, i, 2).data;
        if (pg_is_null(pg, i, 0))
            note_posts(name, is);
        else
            note_orders(*pg_text(pg, i, 0).data, is, name);
    }
    buf_free(&letters);
    buf_free(&names);
    return error;
}
