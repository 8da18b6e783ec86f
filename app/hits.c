/* What nginx did by itself with requests for feeds: counters in a file of
 * service.runtime_dir that its workers add to and others read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hits.h"

/* Another one for another layout. */
#define HITS_FORM UINT64_C(0x6e66686974730002)

/* Whatever stands there, nobody waits for it. */
static int open_there(const char *path, int mode)
{
    return open(path, mode | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static bool read_all(int fd, struct hits *hits)
{
    return pread(fd, hits, sizeof(*hits), 0) == (ssize_t)sizeof(*hits) &&
           hits->form == HITS_FORM;
}

static bool write_all(int fd, const struct hits *hits)
{
    return pwrite(fd, hits, sizeof(*hits), 0) == (ssize_t)sizeof(*hits);
}

bool hits_read(const char *path, struct hits *hits)
{
    int fd = open_there(path, O_RDONLY);

    if (fd < 0)
        return false;
    bool is_read = read_all(fd, hits);
    close(fd);
    return is_read;
}

bool hits_make(const char *path)
{
    struct hits hits = {.form = HITS_FORM, .created = (int64_t)time(NULL)};
    struct hits there;
    char made[PATH_MAX];

    if (hits_read(path, &there))
        return true;
    if (snprintf(made, sizeof(made), "%s.%d", path, (int)getpid()) >=
        (int)sizeof(made)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(made);
    int fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_made = write_all(fd, &hits) && fchmod(fd, 0660) == 0 &&
                   rename(made, path) == 0;
    int cause = errno;
    close(fd);
    if (!is_made)
        unlink(made);
    errno = cause;
    return is_made;
}

bool hits_add(const char *path, uint64_t counts[HITS_RESULTS])
{
    struct hits hits;
    int fd = open_there(path, O_RDWR);

    if (fd < 0)
        return false;
    bool is_added = flock(fd, LOCK_EX | LOCK_NB) == 0 && read_all(fd, &hits);
    if (is_added) {
        for (int i = 0; i < HITS_RESULTS; i++)
            hits.counts[i] += counts[i];
        is_added = write_all(fd, &hits);
    }
    close(fd);
    if (is_added)
        memset(counts, 0, HITS_RESULTS * sizeof(*counts));
    return is_added;
}
