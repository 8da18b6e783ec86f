/* What nginx did by itself with requests for feeds: counters in a file of
 * service.runtime_dir that its workers write and others read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hits.h"

/* Another one for another layout. */
#define HITS_FORM UINT64_C(0x6e66686974730001)

static bool is_whole(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size == (off_t)sizeof(struct hits);
}

struct hits *hits_open(const char *path, bool may_count)
{
    int fd =
        open(path, (may_count ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
    void *memory = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (is_whole(fd))
        memory = mmap(NULL, sizeof(struct hits),
            may_count ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return NULL;
    struct hits *hits = memory;
    if (hits->form == HITS_FORM)
        return hits;
    munmap(memory, sizeof(struct hits));
    return NULL;
}

/* All of its memory is there before anybody counts: whoever met the end of the
 * file system's then would die of it. */
static bool fill(int fd)
{
    struct hits head = {.form = HITS_FORM, .created = (int64_t)time(NULL)};

    errno = posix_fallocate(fd, 0, sizeof(head));
    return errno == 0 && fchmod(fd, 0660) == 0 &&
           pwrite(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head);
}

bool hits_make(const char *path)
{
    char made[PATH_MAX];
    struct hits *there = hits_open(path, false);

    if (there) {
        munmap(there, sizeof(*there));
        return true;
    }
    if (snprintf(made, sizeof(made), "%s.%d", path, (int)getpid()) >=
        (int)sizeof(made)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(made);
    int fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_made = fill(fd) && rename(made, path) == 0;
    int cause = errno;
    close(fd);
    if (!is_made)
        unlink(made);
    errno = cause;
    return is_made;
}

void hits_count(struct hits *hits, unsigned worker, enum hits_result result)
{
    atomic_fetch_add_explicit(&hits->rows[worker % HITS_ROWS].counts[result], 1,
        memory_order_relaxed);
}

uint64_t hits_value(const struct hits *hits, enum hits_result result)
{
    uint64_t sum = 0;

    for (int i = 0; i < HITS_ROWS; i++)
        sum += hits->rows[i].counts[result];
    return sum;
}
