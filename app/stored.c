/* The form of a page as it lies in memcached; see stored.h. */
#include "stored.h"

#include <string.h>

enum {
    TAG_DIGITS = 16,
    NUMBER_DIGITS = 19, /* so many fit into 64 bits, whichever they are */
};

/* What is left of the bytes. */
struct rest {
    const char *p;
    const char *end;
};

/* "10:20:10,14", as the bytes have it: `xip` are the transactions between xmin
 * and xmax that had not ended, in their order. "10:20:*": any of them may have
 * ended, or not. */
struct snapshot {
    uint64_t xmin;
    uint64_t xmax;
    struct rest xip;
    bool is_vague;
};

/* --- words -------------------------------------------------------------- */

static bool take(struct rest *rest, char c)
{
    if (rest->p == rest->end || *rest->p != c)
        return false;
    rest->p++;
    return true;
}

/* As it is printed: without a sign, without zeros in front. */
static bool take_number(struct rest *rest, uint64_t max, uint64_t *number)
{
    const char *start = rest->p, *end = rest->end, *p = start;
    uint64_t value = 0;

    for (; p < end && *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    rest->p = p;
    *number = value;
    return p > start && (*start != '0' || p == start + 1) &&
           p - start <= NUMBER_DIGITS && value <= max;
}

static bool take_int(struct rest *rest, int max, int *number)
{
    uint64_t value;
    bool ok = take_number(rest, (uint64_t)max, &value);

    *number = (int)value;
    return ok;
}

static bool take_tag(struct rest *rest, uint64_t *tag)
{
    /* What each byte is as a digit, plus one; 0: it is none. */
    static const unsigned char digits[256] = {
        ['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['a'] = 11, 12, 13, 14, 15, 16};
    const char *p = rest->p;
    uint64_t value = 0;

    if (rest->end - p < TAG_DIGITS)
        return false;
    for (int i = 0; i < TAG_DIGITS; i++) {
        unsigned digit = digits[(unsigned char)p[i]];
        if (digit == 0)
            return false;
        value = value << 4 | (digit - 1);
    }
    rest->p = p + TAG_DIGITS;
    *tag = value;
    return true;
}

static bool is_in_path(char c)
{
    return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"' && c != '\\';
}

/* A path of this service, as it may stand in a Link. */
static bool take_path(struct rest *rest, struct stored *stored)
{
    stored->path = rest->p;
    while (rest->p < rest->end && is_in_path(*rest->p))
        rest->p++;
    stored->path_len = (size_t)(rest->p - stored->path);
    return stored->path_len >= 2 && stored->path_len <= STORED_PATH_MAX &&
           stored->path[0] == '/' && stored->path[1] != '/';
}

/* --- snapshots ---------------------------------------------------------- */

/* The next of them; 0: there is none, or it is no number. */
static uint64_t next_xid(struct rest *xip)
{
    uint64_t xid = 0;

    (void)take(xip, ',');
    return take_number(xip, INT64_MAX, &xid) ? xid : 0;
}

/* Whether they are in order and from xmin on below xmax, so that nobody has to
 * look again. */
static bool are_in_order(const struct snapshot *snapshot)
{
    struct rest xip = snapshot->xip;
    uint64_t last = snapshot->xmin - 1;
    bool ok = snapshot->xmin > 0 && snapshot->xmin <= snapshot->xmax;

    if (xip.p < xip.end && *xip.p == ',')
        return false;
    while (ok && xip.p < xip.end) {
        uint64_t xid = next_xid(&xip);
        ok = xid > last && xid < snapshot->xmax;
        last = xid;
    }
    return ok;
}

static bool take_snapshot(struct rest *rest, struct snapshot *snapshot)
{
    if (!take_number(rest, INT64_MAX, &snapshot->xmin) || !take(rest, ':') ||
        !take_number(rest, INT64_MAX, &snapshot->xmax) || !take(rest, ':'))
        return false;
    snapshot->is_vague = take(rest, '*');
    const char *space = memchr(rest->p, ' ', (size_t)(rest->end - rest->p));
    if (!space)
        return false;
    snapshot->xip = (struct rest){rest->p, space};
    rest->p = space;
    return are_in_order(snapshot) &&
           (!snapshot->is_vague || snapshot->xip.p == space);
}

/* Or may see, if it is vague. */
static bool sees(const struct snapshot *snapshot, uint64_t xid)
{
    struct rest xip = snapshot->xip;
    uint64_t running;

    if (xid < snapshot->xmin || xid >= snapshot->xmax)
        return xid < snapshot->xmin;
    do
        running = next_xid(&xip);
    while (running && running < xid);
    return running != xid;
}

static bool surely_sees(const struct snapshot *snapshot, uint64_t xid)
{
    return snapshot->is_vague ? xid < snapshot->xmin : sees(snapshot, xid);
}

/* Whether the one sees all that the other sees: what it does not see, the other
 * does not see either. */
static bool covers(const struct snapshot *one, const struct snapshot *other)
{
    struct rest xip = one->xip;

    if (one->xmax < other->xmax)
        return false;
    for (uint64_t xid; (xid = next_xid(&xip)) && xid < other->xmax;)
        if (sees(other, xid))
            return false;
    return true;
}

/* --- items -------------------------------------------------------------- */

/* Its text begins with its id, and is an object. */
static bool is_text_of(const struct stored_item *item)
{
    static const char start[] = "{\"id\":";
    const size_t skipped = sizeof(start) - 1;
    struct rest rest = {item->text + skipped, item->text + item->len};
    uint64_t id;

    return item->len > skipped && memcmp(item->text, start, skipped) == 0 &&
           take_number(&rest, INT64_MAX, &id) && id == (uint64_t)item->id &&
           take(&rest, ',') && item->text[item->len - 1] == '}';
}

static bool take_text(struct rest *rest, struct stored_item *item)
{
    if (item->len > (size_t)(rest->end - rest->p))
        return false;
    item->text = rest->p;
    rest->p += item->len;
    return is_text_of(item);
}

static bool take_length(struct rest *rest, struct stored_item *item)
{
    int len;

    if (!take_tag(rest, &item->tag) || !take(rest, ' ') ||
        !take_int(rest, CONTRACT_STORED_MAX, &len) || !take(rest, '\n'))
        return false;
    item->len = (size_t)len;
    return true;
}

static bool take_id(struct rest *rest, struct stored_item *item)
{
    uint64_t id;

    if (!take_number(rest, INT64_MAX, &id) || !take(rest, ' '))
        return false;
    item->id = (int64_t)id;
    return id > 0;
}

/* In its place by id, once. */
static void insert(struct stored *stored, const struct stored_item *item)
{
    struct stored_item *items = stored->items;
    int i = stored->count;

    while (i > 0 && items[i - 1].id < item->id)
        i--;
    if (i > 0 && items[i - 1].id == item->id)
        return;
    memmove(
        &items[i + 1], &items[i], (size_t)(stored->count - i) * sizeof(*items));
    items[i] = *item;
    stored->count++;
}

/* --- the base ----------------------------------------------------------- */

/* The lines of its items, the newest first, into `items`. */
static bool take_lines(struct rest *rest, struct stored_item *items, int count)
{
    for (int i = 0; i < count; i++)
        if (!take_id(rest, &items[i]) || !take_length(rest, &items[i]) ||
            (i > 0 && items[i].id >= items[i - 1].id))
            return false;
    return true;
}

static bool take_texts(struct rest *rest, struct stored_item *items, int count)
{
    if (!take(rest, '['))
        return false;
    for (int i = 0; i < count; i++)
        if ((i > 0 && !take(rest, ',')) || !take_text(rest, &items[i]))
            return false;
    return take(rest, ']') && rest->p == rest->end;
}

/* Into an empty page. */
static bool take_base(
    struct rest *rest, struct snapshot *snapshot, struct stored *stored)
{
    uint64_t prev;
    int older;

    if (!take(rest, '=') || !take_path(rest, stored) || !take(rest, ' ') ||
        !take_int(rest, STORED_LIMIT_MAX, &stored->limit) || !take(rest, ' ') ||
        !take_int(rest, 1, &older) || !take(rest, ' ') ||
        !take_number(rest, INT64_MAX, &prev) || !take(rest, ' ') ||
        !take_snapshot(rest, snapshot) || !take(rest, ' ') ||
        !take_int(rest, stored->limit, &stored->count) || !take(rest, '\n'))
        return false;
    stored->older = older;
    stored->prev = (int64_t)prev;
    return (!older || stored->count > 0) &&
           take_lines(rest, stored->items, stored->count) &&
           take_texts(rest, stored->items, stored->count);
}

/* --- what lies in front ------------------------------------------------- */

struct front {
    struct stored_item item;
    uint64_t xid;
    struct snapshot snapshot;
};

static bool take_front(struct rest *rest, struct front *front)
{
    return take(rest, '+') && take_id(rest, &front->item) &&
           take_number(rest, INT64_MAX, &front->xid) && take(rest, ' ') &&
           take_snapshot(rest, &front->snapshot) && !front->snapshot.is_vague &&
           take(rest, ' ') && take_length(rest, &front->item) &&
           take_text(rest, &front->item) && take(rest, '\n');
}

static bool is_front(const struct rest *rest)
{
    return rest->p < rest->end && *rest->p == '+';
}

/* Goes past them. */
static bool skip_front(struct rest *rest)
{
    struct front front;

    while (is_front(rest))
        if (!take_front(rest, &front))
            return false;
    return true;
}

/* False: the page is to be read anew (see stored.h). */
static bool add_front(struct stored *stored, const struct front *front,
    const struct snapshot *base, int64_t floor)
{
    if (front->item.id < floor || surely_sees(base, front->xid))
        return true;
    if (!covers(&front->snapshot, base) || stored->count >= 2 * stored->limit)
        return false;
    insert(stored, &front->item);
    return true;
}

bool stored_parse(const char *bytes, size_t len, struct stored *stored)
{
    struct rest rest = {bytes, bytes + len};
    struct rest fronts = rest;
    struct snapshot base;
    struct front front;

    stored->count = 0;
    if (!skip_front(&rest) || !take_base(&rest, &base, stored))
        return false;
    int64_t floor = stored->older ? stored->items[stored->count - 1].id : 0;
    int64_t newest = stored->count > 0 ? stored->items[0].id : 0;
    while (is_front(&fronts))
        if (!take_front(&fronts, &front) ||
            !add_front(stored, &front, &base, floor))
            return false;
    stored->is_ahead = stored->count > 0 && stored->items[0].id > newest;
    if (stored->count > stored->limit) {
        stored->count = stored->limit;
        stored->older = true;
    }
    return true;
}

/* --- the page ----------------------------------------------------------- */

size_t stored_length(const struct stored *stored)
{
    size_t len = sizeof("[]") - 1;

    for (int i = 0; i < stored->count; i++)
        len += stored->items[i].len + (i > 0);
    return len;
}

int stored_run(const struct stored *stored, int first)
{
    const struct stored_item *item = &stored->items[first];
    int count = 1;

    for (; first + count < stored->count; count++, item++)
        if (item[1].text != item->text + item->len + 1 ||
            item->text[item->len] != ',')
            break;
    return count;
}

bool stored_settle(struct stored *stored, int64_t horizon)
{
    if (!stored->is_ahead)
        return true;
    stored->prev = stored->items[0].id;
    return stored->prev - 1 <= horizon;
}

/* FNV-1a's step, a tag at a time. */
static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3;
}

void stored_etag(const struct stored *stored, char etag[STORED_ETAG_SIZE])
{
    uint64_t sum = mix(0xcbf29ce484222325, stored->older);

    sum = mix(sum, (uint64_t)stored->prev);
    for (int i = 0; i < stored->count; i++)
        sum = mix(sum, stored->items[i].tag);
    *etag++ = '"';
    for (int i = TAG_DIGITS - 1; i >= 0; i--)
        *etag++ = "0123456789abcdef"[sum >> 4 * i & 15];
    strcpy(etag, "\"");
}

static char *put_number(char *to, uint64_t number)
{
    char digits[NUMBER_DIGITS + 1];
    char *p = digits + sizeof(digits);

    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    size_t len = (size_t)(digits + sizeof(digits) - p);
    return (char *)memcpy(to, p, len) + len;
}

static char *put_link(char *to, const struct stored *stored, const char *query,
    int64_t id, const char *rel)
{
    *to++ = '<';
    to = (char *)memcpy(to, stored->path, stored->path_len) + stored->path_len;
    to = stpcpy(to, query);
    to = put_number(to, (uint64_t)id);
    return stpcpy(to, rel);
}

void stored_links(const struct stored *stored, char links[STORED_LINKS_MAX])
{
    char *to = links;

    *to = '\0';
    if (stored->older && stored->count > 0)
        to = put_link(to, stored,
            "?before=", stored->items[stored->count - 1].id, ">; rel=\"next\"");
    if (to > links && stored->prev > 0)
        to = stpcpy(to, ", ");
    if (stored->prev > 0)
        put_link(to, stored, "?after=", stored->prev, ">; rel=\"prev\"");
}
