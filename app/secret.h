/* Files with secrets in them. */
#ifndef NEWSFEED_SECRET_H
#define NEWSFEED_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "error.h"

/* Reads as much of the file as fits into the place, and nowhere else: no buffer
 * keeps a copy. False: `faults` says why, in the name of the setting; it may be
 * that others can open the file. */
MUST_CHECK bool secret_read(const char *setting, const char *path, void *place,
    size_t size, size_t *len, struct buf *faults);

#endif
