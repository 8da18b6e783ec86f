/* Who is asking: bearer tokens, JWT (RFC 7519) signed with HS256. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "auth.h"
#include "json.h"
#include "log.h"

enum {
    KEY_MIN = 32, /* bytes, as long as the digest: RFC 7518, 3.2 */
    KEY_MAX = 4096,
    TOKEN_MAX = 4096, /* characters */
    MAC_SIZE = 32,
    LEEWAY = 30, /* seconds that clocks may differ */
};

static const char admin_scope[] = "newsfeed:admin";

struct auth {
    EVP_MAC_CTX *hmac; /* HMAC-SHA256 with the key; NULL: off */
    size_t key_len;    /* 0: off */
    const char *audience;
    unsigned char key[KEY_MAX + 2]; /* and a newline, and one too many */
};

/* --- the key ------------------------------------------------------------ */

/* All that fits into the key's place, and nowhere else: no buffer keeps a copy.
 */
static bool read_bytes(struct auth *auth, int fd)
{
    ssize_t got;

    do {
        got = read(
            fd, auth->key + auth->key_len, sizeof(auth->key) - auth->key_len);
        if (got > 0)
            auth->key_len += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0;
}

static bool read_key(struct auth *auth, const char *path, struct buf *faults)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool is_read = fd >= 0 && fstat(fd, &status) == 0 && read_bytes(auth, fd);

    if (!is_read)
        buf_printf(faults, "auth.key_file: cannot read %s: %s\n", path,
            strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!is_read)
        return false;
    if (status.st_mode & (S_IROTH | S_IWOTH)) {
        buf_printf(faults,
            "auth.key_file: %s must be closed to others, for whoever knows the "
            "key is an administrator: `chmod o= %s`, and a new key if somebody "
            "may have seen this one\n",
            path, path);
        return false;
    }
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

/* Here, so that libcrypto has set itself up before a process is forked: what it
 * lacks shows at start, and a worker needs little memory to check a token. */
static bool open_hmac(struct auth *auth, struct buf *faults)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    auth->hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (auth->hmac &&
        EVP_MAC_init(auth->hmac, auth->key, auth->key_len, parameters))
        return true;
    buf_puts(faults, "auth: libcrypto gives no HMAC with SHA-256\n");
    return false;
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
    EVP_MAC_CTX_free(auth->hmac);
    OPENSSL_cleanse(auth->key, sizeof(auth->key));
    free(auth);
}

bool auth_is_on(const struct auth *auth)
{
    return auth->key_len > 0;
}

bool auth_is_same(const struct auth *a, const struct auth *b)
{
    return a->key_len == b->key_len && strcmp(a->audience, b->audience) == 0 &&
           CRYPTO_memcmp(a->key, b->key, a->key_len) == 0;
}

/* --- base64url without padding (RFC 4648, 5) ---------------------------- */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    unsigned pending = 0;
    int bits = 0;

    for (size_t i = 0; i < len; i++) {
        pending = pending << 8 | p[i];
        for (bits += 8; bits >= 6; bits -= 6)
            buf_add(out, &alphabet[pending >> (bits - 6) & 63], 1);
    }
    if (bits > 0)
        buf_add(out, &alphabet[pending << (6 - bits) & 63], 1);
}

/* False on a foreign character, an impossible length or left-over bits. */
static bool decode(struct buf *out, const char *text, size_t len)
{
    unsigned pending = 0;
    int bits = 0;

    for (size_t i = 0; i < len; i++) {
        const char *at = memchr(alphabet, text[i], sizeof(alphabet) - 1);
        if (!at)
            return false;
        pending = pending << 6 | (unsigned)(at - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_add(out, &(char){(char)(pending >> bits)}, 1);
        }
    }
    return bits < 6 && (pending & ((1U << bits) - 1)) == 0 && !out->failed;
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

static MUST_CHECK bool sign(const struct auth *auth, const char *text,
    size_t len, unsigned char mac[MAC_SIZE])
{
    size_t mac_len;

    return EVP_MAC_init(auth->hmac, NULL, 0, NULL) && /* with the same key */
           EVP_MAC_update(auth->hmac, (const unsigned char *)text, len) &&
           EVP_MAC_final(auth->hmac, mac, &mac_len, MAC_SIZE) &&
           mac_len == MAC_SIZE;
}

/* A part's value in *part, to be freed; refused with `words` if it has none. */
static enum error decode_part(const char *text, size_t len,
    struct json_object **part, const char **reason, const char *words)
{
    struct faults faults = {0};
    struct buf bytes = {0};
    bool is_json = false;

    *part = NULL;
    if (decode(&bytes, text, len)) {
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
    unsigned char mac[MAC_SIZE] = {0};
    struct buf given = {0};
    enum error error = OK;

    bool is_decoded = decode(&given, signature, strlen(signature));
    if (given.failed)
        error = fail("out of memory");
    else if (!is_decoded || given.len != MAC_SIZE)
        error = refuse(reason, words);
    else if (!sign(auth, token, (size_t)(signature - 1 - token), mac))
        error = fail("libcrypto gives no HMAC");
    else if (CRYPTO_memcmp(given.data, mac, MAC_SIZE) != 0)
        error = refuse(reason, words);
    OPENSSL_cleanse(mac, sizeof(mac));
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
    unsigned char mac[MAC_SIZE] = {0};
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

    encode(out, header, sizeof(header) - 1);
    buf_puts(out, ".");
    encode(out, claims.data, claims.len);
    bool is_signed = !claims.failed && !out->failed &&
                     sign(auth, out->data + start, out->len - start, mac);
    buf_puts(out, ".");
    encode(out, mac, sizeof(mac));
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
