/* Tests of event: how it is printed. */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "event.h"
#include "runner.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

/* A row, and a database that gives it. */
static struct {
    int64_t id, participant;
    const char *kind;
    int64_t other;
    const char *name;
    bool is_there; /* what it is about */
} row;

int64_t pg_int(const struct pg *pg, int r, int column)
{
    const int64_t numbers[] = {row.id, row.participant, 0, row.other, 0, 0,
        row.other, row.participant};

    (void)pg;
    (void)r;
    return numbers[column];
}

struct text pg_text(const struct pg *pg, int r, int column)
{
    const char *text = column == 2   ? row.kind
                       : column == 5 ? row.name
                       : column == 9 ? "Subject"
                                     : "Story";

    (void)pg;
    (void)r;
    return (struct text){text, strlen(text)};
}

int64_t pg_time(const struct pg *pg, int r, int column)
{
    (void)pg;
    (void)r;
    return column == 11 ? 0 : 1000000;
}

bool pg_is_null(const struct pg *pg, int r, int column)
{
    (void)pg;
    (void)r;
    return column >= 5 && !row.is_there;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return 1;
}

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
    (void)params;
    (void)value;
}

const char sql_events[] = "";

/* --- events ------------------------------------------------------------- */

#define POST                                                          \
    "{\"id\":8,\"from\":\"/participant/7\",\"occurred\":"             \
    "\"1970-01-01T00:00:01.000Z\",\"subject\":\"Subject\",\"story\":" \
    "\"Story\",\"link\":\"/participant/7/outbound/8\"}"

static const struct {
    const char *kind, *type, *data;
} events[] = {
    {"a", "participant.added",
        "{\"id\":7,\"name\":\"A \\\"B\\\"\",\"link\":\"/participant/7\"}"},
    {"n", "participant.renamed",
        "{\"id\":7,\"name\":\"A \\\"B\\\"\",\"link\":\"/participant/7\"}"},
    {"g", "participant.removed", "{\"id\":7,\"link\":\"/participant/7\"}"},
    {"f", "friendship.made",
        "{\"from\":\"/participant/7\",\"to\":\"/participant/8\"}"},
    {"u", "friendship.ended",
        "{\"from\":\"/participant/7\",\"to\":\"/participant/8\"}"},
    {"l", "friendship.ended",
        "{\"from\":\"/participant/7\",\"to\":\"/participant/8\"}"},
    {"p", "post.made", POST},
    {"c", "post.changed", POST},
    {"r", "post.removed",
        "{\"id\":8,\"from\":\"/participant/7\",\"link\":"
        "\"/participant/7/outbound/8\"}"},
};

static void set_row(const char *kind, bool is_there)
{
    row.id = 12;
    row.participant = 7;
    row.other = 8;
    row.kind = kind;
    row.name = "A \"B\"";
    row.is_there = is_there;
}

START_TEST(prints_an_event)
{
    struct buf out = {0};
    struct buf expected = {0};

    set_row(events[_i].kind, true);
    ck_assert(event_print(NULL, 0, &out));
    buf_printf(&expected,
        "{\"specversion\":\"1.0\",\"id\":\"12.7\",\"source\":\"/newsfeed\","
        "\"type\":\"newsfeed.%s\",\"subject\":\"/participant/7\","
        "\"time\":\"1970-01-01T00:00:01.000Z\","
        "\"datacontenttype\":\"application/json\",\"data\":%s}",
        events[_i].type, events[_i].data);
    ck_assert_str_eq(buf_text(&out), buf_text(&expected));
    struct json_object *parsed = json_tokener_parse(buf_text(&out));
    ck_assert_ptr_nonnull(parsed);
    json_object_put(parsed);
    buf_free(&out);
    buf_free(&expected);
}
END_TEST

START_TEST(tells_nothing_of_what_is_gone)
{
    struct buf out = {0};

    set_row("p", false);
    ck_assert(!event_print(NULL, 0, &out));
    set_row("c", false);
    ck_assert(!event_print(NULL, 0, &out));
    set_row("a", false);
    ck_assert(!event_print(NULL, 0, &out));
    ck_assert_uint_eq(out.len, 0);
    set_row("r", false);
    ck_assert(event_print(NULL, 0, &out));
    buf_free(&out);
}
END_TEST

START_TEST(tells_nothing_of_a_kind_that_it_does_not_know)
{
    struct buf out = {0};

    set_row("z", true);
    ck_assert(!event_print(NULL, 0, &out));
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, prints_an_event, 0, COUNT(events));
    tcase_add_test(tests, tells_nothing_of_what_is_gone);
    tcase_add_test(tests, tells_nothing_of_a_kind_that_it_does_not_know);
}
