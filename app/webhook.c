/* Where events are posted to, and how they are signed. */
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "base64.h"
#include "hmac.h"
#include "log.h"
#include "secret.h"
#include "webhook.h"

enum {
    URLS_MAX = 8,
    URL_MAX_CHARS = 1000,
    HOST_MAX_CHARS = 255,
    PORT_MAX = 65535,
    KEYS_MAX = 8,
    KEY_MIN = 24, /* bytes, as the convention has it */
    KEY_MAX = 64,
    FILE_MAX = 4096,
};

#define KEY_PREFIX "whsec_"
#define ALPHANUMERIC \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct webhook {
    int key_count;
    struct hmac *keys[KEYS_MAX];
};

/* --- URLs --------------------------------------------------------------- */

/* Spaces part them. */
struct text webhook_url(const struct config *config, int number)
{
    const char *at = config->webhook_urls + strspn(config->webhook_urls, " ");

    for (; *at && number > 0; number--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return (struct text){at, strcspn(at, " ")};
}

int webhook_count(const struct config *config)
{
    int count = 0;

    while (webhook_url(config, count).len > 0)
        count++;
    return count;
}

/* The parts of one, whose text they point into. */
struct url {
    const char *host; /* without the brackets of an IPv6 address */
    size_t host_len;
    const char *end; /* of the host, and then of the port */
};

static const char *parse_port(const char *text, const char **end)
{
    char *rest;
    long port = strtol(text, &rest, 10);

    *end = rest;
    if (*text < '1' || *text > '9' || port > PORT_MAX)
        return "its port must be a number from 1 to 65535";
    return NULL;
}

static const char *parse_host(const char *text, struct url *url)
{
    bool is_ipv6 = *text == '[';

    url->host = text + is_ipv6;
    url->host_len = strspn(
        url->host, is_ipv6 ? "0123456789abcdefABCDEF:." : ALPHANUMERIC "-.");
    url->end = url->host + url->host_len + is_ipv6;
    if (url->host_len == 0 || url->host_len > HOST_MAX_CHARS ||
        (is_ipv6 && url->end[-1] != ']'))
        return "behind \"//\" it must have a host: letters, digits, \"-\" and "
               "\".\", or an IPv6 address in brackets; no user, no password";
    return NULL;
}

/* NULL, or what is wrong with it. Less than a URL may be, so that whoever reads
 * it reads the same. */
static const char *parse(const char *text, struct url *url)
{
    const char *wrong;

    if (strlen(text) > URL_MAX_CHARS)
        return "it must have at most 1000 characters";
    if (strncmp(text, "http://", 7) == 0)
        text += 7;
    else if (strncmp(text, "https://", 8) == 0)
        text += 8;
    else
        return "it must begin with https:// or http://";
    wrong = parse_host(text, url);
    if (!wrong && *url->end == ':')
        wrong = parse_port(url->end + 1, &url->end);
    if (wrong)
        return wrong;
    if (!strchr("/?", *url->end))
        return "behind the host and the port there must be a path, or nothing";
    for (const char *c = url->end; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '#')
            return "it must be made of visible ASCII characters without \"#\"";
    return NULL;
}

/* An address that stands in the URL itself; names are for those who connect. */
static bool is_private(const struct url *url)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_MAX_CHARS + 1] = "";

    memcpy(host, url->host, url->host_len);
    bool is_one = getaddrinfo(host, NULL, &hints, &found) == 0 &&
                  !address_is_public(found->ai_addr);
    if (found)
        freeaddrinfo(found);
    return is_one;
}

static bool is_same(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static const char *check_url(
    const struct config *config, int number, const char *text)
{
    struct url url;
    const char *wrong = parse(text, &url);

    if (wrong)
        return wrong;
    if (!config->webhook_private_addresses && is_private(&url))
        return "its address is private; set webhook.private_addresses = on if "
               "that is meant";
    for (int i = 0; i < number; i++)
        if (is_same(webhook_url(config, i), webhook_url(config, number)))
            return "it must stand there once";
    return NULL;
}

/* A fault tells the place alone: there may be secrets in a URL. */
static bool check_urls(const struct config *config, struct buf *faults)
{
    int count = webhook_count(config);
    size_t faults_before = faults->len;

    if (count > URLS_MAX)
        buf_printf(faults,
            "webhook.urls: there are %d URLs, there must be at most %d\n",
            count, URLS_MAX);
    for (int i = 0; i < count && i < URLS_MAX; i++) {
        struct text url = webhook_url(config, i);
        char *copy = strndup(url.data, url.len);
        const char *wrong =
            copy ? check_url(config, i, copy) : "there is no memory for it";
        if (wrong)
            buf_printf(faults, "webhook.urls: URL %d: %s\n", i + 1, wrong);
        free(copy);
    }
    return faults->len == faults_before;
}

/* --- secrets ------------------------------------------------------------ */

static const char *read_key(struct webhook *webhook, const char *line)
{
    const char *text = line + strlen(KEY_PREFIX);
    const char *wrong = NULL;
    struct buf key = {0};

    if (strncmp(line, KEY_PREFIX, strlen(KEY_PREFIX)) != 0 ||
        !base64_decode(&key, BASE64, text, strlen(text)) || key.len < KEY_MIN ||
        key.len > KEY_MAX)
        wrong = "is no secret: \"whsec_\" and 24 to 64 bytes in base64; `echo "
                "\"whsec_$(openssl rand -base64 32)\"` prints a good one";
    else if (webhook->key_count == KEYS_MAX)
        wrong = "is one secret more than the 8 that there may be";
    else {
        struct hmac *hmac = hmac_new(key.data, key.len);
        if (hmac)
            webhook->keys[webhook->key_count++] = hmac;
        else
            wrong = "cannot be used: libcrypto gives no HMAC with SHA-256";
    }
    if (key.data)
        explicit_bzero(key.data, key.cap);
    buf_free(&key);
    return wrong;
}

/* One secret a line; they are lines as well that are empty or begin with "#".
 */
static bool read_lines(
    struct webhook *webhook, const char *path, char *text, struct buf *faults)
{
    size_t faults_before = faults->len;
    const char *wrong;

    for (int number = 1; text; number++) {
        char *line = strsep(&text, "\n");
        line[strcspn(line, "\r")] = '\0';
        wrong = *line && *line != '#' ? read_key(webhook, line) : NULL;
        if (wrong)
            buf_printf(faults, "webhook.secret_file: %s:%d: %s\n", path, number,
                wrong);
    }
    return faults->len == faults_before;
}

static bool read_keys(
    struct webhook *webhook, const char *path, struct buf *faults)
{
    char text[FILE_MAX + 1];
    size_t len = 0;
    bool holds = false;

    if (*path == '\0') {
        buf_puts(faults,
            "webhook.secret_file: must name the file with the secret that "
            "events are signed with, since webhook.urls is set\n");
        return false;
    }
    if (!secret_read(
            "webhook.secret_file", path, text, sizeof(text), &len, faults))
        goto out;
    if (len == sizeof(text) || memchr(text, '\0', len)) {
        buf_printf(faults,
            "webhook.secret_file: %s must be text of at most %d bytes\n", path,
            FILE_MAX);
        goto out;
    }
    text[len] = '\0';
    holds = read_lines(webhook, path, text, faults);
    if (holds && webhook->key_count == 0) {
        buf_printf(faults,
            "webhook.secret_file: %s must hold a secret; `echo \"whsec_$("
            "openssl rand -base64 32)\"` prints a good one\n",
            path);
        holds = false;
    }
out:
    explicit_bzero(text, sizeof(text));
    return holds;
}

static bool check_ca_file(const struct config *config, struct buf *faults)
{
    const char *path = config->webhook_ca_file;

    if (*path == '\0' || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return true;
    buf_printf(faults,
        "webhook.ca_file: %s must be a file of certificates that this account "
        "can read\n",
        path);
    return false;
}

/* --- both --------------------------------------------------------------- */

struct webhook *webhook_new(const struct config *config, struct buf *faults)
{
    struct webhook *webhook = calloc(1, sizeof(*webhook));

    if (!webhook) {
        buf_puts(faults, "webhook: out of memory\n");
        return NULL;
    }
    bool holds = check_urls(config, faults);
    holds &= check_ca_file(config, faults);
    holds &= read_keys(webhook, config->webhook_secret_file, faults);
    if (!holds) {
        webhook_free(webhook);
        return NULL;
    }
    return webhook;
}

void webhook_free(struct webhook *webhook)
{
    if (!webhook)
        return;
    for (int i = 0; i < webhook->key_count; i++)
        hmac_free(webhook->keys[i]);
    free(webhook);
}

enum error webhook_sign(const struct webhook *webhook, const char *id,
    int64_t time, struct text body, struct buf *out)
{
    unsigned char mac[HMAC_SIZE] = {0};
    struct buf signed_text = {0};

    buf_printf(&signed_text, "%s.%" PRId64 ".", id, time);
    buf_add(&signed_text, body.data, body.len);
    bool holds = !signed_text.failed;
    for (int i = 0; i < webhook->key_count && holds; i++) {
        holds =
            hmac_sign(webhook->keys[i], signed_text.data, signed_text.len, mac);
        buf_puts(out, i > 0 ? " v1," : "v1,");
        base64_encode(out, BASE64, mac, sizeof(mac));
    }
    buf_free(&signed_text);
    if (holds && !out->failed)
        return OK;
    log_error("webhook", "an event cannot be signed: out of memory");
    return ERR_INTERNAL;
}
