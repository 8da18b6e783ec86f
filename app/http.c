/* Request and response as plain structs, and how a response is printed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "error.h"
#include "http.h"

enum {
    KEEP_MAX = 64 << 10
}; /* bytes a response keeps for the next one */

/* In place, from `start` on. */
static void remove_line_ends(struct buf *buf, size_t start)
{
    size_t kept = start;

    for (size_t i = start; i < buf->len; i++)
        if (buf->data[i] != '\r' && buf->data[i] != '\n')
            buf->data[kept++] = buf->data[i];
    buf->len = kept;
}

static const struct {
    const char *name;
    size_t offset; /* in struct http_request */
} parameters[] = {
    {HTTP_IDEMPOTENCY_KEY, offsetof(struct http_request, idempotency_key)},
    {HTTP_IF_MATCH, offsetof(struct http_request, if_match)},
    {HTTP_LAST_EVENT_ID, offsetof(struct http_request, last_event_id)},
};

enum {
    PARAMETERS = sizeof(parameters) / sizeof(*parameters)
};

static int find_parameter(const char *header)
{
    int i = 0;

    while (i < PARAMETERS && strcasecmp(parameters[i].name, header) != 0)
        i++;
    return i;
}

bool http_is_parameter(const char *header)
{
    return find_parameter(header) < PARAMETERS;
}

const char *http_parameter(
    const struct http_request *request, const char *header)
{
    const char *bytes = (const char *)request;
    int i = find_parameter(header);

    if (i == PARAMETERS)
        return NULL;
    return *(const char *const *)(const void *)(bytes + parameters[i].offset);
}

void http_header(
    struct http_response *response, const char *name, const char *format, ...)
{
    struct buf *headers = &response->headers;
    va_list args;

    buf_puts(headers, name);
    buf_puts(headers, ": ");
    size_t start = headers->len;
    va_start(args, format);
    buf_vprintf(headers, format, args);
    va_end(args);
    remove_line_ends(headers, start);
    buf_puts(headers, "\r\n");
}

uint64_t http_tag(const char *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

void http_set_etag(struct http_response *response)
{
    const struct buf *body = &response->body;

    snprintf(response->etag, sizeof(response->etag), "\"%016" PRIx64 "\"",
        http_tag(buf_text(body), body->len));
}

bool http_etag_matches(const char *list, const char *etag)
{
    const char *tag = list + strspn(list, " \t,");

    if (!*etag)
        return false;
    if (*tag == '*')
        return true;
    while (*tag) {
        if (strncmp(tag, "W/", 2) == 0)
            tag += 2;
        const char *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;
        if (!end)
            return false;
        size_t len = (size_t)(end + 1 - tag);
        if (len == strlen(etag) && memcmp(tag, etag, len) == 0)
            return true;
        tag = end + 1 + strspn(end + 1, " \t,");
    }
    return false;
}

static bool has_length(int status)
{
    return status != 204 && status != 304;
}

void http_print_head(const struct http_response *response, struct buf *out)
{
    int status = response->status;

    buf_printf(out, "Status: %d %s\r\n", status, error_title(status));
    if (response->content_type)
        buf_printf(out, "Content-Type: %s\r\n", response->content_type);
    if (*response->etag)
        buf_printf(out, "ETag: %s\r\n", response->etag);
    if (has_length(status) && !response->is_passing)
        buf_printf(out, "Content-Length: %zu\r\n", response->body.len);
    buf_add(out, buf_text(&response->headers), response->headers.len);
    buf_puts(out, "\r\n");
}

void http_response_reset(struct http_response *response)
{
    response->status = 0;
    response->content_type = NULL;
    response->etag[0] = '\0';
    response->is_passing = false;
    buf_reset(&response->headers, KEEP_MAX);
    buf_reset(&response->body, KEEP_MAX);
}

void http_response_free(struct http_response *response)
{
    buf_free(&response->headers);
    buf_free(&response->body);
    *response = (struct http_response){0};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void http_encode(struct buf *out, const char *text, const char *plain)
{
    for (const char *p = text; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
            (*p >= '0' && *p <= '9') || strchr(plain, *p))
            buf_add(out, p, 1);
        else
            buf_printf(out, "%%%02X", (unsigned char)*p);
}

bool http_decode(char *text, bool form)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '+' && form)
            c = ' ';
        if (c == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);
            if (low < 0 || (high | low) == 0)
                return false;
            c = (char)(high << 4 | low);
            from += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}
