/* Tests of outlet_webhook, with endpoint, database and clock played by the
 * test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "courier.h"
#include "event.h"
#include "log.h"
#include "outlet.h"
#include "runner.h"
#include "waiting.h"
#include "webhook.h"

enum {
    MINUTE = 60000,
    AT_ONCE = 16,
};

extern const struct outlet_kind outlet_webhook;

/* --- a clock and a log -------------------------------------------------- */

static int64_t now = 100000000;
static char logged[20000];

int64_t monotonic_ms(void)
{
    return now;
}

static void keep(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static void keep(const char *format, va_list args)
{
    size_t len = strlen(logged);

    vsnprintf(logged + len, sizeof(logged) - len, format, args);
}

#define LOG(name)                                           \
    void name(const char *subject, const char *format, ...) \
    {                                                       \
        va_list args;                                       \
        (void)subject;                                      \
        va_start(args, format);                             \
        keep(format, args);                                 \
        va_end(args);                                       \
    }

LOG(log_info)
LOG(log_warn)
LOG(log_error)

static int counts[3];

void metrics_count(enum metric metric, int word, int second_word)
{
    ck_assert_int_eq(metric, METRIC_EVENTS);
    ck_assert_int_eq(word, OUTLET_WEBHOOK);
    counts[second_word]++;
}

/* --- an endpoint --------------------------------------------------------- */

/* What it says to an event, by its id: a status, or 0. */
static int (*say)(int64_t pos);
static int retry_after;
static bool is_silent;

static struct {
    void *tag;
    int64_t pos;
} flying[AT_ONCE];
static int flights, most_flights;
static char posted[20000]; /* the ids, in their order */

struct courier *courier_new(const struct courier_settings *settings)
{
    static char courier;

    ck_assert_int_eq(settings->at_once, AT_ONCE);
    return (struct courier *)(void *)&courier;
}

void courier_free(struct courier *courier)
{
    (void)courier;
}

bool courier_has_room(struct courier *courier)
{
    (void)courier;
    return flights < AT_ONCE;
}

bool courier_send(struct courier *courier, const char *url,
    const char *const *headers, struct text body, void *tag)
{
    long long pos, sub;

    (void)courier;
    ck_assert_str_eq(url, "http://a/");
    ck_assert_str_eq(headers[0], "Content-Type: application/cloudevents+json");
    ck_assert_str_eq(headers[4], "webhook-signature: v1,sign");
    ck_assert_ptr_null(headers[5]);
    ck_assert_int_eq(sscanf(body.data, "{%lld.%lld}", &pos, &sub), 2);
    char id[80];
    snprintf(id, sizeof(id), "webhook-id: newsfeed-%lld-%lld", pos, sub);
    ck_assert_str_eq(headers[2], id);
    flying[flights].tag = tag;
    flying[flights++].pos = pos;
    if (flights > most_flights)
        most_flights = flights;
    size_t len = strlen(posted);
    snprintf(posted + len, sizeof(posted) - len, "%lld ", pos);
    return true;
}

bool courier_next(
    struct courier *courier, int ms, struct courier_answer *answer)
{
    (void)courier;
    if (is_silent || flights == 0) {
        now += flights > 0 ? ms : 0;
        return false;
    }
    int status = say(flying[0].pos);
    *answer = (struct courier_answer){flying[0].tag, status,
        status ? NULL : "nobody there", false, status == 200 ? 0 : retry_after};
    memmove(flying, flying + 1, sizeof(flying) - sizeof(*flying));
    flights--;
    return true;
}

enum error webhook_sign(const struct webhook *webhook, const char *id,
    int64_t time, struct text body, struct buf *out)
{
    (void)webhook;
    (void)id;
    (void)body;
    ck_assert_int_gt(time, 0);
    buf_puts(out, "v1,sign");
    return OK;
}

int webhook_count(const struct config *config)
{
    (void)config;
    return 1;
}

struct text webhook_url(const struct config *config, int number)
{
    (void)config;
    ck_assert_int_eq(number, 0);
    return (struct text){"http://a/", 9};
}

struct webhook *webhook_new(const struct config *config, struct buf *faults)
{
    (void)config;
    (void)faults;
    return NULL;
}

void webhook_free(struct webhook *webhook)
{
    (void)webhook;
}

/* --- a database ---------------------------------------------------------- */

static struct row {
    struct waiting_step step;
    int64_t due, since;
} rows[100];
static int row_count;
static int64_t all_since; /* 0: not all wait */
static enum error database_fault;

/* Events of who waits, and the result of the last look. */
static struct cursor events[200];
static int event_count;
static struct cursor seen;
static struct {
    int row;
    struct cursor place;
    bool is_over;
} found[100];
static int64_t occurred = 1; /* of all events, us */

static struct row *find(int64_t participant)
{
    for (int i = 0; i < row_count; i++)
        if (rows[i].step.participant == participant)
            return &rows[i];
    return NULL;
}

enum error waiting_find(const struct waiting *waiting,
    const struct buf *participants, struct buf *ids)
{
    const int64_t *list = (const int64_t *)(const void *)participants->data;

    (void)waiting;
    for (size_t i = 0; i < participants->len / sizeof(*list); i++)
        if (find(list[i]))
            buf_add(ids, &list[i], sizeof(*list));
    return database_fault;
}

enum error waiting_add(const struct waiting *waiting,
    const struct waiting_step *step, int limit, bool *is_added)
{
    (void)waiting;
    *is_added = !database_fault && row_count < limit;
    if (*is_added)
        rows[row_count++] = (struct row){*step, now + step->ms, now};
    return database_fault;
}

enum error waiting_due(const struct waiting *waiting,
    const struct cursor *up_to, int participants, int limit, int *count)
{
    int taken = 0;

    (void)waiting;
    seen = *up_to;
    *count = 0;
    for (int i = 0; i < row_count && taken < participants; i++) {
        if (rows[i].due > now)
            continue;
        int left = limit;
        taken++;
        for (int j = 0; j < event_count && left > 0; j++)
            if (events[j].sub == rows[i].step.participant &&
                events[j].pos > rows[i].step.done) {
                found[*count].row = i;
                found[*count].is_over = false;
                found[(*count)++].place = events[j];
                left--;
            }
        if (left == limit) {
            found[*count].row = i;
            found[*count].is_over = true;
            found[(*count)++].place.sub = rows[i].step.participant;
        }
    }
    return database_fault;
}

bool waiting_is_over(const struct pg *pg, int row)
{
    (void)pg;
    return found[row].is_over;
}

int waiting_tries(const struct pg *pg, int row)
{
    (void)pg;
    return rows[found[row].row].step.tries;
}

int64_t waiting_ms(const struct pg *pg, int row)
{
    (void)pg;
    return now - rows[found[row].row].since;
}

enum error waiting_move(
    const struct waiting *waiting, const struct waiting_step *step)
{
    struct row *row = find(step->participant);

    (void)waiting;
    ck_assert_ptr_nonnull(row);
    row->step = *step;
    row->due = now + step->ms;
    row->since = step->was_taken ? now : row->since;
    return database_fault;
}

enum error waiting_end(const struct waiting *waiting, int64_t participant)
{
    struct row *row = find(participant);

    (void)waiting;
    ck_assert_ptr_nonnull(row);
    *row = rows[--row_count];
    return OK;
}

enum error waiting_add_all(const struct waiting *waiting, int64_t *ms)
{
    (void)waiting;
    all_since = all_since ? all_since : now;
    *ms = now - all_since;
    return database_fault;
}

enum error waiting_end_all(const struct waiting *waiting, int64_t *ms)
{
    (void)waiting;
    *ms = all_since && !database_fault ? now - all_since : -1;
    all_since = 0;
    for (int i = 0; i < row_count; i++)
        rows[i].due = now;
    return database_fault;
}

struct cursor event_place(const struct pg *pg, int row)
{
    (void)pg;
    return found[row].place;
}

int64_t event_time(const struct pg *pg, int row)
{
    (void)pg;
    (void)row;
    return occurred;
}

bool event_print(const struct pg *pg, int row, struct buf *out)
{
    (void)pg;
    buf_printf(out, "{%lld.%lld}", (long long)found[row].place.pos,
        (long long)found[row].place.sub);
    return true;
}

/* --- a batch ------------------------------------------------------------- */

static struct config config = {.webhook_retry = 1000,
    .webhook_give_up = 86400,
    .webhook_timeout = 10000,
    .webhook_ca_file = ""};
static volatile sig_atomic_t is_stopping;
static struct outlet_means means = {
    .config = &config,
    .name = "webhook http://a/",
    .label = "webhook 1",
    .metric = OUTLET_WEBHOOK,
    .is_stopping = &is_stopping,
};
static struct outlet_event batch[64];
static char bodies[64][48];
static int batch_count, batch_first;
static void *outlet;

static int say_200(int64_t pos)
{
    (void)pos;
    return 200;
}

static int say_503(int64_t pos)
{
    (void)pos;
    return 503;
}

static int say_422(int64_t pos)
{
    (void)pos;
    return 422;
}

static int say_429(int64_t pos)
{
    (void)pos;
    return 429;
}

/* Of the event 1 alone. */
static int say_500_to_one(int64_t pos)
{
    return pos == 1 ? 500 : 200;
}

static int say_422_to_one(int64_t pos)
{
    return pos == 1 ? 422 : 200;
}

static void add(int64_t pos, int64_t sub)
{
    struct outlet_event *event = &batch[batch_count];
    char *body = bodies[batch_count++];

    snprintf(
        body, sizeof(bodies[0]), "{%lld.%lld}", (long long)pos, (long long)sub);
    *event = (struct outlet_event){
        .place = {pos, sub},
        .occurred = occurred,
        .body = {body, strlen(body)},
    };
    events[event_count++] = event->place;
}

static void set_up(void)
{
    say = say_200;
    outlet = outlet_webhook.open(&means);
    ck_assert_ptr_nonnull(outlet);
}

static void tear_down(void)
{
    outlet_webhook.close(outlet);
}

/* Whether all of the batch is settled. */
static bool send_batch(void)
{
    *posted = '\0';
    batch_first += outlet_webhook.send(
        outlet, batch + batch_first, batch_count - batch_first);
    if (batch_first < batch_count)
        return false;
    batch_first = batch_count = 0;
    return true;
}

static void rest(void)
{
    *posted = '\0';
    outlet_webhook.rest(outlet);
}

/* How long it is until something is posted again. */
static int64_t wait_for_post(void)
{
    int64_t start = now;

    do {
        now += 50;
        ck_assert(!send_batch());
    } while (*posted == '\0');
    return now - start;
}

START_TEST(posts_a_batch)
{
    for (int i = 1; i <= 40; i++)
        add(i, i);
    ck_assert(send_batch());
    ck_assert_int_eq(most_flights, AT_ONCE);
    ck_assert_int_eq(counts[EVENT_SENT], 40);
    ck_assert_int_eq(counts[EVENT_FAILED], 0);
    ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(one_participants_events_fly_one_by_one)
{
    for (int i = 1; i <= 6; i++)
        add(i, i == 4 ? 8 : 7);
    ck_assert(send_batch());
    ck_assert_int_eq(most_flights, 2);
    ck_assert_str_eq(posted, "1 4 2 3 5 6 ");
}
END_TEST

START_TEST(tells_what_is_settled_in_front)
{
    is_silent = true;
    add(1, 1);
    add(2, 2);
    ck_assert_int_eq(outlet_webhook.send(outlet, batch, 2), 0);
    is_silent = false;
    say = say_500_to_one;
    ck_assert_int_eq(outlet_webhook.send(outlet, batch, 2), 0);
    say = say_200;
    now += 2000;
    ck_assert_int_eq(outlet_webhook.send(outlet, batch, 2), 2);
    ck_assert_str_eq(posted, "1 2 1 ");
}
END_TEST

START_TEST(an_event_that_is_refused_waits_at_once)
{
    add(9, 9);
    ck_assert(send_batch());
    say = say_422_to_one;
    add(1, 7);
    add(2, 8);
    add(3, 7);
    ck_assert(send_batch());
    ck_assert_str_eq(posted, "1 2 ");
    ck_assert_int_eq(row_count, 1);
    ck_assert_int_eq(rows[0].step.participant, 7);
    ck_assert_int_eq(rows[0].step.done, 0);
    ck_assert_ptr_nonnull(strstr(
        logged, "does not take event 1.7: status 422; participant 7 waits"));
    add(4, 7);
    add(5, 8);
    ck_assert(send_batch());
    ck_assert_str_eq(posted, "5 ");
    rest();
    ck_assert_str_eq(posted, ""); /* not yet */
    now = rows[0].due;
    rest();
    ck_assert_str_eq(posted, "1 ");
    ck_assert_int_eq(rows[0].step.tries, 2);
    say = say_200;
    now = rows[0].due;
    rest();
    ck_assert_str_eq(posted, "1 3 4 ");
    ck_assert_int_eq(seen.pos, 5);
    now += 1000;
    rest();
    ck_assert_int_eq(row_count, 0);
}
END_TEST

/* Refused: 1, and then 2. */
static int say_422_to_the_next(int64_t pos)
{
    return pos == 2 ? 422 : 200;
}

START_TEST(with_each_event_that_is_taken_waiting_begins_anew)
{
    add(1, 7);
    add(2, 7);
    add(3, 7);
    say = say_422_to_one;
    ck_assert(send_batch());
    for (int i = 0; i < 5; i++) {
        now = rows[0].due;
        rest();
    }
    ck_assert_int_eq(rows[0].step.tries, 6);
    ck_assert(!rows[0].step.was_taken);
    say = say_422_to_the_next;
    now = rows[0].due + 90000000;
    rest();
    ck_assert_str_eq(posted, "1 2 ");
    ck_assert_int_eq(rows[0].step.tries, 1);
    ck_assert_int_eq(rows[0].step.done, 1);
    ck_assert(rows[0].step.was_taken);
    ck_assert_int_le(rows[0].step.ms, 1250);
    now += 80000000;
    rest();
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 0);
    ck_assert_int_eq(rows[0].step.tries, 2);
    now += 10000000;
    rest();
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 1);
    ck_assert_str_eq(posted, "2 3 ");
}
END_TEST

START_TEST(what_is_on_its_way_is_not_looked_for_again)
{
    add(1, 7);
    add(2, 8);
    say = say_422;
    ck_assert(send_batch());
    ck_assert_int_eq(row_count, 2);
    is_silent = true;
    now += 5000;
    rest();
    ck_assert_str_eq(posted, "1 2 ");
    now += 5000;
    rest();
    ck_assert_str_eq(posted, "");
    is_silent = false;
    say = say_200;
    rest();
    ck_assert_int_eq(counts[EVENT_SENT], 2);
}
END_TEST

START_TEST(however_many_wait_their_pauses_grow)
{
    add(99, 99);
    ck_assert(send_batch());
    say = say_422;
    for (int i = 1; i <= 8; i++)
        add(i, i);
    ck_assert(send_batch());
    ck_assert_int_eq(row_count, 8);
    ck_assert_str_eq(strstr(logged, "all wait") ? "all" : "", "");
    for (int i = 0; i < 5; i++) {
        now += 2000 << i;
        rest();
        now += 200;
        rest();
        say = say_200;
        add(100 + i, 99);
        ck_assert(send_batch()); /* it is no sign that they will be taken */
        say = say_422;
        rest();
    }
    ck_assert_int_eq(row_count, 8);
    ck_assert_int_le(counts[EVENT_FAILED], 8 * 6);
}
END_TEST

START_TEST(an_event_that_fails_while_others_do_not_waits_soon)
{
    say = say_500_to_one;
    add(1, 7);
    add(2, 8);
    add(3, 9);
    for (int i = 0; i < 2; i++) {
        ck_assert(!send_batch());
        ck_assert_int_eq(row_count, 0);
        now += 5000;
    }
    ck_assert(send_batch());
    ck_assert_int_eq(row_count, 1);
    ck_assert_int_eq(counts[EVENT_FAILED], 3);
}
END_TEST

START_TEST(one_event_alone_holds_up_nobody_for_ever)
{
    say = say_500_to_one;
    add(1, 7);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(row_count, 0);
        ck_assert_int_eq(send_batch(), i == 2);
        now += 5000;
    }
    ck_assert_int_eq(row_count, 1);
}
END_TEST

START_TEST(what_fails_before_a_process_and_not_behind_it_is_told)
{
    say = say_503;
    for (int i = 1; i <= 4; i++)
        add(i, i);
    ck_assert(!send_batch());
    ck_assert_int_ne(all_since, 0);
    tear_down();
    set_up();
    logged[0] = '\0';
    now += 7000;
    while (!send_batch())
        now++;
    ck_assert_int_eq(all_since, 0);
    ck_assert_ptr_nonnull(
        strstr(logged, "webhook 1: takes events again, after "));
    logged[0] = '\0';
    tear_down();
    set_up();
    event_count = 0;
    add(5, 5);
    ck_assert(send_batch());
    ck_assert_ptr_null(strstr(logged, "takes events again"));
}
END_TEST

START_TEST(where_nothing_is_taken_a_few_find_out_and_all_wait)
{
    say = say_503;
    for (int i = 1; i <= 40; i++)
        add(i, i);
    ck_assert(!send_batch());
    ck_assert_int_lt(counts[EVENT_FAILED], AT_ONCE + 3); /* and then a pause */
    ck_assert_int_ne(all_since, 0);
    seen.pos = -1;
    rest();
    ck_assert_int_eq(
        seen.pos, -1); /* nor does anybody look for those who wait */
    ck_assert_int_le(wait_for_post(), 1300); /* one for all of them */
    for (int i = 0; i < 8; i++) {
        ck_assert(!send_batch());
        now += 10 * MINUTE;
    }
    ck_assert_int_eq(row_count, 16);
    ck_assert_ptr_nonnull(
        strstr(logged, "webhook 1: takes no events, so that all wait"));
    ck_assert_ptr_null(strstr(logged, "http")); /* a URL may have a secret */
    logged[0] = '\0';
    say = say_200;
    while (!send_batch())
        now++;
    ck_assert_int_eq(all_since, 0);
    ck_assert_ptr_nonnull(strstr(logged, "takes events again"));
    for (int i = 0; i < 20; i++) {
        rest();
        now += 200; /* they need not wait for what they were due */
    }
    ck_assert_int_eq(row_count, 0);
    ck_assert_int_eq(counts[EVENT_SENT], 40);
}
END_TEST

START_TEST(whoever_has_too_many_requests_speaks_of_all)
{
    say = say_429;
    add(1, 1);
    for (int i = 0; i < 10; i++) {
        ck_assert(!send_batch());
        now += 20 * MINUTE;
    }
    ck_assert_int_eq(row_count, 0);
}
END_TEST

START_TEST(where_it_cannot_be_noted_who_waits_all_do)
{
    say = say_422_to_one;
    add(1, 1);
    is_silent = true;
    ck_assert(!send_batch());
    is_silent = false;
    database_fault = ERR_NO_DATABASE;
    ck_assert(!send_batch());
    database_fault = OK;
    ck_assert(!send_batch());
    ck_assert_ptr_nonnull(strstr(logged, "so that all wait"));
    ck_assert_int_eq(row_count, 0);
    now += 2000;
    ck_assert(send_batch());
    ck_assert_int_eq(row_count, 1);
}
END_TEST

/* Those of all, behind two of the event's own. */
START_TEST(pauses_grow_up_to_ten_minutes)
{
    say = say_429;
    add(1, 1);
    ck_assert(!send_batch());
    wait_for_post();
    wait_for_post();
    for (int i = 0; i < 14; i++) {
        int64_t ms = i < 10 ? 1000 << i : 10 * MINUTE;
        int64_t waited = wait_for_post();
        ck_assert_int_ge(waited, ms * 3 / 4);
        ck_assert_int_le(waited, ms * 5 / 4 + 51);
    }
}
END_TEST

static const struct {
    int asked, least, most; /* s */
} asked_pauses[] = {
    {0, 0, 2},
    {5, 5, 6},
    {600, 600, 601},
    {601, 600, 601},
    {2000000000, 600, 601},
};

START_TEST(what_is_asked_for_is_given_within_limits)
{
    say = say_429;
    retry_after = asked_pauses[_i].asked;
    add(1, 1);
    ck_assert(!send_batch());
    int64_t waited = wait_for_post();
    ck_assert_int_ge(waited, asked_pauses[_i].least * 1000);
    ck_assert_int_le(waited, asked_pauses[_i].most * 1000);
}
END_TEST

START_TEST(what_waits_for_too_long_is_set_aside)
{
    say = say_422_to_one;
    add(1, 7);
    add(2, 7);
    ck_assert(send_batch());
    now = rows[0].due + 86399000 - 1000 - rows[0].step.ms;
    rows[0].due = now;
    rest();
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 0);
    now += 10 * MINUTE;
    rest();
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 1);
    ck_assert_str_eq(posted, "1 2 ");
    ck_assert_ptr_nonnull(
        strstr(logged, "1 events are set aside, 1.7 to 1.7: they were not "
                       "taken for 86400 s"));
}
END_TEST

START_TEST(what_is_new_is_not_set_aside)
{
    occurred = (int64_t)time(NULL) * 1000000;
    say = say_422_to_one;
    add(1, 7);
    ck_assert(send_batch());
    now += 3 * 86400000LL;
    rest();
    ck_assert_str_eq(posted, "1 ");
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 0);
}
END_TEST

START_TEST(where_nothing_is_taken_for_too_long_all_that_is_old_goes)
{
    say = say_429;
    for (int i = 1; i <= 40; i++)
        add(i, i);
    ck_assert(!send_batch());
    now += 86400000LL - 1;
    ck_assert(!send_batch());
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 0);
    now += 1;
    ck_assert(send_batch());
    ck_assert_int_eq(counts[EVENT_SET_ASIDE], 40);
    ck_assert_ptr_nonnull(
        strstr(logged, "40 events are set aside, 1.1 to 40.40"));
    logged[0] = '\0';
    add(41, 1);
    ck_assert(send_batch());
    ck_assert_str_eq(logged, ""); /* a line a minute is enough */
    now += MINUTE;
    rest();
    ck_assert_ptr_nonnull(strstr(logged, "1 events are set aside"));
}
END_TEST

static int say_200_and_stop(int64_t pos)
{
    is_stopping = 1;
    return pos > 0 ? 200 : 0;
}

START_TEST(told_to_stop_it_waits_for_what_is_on_its_way)
{
    add(1, 1);
    add(2, 2);
    add(3, 1);
    say = say_200_and_stop;
    ck_assert(!send_batch());
    ck_assert_str_eq(posted, "1 2 ");
    ck_assert_int_eq(batch_first, 2);
}
END_TEST

START_TEST(without_the_database_nothing_is_posted)
{
    add(1, 1);
    database_fault = ERR_NO_DATABASE;
    ck_assert(!send_batch());
    ck_assert_str_eq(posted, "");
    database_fault = OK;
    ck_assert(send_batch());
}
END_TEST

static int say_307(int64_t pos)
{
    (void)pos;
    return 307;
}

static int say_nothing(int64_t pos)
{
    (void)pos;
    return 0;
}

static const struct {
    int (*say)(int64_t pos);
    const char *words;
} reasons[] = {
    {say_503, ": status 503;"},
    {say_307, ": status 307, redirects are not followed;"},
    {say_nothing, ": nobody there;"},
};

START_TEST(says_why)
{
    say = reasons[_i].say;
    for (int i = 1; i <= 4; i++)
        add(i, i);
    ck_assert(!send_batch());
    ck_assert_ptr_nonnull(strstr(logged, reasons[_i].words));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, posts_a_batch);
    tcase_add_test(tests, one_participants_events_fly_one_by_one);
    tcase_add_test(tests, tells_what_is_settled_in_front);
    tcase_add_test(tests, an_event_that_is_refused_waits_at_once);
    tcase_add_test(tests, with_each_event_that_is_taken_waiting_begins_anew);
    tcase_add_test(tests, what_is_on_its_way_is_not_looked_for_again);
    tcase_add_test(tests, however_many_wait_their_pauses_grow);
    tcase_add_test(tests, an_event_that_fails_while_others_do_not_waits_soon);
    tcase_add_test(tests, one_event_alone_holds_up_nobody_for_ever);
    tcase_add_test(
        tests, what_fails_before_a_process_and_not_behind_it_is_told);
    tcase_add_test(tests, where_nothing_is_taken_a_few_find_out_and_all_wait);
    tcase_add_test(tests, whoever_has_too_many_requests_speaks_of_all);
    tcase_add_test(tests, where_it_cannot_be_noted_who_waits_all_do);
    tcase_add_test(tests, pauses_grow_up_to_ten_minutes);
    tcase_add_loop_test(tests, what_is_asked_for_is_given_within_limits, 0,
        COUNT(asked_pauses));
    tcase_add_test(tests, what_waits_for_too_long_is_set_aside);
    tcase_add_test(tests, what_is_new_is_not_set_aside);
    tcase_add_test(
        tests, where_nothing_is_taken_for_too_long_all_that_is_old_goes);
    tcase_add_test(tests, told_to_stop_it_waits_for_what_is_on_its_way);
    tcase_add_test(tests, without_the_database_nothing_is_posted);
    tcase_add_loop_test(tests, says_why, 0, COUNT(reasons));
}
