/* Tests of runtime: words and signs in a folder of the test's own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"
#include "runtime.h"

static char dir[] = "/tmp/newsfeed-runtime-XXXXXX";
static char path[128];
static char word[CONTRACT_WORD_SIZE];
static struct buf keys;
static struct buf faults;
static struct debts debts;

static void set_up(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
    char command[128];

    buf_free(&keys);
    buf_free(&faults);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static bool owe(const char *text)
{
    buf_reset(&keys, keys.cap);
    buf_puts(&keys, text);
    return runtime_close(dir, "3", &keys);
}

static void take(void)
{
    ck_assert(runtime_take_debts(dir, "3", &debts));
}

/* More than is kept: by time from now on. */
static void owe_too_much(void)
{
    static char much[RUNTIME_DEBTS_MAX / 4 + 1];

    memset(much, 'k', sizeof(much) - 2);
    much[sizeof(much) - 2] = '\n';
    for (int i = 0; i < 5; i++)
        ck_assert(owe(much));
}

/* --- the folder --------------------------------------------------------- */

START_TEST(the_folder_is_made_for_all_to_look_into)
{
    struct stat status;

    umask(0077);
    ck_assert(runtime_check(in_dir("state"), &faults));
    ck_assert_int_ne(stat(path, &status), 0);
    ck_assert(runtime_make(path, &faults));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0755);
    ck_assert(runtime_make(path, &faults));
    ck_assert_uint_eq(faults.len, 0);
}
END_TEST

START_TEST(only_the_last_folder_is_made)
{
    ck_assert(!runtime_check(in_dir("no/state"), &faults));
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "service.runtime_dir: "));
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), path));
    buf_reset(&faults, 0);
    ck_assert(!runtime_make(path, &faults));
    ck_assert_uint_gt(faults.len, 0);
}
END_TEST

START_TEST(a_path_that_nginx_would_read_as_another_is_refused)
{
    ck_assert(!runtime_check("tmp", &faults));
    ck_assert(!runtime_check("/tmp/\"x\"", &faults));
    ck_assert(!runtime_check("/tmp/\\x", &faults));
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "service.runtime_dir: "));
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    ck_assert(runtime_check(dir, &faults));
    ck_assert(runtime_set(dir, "file", "word"));
    ck_assert(!runtime_check(in_dir("file/state"), &faults));
}
END_TEST

/* --- words -------------------------------------------------------------- */

START_TEST(a_word_is_read_as_it_was_set)
{
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "73-1"));
    ck_assert(runtime_get(dir, CONTRACT_WORD_DATABASE, word));
    ck_assert_str_eq(word, "73-1");
}
END_TEST

START_TEST(a_word_is_replaced)
{
    ck_assert(runtime_set(dir, CONTRACT_WORD_KEYS, "one"));
    ck_assert(runtime_set(dir, CONTRACT_WORD_KEYS, "two"));
    ck_assert(runtime_get(dir, CONTRACT_WORD_KEYS, word));
    ck_assert_str_eq(word, "two");
}
END_TEST

START_TEST(what_was_never_set_is_no_word)
{
    ck_assert(!runtime_get(dir, CONTRACT_WORD_KEYS, word));
    ck_assert_str_eq(word, "");
}
END_TEST

START_TEST(a_word_that_is_too_long_is_none)
{
    char text[CONTRACT_WORD_SIZE + 1];

    memset(text, 'x', sizeof(text));
    text[CONTRACT_WORD_SIZE - 1] = '\0';
    ck_assert(runtime_set(dir, CONTRACT_WORD_KEYS, text));
    ck_assert(runtime_get(dir, CONTRACT_WORD_KEYS, word));
    ck_assert_str_eq(word, text);
    text[CONTRACT_WORD_SIZE - 1] = 'x';
    text[CONTRACT_WORD_SIZE] = '\0';
    ck_assert(runtime_set(dir, CONTRACT_WORD_KEYS, text));
    ck_assert(!runtime_get(dir, CONTRACT_WORD_KEYS, word));
    ck_assert_str_eq(word, "");
}
END_TEST

START_TEST(a_word_lies_in_its_folder_for_all_to_look_into)
{
    struct stat status;

    umask(0077);
    for (int i = 0; i < 2; i++)
        ck_assert(runtime_set(dir, "73/horizon-3", "9@73"));
    ck_assert(runtime_get(dir, "73/horizon-3", word));
    ck_assert_str_eq(word, "9@73");
    ck_assert_int_eq(stat(in_dir("73"), &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0755);
    ck_assert(!runtime_set(dir, "no/74/horizon-3", "9@74"));
}
END_TEST

/* --- signs -------------------------------------------------------------- */

START_TEST(a_server_is_open_until_something_is_owed)
{
    ck_assert(!runtime_is_closed(dir, "3"));
    ck_assert(!runtime_take_debts(dir, "3", &debts));
    ck_assert(owe("a\n"));
    ck_assert(runtime_is_closed(dir, "3"));
    ck_assert(!runtime_is_closed(dir, "4"));
}
END_TEST

START_TEST(without_its_folder_a_server_is_open_and_cannot_be_closed)
{
    ck_assert(!runtime_close(in_dir("no"), "3", &keys));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(who_cannot_look_reads_nothing)
{
    ck_assert(runtime_set(dir, "file", "file"));
    ck_assert(runtime_is_closed(in_dir("file"), "3")); /* a loop */
}
END_TEST

START_TEST(debts_add_up_and_opening_ends_them)
{
    ck_assert(owe("a\nb\n"));
    ck_assert(owe("c\n"));
    take();
    ck_assert_str_eq(buf_text(&debts.keys), "a\nb\nc\n");
    ck_assert(!debts.all);
    ck_assert(runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
    ck_assert(!runtime_is_closed(dir, "3"));
}
END_TEST

START_TEST(what_is_added_while_one_pays_keeps_the_server_closed)
{
    ck_assert(owe("a\n"));
    take();
    ck_assert(owe("b\n"));
    ck_assert(!runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
    ck_assert(runtime_is_closed(dir, "3"));
    take();
    ck_assert_str_eq(buf_text(&debts.keys), "a\nb\n");
    runtime_put_back(&debts);
}
END_TEST

/* Two pay the same; a new sign has gone up before the second is done. */
START_TEST(who_paid_an_old_sign_does_not_take_down_a_new_one)
{
    struct debts other;

    ck_assert(owe("a\n"));
    take();
    ck_assert(runtime_take_debts(dir, "3", &other));
    ck_assert(runtime_open(dir, "3", &debts));
    ck_assert(owe("b\n"));
    ck_assert(!runtime_open(dir, "3", &other));
    ck_assert(runtime_is_closed(dir, "3"));
    runtime_put_back(&debts);
    runtime_put_back(&other);
}
END_TEST

/* Many add while others pay: no key is lost, and each was taken by somebody
 * before the sign came down. */
START_TEST(no_debt_is_lost_between_those_who_add_and_those_who_pay)
{
    enum {
        ROUNDS = 2000
    };
    char line[32];
    int paid = 0;
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            snprintf(line, sizeof(line), "%d\n", i);
            if (!owe(line))
                _exit(1);
        }
        _exit(0);
    }
    for (bool is_over = false; !is_over || runtime_is_closed(dir, "3");) {
        is_over = is_over || waitpid(child, &status, WNOHANG) == child;
        if (!runtime_take_debts(dir, "3", &debts))
            continue;
        int found = 0;
        for (const char *c = buf_text(&debts.keys); *c; c++)
            found += *c == '\n';
        if (runtime_open(dir, "3", &debts))
            paid += found;
        runtime_put_back(&debts);
    }
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(paid, ROUNDS);
}
END_TEST

START_TEST(too_many_debts_are_all)
{
    owe_too_much();
    take();
    ck_assert(debts.all);
    ck_assert_uint_eq(debts.keys.len, 0);
    ck_assert_int_eq(debts.answered, 0);
    off_t size = debts.size;
    runtime_put_back(&debts);

    for (int i = 0; i < 5; i++)
        ck_assert(owe("a\n"));
    take();
    ck_assert_int_eq(debts.size, size);
    runtime_put_back(&debts);
}
END_TEST

START_TEST(answered_seconds_are_counted_until_the_next_failure)
{
    owe_too_much();
    for (int i = 0; i < 4000; i++) {
        take();
        ck_assert(debts.all);
        ck_assert_int_eq(debts.answered, i);
        runtime_note_answer(&debts);
        runtime_put_back(&debts);
    }
    ck_assert(owe("a\n"));
    take();
    ck_assert(debts.all);
    ck_assert_int_eq(debts.answered, 0);
    ck_assert(runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
    ck_assert(!runtime_is_closed(dir, "3"));
}
END_TEST

START_TEST(an_answer_from_before_a_failure_does_not_count)
{
    owe_too_much();
    take();
    runtime_note_answer(&debts);
    runtime_put_back(&debts);
    take();
    ck_assert(owe("a\n"));
    runtime_note_answer(&debts);
    ck_assert(!runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
    take();
    ck_assert_int_eq(debts.answered, 0);
    runtime_put_back(&debts);
}
END_TEST

/* A full file system, played by a limit on the size of files. */
START_TEST(what_could_not_be_kept_leaves_no_half_of_a_key)
{
    struct rlimit limit = {7, 7};

    signal(SIGXFSZ, SIG_IGN);
    ck_assert(owe("abc\n"));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!owe("defg\n"));
    ck_assert(owe("hi\n"));
    take();
    ck_assert_str_eq(buf_text(&debts.keys), "abc\nhi\n");
    runtime_put_back(&debts);
}
END_TEST

/* --- all in one look ---------------------------------------------------- */

static bool was_closed;

/* In place of the C library's: looks first. */
int symlinkat(const char *target, int folder, const char *name)
{
    was_closed = runtime_is_closed(dir, "3");
    return (int)syscall(SYS_symlinkat, target, folder, name);
}

static const char *look(void)
{
    runtime_get(dir, "open-3/horizon-3", word);
    return word;
}

static void tell(const char *name, const char *text)
{
    ck_assert(runtime_set(dir, name, text));
}

static void tell_all(void)
{
    tell(CONTRACT_WORD_DATABASE, "73");
    tell("73/horizon-3", "9@73");
    runtime_tell_open(dir, "3");
}

static void open_again(void)
{
    take();
    ck_assert(runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
}

START_TEST(one_look_tells_all_of_an_open_server)
{
    tell(CONTRACT_WORD_DATABASE, "73");
    tell("73/horizon-3", "9@73");
    ck_assert_str_eq(look(), "");
    runtime_tell_open(dir, "3");
    ck_assert_str_eq(look(), "9@73");
    ck_assert(!runtime_is_closed(dir, "3"));
    tell("73/horizon-3", "10@73");
    ck_assert_str_eq(look(), "10@73");
    ck_assert(!runtime_get(dir, "open-4", word));
}
END_TEST

START_TEST(another_database_tells_nothing_before_its_horizon)
{
    tell_all();
    tell(CONTRACT_WORD_DATABASE, "74");
    ck_assert_str_eq(look(), "");
    tell("73/horizon-3", "11@73");
    ck_assert_str_eq(look(), "");
    tell("74/horizon-3", "1@74");
    ck_assert_str_eq(look(), "1@74");
}
END_TEST

START_TEST(a_closed_server_tells_nothing_until_it_is_open_again)
{
    tell_all();
    ck_assert(owe("a\n"));
    ck_assert_str_eq(look(), "");
    tell("73/horizon-3", "10@73");
    runtime_tell_open(dir, "3");
    ck_assert_str_eq(look(), "");
    ck_assert(runtime_is_closed(dir, "3"));
    take();
    ck_assert(owe("b\n"));
    ck_assert(!runtime_open(dir, "3", &debts));
    runtime_put_back(&debts);
    ck_assert_str_eq(look(), "");
    open_again();
    ck_assert_str_eq(look(), "10@73");
}
END_TEST

/* Who died while he opened it had been paid. */
START_TEST(a_server_that_was_half_opened_is_closed_and_opened_as_any)
{
    tell_all();
    ck_assert(owe("a\n"));
    ck_assert_int_eq(symlink(CONTRACT_WORD_DATABASE, in_dir("open-3")), 0);
    ck_assert(owe("b\n"));
    ck_assert_str_eq(look(), "");
    ck_assert_int_eq(symlink(CONTRACT_WORD_DATABASE, in_dir("open-3")), 0);
    open_again();
    ck_assert_str_eq(look(), "9@73");
    ck_assert(!runtime_is_closed(dir, "3"));
}
END_TEST

/* Behind the sign, a new one might go up before the word comes. */
START_TEST(the_word_comes_before_the_sign_goes)
{
    tell_all();
    ck_assert(owe("a\n"));
    was_closed = false;
    open_again();
    ck_assert(was_closed);
    ck_assert_str_eq(look(), "9@73");
}
END_TEST

START_TEST(no_debt_is_kept_behind_a_word_that_stays)
{
    ck_assert_int_eq(mkdir(in_dir("open-3"), 0755), 0);
    ck_assert(!owe("a\n"));
    ck_assert(runtime_is_closed(dir, "3"));
}
END_TEST

START_TEST(who_paid_in_a_folder_of_before_opens_nothing_in_a_new_one)
{
    struct debts paid;
    char before[128];

    ck_assert(owe("a\n"));
    ck_assert(runtime_take_debts(dir, "3", &paid));
    snprintf(before, sizeof(before), "%s-before", dir);
    ck_assert_int_eq(rename(dir, before), 0);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    ck_assert_int_eq(rename(before, in_dir("before")), 0);
    tell_all();
    ck_assert(owe("b\n"));
    ck_assert(!runtime_open(dir, "3", &paid));
    ck_assert_str_eq(look(), "");
    ck_assert(runtime_is_closed(dir, "3"));
    runtime_put_back(&paid);
}
END_TEST

/* Another says that it is open, whenever nobody else has said so. */
START_TEST(no_look_tells_that_a_closed_server_is_open)
{
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    while (child == 0)
        runtime_tell_open(dir, "3");
    tell_all();
    for (int i = 0; i < 5000; i++) {
        unlink(in_dir("open-3"));
        ck_assert(owe("a\n"));
        for (int again = 0; again < 20; again++)
            ck_assert_str_eq(look(), "");
        open_again();
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 100);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_folder_is_made_for_all_to_look_into);
    tcase_add_test(tests, only_the_last_folder_is_made);
    tcase_add_test(tests, a_path_that_nginx_would_read_as_another_is_refused);
    tcase_add_test(tests, a_file_is_no_folder);
    tcase_add_test(tests, a_word_is_read_as_it_was_set);
    tcase_add_test(tests, a_word_is_replaced);
    tcase_add_test(tests, what_was_never_set_is_no_word);
    tcase_add_test(tests, a_word_that_is_too_long_is_none);
    tcase_add_test(tests, a_word_lies_in_its_folder_for_all_to_look_into);
    tcase_add_test(tests, a_server_is_open_until_something_is_owed);
    tcase_add_test(
        tests, without_its_folder_a_server_is_open_and_cannot_be_closed);
    tcase_add_test(tests, who_cannot_look_reads_nothing);
    tcase_add_test(tests, debts_add_up_and_opening_ends_them);
    tcase_add_test(tests, what_is_added_while_one_pays_keeps_the_server_closed);
    tcase_add_test(tests, who_paid_an_old_sign_does_not_take_down_a_new_one);
    tcase_add_test(
        tests, no_debt_is_lost_between_those_who_add_and_those_who_pay);
    tcase_add_test(tests, too_many_debts_are_all);
    tcase_add_test(tests, answered_seconds_are_counted_until_the_next_failure);
    tcase_add_test(tests, an_answer_from_before_a_failure_does_not_count);
    tcase_add_test(tests, what_could_not_be_kept_leaves_no_half_of_a_key);
    tcase_add_test(tests, one_look_tells_all_of_an_open_server);
    tcase_add_test(tests, another_database_tells_nothing_before_its_horizon);
    tcase_add_test(tests, a_closed_server_tells_nothing_until_it_is_open_again);
    tcase_add_test(
        tests, a_server_that_was_half_opened_is_closed_and_opened_as_any);
    tcase_add_test(tests, the_word_comes_before_the_sign_goes);
    tcase_add_test(tests, no_debt_is_kept_behind_a_word_that_stays);
    tcase_add_test(
        tests, who_paid_in_a_folder_of_before_opens_nothing_in_a_new_one);
    tcase_add_test(tests, no_look_tells_that_a_closed_server_is_open);
}
