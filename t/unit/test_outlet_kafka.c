/* Tests of outlet_kafka, with a driver that the test plays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "outlet.h"
#include "runner.h"

enum {
    EVENTS = 5,
};

/* --- a clock and a log -------------------------------------------------- */

static int64_t now = 5000;
static char logged[1000];

int64_t monotonic_ms(void)
{
    return now;
}

static void keep(const char *level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void keep(const char *level, const char *format, va_list args)
{
    size_t len = strlen(logged);

    len += (size_t)snprintf(logged + len, sizeof(logged) - len, "%s ", level);
    vsnprintf(logged + len, sizeof(logged) - len, format, args);
    strcat(logged, "\n");
}

void log_info(const char *subject, const char *format, ...)
{
    va_list args;

    (void)subject;
    va_start(args, format);
    keep("info", format, args);
    va_end(args);
}

void log_error(const char *subject, const char *format, ...)
{
    va_list args;

    (void)subject;
    va_start(args, format);
    keep("error", format, args);
    va_end(args);
}

static int counts[3];

void metrics_count(enum metric metric, int word, int second_word)
{
    ck_assert_int_eq(metric, METRIC_EVENTS);
    ck_assert_int_eq(word, OUTLET_KAFKA);
    counts[second_word]++;
}

/* --- a driver ----------------------------------------------------------- */

static struct {
    int made, freed;
    bool cannot_be_made;
    kafka_report *report;
    void *context;
    int64_t numbers[100]; /* of what is under way */
    int count;
    int room;           /* for so much */
    enum error refuses; /* all messages */
    int64_t fails;      /* this message; -1: none */
    int64_t holds;      /* this one is under way; -1: none */
    bool is_down;       /* nothing is delivered */
    int polls;          /* in which nothing is delivered */
    bool is_dead;
    const char *fault;
    volatile sig_atomic_t stops; /* in a poll */
    char produced[1000];
} driver;

static volatile sig_atomic_t stopping;

struct kafka *kafka_new(const struct kafka_settings *settings,
    kafka_report *report, void *context, struct buf *reason)
{
    static char kafka;

    ck_assert_str_eq((const char *)settings, "loaded");
    ck_assert_int_eq(driver.made, driver.freed);
    if (driver.cannot_be_made) {
        buf_puts(reason, "no memory");
        return NULL;
    }
    driver.made++;
    driver.report = report;
    driver.context = context;
    driver.count = 0;
    driver.is_dead = false;
    return (struct kafka *)&kafka;
}

void kafka_free(struct kafka *kafka)
{
    driver.freed += kafka != NULL;
}

enum error kafka_produce(
    struct kafka *kafka, int64_t number, struct text key, struct text value)
{
    size_t len = strlen(driver.produced);

    (void)kafka;
    if (driver.refuses)
        return driver.refuses;
    if (driver.count == driver.room)
        return ERR_UNAVAILABLE;
    driver.numbers[driver.count++] = number;
    snprintf(driver.produced + len, sizeof(driver.produced) - len, "%s:%s ",
        key.data, value.data);
    ck_assert_uint_eq(key.len, strlen(key.data));
    return OK;
}

enum error kafka_poll(struct kafka *kafka, int ms)
{
    int kept = 0;

    (void)kafka;
    now += ms;
    stopping |= driver.stops;
    if (driver.is_dead)
        return ERR_INTERNAL;
    if (driver.polls-- > 0)
        return OK;
    for (int i = 0; i < driver.count && !driver.is_down; i++) {
        int64_t number = driver.numbers[i];
        if (number == driver.holds)
            driver.numbers[kept++] = number;
        else
            driver.report(driver.context, number,
                number == driver.fails ? driver.fault : NULL);
    }
    if (!driver.is_down)
        driver.count = kept;
    return OK;
}

const char *kafka_fault(const struct kafka *kafka)
{
    (void)kafka;
    return driver.fault;
}

struct kafka_settings *kafka_load(const char *servers, const char *topic,
    const char *file, struct buf *faults)
{
    ck_assert_str_eq(servers, "host:9092");
    ck_assert_str_eq(topic, "topic");
    ck_assert_str_eq(file, "file");
    buf_puts(faults, "fault");
    return NULL;
}

void kafka_unload(struct kafka_settings *settings)
{
    (void)settings;
}

/* --- an outlet that is open --------------------------------------------- */

extern const struct outlet_kind outlet_kafka;

static const struct outlet_means means = {
    .loaded = "loaded",
    .metric = OUTLET_KAFKA,
    .is_stopping = &stopping,
};
static struct outlet_event events[EVENTS];
static void *self;

static void set_up(void)
{
    static char bodies[EVENTS][8];

    driver.room = 100;
    driver.fails = driver.holds = -1;
    driver.fault = "";
    for (int i = 0; i < EVENTS; i++) {
        events[i].place = (struct cursor){10 + i, i % 2 + 1};
        snprintf(bodies[i], sizeof(bodies[i]), "{%d}", i);
        events[i].body = (struct text){bodies[i], strlen(bodies[i])};
        cursor_print(&events[i].place, events[i].id_text);
        events[i].id =
            (struct text){events[i].id_text, strlen(events[i].id_text)};
    }
    self = outlet_kafka.open(&means);
    ck_assert_ptr_nonnull(self);
}

static void tear_down(void)
{
    outlet_kafka.close(self);
    ck_assert_int_eq(driver.made, driver.freed);
}

static int send_from(int first)
{
    return outlet_kafka.send(self, events + first, EVENTS - first);
}

#define ALL "1:{0} 2:{1} 1:{2} 2:{3} 1:{4} "

/* --- tests -------------------------------------------------------------- */

START_TEST(it_is_there_if_servers_are)
{
    struct config config = {.kafka_servers = "",
        .kafka_topic = "topic",
        .kafka_options_file = "file"};
    struct buf text = {0};

    ck_assert_int_eq(outlet_kafka.count(&config), 0);
    config.kafka_servers = "host:9092";
    ck_assert_int_eq(outlet_kafka.count(&config), 1);
    ck_assert_ptr_null(outlet_kafka.load(&config, &text));
    ck_assert_str_eq(buf_text(&text), "fault");
    buf_reset(&text, 0);
    outlet_kafka.print_name(&config, 0, &text);
    ck_assert_str_eq(buf_text(&text), "kafka");
    buf_free(&text);
}
END_TEST

START_TEST(events_are_delivered_with_their_participants)
{
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_str_eq(driver.produced, ALL);
    ck_assert_int_eq(counts[EVENT_SENT], EVENTS);
    ck_assert_int_eq(counts[EVENT_FAILED], 0);
    ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(one_batch_follows_another)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_int_eq(driver.made, 1);
    ck_assert_str_eq(driver.produced, ALL ALL ALL);
}
END_TEST

START_TEST(what_is_under_way_is_not_sent_again)
{
    driver.is_down = true;
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_eq(send_from(0), 0);
    driver.is_down = false;
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_str_eq(driver.produced, ALL);
}
END_TEST

START_TEST(it_does_not_wait_for_long)
{
    int64_t start = now;

    driver.is_down = true;
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_ge(now - start, 1000);
    ck_assert_int_le(now - start, 3000);
}
END_TEST

START_TEST(nor_for_more_than_a_moment_where_it_stops)
{
    int64_t start = now;

    driver.is_down = true;
    driver.stops = 1;
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_le(now - start, 700);
}
END_TEST

/* What is under way would come twice. */
START_TEST(but_for_that_it_does)
{
    driver.stops = 1;
    driver.polls = 3;
    ck_assert_int_eq(send_from(0), EVENTS);
}
END_TEST

START_TEST(a_queue_that_is_full_holds_up_nothing_else)
{
    driver.room = 2;
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_str_eq(driver.produced, ALL);
    ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(a_queue_that_stays_full_is_said)
{
    driver.room = 0;
    driver.fault = "Local: Queue full";
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_str_eq(logged, "error no event is taken: event 10.1, of 3 bytes: "
                             "Local: Queue full; they wait\n");
}
END_TEST

START_TEST(brokers_that_are_away_are_said_once_and_that_they_are_back)
{
    driver.is_down = true;
    driver.fault = "Connection refused";
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_str_eq(logged, "");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(send_from(0), 0);
    driver.is_down = false;
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_str_eq(logged,
        "error no event is taken: Connection refused; they wait\n"
        "info events are taken again, after 10 s\n");
    ck_assert_int_eq(driver.made, 1);
}
END_TEST

START_TEST(silence_counts_from_the_first_event_that_waits)
{
    ck_assert_int_eq(send_from(0), EVENTS);
    now += 3600000;
    driver.is_down = true;
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_str_eq(logged, "");
}
END_TEST

/* Whatever was sent behind one that failed is sent behind it once more. */
START_TEST(one_that_fails_ends_the_producer)
{
    driver.fails = 2;
    driver.fault = "too large";
    ck_assert_int_eq(send_from(0), 2);
    ck_assert_int_eq(driver.freed, 1);
    ck_assert_int_eq(counts[EVENT_FAILED], 1);
    driver.fails = -1;
    ck_assert_int_eq(send_from(2), 0);
    ck_assert_int_eq(driver.made, 1);
    now += 1000;
    ck_assert_int_eq(send_from(2), 3);
    ck_assert_str_eq(driver.produced, ALL "1:{2} 2:{3} 1:{4} ");
    ck_assert_str_eq(logged, "error no event is taken: too large; they wait\n"
                             "info events are taken again, after 1 s\n");
}
END_TEST

START_TEST(what_was_sent_behind_it_counts_no_more)
{
    driver.fails = 2;
    ck_assert_int_eq(send_from(0), 2);
    now += 1000;
    driver.fails = -1;
    driver.holds = 3;
    ck_assert_int_eq(send_from(2), 1);
    driver.holds = -1;
    ck_assert_int_eq(send_from(3), 2);
}
END_TEST

START_TEST(those_in_front_are_settled)
{
    driver.holds = 1;
    ck_assert_int_eq(send_from(0), 1);
    ck_assert_int_eq(send_from(1), 0);
    driver.holds = -1;
    ck_assert_int_eq(send_from(1), 4);
    ck_assert_str_eq(driver.produced, ALL);
}
END_TEST

START_TEST(a_fault_of_before_is_not_told)
{
    driver.is_down = true;
    driver.fault = "of before";
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_eq(send_from(0), 0);
    driver.is_down = false;
    ck_assert_int_eq(send_from(0), EVENTS);
    driver.is_down = true;
    driver.fault = "";
    *logged = '\0';
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_str_eq(
        logged, "error no event is taken: there is no answer; they wait\n");
}
END_TEST

START_TEST(so_does_one_that_is_refused)
{
    driver.refuses = ERR_INVALID;
    driver.fault = "too large";
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_int_eq(driver.freed, 1);
    ck_assert_int_eq(counts[EVENT_FAILED], 1);
    ck_assert_str_eq(logged, "error no event is taken: event 10.1, of 3 bytes: "
                             "too large; they wait\n");
}
END_TEST

START_TEST(a_producer_that_is_dead_is_replaced)
{
    ck_assert_int_eq(send_from(0), EVENTS);
    driver.is_dead = true;
    driver.fault = "fenced";
    ck_assert_int_eq(send_from(0), 0);
    now += 1000;
    ck_assert_int_eq(send_from(0), EVENTS);
    ck_assert_int_eq(driver.made, 2);
    ck_assert_ptr_nonnull(strstr(logged, "no event is taken: fenced;"));
}
END_TEST

/* Each failure in ms since the one before. */
START_TEST(pauses_grow_until_something_is_delivered)
{
    static const int pauses[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

    driver.refuses = ERR_INVALID;
    ck_assert_int_eq(send_from(0), 0);
    for (int i = 0; i < 7; i++) {
        now += pauses[i] - 1;
        ck_assert_int_eq(send_from(0), 0);
        ck_assert_int_eq(driver.made, i + 1);
        now += 1;
        ck_assert_int_eq(send_from(0), 0);
        ck_assert_int_eq(driver.made, i + 2);
    }
    driver.refuses = OK;
    now += 30000;
    ck_assert_int_eq(send_from(0), EVENTS);
    driver.refuses = ERR_INVALID;
    ck_assert_int_eq(send_from(0), 0);
    now += 1000;
    driver.refuses = OK;
    ck_assert_int_eq(send_from(0), EVENTS);
}
END_TEST

START_TEST(a_producer_that_cannot_be_made_is_tried_again)
{
    driver.cannot_be_made = true;
    ck_assert_int_eq(send_from(0), 0);
    ck_assert_ptr_nonnull(strstr(logged, "no event is taken: no memory;"));
    driver.cannot_be_made = false;
    now += 1000;
    ck_assert_int_eq(send_from(0), EVENTS);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, it_is_there_if_servers_are);
    tcase_add_test(tests, events_are_delivered_with_their_participants);
    tcase_add_test(tests, one_batch_follows_another);
    tcase_add_test(tests, what_is_under_way_is_not_sent_again);
    tcase_add_test(tests, it_does_not_wait_for_long);
    tcase_add_test(tests, nor_for_more_than_a_moment_where_it_stops);
    tcase_add_test(tests, but_for_that_it_does);
    tcase_add_test(tests, a_queue_that_is_full_holds_up_nothing_else);
    tcase_add_test(tests, a_queue_that_stays_full_is_said);
    tcase_add_test(
        tests, brokers_that_are_away_are_said_once_and_that_they_are_back);
    tcase_add_test(tests, silence_counts_from_the_first_event_that_waits);
    tcase_add_test(tests, one_that_fails_ends_the_producer);
    tcase_add_test(tests, what_was_sent_behind_it_counts_no_more);
    tcase_add_test(tests, those_in_front_are_settled);
    tcase_add_test(tests, a_fault_of_before_is_not_told);
    tcase_add_test(tests, so_does_one_that_is_refused);
    tcase_add_test(tests, a_producer_that_is_dead_is_replaced);
    tcase_add_test(tests, pauses_grow_until_something_is_delivered);
    tcase_add_test(tests, a_producer_that_cannot_be_made_is_tried_again);
}
