/* Tests of http. */
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "runner.h"

static struct http_response response;
static struct buf out;

static void tear_down(void)
{
    http_response_free(&response);
    buf_free(&out);
}

static void make_page(const char *body)
{
    response.status = 200;
    response.content_type = HTTP_JSON;
    buf_puts(&response.body, body);
    http_set_etag(&response);
}

START_TEST(bytes_are_percent_encoded_but_plain_ones)
{
    struct buf text = {0};

    http_encode(&text, "/a b\"\xff\x01%20~", "/%~");
    ck_assert_str_eq(buf_text(&text), "/a%20b%22%FF%01%20~");
    buf_free(&text);
}
END_TEST

START_TEST(a_head_has_status_type_tag_length_and_headers)
{
    make_page("[]");
    strcpy(response.etag, "\"1\"");
    http_header(&response, "Link", "<%s>", "/x");
    http_print_head(&response, &out);
    ck_assert_str_eq(buf_text(&out), "Status: 200 OK\r\n"
                                     "Content-Type: application/json\r\n"
                                     "ETag: \"1\"\r\n"
                                     "Content-Length: 2\r\n"
                                     "Link: </x>\r\n"
                                     "\r\n");
}
END_TEST

START_TEST(a_304_has_no_length)
{
    response.status = 304;
    http_print_head(&response, &out);
    ck_assert_str_eq(buf_text(&out), "Status: 304 Not Modified\r\n\r\n");
}
END_TEST

START_TEST(a_204_has_no_length)
{
    response.status = 204;
    http_print_head(&response, &out);
    ck_assert_str_eq(buf_text(&out), "Status: 204 No Content\r\n\r\n");
}
END_TEST

START_TEST(a_value_cannot_start_another_header)
{
    http_header(&response, "X", "a\r\nSet-Cookie: b\n");
    ck_assert_str_eq(buf_text(&response.headers), "X: aSet-Cookie: b\r\n");
}
END_TEST

START_TEST(tags_tell_bodies_apart)
{
    char first[sizeof(response.etag)];

    make_page("[1]");
    strcpy(first, response.etag);
    ck_assert_uint_eq(strlen(first), 18);
    http_set_etag(&response);
    ck_assert_str_eq(response.etag, first);
    buf_puts(&response.body, " ");
    http_set_etag(&response);
    ck_assert_str_ne(response.etag, first);
}
END_TEST

static const struct {
    const char *if_none_match;
    bool matches;
} matches[] = {
    {"\"abc\"", true},
    {"W/\"abc\"", true},
    {"*", true},
    {" \"x\" , W/\"abc\"", true},
    {"\"x\",\"abc\",\"y\"", true},
    {"\"a,b\", \"abc\"", true},
    {"\"abcd\"", false},
    {"\"ab\"", false},
    {"\"x, \\\"abc\"", false},
    {"abc", false},
    {"\"abc", false},
    {"w/\"abc\"", false},
    {"", false},
    {",", false},
};

START_TEST(if_none_match_is_compared_weakly)
{
    ck_assert_msg(http_etag_matches(matches[_i].if_none_match, "\"abc\"") ==
                      matches[_i].matches,
        "%s", matches[_i].if_none_match);
}
END_TEST

START_TEST(nothing_matches_a_response_without_a_tag)
{
    ck_assert(!http_etag_matches("*", ""));
}
END_TEST

START_TEST(a_reset_response_is_empty)
{
    make_page("[]");
    http_header(&response, "X", "1");
    http_response_reset(&response);
    http_print_head(&response, &out);
    ck_assert_str_eq(
        buf_text(&out), "Status: 0 Unknown\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

static const struct {
    const char *text;
    bool form;
    const char *decoded; /* NULL: refused */
} escapes[] = {
    {"plain", false, "plain"},
    {"a%20b+c", false, "a b+c"},
    {"a%20b+c", true, "a b c"},
    {"%2B%2b", true, "++"},
    {"%c3%A4", false, "\xc3\xa4"},
    {"%2500", false, "%00"},
    {"", true, ""},
    {"%00", false, NULL},
    {"%", false, NULL},
    {"x%4", false, NULL},
    {"%4g", false, NULL},
    {"%-1", false, NULL},
    {"% 1", false, NULL},
};

START_TEST(escapes_are_decoded)
{
    char text[32];

    strcpy(text, escapes[_i].text);
    bool decoded = http_decode(text, escapes[_i].form);
    ck_assert_int_eq(decoded, escapes[_i].decoded != NULL);
    if (decoded)
        ck_assert_str_eq(text, escapes[_i].decoded);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, bytes_are_percent_encoded_but_plain_ones);
    tcase_add_test(tests, a_head_has_status_type_tag_length_and_headers);
    tcase_add_test(tests, a_304_has_no_length);
    tcase_add_test(tests, a_204_has_no_length);
    tcase_add_test(tests, a_value_cannot_start_another_header);
    tcase_add_test(tests, tags_tell_bodies_apart);
    tcase_add_loop_test(
        tests, if_none_match_is_compared_weakly, 0, COUNT(matches));
    tcase_add_test(tests, nothing_matches_a_response_without_a_tag);
    tcase_add_test(tests, a_reset_response_is_empty);
    tcase_add_loop_test(tests, escapes_are_decoded, 0, COUNT(escapes));
}
