/* Tests of stored: which bytes are a page. */
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "stored.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

#define TAG "\"0123456789abcdef\""
#define HEAD CONTRACT_STORED_START TAG "\r\n"
#define NEXT "</participant/5/inbound?before=7>; rel=\"next\""
#define PREV "</participant/5/inbound?after=9>; rel=\"prev\""

static struct stored stored;

static bool parse(const char *page)
{
    return stored_parse(page, strlen(page), &stored);
}

static bool is(const char *part, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(part, text, len) == 0;
}

START_TEST(a_page_has_its_parts)
{
    ck_assert(parse(HEAD "Link: " NEXT ", " PREV "\r\n\r\n[1]\r\n"));
    ck_assert(is(stored.etag, stored.etag_len, TAG));
    ck_assert(is(stored.links, stored.links_len, NEXT ", " PREV));
    ck_assert(is(stored.body, stored.body_len, "[1]\r\n"));
}
END_TEST

START_TEST(links_may_be_missing)
{
    ck_assert(parse(HEAD "Link: " NEXT "\r\n\r\n[]"));
    ck_assert(is(stored.links, stored.links_len, NEXT));
    ck_assert(parse(HEAD "Link: " PREV "\r\n\r\n[]"));
    ck_assert(is(stored.links, stored.links_len, PREV));
    ck_assert(parse(HEAD "\r\n"));
    ck_assert_uint_eq(stored.links_len, 0);
    ck_assert_uint_eq(stored.body_len, 0);
}
END_TEST

static const char *const no_pages[] = {
    "",
    "L:0123456789abcdef",
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nETag: " TAG
    "\r\n\r\n[]",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: " TAG "\r\n\r\n[]",
    CONTRACT_STORED_START "\r\n\r\n[]",
    CONTRACT_STORED_START "\"1\"\r\n\r\n[]",
    CONTRACT_STORED_START "\"0123456789abcdef0\"\r\n\r\n[]",
    CONTRACT_STORED_START "\"0123456789abcdeF\"\r\n\r\n[]",
    CONTRACT_STORED_START "W/" TAG "\r\n\r\n[]",
    CONTRACT_STORED_START "*\r\n\r\n[]",
    CONTRACT_STORED_START TAG "\n\n[]",
    HEAD "[]",
    HEAD "Set-Cookie: a=b\r\n\r\n[]",
    HEAD "Content-Length: 2\r\n\r\n[]",
    HEAD "ETag: " TAG "\r\n\r\n[]",
    HEAD "Link: " NEXT "\r\nLink: " PREV "\r\n\r\n[]",
    HEAD "Link: " NEXT "\r\nSet-Cookie: a=b\r\n\r\n[]",
    HEAD "link: " NEXT "\r\n\r\n[]",
    HEAD "Link: \r\n\r\n[]",
    HEAD "Link: " PREV ", " NEXT "\r\n\r\n[]",
    HEAD "Link: " NEXT ", " NEXT "\r\n\r\n[]",
    HEAD "Link: " NEXT ", \r\n\r\n[]",
    HEAD "Link: " NEXT "; a=b\r\n\r\n[]",
    HEAD "Link: <>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: <//example.com>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: <http://example.com>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: </a b>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: </a\x7f>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: </a\xc3\xa4>; rel=\"next\"\r\n\r\n[]",
    HEAD "Link: </a>; rel=\"last\"\r\n\r\n[]",
};

START_TEST(other_bytes_are_no_page)
{
    ck_assert(!parse(no_pages[_i]));
}
END_TEST

START_TEST(a_link_has_bounds)
{
    char page[1024] = HEAD "Link: </";
    size_t len = strlen(page);

    memset(page + len, 'x', 300);
    strcpy(page + len + 300, ">; rel=\"next\"\r\n\r\n[]");
    ck_assert(!parse(page));
    memmove(page + len, page + len + 150, strlen(page + len + 150) + 1);
    ck_assert(parse(page));
}
END_TEST

/* Each piece is in memory of its own size: nothing is read beyond it. */
START_TEST(no_cut_head_is_a_page)
{
    static const char page[] = HEAD "Link: " NEXT ", " PREV "\r\n\r\n";

    for (size_t len = 0; len < sizeof(page) - 1; len++) {
        char *piece = malloc(len + !len);
        memcpy(piece, page, len);
        ck_assert_msg(!stored_parse(piece, len, &stored), "%zu", len);
        free(piece);
    }
    ck_assert(parse(page));
}
END_TEST

/* Whatever byte of the head becomes another: no page, or one whose parts are
 * still of their form. */
START_TEST(a_changed_byte_lets_nothing_else_through)
{
    static const char page[] = HEAD "Link: " NEXT "\r\n\r\n[]";
    char other[sizeof(page)];

    for (size_t i = 0; i < sizeof(page) - 3; i++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(other, page, sizeof(page));
            other[i] = (char)byte;
            if (!stored_parse(other, sizeof(page) - 1, &stored))
                continue;
            ck_assert_uint_eq(stored.etag_len, strlen(TAG));
            ck_assert_uint_eq(stored.links_len, strlen(NEXT));
            ck_assert_ptr_null(memchr(stored.links, '\n', stored.links_len));
            ck_assert_uint_eq(stored.body_len, 2);
        }
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, a_page_has_its_parts);
    tcase_add_test(tests, links_may_be_missing);
    tcase_add_loop_test(tests, other_bytes_are_no_page, 0, COUNT(no_pages));
    tcase_add_test(tests, a_link_has_bounds);
    tcase_add_test(tests, no_cut_head_is_a_page);
    tcase_add_test(tests, a_changed_byte_lets_nothing_else_through);
}
