/* Words of texts, for PostgreSQL's full-text search: documents and queries are
 * made by the same rules, so that one finds the other.
 *
 * A word is a run of letters and digits with the marks on them, in lower case
 * and composed (NFC); ß and ς stay what they are. Everything else stands
 * between words: apostrophes, hyphens and underscores, dots and commas in
 * numbers, emoji and other symbols. So an address or a URL is a phrase, and is
 * found by each part of it; entities of HTML and the scheme of a URL are left
 * out, tags are text. Of scripts that have no spaces (kana, ideographs, Thai,
 * Lao, Khmer, Myanmar) each letter is a word, so that any part of a sentence is
 * found, and the whole run is one besides.
 *
 * Documents that PostgreSQL made itself (to_tsvector 'simple', releases up to
 * 1.0.0) hold the same words, but addresses, URLs and numbers as one. So a
 * query asks for what PostgreSQL makes of each of its parts, too.
 *
 * Of a language (language.h), a document has the forms of each word in the
 * word's place, besides the word. So whoever does not know the language finds
 * the words as they are. */
#ifndef NEWSFEED_WORDS_H
#define NEWSFEED_WORDS_H

#include <stdbool.h>

#include "buf.h"
#include "language.h"

/* Appends a tsvector in binary, as its recv function reads it: the subject's
 * words with weight A, the story's behind them with D. Words of more than 2,047
 * bytes are left out, and no word has more than its first 255 places; in those
 * behind the 16,383rd word no phrase is found. A text of more than a megabyte
 * may make a document that PostgreSQL refuses. */
void words_document(const struct language *language, struct text subject,
    struct text story, struct buf *document);

/* Takes keywords apart as websearch_to_tsquery does: words and "phrases" that
 * are all needed, `or` between two, `-` before what must not be. A line for
 * each part that has a word: in `ours` it goes on with a tsquery's text, and
 * lacks a ")"; in `raw` it is as it was given. False: there is no such part. */
bool words_query(const struct language *language, struct text keywords,
    struct buf *ours, struct buf *raw);

/* A part of a text, in characters: from the first to before the last. */
struct span {
    int from;
    int to;
};

enum {
    SPANS_MAX = 100 /* of one text */
};

/* The words of keywords that are looked for, not those to leave out; in the
 * form that words_find takes. */
void words_wanted(
    const struct language *language, struct text keywords, struct buf *wanted);

/* Where these words stand in a text, in order; how many places there are. What
 * lies side by side is one. */
int words_find(const struct language *language, const struct buf *wanted,
    struct text text, struct span spans[SPANS_MAX]);

#endif
