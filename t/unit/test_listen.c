/* Tests of listen. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"
#include "runner.h"

static char folder[32];
static char path[64];
static char lock[80];
static struct buf reason;
static int standard_input;

static void set_up(void)
{
    strcpy(folder, "/tmp/newsfeed-listen-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    standard_input = dup(STDIN_FILENO);
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
}

static void tear_down(void)
{
    dup2(standard_input, STDIN_FILENO);
    close(standard_input);
    unlink(path);
    unlink(lock);
    rmdir(folder);
    buf_free(&reason);
}

/* Whether a client that connects to the path is accepted on the socket. */
static bool accepts(int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    bool connected =
        connect(client, (struct sockaddr *)&address, sizeof(address)) == 0;
    int accepted = connected ? accept(fd, NULL, NULL) : -1;
    close(client);
    if (accepted >= 0)
        close(accepted);
    return accepted >= 0;
}

START_TEST(a_socket_is_made_for_owner_and_group)
{
    struct stat st;
    int fd = listen_open(path, &reason);

    ck_assert_msg(fd > STDERR_FILENO, "%s", buf_text(&reason));
    ck_assert(accepts(fd));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0660);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}
END_TEST

START_TEST(a_socket_beside_another_is_open_to_the_same_group)
{
    char other[80];
    struct stat st;
    bool is_shared;
    int fd = listen_open(path, &reason);

    snprintf(other, sizeof(other), "%s/other", folder);
    if (chown(path, (uid_t)-1, 4711) < 0) /* root's alone: it stays as it is */
        ck_assert_int_ne(geteuid(), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    gid_t group = st.st_gid;
    int beside = listen_open_beside(fd, other, &is_shared, &reason);
    ck_assert(beside >= 0 && is_shared);
    ck_assert_int_eq(stat(other, &st), 0);
    ck_assert_int_eq(st.st_gid, group);
    ck_assert_int_eq(st.st_mode & 0777, 0660);
    close(beside);
    close(fd);
    unlink(other);
    strcat(other, ".lock");
    unlink(other);
}
END_TEST

START_TEST(a_socket_that_is_left_over_is_replaced)
{
    close(listen_open(path, &reason));
    int fd = listen_open(path, &reason);
    ck_assert_msg(fd >= 0, "%s", buf_text(&reason));
    ck_assert(accepts(fd));
    close(fd);
}
END_TEST

START_TEST(a_socket_in_use_is_refused_and_its_owner_named)
{
    char pid[32];
    int fd = listen_open(path, &reason);

    snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
    ck_assert_int_eq(listen_open(path, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), pid));
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), path));
    ck_assert(accepts(fd));
    close(fd);
}
END_TEST

START_TEST(who_is_about_to_listen_is_left_alone)
{
    int other = open(lock, O_CREAT | O_RDWR, 0600);

    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ck_assert_int_eq(listen_open(path, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "just about to listen"));
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), path));
    close(other);
    int fd = listen_open(path, &reason);
    ck_assert(fd >= 0 && accepts(fd));
    close(fd);
}
END_TEST

/* Starts when `go` is closed, ends when `stop` is; says "1" if it listens. */
static void contend(const int go[2], const int stop[2], const int said[2])
{
    char byte;

    close(go[1]);
    close(stop[1]);
    if (read(go[0], &byte, 1) != 0)
        _exit(1);
    byte = listen_open(path, &reason) >= 0 ? '1' : '0';
    if (write(said[1], &byte, 1) != 1 || read(stop[0], &byte, 1) != 0)
        _exit(1);
    _exit(0);
}

START_TEST(of_some_that_find_a_socket_left_over_one_takes_it)
{
    enum {
        ROUNDS = 60,
        CONTENDERS = 3
    };
    int go[2], stop[2], said[2];
    char words[CONTENDERS];

    for (int i = 0; i < ROUNDS; i++) {
        unlink(path);
        close(listen_open(path, &reason));
        ck_assert_int_eq(pipe(go) | pipe(stop) | pipe(said), 0);
        for (int j = 0; j < CONTENDERS; j++)
            if (fork() == 0)
                contend(go, stop, said);
        close(go[0]);
        close(stop[0]);
        close(go[1]);
        int listening = 0;
        for (int j = 0; j < CONTENDERS; j++) {
            ck_assert_int_eq(read(said[0], &words[j], 1), 1);
            listening += words[j] == '1';
        }
        close(stop[1]);
        close(said[0]);
        close(said[1]);
        for (int j = 0; j < CONTENDERS; j++)
            ck_assert_int_gt(wait(NULL), 0);
        ck_assert_int_eq(listening, 1);
    }
}
END_TEST

START_TEST(a_file_is_not_replaced)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(listen_open(path, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "no socket"));
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_path_that_does_not_fit_is_refused)
{
    char text[200];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(listen_open(text, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "at most 107"));
}
END_TEST

START_TEST(a_folder_that_is_missing_is_named)
{
    ck_assert_int_eq(listen_open("/no/such/socket", &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "/no/such/socket: No "));
}
END_TEST

START_TEST(an_inherited_socket_is_moved_off_standard_input)
{
    struct stat st;
    int made = listen_open(path, &reason);

    dup2(made, STDIN_FILENO);
    close(made);
    int fd = listen_open(NULL, &reason);
    ck_assert_msg(fd > STDERR_FILENO, "%s", buf_text(&reason));
    ck_assert(accepts(fd));
    ck_assert_int_eq(fstat(STDIN_FILENO, &st), 0);
    ck_assert(S_ISCHR(st.st_mode)); /* /dev/null */
    close(fd);
}
END_TEST

START_TEST(a_socket_that_other_hosts_could_reach_is_refused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(listen(fd, 1), 0);
    dup2(fd, STDIN_FILENO);
    close(fd);
    ck_assert_int_eq(listen_open(NULL, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "not a Unix socket"));
}
END_TEST

START_TEST(what_systemd_passed_to_another_process_is_left_alone)
{
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    ck_assert_int_eq(listen_open(NULL, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "no socket to serve"));
}
END_TEST

START_TEST(systemd_must_pass_one_socket)
{
    char pid[32];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", pid, 1);
    ck_assert_int_eq(listen_open(NULL, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "passed 2 descriptors"));
}
END_TEST

START_TEST(without_a_socket_it_says_how_to_give_one)
{
    ck_assert_int_eq(listen_open(NULL, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "--listen PATH"));
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), "spawn-fcgi"));
}
END_TEST

START_TEST(a_closed_standard_error_is_no_place_for_a_socket)
{
    int saved = dup(STDERR_FILENO);

    close(STDERR_FILENO);
    listen_open_standard();
    bool is_open = fcntl(STDERR_FILENO, F_GETFD) >= 0;
    dup2(saved, STDERR_FILENO);
    close(saved);
    ck_assert(is_open);
}
END_TEST

static const struct {
    const char *text;
    int family; /* 0: refused */
} ports[] = {
    {"127.0.0.1:9464", AF_INET},
    {"127.8.0.1:1", AF_INET},
    {"[::1]:65535", AF_INET6},
    {"0.0.0.0:9464", 0},
    {"192.0.2.1:9464", 0},
    {"[::]:9464", 0},
    {"::1:9464", 0},
    {"localhost:9464", 0},
    {"127.0.0.1:0", 0},
    {"127.0.0.1:65536", 0},
    {"127.0.0.1:", 0},
    {"127.0.0.1: 1", 0},
    {"127.0.0.1:1x", 0},
    {"127.0.0.1", 0},
    {":9464", 0},
    {"", 0},
    {"1234567890123456789012345678901234567890123456:1", 0},
};

START_TEST(a_port_is_of_this_host_alone)
{
    struct sockaddr_storage address;
    bool holds = listen_parse_port(ports[_i].text, &address);

    ck_assert_int_eq(holds, ports[_i].family != 0);
    if (holds)
        ck_assert_int_eq(address.ss_family, ports[_i].family);
    else
        ck_assert_int_eq(listen_open_port(ports[_i].text, &reason), -1);
}
END_TEST

START_TEST(a_port_is_listened_on)
{
    struct sockaddr_in own;
    socklen_t size = sizeof(own);
    char text[32];
    int probe = socket(AF_INET, SOCK_STREAM, 0);

    own = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(probe, (struct sockaddr *)&own, size), 0);
    getsockname(probe, (struct sockaddr *)&own, &size);
    snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(own.sin_port));
    ck_assert_int_eq(listen_open_port(text, &reason), -1);
    ck_assert_ptr_nonnull(strstr(buf_text(&reason), text));
    close(probe);

    int fd = listen_open_port(text, &reason);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&own, size), 0);
    close(client);
    close(fd);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_socket_is_made_for_owner_and_group);
    tcase_add_test(tests, a_socket_beside_another_is_open_to_the_same_group);
    tcase_add_test(tests, a_socket_that_is_left_over_is_replaced);
    tcase_add_test(tests, a_socket_in_use_is_refused_and_its_owner_named);
    tcase_add_test(tests, who_is_about_to_listen_is_left_alone);
    tcase_add_test(tests, of_some_that_find_a_socket_left_over_one_takes_it);
    tcase_add_test(tests, a_file_is_not_replaced);
    tcase_add_test(tests, a_path_that_does_not_fit_is_refused);
    tcase_add_test(tests, a_folder_that_is_missing_is_named);
    tcase_add_test(tests, an_inherited_socket_is_moved_off_standard_input);
    tcase_add_test(tests, a_socket_that_other_hosts_could_reach_is_refused);
    tcase_add_test(tests, what_systemd_passed_to_another_process_is_left_alone);
    tcase_add_test(tests, systemd_must_pass_one_socket);
    tcase_add_test(tests, without_a_socket_it_says_how_to_give_one);
    tcase_add_loop_test(
        tests, a_port_is_of_this_host_alone, 0, sizeof(ports) / sizeof(*ports));
    tcase_add_test(tests, a_port_is_listened_on);
    tcase_add_test(tests, a_closed_standard_error_is_no_place_for_a_socket);
}
