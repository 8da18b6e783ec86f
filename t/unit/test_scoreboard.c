/* Tests of scoreboard. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "runner.h"
#include "scoreboard.h"

static struct scoreboard *scoreboard;

static void set_up(void)
{
    scoreboard = scoreboard_new();
    ck_assert_ptr_nonnull(scoreboard);
}

static void tear_down(void)
{
    scoreboard_free(scoreboard);
}

START_TEST(a_slot_begins_idle)
{
    ck_assert_int_eq(scoreboard->slots[SCOREBOARD_SLOTS - 1].busy_since, 0);
}
END_TEST

START_TEST(the_master_sees_what_a_child_does)
{
    struct slot *slot = &scoreboard->slots[3];
    pid_t pid = fork();

    if (pid == 0) {
        slot_begin(slot, "id", "GET", "/path");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_gt(slot->busy_since, 0);
    ck_assert_str_eq(slot->request_id, "id");
    ck_assert_str_eq(slot->request_line, "GET /path");
}
END_TEST

START_TEST(the_clock_runs_from_the_connection_on)
{
    struct slot *slot = &scoreboard->slots[0];

    slot_busy(slot);
    slot->busy_since = 12345;
    slot_begin(slot, "id", "GET", "/");
    ck_assert_int_eq(slot->busy_since, 12345);
}
END_TEST

START_TEST(a_new_connection_shows_no_earlier_request)
{
    struct slot *slot = &scoreboard->slots[0];

    slot_begin(slot, "id", "GET", "/");
    slot_end(slot);
    slot_busy(slot);
    ck_assert_str_eq(slot->request_id, "");
    ck_assert_str_eq(slot->request_line, "");
}
END_TEST

START_TEST(an_ended_request_counts)
{
    struct slot *slot = &scoreboard->slots[0];

    slot_begin(slot, "id", "GET", "/");
    slot_end(slot);
    ck_assert_int_eq(slot->busy_since, 0);
    ck_assert_uint_eq(slot->served, 1);
}
END_TEST

START_TEST(a_connection_without_a_request_does_not_count)
{
    struct slot *slot = &scoreboard->slots[0];

    slot_busy(slot);
    slot_idle(slot);
    ck_assert_int_eq(slot->busy_since, 0);
    ck_assert_uint_eq(slot->served, 0);
}
END_TEST

START_TEST(who_becomes_idle_is_seen)
{
    struct slot *slot = &scoreboard->slots[0];
    int64_t before = monotonic_ms();

    slot_clear(slot);
    ck_assert_int_ge(slot->seen_at, before);
    slot->seen_at = 0;
    slot_begin(slot, "id", "GET", "/");
    ck_assert_int_eq(slot->seen_at, 0);
    slot_end(slot);
    ck_assert_int_ge(slot->seen_at, before);
    slot->seen_at = 0;
    slot_idle(slot);
    ck_assert_int_ge(slot->seen_at, before);
}
END_TEST

START_TEST(a_long_path_is_cut)
{
    struct slot *slot = &scoreboard->slots[0];
    char path[4000];

    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    slot_begin(slot, path, "GET", path);
    ck_assert_uint_eq(strlen(slot->request_id), sizeof(slot->request_id) - 1);
    ck_assert_uint_eq(
        strlen(slot->request_line), sizeof(slot->request_line) - 1);
}
END_TEST

START_TEST(a_cleared_slot_knows_nothing)
{
    struct slot *slot = &scoreboard->slots[0];

    slot->ready = true;
    slot_begin(slot, "id", "GET", "/");
    slot_end(slot);
    slot_clear(slot);
    ck_assert(!slot->ready);
    ck_assert_uint_eq(slot->served, 0);
    ck_assert_str_eq(slot->request_id, "");
}
END_TEST

START_TEST(a_worker_has_the_database_while_it_takes_requests)
{
    struct slot *slot = &scoreboard->slots[SCOREBOARD_SLOTS - 1];

    ck_assert(!scoreboard_has_database(scoreboard));
    slot->connected = true;
    ck_assert(!scoreboard_has_database(scoreboard));
    slot->ready = true;
    slot_idle(slot);
    ck_assert(scoreboard_has_database(scoreboard));
    slot_clear(slot);
    ck_assert(!scoreboard_has_database(scoreboard));
}
END_TEST

START_TEST(who_stands_still_has_no_database_for_others)
{
    struct slot *slot = &scoreboard->slots[0];

    slot->ready = slot->connected = true;
    slot_idle(slot);
    slot->seen_at -= 3000;
    ck_assert(!scoreboard_has_database(scoreboard));
    slot_busy(slot);
    ck_assert(scoreboard_has_database(scoreboard));
    slot->busy_since -= 3000;
    ck_assert(!scoreboard_has_database(scoreboard));
    slot_end(slot);
    ck_assert(scoreboard_has_database(scoreboard));
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_slot_begins_idle);
    tcase_add_test(tests, the_master_sees_what_a_child_does);
    tcase_add_test(tests, the_clock_runs_from_the_connection_on);
    tcase_add_test(tests, a_new_connection_shows_no_earlier_request);
    tcase_add_test(tests, an_ended_request_counts);
    tcase_add_test(tests, a_connection_without_a_request_does_not_count);
    tcase_add_test(tests, who_becomes_idle_is_seen);
    tcase_add_test(tests, a_long_path_is_cut);
    tcase_add_test(tests, a_cleared_slot_knows_nothing);
    tcase_add_test(tests, a_worker_has_the_database_while_it_takes_requests);
    tcase_add_test(tests, who_stands_still_has_no_database_for_others);
}
