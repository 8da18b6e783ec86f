/* What has happened, as CloudEvents 1.0 in JSON. */
#include <inttypes.h>

#include "event.h"
#include "json.h"
#include "sql.h"

/* Columns of sql/statements/events.sql. */
enum {
    ID,
    PARTICIPANT,
    KIND,
    OTHER,
    HAPPENED,
    NAME,
    POST_ID,
    POST_AUTHOR,
    POST_OCCURRED,
    POST_SUBJECT,
    POST_STORY,
    POST_EDITED,
};

/* --- reading ------------------------------------------------------------ */

enum error event_read(struct pg *pg, const struct cursor *behind, int64_t up_to,
    int limit, int *count)
{
    static struct pg_statement statement = {
        .name = "events",
        .sql = sql_events,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, behind->pos);
    pg_add_int(&params, behind->sub == CURSOR_ALL ? INT64_MAX : behind->sub);
    pg_add_int(&params, up_to);
    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    *count = error ? 0 : pg_rows(pg);
    return error;
}

struct cursor event_place(const struct pg *pg, int row)
{
    return (struct cursor){pg_int(pg, row, ID), pg_int(pg, row, PARTICIPANT)};
}

int64_t event_time(const struct pg *pg, int row)
{
    return pg_time(pg, row, HAPPENED);
}

/* --- printing ----------------------------------------------------------- */

static void print_named(const struct pg *pg, int row, struct buf *out)
{
    struct participant participant = {
        pg_int(pg, row, PARTICIPANT), pg_text(pg, row, NAME)};

    json_print_participant(out, &participant);
}

static void print_gone(const struct pg *pg, int row, struct buf *out)
{
    buf_printf(out,
        "{\"id\":%" PRId64 ",\"link\":\"/participant/%" PRId64 "\"}",
        pg_int(pg, row, PARTICIPANT), pg_int(pg, row, PARTICIPANT));
}

static void print_friends(const struct pg *pg, int row, struct buf *out)
{
    buf_printf(out,
        "{\"from\":\"/participant/%" PRId64 "\",\"to\":\"/participant/%" PRId64
        "\"}",
        pg_int(pg, row, PARTICIPANT), pg_int(pg, row, OTHER));
}

static void print_post(const struct pg *pg, int row, struct buf *out)
{
    struct item item = {
        .id = pg_int(pg, row, POST_ID),
        .from = pg_int(pg, row, POST_AUTHOR),
        .occurred = pg_time(pg, row, POST_OCCURRED),
        .subject = pg_text(pg, row, POST_SUBJECT),
        .story = pg_text(pg, row, POST_STORY),
        .edited = pg_time(pg, row, POST_EDITED),
    };

    json_print_item(out, &item);
}

static void print_removed(const struct pg *pg, int row, struct buf *out)
{
    buf_printf(out,
        "{\"id\":%" PRId64 ",\"from\":\"/participant/%" PRId64
        "\",\"link\":\"/participant/%" PRId64 "/outbound/%" PRId64 "\"}",
        pg_int(pg, row, OTHER), pg_int(pg, row, PARTICIPANT),
        pg_int(pg, row, PARTICIPANT), pg_int(pg, row, OTHER));
}

static const struct kind {
    char letter; /* of the table event; p: a post */
    const char *type;
    void (*print)(const struct pg *pg, int row, struct buf *out);
    int needs; /* a column */
} kinds[] = {
    {'a', "newsfeed.participant.added", print_named, NAME},
    {'n', "newsfeed.participant.renamed", print_named, NAME},
    {'g', "newsfeed.participant.removed", print_gone, ID},
    {'f', "newsfeed.friendship.made", print_friends, ID},
    {'u', "newsfeed.friendship.ended", print_friends, ID},
    {'l', "newsfeed.friendship.ended", print_friends, ID},
    {'p', "newsfeed.post.made", print_post, POST_ID},
    {'c', "newsfeed.post.changed", print_post, POST_ID},
    {'r', "newsfeed.post.removed", print_removed, ID},
};

static const struct kind *kind_of(const struct pg *pg, int row)
{
    char letter = *pg_text(pg, row, KIND).data;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (kinds[i].letter == letter)
            return &kinds[i];
    return NULL;
}

bool event_print(const struct pg *pg, int row, struct buf *out)
{
    const struct kind *kind = kind_of(pg, row);
    struct cursor place = event_place(pg, row);
    char id[CURSOR_SIZE];

    if (!kind || pg_is_null(pg, row, kind->needs))
        return false;
    cursor_print(&place, id);
    buf_printf(out,
        "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/newsfeed\","
        "\"type\":\"%s\",\"subject\":\"/participant/%" PRId64 "\",\"time\":",
        id, kind->type, place.sub);
    json_print_time(out, event_time(pg, row));
    buf_puts(out, ",\"datacontenttype\":\"application/json\",\"data\":");
    kind->print(pg, row, out);
    buf_puts(out, "}");
    return true;
}
