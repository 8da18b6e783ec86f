/* Tests of notify, against a socket of the test's own. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"
#include "runner.h"

static char folder[32];
static char path[64];
static char text[512]; /* what came */
static int fd;

/* A '@' in front: of a name that is in no folder. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    memcpy(address.sun_path, name, length);
    if (*name == '@')
        *address.sun_path = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(
        bind(fd, (struct sockaddr *)&address,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/newsfeed-notify-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    unsetenv("WATCHDOG_USEC");
    listen_at(path);
}

static void tear_down(void)
{
    close(fd);
    unlink(path);
    rmdir(folder);
}

/* "": nothing. */
static const char *come(void)
{
    ssize_t length = recv(fd, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

START_TEST(what_is_told_comes_as_one_message)
{
    notify("READY=1\nSTATUS=%d workers serve", 8);
    ck_assert_str_eq(come(), "READY=1\nSTATUS=8 workers serve");
    ck_assert_str_eq(come(), "");
}
END_TEST

START_TEST(a_name_may_be_in_no_folder)
{
    char name[64];

    close(fd);
    snprintf(name, sizeof(name), "@%s", folder);
    listen_at(name);
    notify("STOPPING=1");
    ck_assert_str_eq(come(), "STOPPING=1");
}
END_TEST

START_TEST(nothing_is_told_where_nobody_asks)
{
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify("READY=1");
    notify_alive();
    ck_assert_str_eq(come(), "");
}
END_TEST

START_TEST(a_watchdog_is_told_of_life)
{
    notify_alive();
    ck_assert_str_eq(come(), "");
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_alive();
    ck_assert_str_eq(come(), "WATCHDOG=1");
}
END_TEST

START_TEST(too_long_a_name_is_sent_nothing)
{
    char name[200];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    notify("READY=1");
    ck_assert_str_eq(come(), "");
}
END_TEST

/* The kernel keeps some messages for a reader; how many, it says itself. */
START_TEST(a_reader_that_stalls_is_not_waited_for)
{
    FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");
    int kept = 0;

    ck_assert_int_eq(fscanf(file, "%d", &kept), 1);
    fclose(file);
    for (int i = 0; i < kept + 2; i++) /* the test has a time limit */
        notify("STATUS=%d", i);
    ck_assert_str_eq(come(), "STATUS=0");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_told_comes_as_one_message);
    tcase_add_test(tests, a_name_may_be_in_no_folder);
    tcase_add_test(tests, nothing_is_told_where_nobody_asks);
    tcase_add_test(tests, a_watchdog_is_told_of_life);
    tcase_add_test(tests, too_long_a_name_is_sent_nothing);
    tcase_add_test(tests, a_reader_that_stalls_is_not_waited_for);
}
