/* Tests of feed: a page comes back as it was printed, with what came later. */
#include <string.h>

#include "feed.h"
#include "runner.h"

#define text(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

static struct items items;
static struct http_response printed;
static struct http_response parsed;
static struct buf stored;
static struct news news;

static struct item make_item(int64_t id, int64_t to)
{
    return (struct item){.id = id,
        .from = 9,
        .to = to,
        .subject = text("Subject"),
        .story = text("A \"story\"\n[{\xc3\xa4}],")};
}

static void set_up(void)
{
    items.list[0] = make_item(12, 5);
    items.list[1] = make_item(11, 5);
    items.ends =
        (struct page_ends){.count = 2, .newest = 12, .oldest = 11, .older = 1};
    strcpy(items.snapshot, "20:22:20");
}

static void tear_down(void)
{
    http_response_free(&printed);
    http_response_free(&parsed);
    buf_free(&stored);
    news_free(&news);
}

static void print(struct http_response *response, struct buf *out)
{
    feed_print(&items, "/participant/5/inbound", 3, response, out);
}

static void check_equal(void)
{
    ck_assert_int_eq(parsed.status, 200);
    ck_assert_str_eq(parsed.content_type, HTTP_JSON);
    ck_assert_str_eq(buf_text(&parsed.body), buf_text(&printed.body));
    ck_assert_str_eq(parsed.etag, printed.etag);
    ck_assert_str_eq(buf_text(&parsed.headers), buf_text(&printed.headers));
}

START_TEST(a_page_comes_back_as_it_was)
{
    print(&printed, &stored);
    ck_assert(feed_parse(stored.data, stored.len, 0, &parsed));
    check_equal();
    ck_assert_ptr_nonnull(strstr(buf_text(&parsed.headers), "before=11"));
}
END_TEST

START_TEST(an_empty_page_comes_back)
{
    items.ends = (struct page_ends){0};
    print(&printed, &stored);
    ck_assert_str_eq(buf_text(&printed.body), "[]");
    ck_assert(feed_parse(stored.data, stored.len, 0, &parsed));
    check_equal();
}
END_TEST

/* What is put in front of the page before makes the same page as a reading
 * behind it. */
START_TEST(news_make_the_page_that_would_be_read)
{
    struct item item = make_item(12, 0);
    struct buf value = {0};

    print(&printed, NULL);
    items.list[0] = items.list[1];
    items.ends.count = 1;
    items.ends.newest = 11;
    http_response_reset(&parsed);
    print(&parsed, &stored);
    http_response_reset(&parsed);

    news_set(
        &news, &item, (struct text)text("22"), (struct text)text("22:22:"));
    news_print(&news, 5, &value);
    buf_add(&value, stored.data, stored.len);
    ck_assert(!feed_parse(value.data, value.len, 10, &parsed));
    ck_assert(feed_parse(value.data, value.len, 11, &parsed));
    check_equal();
    buf_free(&value);
}
END_TEST

START_TEST(each_reader_has_news_of_his_own)
{
    struct item item = make_item(12, 0);
    struct buf value = {0};

    news_set(
        &news, &item, (struct text)text("22"), (struct text)text("22:22:"));
    for (int64_t reader = 5; reader < 8; reader++) {
        buf_reset(&value, 0);
        news_print(&news, reader, &value);
        ck_assert(strstr(value.data, reader == 5   ? "\"/participant/5\""
                                     : reader == 6 ? "\"/participant/6\""
                                                   : "\"/participant/7\""));
    }
    news_reset(&news, 0);
    ck_assert_int_eq(news.post, 0);
    buf_free(&value);
}
END_TEST

START_TEST(what_is_no_page_leaves_the_response_as_it_was)
{
    ck_assert(!feed_parse("L:1", 3, 99, &parsed));
    ck_assert_int_eq(parsed.status, 0);
    ck_assert_uint_eq(parsed.body.len, 0);
    ck_assert_uint_eq(parsed.headers.len, 0);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_page_comes_back_as_it_was);
    tcase_add_test(tests, an_empty_page_comes_back);
    tcase_add_test(tests, news_make_the_page_that_would_be_read);
    tcase_add_test(tests, each_reader_has_news_of_his_own);
    tcase_add_test(tests, what_is_no_page_leaves_the_response_as_it_was);
}
