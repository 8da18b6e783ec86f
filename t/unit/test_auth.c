/* Tests of auth. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth.h"
#include "memory.h"
#include "runner.h"

#define KEY "0123456789abcdef0123456789ABCDEF" /* as short as it may be */
#define HEADER "{\"alg\":\"HS256\"}"

static char key_file[] = "/tmp/test_auth_XXXXXX";
static struct config config;
static struct auth *auth;
static struct buf faults;
static struct buf header; /* Authorization's value */
static struct identity identity;
static const char *reason;

static void write_key(const char *bytes, size_t len)
{
    FILE *file = fopen(key_file, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
    write_key(KEY, strlen(KEY));
    config = (struct config){.auth_key_file = key_file, .auth_audience = ""};
    auth = auth_new(&config, &faults);
    ck_assert_ptr_nonnull(auth);
}

static void tear_down(void)
{
    auth_free(auth);
    buf_free(&faults);
    buf_free(&header);
}

/* --- tokens by hand ----------------------------------------------------- */

enum base64 {
    URL,    /* base64url without padding, as it should be */
    PADDED, /* base64url with it */
    PLAIN,  /* base64 with '+' and '/', without padding */
};

static void encode(const void *bytes, size_t len, enum base64 form)
{
    char *text = malloc(len * 2 + 8);

    ck_assert_ptr_nonnull(text);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    for (char *p = text; *p && form != PLAIN; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    if (form != PADDED)
        text[strcspn(text, "=")] = '\0';
    buf_puts(&header, text);
    free(text);
}

/* The signature of all that the header's value holds behind "Bearer ". */
static void sign(const char *key, size_t len)
{
    unsigned char mac[32];

    HMAC(EVP_sha256(), key, (int)len, (unsigned char *)header.data + 7,
        header.len - 7, mac, NULL);
    buf_puts(&header, ".");
    encode(mac, sizeof(mac), URL);
}

static void make(const char *jose, const char *claims, enum base64 form)
{
    buf_reset(&header, 0);
    buf_puts(&header, "Bearer ");
    encode(jose, strlen(jose), form);
    buf_puts(&header, ".");
    encode(claims, strlen(claims), form);
}

static bool check(void)
{
    return auth_check(auth, buf_text(&header), &identity, &reason) == OK;
}

/* Whether a well signed token of these two parts is accepted. */
static bool check_parts(const char *jose, const char *claims)
{
    make(jose, claims, URL);
    sign(KEY, strlen(KEY));
    bool ok = check();
    ck_assert_int_eq(ok, reason == NULL);
    return ok;
}

static char *print_claims(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static char *print_claims(const char *format, ...)
{
    char *claims;
    va_list args;

    va_start(args, format);
    ck_assert_int_ge(vasprintf(&claims, format, args), 0);
    va_end(args);
    return claims;
}

static long long in(int seconds)
{
    return (long long)time(NULL) + seconds;
}

/* The same with further members to a token that holds by itself, or with
 * another subject. */
static bool check_members(const char *members)
{
    char *claims =
        print_claims("{\"exp\":%lld,\"sub\":\"7\"%s}", in(60), members);
    bool ok = check_parts(HEADER, claims);

    free(claims);
    return ok;
}

static bool check_subject(const char *sub, const char *scope)
{
    char *claims =
        print_claims("{\"exp\":%lld,\"scope\":\"%s\"%s}", in(60), scope, sub);
    bool ok = check_parts(HEADER, claims);

    free(claims);
    return ok;
}

/* --- tokens of our own -------------------------------------------------- */

static void make_token(int64_t participant, bool admin, int ttl)
{
    struct buf token = {0};

    ck_assert_int_eq(
        auth_make_token(&config, participant, admin, ttl, &token), OK);
    buf_reset(&header, 0);
    buf_printf(&header, "Bearer %s", buf_text(&token));
    buf_free(&token);
}

START_TEST(a_token_of_ours_holds)
{
    int64_t now = (int64_t)time(NULL);

    make_token(7, false, 60);
    ck_assert(check());
    ck_assert_int_eq(identity.participant, 7);
    ck_assert(!identity.is_admin);
    ck_assert_int_ge(identity.until, now + 60 + 30); /* clocks may differ */
    ck_assert_int_le(identity.until, now + 60 + 30 + 3);
}
END_TEST

START_TEST(a_token_of_ours_may_be_an_administrator)
{
    make_token(0, true, 60);
    ck_assert(check());
    ck_assert_int_eq(identity.participant, 0);
    ck_assert(identity.is_admin);
}
END_TEST

START_TEST(a_token_of_ours_may_be_both)
{
    make_token(INT64_MAX, true, 60);
    ck_assert(check());
    ck_assert_int_eq(identity.participant, INT64_MAX);
    ck_assert(identity.is_admin);
}
END_TEST

START_TEST(a_token_of_ours_expires)
{
    make_token(7, false, -3600);
    ck_assert(!check());
    ck_assert_ptr_nonnull(strstr(reason, "expiry"));
}
END_TEST

static const char *const audiences[] = {"feed", "a \"b\" \\c", "\xC3\xA4"};

START_TEST(a_token_of_ours_names_the_audience)
{
    auth_free(auth);
    config.auth_audience = audiences[_i];
    auth = auth_new(&config, &faults);
    make_token(7, false, 60);
    ck_assert_msg(check(), "%s: %s", audiences[_i], reason);
}
END_TEST

START_TEST(a_token_is_appended)
{
    buf_puts(&header, "Bearer ");
    ck_assert_int_eq(auth_make_token(&config, 7, false, 60, &header), OK);
    ck_assert_msg(check(), "%s", reason);
}
END_TEST

/* --- the header --------------------------------------------------------- */

static const char *const headers[] = {
    "",
    "Basic YTpi",
    "Bearer",
    "Bearer ",
    "Bearer .",
    "Bearer ..",
    "Bearer ...",
    "Bearer a",
    "Bearer a.b",
    "Bearer a.b.c",
};

START_TEST(other_headers_are_refused)
{
    ck_assert_int_eq(
        auth_check(auth, headers[_i], &identity, &reason), ERR_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(reason);
}
END_TEST

START_TEST(no_header_is_refused)
{
    ck_assert_int_eq(
        auth_check(auth, NULL, &identity, &reason), ERR_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(strstr(reason, "Authorization"));
}
END_TEST

START_TEST(the_scheme_may_be_in_any_case)
{
    make_token(7, false, 60);
    memcpy(header.data, "bEARER", 6);
    ck_assert(check());
}
END_TEST

/* --- the signature ------------------------------------------------------ */

static const char *const good_headers[] = {
    "{\"alg\":\"HS256\"}",
    "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"1\"}",
    " { \"alg\" : \"\\u0048S256\" } ",
};

START_TEST(hs256_is_accepted)
{
    char *claims = print_claims("{\"exp\":%lld,\"sub\":7}", in(60));

    ck_assert_msg(
        check_parts(good_headers[_i], claims), "%s", good_headers[_i]);
    free(claims);
}
END_TEST

/* Each is signed with HS256 and our key, and says otherwise. */
static const char *const bad_headers[] = {
    "{\"alg\":\"none\"}",
    "{\"alg\":\"None\"}",
    "{\"alg\":\"hs256\"}",
    "{\"alg\":\"HS256 \"}",
    "{\"alg\":\"HS384\"}",
    "{\"alg\":\"HS512\"}",
    "{\"alg\":\"RS256\"}",
    "{\"alg\":\"ES256\"}",
    "{\"alg\":\"\"}",
    "{\"alg\":null}",
    "{\"alg\":256}",
    "{\"alg\":[\"HS256\"]}",
    "{\"alg\":[\"none\",\"HS256\"]}",
    "{\"ALG\":\"HS256\"}",
    "{\"alg\":\"none\",\"alg\":\"HS256\"}",
    "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
    "{\"typ\":\"JWT\"}",
    "{}",
    "[\"HS256\"]",
    "\"HS256\"",
    "null",
    "{alg:HS256}",
    "{\"alg\":\"HS256\"}}",
    "",
};

START_TEST(no_token_chooses_how_it_is_checked)
{
    char *claims = print_claims("{\"exp\":%lld,\"sub\":7}", in(60));

    ck_assert_msg(!check_parts(bad_headers[_i], claims), "%s", bad_headers[_i]);
    ck_assert_ptr_nonnull(strstr(reason, "HS256"));
    free(claims);
}
END_TEST

START_TEST(a_token_without_a_signature_is_refused)
{
    char *claims = print_claims("{\"exp\":%lld,\"sub\":7}", in(60));

    make("{\"alg\":\"none\"}", claims, URL);
    buf_puts(&header, ".");
    ck_assert(!check());
    make(HEADER, claims, URL);
    ck_assert(!check());
    buf_puts(&header, ".");
    ck_assert(!check());
    free(claims);
}
END_TEST

START_TEST(another_key_does_not_sign)
{
    static const char other[] = "0123456789abcdef0123456789ABCDEf";
    char *claims = print_claims("{\"exp\":%lld,\"sub\":7}", in(60));

    make(HEADER, claims, URL);
    sign(other, strlen(other));
    ck_assert(!check());
    make(HEADER, claims, URL);
    sign("", 0);
    ck_assert(!check());
    make(HEADER, claims, URL);
    sign(KEY "\n", strlen(KEY) + 1);
    ck_assert(!check());
    free(claims);
}
END_TEST

/* Not even so that the last one gives the same bytes. */
START_TEST(no_character_of_a_token_can_be_changed)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        "+/=. ";

    make_token(7, false, 60);
    for (size_t i = strlen("Bearer "); i < header.len; i++) {
        char right = header.data[i];
        for (const char *wrong = characters; *wrong; wrong++) {
            if (*wrong == right)
                continue;
            header.data[i] = *wrong;
            ck_assert_msg(!check(), "%c at %zu of %s", *wrong, i, header.data);
        }
        header.data[i] = right;
    }
    ck_assert(check());
}
END_TEST

START_TEST(no_token_can_be_cut)
{
    make_token(7, false, 60);
    for (size_t len = header.len - 1; len > strlen("Bearer "); len--) {
        header.data[len] = '\0';
        ck_assert_msg(!check(), "%s", header.data);
    }
}
END_TEST

static const char *const tails[] = {
    "=", "==", "A", ".", ".A", "..", " ", "\n", "%3D", "\xC3\xA4"};

START_TEST(nothing_can_stand_behind_a_token)
{
    make_token(7, false, 60);
    buf_puts(&header, tails[_i]);
    ck_assert(!check());
}
END_TEST

/* Its parts hold '+' and '/', or end in padding. */
static const enum base64 bad_forms[] = {PADDED, PLAIN};

START_TEST(another_base64_is_refused)
{
    static const char jose[] =
        "{\"alg\":\"HS256\",\"x\":\"~~~~~~\x7f\x7f\x7f\x7f\x7f\"}";
    char *claims =
        print_claims("{\"exp\":%lld,\"sub\":7,\"x\":\"~~~~~\"}", in(60));

    ck_assert(check_parts(jose, claims));
    make(jose, claims, bad_forms[_i]);
    ck_assert_ptr_nonnull(strpbrk(header.data, "+/="));
    sign(KEY, strlen(KEY));
    ck_assert(!check());
    free(claims);
}
END_TEST

/* Four characters are three bytes: one character more is none. */
START_TEST(a_part_of_an_impossible_length_is_refused)
{
    static const char claims[] = "{\"sub\":7,\"exp\":9999999999}";

    buf_puts(&header, "Bearer ");
    encode(HEADER, strlen(HEADER), URL);
    ck_assert_uint_eq((header.len - strlen("Bearer ")) % 4, 0);
    buf_puts(&header, "A.");
    encode(claims, strlen(claims), URL);
    sign(KEY, strlen(KEY));
    ck_assert(!check());
}
END_TEST

static bool check_long(int claims_len)
{
    char *claims = print_claims(
        "{\"exp\":%lld,\"sub\":7,\"x\":\"%*s\"}", in(60), claims_len - 33, "");

    ck_assert_uint_eq(strlen(claims), (size_t)claims_len);
    bool ok = check_parts(HEADER, claims);
    free(claims);
    return ok;
}

/* 20 characters of header, two dots, 43 of signature. */
START_TEST(a_token_has_at_most_4096_characters)
{
    ck_assert_msg(check_long(3023), "%s", reason);
    ck_assert_uint_eq(header.len, 7 + 4096);
    ck_assert(!check_long(3024));
    ck_assert_uint_eq(header.len, 7 + 4097);
}
END_TEST

/* --- without memory ----------------------------------------------------- */

static struct buf good, forged;
static int paint; /* -1: none */
static int refusals;

static void forge(const char *claims, const char *signature)
{
    make(HEADER, claims, URL);
    buf_puts(&header, ".");
    buf_puts(&header, signature);
    buf_reset(&forged, 0);
    buf_puts(&forged, buf_text(&header));
}

/* What is not written lies on the stack as it was: all of it this byte. */
static void __attribute__((noinline)) paint_stack(int byte)
{
    char area[16384];

    memset(area, byte, sizeof(area));
    __asm__ volatile("" : : "r"(area) : "memory");
}

/* Right after a good token, whose signature may still lie on the stack, and
 * after what a signature may be guessed to be. */
static void try_forgery(void)
{
    int left = memory.left;

    memory.left = -1;
    enum error before = auth_check(auth, buf_text(&good), &identity, &reason);
    identity = (struct identity){0};
    if (paint >= 0)
        paint_stack(paint);
    memory.left = left;
    enum error error = auth_check(auth, buf_text(&forged), &identity, &reason);
    bool is_out = memory_restore();
    ck_assert_int_eq(before, OK);
    ck_assert(
        error == ERR_UNAUTHENTICATED || (is_out && error == ERR_INTERNAL));
    ck_assert(!identity.is_admin && identity.participant == 0);
    refusals += error == ERR_UNAUTHENTICATED;
}

static void try_good(void)
{
    enum error error = auth_check(auth, buf_text(&good), &identity, &reason);
    bool is_out = memory_restore();

    ck_assert(error == OK || (is_out && error == ERR_INTERNAL));
    ck_assert_int_eq(identity.participant, error ? 0 : 7);
}

static void try_making(void)
{
    struct buf token = {0};
    enum error error = auth_make_token(&config, 7, false, 60, &token);

    memory_restore();
    if (!error) {
        buf_reset(&header, 0);
        buf_printf(&header, "Bearer %s", buf_text(&token));
        ck_assert(check());
    } else
        ck_assert_ptr_null(strchr(buf_text(&token), '.'));
    buf_free(&token);
    buf_reset(&faults, 0);
}

/* The first check in a process makes more allocations than those after it. */
START_TEST(without_memory_a_good_token_is_not_called_bad)
{
    make_token(7, false, 60);
    buf_puts(&good, buf_text(&header));
    ck_assert_int_gt(memory_try_each(try_good), 20);
    buf_free(&good);
}
END_TEST

static const struct {
    const char *text;
    int byte; /* 32 of them; -1: something else */
} signatures[] = {
    {NULL, -1}, /* the good token's */
    {"", -1},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
    {"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo", 0x5A},
};

START_TEST(without_memory_a_forged_token_is_never_accepted)
{
    make_token(7, false, 60);
    buf_puts(&good, buf_text(&header));
    forge("{\"exp\":9999999999,\"scope\":\"newsfeed:admin\"}",
        signatures[_i].text ? signatures[_i].text
                            : strrchr(buf_text(&good), '.') + 1);
    paint = signatures[_i].byte;
    ck_assert_int_gt(memory_try_each(try_forgery), 10);
    ck_assert_int_gt(refusals, 0);
    buf_free(&good);
    buf_free(&forged);
}
END_TEST

START_TEST(without_memory_no_half_of_a_token_is_made)
{
    ck_assert_int_gt(memory_try_each(try_making), 10);
}
END_TEST

/* --- claims: what it is ------------------------------------------------- */

static const char *const no_claims[] = {
    "",
    "{}",
    "[]",
    "7",
    "null",
    "{\"sub\":\"7\",\"exp\":9999999999",
    "{\"sub\":\"7\",\"exp\":9999999999}}",
    "{\"sub\":\"7\",\"sub\":\"8\",\"exp\":9999999999}",
    "{\"sub\":\"7\",\"exp\":9999999999,\"\xFF\":1}",
};

START_TEST(claims_are_a_strict_object)
{
    ck_assert(check_parts(HEADER, "{\"sub\":\"7\",\"exp\":9999999999}"));
    ck_assert_msg(!check_parts(HEADER, no_claims[_i]), "%s", no_claims[_i]);
}
END_TEST

START_TEST(claims_that_are_not_known_do_not_matter)
{
    ck_assert(check_members(",\"iss\":\"x\",\"jti\":1,\"iat\":\"?\""));
}
END_TEST

/* --- claims: when ------------------------------------------------------- */

static const struct {
    int seconds; /* from now */
    const char *fraction;
    bool expired;
    bool early;
} instants[] = {
    {-86400, "", true, false},
    {-40, "", true, false},
    {-40, ".5", true, false}, /* RFC 7519, 2: fractions are allowed */
    {-20, "", false, false},  /* clocks differ by up to 30 seconds */
    {20, "", false, false},
    {20, ".5", false, false},
    {40, "", false, true},
    {40, ".5", false, true},
    {86400, "", false, true},
};

START_TEST(a_token_expires)
{
    char *claims = print_claims("{\"sub\":7,\"exp\":%lld%s}",
        in(instants[_i].seconds), instants[_i].fraction);

    ck_assert_msg(check_parts(HEADER, claims) == !instants[_i].expired, "%d%s",
        instants[_i].seconds, instants[_i].fraction);
    free(claims);
}
END_TEST

START_TEST(a_token_begins)
{
    char *members = print_claims(
        ",\"nbf\":%lld%s", in(instants[_i].seconds), instants[_i].fraction);

    ck_assert_msg(check_members(members) == !instants[_i].early, "%d%s",
        instants[_i].seconds, instants[_i].fraction);
    free(members);
}
END_TEST

static const char *const no_expiries[] = {
    "",
    ",\"exp\":null",
    ",\"exp\":true",
    ",\"exp\":\"9999999999\"",
    ",\"exp\":[9999999999]",
    ",\"exp\":0",
    ",\"exp\":-9999999999",
    ",\"EXP\":9999999999",
};

START_TEST(a_token_without_an_expiry_is_refused)
{
    char *claims = print_claims("{\"sub\":7%s}", no_expiries[_i]);

    ck_assert_msg(!check_parts(HEADER, claims), "%s", claims);
    free(claims);
}
END_TEST

/* What says when it begins, and cannot be understood, does not hold. */
static const char *const no_beginnings[] = {
    ",\"nbf\":9223372036854775807",
    ",\"nbf\":99999999999999999999",
    ",\"nbf\":1e300",
    ",\"nbf\":\"9999999999\"",
    ",\"nbf\":[1]",
};

START_TEST(a_beginning_that_is_never_is_refused)
{
    ck_assert_msg(!check_members(no_beginnings[_i]), "%s", no_beginnings[_i]);
}
END_TEST

/* --- claims: for whom --------------------------------------------------- */

static const struct {
    const char *members;
    bool names; /* feed */
} aud[] = {
    {",\"aud\":\"feed\"", true},
    {",\"aud\":[\"feed\"]", true},
    {",\"aud\":[\"x\",\"feed\",\"y\"]", true},
    {",\"aud\":\"feeds\"", false},
    {",\"aud\":\"FEED\"", false},
    {",\"aud\":\"x feed\"", false},
    {",\"aud\":[\"x\"]", false},
    {",\"aud\":[[\"feed\"]]", false},
    {",\"aud\":[]", false},
    {",\"aud\":\"\"", false},
    {",\"aud\":null", false},
    {",\"aud\":{\"feed\":\"feed\"}", false},
    {"", false},
};

START_TEST(an_audience_must_be_named)
{
    auth_free(auth);
    config.auth_audience = "feed";
    auth = auth_new(&config, &faults);
    ck_assert_msg(
        check_members(aud[_i].members) == aud[_i].names, "%s", aud[_i].members);
}
END_TEST

START_TEST(without_an_audience_any_will_do)
{
    ck_assert(check_members(aud[_i].members));
}
END_TEST

/* --- claims: who -------------------------------------------------------- */

static const struct {
    const char *member;
    int64_t participant; /* 0: none */
} subjects[] = {
    {",\"sub\":\"7\"", 7},
    {",\"sub\":7", 7},
    {",\"sub\":\"/participant/7\"", 7},
    {",\"sub\":\"9223372036854775807\"", INT64_MAX},
    {",\"sub\":9223372036854775807", INT64_MAX},
    {",\"sub\":9223372036854775808", 0},
    {",\"sub\":\"9223372036854775808\"", 0},
    {",\"sub\":1.5", 0},
    {",\"sub\":\"07\"", 0},
    {",\"sub\":\" 7\"", 0},
    {",\"sub\":\"7 \"", 0},
    {",\"sub\":\"\"", 0},
    {",\"sub\":\"ada\"", 0},
    {",\"sub\":\"0\"", 0},
    {",\"sub\":0", 0},
    {",\"sub\":-7", 0},
    {",\"sub\":[7]", 0},
    {",\"sub\":true", 0},
    {",\"sub\":null", 0},
    {"", 0},
};

START_TEST(a_subject_is_a_participant)
{
    int64_t participant = subjects[_i].participant;

    ck_assert_msg(check_subject(subjects[_i].member, "") == (participant > 0),
        "%s", subjects[_i].member);
    if (participant)
        ck_assert_int_eq(identity.participant, participant);
}
END_TEST

START_TEST(an_administrator_may_have_any_subject)
{
    ck_assert(check_subject(subjects[_i].member, "newsfeed:admin"));
    ck_assert(identity.is_admin);
    ck_assert_int_eq(identity.participant, subjects[_i].participant);
}
END_TEST

static const struct {
    const char *member;
    bool is_admin;
} scopes[] = {
    {"\"newsfeed:admin\"", true},
    {"\"read newsfeed:admin\"", true},
    {"\"newsfeed:admin read\"", true},
    {"\"a newsfeed:admin b\"", true},
    {"\"a  newsfeed:admin \"", true},
    {"\"newsfeed:administrator\"", false},
    {"\"newsfeed:admi\"", false},
    {"\"xnewsfeed:admin\"", false},
    {"\"NEWSFEED:ADMIN\"", false},
    {"\"newsfeed:admin,read\"", false},
    {"\"read\\tnewsfeed:admin\"", false},
    {"\"newsfeed: admin\"", false},
    {"\"\"", false},
    {"[\"newsfeed:admin\"]", false},
    {"{\"newsfeed:admin\":true}", false},
    {"true", false},
    {"null", false},
};

START_TEST(a_scope_is_a_list_of_words)
{
    char *members = print_claims(",\"scope\":%s", scopes[_i].member);

    ck_assert(check_members(members));
    ck_assert_msg(identity.is_admin == scopes[_i].is_admin, "%s", members);
    free(members);
}
END_TEST

static bool is_admin_behind(int len, const char *word)
{
    char *members = print_claims(",\"scope\":\"%0*d %s\"", len, 0, word);

    ck_assert(check_members(members));
    free(members);
    return identity.is_admin;
}

/* Wherever it is cut, if it is, no longer word may become this one. */
START_TEST(a_long_scope_is_read_to_its_end)
{
    for (int len = 1; len < 1100; len++) {
        ck_assert_msg(is_admin_behind(len, "newsfeed:admin"), "%d", len);
        ck_assert_msg(
            !is_admin_behind(len, "newsfeed:administrator"), "%d", len);
    }
}
END_TEST

/* --- the key ------------------------------------------------------------ */

static struct auth *auth_with_key(const char *bytes, size_t len)
{
    write_key(bytes, len);
    return auth_new(&config, &faults);
}

START_TEST(without_a_key_file_auth_is_off)
{
    config.auth_key_file = "";
    struct auth *off = auth_new(&config, &faults);
    ck_assert_ptr_nonnull(off);
    ck_assert(!auth_is_on(off));
    ck_assert(auth_is_on(auth));
    auth_free(off);
    ck_assert_int_eq(
        auth_make_token(&config, 7, false, 60, &faults), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "auth.key_file"));
}
END_TEST

START_TEST(a_missing_key_file_is_a_fault)
{
    config.auth_key_file = "/no/such/key";
    ck_assert_ptr_null(auth_new(&config, &faults));
    ck_assert_str_eq(buf_text(&faults),
        "auth.key_file: cannot read /no/such/key: No such file or "
        "directory\n");
    buf_reset(&faults, 0);
    ck_assert_int_eq(
        auth_make_token(&config, 7, false, 60, &faults), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(buf_text(&faults), "/no/such/key"));
}
END_TEST

static const struct {
    int len;
    const char *tail;
    bool fits;
} keys[] = {
    {0, "", false},
    {0, "\n", false},
    {31, "", false},
    {31, "\n", false},
    {32, "", true},
    {32, "\n", true},
    {4096, "", true},
    {4096, "\n", true},
    {4097, "", false},
    {4097, "\n", false},
    {100000, "", false},
};

START_TEST(a_key_has_32_to_4096_bytes)
{
    char *bytes = print_claims("%0*d%s", keys[_i].len, 0, keys[_i].tail);
    size_t skipped = keys[_i].len == 0; /* the one 0 that is printed anyway */

    struct auth *found =
        auth_with_key(bytes + skipped, strlen(bytes) - skipped);
    ck_assert_int_eq(found != NULL, keys[_i].fits);
    ck_assert_int_eq(faults.len == 0, keys[_i].fits);
    auth_free(found);
    free(bytes);
}
END_TEST

START_TEST(a_newline_at_its_end_is_not_of_the_key)
{
    make_token(7, false, 60);
    struct auth *same = auth_with_key(KEY "\n", strlen(KEY) + 1);
    ck_assert_int_eq(
        auth_check(same, buf_text(&header), &identity, &reason), OK);
    auth_free(same);
}
END_TEST

START_TEST(a_key_may_hold_any_bytes)
{
    static const char bytes[33] = {'\n', 0, 1, (char)0xff};

    auth_free(auth);
    auth = auth_with_key(bytes, sizeof(bytes));
    ck_assert_ptr_nonnull(auth);
    make(HEADER, "{\"sub\":7,\"exp\":9999999999}", URL);
    sign(bytes, sizeof(bytes));
    ck_assert(check());
}
END_TEST

START_TEST(the_same_key_is_the_same)
{
    struct auth *same = auth_with_key(KEY "\n", strlen(KEY) + 1);

    ck_assert(auth_is_same(auth, same));
    ck_assert(auth_is_same(same, auth));
    auth_free(same);
}
END_TEST

static const char *const other_keys[] = {
    "0123456789abcdef0123456789ABCDEf",
    "1123456789abcdef0123456789ABCDEF",
    KEY "0",
    KEY "\n\n",
};

START_TEST(another_key_is_another)
{
    struct auth *other = auth_with_key(other_keys[_i], strlen(other_keys[_i]));

    ck_assert_ptr_nonnull(other);
    ck_assert(!auth_is_same(auth, other));
    ck_assert(!auth_is_same(other, auth));
    auth_free(other);
}
END_TEST

START_TEST(no_key_is_another)
{
    config.auth_key_file = "";
    struct auth *off = auth_new(&config, &faults);
    struct auth *off_too = auth_new(&config, &faults);

    ck_assert(!auth_is_same(auth, off));
    ck_assert(!auth_is_same(off, auth));
    ck_assert(auth_is_same(off, off_too));
    auth_free(off);
    auth_free(off_too);
}
END_TEST

START_TEST(another_audience_is_another)
{
    struct config for_feed = config;

    for_feed.auth_audience = "feed";
    struct auth *other = auth_new(&for_feed, &faults);
    ck_assert(!auth_is_same(auth, other));
    auth_free(other);
}
END_TEST

static const struct {
    mode_t mode;
    bool fits;
} modes[] = {
    {0600, true},
    {0400, true},
    {0640, true},
    {0660, true},
    {0644, false},
    {0604, false},
    {0602, false},
    {0666, false},
};

START_TEST(a_key_file_is_closed_to_others)
{
    ck_assert_int_eq(chmod(key_file, modes[_i].mode), 0);
    struct auth *found = auth_new(&config, &faults);
    ck_assert_int_eq(chmod(key_file, 0600), 0);
    ck_assert_int_eq(found != NULL, modes[_i].fits);
    ck_assert_int_eq(
        strstr(buf_text(&faults), "`chmod o= /tmp/") == NULL, modes[_i].fits);
    auth_free(found);
}
END_TEST

START_TEST(a_folder_is_no_key_file)
{
    config.auth_key_file = "/";
    ck_assert_ptr_null(auth_new(&config, &faults));
    ck_assert_str_eq(
        buf_text(&faults), "auth.key_file: cannot read /: Is a directory\n");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void add_signatures(TCase *tests)
{
    tcase_add_test(tests, a_token_of_ours_holds);
    tcase_add_test(tests, a_token_of_ours_may_be_an_administrator);
    tcase_add_test(tests, a_token_of_ours_may_be_both);
    tcase_add_test(tests, a_token_of_ours_expires);
    tcase_add_loop_test(
        tests, a_token_of_ours_names_the_audience, 0, COUNT(audiences));
    tcase_add_test(tests, a_token_is_appended);
    tcase_add_loop_test(tests, other_headers_are_refused, 0, COUNT(headers));
    tcase_add_test(tests, no_header_is_refused);
    tcase_add_test(tests, the_scheme_may_be_in_any_case);
    tcase_add_loop_test(tests, hs256_is_accepted, 0, COUNT(good_headers));
    tcase_add_loop_test(
        tests, no_token_chooses_how_it_is_checked, 0, COUNT(bad_headers));
    tcase_add_test(tests, a_token_without_a_signature_is_refused);
    tcase_add_test(tests, another_key_does_not_sign);
    tcase_add_test(tests, no_character_of_a_token_can_be_changed);
    tcase_add_test(tests, no_token_can_be_cut);
    tcase_add_loop_test(
        tests, nothing_can_stand_behind_a_token, 0, COUNT(tails));
    tcase_add_loop_test(tests, another_base64_is_refused, 0, COUNT(bad_forms));
    tcase_add_test(tests, a_part_of_an_impossible_length_is_refused);
    tcase_add_test(tests, a_token_has_at_most_4096_characters);
    tcase_add_test(tests, without_memory_a_good_token_is_not_called_bad);
    tcase_add_loop_test(tests, without_memory_a_forged_token_is_never_accepted,
        0, COUNT(signatures));
    tcase_add_test(tests, without_memory_no_half_of_a_token_is_made);
}

static void add_claims(TCase *tests)
{
    tcase_add_loop_test(tests, claims_are_a_strict_object, 0, COUNT(no_claims));
    tcase_add_test(tests, claims_that_are_not_known_do_not_matter);
    tcase_add_loop_test(tests, a_token_expires, 0, COUNT(instants));
    tcase_add_loop_test(tests, a_token_begins, 0, COUNT(instants));
    tcase_add_loop_test(
        tests, a_token_without_an_expiry_is_refused, 0, COUNT(no_expiries));
    tcase_add_loop_test(
        tests, a_beginning_that_is_never_is_refused, 0, COUNT(no_beginnings));
    tcase_add_loop_test(tests, an_audience_must_be_named, 0, COUNT(aud));
    tcase_add_loop_test(tests, without_an_audience_any_will_do, 0, COUNT(aud));
    tcase_add_loop_test(tests, a_subject_is_a_participant, 0, COUNT(subjects));
    tcase_add_loop_test(
        tests, an_administrator_may_have_any_subject, 0, COUNT(subjects));
    tcase_add_loop_test(tests, a_scope_is_a_list_of_words, 0, COUNT(scopes));
    tcase_add_test(tests, a_long_scope_is_read_to_its_end);
}

static void add_keys(TCase *tests)
{
    tcase_add_test(tests, without_a_key_file_auth_is_off);
    tcase_add_test(tests, a_missing_key_file_is_a_fault);
    tcase_add_loop_test(tests, a_key_has_32_to_4096_bytes, 0, COUNT(keys));
    tcase_add_test(tests, a_newline_at_its_end_is_not_of_the_key);
    tcase_add_test(tests, a_key_may_hold_any_bytes);
    tcase_add_test(tests, the_same_key_is_the_same);
    tcase_add_loop_test(tests, another_key_is_another, 0, COUNT(other_keys));
    tcase_add_test(tests, no_key_is_another);
    tcase_add_test(tests, another_audience_is_another);
    tcase_add_loop_test(tests, a_key_file_is_closed_to_others, 0, COUNT(modes));
    tcase_add_test(tests, a_folder_is_no_key_file);
}

/* Once, around all tests: one that fails does not tear down. */
static void make_key_file(void)
{
    int fd = mkstemp(key_file);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static void remove_key_file(void)
{
    unlink(key_file);
}

void add_tests(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make_key_file, remove_key_file);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    add_signatures(tests);
    add_claims(tests);
    add_keys(tests);
}
