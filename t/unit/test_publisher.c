/* Tests of publisher, with its database, its outlet and the clock played by the
 * test. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "clock.h"
#include "database.h"
#include "event.h"
#include "exit.h"
#include "log.h"
#include "outlet.h"
#include "publisher.h"
#include "runner.h"
#include "sql.h"

const char sql_publisher_hold[] = "hold";
const char sql_publisher_note[] = "note";

/* --- a clock ------------------------------------------------------------ */

static int64_t now = 1000;
static int rests; /* so many more, then it is told to stop */
static void (*on_rest)(void);
static int ends_by = SIGQUIT;

int64_t monotonic_ms(void)
{
    return now;
}

int poll(struct pollfd *fds, nfds_t count, int ms)
{
    (void)fds;
    (void)count;
    now += ms;
    if (on_rest)
        on_rest();
    if (rests-- == 0)
        raise(ends_by);
    return 0;
}

void slot_busy(struct slot *slot)
{
    (void)slot;
}

void slot_idle(struct slot *slot)
{
    (void)slot;
}

/* --- a database --------------------------------------------------------- */

static struct {
    int64_t identity;
    struct cursor place; /* of the outlet */
    char holder[100];    /* "": nobody; it may be another's */
    bool is_new;
    int64_t horizon, floor;
    bool is_known;
    int event_count;
    struct cursor events[20];
    bool is_gone[20];
} database;

static enum error hold_fault, note_fault, read_fault;
static int holds;
static char told[2000]; /* what was done, in this order */
static int found[20];   /* rows of the last result */
static int row_count;
static int64_t answer[2];

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
    size_t len = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + len, sizeof(told) - len, format, args);
    va_end(args);
}

void pg_add_int(struct pg_params *params, int64_t value)
{
    params->numbers[params->count++] = (uint64_t)value;
}

void pg_add_text(struct pg_params *params, struct text text)
{
    params->values[params->count++] = text.data;
}

static enum error answer_hold(const struct pg_params *params)
{
    const char *holder = params->values[1];

    holds++;
    if (hold_fault)
        return hold_fault;
    row_count = !*database.holder || strcmp(database.holder, holder) == 0;
    if (row_count == 0)
        return OK;
    strcpy(database.holder, holder);
    if (database.is_new)
        database.place = (struct cursor){(int64_t)params->numbers[3], 0};
    database.is_new = false;
    answer[0] = database.place.pos;
    answer[1] = database.place.sub;
    return OK;
}

static enum error answer_note(const struct pg_params *params)
{
    struct cursor from = {
        (int64_t)params->numbers[3], (int64_t)params->numbers[4]};
    struct cursor to = {
        (int64_t)params->numbers[5], (int64_t)params->numbers[6]};

    row_count = strcmp(database.holder, params->values[1]) == 0 &&
                from.pos == database.place.pos &&
                from.sub == database.place.sub;
    if (note_fault)
        return note_fault;
    if (row_count > 0)
        database.place = to;
    tell("note %d.%d; ", (int)to.pos, (int)to.sub);
    return OK;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    ck_assert_str_eq(params->values[0], "outlet");
    if (statement->sql == sql_publisher_hold)
        return answer_hold(params);
    if (statement->sql == sql_publisher_note)
        return answer_note(params);
    ck_assert_str_eq(statement->name, "publisher_release");
    ck_assert_str_eq(params->values[1], database.holder);
    tell("release; ");
    return OK;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return row_count;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    (void)pg;
    ck_assert_int_eq(row, 0);
    return answer[column];
}

int64_t pg_identity(const struct pg *pg)
{
    (void)pg;
    return database.identity;
}

struct pg *database_new(
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    static char pg;

    (void)config;
    (void)statement_timeout;
    (void)breaker;
    return (struct pg *)&pg;
}

bool pg_refresh(struct pg *pg)
{
    (void)pg;
    return true;
}

void pg_free(struct pg *pg)
{
    (void)pg;
}

static int64_t identity_of_arrival;

enum error arrival_look(struct pg *pg, struct arrival *arrival)
{
    (void)pg;
    arrival->horizon = database.horizon;
    arrival->is_known = database.is_known;
    arrival->database =
        identity_of_arrival ? identity_of_arrival : database.identity;
    return OK;
}

enum error arrival_floor(struct pg *pg, int64_t *position)
{
    (void)pg;
    *position = database.floor;
    return OK;
}

void arrival_free(struct arrival *arrival)
{
    (void)arrival;
}

static bool is_behind(struct cursor a, struct cursor b)
{
    return a.pos > b.pos ||
           (a.pos == b.pos && b.sub != CURSOR_ALL && a.sub > b.sub);
}

static void (*on_read)(void);

enum error event_read(struct pg *pg, const struct cursor *behind, int64_t up_to,
    int limit, int *count)
{
    (void)pg;
    *count = 0;
    for (int i = 0; i < database.event_count; i++)
        if (is_behind(database.events[i], *behind) &&
            database.events[i].pos <= up_to && *count < limit)
            found[(*count)++] = i;
    if (on_read)
        on_read();
    return read_fault;
}

struct cursor event_place(const struct pg *pg, int row)
{
    (void)pg;
    return database.events[found[row]];
}

int64_t event_time(const struct pg *pg, int row)
{
    (void)pg;
    (void)row;
    return 0;
}

bool event_print(const struct pg *pg, int row, struct buf *out)
{
    (void)pg;
    if (!database.is_gone[found[row]])
        buf_printf(out, "{event %d}", found[row]);
    return !database.is_gone[found[row]];
}

/* --- a log -------------------------------------------------------------- */

static char logged[1000];

static void keep(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static void keep(const char *format, va_list args)
{
    size_t len = strlen(logged);

    vsnprintf(logged + len, sizeof(logged) - len, format, args);
    strcat(logged, "; ");
}

#define LOG(LEVEL)                                                 \
    void log_##LEVEL(const char *subject, const char *format, ...) \
    {                                                              \
        va_list args;                                              \
        (void)subject;                                             \
        va_start(args, format);                                    \
        keep(format, args);                                        \
        va_end(args);                                              \
    }

LOG(info)
LOG(warn)
LOG(error)

/* --- an outlet ---------------------------------------------------------- */

static int settles[20]; /* of each call, in this order; -1: all */
static int calls;
static void (*on_send)(void);

static int count(const struct config *config)
{
    (void)config;
    return 1;
}

static void print_name(
    const struct config *config, int number, struct buf *name)
{
    (void)config;
    buf_puts(name, "outlet");
    ck_assert_int_eq(number, 0);
}

static void *open_outlet(const struct outlet_means *means)
{
    static char self;

    ck_assert_str_eq(means->name, "outlet");
    ck_assert_int_eq(means->metric, OUTLET_WEBHOOK);
    ck_assert_int_eq(*means->is_stopping, 0);
    tell("open; ");
    return &self;
}

static int send_events(
    void *self, const struct outlet_event *events, int event_count)
{
    (void)self;
    tell("send");
    for (int i = 0; i < event_count; i++) {
        ck_assert_uint_eq(events[i].body.len, strlen(events[i].body.data));
        ck_assert_msg(strncmp(events[i].body.data, "{event ", 7) == 0, "%s",
            events[i].body.data);
        tell(" %s", events[i].id.data);
    }
    tell("; ");
    if (on_send)
        on_send();
    int settled = settles[calls++];
    return settled < 0 ? event_count : settled;
}

static void close_outlet(void *self)
{
    (void)self;
    tell("close; ");
}

static struct outlet_kind outlet = {
    .kind = "outlet",
    .batch = 3,
    .metric = OUTLET_WEBHOOK,
    .count = count,
    .print_name = print_name,
    .open = open_outlet,
    .send = send_events,
    .close = close_outlet,
};

const struct outlet_kind *const outlets[] = {&outlet, NULL};

int outlet_find(const struct config *config, int index, int *number)
{
    (void)config;
    *number = index;
    return 0;
}

void outlet_label(
    const struct config *config, int index, char label[OUTLET_LABEL_SIZE])
{
    (void)config;
    snprintf(label, OUTLET_LABEL_SIZE, "outlet %d", index + 1);
}

/* --- tests -------------------------------------------------------------- */

static void add_event(int64_t pos, int64_t sub)
{
    database.events[database.event_count++] = (struct cursor){pos, sub};
    if (pos > database.horizon)
        database.horizon = pos;
}

static void set_up(void)
{
    database.identity = 1;
    database.is_known = true;
    database.place = (struct cursor){4, 0};
    memset(settles, -1, sizeof(settles));
}

/* Until it has rested so often. */
static void run(int times)
{
    struct config config = {0};
    struct setup setup = {.config = &config};
    struct scoreboard scoreboard;
    struct slot slot;

    rests = times;
    ck_assert_int_eq(
        publisher_run(0, 7, &setup, &scoreboard, &slot), EXIT_RETIRED);
}

START_TEST(events_are_told_and_their_place_is_noted)
{
    add_event(4, 7);
    add_event(5, 1);
    add_event(6, 1);
    run(1);
    ck_assert_str_eq(told, "open; send 5.1 6.1; note 6.0; close; release; ");
    ck_assert_str_eq(logged, "outlet 1: events are told behind 4; ");
}
END_TEST

START_TEST(a_new_outlet_begins_at_what_has_arrived)
{
    database.is_new = true;
    add_event(5, 1);
    run(1);
    ck_assert_str_eq(told, "open; close; release; ");
    ck_assert_int_eq(database.place.pos, 5);
}
END_TEST

START_TEST(one_batch_follows_another)
{
    for (int i = 1; i <= 7; i++)
        add_event(9, i);
    run(3);
    ck_assert_str_eq(told, "open; send 9.1 9.2 9.3; note 9.3; "
                           "send 9.4 9.5 9.6; note 9.6; send 9.7; note 9.0; "
                           "close; release; ");
}
END_TEST

/* Each look costs the database something. */
START_TEST(it_rests_where_all_is_told)
{
    int64_t start = now;

    add_event(5, 1);
    run(0);
    ck_assert_int_eq(now, start + 100);
}
END_TEST

START_TEST(but_not_where_more_is_left)
{
    int64_t start = now;

    for (int i = 1; i <= 7; i++)
        add_event(9, i);
    run(1);
    ck_assert_int_eq(now, start);
}
END_TEST

START_TEST(what_is_not_settled_is_told_again)
{
    add_event(5, 1);
    add_event(6, 2);
    add_event(7, 3);
    settles[0] = 1;
    settles[1] = 0;
    settles[2] = 1;
    run(4);
    ck_assert_str_eq(told,
        "open; send 5.1 6.2 7.3; note 5.1; send 6.2 7.3; send 6.2 7.3; "
        "note 6.2; send 7.3; note 7.3; note 7.0; close; release; ");
}
END_TEST

static void add_one_later(void)
{
    if (rests == 1)
        add_event(9, 1);
}

START_TEST(of_what_is_gone_nothing_is_told)
{
    add_event(5, 1);
    add_event(6, 1);
    add_event(7, 1);
    add_event(8, 1);
    database.is_gone[0] = database.is_gone[2] = database.is_gone[3] = true;
    on_rest = add_one_later;
    run(3);
    ck_assert_str_eq(told, "open; send 6.1; note 7.1; note 8.0; send 9.1; "
                           "note 9.0; close; release; ");
}
END_TEST

START_TEST(nothing_is_held_before_it_is_known_what_has_arrived)
{
    database.is_known = false;
    add_event(5, 1);
    run(2);
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(holds, 0);
}
END_TEST

START_TEST(an_outlet_of_anothers_is_left_alone)
{
    strcpy(database.holder, "another");
    add_event(5, 1);
    run(3);
    ck_assert_str_eq(told, "");
    ck_assert_int_ge(holds, 3);
}
END_TEST

START_TEST(it_is_held_by_its_life)
{
    add_event(5, 1);
    run(1);
    ck_assert_msg(
        strstr(database.holder, " 0000000000000007"), "%s", database.holder);
}
END_TEST

static void take_over(void)
{
    strcpy(database.holder, "another");
    database.place.pos = 8;
    on_send = NULL;
}

static void end_other(void)
{
    if (strcmp(database.holder, "another") == 0)
        *database.holder = '\0';
}

START_TEST(whoever_has_lost_it_begins_where_the_other_was)
{
    add_event(5, 1);
    add_event(7, 1);
    add_event(9, 1);
    settles[0] = 1;
    on_send = take_over;
    on_rest = end_other;
    run(3);
    ck_assert_str_eq(told, "open; send 5.1 7.1 9.1; note 5.1; close; open; "
                           "send 9.1; note 9.0; close; release; ");
}
END_TEST

static void set_back(void)
{
    database.place = (struct cursor){4, 0};
    on_rest = NULL;
    now += 10000;
}

START_TEST(a_place_that_was_set_counts)
{
    add_event(5, 1);
    on_rest = set_back;
    run(3);
    ck_assert_str_eq(told, "open; send 5.1; note 5.0; close; open; "
                           "send 5.1; note 5.0; close; release; ");
}
END_TEST

static void set_back_while_sending(void)
{
    database.place = (struct cursor){3, 0};
    on_send = NULL;
}

START_TEST(it_is_not_overridden)
{
    add_event(4, 1);
    add_event(5, 1);
    on_send = set_back_while_sending;
    run(3);
    ck_assert_str_eq(told, "open; send 5.1; note 5.0; close; open; "
                           "send 4.1 5.1; note 5.0; close; release; ");
}
END_TEST

START_TEST(what_could_not_be_noted_is_told_again)
{
    add_event(5, 1);
    note_fault = ERR_NO_DATABASE;
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; close; open; send 5.1; close; "
                           "open; send 5.1; close; ");
}
END_TEST

static void be_slow(void)
{
    now += 4000;
}

START_TEST(it_is_held_on_while_events_wait)
{
    add_event(5, 1);
    memset(settles, 0, sizeof(settles));
    on_send = be_slow;
    run(4);
    ck_assert_int_ge(holds, 5);
    ck_assert_ptr_null(strstr(told, "open; send 5.1; close; open"));
}
END_TEST

static void rest(void *self)
{
    (void)self;
    tell("rest; ");
}

START_TEST(an_outlet_may_have_something_to_do_at_rest)
{
    outlet.rest = rest;
    add_event(5, 1);
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; note 5.0; rest; rest; close; "
                           "release; ");
}
END_TEST

START_TEST(it_is_not_asked_for_more_often_than_needed)
{
    add_event(5, 1);
    run(20);
    ck_assert_int_le(holds, 2);
}
END_TEST

static void lose_database(void)
{
    hold_fault = ERR_NO_DATABASE;
    now += 10000;
}

START_TEST(without_a_database_nothing_is_held)
{
    add_event(5, 1);
    on_rest = lose_database;
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; note 5.0; close; ");
}
END_TEST

static void change_database(void)
{
    database.identity = 2;
    database.place.pos = 4;
    on_read = NULL;
    identity_of_arrival = 1;
}

static void end_change(void)
{
    if (rests == 2)
        identity_of_arrival = 0;
}

/* Of the other database it is not known how far all has arrived there. */
START_TEST(nothing_is_told_of_another_database_before_it_was_looked_at)
{
    add_event(5, 1);
    on_read = change_database;
    on_rest = end_change;
    run(3);
    ck_assert_str_eq(told, "open; close; open; close; open; send 5.1; "
                           "note 5.0; close; release; ");
}
END_TEST

static void restore_database(void)
{
    database.identity = 2;
    add_event(6, 1);
    now += 10000;
    on_rest = NULL;
}

START_TEST(another_database_begins_anew)
{
    add_event(5, 1);
    on_rest = restore_database;
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; note 5.0; close; open; send 6.1; "
                           "note 6.0; close; release; ");
}
END_TEST

static void fail_over(void)
{
    database.identity = 2;
    database.events[0] = (struct cursor){5, 7};
    on_send = NULL;
}

static void fail_over_late(void)
{
    fail_over();
    now += 10000;
}

/* The first standby has the same place, and another event behind it. */
START_TEST(what_was_told_of_one_database_is_not_noted_in_another)
{
    add_event(5, 1);
    on_send = fail_over;
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; close; open; send 5.7; note 5.0; "
                           "close; release; ");
}
END_TEST

START_TEST(nor_is_it_told_on)
{
    add_event(5, 1);
    settles[0] = 0;
    on_send = fail_over_late;
    run(2);
    ck_assert_str_eq(told, "open; send 5.1; close; open; close; open; "
                           "send 5.7; note 5.0; close; release; ");
}
END_TEST

START_TEST(each_signal_ends_it)
{
    static const int signals[] = {SIGQUIT, SIGTERM, SIGINT};

    ends_by = signals[_i];
    add_event(5, 1);
    run(1);
    ck_assert_ptr_nonnull(strstr(told, "release; "));
}
END_TEST

START_TEST(what_cannot_be_read_is_read_later)
{
    add_event(5, 1);
    read_fault = ERR_TIMEOUT;
    run(1);
    ck_assert_str_eq(told, "open; close; release; ");
}
END_TEST

START_TEST(what_is_kept_no_longer_is_said)
{
    database.floor = 9;
    add_event(12, 1);
    run(1);
    ck_assert_ptr_nonnull(
        strstr(logged, "outlet 1: events up to 9 were kept no "
                       "longer (feed.event_hours)"));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, events_are_told_and_their_place_is_noted);
    tcase_add_test(tests, a_new_outlet_begins_at_what_has_arrived);
    tcase_add_test(tests, one_batch_follows_another);
    tcase_add_test(tests, it_rests_where_all_is_told);
    tcase_add_test(tests, but_not_where_more_is_left);
    tcase_add_test(tests, what_is_not_settled_is_told_again);
    tcase_add_test(tests, of_what_is_gone_nothing_is_told);
    tcase_add_test(tests, nothing_is_held_before_it_is_known_what_has_arrived);
    tcase_add_test(tests, an_outlet_of_anothers_is_left_alone);
    tcase_add_test(tests, it_is_held_by_its_life);
    tcase_add_test(tests, whoever_has_lost_it_begins_where_the_other_was);
    tcase_add_test(tests, a_place_that_was_set_counts);
    tcase_add_test(tests, it_is_not_overridden);
    tcase_add_test(tests, what_could_not_be_noted_is_told_again);
    tcase_add_test(tests, it_is_held_on_while_events_wait);
    tcase_add_test(tests, an_outlet_may_have_something_to_do_at_rest);
    tcase_add_test(tests, it_is_not_asked_for_more_often_than_needed);
    tcase_add_test(tests, without_a_database_nothing_is_held);
    tcase_add_test(
        tests, nothing_is_told_of_another_database_before_it_was_looked_at);
    tcase_add_test(tests, another_database_begins_anew);
    tcase_add_test(
        tests, what_was_told_of_one_database_is_not_noted_in_another);
    tcase_add_test(tests, nor_is_it_told_on);
    tcase_add_loop_test(tests, each_signal_ends_it, 0, 3);
    tcase_add_test(tests, what_cannot_be_read_is_read_later);
    tcase_add_test(tests, what_is_kept_no_longer_is_said);
}
