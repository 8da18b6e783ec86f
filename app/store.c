/* Every SQL text that answers a request, one typed function each. The long
 * ones stand in sql/statements. */
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "arrival.h"
#include "clock.h"
#include "replica.h"
#include "sql.h"
#include "store.h"
#include "words.h"

/* The rows of $2 (before), $3 (after), $4 (limit + 1) around a list whose
 * rows carry their cursor as "id" and come from `FROM`. With `after`, the
 * oldest page of what is newer: read upwards, printed downwards all the same.
 * One row too many tells that something older exists; upwards, a look below
 * `after` does. The list hangs on its owner by a left join, so that no row at
 * all means that there is no such owner, and a row of NULLs an empty list. */
#define LIST(COLUMNS, FROM, ID, WHERE, MORE)                              \
    "SELECT l.*, CASE WHEN $3::bigint > 0 THEN EXISTS (SELECT FROM " FROM \
    " WHERE " WHERE " AND " ID " <= $3) END" MORE                         \
    " FROM participant me LEFT JOIN LATERAL ("                            \
    "(SELECT " COLUMNS " FROM " FROM " WHERE " WHERE " AND " ID           \
    " < $2::bigint AND $3 = 0 ORDER BY " ID " DESC LIMIT $4::int8)"       \
    " UNION ALL "                                                         \
    "(SELECT " COLUMNS " FROM " FROM " WHERE " WHERE " AND " ID           \
    " < $2 AND " ID " > $3 AND $3 > 0 ORDER BY " ID " LIMIT $4)"          \
    ") l ON true WHERE me.id = $1::bigint ORDER BY l.id DESC NULLS LAST"

void store_add_page(struct pg_params *params, const struct page *page)
{
    pg_add_int(params, page->before ? page->before : INT64_MAX);
    pg_add_int(params, page->after);
    pg_add_int(params, page->limit + 1);
}

/* Which rows of a LIST result are the page: from *first on, ends->count. The
 * row too many is the oldest downwards and the newest upwards. `older` is the
 * column of the EXISTS. */
enum error store_cut_page(const struct pg *pg, const struct page *page, int id,
    int older, int *first, struct page_ends *ends)
{
    int rows = pg_rows(pg);

    *first = 0;
    *ends = (struct page_ends){0};
    if (rows == 0)
        return ERR_NOT_FOUND;
    bool surplus = rows > page->limit;
    ends->older = page->after ? pg_int(pg, 0, older) != 0 : surplus;
    if (pg_is_null(pg, 0, id))
        return OK;
    if (surplus && page->after)
        *first = 1;
    ends->count = surplus ? page->limit : rows;
    ends->newest = pg_int(pg, *first, id);
    ends->oldest = pg_int(pg, *first + ends->count - 1, id);
    return OK;
}

/* For statements whose subject may not exist: then they give no row. */
static enum error need_row(const struct pg *pg, enum error error)
{
    return !error && pg_rows(pg) == 0 ? ERR_NOT_FOUND : error;
}

static enum error exec_found(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    return need_row(pg, pg_exec(pg, statement, params));
}

/* What a GET reads may come from a replica: that is what runs by replica_exec,
 * and nothing else is. */
static enum error read_found(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    return need_row(pg, replica_exec(pg, statement, params));
}

/* --- participants ------------------------------------------------------- */

static void read_participant(const struct pg *pg, struct participant *p)
{
    p->id = pg_int(pg, 0, 0);
    p->name = pg_text(pg, 0, 1);
}

enum error store_participant_add(
    struct pg *pg, struct text name, struct participant *added)
{
    static struct pg_statement statement = {
        .name = "participant_add",
        .sql = "INSERT INTO participant (name) VALUES ($1::text)"
               " RETURNING id, name",
    };
    struct pg_params params = {0};

    pg_add_text(&params, name);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        read_participant(pg, added);
    return error;
}

static void read_ids(const struct pg *pg, struct buf *ids)
{
    for (int i = 0; i < pg_rows(pg); i++) {
        int64_t id = pg_int(pg, i, 0);
        buf_add(ids, &id, sizeof(id));
    }
}

enum error store_participant_add_all(
    struct pg *pg, const struct buf *names, struct buf *ids)
{
    static struct pg_statement statement = {
        .name = "participants_add",
        .sql = sql_participants_add,
    };
    const struct text *name = (const struct text *)(const void *)names->data;
    struct pg_params params = {0};
    struct buf array = {0}, element = {0};

    for (size_t i = 0; i < names->len / sizeof(*name); i++) {
        buf_reset(&element, element.cap);
        buf_add(&element, name[i].data, name[i].len);
        pg_array_add(&array, PG_TEXT, &element);
    }
    pg_add_array(&params, &array);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        read_ids(pg, ids);
    buf_free(&element);
    buf_free(&array);
    return error;
}

enum error store_participant_get(
    struct pg *pg, int64_t id, struct participant *found)
{
    static struct pg_statement statement = {
        .name = "participant_get",
        .sql = "SELECT id, name FROM participant WHERE id = $1::bigint",
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, id);
    enum error error = read_found(pg, &statement, &params);
    if (!error)
        read_participant(pg, found);
    return error;
}

enum error store_participant_rename(
    struct pg *pg, int64_t id, struct text name, struct participant *renamed)
{
    static struct pg_statement statement = {
        .name = "participant_rename",
        .sql = "UPDATE participant SET name = $2::text WHERE id = $1::bigint"
               " RETURNING id, name",
    };
    struct pg_params params = {0};

    pg_add_int(&params, id);
    pg_add_text(&params, name);
    enum error error = exec_found(pg, &statement, &params);
    if (!error)
        read_participant(pg, renamed);
    return error;
}

enum error store_participant_remove(
    struct pg *pg, int64_t id, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "participant_remove",
        .sql = sql_participant_remove,
    };
    struct pg_params params = {0};

    pg_add_int(&params, id);
    enum error error = exec_found(pg, &statement, &params);
    if (!error)
        pg_ids(pg, 0, 0, touched);
    return error;
}

/* --- friends ------------------------------------------------------------ */

enum error store_friend_add(struct pg *pg, int64_t from, int64_t to,
    int backfill, struct friendship *added)
{
    static struct pg_statement statement = {
        .name = "friend_add",
        .sql = "SELECT befriend($1::bigint, $2::bigint, $3::bigint::int)",
    };
    struct pg_params params = {0};

    pg_add_int(&params, from);
    pg_add_int(&params, to);
    pg_add_int(&params, backfill);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    if (pg_is_null(pg, 0, 0))
        return ERR_NOT_FOUND;
    *added = (struct friendship){pg_int(pg, 0, 0), from, to};
    return OK;
}

static enum error lock_pairs(
    struct pg *pg, int64_t from, const struct buf *others)
{
    static struct pg_statement statement = {
        .name = "friends_lock",
        .sql = sql_friends_lock,
    };
    struct pg_params params = {0};

    pg_add_int(&params, from);
    pg_add_ids(&params, others);
    return pg_exec(pg, &statement, &params);
}

static enum error befriend_all(struct pg *pg, int64_t from,
    const struct buf *others, int backfill, struct buf *ids)
{
    static struct pg_statement statement = {
        .name = "friends_add",
        .sql = sql_friends_add,
    };
    struct pg_params params = {0};

    pg_add_int(&params, from);
    pg_add_ids(&params, others);
    pg_add_int(&params, backfill);
    enum error error = exec_found(pg, &statement, &params);
    if (!error)
        read_ids(pg, ids);
    return error;
}

/* So many at a time that a statement brings no more than BACKFILL_MAX posts to
 * feeds: it must come to its end within db.statement_timeout. */
enum error store_friend_add_all(struct pg *pg, int64_t from,
    const struct buf *others, int backfill, struct buf *ids)
{
    enum {
        BACKFILL_MAX = 10000
    };
    size_t most = (size_t)(BACKFILL_MAX / (2 * backfill + 1)) * sizeof(int64_t);
    enum error error = lock_pairs(pg, from, others);

    for (size_t done = 0; !error && done < others->len; done += most) {
        size_t left = others->len - done;
        struct buf piece = {
            .data = others->data + done, .len = left < most ? left : most};
        error = befriend_all(pg, from, &piece, backfill, ids);
    }
    return error;
}

enum error store_friend_list(struct pg *pg, int64_t participant,
    const struct page *page, struct friendships *found)
{
    static struct pg_statement statement = {
        .name = "friend_list",
        .sql = LIST("f.id, f.friend_id",
            "friendship f JOIN participant p ON p.id = f.friend_id", "f.id",
            "f.participant_id = me.id", ""),
        .reads = true,
    };
    struct pg_params params = {0};
    int first;

    pg_add_int(&params, participant);
    store_add_page(&params, page);
    enum error error = replica_exec(pg, &statement, &params);
    if (!error)
        error = store_cut_page(pg, page, 0, 2, &first, &found->ends);
    if (error)
        return error;
    for (int i = 0; i < found->ends.count; i++)
        found->list[i] = (struct friendship){
            .id = pg_int(pg, first + i, 0),
            .from = participant,
            .to = pg_int(pg, first + i, 1),
        };
    return OK;
}

enum error store_friend_remove(
    struct pg *pg, int64_t participant, int64_t friend)
{
    static struct pg_statement statement = {
        .name = "friend_remove",
        .sql = "SELECT unfriend($1::bigint, $2::bigint)",
    };
    struct pg_params params = {0};

    pg_add_int(&params, participant);
    pg_add_int(&params, friend);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error && !pg_int(pg, 0, 0))
        error = ERR_NOT_FOUND;
    return error;
}

/* --- posts -------------------------------------------------------------- */

enum error store_outbound_add(struct pg *pg, int64_t author,
    struct text subject, struct text story, int inline_friends,
    struct delivery *added)
{
    static struct pg_statement statement = {
        .name = "outbound_add",
        .sql = sql_outbound_add,
    };
    struct pg_params params = {0};

    pg_add_int(&params, author);
    pg_add_text(&params, subject);
    pg_add_text(&params, story);
    pg_add_int(&params, inline_friends);
    enum error error = exec_found(pg, &statement, &params);
    if (error)
        return error;
    added->item = (struct item){
        .id = pg_int(pg, 0, 0),
        .from = author,
        .occurred = pg_time(pg, 0, 1),
        .subject = subject,
        .story = story,
    };
    pg_ids(pg, 0, 2, added->readers);
    added->xid = pg_text(pg, 0, 3);
    added->snapshot = pg_text(pg, 0, 4);
    return OK;
}

#define ITEM "o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited"

enum {
    OLDER = 6 /* the column behind, in lists */
};

static struct item read_item(const struct pg *pg, int row, int64_t to)
{
    return (struct item){
        .id = pg_int(pg, row, 0),
        .from = pg_int(pg, row, 1),
        .to = to,
        .occurred = pg_time(pg, row, 2),
        .subject = pg_text(pg, row, 3),
        .story = pg_text(pg, row, 4),
        .edited = pg_time(pg, row, 5),
    };
}

enum error store_read_items(const struct pg *pg, const struct page *page,
    int64_t to, struct items *found)
{
    int first;

    enum error error = store_cut_page(pg, page, 0, OLDER, &first, &found->ends);
    if (error)
        return error;
    for (int i = 0; i < found->ends.count; i++)
        found->list[i] = read_item(pg, first + i, to);
    return OK;
}

/* Lists of posts, and where they may end. Ids are taken before the commit, so
 * what is newer may be there while something older is still to come: whoever
 * goes on from the newer would never see it. So a page waits a moment for what
 * is missing before its newest post, and where that takes too long, a page by
 * `after` ends before it, and any other, which shows all that there is, gives
 * a cursor from before it.
 *
 * Of a post of the last minute, and no request takes that long, a list tells up
 * to where all have arrived, if it is behind $5: so far that is known, of this
 * database, and it stays so. */
#define LIST_OF_POSTS(FROM, ID, WHERE)               \
    LIST(ITEM, FROM, ID, WHERE,                      \
        ", CASE WHEN l.id > $5::bigint"              \
        " AND l.occurred > now() - interval '1 min'" \
        " THEN (SELECT posts_arrived()) END,"        \
        " (SELECT pg_current_snapshot()::text)")

enum {
    HORIZON = OLDER + 1, /* the column of that */
    SNAPSHOT,            /* and of what the reading saw */
    LONGEST_PAUSE = 128, /* ms between looks, from 1 on, twice as long each */
    VAIN_TIME = 1000,    /* ms without a wait behind one that was in vain */
};

/* Of a database, or another life of one, in which ids are given again. */
static struct {
    int64_t database;
    int64_t id;
} arrived;

static void add_page_of_posts(struct pg_params *params, const struct page *page)
{
    store_add_page(params, page);
    pg_add_int(params, arrived.id);
}

struct list {
    enum error (*exec)(struct pg *pg, int64_t owner, const struct page *page);
    int64_t owner;
    int64_t to;
};

static enum error read_list(struct pg *pg, const struct list *list,
    const struct page *page, struct items *found)
{
    enum error error;

    do {
        if (arrived.database != pg_identity(pg)) {
            arrived.database = pg_identity(pg);
            arrived.id = 0;
        }
        error = list->exec(pg, list->owner, page);
    } while (!error && arrived.database != pg_identity(pg));
    return error ? error : store_read_items(pg, page, list->to, found);
}

static void note_arrived(int64_t id)
{
    if (id > arrived.id)
        arrived.id = id;
}

static bool has_arrived(const struct pg *pg, const struct items *found)
{
    if (pg_is_null(pg, 0, HORIZON))
        return true;
    int64_t horizon = pg_int(pg, 0, HORIZON);
    if (!replica_answered(pg)) /* it may be ahead of the primary */
        note_arrived(horizon);
    return found->ends.newest <= horizon;
}

/* Reads the same again, and nothing newer, until all has arrived, or those have
 * ended who may bring more. Most end at once; only then it is asked who they
 * are, which costs more than a look. */
static enum error wait_for_writers(struct pg *pg, const struct list *list,
    struct page *page, struct items *found, bool *is_settled)
{
    struct arrival arrival = {0};
    enum error error = OK;

    for (int pause = 1; !error && !*is_settled && pause <= LONGEST_PAUSE;
         pause *= 2) {
        poll(NULL, 0, pause);
        if (pause > 1)
            error = arrival_look(pg, &arrival);
        *is_settled = arrival.is_known && arrival.horizon >= found->ends.newest;
        page->before = found->ends.newest + 1;
        if (!error)
            error = read_list(pg, list, page, found);
        if (!error && has_arrived(pg, found))
            *is_settled = true;
    }
    arrival_free(&arrival);
    return error;
}

/* Of the first reading: what a later one saw may be newer than what it read.
 * "": it is longer than anybody would keep. A replica does not tell which of
 * the transactions from xmin on it saw (stored.h). */
static void keep_snapshot(const struct pg *pg, struct items *found)
{
    struct text text = pg_text(pg, 0, SNAPSHOT);

    found->snapshot[0] = '\0';
    if (text.len == 0 || text.len + 1 >= sizeof(found->snapshot))
        return;
    strcpy(found->snapshot, text.data);
    if (replica_answered(pg) && text.data[text.len - 1] == ':')
        strcat(found->snapshot, "*");
}

static enum error list_posts(struct pg *pg, const struct list *list,
    const struct page *page, struct items *found)
{
    static int64_t vain_until;
    struct page part = *page;

    enum error error = read_list(pg, list, &part, found);
    if (!error)
        keep_snapshot(pg, found);
    bool is_settled = error || has_arrived(pg, found);
    if (!is_settled && replica_answered(pg)) {
        replica_give_up(pg);
        return list_posts(pg, list, page, found);
    }
    if (!is_settled && monotonic_ms() >= vain_until) {
        error = wait_for_writers(pg, list, &part, found, &is_settled);
        if (!error && is_settled)
            note_arrived(found->ends.newest);
        else
            vain_until = monotonic_ms() + VAIN_TIME;
    }
    if (error || is_settled)
        return error;
    int64_t horizon = pg_int(pg, 0, HORIZON);
    if (!page->after) {
        found->ends.newest = horizon;
        return OK;
    }
    part.before = horizon + 1;
    return read_list(pg, list, &part, found);
}

static enum error list_outbound(
    struct pg *pg, int64_t author, const struct page *page)
{
    static struct pg_statement statement = {
        .name = "outbound_list",
        .sql = LIST_OF_POSTS("outbound o", "o.id", "o.participant_id = me.id"),
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, author);
    add_page_of_posts(&params, page);
    return replica_exec(pg, &statement, &params);
}

enum error store_outbound_list(
    struct pg *pg, int64_t author, const struct page *page, struct items *found)
{
    struct list list = {list_outbound, author, 0};

    return list_posts(pg, &list, page, found);
}

static void copy_version(const struct pg *pg, struct version *version)
{
    struct text name = pg_text(pg, 0, 6);

    version->name[0] = '\0';
    if (name.len < sizeof(version->name))
        strcpy(version->name, name.data);
}

enum error store_outbound_get(struct pg *pg, int64_t author, int64_t id,
    struct item *found, struct version *version)
{
    static struct pg_statement statement = {
        .name = "outbound_get",
        .sql = "SELECT " ITEM ", o.xmin::text"
               " FROM outbound o JOIN participant p ON p.id = o.participant_id"
               " WHERE o.id = $2::bigint AND p.id = $1::bigint",
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, author);
    pg_add_int(&params, id);
    enum error error = read_found(pg, &statement, &params);
    if (!error)
        *found = read_item(pg, 0, 0);
    if (!error && version)
        copy_version(pg, version);
    return error;
}

enum error store_outbound_edit(struct pg *pg, int64_t author, int64_t id,
    struct text subject, struct text story, const struct version *version,
    struct item *edited, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "outbound_edit",
        .sql = sql_outbound_edit,
    };
    struct pg_params params = {0};
    struct text name = {0};

    if (version)
        name = (struct text){version->name, strlen(version->name)};
    pg_add_int(&params, author);
    pg_add_int(&params, id);
    pg_add_text(&params, subject);
    pg_add_text(&params, story);
    pg_add_text(&params, name);
    enum error error = exec_found(pg, &statement, &params);
    if (error)
        return error;
    *edited = read_item(pg, 0, 0);
    pg_ids(pg, 0, 6, touched);
    return OK;
}

enum error store_outbound_remove(
    struct pg *pg, int64_t author, int64_t id, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "outbound_remove",
        .sql = sql_outbound_remove,
    };
    struct pg_params params = {0};

    pg_add_int(&params, author);
    pg_add_int(&params, id);
    enum error error = exec_found(pg, &statement, &params);
    if (!error)
        pg_ids(pg, 0, 0, touched);
    return error;
}

/* --- feeds -------------------------------------------------------------- */

/* A feed is what lies in inbound, or will, seen through the friendships as they
 * are now: the sweeps of the dispatcher take their time, this does not. OFFSET
 * 0 keeps the planner from starting at the friends and all they ever posted. */
static enum error list_inbound(struct pg *pg, struct pg_params *params)
{
    static struct pg_statement statement = {
        .name = "inbound_list",
        .sql = LIST_OF_POSTS(
            "(SELECT participant_id, outbound_id FROM inbound"
            " UNION ALL SELECT $1, id FROM undelivered($1) id) i"
            " CROSS JOIN LATERAL (SELECT * FROM outbound"
            " WHERE id = i.outbound_id AND EXISTS (SELECT FROM friendship f"
            " JOIN participant p ON p.id = f.friend_id"
            " WHERE f.participant_id = i.participant_id"
            " AND f.friend_id = outbound.participant_id"
            " AND f.since <= outbound.id) OFFSET 0) o",
            "i.outbound_id", "i.participant_id = me.id"),
        .reads = true,
    };

    return replica_exec(pg, &statement, params);
}

/* NOT_FOUND: there is something left to sweep or to deliver, or the page is
 * empty. */
static enum error list_swept_inbound(struct pg *pg, struct pg_params *params)
{
    static struct pg_statement statement = {
        .name = "inbound_swept",
        .sql = sql_inbound_swept,
        .reads = true,
    };

    return read_found(pg, &statement, params);
}

static enum error list_feed(
    struct pg *pg, int64_t participant, const struct page *page)
{
    struct pg_params params = {0};

    pg_add_int(&params, participant);
    add_page_of_posts(&params, page);
    enum error error = ERR_NOT_FOUND;
    if (!page->after)
        error = list_swept_inbound(pg, &params);
    if (error == ERR_NOT_FOUND)
        error = list_inbound(pg, &params);
    return error;
}

enum error store_inbound_list(struct pg *pg, int64_t participant,
    const struct page *page, struct items *found)
{
    struct list list = {list_feed, participant, participant};

    return list_posts(pg, &list, page, found);
}

/* --- markers ------------------------------------------------------------ */

enum error store_marker_get(
    struct pg *pg, int64_t participant, struct marker *found)
{
    static struct pg_statement statement = {
        .name = "marker_get",
        .sql = sql_marker_get,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, participant);
    enum error error = read_found(pg, &statement, &params);
    if (!error)
        *found = (struct marker){
            .last_read = pg_int(pg, 0, 0),
            .unread = (int)pg_int(pg, 0, 1),
            .more = pg_int(pg, 0, 2) != 0,
        };
    return error;
}

/* It may be run twice, as what only reads may. The second statement sees what
 * others have set meanwhile. */
enum error store_marker_set(
    struct pg *pg, int64_t participant, int64_t last_read, struct marker *found)
{
    static struct pg_statement statement = {
        .name = "marker_set",
        .sql = sql_marker_set,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, participant);
    pg_add_int(&params, last_read);
    enum error error = pg_exec(pg, &statement, &params);
    return error ? error : store_marker_get(pg, participant, found);
}

/* --- search ------------------------------------------------------------- */

/* By what the index was found to be in when it was asked last. */
static const struct language *search_language = &language_simple;

static enum error ask_index(
    struct pg *pg, struct pg_statement *statement, const struct ask *ask)
{
    struct pg_params params = {0};
    struct buf parts = {0}, raw = {0};

    enum error error = ERR_INVALID;
    if (words_query(search_language, ask->keywords, &parts, &raw)) {
        pg_add_text(&params, (struct text){buf_text(&parts), parts.len});
        pg_add_text(&params, (struct text){buf_text(&raw), raw.len});
        if (ask->page)
            store_add_page(&params, ask->page);
        if (ask->add)
            ask->add(&params, ask->context);
        error = parts.failed || raw.failed
                    ? ERR_INTERNAL
                    : replica_exec(pg, statement, &params);
    }
    buf_free(&parts);
    buf_free(&raw);
    return error;
}

/* In the language that the index is in, of which the answer tells: after it
 * changed, the words are asked for once more. Of one that this program does not
 * know, they are found as they are. The column `is_void`, before that of the
 * language, tells of keywords that mean nothing to PostgreSQL. */
enum error store_ask_index(struct pg *pg, struct pg_statement *statement,
    const struct ask *ask, int is_void, const struct language **used)
{
    enum error error = ask_index(pg, statement, ask);

    if (!error) {
        const char *name = pg_text(pg, 0, is_void + 1).data;
        const struct language *language = language_find(name);
        if (!language)
            language = &language_simple;
        if (language != search_language) {
            search_language = language;
            error = ask_index(pg, statement, ask);
        }
    }
    *used = search_language;
    return !error && pg_int(pg, 0, is_void) ? ERR_INVALID : error;
}

static void add_filter(struct pg_params *params, const void *context)
{
    const struct filter *filter = context;

    pg_add_int(params, filter->author);
    pg_add_int(params, filter->friends_of);
    pg_add_text(params, filter->since);
    pg_add_text(params, filter->until);
}

/* Posts come to the index late, and not in order: `prev` goes on from where all
 * are there. */
enum error store_search_items(struct pg *pg, const struct filter *filter,
    const struct page *page, struct items *found,
    const struct language **language)
{
    static struct pg_statement statement = {
        .name = "search_items",
        .sql = sql_search_items,
        .reads = true,
    };
    struct ask ask = {filter->keywords, page, add_filter, filter};
    enum error error =
        store_ask_index(pg, &statement, &ask, HORIZON + 1, language);

    if (!error)
        error = store_read_items(pg, page, 0, found);
    if (!error && found->ends.newest > pg_int(pg, 0, HORIZON))
        found->ends.newest = pg_int(pg, 0, HORIZON);
    return error;
}

enum error store_search(struct pg *pg, struct text keywords,
    const struct page *page, struct matches *found)
{
    static struct pg_statement statement = {
        .name = "search",
        .sql = sql_search,
        .reads = true,
    };
    const struct language *language;
    struct ask ask = {keywords, page, NULL, NULL};
    int first;

    enum error error = store_ask_index(pg, &statement, &ask, 3, &language);
    if (!error)
        error = store_cut_page(pg, page, 0, 2, &first, &found->ends);
    if (error)
        return error;
    for (int i = 0; i < found->ends.count; i++)
        found->list[i] = pg_int(pg, first + i, 1);
    return OK;
}

enum error store_readers(
    struct pg *pg, int64_t participant, int limit, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship"
               " WHERE participant_id = $1::bigint LIMIT $2::bigint)"
               " || $1::bigint",
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, participant);
    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        pg_ids(pg, 0, 0, touched);
    return error;
}

/* --- idempotency keys --------------------------------------------------- */

/* The lock is not waited for: whoever holds it is the first request, still
 * running. */
enum error store_key_claim(struct pg *pg, struct text scope, struct text key,
    struct text request, enum store_key *state, struct stored_answer *answer)
{
    static struct pg_statement claim = {
        .name = "key_claim",
        .sql = "INSERT INTO idempotency (scope, key, fingerprint)"
               " SELECT $1::text, $2::text, sha256($3::bytea)"
               " WHERE pg_try_advisory_xact_lock("
               "hashtextextended($1 || ' ' || $2, 0))"
               " ON CONFLICT DO NOTHING RETURNING 1",
    };
    static struct pg_statement look = {
        .name = "key_look",
        .sql = "SELECT fingerprint = sha256($3::bytea), status, body"
               " FROM idempotency WHERE scope = $1::text AND key = $2::text",
    };
    struct pg_params params = {0};

    pg_add_text(&params, scope);
    pg_add_text(&params, key);
    pg_add_text(&params, request);
    enum error error = pg_exec(pg, &claim, &params);
    if (error)
        return error;
    *state = KEY_NEW;
    if (pg_rows(pg) > 0)
        return OK;

    error = pg_exec(pg, &look, &params);
    if (error)
        return error;
    *state = pg_rows(pg) == 0       ? KEY_RUNNING
             : !pg_int(pg, 0, 0)    ? KEY_OTHER
             : pg_is_null(pg, 0, 2) ? KEY_GONE
                                    : KEY_DONE;
    if (*state == KEY_DONE)
        *answer = (struct stored_answer){
            .status = (int)pg_int(pg, 0, 1),
            .body = pg_text(pg, 0, 2),
        };
    return OK;
}

enum error store_key_finish(struct pg *pg, struct text scope, struct text key,
    const struct stored_answer *answer)
{
    static struct pg_statement statement = {
        .name = "key_finish",
        .sql = "UPDATE idempotency SET status = $3::bigint, body = $4::text,"
               " participant_id = $5::bigint, outbound_id = $6::bigint"
               " WHERE scope = $1::text AND key = $2::text",
    };
    struct pg_params params = {0};

    pg_add_text(&params, scope);
    pg_add_text(&params, key);
    pg_add_int(&params, answer->status);
    pg_add_text(&params, answer->body);
    pg_add_int(&params, answer->participant);
    pg_add_int(&params, answer->post);
    return pg_exec(pg, &statement, &params);
}
