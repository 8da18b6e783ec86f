/* Tests of follower_drop: what is dropped from where behind a post, over a
 * database and a cache that are played by the test. */
#include <string.h>

#include "follower.h"
#include "job.h"
#include "runner.h"
#include "transaction.h"

/* Posts 1 and 2 by 11 and 12; readers of each are 100 more, and 200. */
static struct {
    cache_servers unconfirmed[2];
    int confirmed_at; /* looks until all are */
    cache_servers unasked;
    cache_servers failed;
    bool is_young;
    cache_servers awaited;
    enum error awaits;

    const char *last; /* statement */
    int looks;
    int tries;
    cache_servers told; /* the horizon */
    char dropped[100];
    char noted[100];
} played;

extern struct follower follower_drop;

void pg_add_ids(struct pg_params *params, const struct buf *ids)
{
    (void)ids;
    params->count++;
}

enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    (void)params;
    played.last = statement->name;
    return OK;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return 2;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    (void)pg;
    switch (column) {
    case 0:
        return 1 + row;
    case 1:
        return 11 + row;
    case 3:
        return played.is_young ? 100 : -100;
    default:
        return 0;
    }
}

void pg_ids(const struct pg *pg, int row, int column, struct buf *ids)
{
    int64_t readers[] = {111 + row, 211 + row};

    (void)pg;
    (void)column;
    buf_add(ids, readers, sizeof(readers));
}

cache_servers cache_find_unconfirmed(
    struct cache *cache, struct cache_post *posts, int count)
{
    (void)cache;
    ck_assert_int_eq(count, 2);
    played.looks++;
    transaction.now += 10;
    for (int i = 0; i < count; i++)
        posts[i].unconfirmed =
            played.confirmed_at && played.looks >= played.confirmed_at
                ? 0
                : played.unconfirmed[i];
    return played.unasked;
}

void cache_set_horizon(struct cache *cache, cache_servers servers, int64_t post)
{
    (void)cache;
    ck_assert_int_eq(post, 1);
    played.told = servers;
}

/* "SERVERS{FEEDS}" */
static void add(char *text, cache_servers servers, const struct buf *ids)
{
    char array[36];

    print_ids(ids, array, sizeof(array));
    snprintf(text + strlen(text), 50, "%d%s", (int)servers, array);
}

cache_servers shift_drop(
    const struct shift *shift, const struct buf *feeds, cache_servers servers)
{
    (void)shift;
    played.tries++;
    add(played.dropped, servers, feeds);
    return servers & played.failed;
}

enum error job_drop_later(const struct shift *shift,
    const struct buf *participants, cache_servers servers)
{
    (void)shift;
    add(played.noted, servers, participants);
    return OK;
}

enum error job_drop_awaited(const struct shift *shift, cache_servers *servers)
{
    (void)shift;
    ck_assert_str_eq(played.last, "horizon"); /* or one of then is missed */
    *servers = played.awaited;
    return played.awaits;
}

static struct config config = {.feed_inline_friends = 1000, .cache_ttl = 60};
static const struct shift shift = {.config = &config};

static void play(cache_servers first, cache_servers second)
{
    memset(&played, 0, sizeof(played));
    memset(&transaction, 0, sizeof(transaction));
    played.unconfirmed[0] = first;
    played.unconfirmed[1] = second;
}

/* How many of the posts are done. */
static int follow(void)
{
    int64_t ids[] = {1, 2};
    struct buf posts = {.data = (char *)ids, .len = sizeof(ids)};
    int count = 2;

    ck_assert_int_eq(follower_drop.turn(&shift, &posts, &count), OK);
    return count;
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(what_is_confirmed_stays)
{
    play(0, 0);
    ck_assert_int_eq(follow(), 2);
    ck_assert_str_eq(played.dropped, "");
    ck_assert_str_eq(played.noted, "");
}
END_TEST

START_TEST(what_is_not_is_dropped_from_those_servers_alone)
{
    play(1 | 4, 4);
    ck_assert_int_eq(follow(), 2);
    ck_assert_str_eq(played.dropped, "1{111,211}4{111,211,112,212}");
    ck_assert_str_eq(played.noted, "");
}
END_TEST

START_TEST(what_cannot_be_dropped_waits_for_that_server)
{
    play(1 | 4, 4);
    played.failed = 4;
    ck_assert_int_eq(follow(), 2);
    ck_assert_str_eq(played.noted, "4{11,12}");
}
END_TEST

START_TEST(a_server_that_cannot_be_asked_is_not_told_either)
{
    play(4, 1);
    played.unasked = 4;
    ck_assert_int_eq(follow(), 2);
    ck_assert_str_eq(played.dropped, "1{112,212}");
    ck_assert_str_eq(played.noted, "4{11}");
}
END_TEST

START_TEST(who_may_still_confirm_is_waited_for)
{
    play(1, 1);
    played.is_young = true;
    played.confirmed_at = 3;
    ck_assert_int_eq(follow(), 2);
    ck_assert_int_eq(played.looks, 3);
    ck_assert_str_eq(played.dropped, "");
}
END_TEST

START_TEST(those_before_the_one_that_may_be_confirmed_are_done)
{
    play(0, 1);
    played.is_young = true;
    ck_assert_int_eq(follow(), 1);
    ck_assert_str_eq(played.dropped, "");
}
END_TEST

START_TEST(a_server_that_cannot_be_asked_is_not_waited_for)
{
    play(4, 4);
    played.is_young = true;
    played.unasked = 4;
    ck_assert_int_eq(follow(), 2);
    ck_assert_int_eq(played.looks, 1);
    ck_assert_str_eq(played.noted, "4{11,12}");
}
END_TEST

START_TEST(the_horizon_stands_still_where_orders_wait)
{
    play(0, 0);
    follower_drop.is_behind = true;
    played.awaited = 4;
    follower_drop.end_round(&shift, false);
    ck_assert_uint_eq(played.told, ~(cache_servers)4);
    played.told = 0;
    played.awaits = ERR_TIMEOUT; /* nobody knows */
    follower_drop.end_round(&shift, false);
    ck_assert_uint_eq(played.told, 0);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_confirmed_stays);
    tcase_add_test(tests, what_is_not_is_dropped_from_those_servers_alone);
    tcase_add_test(tests, what_cannot_be_dropped_waits_for_that_server);
    tcase_add_test(tests, a_server_that_cannot_be_asked_is_not_told_either);
    tcase_add_test(tests, who_may_still_confirm_is_waited_for);
    tcase_add_test(tests, those_before_the_one_that_may_be_confirmed_are_done);
    tcase_add_test(tests, a_server_that_cannot_be_asked_is_not_waited_for);
    tcase_add_test(tests, the_horizon_stands_still_where_orders_wait);
}
