/* What has come into feeds since, as messages: the statements of live feeds. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "live_read.h"
#include "sql.h"

enum {
    CHANGES = 100, /* of one reader, in one turn */
    KEPT = 64 << 10,
};

/* --- messages ----------------------------------------------------------- */

static struct push_message *make_message(const char *event,
    const struct cursor *at, const struct buf *data, size_t gap)
{
    char id[CURSOR_SIZE];

    if (data->failed)
        return NULL;
    cursor_print(at, id);
    return push_message_new(
        event, id, (struct text){buf_text(data), data->len}, gap);
}

/* A post without its author and id, from its columns: occurred, subject, story,
 * edited. */
static struct item read_item(const struct pg *pg, int row, int column)
{
    return (struct item){
        .occurred = pg_time(pg, row, column),
        .subject = pg_text(pg, row, column + 1),
        .story = pg_text(pg, row, column + 2),
        .edited = pg_time(pg, row, column + 3),
    };
}

static struct push_message *make_item(const char *event,
    const struct cursor *at, const struct item *item, struct buf *scratch)
{
    buf_reset(scratch, KEPT);
    json_print_item_head(scratch, item);
    size_t gap = scratch->len;
    json_print_item_tail(scratch, item);
    return make_message(event, at, scratch, gap);
}

/* --- new posts ---------------------------------------------------------- */

enum error live_touched(
    struct pg *pg, int64_t from, int64_t to, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "live_touched",
        .sql = sql_live_touched,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, from);
    pg_add_int(&params, to);
    enum error error = pg_exec(pg, &statement, &params);
    for (int i = 0; !error && i < pg_rows(pg); i++) {
        int64_t reader = pg_int(pg, i, 0);
        buf_add(touched, &reader, sizeof(reader));
    }
    return error;
}

enum error live_posts(
    struct pg *pg, int64_t from, int64_t *to, int limit, int *count)
{
    static struct pg_statement statement = {
        .name = "live_posts",
        .sql = sql_live_posts,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, from);
    pg_add_int(&params, *to);
    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    *count = pg_rows(pg);
    if (*count >= limit)
        *to = pg_int(pg, *count - 1, 0);
    return OK;
}

int64_t live_post_id(const struct pg *pg, int row)
{
    return pg_int(pg, row, 0);
}

void live_post_readers(const struct pg *pg, int row, struct buf *readers)
{
    pg_ids(pg, row, 6, readers);
}

struct push_message *live_post(
    const struct pg *pg, int row, struct buf *scratch)
{
    struct item item = read_item(pg, row, 2);

    item.id = live_post_id(pg, row);
    item.from = pg_int(pg, row, 1);
    return make_item(
        "item", &(struct cursor){item.id, CURSOR_ALL}, &item, scratch);
}

/* --- catching up -------------------------------------------------------- */

enum error live_catch_up(struct pg *pg, int64_t reader,
    const struct cursor *from, int64_t to, int *count, bool *is_all)
{
    static struct pg_statement statement = {
        .name = "live_catch_up",
        .sql = sql_live_catch_up,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, reader);
    pg_add_int(&params, from->pos);
    pg_add_int(&params, from->sub);
    pg_add_int(&params, to);
    pg_add_int(&params, CHANGES);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    *count = pg_rows(pg);
    *is_all = *count < CHANGES;
    return OK;
}

enum {
    POS,
    SUB,
    KIND,
    OTHER,
    ITEM,
    OCCURRED,
};

static struct push_message *make_removal(const struct pg *pg, int64_t other,
    int row, const char *kind, const struct cursor *at, struct buf *scratch)
{
    buf_reset(scratch, KEPT);
    if (strcmp(kind, "removed") == 0)
        json_print_removed(scratch, other, pg_int(pg, row, ITEM));
    else
        json_print_parted(scratch,
            strcmp(kind, "unfriended") == 0 ? "unfriended" : "removed", other);
    return make_message("removed", at, scratch, 0);
}

struct push_message *live_change(const struct pg *pg, int64_t reader, int row,
    struct buf *scratch, struct cursor *at, bool *is_end)
{
    const char *kind = pg_text(pg, row, KIND).data;

    at->pos = pg_int(pg, row, POS);
    at->sub = pg_int(pg, row, SUB);
    *is_end = strcmp(kind, "end") == 0;
    if (strcmp(kind, "item") != 0 && strcmp(kind, "changed") != 0)
        return make_removal(pg, *is_end ? reader : pg_int(pg, row, OTHER), row,
            kind, at, scratch);
    struct item item = read_item(pg, row, OCCURRED);
    item.id = pg_int(pg, row, ITEM);
    item.from = pg_int(pg, row, OTHER);
    return make_item(kind, at, &item, scratch);
}

/* --- the stream itself -------------------------------------------------- */

enum error live_is_gone(struct pg *pg, int64_t reader, bool *is_gone)
{
    static struct pg_statement statement = {
        .name = "live_is_gone",
        .sql = "SELECT FROM participant WHERE id = $1",
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, reader);
    enum error error = pg_exec(pg, &statement, &params);
    *is_gone = !error && pg_rows(pg) == 0;
    return error;
}

struct push_message *live_ready(int64_t position)
{
    struct buf data = {0};

    buf_puts(&data, "{}");
    struct push_message *message =
        make_message("ready", &(struct cursor){position, CURSOR_ALL}, &data, 0);
    buf_free(&data);
    return message;
}

struct push_message *live_reset(int64_t position, const char *reason)
{
    struct buf data = {0};

    buf_printf(&data, "{\"reason\":\"%s\"}", reason);
    struct push_message *message =
        make_message("reset", &(struct cursor){position, CURSOR_ALL}, &data, 0);
    buf_free(&data);
    return message;
}

struct push_message *live_end(int64_t position, int64_t reader)
{
    struct buf data = {0};

    json_print_parted(&data, "removed", reader);
    struct push_message *message = make_message(
        "removed", &(struct cursor){position, CURSOR_ALL}, &data, 0);
    buf_free(&data);
    return message;
}
