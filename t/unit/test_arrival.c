/* Tests of arrival. */
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "runner.h"

/* --- a database --------------------------------------------------------- */

static const char *row[3]; /* of the result, by column */
static char asked_for[64]; /* $1 */
static enum error fault;
static int64_t database = 1;

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    (void)statement;
    if (params->count > 0)
        strcpy(asked_for, params->values[0]);
    return fault;
}

void pg_add_text(struct pg_params *params, struct text text)
{
    params->values[params->count++] = text.data;
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
    return strtoll(row[column], NULL, 10);
}

struct text pg_text(const struct pg *pg, int i, int column)
{
    (void)pg;
    (void)i;
    return (struct text){row[column], strlen(row[column])};
}

int64_t pg_identity(const struct pg *pg)
{
    (void)pg;
    return database;
}

/* --- tests -------------------------------------------------------------- */

static struct arrival arrival;

static void tear_down(void)
{
    arrival_free(&arrival);
}

/* Whether it is known by then how far all has arrived. */
static bool look(const char *newest, const char *remaining, const char *writers)
{
    row[0] = newest;
    row[1] = remaining;
    row[2] = writers;
    ck_assert_int_eq(arrival_look(NULL, &arrival), OK);
    return arrival.is_known;
}

START_TEST(all_is_there_that_nobody_writes)
{
    ck_assert(look("7", "{}", "{}"));
    ck_assert_int_eq(arrival.horizon, 7);
    ck_assert(look("9", "{}", "{}"));
    ck_assert_int_eq(arrival.horizon, 9);
}
END_TEST

START_TEST(what_was_seen_counts_when_its_writers_have_ended)
{
    ck_assert(!look("7", "{}", "{1/1,2/2}"));
    ck_assert(!look("8", "{2/2}", "{2/2,3/3}"));
    ck_assert_str_eq(asked_for, "{1/1,2/2}");
    ck_assert(look("9", "{}", "{3/3}"));
    ck_assert_str_eq(asked_for, "{2/2}");
    ck_assert_int_eq(arrival.horizon, 7);
    look("12", "{3/3}", "{3/3,4/4}");
    ck_assert_int_eq(arrival.horizon, 7);
    look("12", "{}", "{4/4}");
    ck_assert_int_eq(arrival.horizon, 9);
}
END_TEST

START_TEST(another_database_begins_anew)
{
    ck_assert(look("7", "{}", "{1/1}") || look("8", "{}", "{1/1}"));
    ck_assert_int_eq(arrival.horizon, 7);
    database = 2;
    ck_assert(!look("3", "{}", "{1/1}"));
    ck_assert(look("3", "{}", "{}"));
    ck_assert_int_eq(arrival.horizon, 3);
}
END_TEST

START_TEST(a_failure_changes_nothing)
{
    ck_assert(look("7", "{}", "{}"));
    fault = ERR_NO_DATABASE;
    ck_assert_int_eq(arrival_look(NULL, &arrival), ERR_NO_DATABASE);
    ck_assert_int_eq(arrival.horizon, 7);
}
END_TEST

START_TEST(the_floor_is_read)
{
    int64_t position;

    row[0] = "5";
    ck_assert_int_eq(arrival_floor(NULL, &position), OK);
    ck_assert_int_eq(position, 5);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, all_is_there_that_nobody_writes);
    tcase_add_test(tests, what_was_seen_counts_when_its_writers_have_ended);
    tcase_add_test(tests, another_database_begins_anew);
    tcase_add_test(tests, a_failure_changes_nothing);
    tcase_add_test(tests, the_floor_is_read);
}
