/* Every SQL text that answers a request, one typed function each.
 *
 * Texts in results live in the connection's last result: they are valid until
 * the next call with the same pg. Lists of participants whose page changed
 * come as int64_t, appended to a buffer. All return what pg_exec returns, and
 * ERR_NOT_FOUND where they say so. In which order they take locks stands in
 * outbox.h. */
#ifndef NEWSFEED_STORE_H
#define NEWSFEED_STORE_H

#include "error.h"
#include "language.h"
#include "model.h"
#include "pg.h"

enum {
    SNAPSHOT_SIZE = 1024 /* some hundred transactions at once */
};

struct items {
    struct item list[PAGE_LIMIT_MAX];
    struct page_ends ends;
    char snapshot[SNAPSHOT_SIZE]; /* of posts: what the reading saw (stored.h);
                                     "" if that takes more */
};

/* A post in the feeds of some, by which transaction and as of when (stored.h).
 */
struct delivery {
    struct item item;
    struct buf *readers;
    struct text xid;
    struct text snapshot;
};

struct friendships {
    struct friendship list[PAGE_LIMIT_MAX];
    struct page_ends ends;
};

/* id is a participant, its position orders the list and is its cursor */
struct matches {
    int64_t list[PAGE_LIMIT_MAX];
    struct page_ends ends;
};

/* Participants. NOT_FOUND: no such id. */
MUST_CHECK enum error store_participant_add(
    struct pg *pg, struct text name, struct participant *added);
/* names: a struct text each, one at least. The ids are appended, in the order
 * of the names. */
MUST_CHECK enum error store_participant_add_all(
    struct pg *pg, const struct buf *names, struct buf *ids);
MUST_CHECK enum error store_participant_get(
    struct pg *pg, int64_t id, struct participant *found);
MUST_CHECK enum error store_participant_rename(
    struct pg *pg, int64_t id, struct text name, struct participant *renamed);
MUST_CHECK enum error store_participant_remove(
    struct pg *pg, int64_t id, struct buf *touched);

/* Friends. NOT_FOUND: one of both does not exist; for remove: no friendship.
 * Adding one that exists gives the one that exists. */
MUST_CHECK enum error store_friend_add(struct pg *pg, int64_t from, int64_t to,
    int backfill, struct friendship *added);
/* The same of one and many, within a transaction. others: an int64_t each, and
 * so many ids are appended: 0 where a participant does not exist, or is the
 * one. NOT_FOUND: the one does not exist. */
MUST_CHECK enum error store_friend_add_all(struct pg *pg, int64_t from,
    const struct buf *others, int backfill, struct buf *ids);
MUST_CHECK enum error store_friend_list(struct pg *pg, int64_t participant,
    const struct page *page, struct friendships *found);
MUST_CHECK enum error store_friend_remove(
    struct pg *pg, int64_t participant, int64_t friend);

/* Posts. NOT_FOUND: no such author, or no such post of that author. Authors
 * with up to inline_friends friends deliver at once, others by an order to the
 * dispatcher. In lists of posts, nothing of a page by `after`, and no newest of
 * the ends of any other, is behind a post that is still to come: some ms are
 * spent on waiting for it. added->readers is theirs to whom it was delivered;
 * the texts live until the next statement. */
MUST_CHECK enum error store_outbound_add(struct pg *pg, int64_t author,
    struct text subject, struct text story, int inline_friends,
    struct delivery *added);
MUST_CHECK enum error store_outbound_list(struct pg *pg, int64_t author,
    const struct page *page, struct items *found);

/* `version` (NULL: not wanted) gets a name of what the post says now. */
struct version {
    char name[24];
};
MUST_CHECK enum error store_outbound_get(struct pg *pg, int64_t author,
    int64_t id, struct item *found, struct version *version);

/* Changes what it says: subject, story or both; one without data stays.
 * NOT_FOUND, too, if there is a `version` (may be NULL) and it is another. */
MUST_CHECK enum error store_outbound_edit(struct pg *pg, int64_t author,
    int64_t id, struct text subject, struct text story,
    const struct version *version, struct item *edited, struct buf *touched);
MUST_CHECK enum error store_outbound_remove(
    struct pg *pg, int64_t author, int64_t id, struct buf *touched);

/* A participant's feed. NOT_FOUND: no such participant. */
MUST_CHECK enum error store_inbound_list(struct pg *pg, int64_t participant,
    const struct page *page, struct items *found);

/* How far a participant has read, which only grows, and not beyond the newest
 * post. NOT_FOUND: no such participant. */
MUST_CHECK enum error store_marker_get(
    struct pg *pg, int64_t participant, struct marker *found);
MUST_CHECK enum error store_marker_set(struct pg *pg, int64_t participant,
    int64_t last_read, struct marker *found);

/* Authors by their best matching post. ERR_INVALID: the keywords name no word
 * to look for, but at most some to leave out. */
MUST_CHECK enum error store_search(struct pg *pg, struct text keywords,
    const struct page *page, struct matches *found);

/* Posts that match, as far as the filter lets them through. */
struct filter {
    struct text keywords;
    int64_t author;           /* 0: anyone */
    int64_t friends_of;       /* 0: anyone */
    struct text since, until; /* RFC 3339 date-times; without data: ever */
};
/* language: that of the index, by which they were found. */
MUST_CHECK enum error store_search_items(struct pg *pg,
    const struct filter *filter, const struct page *page, struct items *found,
    const struct language **language);

/* The same two of an index in a database of its own, `index`: what it finds is
 * held against what there is, so nothing is shown that it does not know to be
 * gone, or to say something else by now. ERR_NO_SEARCH: that one is out of
 * reach. */
MUST_CHECK enum error store_apart_search(struct pg *pg, struct pg *index,
    struct text keywords, const struct page *page, struct matches *found);
MUST_CHECK enum error store_apart_search_items(struct pg *pg, struct pg *index,
    const struct filter *filter, const struct page *page, struct items *found,
    const struct language **language);

/* Whose pages a participant's doings may have changed: its own, and of its
 * friends' at most `limit`. */
MUST_CHECK enum error store_readers(
    struct pg *pg, int64_t participant, int limit, struct buf *touched);

/* Idempotency keys, within the transaction of the request. */
enum store_key {
    KEY_NEW,     /* ours now: answer, then store_key_finish */
    KEY_RUNNING, /* another request holds it */
    KEY_OTHER,   /* it was used with another body */
    KEY_DONE,    /* the answer is here */
    KEY_GONE,    /* what it made was removed, and the answer with it */
};
struct stored_answer {
    int status;
    struct text body;
    int64_t participant; /* with whom it goes; 0 when read */
    int64_t post;        /* which was made, if one was; 0 when read */
};
MUST_CHECK enum error store_key_claim(struct pg *pg, struct text scope,
    struct text key, struct text request, enum store_key *state,
    struct stored_answer *answer);
MUST_CHECK enum error store_key_finish(struct pg *pg, struct text scope,
    struct text key, const struct stored_answer *answer);

/* --- what the files of the store share ------------------------------------ */

/* before, after and one more than the limit */
void store_add_page(struct pg_params *params, const struct page *page);

MUST_CHECK enum error store_cut_page(const struct pg *pg,
    const struct page *page, int id, int older, int *first,
    struct page_ends *ends);
MUST_CHECK enum error store_read_items(const struct pg *pg,
    const struct page *page, int64_t to, struct items *found);

/* What an index is asked, by a statement whose parameters are parts and raw of
 * the words (words.h), those of a page, and those that add() adds. */
struct ask {
    struct text keywords;
    const struct page *page;                                    /* or NULL */
    void (*add)(struct pg_params *params, const void *context); /* or NULL */
    const void *context;
};
MUST_CHECK enum error store_ask_index(struct pg *pg,
    struct pg_statement *statement, const struct ask *ask, int is_void,
    const struct language **used);

#endif
