/* Files with secrets in them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

static bool read_bytes(int fd, char *place, size_t size, size_t *len)
{
    ssize_t got;

    *len = 0;
    do {
        got = read(fd, place + *len, size - *len);
        if (got > 0)
            *len += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0;
}

bool secret_read(const char *setting, const char *path, void *place,
    size_t size, size_t *len, struct buf *faults)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool is_read =
        fd >= 0 && fstat(fd, &status) == 0 && read_bytes(fd, place, size, len);

    if (!is_read)
        buf_printf(
            faults, "%s: cannot read %s: %s\n", setting, path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!is_read)
        return false;
    if (status.st_mode & (S_IROTH | S_IWOTH)) {
        buf_printf(faults,
            "%s: %s must be closed to others: `chmod o= %s`, and put a new "
            "secret into it if somebody may have seen this one\n",
            setting, path, path);
        return false;
    }
    return true;
}
