/* What the processes of a host tell each other by files in one folder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime.h"

#define ALL "all\n"

_Static_assert((int)RUNTIME_DEBTS_MAX < (int)BUF_MAX, "debts can be read");

/* --- the folder --------------------------------------------------------- */

static void refuse(const char *dir, struct buf *faults)
{
    buf_printf(faults,
        "service.runtime_dir: %s cannot be written: %s; make it the folder of "
        "the account that newsfeed runs as (install -d -o newsfeed %s), or "
        "name another\n",
        dir, strerror(errno), dir);
}

/* As this process may, which may have a capability to pass a folder: access()
 * knows of none. */
static bool may(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static bool may_write(const char *dir)
{
    return may(dir, W_OK | X_OK);
}

static void cut_last_name(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == path)
        path[1] = '\0';
    else
        *slash = '\0';
}

bool runtime_check(const char *dir, struct buf *faults)
{
    char parent[PATH_MAX];

    if (*dir != '/' || dir[strcspn(dir, "\"\\")]) {
        buf_printf(faults,
            "service.runtime_dir: is \"%s\", must begin with '/' and hold no "
            "'\"' and no '\\'\n",
            dir);
        return false;
    }
    if (may_write(dir))
        return true;
    if (errno == ENOENT && strlen(dir) < sizeof(parent)) {
        strcpy(parent, dir);
        cut_last_name(parent);
        if (may_write(parent))
            return true;
    }
    refuse(dir, faults);
    return false;
}

/* nginx looks into it, whatever the umask says. */
static bool make_folder(const char *path)
{
    mode_t before = umask(0022);
    bool is_made = mkdir(path, 0755) == 0;

    umask(before);
    return is_made || errno == EEXIST;
}

bool runtime_make(const char *dir, struct buf *faults)
{
    if (make_folder(dir) && may_write(dir))
        return true;
    refuse(dir, faults);
    return false;
}

/* --- words -------------------------------------------------------------- */

static bool name_file(char path[PATH_MAX], const char *dir, const char *name)
{
    if (snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool make_folder_of(const char *path)
{
    char folder[PATH_MAX];

    strcpy(folder, path);
    cut_last_name(folder);
    return make_folder(folder);
}

bool runtime_set(const char *dir, const char *name, const char *word)
{
    char path[PATH_MAX], made[PATH_MAX], made_name[64];
    const char *slash = strrchr(name, '/');

    snprintf(made_name, sizeof(made_name), ".%s-%d", slash ? slash + 1 : name,
        (int)getpid());
    if (!name_file(path, dir, name) || !name_file(made, dir, made_name))
        return false;
    unlink(made);
    if (symlink(word, made))
        return false;
    if (rename(made, path) == 0)
        return true;
    return slash && errno == ENOENT && make_folder_of(path) &&
           rename(made, path) == 0;
}

bool runtime_get(
    const char *dir, const char *name, char word[CONTRACT_WORD_SIZE])
{
    char path[PATH_MAX];
    ssize_t len = name_file(path, dir, name)
                      ? readlink(path, word, CONTRACT_WORD_SIZE)
                      : -1;
    bool fits = len > 0 && len < CONTRACT_WORD_SIZE;

    word[fits ? len : 0] = '\0';
    return fits;
}

/* --- signs -------------------------------------------------------------- */

static bool name_of_server(char path[PATH_MAX], const char *dir,
    const char *before, const char *server)
{
    char name[NAME_MAX];

    snprintf(name, sizeof(name), "%s%s", before, server);
    return name_file(path, dir, name);
}

static bool name_sign(char path[PATH_MAX], const char *dir, const char *server)
{
    return name_of_server(path, dir, CONTRACT_CLOSED, server);
}

/* Who cannot look must not take it for open. */
bool runtime_is_closed(const char *dir, const char *server)
{
    char path[PATH_MAX];

    return !name_sign(path, dir, server) || may(path, F_OK) || errno != ENOENT;
}

/* Whoever changes a sign holds its lock, never for longer than a few system
 * calls. False: it has been taken down. */
static bool lock_sign(int fd, struct stat *status)
{
    while (flock(fd, LOCK_EX))
        if (errno != EINTR)
            return false;
    return fstat(fd, status) == 0 && status->st_nlink > 0;
}

/* How a file ends decides what it says. */
static void read_end(int fd, struct debts *debts)
{
    char end[8192];
    off_t start =
        debts->size > (off_t)sizeof(end) ? debts->size - (off_t)sizeof(end) : 0;
    ssize_t len = pread(fd, end, sizeof(end), start);
    ssize_t rest = len;

    while (rest > 0 && end[rest - 1] == '+')
        rest--;
    debts->answered = (int)(len - rest);
    debts->all = rest >= (ssize_t)strlen(ALL) &&
                 memcmp(end + rest - strlen(ALL), ALL, strlen(ALL)) == 0;
}

/* What does not fit as a whole is cut off again: half a key would spoil the
 * next. */
static bool append(int fd, off_t size, const char *text, size_t len)
{
    ssize_t written = write(fd, text, len);

    if (written == (ssize_t)len)
        return true;
    if (written >= 0)
        errno = ENOSPC;
    int cause = errno;
    if (ftruncate(fd, size))
        return false;
    errno = cause;
    return false;
}

static bool append_debts(int fd, off_t size, const struct buf *keys)
{
    struct debts debts = {.size = size};

    read_end(fd, &debts);
    if (debts.all && debts.answered == 0)
        return true;
    if (debts.all || size + (off_t)keys->len > RUNTIME_DEBTS_MAX)
        return append(fd, size, ALL, strlen(ALL));
    return append(fd, size, keys->data, keys->len);
}

static bool withdraw(const char *word)
{
    return unlink(word) == 0 || errno == ENOENT;
}

bool runtime_close(const char *dir, const char *server, const struct buf *keys)
{
    char path[PATH_MAX], word[PATH_MAX];

    if (!name_sign(path, dir, server) ||
        !name_of_server(word, dir, CONTRACT_OPEN, server))
        return false;
    for (;;) {
        struct stat status = {.st_nlink = 1};
        int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
            return false;
        bool is_up = lock_sign(fd, &status);
        bool is_kept =
            is_up && withdraw(word) && append_debts(fd, status.st_size, keys);
        bool is_over = is_up || status.st_nlink > 0;
        int cause = errno;
        close(fd);
        errno = cause;
        if (is_over)
            return is_kept;
    }
}

static bool read_keys(int fd, off_t size, struct buf *keys)
{
    char piece[8192];
    ssize_t len;

    for (off_t at = 0; at < size; at += len) {
        size_t wanted = sizeof(piece);
        if ((off_t)wanted > size - at)
            wanted = (size_t)(size - at);
        len = pread(fd, piece, wanted, at);
        if (len <= 0)
            return false;
        buf_add(keys, piece, (size_t)len);
    }
    return !keys->failed;
}

bool runtime_take_debts(
    const char *dir, const char *server, struct debts *debts)
{
    char path[PATH_MAX];
    struct stat status;

    *debts = (struct debts){.fd = -1};
    if (!name_sign(path, dir, server))
        return false;
    debts->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (debts->fd < 0)
        return false;
    bool is_read = lock_sign(debts->fd, &status);
    if (is_read) {
        debts->size = status.st_size;
        read_end(debts->fd, debts);
        is_read = debts->all || read_keys(debts->fd, debts->size, &debts->keys);
    }
    flock(debts->fd, LOCK_UN);
    if (!is_read)
        runtime_put_back(debts);
    return is_read;
}

void runtime_put_back(struct debts *debts)
{
    buf_free(&debts->keys);
    close(debts->fd);
}

/* With the lock, true: the file is there and as it was read. */
static bool is_unchanged(const struct debts *debts)
{
    struct stat status;

    return lock_sign(debts->fd, &status) && status.st_size == debts->size;
}

/* Whether this folder is the one in which the file's lock counts. */
static bool lies_in(int folder, const char *name, int fd)
{
    struct stat one, other;

    return fstat(fd, &one) == 0 &&
           fstatat(folder, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static bool open_in(int folder, const char *server, int fd)
{
    char sign[NAME_MAX], word[NAME_MAX];

    snprintf(sign, sizeof(sign), CONTRACT_CLOSED "%s", server);
    snprintf(word, sizeof(word), CONTRACT_OPEN "%s", server);
    return lies_in(folder, sign, fd) &&
           (symlinkat(CONTRACT_WORD_DATABASE, folder, word) == 0 ||
               errno == EEXIST) &&
           unlinkat(folder, sign, 0) == 0;
}

bool runtime_open(const char *dir, const char *server, const struct debts *paid)
{
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return false;
    bool is_open = is_unchanged(paid) && open_in(folder, server, paid->fd);
    flock(paid->fd, LOCK_UN);
    close(folder);
    return is_open;
}

/* As by one who owes nothing and pays at once. */
void runtime_tell_open(const char *dir, const char *server)
{
    char path[PATH_MAX], word[PATH_MAX];
    struct stat status;

    if (!name_sign(path, dir, server) ||
        !name_of_server(word, dir, CONTRACT_OPEN, server) ||
        lstat(word, &status) == 0)
        return;
    struct debts none = {.fd = -1};
    none.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (none.fd < 0)
        return;
    runtime_open(dir, server, &none);
    close(none.fd);
}

void runtime_note_answer(const struct debts *debts)
{
    if (is_unchanged(debts))
        append(debts->fd, debts->size, "+", 1);
    flock(debts->fd, LOCK_UN);
}
