/* Who is asking: bearer tokens, JWT (RFC 7519) signed with HS256. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "auth.h"
#include "base64.h"
#include "hmac.h"
#include "json.h"
#include "log.h"
#include "secret.h"

enum {
    KEY_MIN = 32, /* bytes, as long as the digest: RFC 7518, 3.2 */
    KEY_MAX = 4096,
    TOKEN_MAX = 4096, /* characters */
    LEEWAY = 30,      /* seconds that clocks may differ */
};

static const char admin_scope[] = "newsfeed:admin";

struct auth {
    struct hmac *hmac; /* with the key; NULL: off */
    size_t key_len;    /* 0: off */
    const char *audience;
    unsigned char key[KEY_MAX + 2]; /* and a newline, and one too many */
};

/* --- the key ------------------------------------------------------------ */

static bool read_key(struct auth *auth, const char *path, struct buf *faults)
{
    if (!secret_read("auth.key_file", path, auth->key, sizeof(auth->key),
            &auth->key_len, faults))
        return false;
    if (auth->key_len > 0 && auth->key[auth->key_len - 1] == '\n')
        auth->key_len--;
    if (auth->key_len < KEY_MIN || auth->key_len > KEY_MAX) {
        buf_printf(faults,
            "auth.key_file: %s must hold a key of %d to %d bytes; `openssl "
            "rand -hex 32` prints a good one\n",
            path, KEY_MIN, KEY_MAX);
        return false;
    }
    return true;
}

static bool open_hmac(struct auth *auth, struct buf *faults)
{
    auth->hmac = hmac_new(auth->key, auth->key_len);
    if (!auth->hmac)
        buf_puts(faults, "auth: libcrypto gives no HMAC with SHA-256\n");
    return auth->hmac != NULL;
}

struct auth *auth_new(const struct config *config, struct buf *faults)
{
    struct auth *auth = calloc(1, sizeof(*auth));

    if (!auth) {
        buf_puts(faults, "auth: out of memory\n");
        return NULL;
    }
    auth->audience = config->auth_audience;
    if (*config->auth_key_file != '\0' &&
        (!read_key(auth, config->auth_key_file, faults) ||
            !open_hmac(auth, faults))) {
        auth_free(auth);
        return NULL;
    }
    return auth;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    hmac_free(auth->hmac);
    explicit_bzero(auth->key, sizeof(auth->key));
    free(auth);
}

bool auth_is_on(const struct auth *auth)
{
    return auth->key_len > 0;
}

bool auth_is_same(const struct auth *a, const struct auth *b)
{
    return a->key_len == b->key_len && strcmp(a->audience, b->audience) == 0 &&
           hmac_is_same(a->key, b->key, a->key_len);
}

/* --- tokens ------------------------------------------------------------- */

/* What is wrong with a token is for the client to know. */
static enum error refuse(const char **reason, const char *words)
{
    *reason = words;
    return ERR_UNAUTHENTICATED;
}

static enum error fail(const char *words)
{
    log_error("auth", "cannot check a token: %s", words);
    return ERR_INTERNAL;
}

/* A part's value in *part, to be freed; refused with `words` if it has none. */
static enum error decode_part(const char *text, size_t len,
    struct json_object **part, const char **reason, const char *words)
{
    struct faults faults = {0};
    struct buf bytes = {0};
    bool is_json = false;

    *part = NULL;
    if (base64_decode(&bytes, BASE64_URL, text, len)) {
        *part = json_parse(buf_text(&bytes), bytes.len, &faults);
        is_json = faults.count == 0;
    }
    bool failed = bytes.failed || faults.failed;
    faults_free(&faults);
    buf_free(&bytes);
    if (failed)
        return fail("out of memory");
    return is_json ? OK : refuse(reason, words);
}

static enum error check_header(
    const char *text, size_t len, const char **reason)
{
    static const char words[] = "the token must be signed with HS256";
    struct json_object *header;
    enum error error = decode_part(text, len, &header, reason, words);

    if (!error && (strcmp(json_text(header, "alg").data, "HS256") != 0 ||
                      json_has(header, "crit")))
        error = refuse(reason, words);
    json_free(header);
    return error;
}

static enum error verify(const struct auth *auth, const char *token,
    const char *signature, const char **reason)
{
    static const char words[] = "the token's signature does not hold";
    unsigned char mac[HMAC_SIZE] = {0};
    struct buf given = {0};
    enum error error = OK;

    bool is_decoded =
        base64_decode(&given, BASE64_URL, signature, strlen(signature));
    if (given.failed)
        error = fail("out of memory");
    else if (!is_decoded || given.len != HMAC_SIZE)
        error = refuse(reason, words);
    else if (!hmac_sign(
                 auth->hmac, token, (size_t)(signature - 1 - token), mac))
        error = fail("libcrypto gives no HMAC");
    else if (!hmac_is_same(given.data, mac, HMAC_SIZE))
        error = refuse(reason, words);
    explicit_bzero(mac, sizeof(mac));
    buf_free(&given);
    return error;
}

/* Whether a list of words with spaces between them (RFC 8693, 4.2) holds one.
 */
static bool has_word(struct text list, const char *word)
{
    const char *p = list.data;

    while (*p) {
        size_t len = strcspn(p, " ");
        if (len == strlen(word) && memcmp(p, word, len) == 0)
            return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

/* When no clock holds the token for good any more; 0: never. */
static int64_t end_of(double expiry)
{
    return expiry < 1e15 ? (int64_t)expiry + LEEWAY + 1 : 0;
}

static enum error check_claims(const struct auth *auth,
    struct json_object *claims, struct identity *identity, const char **reason)
{
    int64_t now = (int64_t)time(NULL);
    double expiry, beginning;

    if (!json_number(claims, "exp", &expiry) || expiry <= now - LEEWAY)
        return refuse(reason, "the token has no time of expiry, or it is over");
    if (json_has(claims, "nbf") &&
        (!json_number(claims, "nbf", &beginning) || beginning > now + LEEWAY))
        return refuse(reason, "the token is not valid yet");
    if (*auth->audience &&
        !json_names(json_member(claims, "aud"), auth->audience))
        return refuse(reason, "the token is meant for another service");

    bool is_admin = has_word(json_text(claims, "scope"), admin_scope);
    int64_t participant;
    if (!json_reference(claims, "sub", &participant)) {
        participant = 0;
        if (!is_admin)
            return refuse(
                reason, "the token's subject must be a participant's id");
    }
    *identity = (struct identity){participant, is_admin, end_of(expiry)};
    return OK;
}

static enum error check_token(const struct auth *auth, const char *token,
    struct identity *identity, const char **reason)
{
    const char *claims_part = strchr(token, '.');
    const char *signature = claims_part ? strchr(claims_part + 1, '.') : NULL;
    struct json_object *claims;

    if (!signature || strlen(token) > TOKEN_MAX)
        return refuse(reason, "the token is no signed JWT");
    enum error error =
        check_header(token, (size_t)(claims_part - token), reason);
    if (!error)
        error = verify(auth, token, signature + 1, reason);
    if (error)
        return error;
    error = decode_part(claims_part + 1, (size_t)(signature - claims_part - 1),
        &claims, reason, "the token's claims are no JSON object");
    if (!error)
        error = check_claims(auth, claims, identity, reason);
    json_free(claims);
    return error;
}

enum error auth_check(const struct auth *auth, const char *authorization,
    struct identity *identity, const char **reason)
{
    static const char scheme[] = "Bearer ";

    *identity = (struct identity){0};
    *reason = NULL;
    if (!authorization ||
        strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return refuse(
            reason, "this needs an Authorization header with a bearer token");
    return check_token(
        auth, authorization + sizeof(scheme) - 1, identity, reason);
}

enum error auth_make_token(const struct config *config, int64_t participant,
    bool admin, int ttl_seconds, struct buf *out)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    struct auth *auth = auth_new(config, out);
    struct buf claims = {0};
    unsigned char mac[HMAC_SIZE] = {0};
    size_t start = out->len;
    long long now = (long long)time(NULL);
    enum error error = ERR_INVALID;

    if (!auth)
        return ERR_INVALID;
    if (!auth_is_on(auth)) {
        buf_puts(out, "auth.key_file: is empty, so there is no key to sign a "
                      "token with\n");
        goto out;
    }
    buf_printf(&claims, "{\"iat\":%lld,\"exp\":%lld", now, now + ttl_seconds);
    if (participant)
        buf_printf(&claims, ",\"sub\":\"%" PRId64 "\"", participant);
    if (admin)
        buf_printf(&claims, ",\"scope\":\"%s\"", admin_scope);
    if (*config->auth_audience) {
        buf_puts(&claims, ",\"aud\":");
        json_print_string(&claims, config->auth_audience);
    }
    buf_puts(&claims, "}");

    base64_encode(out, BASE64_URL, header, sizeof(header) - 1);
    buf_puts(out, ".");
    base64_encode(out, BASE64_URL, claims.data, claims.len);
    bool is_signed =
        !claims.failed && !out->failed &&
        hmac_sign(auth->hmac, out->data + start, out->len - start, mac);
    buf_puts(out, ".");
    base64_encode(out, BASE64_URL, mac, sizeof(mac));
    if (is_signed && !out->failed)
        error = OK;
    else {
        buf_reset(out, 0);
        buf_puts(out, "out of memory\n");
    }
out:
    buf_free(&claims);
    auth_free(auth);
    return error;
}
