/* Tests of health: what is taken from the answers of database and cache. */
#include <stdio.h>
#include <string.h>

#include "contract.h"
#include "database.h"
#include "health.h"
#include "memc.h"
#include "runner.h"
#include "runtime.h"

/* --- a database ----------------------------------------------------------- */

static const struct row {
    int part;
    const char *name;
    int64_t count;
    int64_t ms;
} * rows;
static int row_count;
static enum error connects, executes, search_executes;
static char search_pg;
static int64_t place; /* the last parameter */
static int connect_timeout;

struct pg *database_new(
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    (void)breaker;
    ck_assert_int_eq(statement_timeout, HEALTH_TIMEOUT);
    connect_timeout = config->db_connect_timeout;
    return (struct pg *)&row_count;
}

struct pg *database_new_search(
    const struct config *config, int statement_timeout, struct breaker *breaker)
{
    (void)config;
    (void)statement_timeout;
    (void)breaker;
    return (struct pg *)&search_pg;
}

static bool is_search(const struct pg *pg)
{
    return pg == (const struct pg *)&search_pg;
}

void pg_free(struct pg *pg)
{
    (void)pg;
}

void pg_look(struct pg *pg)
{
    (void)pg;
}

enum error pg_connect(struct pg *pg, struct buf *reason)
{
    (void)pg;
    if (connects)
        buf_puts(reason, "database: gone");
    return connects;
}

void pg_add_int(struct pg_params *params, int64_t value)
{
    if (params->count++ == 0)
        ck_assert_int_eq(value, HEALTH_LIMIT);
    else
        place = value;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)params;
    ck_assert(statement->reads);
    return is_search(pg) ? search_executes : executes;
}

int pg_rows(const struct pg *pg)
{
    return is_search(pg) ? 1 : row_count;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    if (is_search(pg))
        return 812;
    return column == 0   ? rows[row].part
           : column == 2 ? rows[row].count
                         : rows[row].ms;
}

struct text pg_text(const struct pg *pg, int row, int column)
{
    if (is_search(pg))
        return column == 1 ? (struct text){"m", 1} : (struct text){"german", 6};
    ck_assert_int_eq(column, 1);
    return (struct text){rows[row].name, strlen(rows[row].name)};
}

/* --- a cache of two servers ------------------------------------------------
 */

static enum memc_result fences[4]; /* what each question comes to */
static int asked;

struct memc *memc_new(const char *servers, int timeout, struct buf *faults)
{
    (void)servers;
    (void)timeout;
    (void)faults;
    return (struct memc *)&asked;
}

void memc_free(struct memc *memc)
{
    (void)memc;
}

int memc_server_count(const struct memc *memc)
{
    (void)memc;
    return 2;
}

int memc_server_of(const struct memc *memc, int group)
{
    (void)memc;
    return group < CONTRACT_GROUPS - 1 ? 0 : 1;
}

void memc_print_server(const struct memc *memc, int server, struct buf *out)
{
    (void)memc;
    buf_printf(out, "unix:/m%d", server);
}

const char *memc_server_name(const struct memc *memc, int server)
{
    (void)memc;
    return server == 0 ? "first" : "second";
}

enum memc_result memc_fence(struct memc *memc, int group, struct buf *keys)
{
    (void)memc;
    (void)group;
    ck_assert_ptr_null(keys);
    return fences[asked++];
}

bool runtime_is_closed(const char *dir, const char *server)
{
    ck_assert_str_eq(dir, "/run");
    return strcmp(server, "second") == 0;
}

/* --- the tests --------------------------------------------------------------
 */

static struct config config;
static struct health health;

static void set_up(void)
{
    config = (struct config){.db_connect_timeout = 60000,
        .cache_servers = "",
        .search_conninfo = "",
        .service_runtime_dir = "/run"};
    health = (struct health){0};
    connects = executes = search_executes = OK;
    row_count = asked = 0;
    memset(fences, 0, sizeof(fences));
}

static void look(void)
{
    struct examiner *examiner = examiner_new(&config);

    ck_assert_ptr_nonnull(examiner);
    examine(examiner, &health);
    examiner_free(examiner);
}

START_TEST(each_figure_has_its_place)
{
    static const struct row all[] = {{1, "schema", 8, 0}, {2, "index", 3, 1500},
        {3, "deliver", 1, 20}, {3, "set aside", 0, 0}, {4, "kafka", 7, 9},
        {6, "kafka", 2, 50}, {99, "of a newer program", 1, 1}};

    rows = all;
    row_count = 7;
    look();
    ck_assert(health.has_database && health.looked_at > 0);
    ck_assert_str_eq(health.reason, "");
    ck_assert_int_eq(health.schema, 8);
    ck_assert_int_eq(health.followers.count, 1);
    ck_assert_str_eq(health.followers.list[0].name, "index");
    ck_assert_int_eq(health.followers.list[0].count, 3);
    ck_assert_int_eq(health.followers.list[0].age, 1500);
    ck_assert_int_eq(health.jobs.count, 2);
    ck_assert_str_eq(health.outlets.list[0].name, "kafka");
    ck_assert_int_eq(health.waiting.list[0].count, 2);
    look();
    ck_assert_int_eq(health.jobs.count, 2); /* and not four */
}
END_TEST

START_TEST(more_than_there_is_room_for_is_left_out)
{
    static struct row many[HEALTH_BACKLOGS + 1];
    char name[2 * HEALTH_NAME];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i <= HEALTH_BACKLOGS; i++)
        many[i] = (struct row){3, name, i, 0};
    rows = many;
    row_count = HEALTH_BACKLOGS + 1;
    look();
    ck_assert_int_eq(health.jobs.count, HEALTH_BACKLOGS);
    ck_assert_uint_eq(strlen(health.jobs.list[0].name), HEALTH_NAME - 1);
}
END_TEST

/* As long as one of webhook.urls may be. */
START_TEST(an_outlet_has_the_whole_of_its_name)
{
    char name[1009] = "webhook ";

    memset(name + 8, 'n', 1000);
    row_count = 1;
    rows = (struct row[]){{4, name, 1, 0}};
    look();
    ck_assert_str_eq(health.outlets.list[0].name, name);
}
END_TEST

START_TEST(it_does_not_wait_for_as_long_as_requests_may)
{
    look();
    ck_assert_int_eq(connect_timeout, HEALTH_TIMEOUT);
    config.db_connect_timeout = 400;
    look();
    ck_assert_int_eq(connect_timeout, 400);
}
END_TEST

START_TEST(a_database_that_is_gone_says_why)
{
    connects = ERR_NO_DATABASE;
    look();
    ck_assert(!health.has_database);
    ck_assert_str_eq(health.reason, "database: gone");
}
END_TEST

START_TEST(so_does_one_that_does_not_answer)
{
    executes = ERR_TIMEOUT;
    look();
    ck_assert(!health.has_database);
    ck_assert_str_eq(health.reason, "database: no answer in time");
    executes = ERR_INTERNAL;
    look();
    ck_assert_str_eq(
        health.reason, "database: it could not be read, see the log");
}
END_TEST

/* -2: nobody has said it yet. */
START_TEST(a_search_of_its_own_says_where_it_is)
{
    static const struct row one[] = {{5, "simple", 0, 0}};
    struct examiner *examiner;

    rows = one;
    row_count = 1;
    look();
    ck_assert_int_eq(place, -1);
    ck_assert_str_eq(health.language, "simple");
    config.search_conninfo = "dbname=search";
    examiner = examiner_new(&config);
    search_executes = ERR_TIMEOUT;
    examine(examiner, &health);
    ck_assert_int_eq(place, -2);
    ck_assert(!health.has_search && health.has_database);
    ck_assert_str_eq(
        health.search_reason, "search database: no answer in time");
    search_executes = OK;
    examine(examiner, &health);
    ck_assert_int_eq(place, 812);
    ck_assert(health.has_search);
    ck_assert_int_eq(health.search_state, 'm');
    ck_assert_str_eq(health.language, "german");
    search_executes = ERR_TIMEOUT; /* the last one counts on */
    examine(examiner, &health);
    ck_assert_int_eq(place, 812);
    examiner_free(examiner);
}
END_TEST

START_TEST(without_a_cache_there_are_no_servers)
{
    look();
    ck_assert_int_eq(health.servers, 0);
}
END_TEST

/* A connection that was closed meanwhile says nothing. */
START_TEST(each_server_of_the_cache_is_asked)
{
    config.cache_servers = "unix:/m0, unix:/m1";
    fences[0] = MEMC_LOST;
    fences[2] = MEMC_FAILED;
    look();
    ck_assert_int_eq(asked, 3);
    ck_assert_int_eq(health.servers, 2);
    ck_assert_str_eq(health.cache[0].address, "unix:/m0");
    ck_assert(health.cache[0].answers && !health.cache[0].is_closed);
    ck_assert(!health.cache[1].answers && health.cache[1].is_closed);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, each_figure_has_its_place);
    tcase_add_test(tests, more_than_there_is_room_for_is_left_out);
    tcase_add_test(tests, an_outlet_has_the_whole_of_its_name);
    tcase_add_test(tests, it_does_not_wait_for_as_long_as_requests_may);
    tcase_add_test(tests, a_database_that_is_gone_says_why);
    tcase_add_test(tests, so_does_one_that_does_not_answer);
    tcase_add_test(tests, a_search_of_its_own_says_where_it_is);
    tcase_add_test(tests, without_a_cache_there_are_no_servers);
    tcase_add_test(tests, each_server_of_the_cache_is_asked);
}
