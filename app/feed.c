/* A feed's first page as a response and as it is stored. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "feed.h"
#include "json.h"
#include "stored.h"

_Static_assert(sizeof(((struct http_response *)0)->etag) >= STORED_ETAG_SIZE,
    "an entity tag has room");

static void finish(const struct stored *page, struct http_response *response)
{
    char links[STORED_LINKS_MAX];

    stored_etag(page, response->etag);
    stored_links(page, links);
    if (*links)
        http_header(response, "Link", "%s", links);
    response->status = 200;
    response->content_type = HTTP_JSON;
}

/* --- printed ------------------------------------------------------------ */

/* The items as JSON, and what a page says of each but where its text lies. */
static void print_items(
    const struct items *items, struct buf *body, struct stored *page)
{
    buf_puts(body, "[");
    for (int i = 0; i < page->count; i++) {
        struct stored_item *item = &page->items[i];
        if (i > 0)
            buf_puts(body, ",");
        size_t start = body->len;
        json_print_item(body, &items->list[i]);
        item->id = items->list[i].id;
        item->len = body->len - start;
        item->tag = body->failed ? 0 : http_tag(body->data + start, item->len);
    }
    buf_puts(body, "]");
}

static void print_stored(const struct stored *page, const char *snapshot,
    const struct buf *body, struct buf *out)
{
    buf_printf(out, "=%.*s %d %d %" PRId64 " %s %d\n", (int)page->path_len,
        page->path, page->limit, page->older, page->prev, snapshot,
        page->count);
    for (int i = 0; i < page->count; i++)
        buf_printf(out, "%" PRId64 " %016" PRIx64 " %zu\n", page->items[i].id,
            page->items[i].tag, page->items[i].len);
    buf_add(out, buf_text(body), body->len);
}

void feed_print(const struct items *items, const char *path, int limit,
    struct http_response *response, struct buf *stored)
{
    struct stored page = {
        .count = items->ends.count,
        .limit = limit,
        .older = items->ends.older,
        .prev = items->ends.newest,
        .path = path,
        .path_len = strlen(path),
    };

    print_items(items, &response->body, &page);
    finish(&page, response);
    if (stored && *items->snapshot)
        print_stored(&page, items->snapshot, &response->body, stored);
}

/* --- parsed ------------------------------------------------------------- */

static void print_page(const struct stored *page, struct buf *body)
{
    buf_puts(body, "[");
    for (int i = 0, run; i < page->count; i += run) {
        run = stored_run(page, i);
        const struct stored_item *last = &page->items[i + run - 1];
        const char *start = page->items[i].text;
        if (i > 0)
            buf_puts(body, ",");
        buf_add(body, start, (size_t)(last->text + last->len - start));
    }
    buf_puts(body, "]");
}

bool feed_parse(const char *bytes, size_t len, int64_t horizon,
    struct http_response *response)
{
    struct stored page;

    if (!stored_parse(bytes, len, &page) || !stored_settle(&page, horizon))
        return false;
    print_page(&page, &response->body);
    finish(&page, response);
    return !response->body.failed && !response->headers.failed;
}

/* --- news --------------------------------------------------------------- */

void news_reset(struct news *news, size_t keep)
{
    news->post = 0;
    buf_reset(&news->stamp, keep);
    buf_reset(&news->head, keep);
    buf_reset(&news->tail, keep);
    buf_reset(&news->text, keep);
}

void news_free(struct news *news)
{
    buf_free(&news->stamp);
    buf_free(&news->head);
    buf_free(&news->tail);
    buf_free(&news->text);
}

void news_set(struct news *news, const struct item *item, struct text xid,
    struct text snapshot)
{
    news->post = item->id;
    buf_add(&news->stamp, xid.data, xid.len);
    buf_puts(&news->stamp, " ");
    buf_add(&news->stamp, snapshot.data, snapshot.len);
    json_print_item_head(&news->head, item);
    json_print_item_tail(&news->tail, item);
}

void news_print(void *context, int64_t reader, struct buf *out)
{
    struct news *news = context;
    struct buf *text = &news->text;

    buf_reset(text, text->cap);
    buf_add(text, buf_text(&news->head), news->head.len);
    json_print_to(text, reader);
    buf_add(text, buf_text(&news->tail), news->tail.len);

    buf_printf(out, "+%" PRId64 " %s %016" PRIx64 " %zu\n", news->post,
        buf_text(&news->stamp), http_tag(buf_text(text), text->len), text->len);
    buf_add(out, buf_text(text), text->len);
    buf_puts(out, "\n");
    out->failed |= news->stamp.failed || news->head.failed ||
                   news->tail.failed || text->failed;
}
