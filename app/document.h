/* Documents of posts, for the search index. */
#ifndef NEWSFEED_DOCUMENT_H
#define NEWSFEED_DOCUMENT_H

#include "language.h"
#include "pg.h"

/* Rows of the table search. `edited` is for an index in a database of its own.
 * Starts as all zeros. */
struct documents {
    struct buf posts, authors; /* an int64_t each */
    struct buf edited;         /* the same; ms since 1970, 0: never */
    struct buf documents;      /* of the driver's */
    int64_t last;              /* of the posts; 0: there is none */
    int64_t bytes;             /* of their text */
};

/* Those of the first of these posts (ids, int64_t each, sorted), as many as are
 * good to be added at once. Some may be gone. language: NULL is that of the
 * index in force, which stays so in this transaction if that holds the place of
 * the index. */
MUST_CHECK enum error documents_make(struct pg *pg, const struct buf *posts,
    const struct language *language, struct documents *made);

/* By a statement that takes posts, authors and documents. */
MUST_CHECK enum error documents_add(struct pg *pg,
    struct pg_statement *statement, const struct documents *documents);

/* Appends these parameters: posts, authors and `edited`, and documents; NULL
 * for these if there are none. */
void documents_add_to(
    struct pg_params *params, const struct documents *documents);

/* What was added waits in a list, which each search reads through, until there
 * is much of it or nothing else to do: call it often. `more`: there is. */
void documents_flush(struct pg *flusher, bool more);

void documents_free(struct documents *documents);

#endif
