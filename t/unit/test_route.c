/* route: method and path to an operation, over a hand-made specification. */
#include <string.h>

#include "../../app/route.h"
#include "runner.h"

static char s_root[] = "", s_p[] = "participant", s_id[] = "id",
            s_friends[] = "friends", s_friend[] = "friend", s_me[] = "me";

/* The literal comes after the parameter: order must not decide. */
static const struct spec spec = {
    .path_count = 6,
    .paths =
        {
            {.segments = {{s_root, false}},
                .segment_count = 1,
                .operations = {{.id = (char[]){"root"}, .method = "GET"}},
                .operation_count = 1},
            {.segments = {{s_p, false}},
                .segment_count = 1,
                .operations = {{.id = (char[]){"add"}, .method = "POST"}},
                .operation_count = 1},
            {.segments = {{s_p, false}, {s_id, true}},
                .segment_count = 2,
                .operations = {{.id = (char[]){"get"}, .method = "GET"},
                    {.id = (char[]){"rename"}, .method = "PATCH"},
                    {.id = (char[]){"remove"}, .method = "DELETE"}},
                .operation_count = 3},
            {.segments = {{s_p, false}, {s_me, false}},
                .segment_count = 2,
                .operations = {{.id = (char[]){"me"}, .method = "GET"}},
                .operation_count = 1},
            {.segments = {{s_p, false}, {s_id, true}, {s_friends, false},
                 {s_friend, true}},
                .segment_count = 4,
                .operations = {{.id = (char[]){"unfriend"},
                    .method = "DELETE"}},
                .operation_count = 1},
            {.segments = {{s_id, true}, {s_me, false}},
                .segment_count = 2,
                .operations = {{.id = (char[]){"other"}, .method = "GET"}},
                .operation_count = 1},
        },
};

static struct route route;

/* The id of the matched operation; "404" or "405". */
static const char *match(const char *method, const char *path)
{
    switch (route_match(&spec, method, path, &route)) {
    case OK:
        return route.operation->id;
    case ERR_NOT_FOUND:
        ck_assert_ptr_null(route.operation);
        ck_assert_ptr_null(route.path);
        return "404";
    case ERR_METHOD:
        ck_assert_ptr_null(route.operation);
        ck_assert_ptr_nonnull(route.path);
        return "405";
    default:
        return "another error";
    }
}

static void assert_value(int i, const char *name, const char *text)
{
    ck_assert_int_gt(route.value_count, i);
    ck_assert_str_eq(route.values[i].name, name);
    ck_assert_int_eq(route.values[i].len, (int)strlen(text));
    ck_assert_mem_eq(route.values[i].start, text, strlen(text));
}

START_TEST(matches_literals)
{
    ck_assert_str_eq(match("POST", "/participant"), "add");
    ck_assert_int_eq(route.value_count, 0);
}
END_TEST

START_TEST(matches_the_root)
{
    ck_assert_str_eq(match("GET", "/"), "root");
}
END_TEST

START_TEST(cuts_a_parameter)
{
    ck_assert_str_eq(match("GET", "/participant/42"), "get");
    ck_assert_int_eq(route.value_count, 1);
    assert_value(0, "id", "42");
}
END_TEST

START_TEST(cuts_two_parameters_in_path_order)
{
    ck_assert_str_eq(
        match("DELETE", "/participant/7/friends/1%2F2"), "unfriend");
    ck_assert_int_eq(route.value_count, 2);
    assert_value(0, "id", "7");
    assert_value(1, "friend", "1%2F2");
}
END_TEST

START_TEST(prefers_a_literal)
{
    ck_assert_str_eq(match("GET", "/participant/me"), "me");
    ck_assert_int_eq(route.value_count, 0);
    ck_assert_str_eq(match("GET", "/participant/men"), "get");
    ck_assert_str_eq(match("GET", "/elsewhere/me"), "other");
}
END_TEST

START_TEST(prefers_a_literal_whatever_the_method)
{
    ck_assert_str_eq(match("PATCH", "/participant/me"), "405");
}
END_TEST

START_TEST(answers_head_as_get)
{
    ck_assert_str_eq(match("HEAD", "/participant/42"), "get");
    ck_assert_str_eq(match("HEAD", "/participant"), "405");
}
END_TEST

START_TEST(tells_another_method_from_another_path)
{
    ck_assert_str_eq(match("PUT", "/participant/42"), "405");
    ck_assert_str_eq(match("get", "/participant/42"), "405");
    ck_assert_str_eq(match("GET", "/participants"), "404");
}
END_TEST

START_TEST(finds_nothing_elsewhere)
{
    static const char *const paths[] = {"", "participant", "*", "//",
        "/participant/", "/participant/42/", "/participant//friends/7",
        "/participant/42/friends", "/participant/42/friends/",
        "/participant/42/friends/7/", "/Participant", "/participan",
        "/a/b/c/d/e/f/g/h/i/j"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        ck_assert_str_eq(match("GET", paths[i]), "404");
}
END_TEST

START_TEST(lists_what_is_allowed)
{
    struct buf allow = {0};
    ck_assert_str_eq(match("PUT", "/participant/42"), "405");
    route_allow(route.path, &allow);
    ck_assert_str_eq(buf_text(&allow), "GET, HEAD, PATCH, DELETE, OPTIONS");

    buf_reset(&allow, 0);
    ck_assert_str_eq(match("GET", "/participant"), "405");
    route_allow(route.path, &allow);
    ck_assert_str_eq(buf_text(&allow), "POST, OPTIONS");
    buf_free(&allow);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, matches_literals);
    tcase_add_test(tests, matches_the_root);
    tcase_add_test(tests, cuts_a_parameter);
    tcase_add_test(tests, cuts_two_parameters_in_path_order);
    tcase_add_test(tests, prefers_a_literal);
    tcase_add_test(tests, prefers_a_literal_whatever_the_method);
    tcase_add_test(tests, answers_head_as_get);
    tcase_add_test(tests, tells_another_method_from_another_path);
    tcase_add_test(tests, finds_nothing_elsewhere);
    tcase_add_test(tests, lists_what_is_allowed);
}
