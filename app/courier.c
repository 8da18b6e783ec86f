/* POSTs to others over HTTP, several at a time: the only file that knows
 * libcurl. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "address.h"
#include "clock.h"
#include "courier.h"

enum {
    ANSWER_MAX = 64 << 10, /* bytes of head and body */
};

struct transfer {
    const struct courier_settings *settings;
    CURL *easy;
    struct curl_slist *headers;
    void *tag;
    bool is_busy;
    bool is_refused; /* by its address */
    size_t received; /* bytes */
    int status;      /* of the final head, once that is whole */
};

struct courier {
    struct courier_settings settings;
    CURLM *multi;
    struct transfer transfers[]; /* settings.at_once */
};

/* --- what libcurl calls ------------------------------------------------- */

/* Behind the resolver, so that no name leads where no address may. */
static curl_socket_t open_socket(
    void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;

    (void)purpose;
    if (!transfer->settings->private_addresses &&
        !address_is_public(&address->addr)) {
        transfer->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(
        address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Anything but `len` ends the transfer. */
static size_t count(struct transfer *transfer, size_t len)
{
    transfer->received += len;
    return transfer->received <= ANSWER_MAX ? len : 0;
}

static size_t take_head(char *data, size_t size, size_t items, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * items;
    bool is_end = len > 0 && (*data == '\r' || *data == '\n');
    long status = 0;

    if (is_end)
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200)
        transfer->status = (int)status;
    return count(transfer, len);
}

static size_t take_body(char *data, size_t size, size_t items, void *context)
{
    (void)data;
    return count(context, size * items);
}

/* --- requests ----------------------------------------------------------- */

/* What holds for every request. Without signals, and without waiting for a
 * resolver that does not answer, either of which would hold up all others. */
static bool prepare(struct transfer *transfer)
{
    const struct courier_settings *settings = transfer->settings;
    CURL *easy = transfer->easy = curl_easy_init();
    bool holds = easy != NULL;

#define SET(option, value) \
    (holds = holds && curl_easy_setopt(easy, option, value) == CURLE_OK)
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, ""); /* nor one of the environment's */
    SET(CURLOPT_TIMEOUT_MS, (long)settings->timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)settings->timeout);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_head);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    if (*settings->ca_file) {
        SET(CURLOPT_CAINFO, settings->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    return holds;
}

static bool set_request(
    struct transfer *transfer, const char *url, struct text body)
{
    CURL *easy = transfer->easy;
    bool holds = true;

    SET(CURLOPT_URL, url);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    SET(CURLOPT_POSTFIELDS, body.data);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
#undef SET
    return holds;
}

static void release(struct transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->is_busy = false;
}

static struct transfer *find_free(struct courier *courier)
{
    for (int i = 0; i < courier->settings.at_once; i++)
        if (!courier->transfers[i].is_busy)
            return &courier->transfers[i];
    return NULL;
}

bool courier_has_room(struct courier *courier)
{
    return find_free(courier) != NULL;
}

static bool add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);

    if (longer)
        transfer->headers = longer;
    return longer != NULL;
}

bool courier_send(struct courier *courier, const char *url,
    const char *const *headers, struct text body, void *tag)
{
    struct transfer *transfer = find_free(courier);
    bool holds = true;

    for (; *headers && holds; headers++)
        holds = add_header(transfer, *headers);
    transfer->tag = tag;
    transfer->is_refused = false;
    transfer->received = 0;
    transfer->status = 0;
    transfer->is_busy =
        holds && set_request(transfer, url, body) &&
        curl_multi_add_handle(courier->multi, transfer->easy) == CURLM_OK;
    if (!transfer->is_busy)
        release(transfer);
    return transfer->is_busy;
}

/* --- answers ------------------------------------------------------------ */

static void describe(const struct transfer *transfer, CURLcode result,
    struct courier_answer *answer)
{
    curl_off_t retry_after = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    *answer = (struct courier_answer){
        .tag = transfer->tag,
        .status = transfer->status,
        .retry_after = retry_after,
    };
    if (answer->status)
        return;
    answer->is_private = transfer->is_refused;
    answer->failure = transfer->received > ANSWER_MAX
                          ? "the head of its answer is too long"
                          : curl_easy_strerror(result);
}

/* The next that has ended. */
static bool take(struct courier *courier, struct courier_answer *answer)
{
    struct transfer *transfer = NULL;
    CURLMsg *message;
    int left;

    do
        message = curl_multi_info_read(courier->multi, &left);
    while (message && message->msg != CURLMSG_DONE);
    if (!message)
        return false;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    describe(transfer, message->data.result, answer);
    curl_multi_remove_handle(courier->multi, transfer->easy);
    release(transfer);
    return true;
}

bool courier_next(
    struct courier *courier, int ms, struct courier_answer *answer)
{
    int64_t end = monotonic_ms() + ms;
    int64_t left;
    int running;

    for (;;) {
        curl_multi_perform(courier->multi, &running);
        if (take(courier, answer))
            return true;
        left = end - monotonic_ms();
        if (running == 0 || left <= 0)
            return false;
        curl_multi_poll(courier->multi, NULL, 0, (int)left, NULL);
    }
}

void courier_drop(struct courier *courier)
{
    for (int i = 0; i < courier->settings.at_once; i++) {
        struct transfer *transfer = &courier->transfers[i];
        if (transfer->is_busy) {
            curl_multi_remove_handle(courier->multi, transfer->easy);
            release(transfer);
        }
    }
}

/* --- life --------------------------------------------------------------- */

struct courier *courier_new(const struct courier_settings *settings)
{
    size_t room = (size_t)settings->at_once;
    struct courier *courier =
        calloc(1, sizeof(*courier) + room * sizeof(struct transfer));

    if (!courier)
        return NULL;
    courier->settings = *settings;
    bool holds = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    courier->multi = holds ? curl_multi_init() : NULL;
    holds = courier->multi != NULL;
    for (int i = 0; i < settings->at_once && holds; i++) {
        courier->transfers[i].settings = &courier->settings;
        holds = prepare(&courier->transfers[i]);
    }
    if (!holds) {
        courier_free(courier);
        return NULL;
    }
    return courier;
}

void courier_free(struct courier *courier)
{
    if (!courier)
        return;
    if (courier->multi)
        courier_drop(courier);
    for (int i = 0; i < courier->settings.at_once; i++)
        curl_easy_cleanup(courier->transfers[i].easy);
    curl_multi_cleanup(courier->multi);
    free(courier);
}
