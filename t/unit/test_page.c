/* Tests of page. */
#include "page.h"
#include "runner.h"

/* What store gives for a page that was asked for, and its links. */
static const struct {
    struct page page;
    struct page_ends ends; /* count, newest, oldest, older */
    const char *links;
} cases[] = {
    /* the first page: all there is, or more behind it */
    {{50, 0, 0, true}, {3, 9, 4, 0}, "</x?after=9>; rel=\"prev\""},
    {{50, 0, 0, true}, {1, 9, 9, 0}, "</x?after=9>; rel=\"prev\""},
    {{50, 0, 0, true}, {50, 90, 41, 1},
        "</x?before=41>; rel=\"next\", </x?after=90>; rel=\"prev\""},

    /* further down, and the last one */
    {{50, 41, 0, true}, {50, 40, 1, 1},
        "</x?before=1>; rel=\"next\", </x?after=40>; rel=\"prev\""},
    {{50, 41, 0, true}, {5, 40, 7, 0}, "</x?after=40>; rel=\"prev\""},

    /* upwards: older is below `after`, newer may come at any time */
    {{50, 0, 40, true}, {50, 90, 41, 1},
        "</x?before=41>; rel=\"next\", </x?after=90>; rel=\"prev\""},
    {{50, 0, 40, true}, {2, 42, 41, 0}, "</x?after=42>; rel=\"prev\""},

    /* between both */
    {{50, 90, 40, true}, {2, 60, 50, 1},
        "</x?before=50>; rel=\"next\", </x?after=60>; rel=\"prev\""},

    /* empty: the cursors stay where they were */
    {{50, 0, 0, true}, {0, 0, 0, 0}, ""},
    {{50, 41, 0, true}, {0, 0, 0, 0}, "</x?after=40>; rel=\"prev\""},
    {{50, 1, 0, true}, {0, 0, 0, 0}, ""},
    {{50, 0, 40, true}, {0, 0, 0, 0}, "</x?after=40>; rel=\"prev\""},
    {{50, 0, 40, true}, {0, 0, 0, 1},
        "</x?before=41>; rel=\"next\", </x?after=40>; rel=\"prev\""},
    {{50, 90, 40, true}, {0, 0, 0, 1},
        "</x?before=41>; rel=\"next\", </x?after=40>; rel=\"prev\""},

    /* a limit is carried along unless it is the default */
    {{1, 0, 0, false}, {1, 9, 9, 1},
        "</x?limit=1&before=9>; rel=\"next\", "
        "</x?limit=1&after=9>; rel=\"prev\""},
    {{200, 0, 40, false}, {0, 0, 0, 0},
        "</x?limit=200&after=40>; rel=\"prev\""},

    {{50, 41, 0, false}, {0, 0, 0, 0}, "</x?limit=50&after=40>; rel=\"prev\""},

    /* the last ids */
    {{50, INT64_MAX, 0, true}, {1, INT64_MAX - 1, INT64_MAX - 1, 1},
        "</x?before=9223372036854775806>; rel=\"next\", "
        "</x?after=9223372036854775806>; rel=\"prev\""},
    {{50, 0, INT64_MAX, true}, {0, 0, 0, 1},
        "</x?before=9223372036854775807>; rel=\"next\", "
        "</x?after=9223372036854775807>; rel=\"prev\""},
};

static struct buf out;

static void tear_down(void)
{
    buf_free(&out);
}

START_TEST(a_page_is_linked_to_its_neighbours)
{
    page_print_links(&out, "/x", "", &cases[_i].page, &cases[_i].ends);
    ck_assert_str_eq(buf_text(&out), cases[_i].links);
}
END_TEST

START_TEST(a_query_is_carried_along_as_it_is)
{
    page_print_links(&out, "/outbound", "keywords=a%26b",
        &(struct page){.limit = 7},
        &(struct page_ends){.count = 7, .newest = 9, .oldest = 3, .older = 1});
    ck_assert_str_eq(buf_text(&out),
        "</outbound?keywords=a%26b&limit=7&before=3>; rel=\"next\", "
        "</outbound?keywords=a%26b&limit=7&after=9>; rel=\"prev\"");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_loop_test(
        tests, a_page_is_linked_to_its_neighbours, 0, COUNT(cases));
    tcase_add_test(tests, a_query_is_carried_along_as_it_is);
}
