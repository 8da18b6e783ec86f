/* One user: a connection that carries one request at a time. The rounds are
 * those of the reference's load test, but for what README.md says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <json.h>

#include "buf.h"
#include "user.h"

enum {
    PARTICIPANTS = 10,
    INVITERS = 3,
    INVITED_MIN = 2,
    INVITED_MAX = 3,
    POSTS = 10, /* of each invited participant */
    SEARCHES = 10,
    SUBJECT_WORDS = 5,
    STORY_WORDS = 150,
    DICTIONARY = 40000,
    NAMES = 1000000,

    CONNECT_TIMEOUT = 2000, /* ms */
    TIMEOUT = 10000,        /* ms, of a request */
    PAUSE = 100,            /* ms, after an error */
    BUFFER_KEEP = 1 << 20
};

struct user {
    const struct options *options;
    const atomic_bool *stop;
    struct tally *tally;
    uint64_t random;
    CURL *curl;
    struct curl_slist *headers; /* of a POST */
    char curl_error[CURL_ERROR_SIZE];
    struct json_tokener *tokener;
    struct buf url;
    struct buf body;
    struct buf answer;
};

int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014; constants as in Vigna's splitmix64.c, which is in
 * the public domain (prng.di.unimi.it). */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static int random_below(struct user *user, int limit)
{
    return (int)((random_next(&user->random) >> 32) * (uint64_t)limit >> 32);
}

/* --- one request -------------------------------------------------------- */

static size_t take_answer(char *data, size_t size, size_t count, void *user)
{
    struct buf *answer = &((struct user *)user)->answer;

    buf_add(answer, data, size * count);
    return answer->failed ? 0 : size * count;
}

/* NULL if the answer is no JSON; else to be put. */
static json_object *parse_answer(struct user *user)
{
    const char *text = buf_text(&user->answer);

    json_tokener_reset(user->tokener);
    return json_tokener_parse_ex(user->tokener, text, (int)user->answer.len);
}

/* In words: the detail of a problem, or its title, or how the answer begins. */
static void tally_status(
    struct user *user, enum operation operation, long status)
{
    json_object *problem = parse_answer(user);
    json_object *text = NULL;
    char kind[32];
    char first[200];

    if (!json_object_object_get_ex(problem, "detail", &text))
        json_object_object_get_ex(problem, "title", &text);
    snprintf(first, sizeof(first), "%s",
        text ? json_object_get_string(text) : buf_text(&user->answer));
    first[strcspn(first, "\r\n")] = '\0';
    snprintf(kind, sizeof(kind), "status %ld", status);
    tally_error(
        user->tally, operation, kind, *first ? first : "the answer is empty");
    json_object_put(problem);
}

static const char *reason_of(const struct user *user, CURLcode code)
{
    return *user->curl_error ? user->curl_error : curl_easy_strerror(code);
}

static CURLcode perform(struct user *user)
{
    bool is_post = user->body.len > 0;

    buf_reset(&user->answer, BUFFER_KEEP);
    *user->curl_error = '\0';
    curl_easy_setopt(user->curl, CURLOPT_URL, buf_text(&user->url));
    if (is_post) {
        curl_easy_setopt(user->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(user->curl, CURLOPT_POSTFIELDS, buf_text(&user->body));
        curl_easy_setopt(
            user->curl, CURLOPT_POSTFIELDSIZE, (long)user->body.len);
    } else
        curl_easy_setopt(user->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(
        user->curl, CURLOPT_HTTPHEADER, is_post ? user->headers : NULL);
    return curl_easy_perform(user->curl);
}

static const char *kind_of(CURLcode code)
{
    return code == CURLE_OPERATION_TIMEDOUT ? "timeout"
           : code == CURLE_COULDNT_CONNECT  ? "no connection"
                                            : "broken connection";
}

/* A POST is answered with an object that has an id, a GET with an array. */
static bool read_answer(struct user *user, int64_t *id)
{
    json_object *json = parse_answer(user);
    json_object *member = NULL;
    bool ok;

    if (user->body.len > 0) {
        ok = json_object_object_get_ex(json, "id", &member) &&
             json_object_is_type(member, json_type_int);
        *id = ok ? json_object_get_int64(member) : 0;
        ok = *id > 0;
    } else
        ok = json_object_is_type(json, json_type_array);
    json_object_put(json);
    return ok;
}

/* Sends url and body, a POST if there is a body, and counts how it ends: false
 * if badly, or if the time is up and it was not even sent. */
static bool ask(struct user *user, enum operation operation, int64_t *id)
{
    if (atomic_load_explicit(user->stop, memory_order_relaxed))
        return false;

    long status = 0;
    int64_t begin = now_us();
    CURLcode code = perform(user);
    int64_t took = now_us() - begin;

    curl_easy_getinfo(user->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        tally_error(
            user->tally, operation, kind_of(code), reason_of(user, code));
    else if (status != 200)
        tally_status(user, operation, status);
    else if (!read_answer(user, id))
        tally_error(user->tally, operation, "wrong answer",
            user->body.len > 0 ? "status 200, but there is no id"
                               : "status 200, but it is no array");
    else {
        tally_success(user->tally, operation, took);
        return true;
    }

    /* A service that is down is not to be stormed, nor the report to be about
     * how fast it refuses. */
    nanosleep(&(struct timespec){.tv_nsec = PAUSE * 1000000L}, NULL);
    return false;
}

static void begin_request(struct user *user)
{
    buf_reset(&user->url, BUFFER_KEEP);
    buf_reset(&user->body, BUFFER_KEEP);
    buf_puts(&user->url, user->options->url);
}

static void begin_request_of(
    struct user *user, int64_t participant, const char *list)
{
    begin_request(user);
    buf_puts(&user->url, "/participant/");
    buf_int(&user->url, participant);
    buf_puts(&user->url, list);
}

/* --- rounds ------------------------------------------------------------- */

static bool add_participant(struct user *user, int64_t *id)
{
    begin_request(user);
    buf_puts(&user->url, "/participant");
    buf_printf(
        &user->body, "{\"name\":\"user %d\"}", random_below(user, NAMES));
    return ask(user, PARTICIPANT_ADD, id);
}

static void befriend(struct user *user, int64_t from, int64_t to)
{
    int64_t id;

    begin_request_of(user, from, "/friends");
    buf_printf(&user->body,
        "{\"from\":\"/participant/%lld\",\"to\":\"/participant/%lld\"}",
        (long long)from, (long long)to);
    ask(user, FRIEND_ADD, &id);
}

static void add_words(struct user *user, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_add(&user->body, " ", 1);
        buf_int(&user->body, random_below(user, DICTIONARY));
    }
}

static void publish(struct user *user, int64_t author)
{
    int64_t id;

    begin_request_of(user, author, "/outbound");
    buf_puts(&user->body, "{\"from\":\"/participant/");
    buf_int(&user->body, author);
    buf_puts(&user->body, "\",\"occurred\":\"2014-01-0");
    buf_int(&user->body, 1 + random_below(user, 8));
    buf_puts(&user->body, "T19:25:51.490Z\",\"subject\":\"");
    add_words(user, SUBJECT_WORDS);
    buf_puts(&user->body, "\",\"story\":\"");
    add_words(user, STORY_WORDS);
    buf_puts(&user->body, "\"}");
    ask(user, OUTBOUND_ADD, &id);
}

/* Where nginx reads the cache itself, it says what it found there. */
static void read_feed(struct user *user, int64_t reader)
{
    struct curl_header *cache;

    begin_request_of(user, reader, "/inbound");
    if (ask(user, INBOUND_GET, NULL) &&
        curl_easy_header(user->curl, "X-Cache", 0, CURLH_HEADER, -1, &cache) ==
            CURLHE_OK)
        tally_look(user->tally, strcmp(cache->value, "HIT") == 0);
}

static void search(struct user *user)
{
    begin_request(user);
    buf_puts(&user->url, "/outbound?keywords=");
    buf_int(&user->url, random_below(user, DICTIONARY));
    ask(user, OUTBOUND_SEARCH, NULL);
}

/* All different, so that every request makes a friendship of its own: the
 * invited are the first of the people, who invites them comes after these. */
static void choose(struct user *user, int64_t *people, int count)
{
    for (int i = 0; i < count; i++) {
        int other = i + random_below(user, PARTICIPANTS - i);
        int64_t chosen = people[other];
        people[other] = people[i];
        people[i] = chosen;
    }
}

static void run_posting_round(struct user *user)
{
    int64_t people[PARTICIPANTS];
    int invited =
        INVITED_MIN + random_below(user, INVITED_MAX - INVITED_MIN + 1);
    const int64_t *inviters = people + invited;

    for (int i = 0; i < PARTICIPANTS; i++)
        if (!add_participant(user, &people[i]))
            return;
    choose(user, people, invited + INVITERS);
    for (int i = 0; i < INVITERS; i++)
        for (int j = 0; j < invited; j++)
            befriend(user, inviters[i], people[j]);
    for (int i = 0; i < invited; i++)
        for (int j = 0; j < POSTS; j++) {
            publish(user, people[i]);
            for (int64_t k = 0; k < user->options->reads; k++)
                read_feed(user, inviters[random_below(user, INVITERS)]);
        }
}

void *user_run(void *argument)
{
    struct user *user = argument;

    while (!atomic_load(user->stop)) {
        if (random_below(user, 100) >= user->options->searchers)
            run_posting_round(user);
        else
            for (int i = 0; i < SEARCHES; i++)
                search(user);
    }
    return NULL;
}

const char *user_try(struct user *user)
{
    begin_request(user);
    buf_puts(&user->url, "/outbound?keywords=0");
    CURLcode code = perform(user);
    return code == CURLE_OK ? NULL : reason_of(user, code);
}

/* --- from beginning to end ---------------------------------------------- */

struct user *user_new(const struct options *options, uint64_t seed,
    struct tally *tally, const atomic_bool *stop)
{
    struct user *user = calloc(1, sizeof(*user));

    if (!user)
        return NULL;
    user->options = options;
    user->random = seed;
    user->tally = tally;
    user->stop = stop;
    user->curl = curl_easy_init();
    user->headers = curl_slist_append(NULL, "Content-Type: application/json");
    user->tokener = json_tokener_new();
    if (!user->curl || !user->headers || !user->tokener) {
        user_free(user);
        return NULL;
    }
    curl_easy_setopt(user->curl, CURLOPT_ERRORBUFFER, user->curl_error);
    curl_easy_setopt(user->curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(user->curl, CURLOPT_WRITEDATA, user);
    curl_easy_setopt(user->curl, CURLOPT_USERAGENT, "contrib/load");
    curl_easy_setopt(user->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(user->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(
        user->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT);
    curl_easy_setopt(user->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT);
    return user;
}

void user_free(struct user *user)
{
    if (!user)
        return;
    curl_easy_cleanup(user->curl);
    curl_slist_free_all(user->headers);
    if (user->tokener)
        json_tokener_free(user->tokener);
    buf_free(&user->url);
    buf_free(&user->body);
    buf_free(&user->answer);
    free(user);
}
