/* Search: authors by what they posted, and the posts themselves. */
#include <string.h>

#include "api.h"
#include "json.h"
#include "store.h"
#include "words.h"

static struct text argument(const struct call *call, const char *name)
{
    const char *text = arguments_text(call->arguments, name);

    return (struct text){.data = text, .len = strlen(text)};
}

static enum error explain(struct call *call, enum error error)
{
    if (error == ERR_INVALID && call->faults->count == 0)
        return api_refuse(call, "query:keywords",
            "must name at least one word to look for, besides those to leave "
            "out");
    return error;
}

/* Once more, for the links. */
static void repeat(const struct call *call, const char *name, struct buf *query)
{
    const char *text = arguments_text(call->arguments, name);

    if (*text == '\0')
        return;
    buf_printf(query, "%s%s=", query->len > 0 ? "&" : "", name);
    http_encode(query, text, "-._~");
}

static void repeat_id(
    const struct call *call, const char *name, struct buf *query)
{
    int64_t id = arguments_int(call->arguments, name);

    if (id > 0)
        buf_printf(query, "&%s=%lld", name, (long long)id);
}

static void link_pages(struct call *call, struct http_response *response,
    struct buf *query, const struct page *page, const struct page_ends *ends)
{
    api_link(call, response, buf_text(query), page, ends);
    response->headers.failed |= query->failed;
    buf_free(query);
}

static enum error look_for(
    struct call *call, const struct page *page, struct matches *found)
{
    struct text keywords = argument(call, "keywords");

    return call->index ? store_apart_search(
                             call->pg, call->index, keywords, page, found)
                       : store_search(call->pg, keywords, page, found);
}

enum error api_search(struct call *call, struct http_response *response)
{
    struct matches found;
    struct buf query = {0};
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error = look_for(call, &page, &found);
    if (error)
        return explain(call, error);

    buf_puts(&response->body, "[");
    for (int i = 0; i < found.ends.count; i++) {
        buf_puts(
            &response->body, i > 0 ? ",\"/participant/" : "\"/participant/");
        buf_int(&response->body, found.list[i]);
        buf_puts(&response->body, "\"");
    }
    buf_puts(&response->body, "]");
    repeat(call, "keywords", &query);
    link_pages(call, response, &query, &page, &found.ends);
    return OK;
}

/* --- posts -------------------------------------------------------------- */

/* A date is its beginning, in UTC. */
static struct text read_time(
    const struct call *call, const char *name, struct buf *room)
{
    const char *text = arguments_text(call->arguments, name);

    if (*text == '\0')
        return (struct text){0};
    buf_puts(room, text);
    if (!strpbrk(text, "Tt"))
        buf_puts(room, "T00:00:00Z");
    return (struct text){buf_text(room), room->len};
}

static enum error find(struct call *call, const struct page *page,
    struct items *found, const struct language **language)
{
    struct buf since = {0}, until = {0};
    struct filter filter = {
        .keywords = argument(call, "keywords"),
        .author = arguments_int(call->arguments, "author"),
        .friends_of = arguments_int(call->arguments, "friends_of"),
        .since = read_time(call, "since", &since),
        .until = read_time(call, "until", &until),
    };

    enum error error =
        since.failed || until.failed ? ERR_INTERNAL
        : call->index
            ? store_apart_search_items(
                  call->pg, call->index, &filter, page, found, language)
            : store_search_items(call->pg, &filter, page, found, language);
    buf_free(&since);
    buf_free(&until);
    return error;
}

/* Words to highlight. */
struct highlight {
    const struct language *language;
    struct buf wanted;
};

static void print_places(struct buf *out, const char *name,
    const struct highlight *highlight, struct text text)
{
    struct span spans[SPANS_MAX];
    int count =
        words_find(highlight->language, &highlight->wanted, text, spans);

    buf_printf(out, "\"%s\":[", name);
    for (int i = 0; i < count; i++)
        buf_printf(
            out, "%s[%d,%d]", i > 0 ? "," : "", spans[i].from, spans[i].to);
    buf_puts(out, "]");
}

static void print_highlighted(
    struct buf *out, const struct item *item, const struct highlight *highlight)
{
    json_print_item(out, item);
    if (out->failed)
        return;
    out->len--; /* the brace */
    buf_puts(out, ",\"highlights\":{");
    print_places(out, "subject", highlight, item->subject);
    buf_puts(out, ",");
    print_places(out, "story", highlight, item->story);
    buf_puts(out, "}}");
}

static void print_found(struct call *call, struct buf *out,
    const struct items *found, const struct language *language)
{
    struct highlight highlight = {.language = language};

    words_wanted(language, argument(call, "keywords"), &highlight.wanted);
    buf_puts(out, "[");
    for (int i = 0; i < found->ends.count; i++) {
        buf_puts(out, i > 0 ? "," : "");
        print_highlighted(out, &found->list[i], &highlight);
    }
    buf_puts(out, "]");
    out->failed |= highlight.wanted.failed;
    buf_free(&highlight.wanted);
}

static bool is_to_highlight(const struct call *call)
{
    return strcmp(arguments_text(call->arguments, "highlight"), "true") == 0;
}

enum error api_search_items(struct call *call, struct http_response *response)
{
    const struct language *language;
    struct buf query = {0};
    struct items found;
    struct page page;

    enum error error = api_page(call, &page);
    if (!error)
        error = find(call, &page, &found, &language);
    if (error)
        return explain(call, error);
    if (is_to_highlight(call))
        print_found(call, &response->body, &found, language);
    else
        json_print_items(&response->body, found.list, found.ends.count);
    repeat(call, "keywords", &query);
    repeat_id(call, "author", &query);
    repeat_id(call, "friends_of", &query);
    repeat(call, "since", &query);
    repeat(call, "until", &query);
    if (is_to_highlight(call))
        repeat(call, "highlight", &query);
    link_pages(call, response, &query, &page, &found.ends);
    return OK;
}
