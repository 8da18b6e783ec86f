/* Languages of the search: by which forms a word is found. The only file that
 * knows libstemmer. */
#ifndef NEWSFEED_LANGUAGE_H
#define NEWSFEED_LANGUAGE_H

#include "buf.h"

struct language;

/* Words are found as they are. */
extern const struct language language_simple;

/* A language has the name of its stemmer ("german"), or is "simple", and may go
 * on with "+unaccent": accents make no difference then. NULL: there is none of
 * that name, or no memory. What it gives lives as long as the program. */
const struct language *language_find(const char *name);

const char *language_name(const struct language *language);

/* The names that there are, a space between two. */
void language_print_all(struct buf *names);

/* Appends the forms by which a word is looked for, one at least, each with a
 * NUL behind it. The word is in lower case and composed. One that stands in a
 * text is found by these forms of its own, and as it is. */
void language_forms(const struct language *language, const char *word,
    size_t size, struct buf *forms);

#endif
