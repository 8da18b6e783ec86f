/* Tests of error. */
#include "error.h"
#include "runner.h"

/* What clients rely on: the contract's codes, with the names of RFC 9110. */
static const struct {
    enum error error;
    int status;
    const char *title;
} errors[] = {
    {OK, 200, "OK"},
    {ERR_INVALID, 400, "Bad Request"},
    {ERR_UNAUTHENTICATED, 401, "Unauthorized"},
    {ERR_FORBIDDEN, 403, "Forbidden"},
    {ERR_NOT_FOUND, 404, "Not Found"},
    {ERR_METHOD, 405, "Method Not Allowed"},
    {ERR_CONFLICT, 409, "Conflict"},
    {ERR_TOO_LARGE, 413, "Content Too Large"},
    {ERR_MEDIA_TYPE, 415, "Unsupported Media Type"},
    {ERR_KEY_REUSED, 422, "Unprocessable Content"},
    {ERR_UNAVAILABLE, 503, "Service Unavailable"},
    {ERR_QUEUED, 503, "Service Unavailable"},
    {ERR_TIMEOUT, 503, "Service Unavailable"},
    {ERR_LOCKED, 503, "Service Unavailable"},
    {ERR_NO_DATABASE, 503, "Service Unavailable"},
    {ERR_NO_SEARCH, 503, "Service Unavailable"},
    {ERR_UNKNOWN, 503, "Service Unavailable"},
    {ERR_INTERNAL, 500, "Internal Server Error"},
};

START_TEST(an_error_has_a_status_and_a_title)
{
    int status = error_status(errors[_i].error);

    ck_assert_int_eq(status, errors[_i].status);
    ck_assert_str_eq(error_title(status), errors[_i].title);
}
END_TEST

START_TEST(what_is_no_error_has_a_title_too)
{
    ck_assert_str_eq(error_title(204), "No Content");
    ck_assert_str_eq(error_title(304), "Not Modified");
}
END_TEST

START_TEST(another_status_is_unknown)
{
    ck_assert_str_eq(error_title(299), "Unknown");
    ck_assert_str_eq(error_title(0), "Unknown");
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_error_has_a_status_and_a_title, 0,
        (int)(sizeof(errors) / sizeof(*errors)));
    tcase_add_test(tests, what_is_no_error_has_a_title_too);
    tcase_add_test(tests, another_status_is_unknown);
}
