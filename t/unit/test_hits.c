/* Tests of hits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

START_TEST(what_is_counted_is_read)
{
    ck_assert(hits_make(path));
    struct hits *nginx = hits_open(path, true);
    const struct hits *reader = hits_open(path, false);

    hits_count(nginx, 0, HITS_HIT);
    hits_count(nginx, 1, HITS_HIT);
    hits_count(nginx, HITS_ROWS, HITS_LEASE); /* there may be more workers */
    ck_assert_uint_eq(hits_value(reader, HITS_HIT), 2);
    ck_assert_uint_eq(hits_value(reader, HITS_LEASE), 1);
    ck_assert_uint_eq(hits_value(reader, HITS_MISS), 0);
}
END_TEST

START_TEST(counters_go_on_where_the_file_is_made_again)
{
    ck_assert(hits_make(path));
    struct hits *nginx = hits_open(path, true);
    hits_count(nginx, 0, HITS_HIT);
    ck_assert(hits_make(path));
    hits_count(nginx, 0, HITS_HIT);
    ck_assert_uint_eq(hits_value(hits_open(path, false), HITS_HIT), 2);
}
END_TEST

START_TEST(the_group_may_write_it_and_no_others)
{
    struct stat status;

    ck_assert(hits_make(path));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0660);
    ck_assert_int_ge(
        status.st_blocks * 512, (blkcnt_t)sizeof(struct hits)); /* no holes */
}
END_TEST

START_TEST(there_is_none_where_nobody_made_it)
{
    ck_assert_ptr_null(hits_open(path, true));
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_of_another_form_is_not_read_but_replaced)
{
    char *zeros = calloc(1, sizeof(struct hits));

    write_file(zeros, sizeof(struct hits));
    ck_assert_ptr_null(hits_open(path, true));
    write_file("short", 5);
    ck_assert_ptr_null(hits_open(path, true));
    ck_assert(hits_make(path));
    ck_assert_ptr_nonnull(hits_open(path, true));
    free(zeros);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert_ptr_null(hits_open(path, false));
    ck_assert(hits_make(path));
    ck_assert_ptr_nonnull(hits_open(path, true));
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
    tcase_add_test(tests, what_is_counted_is_read);
    tcase_add_test(tests, counters_go_on_where_the_file_is_made_again);
    tcase_add_test(tests, the_group_may_write_it_and_no_others);
    tcase_add_test(tests, there_is_none_where_nobody_made_it);
    tcase_add_test(tests, a_file_of_another_form_is_not_read_but_replaced);
    tcase_add_test(tests, a_link_is_not_followed);
    tcase_add_test(tests, a_folder_that_is_not_there_is_told);
}
