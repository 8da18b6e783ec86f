/* Tests of stored: which bytes are a page, and what is in it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "stored.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static struct stored page;
static char bytes[8192];

/* --- pages to try ------------------------------------------------------- */

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
    size_t len = strlen(bytes);
    va_list args;

    va_start(args, format);
    vsnprintf(bytes + len, sizeof(bytes) - len, format, args);
    va_end(args);
}

static const char *text_of(int id)
{
    static char text[32];

    snprintf(text, sizeof(text), "{\"id\":%d,\"a\":1}", id);
    return text;
}

static void add_front(int id, int xid, const char *snapshot)
{
    const char *text = text_of(id);

    add("+%d %d %s %016x %zu\n%s\n", id, xid, snapshot, id, strlen(text), text);
}

/* Of a limit of 3; ids end with 0. */
static void add_base(const char *snapshot, int older, const int *ids)
{
    int count = 0;

    while (ids[count])
        count++;
    add("=/participant/5/inbound 3 %d %d %s %d\n", older, ids[0], snapshot,
        count);
    for (int i = 0; i < count; i++)
        add("%d %016x %zu\n", ids[i], ids[i], strlen(text_of(ids[i])));
    add("[");
    for (int i = 0; i < count; i++)
        add("%s%s", i > 0 ? "," : "", text_of(ids[i]));
    add("]");
}

#define BASE(SNAPSHOT, OLDER, ...) \
    add_base(SNAPSHOT, OLDER, (const int[]){__VA_ARGS__, 0})

/* From memory of its own size: nothing is read beyond its end. */
static char *copy;

static bool parse(void)
{
    size_t len = strlen(bytes);

    free(copy);
    copy = malloc(len + !len);
    memcpy(copy, bytes, len);
    return stored_parse(copy, len, &page);
}

static void tear_down(void)
{
    free(copy);
    copy = NULL;
    bytes[0] = '\0';
}

/* "9 8 7", with a "+" behind it where there are older ones. */
static const char *ids(void)
{
    static char list[256];
    int len = 0;

    list[0] = '\0';
    for (int i = 0; i < page.count; i++)
        len += snprintf(list + len, sizeof(list) - (size_t)len, "%s%d",
            i > 0 ? " " : "", (int)page.items[i].id);
    snprintf(
        list + len, sizeof(list) - (size_t)len, "%s", page.older ? "+" : "");
    return list;
}

static const char *body(void)
{
    static char printed[4096];
    size_t len = 0;

    printed[len++] = '[';
    for (int i = 0, run; i < page.count; i += run) {
        run = stored_run(&page, i);
        const struct stored_item *last = &page.items[i + run - 1];
        size_t size = (size_t)(last->text + last->len - page.items[i].text);
        if (i > 0)
            printed[len++] = ',';
        memcpy(printed + len, page.items[i].text, size);
        len += size;
    }
    strcpy(printed + len, "]");
    ck_assert_uint_eq(stored_length(&page), len + 1);
    return printed;
}

/* --- the base alone ----------------------------------------------------- */

START_TEST(a_base_is_a_page)
{
    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9 7 5+");
    ck_assert_int_eq(page.limit, 3);
    ck_assert_int_eq(stored_run(&page, 0), 3);
    ck_assert_str_eq(body(), "[{\"id\":9,\"a\":1},{\"id\":7,\"a\":1},"
                             "{\"id\":5,\"a\":1}]");
}
END_TEST

START_TEST(a_page_may_be_empty)
{
    BASE("20:20:", 0, 0);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "");
    ck_assert_str_eq(body(), "[]");
}
END_TEST

START_TEST(links_lead_to_older_and_newer_ones)
{
    char links[STORED_LINKS_MAX];

    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    stored_links(&page, links);
    ck_assert_str_eq(links, "</participant/5/inbound?before=5>; rel=\"next\", "
                            "</participant/5/inbound?after=9>; rel=\"prev\"");
    page.older = false;
    stored_links(&page, links);
    ck_assert_str_eq(links, "</participant/5/inbound?after=9>; rel=\"prev\"");
    page.prev = 0;
    stored_links(&page, links);
    ck_assert_str_eq(links, "");
}
END_TEST

START_TEST(tags_tell_pages_apart)
{
    char tags[4][STORED_ETAG_SIZE];

    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    stored_etag(&page, tags[0]);
    ck_assert_uint_eq(strlen(tags[0]), 18);
    page.older = false;
    stored_etag(&page, tags[1]);
    page.count = 2;
    stored_etag(&page, tags[2]);
    page.items[0].tag++;
    stored_etag(&page, tags[3]);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(tags[i], tags[j]);
}
END_TEST

/* --- what lies in front ------------------------------------------------- */

START_TEST(what_came_later_is_in_front)
{
    add_front(11, 31, "30:30:");
    add_front(10, 30, "25:25:");
    BASE("20:20:", 0, 9);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "11 10 9");
    ck_assert_str_eq(body(), "[{\"id\":11,\"a\":1},{\"id\":10,\"a\":1},"
                             "{\"id\":9,\"a\":1}]");
}
END_TEST

START_TEST(a_page_has_no_more_than_its_limit)
{
    char links[STORED_LINKS_MAX];

    add_front(10, 30, "25:25:");
    BASE("20:20:", 0, 9, 7, 5);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "10 9 7+");
    stored_links(&page, links);
    ck_assert_ptr_nonnull(strstr(links, "before=7"));
    ck_assert_ptr_nonnull(strstr(links, "after=9"));
}
END_TEST

START_TEST(items_stand_by_id_whenever_they_came)
{
    add_front(8, 33, "30:30:");
    add_front(12, 31, "30:30:");
    add_front(10, 32, "30:30:");
    BASE("20:20:", 0, 9, 7);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "12 10 9+");
    bytes[0] = '\0';
    add_front(8, 33, "30:30:");
    BASE("20:20:", 0, 9, 7);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9 8 7");
    ck_assert_int_eq(stored_run(&page, 0), 1);
    ck_assert_str_eq(body(), "[{\"id\":9,\"a\":1},{\"id\":8,\"a\":1},"
                             "{\"id\":7,\"a\":1}]");
}
END_TEST

START_TEST(an_item_is_there_once)
{
    add_front(10, 30, "25:25:");
    add_front(10, 30, "25:25:");
    add_front(9, 31, "25:25:");
    BASE("20:20:", 0, 9);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "10 9");
}
END_TEST

START_TEST(what_is_older_than_the_page_is_not_in_it)
{
    add_front(6, 30, "25:25:");
    add_front(4, 31, "25:25:");
    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9 7 6+");
    bytes[0] = '\0';
    add_front(4, 31, "25:25:");
    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9 7 5+");
    bytes[0] = '\0';
    add_front(4, 31, "25:25:");
    BASE("20:20:", 0, 9, 7); /* there is nothing older */
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9 7 4");
}
END_TEST

/* Something older might still come, and who goes on from the newest would never
 * see it. */
START_TEST(a_page_is_ahead_until_all_has_come_up_to_its_newest)
{
    char links[STORED_LINKS_MAX];

    BASE("20:20:", 0, 9);
    ck_assert(parse());
    ck_assert(stored_settle(&page, 0));
    bytes[0] = '\0';
    add_front(8, 30, "25:25:");
    BASE("20:20:", 0, 9);
    ck_assert(parse());
    ck_assert(stored_settle(&page, 0));
    bytes[0] = '\0';
    add_front(10, 30, "25:25:");
    BASE("20:20:", 0, 9);
    ck_assert(parse());
    ck_assert(!stored_settle(&page, 0));
    ck_assert(!stored_settle(&page, 8));
    ck_assert(stored_settle(&page, 9)); /* it is there itself */
    stored_links(&page, links);
    ck_assert_ptr_nonnull(strstr(links, "after=10"));
}
END_TEST

/* Whatever the base knows of is in it, or was taken out. */
START_TEST(what_the_base_has_seen_is_its_own)
{
    add_front(12, 19, "15:15:");
    add_front(11, 21, "15:15:");
    BASE("20:23:20,22", 0, 9);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "9");
}
END_TEST

START_TEST(what_was_running_as_the_base_was_read_is_news)
{
    add_front(13, 23, "23:23:");
    add_front(12, 22, "20:22:20");
    add_front(11, 20, "20:23:20,22");
    BASE("20:22:20", 0, 9);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "13 12 11+");
}
END_TEST

/* Of a base that a standby gave, it is known of none of these. */
START_TEST(what_a_standby_may_have_seen_has_the_page_read_anew)
{
    add_front(11, 20, "20:20:");
    BASE("20:22:*", 0, 9);
    ck_assert(!parse());
    bytes[0] = '\0';
    add_front(11, 21, "20:22:20,21");
    BASE("20:22:*", 0, 9);
    ck_assert(!parse());
    bytes[0] = '\0';
    add_front(12, 22, "22:22:");
    add_front(11, 19, "15:15:");
    BASE("20:22:*", 0, 9);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "12 9");
    bytes[0] = '\0';
    add_front(12, 22, "20:22:20");
    BASE("20:22:*", 0, 9);
    ck_assert(!parse());
}
END_TEST

static const struct {
    const char *front;
    const char *base;
    bool covers;
} snapshots[] = {
    {"20:20:", "20:20:", true},
    {"20:22:20", "20:22:20", true},
    {"21:22:21", "20:22:20,21", true},
    {"20:30:20,25", "20:22:20", true},
    {"20:30:25", "20:22:20", true},
    {"20:20:", "20:21:20", false},
    {"19:20:19", "20:20:", false},
    {"19:30:19", "20:22:20", false},
    {"20:22:20,21", "20:22:20", false},
    {"15:22:15", "20:22:20", false},
};

/* The author may not have known that the friendship was over. */
START_TEST(a_page_that_knows_more_than_the_post_is_read_anew)
{
    add_front(11, 40, snapshots[_i].front);
    BASE(snapshots[_i].base, 0, 9);
    ck_assert_int_eq(parse(), snapshots[_i].covers);
}
END_TEST

START_TEST(a_page_is_read_anew_when_as_much_has_come_as_fills_it)
{
    for (int i = 0; i < 3; i++)
        add_front(20 - i, 40, "30:30:");
    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(parse());
    ck_assert_str_eq(ids(), "20 19 18+");
    bytes[0] = '\0';
    for (int i = 0; i < 4; i++)
        add_front(20 - i, 40, "30:30:");
    BASE("20:20:", 1, 9, 7, 5);
    ck_assert(!parse());
}
END_TEST

START_TEST(a_large_page_has_room)
{
    static char many[64 << 10];
    size_t len = 0;

    for (int i = 0; i < STORED_LIMIT_MAX; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len,
            "+%d 40 30:30: %016x 11\n{\"id\":%3d,}\n", 999 - i, i, 999 - i);
    len += (size_t)snprintf(many + len, sizeof(many) - len,
        "=/p %d 1 9 20:20: %d\n", STORED_LIMIT_MAX, STORED_LIMIT_MAX);
    for (int i = 0; i < STORED_LIMIT_MAX; i++)
        len += (size_t)snprintf(
            many + len, sizeof(many) - len, "%d %016x 11\n", 499 - i, i);
    for (int i = 0; i < STORED_LIMIT_MAX; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len,
            "%s{\"id\":%d,}", i > 0 ? "," : "[", 499 - i);
    many[len++] = ']';
    ck_assert(stored_parse(many, len, &page));
    ck_assert_int_eq(page.count, STORED_LIMIT_MAX);
    ck_assert_int_eq((int)page.items[STORED_LIMIT_MAX - 1].id, 800);
    ck_assert(page.older);
}
END_TEST

/* --- what is no page ---------------------------------------------------- */

static const char *const no_pages[] = {
    "",
    "L:0123456789abcdef",
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]",
    "[]",
    "=",
    "=/p 3 0 9 20:20: 0\n",
    "=/p 3 0 9 20:20: 0\n[",
    "=/p 3 0 9 20:20: 0\n[]]",
    "=/p 3 0 9 20:20: 0\n[]\n",
    "=/p 3 0 9 20:20: 0\r\n[]",
    "=/p 3 1 9 20:20: 0\n[]",
    "=/p 3 2 9 20:20: 0\n[]",
    "=/p 3 0 20:20: 0\n[]",
    "=/p 3 0 -9 20:20: 0\n[]",
    "=/p 03 0 9 20:20: 0\n[]",
    "=/p 3 0 9 20:20: -0\n[]",
    "=/p 3 0 9 20:20: +0\n[]",
    "=/p 3 0 9 20:20: 00\n[]",
    "=/p 3 0 9 20:20 0\n[]",
    "=/p 3 0 9 20:19: 0\n[]",
    "=/p 3 0 9 0:20: 0\n[]",
    "=/p 3 0 9 20:22:22 0\n[]",
    "=/p 3 0 9 20:22:19 0\n[]",
    "=/p 3 0 9 20:24:22,21 0\n[]",
    "=/p 3 0 9 20:24:21,21 0\n[]",
    "=/p 3 0 9 20:24:,21 0\n[]",
    "=/p 3 0 9 20:24:21, 0\n[]",
    "=/p 3 0 9 20:24:21,x 0\n[]",
    "=/p 3 0 9 20:99999999999999999999: 0\n[]",
    "=/p 3 0 9223372036854775808 20:20: 0\n[]",
    "=/p 3 0 18446744073709551617 20:20: 0\n[]", /* 1, in 64 bits */
    "=/p 201 0 9 20:20: 0\n[]",
    "=/p 4294967299 0 9 20:20: 0\n[]",
    "=p 3 0 9 20:20: 0\n[]",
    "=//p 3 0 9 20:20: 0\n[]",
    "=/ 3 0 9 20:20: 0\n[]",
    "=/p>;x 3 0 9 20:20: 0\n[]",
    "=/p\"x 3 0 9 20:20: 0\n[]",
    "=/p\x01x 3 0 9 20:20: 0\n[]",
    "=/p\xc3\xa4 3 0 9 20:20: 0\n[]",
    "=/p 3 0 9 20:20: 1\n[]",
    "=/p 3 2 9 20:20: 1\n9 0123456789abcdef 9\n[{\"id\":9,}]",
    "=/p 0 0 9 20:20: 1\n9 0123456789abcdef 9\n[{\"id\":9,}]",
    "=/p 1 0 9 20:20: 2\n9 0123456789abcdef 9\n8 0123456789abcdef 9\n"
    "[{\"id\":9,},{\"id\":8,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdef 9\n[{\"id\":9}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdef 10\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdef 8\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdef 2000000000\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdeF 9\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcdeg 9\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcd:f 9\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n9 0123456789abcde 9\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n8 0123456789abcdef 9\n[{\"id\":9,}]",
    "=/p 3 0 9 20:20: 1\n0 0123456789abcdef 9\n[{\"id\":0,}]",
    "=/p 3 0 9 20:20: 2\n9 0123456789abcdef 9\n9 0123456789abcdef 9\n"
    "[{\"id\":9,},{\"id\":9,}]",
    "=/p 3 0 9 20:20: 2\n8 0123456789abcdef 9\n9 0123456789abcdef 9\n"
    "[{\"id\":8,},{\"id\":9,}]",
    "=/p 3 0 9 20:20: 2\n9 0123456789abcdef 9\n8 0123456789abcdef 9\n"
    "[{\"id\":9,};{\"id\":8,}]",
    "+9 40 30:30: 0123456789abcdef 9\n{\"id\":9,}\n",
    "+9 40 30:30: 0123456789abcdef 9\n{\"id\":9,}\nL:0123456789abcdef",
    "+9 40 30:30: 0123456789abcdef 9\n{\"id\":9,}=/p 3 0 9 20:20: 0\n[]",
    "+9 40 30:30: 0123456789abcdef 8\n{\"id\":9,}\n=/p 3 0 9 20:20: 0\n[]",
    "+8 40 30:30: 0123456789abcdef 9\n{\"id\":9,}\n=/p 3 0 9 20:20: 0\n[]",
    "+9 x 30:30: 0123456789abcdef 9\n{\"id\":9,}\n=/p 3 0 9 20:20: 0\n[]",
    "+9 40 30:30 0123456789abcdef 9\n{\"id\":9,}\n=/p 3 0 9 20:20: 0\n[]",
    "=/p 3 0 9 20:20: 0\n[]+9 40 30:30: 0123456789abcdef 9\n{\"id\":9,}\n",
};

START_TEST(other_bytes_are_no_page)
{
    add("%s", no_pages[_i]);
    ck_assert_msg(!parse(), "%s", no_pages[_i]);
}
END_TEST

START_TEST(no_part_of_a_page_is_a_page)
{
    add_front(11, 31, "30:34:30,33");
    add_front(10, 30, "25:25:");
    BASE("20:24:20,22", 1, 9, 7, 5);
    ck_assert(parse());
    for (size_t len = strlen(bytes) - 1; len > 0; len--) {
        bytes[len] = '\0';
        ck_assert_msg(!parse(), "%zu", len);
    }
}
END_TEST

/* A NUL ends nothing, and is no part of a page's frame. */
START_TEST(a_nul_is_a_byte_like_others)
{
    BASE("20:24:20,22", 1, 9, 7, 5);
    size_t len = strlen(bytes);
    for (size_t i = 0; bytes[i] != '['; i++) {
        char byte = bytes[i];
        bytes[i] = '\0';
        ck_assert_msg(!stored_parse(bytes, len, &page), "%zu", i);
        bytes[i] = byte;
    }
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, a_base_is_a_page);
    tcase_add_test(tests, a_page_may_be_empty);
    tcase_add_test(tests, links_lead_to_older_and_newer_ones);
    tcase_add_test(tests, tags_tell_pages_apart);
    tcase_add_test(tests, what_came_later_is_in_front);
    tcase_add_test(tests, a_page_has_no_more_than_its_limit);
    tcase_add_test(tests, items_stand_by_id_whenever_they_came);
    tcase_add_test(tests, an_item_is_there_once);
    tcase_add_test(tests, what_is_older_than_the_page_is_not_in_it);
    tcase_add_test(tests, a_page_is_ahead_until_all_has_come_up_to_its_newest);
    tcase_add_test(tests, what_the_base_has_seen_is_its_own);
    tcase_add_test(tests, what_was_running_as_the_base_was_read_is_news);
    tcase_add_test(tests, what_a_standby_may_have_seen_has_the_page_read_anew);
    tcase_add_loop_test(tests,
        a_page_that_knows_more_than_the_post_is_read_anew, 0, COUNT(snapshots));
    tcase_add_test(
        tests, a_page_is_read_anew_when_as_much_has_come_as_fills_it);
    tcase_add_test(tests, a_large_page_has_room);
    tcase_add_loop_test(tests, other_bytes_are_no_page, 0, COUNT(no_pages));
    tcase_add_test(tests, no_part_of_a_page_is_a_page);
    tcase_add_test(tests, a_nul_is_a_byte_like_others);
}
