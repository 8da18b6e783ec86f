/* The form of a page as it lies in memcached; see stored.h. */
#include "stored.h"

#include <string.h>

enum {
    LINK_MAX_LEN = 200, /* bytes of an address */
    TAG_DIGITS = 16,
};

/* Cuts the text off the front of what is left; false if it is not there. */
static bool take(const char **p, const char *end, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0)
        return false;
    *p += len;
    return true;
}

/* As http_set_etag makes it. */
static bool take_tag(const char **p, const char *end)
{
    if (!take(p, end, "\""))
        return false;
    for (int i = 0; i < TAG_DIGITS; i++, (*p)++)
        if (*p == end ||
            !((**p >= '0' && **p <= '9') || (**p >= 'a' && **p <= 'f')))
            return false;
    return take(p, end, "\"\r\n");
}

/* A path and query of this service. */
static bool take_address(const char **p, const char *end)
{
    const char *start = *p;

    while (*p<end &&* * p> ' ' && **p < 0x7f && !strchr("<>\"\\", **p))
        ++*p;
    return *p - start >= 2 && *p - start <= LINK_MAX_LEN && start[0] == '/' &&
           start[1] != '/';
}

static bool take_link(const char **p, const char *end, const char *relation)
{
    return take(p, end, "<") && take_address(p, end) &&
           take(p, end, ">; rel=\"") && take(p, end, relation) &&
           take(p, end, "\"");
}

/* As page_print_links makes them: one or both, in this order. */
static bool take_links(const char **p, const char *end)
{
    const char *start = *p;
    bool has_next = take_link(p, end, "next");

    if (!has_next)
        *p = start;
    return has_next ? !take(p, end, ", ") || take_link(p, end, "prev")
                    : take_link(p, end, "prev");
}

bool stored_parse(const char *bytes, size_t len, struct stored *stored)
{
    const char *end = bytes + len;
    const char *p = bytes;

    memset(stored, 0, sizeof(*stored));
    if (!take(&p, end, CONTRACT_STORED_START))
        return false;
    stored->etag = p;
    if (!take_tag(&p, end))
        return false;
    stored->etag_len = (size_t)(p - stored->etag) - 2;
    if (take(&p, end, "Link: ")) {
        stored->links = p;
        if (!take_links(&p, end))
            return false;
        stored->links_len = (size_t)(p - stored->links);
        if (!take(&p, end, "\r\n"))
            return false;
    }
    if (!take(&p, end, "\r\n"))
        return false;
    stored->body = p;
    stored->body_len = (size_t)(end - p);
    return true;
}
