/* Tests of hits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hits.h"
#include "runner.h"

static char folder[] = "/tmp/newsfeed-hits.XXXXXX";
static char path[64];

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/hits", folder);
}

static void tear_down(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    fclose(file);
}

static bool add(enum hits_result result, uint64_t count)
{
    uint64_t counts[HITS_RESULTS] = {0};

    counts[result] = count;
    bool is_added = hits_add(path, counts);

    ck_assert_uint_eq(counts[result], is_added ? 0 : count);
    return is_added;
}

static uint64_t value(enum hits_result result)
{
    struct hits hits;

    ck_assert(hits_read(path, &hits));
    return hits.counts[result];
}

static bool is_there(void)
{
    struct hits hits;

    return hits_read(path, &hits);
}

START_TEST(what_is_added_is_read)
{
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 2));
    ck_assert(add(HITS_LEASE, 1));
    ck_assert(add(HITS_HIT, 3));
    ck_assert_uint_eq(value(HITS_HIT), 5);
    ck_assert_uint_eq(value(HITS_LEASE), 1);
    ck_assert_uint_eq(value(HITS_MISS), 0);
}
END_TEST

START_TEST(counters_go_on_where_the_file_is_made_again)
{
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 1));
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 1));
    ck_assert_uint_eq(value(HITS_HIT), 2);
}
END_TEST

START_TEST(who_finds_another_at_it_keeps_his_counts)
{
    ck_assert(hits_make(path));
    int other = open(path, O_RDONLY);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ck_assert(!add(HITS_HIT, 1));
    close(other);
    ck_assert(add(HITS_HIT, 1));
}
END_TEST

START_TEST(nobody_dies_of_a_file_that_was_cut)
{
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 1));
    ck_assert_int_eq(truncate(path, 20), 0);
    ck_assert(!add(HITS_HIT, 1));
    ck_assert(!is_there());
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 1));
    ck_assert_uint_eq(value(HITS_HIT), 1);
}
END_TEST

START_TEST(nobody_waits_for_what_is_no_file)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!is_there());
    ck_assert(!add(HITS_HIT, 1));
    ck_assert(hits_make(path));
    ck_assert(add(HITS_HIT, 1));
}
END_TEST

START_TEST(the_group_may_write_it_and_no_others)
{
    struct stat status;

    ck_assert(hits_make(path));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0660);
}
END_TEST

START_TEST(there_is_none_where_nobody_made_it)
{
    ck_assert(!add(HITS_HIT, 1));
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_of_another_form_is_not_read_but_replaced)
{
    static const char zeros[sizeof(struct hits)];

    write_file(zeros, sizeof(zeros));
    ck_assert(!is_there());
    ck_assert(!add(HITS_HIT, 1));
    ck_assert(hits_make(path));
    ck_assert(is_there());
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert(!is_there());
    ck_assert(hits_make(path));
    ck_assert(is_there());
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
    ck_assert(!hits_make("/nowhere/hits"));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_added_is_read);
    tcase_add_test(tests, counters_go_on_where_the_file_is_made_again);
    tcase_add_test(tests, who_finds_another_at_it_keeps_his_counts);
    tcase_add_test(tests, nobody_dies_of_a_file_that_was_cut);
    tcase_add_test(tests, nobody_waits_for_what_is_no_file);
    tcase_add_test(tests, the_group_may_write_it_and_no_others);
    tcase_add_test(tests, there_is_none_where_nobody_made_it);
    tcase_add_test(tests, a_file_of_another_form_is_not_read_but_replaced);
    tcase_add_test(tests, a_link_is_not_followed);
    tcase_add_test(tests, a_folder_that_is_not_there_is_told);
}
