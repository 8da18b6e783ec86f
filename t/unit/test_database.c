/* Tests of database: what a session is opened with, and what its answer means,
 * with the driver played by the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "runner.h"

enum {
    NEEDED = DATABASE_SCHEMA_VERSION
};

/* --- a driver that keeps what it is given, and has one answer ------------ */

static struct config config;
static struct pg_settings given;
static char opening[2000];
static char transaction[2000];
static int rows;
static char known[12], breaking[12];
static const char *answer[5] = {
    NULL, known, breaking, "-876543210987654321", NULL};
static struct buf reason;

struct pg *pg_new(const struct pg_settings *settings)
{
    static char pg;

    given = *settings;
    ck_assert_uint_lt(strlen(settings->opening), sizeof(opening));
    ck_assert_uint_lt(strlen(settings->transaction), sizeof(transaction));
    strcpy(opening, settings->opening);
    strcpy(transaction, settings->transaction);
    return (struct pg *)&pg;
}

void pg_free(struct pg *pg)
{
    (void)pg;
}

enum error pg_connect(struct pg *pg, struct buf *why)
{
    int64_t identity;

    return given.accept(pg, &identity, why);
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return rows;
}

struct text pg_text(const struct pg *pg, int row, int column)
{
    (void)pg;
    ck_assert_int_lt(row, rows);
    return (struct text){answer[column], strlen(answer[column])};
}

static void set_up(void)
{
    config = (struct config){
        .db_conninfo = "dbname=feed",
        .search_conninfo = "",
        .db_connect_timeout = 400,
        .db_statement_timeout = 800,
        .db_prepare = true,
        .worker_request_timeout = 30000,
    };
    rows = 1;
    answer[0] = "UTF8";
    answer[4] = "feed";
    sprintf(known, "%d", NEEDED);
    *breaking = '\0'; /* NULL */
}

static void tear_down(void)
{
    buf_free(&reason);
    reason = (struct buf){0};
}

/* --- what is sent ------------------------------------------------------- */

static void ck_assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "\"%s\" is not in: %s", part, text);
}

static void open_session(int statement_timeout)
{
    pg_free(database_new(&config, statement_timeout, NULL));
}

START_TEST(the_settings_reach_the_driver)
{
    struct breaker breaker;

    pg_free(database_new(&config, 10000, &breaker));
    ck_assert_str_eq(given.conninfo, "dbname=feed");
    ck_assert_str_eq(given.subject, "database");
    ck_assert(!given.once);
    ck_assert_int_eq(given.connect_timeout, 400);
    ck_assert_int_eq(given.statement_timeout, 10000);
    ck_assert(given.prepare);
    ck_assert_ptr_eq(given.breaker, &breaker);
}
END_TEST

START_TEST(a_session_is_set_up_and_then_looked_at)
{
    open_session(800);
    ck_assert_has(opening, "SET statement_timeout = 800;");
    ck_assert_has(opening, "SET idle_in_transaction_session_timeout = 3000;");
    ck_assert_has(opening, "SET enable_seqscan = off;");
    ck_assert_has(opening, "SET jit = off;");
    ck_assert_has(opening, "SET plan_cache_mode = force_generic_plan;");
    ck_assert_has(opening, "SET gin_pending_list_limit = '1GB';");
    const char *look = strstr(opening, "SELECT ");
    ck_assert_ptr_nonnull(look);
    ck_assert_ptr_null(strchr(look, ';')); /* the last, whose answer counts */
    ck_assert_ptr_null(strstr(look, "SET "));
    ck_assert_str_eq(transaction, "");
}
END_TEST

/* All runs of a statement, each of which may wait for a lock, are within the
 * time of one that waits for nothing else. */
START_TEST(a_lock_is_given_up_in_time_to_try_again)
{
    open_session(10000);
    ck_assert_has(opening, "SET statement_timeout = 10000;");
    ck_assert_has(opening, "SET lock_timeout = 3334;");
    open_session(1); /* 0 would be without end */
    ck_assert_has(opening, "SET lock_timeout = 1;");
}
END_TEST

START_TEST(a_session_of_a_poolers_is_only_looked_at)
{
    config.db_prepare = false;
    open_session(800);
    ck_assert_msg(strncmp(opening, "SELECT ", 7) == 0, "%s", opening);
    ck_assert(!given.prepare);
}
END_TEST

/* --- of a replica -------------------------------------------------------- */

START_TEST(a_replicas_session_is_set_up_like_the_others)
{
    config.db_read_conninfo = "host=standby";
    open_session(800);
    size_t len = (size_t)(strstr(opening, "SELECT ") - opening);
    char *session = strndup(opening, len);
    pg_free(database_new_replica(&config, 3));
    ck_assert_str_eq(given.conninfo, "host=standby");
    ck_assert_str_eq(given.subject, "replica");
    ck_assert_int_eq(given.first_host, 3);
    ck_assert(given.once);
    ck_assert_int_eq(given.connect_timeout, 400);
    ck_assert_int_eq(given.statement_timeout, 800);
    ck_assert_int_eq(strncmp(opening, session, len), 0);
    free(session);
}
END_TEST

START_TEST(a_replica_leaves_the_primary_its_time)
{
    config.worker_request_timeout = 1600;
    pg_free(database_new_replica(&config, 0));
    ck_assert_int_eq(given.connect_timeout, 100);
    ck_assert_int_eq(given.statement_timeout, 100);
    ck_assert_has(opening, "SET statement_timeout = 100;");
}
END_TEST

START_TEST(standbys_alone_are_replicas)
{
    struct pg *pg = database_new_replica(&config, 0);

    answer[0] = "t";
    ck_assert_int_eq(pg_connect(pg, &reason), OK);
    answer[0] = "f";
    ck_assert_int_eq(pg_connect(pg, &reason), ERR_INVALID);
    ck_assert_str_eq(buf_text(&reason),
        "replica: it is no standby; db.read_conninfo is to name those alone");
    buf_reset(&reason, 0);
    rows = 0;
    ck_assert_int_eq(pg_connect(pg, &reason), ERR_INVALID);
    ck_assert_str_eq(buf_text(&reason),
        "replica: it has no newsfeed tables, or those of an older release");
}
END_TEST

/* Each "SET name = value" becomes "SET LOCAL name = value". */
START_TEST(its_transactions_are_set_up_as_others_sessions_are)
{
    char local[200];
    int count = 0;

    open_session(10000);
    *strstr(opening, "SELECT ") = '\0';
    char *session = strdup(opening);
    config.db_prepare = false;
    open_session(10000);
    char *rest = session;
    for (char *set; *(set = strsep(&rest, ";")); count++) {
        snprintf(local, sizeof(local), "SET LOCAL %s;", set + strlen("SET "));
        ck_assert_has(transaction, local);
    }
    ck_assert_int_eq(count, 7);
    free(session);
}
END_TEST

/* Run from the top folder, for etc/newsfeed.conf. */
static void read_sample(char *text, size_t size)
{
    FILE *file = fopen("etc/newsfeed.conf", "r");

    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
}

/* What a statement by itself needs, its role has. */
START_TEST(the_sample_names_all_else_for_the_role)
{
    static const char of_transactions[] = /* of several statements */
        " idle_in_transaction_session_timeout gin_pending_list_limit "
        " plan_cache_mode "; /* of statements that are prepared */
    static char sample[20000];
    char line[200], name[100];
    int count = 0;

    read_sample(sample, sizeof(sample));
    config.db_prepare = false;
    open_session(800);
    for (const char *at = transaction; (at = strstr(at, "SET LOCAL ")); at++) {
        ck_assert_int_eq(sscanf(at, "SET LOCAL %98s", name), 1);
        snprintf(line, sizeof(line), " %s ", name);
        if (strstr(of_transactions, line))
            continue;
        snprintf(line, sizeof(line), "ALTER ROLE newsfeed SET %s = ", name);
        ck_assert_has(sample, line);
        count++;
    }
    ck_assert_int_eq(count, 4);
}
END_TEST

/* --- what the answer means ---------------------------------------------- */

static char sentence[200];

static void ck_assert_refused(const char *expected)
{
    ck_assert_int_eq(database_check(&config, &reason), ERR_INVALID);
    ck_assert_str_eq(buf_text(&reason), expected);
}

START_TEST(the_right_database_is_accepted_and_has_its_identity)
{
    int64_t identity = 0;

    open_session(800);
    ck_assert_int_eq(given.accept(NULL, &identity, &reason), OK);
    ck_assert_int_eq(identity, INT64_C(-876543210987654321));
    ck_assert_int_eq(database_check(&config, &reason), OK);
    ck_assert_str_eq(buf_text(&reason), "");
}
END_TEST

START_TEST(without_tables_it_has_to_be_migrated)
{
    rows = 0;
    ck_assert_refused("database: it has no newsfeed tables yet, or those of an "
                      "older release; run sql/migrate");
}
END_TEST

START_TEST(with_too_few_migrations_it_has_to_be_migrated)
{
    sprintf(known, "%d", NEEDED - 1);
    sprintf(sentence,
        "database: its schema has version %d, this program needs version %d; "
        "run sql/migrate",
        NEEDED - 1, NEEDED);
    ck_assert_refused(sentence);
}
END_TEST

START_TEST(a_later_breaking_migration_needs_a_later_program)
{
    sprintf(breaking, "%d", NEEDED + 2);
    sprintf(sentence,
        "database: its schema has version %d, which a program for version %d "
        "does not know; install the program that belongs to it",
        NEEDED + 2, NEEDED);
    ck_assert_refused(sentence);
}
END_TEST

START_TEST(another_encoding_is_refused_before_all_else)
{
    answer[0] = "SQL_ASCII";
    *known = '0';
    ck_assert_refused("database: its encoding is SQL_ASCII and must be UTF8; "
                      "make it anew with createdb -E UTF8 -T template0");
}
END_TEST

START_TEST(a_database_that_is_refused_has_no_identity)
{
    int64_t identity = 7;

    *known = '0';
    open_session(800);
    ck_assert_int_eq(given.accept(NULL, &identity, &reason), ERR_INVALID);
    ck_assert_int_eq(identity, 7);
}
END_TEST

/* --- that of the search --------------------------------------------------- */

START_TEST(the_search_has_one_of_its_own)
{
    pg_free(database_new(&config, 800, NULL));
    ck_assert_str_eq(given.subject, "database");
    config.search_conninfo = "dbname=search";
    pg_free(database_new_search(&config, 800, NULL));
    ck_assert_str_eq(given.subject, "search database");
    ck_assert_str_eq(given.conninfo, "dbname=search");
    ck_assert_ptr_null(strstr(opening, "incarnation"));
}
END_TEST

static void ck_assert_search_refused(const char *expected)
{
    int64_t identity = 0;

    pg_free(database_new_search(&config, 800, NULL));
    buf_reset(&reason, reason.cap);
    ck_assert_int_eq(given.accept(NULL, &identity, &reason), ERR_INVALID);
    ck_assert_str_eq(buf_text(&reason), expected);
}

START_TEST(it_is_none_of_the_services)
{
    ck_assert_search_refused(
        "search database: its tables are not those of sql/migrate --search; "
        "the "
        "search has a database of its own, or search.conninfo stays empty");
    rows = 0;
    ck_assert_search_refused(
        "search database: it has no newsfeed tables yet, or those of an older "
        "release; run sql/migrate --search");
}
END_TEST

START_TEST(what_is_wrong_with_it_stops_the_search_alone)
{
    config.search_conninfo = "dbname=search";
    ck_assert_int_eq(database_check(&config, &reason), ERR_NO_SEARCH);
    ck_assert_str_eq(buf_text(&reason),
        "search database: its tables are not those of sql/migrate --search; "
        "the "
        "search has a database of its own, or search.conninfo stays empty");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_search_has_one_of_its_own);
    tcase_add_test(tests, it_is_none_of_the_services);
    tcase_add_test(tests, what_is_wrong_with_it_stops_the_search_alone);
    tcase_add_test(tests, the_settings_reach_the_driver);
    tcase_add_test(tests, a_session_is_set_up_and_then_looked_at);
    tcase_add_test(tests, a_lock_is_given_up_in_time_to_try_again);
    tcase_add_test(tests, a_replicas_session_is_set_up_like_the_others);
    tcase_add_test(tests, a_replica_leaves_the_primary_its_time);
    tcase_add_test(tests, standbys_alone_are_replicas);
    tcase_add_test(tests, a_session_of_a_poolers_is_only_looked_at);
    tcase_add_test(tests, its_transactions_are_set_up_as_others_sessions_are);
    tcase_add_test(tests, the_sample_names_all_else_for_the_role);
    tcase_add_test(tests, the_right_database_is_accepted_and_has_its_identity);
    tcase_add_test(tests, without_tables_it_has_to_be_migrated);
    tcase_add_test(tests, with_too_few_migrations_it_has_to_be_migrated);
    tcase_add_test(tests, a_later_breaking_migration_needs_a_later_program);
    tcase_add_test(tests, another_encoding_is_refused_before_all_else);
    tcase_add_test(tests, a_database_that_is_refused_has_no_identity);
}
