/* Tests of live_read, over rows that are made up. */
#include <stdlib.h>
#include <string.h>

#include "live_read.h"
#include "runner.h"

/* --- a database --------------------------------------------------------- */

struct push_message {
    char event[16];
    char id[CURSOR_SIZE];
    char data[512];
    size_t gap;
};

static const char *row[9]; /* of the result, by column; NULL: NULL */

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    (void)statement;
    (void)params;
    return OK;
}

void pg_add_int(struct pg_params *params, int64_t value)
{
    (void)value;
    params->count++;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return 1;
}

int64_t pg_int(const struct pg *pg, int i, int column)
{
    (void)pg;
    (void)i;
    return row[column] ? strtoll(row[column], NULL, 10) : 0;
}

int64_t pg_time(const struct pg *pg, int i, int column)
{
    return pg_int(pg, i, column);
}

struct text pg_text(const struct pg *pg, int i, int column)
{
    const char *text = row[column] ? row[column] : "";

    (void)pg;
    (void)i;
    return (struct text){text, strlen(text)};
}

void pg_ids(const struct pg *pg, int i, int column, struct buf *ids)
{
    int64_t id = pg_int(pg, i, column);

    buf_add(ids, &id, sizeof(id));
}

struct push_message *push_message_new(
    const char *event, const char *id, struct text data, size_t gap)
{
    struct push_message *message = calloc(1, sizeof(*message));

    strcpy(message->event, event);
    strcpy(message->id, id);
    strcpy(message->data, data.data);
    message->gap = gap;
    return message;
}

/* --- tests -------------------------------------------------------------- */

static struct buf scratch;

static void tear_down(void)
{
    buf_free(&scratch);
}

static void assert_message(struct push_message *message, const char *event,
    const char *id, const char *data)
{
    ck_assert_str_eq(message->event, event);
    ck_assert_str_eq(message->id, id);
    ck_assert_str_eq(message->data, data);
    free(message);
}

START_TEST(a_post_has_a_gap_for_its_reader)
{
    static const char *const post[] = {"7", "3", "0", "Hi", "A\nB", "1000000"};

    memcpy(row, post, sizeof(post));
    struct push_message *message = live_post(NULL, 0, &scratch);
    ck_assert_str_eq(message->data + message->gap,
        ",\"occurred\":\"1970-01-01T00:00:00.000Z\","
        "\"edited\":\"1970-01-01T00:00:01.000Z\","
        "\"subject\":\"Hi\",\"story\":\"A\\nB\","
        "\"link\":\"/participant/3/outbound/7\"}");
    message->data[message->gap] = '\0';
    assert_message(
        message, "item", "7", "{\"id\":7,\"from\":\"/participant/3\"");
}
END_TEST

static const struct {
    const char *row[9];
    const char *event;
    const char *id;
    const char *data;
    bool is_end;
} changes[] = {
    {{"9", "0", "removed", "3", "7"}, "removed", "9",
        "{\"reason\":\"removed\",\"id\":7,"
        "\"link\":\"/participant/3/outbound/7\"}",
        false},
    {{"9", "0", "unfriended", "3"}, "removed", "9",
        "{\"reason\":\"unfriended\",\"from\":\"/participant/3\"}", false},
    {{"9", "0", "gone", "3"}, "removed", "9",
        "{\"reason\":\"removed\",\"from\":\"/participant/3\"}", false},
    {{"9", "0", "end", "0"}, "removed", "9",
        "{\"reason\":\"removed\",\"from\":\"/participant/5\"}", true},
    {{"9", "7", "item", "3", "7", "0", "a", "b"}, "item", "9.7",
        "{\"id\":7,\"from\":\"/participant/3\","
        "\"occurred\":\"1970-01-01T00:00:00.000Z\",\"subject\":\"a\","
        "\"story\":\"b\",\"link\":\"/participant/3/outbound/7\"}",
        false},
    {{"9", "0", "changed", "3", "7", "0", "a", "b"}, "changed", "9",
        "{\"id\":7,\"from\":\"/participant/3\","
        "\"occurred\":\"1970-01-01T00:00:00.000Z\",\"subject\":\"a\","
        "\"story\":\"b\",\"link\":\"/participant/3/outbound/7\"}",
        false},
};

START_TEST(each_change_has_its_message)
{
    struct cursor at;
    bool is_end;

    memcpy(row, changes[_i].row, sizeof(row));
    struct push_message *message =
        live_change(NULL, 5, 0, &scratch, &at, &is_end);
    ck_assert(is_end == changes[_i].is_end);
    ck_assert_int_eq(at.pos, 9);
    assert_message(
        message, changes[_i].event, changes[_i].id, changes[_i].data);
}
END_TEST

START_TEST(the_stream_tells_of_itself)
{
    assert_message(live_ready(7), "ready", "7", "{}");
    assert_message(
        live_reset(7, "too old"), "reset", "7", "{\"reason\":\"too old\"}");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, a_post_has_a_gap_for_its_reader);
    tcase_add_loop_test(tests, each_change_has_its_message, 0,
        sizeof(changes) / sizeof(*changes));
    tcase_add_test(tests, the_stream_tells_of_itself);
}
