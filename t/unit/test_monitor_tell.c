/* Tests of monitor_tell: what makes the service ready, and how it is told. */
#include <stdio.h>
#include <string.h>

#include "agenda.h"
#include "api.h"
#include "clock.h"
#include "database.h"
#include "metrics.h"
#include "monitor.h"
#include "outlet.h"
#include "release.h"
#include "runner.h"

enum {
    LIMIT = 60000 /* ms */
};

static struct follower index_follower = {.name = "index"};
struct follower *const followers[] = {&index_follower, NULL};
const char release_version[] = "1.2.3";

/* --- the others ---------------------------------------------------------- */

static void print_outlet(
    const struct config *config, int number, struct buf *name)
{
    (void)config;
    buf_printf(name, "https://%d.example/", number);
}

static const struct outlet_kind webhook = {
    .kind = "webhook", .print_name = print_outlet};
const struct outlet_kind *const outlets[] = {&webhook, NULL};
static int outlets_there;

int outlet_count(const struct config *config)
{
    (void)config;
    return outlets_there;
}

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
    snprintf(label, OUTLET_LABEL_SIZE, "webhook %d", index + 1);
}

const char *api_name(int number)
{
    return number == OPERATIONS ? "getInbound" : NULL;
}

/* --- a service that is well ----------------------------------------------- */

static struct config config;
static struct scoreboard *scoreboard;
static struct health health;
static struct buf text;
static struct sight sight;

static struct slot *worker(void)
{
    return &scoreboard->slots[2];
}

static void set_up(void)
{
    outlets_there = 0;
    scoreboard = scoreboard_new();
    config = (struct config){.worker_count = 2,
        .monitor_lag_limit = LIMIT,
        .monitor_listen = "",
        .db_read_conninfo = "",
        .search_conninfo = ""};
    health = (struct health){
        .looked_at = monotonic_ms(),
        .has_database = true,
        .schema = DATABASE_SCHEMA_VERSION,
        .language = "german",
        .followers = {1, {{"index", 3, LIMIT}}},
        .jobs = {1, {{"deliver", 0, 0}}},
        .servers = 1,
        .cache = {{"unix:/m", true, false}},
    };
    sight = (struct sight){
        .config = &config, .scoreboard = scoreboard, .health = &health};
    slot_clear(worker());
    worker()->process = PROCESS_WORKER;
    worker()->ready = true;
}

static void tear_down(void)
{
    scoreboard_free(scoreboard);
    buf_free(&text);
}

static bool is_ready(void)
{
    buf_reset(&text, text.cap);
    return monitor_tell_ready(&sight, &text);
}

static bool says(const char *words)
{
    return strstr(buf_text(&text), words) != NULL;
}

START_TEST(it_is_ready)
{
    ck_assert(is_ready());
    ck_assert(!says("failed") && !says("warning"));
    ck_assert(says("\nready\n"));
}
END_TEST

START_TEST(without_a_worker_it_is_not)
{
    worker()->ready = false;
    ck_assert(!is_ready());
    ck_assert(says("failed   workers: 0 of 2 are ready, 0 busy\n"));
    ck_assert(says("\nnot ready\n"));
}
END_TEST

START_TEST(nor_where_the_only_one_is_stuck)
{
    worker()->busy_since = monotonic_ms() - 60000;
    ck_assert(!is_ready());
    ck_assert(says("failed   workers: 0 of 2 are ready, 1 busy\n"));
}
END_TEST

START_TEST(a_streamer_is_no_worker)
{
    worker()->process = PROCESS_STREAMER;
    ck_assert(!is_ready());
}
END_TEST

START_TEST(without_a_database_it_says_why)
{
    health.has_database = false;
    strcpy(health.reason, "database: gone");
    ck_assert(!is_ready());
    ck_assert(says("failed   database: gone\n"));
    ck_assert(!says("follower"));
}
END_TEST

START_TEST(what_was_seen_long_ago_says_nothing)
{
    health.looked_at = monotonic_ms() - 60000;
    ck_assert(!is_ready());
    health.looked_at = 0;
    ck_assert(!is_ready());
    ck_assert(says("failed   database: it was not looked at yet\n"));
}
END_TEST

START_TEST(a_follower_that_is_far_behind_is_told)
{
    health.followers.list[0].age = LIMIT + 1;
    ck_assert(!is_ready());
    ck_assert(says("failed   follower index: 60.0 s behind"));
}
END_TEST

START_TEST(a_follower_of_another_programs_holds_nothing_up)
{
    strcpy(health.followers.list[0].name, "other");
    health.followers.list[0].age = LIMIT + 1;
    ck_assert(is_ready());
}
END_TEST

START_TEST(a_cache_is_a_warning)
{
    health.cache[0].answers = false;
    ck_assert(is_ready());
    ck_assert(says("warning  cache unix:/m: it does not answer\n"));
    health.cache[0] = (struct cache_health){"unix:/m", true, true};
    ck_assert(is_ready());
    ck_assert(says("warning  cache unix:/m: it answers, but"));
}
END_TEST

START_TEST(a_search_of_its_own_is_a_warning)
{
    ck_assert(is_ready());
    ck_assert(!says("search"));
    config.search_conninfo = "dbname=search";
    health.has_search = true;
    health.search_state = 'w';
    ck_assert(is_ready());
    ck_assert(says("ok       search: it is whole\n"));
    health.search_state = 'm';
    health.followers.list[0].age = LIMIT + 1;
    ck_assert(is_ready());
    ck_assert(says("warning  search: it may lack what was changed (newsfeed"));
    ck_assert(says("warning  follower index: 60.0 s behind\n"));
    health.has_search = false;
    strcpy(health.search_reason, "search database: gone");
    ck_assert(is_ready());
    ck_assert(says("warning  search database: gone\n"));
    buf_reset(&text, text.cap);
    monitor_tell_metrics(&sight, false, &text);
    ck_assert(says("\nnewsfeed_search_up 0\n"));
    ck_assert(says("\nnewsfeed_search_whole 0\n"));
}
END_TEST

START_TEST(a_replica_is_a_warning)
{
    ck_assert(is_ready());
    ck_assert(!says("replica"));
    config.db_read_conninfo = "host=standby";
    ck_assert(is_ready());
    ck_assert(says("ok       replica: no fault is known\n"));
    scoreboard->replica.fault = READ_BEHIND;
    ck_assert(is_ready());
    ck_assert(says("warning  replica: behind; the primary is read\n"));
    buf_reset(&text, text.cap);
    monitor_tell_status(&sight, &text);
    ck_assert(says("replicas   served 0 reads, 0 were the primary's\n"));
}
END_TEST

/* By their labels: a URL may have a secret in it. */
START_TEST(an_outlet_is_a_warning)
{
    outlets_there = 2;
    health.outlets = (struct backlogs){2,
        {{"https://1.example/", 4, LIMIT + 1}, {"https://7.example/", 1, 1}}};
    health.waiting = (struct backlogs){1, {{"https://1.example/", 3, 1500}}};
    ck_assert(is_ready());
    ck_assert(says("warning  outlet webhook 2: 60.0 s behind\n"));
    ck_assert(!says("example"));
    buf_reset(&text, text.cap);
    monitor_tell_metrics(&sight, false, &text);
    ck_assert(says("\nnewsfeed_outlet_events{outlet=\"webhook 2\"} 4\n"));
    ck_assert(says("\nnewsfeed_outlet_participants_waiting"
                   "{outlet=\"webhook 2\"} 3\n"));
    ck_assert(
        says("\nnewsfeed_outlet_waiting_seconds{outlet=\"webhook 2\"} 1.5\n"));
    ck_assert(!says("example"));
}
END_TEST

START_TEST(what_is_not_known_is_not_counted)
{
    monitor_tell_metrics(&sight, false, &text);
    ck_assert(says("\nnewsfeed_ready 1\n"));
    ck_assert(says("\nnewsfeed_workers{state=\"idle\"} 1\n"));
    ck_assert(says("\nnewsfeed_follower_lag_seconds{follower=\"index\"} 60\n"));
    ck_assert(says("\nnewsfeed_build_info{version=\"1.2.3\"} 1\n"));
    ck_assert(!says("newsfeed_nginx"));
    ck_assert(!says("{job=") && !says("{instance=")); /* Prometheus's own */
    health.has_database = false;
    buf_reset(&text, text.cap);
    monitor_tell_metrics(&sight, false, &text);
    ck_assert(says("\nnewsfeed_database_up 0\n"));
    ck_assert(!says("newsfeed_follower_lag_seconds"));
    ck_assert(!says("schema_version"));
}
END_TEST

START_TEST(a_person_is_told_what_there_is_to_do)
{
    health.jobs = (struct backlogs){2, {{"deliver", 2, 1500}, {"sweep", 0, 0}}};
    metrics_count(METRIC_REQUESTS, OPERATIONS, metrics_status(404));
    monitor_tell_status(&sight, &text);
    ck_assert(says("newsfeed 1.2.3, up "));
    ck_assert(says("4xx 1, 5xx 0\n"));
    ck_assert(says("\nto do      deliver 2 (1.5 s)\n"));
    ck_assert(says("\nto follow  index 3 (60.0 s)\n"));
    ck_assert(says("\nto tell    nothing\n"));
    ck_assert(says("\nwaiting    nothing\n"));
    ck_assert(says("\nsearch     in german\n"));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, it_is_ready);
    tcase_add_test(tests, without_a_worker_it_is_not);
    tcase_add_test(tests, nor_where_the_only_one_is_stuck);
    tcase_add_test(tests, a_streamer_is_no_worker);
    tcase_add_test(tests, without_a_database_it_says_why);
    tcase_add_test(tests, what_was_seen_long_ago_says_nothing);
    tcase_add_test(tests, a_follower_that_is_far_behind_is_told);
    tcase_add_test(tests, a_follower_of_another_programs_holds_nothing_up);
    tcase_add_test(tests, a_cache_is_a_warning);
    tcase_add_test(tests, a_replica_is_a_warning);
    tcase_add_test(tests, a_search_of_its_own_is_a_warning);
    tcase_add_test(tests, an_outlet_is_a_warning);
    tcase_add_test(tests, what_is_not_known_is_not_counted);
    tcase_add_test(tests, a_person_is_told_what_there_is_to_do);
}
