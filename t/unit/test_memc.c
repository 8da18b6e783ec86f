/* The list of cache servers, and which of them holds what. No server runs. */
#include <check.h>

#include "memc.h"
#include "memory.h"
#include "runner.h"

enum {
    GROUPS = 1000,
    TIMEOUT = 20
};

static struct memc *open_list(const char *servers)
{
    struct buf faults = {0};
    struct memc *memc = memc_new(servers, TIMEOUT, &faults);

    ck_assert_msg(memc != NULL, "%s: %s", servers, buf_text(&faults));
    ck_assert_uint_eq(faults.len, 0);
    return memc;
}

static int share_of(const struct memc *memc, int server)
{
    int share = 0;

    for (int i = 0; i < GROUPS; i++)
        share += memc_server_of(memc, i) == server;
    return share;
}

START_TEST(a_list_names_sockets_and_hosts)
{
    static const char *const shown[] = {
        "unix:/a/b.sock", "cache.example:11211", "[::1]:11212", "10.0.0.1:1"};
    struct memc *memc = open_list(
        "unix:/a/b.sock@3, cache.example:11211,[::1]:11212@2 10.0.0.1:1");

    ck_assert_int_eq(memc_server_count(memc), 4);
    for (int i = 0; i < 4; i++) {
        struct buf out = {0};
        memc_print_server(memc, i, &out);
        ck_assert_str_eq(buf_text(&out), shown[i]);
        buf_free(&out);
    }
    memc_free(memc);
}
END_TEST

/* The sign that a server is closed goes by its name. */
START_TEST(a_server_keeps_its_name_in_another_list)
{
    struct memc *memc = open_list("unix:/a.sock,a:11211,a:11212");
    struct memc *other = open_list("a:11212@5,b:1,a:11211,unix:/a.sock");

    ck_assert_str_eq(memc_server_name(memc, 0), memc_server_name(other, 3));
    ck_assert_str_eq(memc_server_name(memc, 1), memc_server_name(other, 2));
    ck_assert_str_eq(memc_server_name(memc, 2), memc_server_name(other, 0));
    ck_assert_str_ne(memc_server_name(memc, 1), memc_server_name(memc, 2));
    ck_assert_uint_eq(strlen(memc_server_name(memc, 0)), 8);
    memc_free(memc);
    memc_free(other);
}
END_TEST

static const char *const bad_lists[] = {
    "localhost",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:11211x",
    ":11211",
    "unix:",
    "unix:relative",
    "unix:/a@0",
    "unix:/a@1001",
    "unix:/a@",
    "unix:/a@-1",
    "unix:/good,bad",
};

START_TEST(a_bad_entry_is_named)
{
    struct buf faults = {0};

    ck_assert_ptr_null(memc_new(bad_lists[_i], TIMEOUT, &faults));
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "cache.servers: '"));
    buf_free(&faults);
}
END_TEST

START_TEST(a_path_longer_than_a_sockets_is_refused)
{
    char list[128] = "unix:/";
    struct buf faults = {0};

    memset(list + 6, 'a', 107);
    ck_assert_ptr_null(memc_new(list, TIMEOUT, &faults));
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "107 bytes"));
    buf_free(&faults);
}
END_TEST

START_TEST(equal_servers_hold_about_the_same)
{
    struct memc *memc = open_list("unix:/a,unix:/b,unix:/c");

    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(share_of(memc, i), GROUPS / 3 - 120);
        ck_assert_int_lt(share_of(memc, i), GROUPS / 3 + 120);
    }
    memc_free(memc);
}
END_TEST

START_TEST(a_heavier_server_holds_more)
{
    struct memc *memc = open_list("unix:/a@8,unix:/b@1,unix:/c@1");

    ck_assert_int_gt(share_of(memc, 0), GROUPS * 6 / 10);
    memc_free(memc);
}
END_TEST

START_TEST(a_server_that_is_added_takes_from_the_others_and_moves_nothing_else)
{
    struct memc *before = open_list("unix:/a,unix:/b,unix:/c");
    struct memc *after = open_list("unix:/a,unix:/b,unix:/c,unix:/d");

    for (int i = 0; i < GROUPS; i++) {
        int now = memc_server_of(after, i);
        ck_assert(now == 3 || now == memc_server_of(before, i));
    }
    ck_assert_int_gt(share_of(after, 3), 100);
    memc_free(before);
    memc_free(after);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_a_lost_connection)
{
    struct memc *memc = open_list("unix:/nonexistent/memcached.sock");
    struct buf value = {0};
    uint64_t cas;

    for (int i = 0; i < 2; i++) { /* at once, each time */
        ck_assert_int_eq(
            memc_claim(memc, 1, "key", "v", 1, 0, &value, &cas), MEMC_LOST);
        ck_assert_int_eq(
            memc_replace(memc, 1, "key", "v", 1, 0, 1, 1), MEMC_LOST);
        ck_assert_int_eq(memc_delete(memc, 1, "key"), MEMC_LOST);
        ck_assert_int_eq(memc_fence(memc, 1, NULL), MEMC_LOST);
    }
    buf_free(&value);
    memc_free(memc);
}
END_TEST

/* Only the first allocation of all: of a later one libmemcached makes an error
 * that takes memory as well, and ends the process where there is none. */
START_TEST(a_lack_of_memory_does_not_last)
{
    struct memc *memc = open_list("unix:/no/such.sock");
    struct buf value = {0};
    uint64_t cas;

    ck_assert_int_eq(
        memc_claim(memc, 1, "key", "v", 1, 0, &value, &cas), MEMC_LOST);
    memory_end_after(0, false);
    enum memc_result result =
        memc_claim(memc, 1, "key", "v", 1, 0, &value, &cas);
    ck_assert(memory_restore());
    ck_assert_int_eq(result, MEMC_FAILED);
    ck_assert_int_eq(
        memc_claim(memc, 1, "key", "v", 1, 0, &value, &cas), MEMC_LOST);
    buf_free(&value);
    memc_free(memc);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_list_names_sockets_and_hosts);
    tcase_add_test(tests, a_server_keeps_its_name_in_another_list);
    tcase_add_loop_test(
        tests, a_bad_entry_is_named, 0, sizeof(bad_lists) / sizeof(*bad_lists));
    tcase_add_test(tests, a_path_longer_than_a_sockets_is_refused);
    tcase_add_test(tests, equal_servers_hold_about_the_same);
    tcase_add_test(tests, a_heavier_server_holds_more);
    tcase_add_test(tests,
        a_server_that_is_added_takes_from_the_others_and_moves_nothing_else);
    tcase_add_test(tests, a_server_that_is_not_there_is_a_lost_connection);
    tcase_add_test(tests, a_lack_of_memory_does_not_last);
}
