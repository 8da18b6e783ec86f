/* Tests of base64. */
#include <string.h>

#include "base64.h"
#include "runner.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

static struct buf out;

static void tear_down(void)
{
    buf_free(&out);
}

/* RFC 4648, 10, and the last two letters. */
static const struct {
    enum base64 form;
    const char *bytes, *text;
} pairs[] = {
    {BASE64, "", ""},
    {BASE64, "f", "Zg=="},
    {BASE64, "fo", "Zm8="},
    {BASE64, "foo", "Zm9v"},
    {BASE64, "foob", "Zm9vYg=="},
    {BASE64, "fooba", "Zm9vYmE="},
    {BASE64, "foobar", "Zm9vYmFy"},
    {BASE64, "\xff\xef\xbe", "/+++"},
    {BASE64_URL, "", ""},
    {BASE64_URL, "f", "Zg"},
    {BASE64_URL, "fo", "Zm8"},
    {BASE64_URL, "foo", "Zm9v"},
    {BASE64_URL, "\xff\xef\xbe", "_---"},
};

START_TEST(writes_and_reads)
{
    const char *bytes = pairs[_i].bytes;
    const char *text = pairs[_i].text;

    base64_encode(&out, pairs[_i].form, bytes, strlen(bytes));
    ck_assert_str_eq(buf_text(&out), text);
    buf_reset(&out, 0);
    ck_assert(base64_decode(&out, pairs[_i].form, text, strlen(text)));
    ck_assert_str_eq(buf_text(&out), bytes);
}
END_TEST

static const struct {
    enum base64 form;
    const char *text;
} wrong[] = {
    {BASE64, "Z"},
    {BASE64, "Zg"},
    {BASE64, "Zg="},
    {BASE64, "Zm8"},
    {BASE64, "Z==="},
    {BASE64, "===="},
    {BASE64, "Zh=="}, /* bits are left over */
    {BASE64, "Zm9="},
    {BASE64, "Zg==Zm9v"},
    {BASE64, "Zm9 "},
    {BASE64, "Zm9\n"},
    {BASE64, "____"},
    {BASE64, "Zm9v===="},
    {BASE64_URL, "Z"},
    {BASE64_URL, "Zg=="},
    {BASE64_URL, "Zh"},
    {BASE64_URL, "/+++"},
};

START_TEST(refuses_what_is_none)
{
    ck_assert(!base64_decode(
        &out, wrong[_i].form, wrong[_i].text, strlen(wrong[_i].text)));
}
END_TEST

START_TEST(tells_that_there_was_no_memory)
{
    out.failed = true;
    ck_assert(!base64_decode(&out, BASE64, "Zm9v", 4));
    out.failed = false;
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_loop_test(tests, writes_and_reads, 0, COUNT(pairs));
    tcase_add_loop_test(tests, refuses_what_is_none, 0, COUNT(wrong));
    tcase_add_test(tests, tells_that_there_was_no_memory);
}
