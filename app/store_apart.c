/* The search in an index that has a database of its own, which is behind what
 * there is, be it for milliseconds or after a restore: what it finds is held
 * against what there is before it is shown. */
#include <string.h>

#include "clock.h"
#include "sql.h"
#include "store.h"

/* It takes several statements, which together take no longer than two may. */
static int64_t begin(const struct pg *index)
{
    return monotonic_ms() + 2LL * pg_timeout(index);
}

/* What fails there is of no concern to anything else. */
static enum error ask(struct pg *index, struct pg_statement *statement,
    const struct ask *ask, int is_void, int64_t deadline,
    const struct language **language)
{
    if (monotonic_ms() >= deadline)
        return ERR_TIMEOUT;
    enum error error =
        store_ask_index(index, statement, ask, is_void, language);

    return error == ERR_NO_DATABASE ? ERR_NO_SEARCH : error;
}

/* --- authors ------------------------------------------------------------ */

enum {
    MATCH_VOID = 3,
    AUTHOR_VOID = 3
}; /* columns */

/* Posts as the index knows them: int64_t each. */
struct known {
    struct buf posts;
    struct buf authors;
    struct buf edited;
    int64_t deadline;
};

static void free_known(struct known *known)
{
    buf_free(&known->posts);
    buf_free(&known->authors);
    buf_free(&known->edited);
}

static enum error find_posts(
    struct pg *index, struct text keywords, struct known *known)
{
    static struct pg_statement statement = {
        .name = "search_apart_match",
        .sql = sql_search_apart_match,
        .reads = true,
    };
    struct ask what = {.keywords = keywords};
    const struct language *language;

    enum error error =
        ask(index, &statement, &what, MATCH_VOID, known->deadline, &language);
    if (!error) {
        pg_ids(index, 0, 0, &known->posts);
        pg_ids(index, 0, 1, &known->authors);
        pg_ids(index, 0, 2, &known->edited);
    }
    return error;
}

/* Leaves those that are there, and as they are known. */
static enum error check_posts(struct pg *pg, struct known *known)
{
    static struct pg_statement statement = {
        .name = "search_apart_check",
        .sql = sql_search_apart_check,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_ids(&params, &known->posts);
    pg_add_ids(&params, &known->authors);
    pg_add_ids(&params, &known->edited);
    enum error error = pg_exec(pg, &statement, &params);
    buf_reset(&known->posts, known->posts.cap);
    buf_reset(&known->authors, known->authors.cap);
    if (!error) {
        pg_ids(pg, 0, 0, &known->posts);
        pg_ids(pg, 0, 1, &known->authors);
    }
    return error;
}

static void add_known(struct pg_params *params, const void *context)
{
    const struct known *known = context;

    pg_add_ids(params, &known->posts);
    pg_add_ids(params, &known->authors);
}

static enum error rank(struct pg *index, struct text keywords,
    const struct page *page, const struct known *known, struct matches *found)
{
    static struct pg_statement statement = {
        .name = "search_apart",
        .sql = sql_search_apart,
        .reads = true,
    };
    struct ask what = {keywords, page, add_known, known};
    const struct language *language;
    int first;

    enum error error =
        ask(index, &statement, &what, AUTHOR_VOID, known->deadline, &language);
    if (!error)
        error = store_cut_page(index, page, 0, 2, &first, &found->ends);
    if (error)
        return error;
    for (int i = 0; i < found->ends.count; i++)
        found->list[i] = pg_int(index, first + i, 1);
    return OK;
}

/* Each page is cut from the list of all that is there: where an author stands
 * in it does not hang on who was looked at before. */
enum error store_apart_search(struct pg *pg, struct pg *index,
    struct text keywords, const struct page *page, struct matches *found)
{
    struct known known = {.deadline = begin(index)};

    enum error error = find_posts(index, keywords, &known);
    if (!error)
        error = check_posts(pg, &known);
    if (!error)
        error = rank(index, keywords, page, &known, found);
    free_known(&known);
    return error;
}

/* --- posts -------------------------------------------------------------- */

enum {
    ITEM_ID, /* columns of search_apart_items.sql */
    ITEM_EDITED,
    ITEM_HORIZON,
    ITEM_VOID,

    POST_CHANGED = 7, /* one of search_apart_posts.sql */

    SPARE = 20,        /* asked for besides, since some may be gone */
    PIECE_MAX = 20000, /* which is all that the index finds */
};

/* What the index has found so far: int64_t each. */
struct candidates {
    struct buf posts;
    struct buf edited;
    int64_t deadline;
    int64_t horizon; /* up to where the index had come at first; 0: not asked */
    bool is_all;     /* it finds no more */
};

static void add_author(struct pg_params *params, const void *context)
{
    pg_add_int(params, ((const struct filter *)context)->author);
}

static enum error find_more(struct pg *index, const struct filter *filter,
    const struct page *page, struct candidates *found,
    const struct language **language)
{
    static struct pg_statement statement = {
        .name = "search_apart_items",
        .sql = sql_search_apart_items,
        .reads = true,
    };
    struct ask what = {filter->keywords, page, add_author, filter};

    enum error error =
        ask(index, &statement, &what, ITEM_VOID, found->deadline, language);
    if (error)
        return error;
    int rows = pg_is_null(index, 0, ITEM_ID) ? 0 : pg_rows(index);
    found->is_all = rows <= page->limit;
    if (found->horizon == 0)
        found->horizon = pg_int(index, 0, ITEM_HORIZON);
    for (int i = 0; i < rows; i++) {
        int64_t id = pg_int(index, i, ITEM_ID);
        int64_t edited = pg_int(index, i, ITEM_EDITED);
        buf_add(&found->posts, &id, sizeof(id));
        buf_add(&found->edited, &edited, sizeof(edited));
    }
    return found->posts.failed || found->edited.failed ? ERR_INTERNAL : OK;
}

static enum error look_up(struct pg *pg, const struct filter *filter,
    const struct page *page, const struct candidates *found, bool has_older)
{
    static struct pg_statement statement = {
        .name = "search_apart_posts",
        .sql = sql_search_apart_posts,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_ids(&params, &found->posts);
    pg_add_ids(&params, &found->edited);
    pg_add_int(&params, page->limit + 1);
    pg_add_int(&params, page->after);
    pg_add_int(&params, filter->friends_of);
    pg_add_text(&params, filter->since);
    pg_add_text(&params, filter->until);
    pg_add_int(&params, has_older);
    pg_add_int(&params, filter->author);
    return pg_exec(pg, &statement, &params);
}

/* The first candidates of the next piece lie behind the last one of these. */
static void go_on(struct page *piece, const struct candidates *found)
{
    const int64_t *ids = (const int64_t *)(const void *)found->posts.data;
    size_t count = found->posts.len / sizeof(*ids);

    for (size_t i = 0; i < count; i++) {
        if (piece->after && ids[i] > piece->after)
            piece->after = ids[i];
        if (!piece->after && (piece->before == 0 || ids[i] < piece->before))
            piece->before = ids[i];
    }
    piece->limit = PIECE_MAX;
}

static int count_posts(const struct pg *pg)
{
    return pg_is_null(pg, 0, 0) ? 0 : pg_rows(pg);
}

/* Asks for a page and some, and if too little of that is there, for all; for
 * all at once where a filter takes some out. All candidates are
 * looked up anew each time: what they say is read from the last result. */
static enum error fill_page(struct pg *pg, struct pg *index,
    const struct filter *filter, const struct page *page, bool has_older,
    struct candidates *found, const struct language **language)
{
    bool sifts = filter->friends_of || filter->since.data || filter->until.data;
    struct page piece = *page;
    enum error error;

    piece.limit = sifts ? PIECE_MAX : piece.limit + SPARE;
    do {
        error = find_more(index, filter, &piece, found, language);
        if (!error)
            error = look_up(pg, filter, page, found, has_older);
        go_on(&piece, found);
    } while (!error && !found->is_all && count_posts(pg) <= page->limit);
    return error;
}

static void forget(struct candidates *found)
{
    buf_free(&found->posts);
    buf_free(&found->edited);
    *found = (struct candidates){0};
}

/* Whether there is something that is not above `after`. */
static enum error look_below(struct pg *pg, struct pg *index,
    const struct filter *filter, int64_t after, int64_t deadline,
    bool *has_older, const struct language **language)
{
    struct page below = {.before = after + 1};
    struct candidates found = {.deadline = deadline};
    enum error error =
        fill_page(pg, index, filter, &below, false, &found, language);

    *has_older = !error && count_posts(pg) > 0;
    forget(&found);
    return error;
}

/* `prev` goes on from where all are there, and as they are. */
static void go_back(
    const struct pg *pg, int64_t horizon, struct page_ends *ends)
{
    int64_t changed = pg_int(pg, 0, POST_CHANGED);

    if (changed && changed <= horizon)
        horizon = changed - 1;
    if (ends->newest > horizon)
        ends->newest = horizon;
}

enum error store_apart_search_items(struct pg *pg, struct pg *index,
    const struct filter *filter, const struct page *page, struct items *found,
    const struct language **language)
{
    struct candidates candidates = {.deadline = begin(index)};
    bool has_older = false;
    enum error error = OK;

    if (page->after && page->after < INT64_MAX)
        error = look_below(pg, index, filter, page->after, candidates.deadline,
            &has_older, language);
    if (!error)
        error = fill_page(
            pg, index, filter, page, has_older, &candidates, language);
    if (!error)
        error = store_read_items(pg, page, 0, found);
    if (!error)
        go_back(pg, candidates.horizon, &found->ends);
    forget(&candidates);
    return error;
}
