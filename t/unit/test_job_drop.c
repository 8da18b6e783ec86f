/* Tests of job_drop: which orders are worked off, over a database and a cache
 * that are played by the test. */
#include <string.h>

#include "job.h"
#include "runner.h"
#include "sql.h"
#include "transaction.h"

const char sql_drop_later[] = "";

/* Orders 1 to 3, about participants 11 to 13, of one server, 70, which is the
 * third of ours; friends of each are 100 more. */
enum {
    NUMBER = 70,
    OURS = 1 << 2
};

static struct {
    int64_t awaited[3]; /* up to the first 0 */
    int orders;
    bool is_away;
    cache_servers failed;

    const char *last; /* statement */
    int64_t number;   /* of the server whose orders were taken last */
    int taken;
    cache_servers dropped_from;
    int later; /* how often */
    char dropped[200];
    char noted[200];
    char numbers[200];
    char deleted[200];
} played;

extern struct job job_drop;

void pg_add_ids(struct pg_params *params, const struct buf *ids)
{
    char *text = params->count == 0 ? played.noted : played.numbers;

    print_ids(ids, text, sizeof(played.noted));
    params->count++;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    played.last = statement->name;
    if (strcmp(played.last, "take_drops") == 0) {
        played.number = (int64_t)params->numbers[0];
        played.taken = played.orders;
    }
    played.later += strcmp(played.last, "drop_later") == 0;
    return OK;
}

int pg_rows(const struct pg *pg)
{
    int count = 0;

    (void)pg;
    if (strcmp(played.last, "drop_awaited") != 0)
        return played.taken;
    while (played.awaited[count])
        count++;
    return count;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    (void)pg;
    if (strcmp(played.last, "drop_awaited") == 0)
        return played.awaited[row];
    return (column == 0 ? 1 : 11) + row;
}

void pg_ids(const struct pg *pg, int row, int column, struct buf *ids)
{
    int64_t friend = 111 + row;

    (void)pg;
    (void)column;
    buf_add(ids, &friend, sizeof(friend));
}

cache_servers cache_numbered(const struct cache *cache, int64_t number)
{
    (void)cache;
    return number == NUMBER ? OURS : 0;
}

void cache_add_numbers(
    const struct cache *cache, cache_servers servers, struct buf *numbers)
{
    int64_t number = NUMBER;

    (void)cache;
    if (servers & OURS)
        buf_add(numbers, &number, sizeof(number));
}

bool cache_answers(struct cache *cache, cache_servers servers)
{
    (void)cache;
    return !(servers & OURS && played.is_away);
}

cache_servers shift_drop(
    const struct shift *shift, const struct buf *feeds, cache_servers servers)
{
    (void)shift;
    played.dropped_from = servers;
    print_ids(feeds, played.dropped, sizeof(played.dropped));
    return played.failed;
}

enum error outbox_delete(struct pg *pg, const struct buf *orders)
{
    (void)pg;
    print_ids(orders, played.deleted, sizeof(played.deleted));
    return OK;
}

static struct config config = {.cache_ttl = 60};
static const struct shift shift = {.config = &config};

static void play(int64_t number)
{
    memset(&played, 0, sizeof(played));
    memset(&transaction, 0, sizeof(transaction));
    played.awaited[0] = number;
    played.orders = 3;
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(orders_of_a_server_that_answers_are_worked_off)
{
    play(NUMBER);
    ck_assert(!job_drop.work(&shift));
    ck_assert_int_eq(played.number, NUMBER);
    ck_assert_uint_eq(played.dropped_from, OURS);
    ck_assert_str_eq(played.dropped, "{111,112,113}");
    ck_assert_str_eq(played.deleted, "{1,2,3}");
    ck_assert_int_eq(transaction.commits, 1);
}
END_TEST

START_TEST(behind_a_whole_batch_there_may_be_more)
{
    play(NUMBER);
    played.orders = OUTBOX_BATCH_MAX;
    ck_assert(job_drop.work(&shift));
}
END_TEST

START_TEST(orders_of_a_server_that_is_away_are_not_touched)
{
    play(NUMBER);
    played.is_away = true;
    ck_assert(!job_drop.work(&shift));
    ck_assert_str_eq(played.last, "drop_awaited");
}
END_TEST

START_TEST(orders_stay_where_the_server_fails_again)
{
    play(NUMBER);
    played.failed = OURS;
    ck_assert(!job_drop.work(&shift));
    ck_assert_str_eq(played.deleted, "");
    ck_assert_int_eq(played.later, 0);
    ck_assert_int_eq(transaction.commits, 0);
}
END_TEST

START_TEST(what_is_for_no_server_of_ours_is_dropped_everywhere)
{
    play(71);
    played.is_away = true;
    played.failed = OURS;
    ck_assert(!job_drop.work(&shift));
    ck_assert_int_eq(played.number, 71);
    ck_assert_uint_eq(played.dropped_from, CACHE_EVERYWHERE);
    ck_assert_str_eq(played.deleted, "{1,2,3}");
    ck_assert_int_eq(played.later, 1);
    ck_assert_str_eq(played.noted, "{11,12,13}");
    ck_assert_str_eq(played.numbers, "{70}");
    ck_assert_int_eq(transaction.commits, 1);
}
END_TEST

START_TEST(those_are_awaited_for_whom_orders_wait)
{
    cache_servers servers;

    play(NUMBER);
    ck_assert_int_eq(job_drop_awaited(&shift, &servers), OK);
    ck_assert_uint_eq(servers, OURS);
    play(0);
    ck_assert_int_eq(job_drop_awaited(&shift, &servers), OK);
    ck_assert_uint_eq(servers, 0);
    play(71);
    ck_assert_int_eq(job_drop_awaited(&shift, &servers), OK);
    ck_assert_uint_eq(servers, CACHE_EVERYWHERE);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, orders_of_a_server_that_answers_are_worked_off);
    tcase_add_test(tests, behind_a_whole_batch_there_may_be_more);
    tcase_add_test(tests, orders_of_a_server_that_is_away_are_not_touched);
    tcase_add_test(tests, orders_stay_where_the_server_fails_again);
    tcase_add_test(tests, what_is_for_no_server_of_ours_is_dropped_everywhere);
    tcase_add_test(tests, those_are_awaited_for_whom_orders_wait);
}
