/* What the processes of a host tell each other, nginx among them, by files in
 * one folder: which cache servers to keep off, which database is read, which
 * keys are in force and up to where posts have come to their readers' pages.
 *
 * A word ("database", "keys", "DATABASE/horizon-NAME" of a cache server) is the
 * target of a symbolic link: replaced at once, read by one system call. A cache
 * server that could not be told to drop pages is closed by the sign
 * "closed-NAME", a file with the keys of those pages, a line each: the debts.
 * Nobody on this host reads from the server while the file exists. Beyond
 * RUNTIME_DEBTS_MAX bytes it ends in "all" and a '+' for each second that the
 * server has answered since.
 *
 * Who reads most looks once, at "open-NAME/horizon-NAME". "open-NAME" is a link
 * to "database" and goes and comes under the sign's lock: it goes before a debt
 * is added and comes before the sign is taken down, so that it is never there
 * while something is owed, whoever dies. Where it is missing, one looks for the
 * sign. The folders of databases of before stay: a few links each. */
#ifndef NEWSFEED_RUNTIME_H
#define NEWSFEED_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "contract.h"

enum {
    RUNTIME_DEBTS_MAX = 48 << 20 /* bytes, some million pages */
};

/* Whether the folder is there and can be written, or could be made. */
bool runtime_check(const char *dir, struct buf *faults);

/* Makes the folder, unless it is there. False: see faults. */
bool runtime_make(const char *dir, struct buf *faults);

/* False: errno says why. A word has 1 to CONTRACT_WORD_SIZE - 1 characters, its
 * name perhaps a folder in front, which is made. */
bool runtime_set(const char *dir, const char *name, const char *word);
bool runtime_get(
    const char *dir, const char *name, char word[CONTRACT_WORD_SIZE]);

bool runtime_is_closed(const char *dir, const char *server);

/* Closes the server or adds to its debts: lines of keys. False: errno says why
 * they could not be kept. */
bool runtime_close(const char *dir, const char *server, const struct buf *keys);

struct debts {
    int fd;
    off_t size;
    struct buf keys; /* lines; empty if it is all */
    bool all;
    int answered; /* seconds since; only if it is all */
};

/* What is owed to a closed server; false: it is open, or errno is set. Given
 * back with runtime_put_back if and only if true. */
bool runtime_take_debts(
    const char *dir, const char *server, struct debts *debts);
void runtime_put_back(struct debts *debts);

/* Opens the server whose debts were paid, unless more was added meanwhile. */
bool runtime_open(
    const char *dir, const char *server, const struct debts *paid);

/* Says that a server is open of which nobody has said anything, as in a folder
 * that was just made. */
void runtime_tell_open(const char *dir, const char *server);

/* Notes that it answered for another second, unless it failed meanwhile. */
void runtime_note_answer(const struct debts *debts);

#endif
