/* The links from one page of a list to its neighbours (RFC 8288). */
#include "page.h"

static void print_link(struct buf *out, const char *path, const char *extra,
    const struct page *page, const char *cursor, int64_t id)
{
    buf_printf(out, "%s<%s?", out->len > 0 ? ", " : "", path);
    if (*extra)
        buf_printf(out, "%s&", extra);
    if (!page->is_default)
        buf_printf(out, "limit=%d&", page->limit);
    buf_printf(out, "%s=", cursor);
    buf_int(out, id);
    buf_printf(out, ">; rel=\"%s\"", *cursor == 'b' ? "next" : "prev");
}

void page_print_links(struct buf *out, const char *path, const char *extra,
    const struct page *page, const struct page_ends *ends)
{
    int64_t oldest = ends->oldest;
    int64_t newest = ends->newest;

    if (ends->count == 0) { /* look on from the bounds that were asked for */
        oldest = page->after < INT64_MAX ? page->after + 1 : INT64_MAX;
        newest = page->after ? page->after : page->before - 1;
    }
    if (ends->older)
        print_link(out, path, extra, page, "before", oldest);
    if (newest > 0)
        print_link(out, path, extra, page, "after", newest);
}
