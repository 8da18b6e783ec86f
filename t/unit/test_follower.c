/* Tests of followers: a transaction's worth, halving, setting aside, with a
 * database of posts played by the test. */
#include <string.h>

#include "batch.h"
#include "follower.h"
#include "runner.h"
#include "sql.h"
#include "transaction.h"

const char sql_follower_close_gaps[] = "", sql_follower_pass[] = "",
           sql_follower_take[] = "";

/* Posts 11 to 10 + `posts`; transactions are done with the first of them. */
static struct {
    int posts;
    int64_t bad;    /* a turn that has it fails */
    int64_t locked; /* the same, for now */
    int does;       /* posts at a time; 0: all */

    int given;
    int gaps_closed;
    int rows;
    char aside[40];
    char seen[200];
} db;

void pg_add_text(struct pg_params *params, struct text text)
{
    params->values[params->count++] = text.data;
}

void pg_add_ids(struct pg_params *params, const struct buf *ids)
{
    static char array[200];

    print_ids(ids, array, sizeof(array));
    params->values[params->count++] = array;
}

static int elements(const char *array)
{
    int count = array[1] != '}';

    for (; *array; array++)
        count += *array == ',';
    return count;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    if (strcmp(statement->name, "follower_take") == 0) {
        int left = db.posts - transaction.done;
        ck_assert_str_eq(params->values[0], "test");
        db.rows = (int)params->numbers[1];
        if (db.rows > left)
            db.rows = left;
    } else if (strcmp(statement->name, "follower_pass") == 0)
        transaction.begun = elements(params->values[1]);
    else if (strcmp(statement->name, "follower_close_gaps") == 0)
        db.gaps_closed++;
    else if (strcmp(statement->name, "set_aside") == 0)
        strncpy(db.aside, params->values[0], sizeof(db.aside) - 1);
    else
        ck_abort_msg("%s is not expected", statement->name);
    return OK;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return db.rows;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    (void)pg;
    (void)column;
    return 11 + transaction.done + row;
}

static enum error turn(
    const struct shift *shift, const struct buf *posts, int *count)
{
    const int64_t *ids = (const int64_t *)(void *)posts->data;

    (void)shift;
    ck_assert_uint_eq(posts->len, (size_t)*count * sizeof(*ids));
    db.given = *count;
    for (int i = 0; i < *count; i++) {
        if (ids[i] == db.bad)
            return ERR_INTERNAL;
        if (ids[i] == db.locked)
            return ERR_LOCKED;
    }
    if (db.does > 0 && db.does < *count)
        *count = db.does;
    for (int i = 0; i < *count; i++)
        strcat(db.seen, (char[]){(char)('a' + ids[i] - 11), '\0'});
    return OK;
}

static const struct shift shift;

static struct follower make_follower(void)
{
    return (struct follower){.name = "test", .turn = turn, .batch = 8};
}

static void play(int posts)
{
    memset(&db, 0, sizeof(db));
    memset(&transaction, 0, sizeof(transaction));
    db.posts = posts;
}

static void assert_fault(struct follower *const *table, const char *sentence)
{
    struct buf faults = {0};

    ck_assert(!follower_check(table, &faults));
    ck_assert_str_eq(buf_text(&faults), sentence);
    buf_free(&faults);
}

static bool is_off(const struct config *config)
{
    return !config;
}

START_TEST(a_table_that_does_not_hold_is_refused)
{
    struct follower one = make_follower(), two = make_follower();
    struct follower *table[] = {&one, &two, NULL};
    struct buf faults = {0};

    two.name = "another_one";
    ck_assert_msg(follower_check(table, &faults), "%s", buf_text(&faults));
    follower_names(table, NULL, &faults);
    ck_assert_str_eq(buf_text(&faults), "test another_one");
    buf_reset(&faults, faults.cap);
    one.is_on = is_off; /* says yes to none */
    two.is_on = is_off;
    follower_names(table, &(struct config){0}, &faults);
    ck_assert_str_eq(buf_text(&faults), "");
    one.is_on = two.is_on = NULL;
    buf_free(&faults);
    two.name = "a test";
    assert_fault(table, "follower 'a test': its name must be a to z and '_'\n");
    two.name = "test";
    assert_fault(table, "follower 'test': it is twice\n");
    table[1] = NULL;
    one.turn = NULL;
    assert_fault(table, "follower 'test': it has no turn\n");
    one = make_follower();
    one.batch = 0;
    assert_fault(table, "follower 'test': its batch must be 1 or more\n");
}
END_TEST

START_TEST(each_post_is_seen_once_in_the_order_of_ids)
{
    struct follower follower = make_follower();

    play(20);
    ck_assert(follower_work(&shift, &follower));
    ck_assert(follower_work(&shift, &follower));
    ck_assert(!follower_work(&shift, &follower));
    ck_assert_str_eq(db.seen, "abcdefghijklmnopqrst");
    ck_assert_int_eq(transaction.commits, 3);
}
END_TEST

START_TEST(without_a_post_gaps_are_closed)
{
    struct follower follower = make_follower();

    play(0);
    ck_assert(!follower_work(&shift, &follower));
    ck_assert_int_eq(db.gaps_closed, 1);
    ck_assert_int_eq(transaction.commits, 1);
    ck_assert_int_eq(follower.size, 0);
}
END_TEST

START_TEST(a_turn_may_do_a_part_of_what_it_is_given)
{
    struct follower follower = make_follower();

    play(4);
    db.does = 3;
    ck_assert(follower_work(&shift, &follower));
    ck_assert_int_eq(transaction.done, 3);
    ck_assert(!follower_work(&shift, &follower));
    ck_assert_str_eq(db.seen, "abcd");
}
END_TEST

START_TEST(a_post_that_fails_is_set_aside_and_no_other)
{
    struct follower follower = make_follower();
    int given[5];

    play(8);
    db.bad = 12;
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(db.aside, "");
        follower_work(&shift, &follower);
        given[i] = db.given;
    }
    ck_assert_int_eq(given[0], 8);
    ck_assert_int_eq(given[1], 4);
    ck_assert_int_eq(given[2], 2);
    ck_assert_int_eq(given[3], 1); /* 11, which is good */
    ck_assert_int_eq(given[4], 2); /* 12 and 13 */
    follower_work(&shift, &follower);
    ck_assert_str_eq(db.aside, "{12}");
    while (follower_work(&shift, &follower))
        ;
    ck_assert_str_eq(db.seen, "acdefgh");
    ck_assert_str_eq(db.aside, "{12}");
    ck_assert_int_eq(transaction.done, 8);
}
END_TEST

START_TEST(a_post_that_others_are_in_the_way_of_is_not_set_aside)
{
    struct follower follower = make_follower();

    play(1);
    db.locked = 11;
    ck_assert(!follower_work(&shift, &follower));
    ck_assert_str_eq(db.aside, "");
    db.locked = 0;
    follower_work(&shift, &follower);
    ck_assert_str_eq(db.seen, "a");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_table_that_does_not_hold_is_refused);
    tcase_add_test(tests, each_post_is_seen_once_in_the_order_of_ids);
    tcase_add_test(tests, without_a_post_gaps_are_closed);
    tcase_add_test(tests, a_turn_may_do_a_part_of_what_it_is_given);
    tcase_add_test(tests, a_post_that_fails_is_set_aside_and_no_other);
    tcase_add_test(
        tests, a_post_that_others_are_in_the_way_of_is_not_set_aside);
}
