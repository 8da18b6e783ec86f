/* Tests of webhook: what may be set, and signatures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "runner.h"
#include "webhook.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

/* Of 24 bytes, and of 64. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define LONG_SECRET                                                         \
    "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
    "AAAAAAAAAAAAAAAAAAAAAAA=="

static char secret_file[32];
static struct config config;
static struct buf faults;
static struct buf out;

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(secret_file, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
    strcpy(secret_file, "/tmp/test_webhook_XXXXXX");
    close(mkstemp(secret_file));
    write_file(SECRET, strlen(SECRET));
    config = (struct config){.webhook_urls = "https://a.example/",
        .webhook_secret_file = secret_file,
        .webhook_ca_file = ""};
}

static void tear_down(void)
{
    unlink(secret_file);
    buf_free(&faults);
    buf_free(&out);
}

/* Whether it holds; what `faults` says names no secret. */
static bool holds(void)
{
    struct webhook *webhook = webhook_new(&config, &faults);

    ck_assert_int_eq(webhook == NULL, faults.len > 0);
    webhook_free(webhook);
    return webhook != NULL;
}

static void assert_said(const char *words)
{
    ck_assert_msg(strstr(buf_text(&faults), words) != NULL, "%s says no %s",
        buf_text(&faults), words);
}

/* --- URLs --------------------------------------------------------------- */

#define SEVEN_URLS                                           \
    "https://1.example https://2.example https://3.example " \
    "https://4.example https://5.example https://6.example " \
    "https://7.example"

static const char *const good_urls[] = {
    "https://a.example",
    "https://a.example/",
    "http://a.example:8080/path/to?a=b&c=%20d",
    "https://a-b.c.example:65535?x",
    "https://[2606:4700::1111]/",
    "https://[2606:4700::1111]:8443/x",
    "https://8.8.8.8/",
    "  https://a.example/   https://b.example/ ",
    SEVEN_URLS " https://8.example",
};

START_TEST(takes_a_url)
{
    config.webhook_urls = good_urls[_i];
    ck_assert_msg(holds(), "%s", buf_text(&faults));
}
END_TEST

static const struct {
    const char *urls, *said;
} bad_urls[] = {
    {"a.example", "URL 1: it must begin with https:// or http://"},
    {"ftp://a.example/", "begin with"},
    {"file:///etc/passwd", "begin with"},
    {"HTTPS://a.example/", "begin with"},
    {"https://", "must have a host"},
    {"https:///path", "must have a host"},
    {"https://[::1", "must have a host"},
    {"https://[]/", "must have a host"},
    {"https://[fe80::1%25eth0]/", "must have a host"},
    {"https://me:secret@a.example/", "port must be a number"},
    {"https://me@a.example/", "must be a path"},
    {"https://a.example:80@b.example/", "must be a path"},
    {"https://a_b.example/", "must be a path"},
    {"https://a.example\\@b.example/", "must be a path"},
    {"https://a.example:/", "port must be a number"},
    {"https://a.example:0/", "port must be a number"},
    {"https://a.example:65536/", "port must be a number"},
    {"https://a.example:99999999999999999999/", "port must be a number"},
    {"https://a.example:080/", "port must be a number"},
    {"https://a.example/#part", "visible ASCII"},
    {"https://a.example/\xc3\xa4", "visible ASCII"},
    {"https://a.example/ https://a.example/",
        "URL 2: it must stand there once"},
    {"https://a.example/ nonsense", "URL 2: it must begin"},
    {SEVEN_URLS " https://8.example https://9.example",
        "there are 9 URLs, there must be at most 8"},
    {"http://127.0.0.1/", "set webhook.private_addresses = on"},
    {"http://2130706433/", "private_addresses"},
    {"http://0x7f.1/", "private_addresses"},
    {"http://10.0.0.1:8080/x", "private_addresses"},
    {"http://[::1]/", "private_addresses"},
    {"http://[::ffff:192.168.0.1]/", "private_addresses"},
};

START_TEST(refuses_a_url)
{
    config.webhook_urls = bad_urls[_i].urls;
    ck_assert_msg(!holds(), "%s", bad_urls[_i].urls);
    assert_said("webhook.urls: ");
    assert_said(bad_urls[_i].said);
    ck_assert_ptr_null(strstr(buf_text(&faults), "secret@"));
}
END_TEST

START_TEST(a_url_has_a_thousand_characters_at_most)
{
    char url[1002];

    memset(url, 'x', sizeof(url));
    memcpy(url, "https://a/", 10);
    url[1000] = '\0';
    config.webhook_urls = url;
    ck_assert(holds());
    url[1000] = 'x';
    url[1001] = '\0';
    ck_assert(!holds());
    assert_said("at most 1000 characters");
}
END_TEST

START_TEST(private_addresses_are_taken_if_they_are_meant)
{
    config.webhook_urls = "http://127.0.0.1/";
    config.webhook_private_addresses = true;
    ck_assert(holds());
}
END_TEST

START_TEST(finds_each_url)
{
    config.webhook_urls = "  https://a.example/ http://b.example";
    ck_assert_int_eq(webhook_count(&config), 2);
    struct text first = webhook_url(&config, 0);
    ck_assert_int_eq(strncmp(first.data, "https://a.example/", first.len), 0);
    ck_assert_uint_eq(first.len, 18);
    ck_assert_str_eq(webhook_url(&config, 1).data, "http://b.example");
    config.webhook_urls = "";
    ck_assert_int_eq(webhook_count(&config), 0);
    config.webhook_urls = " ";
    ck_assert_int_eq(webhook_count(&config), 0);
}
END_TEST

/* --- secrets ------------------------------------------------------------ */

static const char *const good_files[] = {
    SECRET,
    SECRET "\n",
    SECRET "\r\n",
    LONG_SECRET,
    "# of 2026\n\n" SECRET "\n" LONG_SECRET "\n",
    SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET
           "\n" SECRET "\n" SECRET "\n",
};

START_TEST(takes_secrets)
{
    write_file(good_files[_i], strlen(good_files[_i]));
    ck_assert_msg(holds(), "%s", buf_text(&faults));
}
END_TEST

static const struct {
    const char *text, *said;
} bad_files[] = {
    {"", "must hold a secret; `echo"},
    {"\n# nothing\n", "must hold a secret"},
    {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ":1: is no secret: \"whsec_\" and"},
    {"\nwhsec_\n", ":2: is no secret"},
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=", ":1: is no secret"},
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", ":1: is no secret"},
    {SECRET " ", ":1: is no secret"},
    {SECRET "\n" LONG_SECRET "AAAA", ":2: is no secret"},
    {SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET
            "\n" SECRET "\n" SECRET "\n" SECRET "\n",
        ":9: is one secret more than the 8"},
};

START_TEST(refuses_secrets)
{
    write_file(bad_files[_i].text, strlen(bad_files[_i].text));
    ck_assert(!holds());
    assert_said("webhook.secret_file: ");
    assert_said(secret_file);
    assert_said(bad_files[_i].said);
    ck_assert_ptr_null(strstr(buf_text(&faults), "MfKQ9"));
}
END_TEST

START_TEST(secrets_are_text_of_some_kilobytes)
{
    char text[4097];

    memset(text, '#', sizeof(text));
    memcpy(text, SECRET "\n", strlen(SECRET) + 1);
    write_file(text, 4096);
    ck_assert(holds());
    write_file(text, 4097);
    ck_assert(!holds());
    assert_said("must be text of at most 4096 bytes");
    buf_reset(&faults, 0);
    write_file(SECRET "\n\0", strlen(SECRET) + 2);
    ck_assert(!holds());
    assert_said("must be text");
}
END_TEST

START_TEST(there_must_be_a_secret_that_others_cannot_read)
{
    config.webhook_secret_file = "";
    ck_assert(!holds());
    assert_said("webhook.secret_file: must name the file");
    config.webhook_secret_file = "/no/such/file";
    ck_assert(!holds());
    assert_said("webhook.secret_file: cannot read /no/such/file: No such file");
    config.webhook_secret_file = secret_file;
    ck_assert_int_eq(chmod(secret_file, 0644), 0);
    ck_assert(!holds());
    assert_said("`chmod o= /tmp/");
}
END_TEST

START_TEST(the_file_of_authorities_must_be_there)
{
    config.webhook_ca_file = "/no/such/file";
    ck_assert(!holds());
    assert_said(
        "webhook.ca_file: /no/such/file must be a file of certificates");
    buf_reset(&faults, 0);
    config.webhook_ca_file = "/etc/passwd"; /* what is in it, libcurl says */
    ck_assert(holds());
}
END_TEST

START_TEST(tells_all_faults_at_once)
{
    config.webhook_urls = "nonsense https://";
    config.webhook_secret_file = "";
    config.webhook_ca_file = "/no/such/file";
    ck_assert(!holds());
    assert_said("URL 1: ");
    assert_said("URL 2: ");
    assert_said("webhook.secret_file: ");
    assert_said("webhook.ca_file: ");
}
END_TEST

/* --- signatures --------------------------------------------------------- */

static enum error sign(void)
{
    struct webhook *webhook = webhook_new(&config, &faults);

    ck_assert_ptr_nonnull(webhook);
    enum error error = webhook_sign(webhook, "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330, (struct text){"{\"test\": 2432232314}", 20}, &out);
    webhook_free(webhook);
    return error;
}

#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

/* What the libraries of Standard Webhooks are tested by. */
START_TEST(signs_as_the_convention_has_it)
{
    ck_assert_int_eq(sign(), OK);
    ck_assert_str_eq(buf_text(&out), SIGNATURE);
}
END_TEST

START_TEST(signs_with_each_secret)
{
    const char text[] = LONG_SECRET "\n" SECRET "\n";

    write_file(text, strlen(text));
    ck_assert_int_eq(sign(), OK);
    ck_assert_uint_eq(out.len, 2 * 47 + 1);
    ck_assert_str_eq(buf_text(&out) + 47, " " SIGNATURE);
    ck_assert_int_ne(strncmp(buf_text(&out), "v1,g0h", 6), 0);
}
END_TEST

static struct webhook *signer;
static bool is_wrong;

static void attempt_to_sign(void)
{
    struct buf signature = {0};
    enum error error = webhook_sign(signer, "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330, (struct text){"{\"test\": 2432232314}", 20}, &signature);

    is_wrong |= error == OK && strcmp(buf_text(&signature), SIGNATURE) != 0;
    buf_free(&signature);
}

START_TEST(without_memory_nothing_is_signed_wrong)
{
    signer = webhook_new(&config, &faults);
    ck_assert_ptr_nonnull(signer);
    ck_assert_int_gt(memory_try_each(attempt_to_sign), 4);
    ck_assert(!is_wrong);
    webhook_free(signer);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, takes_a_url, 0, COUNT(good_urls));
    tcase_add_loop_test(tests, refuses_a_url, 0, COUNT(bad_urls));
    tcase_add_test(tests, a_url_has_a_thousand_characters_at_most);
    tcase_add_test(tests, private_addresses_are_taken_if_they_are_meant);
    tcase_add_test(tests, finds_each_url);
    tcase_add_loop_test(tests, takes_secrets, 0, COUNT(good_files));
    tcase_add_loop_test(tests, refuses_secrets, 0, COUNT(bad_files));
    tcase_add_test(tests, secrets_are_text_of_some_kilobytes);
    tcase_add_test(tests, there_must_be_a_secret_that_others_cannot_read);
    tcase_add_test(tests, the_file_of_authorities_must_be_there);
    tcase_add_test(tests, tells_all_faults_at_once);
    tcase_add_test(tests, signs_as_the_convention_has_it);
    tcase_add_test(tests, signs_with_each_secret);
    tcase_add_test(tests, without_memory_nothing_is_signed_wrong);
}
