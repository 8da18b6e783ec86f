/* Tests of cache: its protocol, over a memc that is played in memory. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"
#include "clock.h"
#include "memc.h"
#include "metrics.h"
#include "runner.h"
#include "runtime.h"

/* --- the played memc ---------------------------------------------------- */

enum {
    SERVERS = 3,
    ENTRIES = 16
};

enum call {
    GET,
    ADD,
    REPLACE,
    DELETE,
    SET,
    PREPEND,
    FIND,
    SEND,
    FENCE,
    CALLS,
};

struct memc {
    int count;
};

static struct entry {
    bool is_used;
    bool is_doomed; /* deleted, and no fence has waited for that yet */
    bool is_unsent; /* set, and nothing has been sent since */
    int server;
    char key[64];
    char value[64];
    uint64_t cas;
    uint32_t room;
    int ttl;
} entries[ENTRIES];

static uint64_t last_cas;
static struct buf told[SERVERS]; /* keys, by the next fence */
static const char *unchangeable; /* a key before whose value nothing is put */
static int calls[CALLS][SERVERS];
static bool is_failing[CALLS][SERVERS];
static int losses[CALLS][SERVERS]; /* so many calls find no connection */

/* What happens right before the n-th call of an operation from now on. */
static struct {
    enum call operation;
    int n;
    void (*happen)(void);
} meanwhile;

/* What was sent quietly over a connection that is gone may not have run. */
static void lose_deletes(int server)
{
    for (struct entry *e = entries; e < entries + ENTRIES; e++)
        if (e->server == server)
            e->is_doomed = false;
}

static enum memc_result begin(
    const struct memc *memc, enum call operation, int group)
{
    int server = memc_server_of(memc, group);

    if (meanwhile.happen && meanwhile.operation == operation &&
        --meanwhile.n == 0)
        meanwhile.happen();
    calls[operation][server]++;
    if (is_failing[operation][server])
        return MEMC_FAILED;
    if (losses[operation][server] == 0)
        return MEMC_OK;
    losses[operation][server]--;
    lose_deletes(server);
    return MEMC_LOST;
}

static struct entry *find(int server, const char *key)
{
    for (struct entry *e = entries; e < entries + ENTRIES; e++)
        if (e->is_used && e->server == server && strcmp(e->key, key) == 0)
            return e;
    return NULL;
}

static void send_all(int server)
{
    for (struct entry *e = entries; e < entries + ENTRIES; e++)
        if (e->server == server)
            e->is_unsent = false;
}

static void fill(struct entry *e, const char *value, size_t len, int ttl)
{
    ck_assert_uint_lt(len, sizeof(e->value));
    memcpy(e->value, value, len);
    e->value[len] = '\0';
    e->cas = ++last_cas;
    e->ttl = ttl;
    e->is_doomed = false;
}

static void put(int server, const char *key, const char *value)
{
    struct entry *e = find(server, key);

    for (int i = 0; !e && i < ENTRIES; i++)
        if (!entries[i].is_used)
            e = &entries[i];
    ck_assert_ptr_nonnull(e);
    e->is_used = true;
    e->server = server;
    snprintf(e->key, sizeof(e->key), "%s", key);
    fill(e, value, strlen(value), 0);
}

struct memc *memc_new(const char *servers, int timeout, struct buf *faults)
{
    struct memc *memc = calloc(1, sizeof(*memc));

    (void)timeout;
    if (!memc || strcmp(servers, "bad") == 0) {
        buf_puts(faults, "cache.servers: 'bad'\n");
        free(memc);
        return NULL;
    }
    memc->count = 1;
    for (const char *p = servers; *p; p++)
        memc->count += *p == ',';
    return memc;
}

void memc_free(struct memc *memc)
{
    free(memc);
}

int memc_server_count(const struct memc *memc)
{
    return memc->count;
}

void memc_print_server(const struct memc *memc, int server, struct buf *out)
{
    (void)memc;
    buf_printf(out, "host%d:11211", server);
}

const char *memc_server_name(const struct memc *memc, int server)
{
    static const char *const names[] = {"0", "1", "2", "3"};

    (void)memc;
    return names[server];
}

int memc_server_of(const struct memc *memc, int group)
{
    return group % memc->count;
}

static int delete_limit; /* ms */

void memc_limit_changes(struct memc *memc, int timeout)
{
    (void)memc;
    delete_limit = timeout;
}

const char *memc_error(const struct memc *memc)
{
    (void)memc;
    return "as the test wants it";
}

/* An add, or a compare and swap, whose answer nobody waits for, and a get
 * behind it. */
enum memc_result memc_claim(struct memc *memc, int group, const char *key,
    const char *mine, int ttl_seconds, uint64_t over, struct buf *value,
    uint64_t *cas)
{
    int server = memc_server_of(memc, group);

    enum memc_result result = begin(memc, ADD, group);
    struct entry *e = find(server, key);
    if (result == MEMC_OK && !e && !over) {
        put(server, key, "");
        fill(find(server, key), mine, strlen(mine), ttl_seconds);
    } else if (result == MEMC_OK && e && e->cas == over)
        fill(e, mine, strlen(mine), ttl_seconds);
    if (result == MEMC_OK)
        result = begin(memc, GET, group);
    if (result != MEMC_OK)
        return result;
    e = find(server, key);
    buf_reset(value, value->cap);
    if (!e)
        return MEMC_NOT_FOUND;
    buf_puts(value, e->value);
    *cas = e->cas;
    return MEMC_OK;
}

enum memc_result memc_replace(struct memc *memc, int group, const char *key,
    const char *value, size_t len, uint32_t room, int ttl_seconds, uint64_t cas)
{
    enum memc_result result = begin(memc, REPLACE, group);
    if (result != MEMC_OK)
        return result;
    struct entry *e = find(memc_server_of(memc, group), key);
    if (!e || e->cas != cas)
        return MEMC_NOT_FOUND;
    fill(e, value, len, ttl_seconds);
    e->room = room;
    return MEMC_OK;
}

enum memc_result memc_delete(struct memc *memc, int group, const char *key)
{
    enum memc_result result = begin(memc, DELETE, group);
    if (result != MEMC_OK)
        return result;
    struct entry *e = find(memc_server_of(memc, group), key);
    if (e)
        e->is_doomed = true;
    return MEMC_OK;
}

enum memc_result memc_set(struct memc *memc, int group, const char *key,
    const char *value, size_t len, int ttl_seconds)
{
    int server = memc_server_of(memc, group);

    enum memc_result result = begin(memc, SET, group);
    if (result != MEMC_OK)
        return result;
    put(server, key, "");
    fill(find(server, key), value, len, ttl_seconds);
    find(server, key)->is_unsent = true;
    return MEMC_OK;
}

static void tell(int server, const char *key)
{
    buf_printf(&told[server], "%s\n", key);
}

enum memc_result memc_prepend(struct memc *memc, int group, const char *key,
    const char *bytes, size_t len)
{
    int server = memc_server_of(memc, group);
    char value[128];

    enum memc_result result = begin(memc, PREPEND, group);
    struct entry *e = find(server, key);
    if (result != MEMC_OK || !e)
        return result;
    if (unchangeable && strcmp(unchangeable, key) == 0) {
        tell(server, key);
        return MEMC_OK;
    }
    snprintf(value, sizeof(value), "%.*s%s", (int)len, bytes, e->value);
    fill(e, value, strlen(value), e->ttl);
    return MEMC_OK;
}

enum memc_result memc_find(struct memc *memc, int group, const char *key)
{
    int server = memc_server_of(memc, group);

    enum memc_result result = begin(memc, FIND, group);
    if (result == MEMC_OK && find(server, key))
        tell(server, key);
    return result;
}

enum memc_result memc_send(struct memc *memc, int group)
{
    enum memc_result result = begin(memc, SEND, group);

    if (result == MEMC_OK)
        send_all(memc_server_of(memc, group));
    return result;
}

enum memc_result memc_fence(struct memc *memc, int group, struct buf *keys)
{
    int server = memc_server_of(memc, group);

    enum memc_result result = begin(memc, FENCE, group);
    if (result != MEMC_OK)
        return result;
    send_all(server);
    for (struct entry *e = entries; e < entries + ENTRIES; e++)
        if (e->is_doomed && e->server == server)
            *e = (struct entry){0};
    if (keys)
        buf_add(keys, buf_text(&told[server]), told[server].len);
    buf_reset(&told[server], 0);
    return MEMC_OK;
}

/* --- what the tests work with ------------------------------------------- */

/* Feeds by the server that holds them: a feed's group is its id modulo 1000,
 * and the played memc has group g on server g modulo 3. */
enum {
    ON_0 = 3,
    ON_1 = 7,
    ON_1_TOO = 1004,
    ON_2 = 2
};

#define KEY_0 "nf:inbound:3@1"
#define KEY_1 "nf:inbound:7@1"
#define KEY_2 "nf:inbound:2@1"

static char dir[] = "/tmp/newsfeed-cache-XXXXXX";
static struct config config;
static struct cache_guard guards[SERVERS];
static struct breaker payments[SERVERS];
static struct cache *cache;
static struct cache *other; /* another worker's */
static struct buf page;
static struct buf other_page;

static void set_up(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    config = (struct config){.cache_servers = "a,b,c",
        .service_runtime_dir = dir,
        .cache_prefix = "nf",
        .cache_timeout = 50,
        .cache_retry = 60000,
        .cache_ttl = 60,
        .auth_key_file = ""};
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "1"));
    cache = cache_new(&config, guards, payments);
    other = cache_new(&config, guards, payments);
    ck_assert(cache && other);
}

static void tear_down(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
    memset(payments, 0, sizeof(payments));
    cache_free(cache);
    cache_free(other);
    buf_free(&page);
    buf_free(&other_page);
    memset(entries, 0, sizeof(entries));
    memset(calls, 0, sizeof(calls));
    memset(is_failing, 0, sizeof(is_failing));
    memset(losses, 0, sizeof(losses));
    memset(&meanwhile, 0, sizeof(meanwhile));
    memset(guards, 0, sizeof(guards));
    for (int i = 0; i < SERVERS; i++)
        buf_free(&told[i]);
    unchangeable = NULL;
}

static void let_happen(enum call operation, int n, void (*happen)(void))
{
    meanwhile.operation = operation;
    meanwhile.n = n;
    meanwhile.happen = happen;
}

static int count_calls(void)
{
    int count = 0;

    for (int i = 0; i < CALLS * SERVERS; i++)
        count += calls[i / SERVERS][i % SERVERS];
    return count;
}

static const char *value_of(int server, const char *key)
{
    const struct entry *e = find(server, key);

    return e ? e->value : NULL;
}

static bool is_leased(int server, const char *key)
{
    const char *value = value_of(server, key);

    return value && strncmp(value, "L:", 2) == 0;
}

static bool is_open(int server)
{
    return breaker_is_open(&guards[server].reads);
}

static bool has_failed_to_drop(int server)
{
    return breaker_was_tripped(&guards[server].drops);
}

static enum cache_lookup fetch(int64_t participant)
{
    return cache_fetch(cache, participant, 0, &page);
}

static void store(int64_t participant, const char *text)
{
    cache_store(cache, participant, text, strlen(text));
}

static bool try_drop(const int64_t *participants, size_t count)
{
    return cache_try_drop(cache, participants, count, CACHE_EVERYWHERE) == 0;
}

static bool drop(int64_t participant)
{
    return try_drop(&participant, 1);
}

static void drop_on_1(void)
{
    ck_assert_uint_eq(
        cache_try_drop(other, (int64_t[]){ON_1}, 1, CACHE_EVERYWHERE), 0);
}

static void store_on_1(void)
{
    store(ON_1, "page");
}

static void plant_lease_on_1(void)
{
    put(1, KEY_1, "L:somebody");
}

static void put_on_1(void)
{
    put(1, KEY_1, "page");
}

static void replace_lease_on_1(void)
{
    drop_on_1();
    plant_lease_on_1();
}

/* --- reading ------------------------------------------------------------ */

START_TEST(a_page_is_a_hit)
{
    put(1, KEY_1, "HTTP/1.1 200 OK");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    ck_assert_str_eq(buf_text(&page), "HTTP/1.1 200 OK");
    ck_assert_int_eq(calls[GET][1], 1);
    ck_assert_int_eq(count_calls(), 2);
}
END_TEST

START_TEST(a_page_replaces_what_the_buffer_held)
{
    buf_puts(&page, "something else");
    put(1, KEY_1, "page");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    ck_assert_str_eq(buf_text(&page), "page");
}
END_TEST

START_TEST(a_miss_takes_a_lease_that_ends_by_itself)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert(is_leased(1, KEY_1));
    ck_assert_int_eq(find(1, KEY_1)->ttl, 3);
}
END_TEST

START_TEST(whoever_has_the_lease_stores_the_page)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "page");
    ck_assert_int_eq(find(1, KEY_1)->ttl, 60);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_HIT);
    ck_assert_str_eq(buf_text(&other_page), "page");
}
END_TEST

START_TEST(a_page_is_counted_if_it_could_be_sent)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    is_failing[REPLACE][1] = true;
    store(ON_1, "page");
    ck_assert_uint_eq(metrics_value(METRIC_CACHE_PAGES, PAGE_STORED, 0), 0);
    is_failing[REPLACE][1] = false;
    store(ON_1, "page");
    ck_assert_uint_eq(metrics_value(METRIC_CACHE_PAGES, PAGE_STORED, 0), 1);
}
END_TEST

START_TEST(a_second_reader_looks_twice_and_shares_the_lease)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    ck_assert_int_eq(calls[GET][1], 1 + 2);
    store(ON_1, "page"); /* the lease still holds */
    ck_assert_str_eq(value_of(1, KEY_1), "page");
    cache_store(other, ON_1, "late", 4);
    ck_assert_str_eq(value_of(1, KEY_1), "page");
}
END_TEST

START_TEST(a_second_reader_stores_what_the_first_never_does)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    cache_store(other, ON_1, "page", 4);
    ck_assert_str_eq(value_of(1, KEY_1), "page");
}
END_TEST

START_TEST(a_shared_lease_ends_with_a_drop_too)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    ck_assert(drop(ON_1));
    cache_store(other, ON_1, "old", 3);
    store(ON_1, "old");
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(a_second_reader_finds_what_was_stored_while_he_waited)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    let_happen(GET, 2, store_on_1);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_HIT);
    ck_assert_str_eq(buf_text(&other_page), "page");
}
END_TEST

START_TEST(a_second_reader_takes_the_lease_if_it_was_dropped_while_he_waited)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    let_happen(ADD, 2, drop_on_1);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    cache_store(other, ON_1, "new", 3);
    store(ON_1, "old");
    ck_assert_str_eq(value_of(1, KEY_1), "new");
}
END_TEST

START_TEST(who_is_second_to_put_up_a_lease_waits_for_the_first)
{
    let_happen(ADD, 1, plant_lease_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(calls[GET][1], 2);
    ck_assert_str_eq(value_of(1, KEY_1), "L:somebody");
    ck_assert(!is_open(1));
}
END_TEST

/* Between putting the lease up and learning its cas. */
START_TEST(a_lease_that_is_dropped_at_once_is_none)
{
    let_happen(GET, 1, drop_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(!is_open(1));
}
END_TEST

START_TEST(another_lease_at_the_same_key_is_waited_for)
{
    let_happen(GET, 1, replace_lease_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(calls[GET][1], 2);
    ck_assert_str_eq(value_of(1, KEY_1), "L:somebody");
}
END_TEST

/* nginx's lease: an empty value. */
START_TEST(a_lease_that_nginx_took_is_ones_own)
{
    put(1, KEY_1, "");
    ck_assert_int_eq(
        cache_fetch(cache, ON_1, find(1, KEY_1)->cas, &page), CACHE_LEASE);
    ck_assert_int_eq(calls[ADD][1] + calls[GET][1], 0);
    store(ON_1, "page");
    ck_assert_str_eq(value_of(1, KEY_1), "page");
}
END_TEST

START_TEST(a_lease_that_nginx_took_and_a_drop_ended_stores_nothing)
{
    put(1, KEY_1, "");
    uint64_t lease = find(1, KEY_1)->cas;
    drop_on_1();
    ck_assert_int_eq(cache_fetch(cache, ON_1, lease, &page), CACHE_LEASE);
    store(ON_1, "old");
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(a_lease_that_nginx_took_for_another_is_waited_for)
{
    put(1, KEY_1, "");
    let_happen(GET, 2, put_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
}
END_TEST

START_TEST(a_server_that_failed_is_not_stored_to_by_nginxs_lease_either)
{
    put(1, KEY_1, "");
    breaker_trip(&guards[1].reads, 1000);
    ck_assert_int_eq(
        cache_fetch(cache, ON_1, find(1, KEY_1)->cas, &page), CACHE_MISS);
}
END_TEST

START_TEST(each_feed_has_its_own_lease)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "one");
    ck_assert_int_eq(fetch(ON_1_TOO), CACHE_LEASE);
    store(ON_1_TOO, "two");
    ck_assert_str_eq(value_of(1, KEY_1), "one");
    ck_assert_str_eq(value_of(1, "nf:inbound:1004@1"), "two");
}
END_TEST

START_TEST(the_largest_id_has_a_key)
{
    ck_assert_int_eq(fetch(INT64_MAX), CACHE_LEASE); /* group 807 */
    ck_assert(is_leased(0, "nf:inbound:9223372036854775807@1"));
}
END_TEST

/* --- storing ------------------------------------------------------------ */

START_TEST(a_page_that_was_read_before_a_drop_is_not_stored)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    drop_on_1();
    store(ON_1, "old");
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(a_page_that_was_read_before_a_drop_ends_no_later_lease)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    drop_on_1();
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    store(ON_1, "old");
    ck_assert(is_leased(1, KEY_1));
    cache_store(other, ON_1, "new", 3);
    ck_assert_str_eq(value_of(1, KEY_1), "new");
}
END_TEST

START_TEST(a_page_that_was_read_before_a_drop_replaces_no_later_page)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    drop_on_1();
    put(1, KEY_1, "new");
    store(ON_1, "old");
    ck_assert_str_eq(value_of(1, KEY_1), "new");
}
END_TEST

START_TEST(under_a_lease_that_has_expired_nothing_is_stored)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    *find(1, KEY_1) = (struct entry){0};
    store(ON_1, "page");
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert(!is_open(1));
}
END_TEST

START_TEST(a_released_lease_makes_room_for_the_next)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    cache_release(cache, ON_1);
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
}
END_TEST

/* --- dropping ----------------------------------------------------------- */

START_TEST(a_drop_deletes_pages_and_leases)
{
    put(0, KEY_0, "page");
    put(2, KEY_2, "page");
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert(try_drop((int64_t[]){ON_0, ON_1}, 2));
    ck_assert_ptr_null(value_of(0, KEY_0));
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_str_eq(value_of(2, KEY_2), "page");
}
END_TEST

START_TEST(a_drop_fences_each_server_once_that_it_told)
{
    const int64_t feeds[] = {ON_1, ON_0, ON_1_TOO, ON_1, ON_0};

    ck_assert(try_drop(feeds, 5));
    ck_assert_int_eq(calls[DELETE][0], 2);
    ck_assert_int_eq(calls[DELETE][1], 3);
    ck_assert_int_eq(calls[FENCE][0], 1);
    ck_assert_int_eq(calls[FENCE][1], 1);
    ck_assert_int_eq(calls[FENCE][2], 0);
}
END_TEST

START_TEST(a_drop_of_nothing_asks_nobody)
{
    ck_assert(try_drop(NULL, 0));
    ck_assert_int_eq(count_calls(), 0);
}
END_TEST

/* --- news --------------------------------------------------------------- */

static void print_news(void *context, int64_t reader, struct buf *out)
{
    buf_printf(out, "%s%lld,", (const char *)context, (long long)reader);
}

static char text[] = "n";
static const struct cache_news news = {
    .post = 9, .print = print_news, .context = text};

#define CONFIRMED "nf:put:9@1"

static void put_news(int64_t reader)
{
    cache_put(cache, &reader, 1, &news);
}

START_TEST(news_are_put_in_front_of_the_pages_of_each_server)
{
    put(0, KEY_0, "page");
    put(1, KEY_1, "page");
    cache_put(cache, (int64_t[]){ON_0, ON_1, ON_2}, 3, &news);
    ck_assert_str_eq(value_of(0, KEY_0), "n3,page");
    ck_assert_str_eq(value_of(1, KEY_1), "n7,page");
    ck_assert_ptr_null(value_of(2, KEY_2));
    for (int i = 0; i < SERVERS; i++) {
        ck_assert_str_eq(value_of(i, CONFIRMED), "");
        ck_assert_int_eq(calls[FENCE][i], 1);
        ck_assert_int_eq(calls[DELETE][i], 0);
    }
}
END_TEST

/* So many that they are looked for first: 1 to 100. */
static bool put_many(const struct cache_news *many)
{
    int64_t feeds[100];

    for (int i = 0; i < 100; i++)
        feeds[i] = i + 1;
    return cache_try_put(cache, feeds, 100, many) == 0;
}

START_TEST(of_many_pages_those_are_changed_that_are_there)
{
    put(0, KEY_0, "page");
    put(1, KEY_1, "page");
    put(1, "nf:inbound:100@1", ""); /* nginx's lease */
    ck_assert(put_many(&news));
    ck_assert_str_eq(value_of(0, KEY_0), "n3,page");
    ck_assert_str_eq(value_of(1, KEY_1), "n7,page");
    ck_assert_str_eq(value_of(1, "nf:inbound:100@1"), "n100,");
    ck_assert_int_eq(calls[PREPEND][0], 1);
    ck_assert_int_eq(calls[PREPEND][1], 2);
    ck_assert_int_eq(calls[PREPEND][2], 0);
    ck_assert_str_eq(value_of(2, CONFIRMED), "");
}
END_TEST

START_TEST(a_look_for_pages_that_was_lost_is_repeated)
{
    put(1, KEY_1, "page");
    losses[FENCE][1] = 1;
    ck_assert(put_many(&news));
    ck_assert_str_eq(value_of(1, KEY_1), "n7,page");
}
END_TEST

START_TEST(who_tries_to_put_news_hears_of_a_failure_and_owes_nothing)
{
    put(1, KEY_1, "page");
    is_failing[FIND][1] = true;
    ck_assert(!put_many(&news));
    ck_assert_ptr_null(value_of(1, CONFIRMED));
    is_failing[FIND][1] = false;
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
}
END_TEST

START_TEST(news_of_no_post_confirm_none)
{
    put(1, KEY_1, "page");
    ck_assert(
        put_many(&(struct cache_news){.print = print_news, .context = text}));
    ck_assert_str_eq(value_of(1, KEY_1), "n7,page");
    for (int i = 0; i < SERVERS; i++)
        ck_assert_int_eq(calls[SET][i], 0);
}
END_TEST

START_TEST(a_page_that_was_read_before_the_news_is_not_stored)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    put_news(ON_1);
    cache_store(cache, ON_1, "old", 3);
    ck_assert_str_ne(value_of(1, KEY_1), "old");
}
END_TEST

START_TEST(what_is_no_page_is_taken_over_by_one_reader)
{
    put(1, KEY_1, "n7,no page");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_HIT);
    ck_assert_int_eq(cache_take_over(cache, ON_1, &page), CACHE_LEASE);
    ck_assert_int_eq(cache_take_over(other, ON_1, &other_page), CACHE_LEASE);
    cache_store(cache, ON_1, "new", 3);
    cache_store(other, ON_1, "newer", 5); /* it shared the lease */
    ck_assert_str_eq(value_of(1, KEY_1), "new");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
}
END_TEST

START_TEST(what_was_taken_over_is_not_stored_behind_news)
{
    put(1, KEY_1, "no page");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    ck_assert_int_eq(cache_take_over(cache, ON_1, &page), CACHE_LEASE);
    put_news(ON_1);
    cache_store(cache, ON_1, "old", 3);
    ck_assert_str_ne(value_of(1, KEY_1), "old");
}
END_TEST

START_TEST(a_page_that_took_its_place_is_found_by_who_takes_over)
{
    put(1, KEY_1, "no page");
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    put(1, KEY_1, "page");
    ck_assert_int_eq(cache_take_over(cache, ON_1, &page), CACHE_HIT);
    ck_assert_str_eq(buf_text(&page), "page");
}
END_TEST

START_TEST(a_page_that_cannot_be_changed_is_dropped_before_it_is_confirmed)
{
    put(1, KEY_1, "page");
    unchangeable = KEY_1;
    put_news(ON_1);
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_str_eq(value_of(1, CONFIRMED), "");
}
END_TEST

static bool is_confirmed(void)
{
    const struct entry *e = find(1, CONFIRMED);

    return e && !e->is_unsent;
}

START_TEST(a_confirmation_goes_with_what_is_sent_next)
{
    put_news(ON_1);
    ck_assert(!is_confirmed());
    ck_assert(drop(ON_1_TOO));
    ck_assert(is_confirmed());
    ck_assert_int_eq(calls[SEND][1], 0);
}
END_TEST

START_TEST(a_confirmation_waits_no_longer_than_there_are_requests)
{
    put_news(ON_1);
    ck_assert(cache_has_unsent(cache));
    cache_send(cache, true);
    ck_assert(is_confirmed());
    ck_assert(!cache_has_unsent(cache));
}
END_TEST

START_TEST(a_confirmation_does_not_wait_for_long)
{
    put_news(ON_1);
    poll(NULL, 0, 25);
    cache_send(cache, false);
    ck_assert(is_confirmed());
}
END_TEST

START_TEST(a_confirmation_is_sent_by_who_ends)
{
    cache_put(other, (int64_t[]){ON_1}, 1, &news);
    cache_free(other);
    other = NULL;
    ck_assert(is_confirmed());
}
END_TEST

START_TEST(a_page_has_room_for_as_much_news_and_some)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "a page");
    ck_assert_uint_eq(find(1, KEY_1)->room, 2 * strlen("a page") + 16384);
}
END_TEST

START_TEST(news_that_a_server_does_not_take_are_owed_and_not_confirmed)
{
    put(0, KEY_0, "page");
    put(1, KEY_1, "page");
    is_failing[FENCE][1] = true;
    cache_put(cache, (int64_t[]){ON_0, ON_1}, 2, &news);
    ck_assert(runtime_is_closed(dir, "1") && !runtime_is_closed(dir, "0"));
    ck_assert_ptr_null(value_of(1, CONFIRMED));
    ck_assert_str_eq(value_of(0, CONFIRMED), "");
}
END_TEST

START_TEST(news_over_a_lost_connection_are_put_once_more)
{
    put(1, KEY_1, "page");
    losses[FENCE][1] = 1;
    put_news(ON_1);
    ck_assert_str_eq(value_of(1, KEY_1), "n7,n7,page");
    ck_assert(!runtime_is_closed(dir, "1"));
}
END_TEST

START_TEST(a_confirmation_is_found)
{
    struct cache_post posts[] = {
        {8, (int64_t[]){ON_1}, 1, 0},
        {9, (int64_t[]){ON_1, ON_0}, 2, 0},
        {10, NULL, 0, 7},
        {11, (int64_t[]){ON_0}, 1, 0},
    };

    cache_put(cache, (int64_t[]){ON_0, ON_1}, 2, &news);
    ck_assert_uint_eq(cache_find_unconfirmed(cache, posts, 4), 0);
    ck_assert_uint_eq(posts[0].unconfirmed, 1 << 1);
    ck_assert_uint_eq(posts[1].unconfirmed, 0);
    ck_assert_uint_eq(posts[2].unconfirmed, 0);
    ck_assert_uint_eq(posts[3].unconfirmed, 1 << 0);
}
END_TEST

START_TEST(a_post_is_unconfirmed_where_a_server_has_no_confirmation)
{
    struct cache_post post = {9, (int64_t[]){ON_1, ON_0}, 2, 0};

    put_news(ON_1);
    ck_assert_uint_eq(cache_find_unconfirmed(cache, &post, 1), 0);
    ck_assert_uint_eq(post.unconfirmed, 1 << 0);
}
END_TEST

START_TEST(where_a_server_cannot_be_asked_nothing_is_confirmed)
{
    struct cache_post posts[] = {
        {9, (int64_t[]){ON_1, ON_0}, 2, 0},
        {10, (int64_t[]){ON_0}, 1, 0},
    };

    cache_put(cache, (int64_t[]){ON_0, ON_1}, 2, &news);
    is_failing[FENCE][1] = true;
    ck_assert_uint_eq(cache_find_unconfirmed(cache, posts, 2), 1 << 1);
    ck_assert_uint_eq(posts[0].unconfirmed, 1 << 1);
    ck_assert_uint_eq(posts[1].unconfirmed, 1 << 0);
}
END_TEST

START_TEST(where_no_database_is_known_nothing_is_confirmed)
{
    struct cache_post post = {9, (int64_t[]){ON_1, ON_0}, 2, 0};
    char path[64];

    cache_put(cache, (int64_t[]){ON_0, ON_1}, 2, &news);
    snprintf(path, sizeof(path), "%s/" CONTRACT_WORD_DATABASE, dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(
        cache_find_unconfirmed(cache, &post, 1), CACHE_EVERYWHERE);
    ck_assert_uint_eq(post.unconfirmed, 1 << 0 | 1 << 1);
}
END_TEST

/* --- failures ----------------------------------------------------------- */

START_TEST(a_server_that_fails_is_left_alone_and_no_other)
{
    is_failing[GET][1] = true;
    put(0, KEY_0, "page");
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(is_open(1));
    ck_assert(!is_open(0) && !is_open(2));

    ck_assert_int_eq(fetch(ON_1_TOO), CACHE_MISS);
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_MISS);
    ck_assert_int_eq(calls[GET][1], 1);
    ck_assert_int_eq(fetch(ON_0), CACHE_HIT);
    ck_assert_int_eq(fetch(ON_2), CACHE_LEASE);
}
END_TEST

START_TEST(a_server_is_asked_again_when_its_time_is_over)
{
    is_failing[GET][1] = true;
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    is_failing[GET][1] = false;
    put(1, KEY_1, "page");
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    guards[1].reads.open_until = 1;
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
}
END_TEST

START_TEST(a_server_is_left_alone_for_as_long_as_was_asked_for)
{
    config.cache_retry = 0;
    is_failing[GET][1] = true;
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_eq(calls[GET][1], 2);
    config.cache_retry = 60000;

    int64_t before = monotonic_ms();
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_ge(guards[1].reads.open_until, before + 60000);
    ck_assert_int_le(guards[1].reads.open_until, monotonic_ms() + 60000);
}
END_TEST

START_TEST(a_lease_that_cannot_be_put_up_is_a_miss)
{
    is_failing[ADD][1] = true;
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(is_open(1));
}
END_TEST

static void fail_gets_on_1(void)
{
    is_failing[GET][1] = true;
}

START_TEST(a_lease_whose_cas_cannot_be_learned_is_a_miss)
{
    let_happen(GET, 1, fail_gets_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(is_open(1));
}
END_TEST

START_TEST(a_second_look_that_fails_is_a_miss)
{
    plant_lease_on_1();
    let_happen(GET, 2, fail_gets_on_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(is_open(1));
}
END_TEST

START_TEST(a_store_that_fails_is_noted)
{
    is_failing[REPLACE][1] = true;
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "page");
    ck_assert(is_open(1));
}
END_TEST

START_TEST(a_drop_gives_a_server_up_that_does_not_take_a_delete)
{
    put(0, KEY_0, "page");
    is_failing[DELETE][1] = true;
    ck_assert(!try_drop((int64_t[]){ON_1, ON_1_TOO, ON_0}, 3));
    ck_assert_int_eq(calls[DELETE][1], 1);
    ck_assert_int_eq(calls[FENCE][1], 0);
    ck_assert(has_failed_to_drop(1) && !has_failed_to_drop(0));
    ck_assert_ptr_null(value_of(0, KEY_0));
}
END_TEST

static void fail_deletes_on_1(void)
{
    is_failing[DELETE][1] = true;
}

START_TEST(a_drop_fails_though_the_first_delete_went_out)
{
    let_happen(DELETE, 2, fail_deletes_on_1);
    ck_assert(!try_drop((int64_t[]){ON_1, ON_1_TOO}, 2));
    ck_assert(has_failed_to_drop(1));
}
END_TEST

START_TEST(a_drop_fails_if_the_fence_does)
{
    put(0, KEY_0, "page");
    is_failing[FENCE][1] = true;
    ck_assert(!try_drop((int64_t[]){ON_1, ON_0}, 2));
    ck_assert(has_failed_to_drop(1) && !has_failed_to_drop(0));
    ck_assert_ptr_null(value_of(0, KEY_0));
}
END_TEST

START_TEST(a_drop_tells_which_servers_failed)
{
    const int64_t feeds[] = {ON_0, ON_1, ON_2};

    is_failing[FENCE][1] = true;
    is_failing[FENCE][2] = true;
    ck_assert_uint_eq(
        cache_try_drop(cache, feeds, 3, CACHE_EVERYWHERE), 1 << 1 | 1 << 2);
    ck_assert_uint_eq(cache_try_drop(cache, feeds, 3, 1 << 2), 1 << 2);
    ck_assert_uint_eq(cache_try_put(cache, feeds, 3, &news), 1 << 1 | 1 << 2);
}
END_TEST

START_TEST(a_drop_leaves_other_servers_alone)
{
    put(0, KEY_0, "page");
    put(1, KEY_1, "page");
    ck_assert_uint_eq(
        cache_try_drop(cache, (int64_t[]){ON_0, ON_1}, 2, 1 << 1), 0);
    ck_assert_str_eq(value_of(0, KEY_0), "page");
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(without_a_known_database_those_fail_that_hold_the_pages)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/" CONTRACT_WORD_DATABASE, dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(
        cache_try_drop(cache, (int64_t[]){ON_0, ON_1}, 2, CACHE_EVERYWHERE),
        1 << 0 | 1 << 1);
    ck_assert_uint_eq(
        cache_try_drop(cache, (int64_t[]){ON_0, ON_1}, 2, 1 << 1), 1 << 1);
}
END_TEST

/* As if it were time to ask again. */
static void let_time_pass(void)
{
    for (int i = 0; i < SERVERS; i++)
        if (breaker_was_tripped(&guards[i].drops))
            guards[i].drops.open_until = monotonic_ms();
}

START_TEST(a_server_that_failed_is_asked_now_and_then_whether_it_answers)
{
    ck_assert(cache_answers(cache, CACHE_EVERYWHERE));
    ck_assert_int_eq(count_calls(), 0);
    is_failing[FENCE][1] = true;
    ck_assert(!drop(ON_1));
    int questions = calls[FENCE][1];
    for (int i = 0; i < 5; i++)
        ck_assert(!cache_answers(cache, CACHE_EVERYWHERE));
    ck_assert_int_eq(calls[FENCE][1], questions + 1);
    ck_assert_int_lt(delete_limit, 50);
    ck_assert_int_gt(guards[1].drops.open_until - monotonic_ms(), 100);
    ck_assert_int_le(guards[1].drops.open_until - monotonic_ms(), 200);
    ck_assert(cache_answers(cache, 1 << 0 | 1 << 2));

    is_failing[FENCE][1] = false;
    losses[FENCE][1] = 1; /* a connection from before */
    let_time_pass();
    ck_assert(cache_answers(cache, 1 << 1));
    ck_assert(!has_failed_to_drop(1));
}
END_TEST

START_TEST(confirmations_are_not_looked_for_on_a_server_that_does_not_answer)
{
    struct cache_post post = {9, (int64_t[]){ON_1}, 1, 0};

    is_failing[FENCE][1] = true;
    ck_assert(!drop(ON_1));
    ck_assert_uint_eq(cache_find_unconfirmed(cache, &post, 1), 1 << 1);
    ck_assert_uint_eq(post.unconfirmed, 1 << 1);
    ck_assert_int_eq(calls[FIND][1], 0);
}
END_TEST

START_TEST(servers_have_numbers)
{
    struct buf numbers = {0};

    cache_add_numbers(cache, CACHE_EVERYWHERE & ~(cache_servers)1, &numbers);
    ck_assert_uint_eq(numbers.len, 2 * sizeof(int64_t));
    ck_assert_int_eq(((int64_t *)(void *)numbers.data)[0], 1);
    ck_assert_int_eq(((int64_t *)(void *)numbers.data)[1], 2);
    ck_assert_uint_eq(cache_numbered(cache, 2), 1 << 2);
    ck_assert_uint_eq(cache_numbered(cache, 3), 0);
    buf_free(&numbers);
}
END_TEST

/* It may be back by then, and what is not dropped is stale. */
START_TEST(a_server_that_failed_to_drop_is_asked_again_with_less_patience)
{
    is_failing[FENCE][1] = true;
    ck_assert(!drop(ON_1));
    ck_assert_int_eq(delete_limit, 50);
    ck_assert(!drop(ON_1));
    ck_assert_int_lt(delete_limit, 50);
    is_failing[FENCE][1] = false;
    ck_assert(drop(ON_1));
    ck_assert(drop(ON_1));
    ck_assert_int_eq(delete_limit, 50);
}
END_TEST

/* A page that is not read is only slower, one that is not dropped is stale. */
START_TEST(a_server_that_is_not_read_from_is_still_dropped_from)
{
    put(1, KEY_1, "page");
    breaker_trip(&guards[1].reads, 60000);
    ck_assert(drop(ON_1));
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert(is_open(1));
}
END_TEST

START_TEST(a_page_too_large_to_store_gives_its_lease_back)
{
    static char large[1 << 20];

    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    cache_store(cache, ON_1, large, sizeof(large));
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_int_eq(calls[REPLACE][1], 0);
}
END_TEST

START_TEST(pages_that_need_a_token_have_keys_of_their_own)
{
    config.auth_key_file = "/key";
    put(1, KEY_1, "public page");
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert(is_leased(1, "nf-auth:inbound:7@1"));
}
END_TEST

/* --- lost connections --------------------------------------------------- */

START_TEST(a_lost_connection_is_made_anew_for_a_reader)
{
    put(1, KEY_1, "page");
    losses[GET][1] = 1;
    ck_assert_int_eq(fetch(ON_1), CACHE_HIT);
    ck_assert_str_eq(buf_text(&page), "page");
    ck_assert(!is_open(1));
}
END_TEST

START_TEST(a_connection_that_is_lost_again_is_a_failure)
{
    put(1, KEY_1, "page");
    losses[GET][1] = 2;
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_eq(calls[GET][1], 2);
    ck_assert(is_open(1));
}
END_TEST

START_TEST(a_lease_that_is_lost_on_its_way_is_put_up_again)
{
    losses[ADD][1] = 1;
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    ck_assert_int_eq(calls[ADD][1], 2);
}
END_TEST

static const enum call lossy[] = {DELETE, FENCE};

START_TEST(a_drop_over_a_lost_connection_is_repeated_as_a_whole)
{
    put(1, KEY_1, "page");
    put(1, "nf:inbound:1004@1", "page");
    losses[lossy[_i]][1] = 1;
    ck_assert(try_drop((int64_t[]){ON_1, ON_1_TOO}, 2));
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_ptr_null(value_of(1, "nf:inbound:1004@1"));
    ck_assert(!is_open(1));
}
END_TEST

static void lose_next_delete_on_1(void)
{
    losses[DELETE][1] = 1;
}

START_TEST(a_drop_repeats_what_it_had_sent_before_the_loss)
{
    put(1, KEY_1, "page");
    let_happen(DELETE, 2, lose_next_delete_on_1);
    ck_assert(try_drop((int64_t[]){ON_1, ON_1_TOO}, 2));
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(a_drop_fails_if_the_connection_is_lost_again)
{
    losses[lossy[_i]][1] = 2;
    ck_assert(!drop(ON_1));
    ck_assert(has_failed_to_drop(1));
    ck_assert_int_eq(calls[lossy[_i]][1], 2);
}
END_TEST

/* --- settings ----------------------------------------------------------- */

START_TEST(without_servers_all_is_a_miss_and_every_drop_succeeds)
{
    config.cache_servers = "";
    struct cache *none = cache_new(&config, NULL, NULL);
    ck_assert_ptr_nonnull(none);
    ck_assert_int_eq(cache_fetch(none, ON_1, 0, &page), CACHE_MISS);
    ck_assert_uint_eq(
        cache_try_drop(none, (int64_t[]){ON_1, ON_2}, 2, CACHE_EVERYWHERE), 0);
    ck_assert(cache_answers(none, CACHE_EVERYWHERE));
    ck_assert_int_eq(count_calls(), 0);
    cache_free(none);
}
END_TEST

START_TEST(bad_servers_make_no_cache)
{
    config.cache_servers = "bad";
    ck_assert_ptr_null(cache_new(&config, guards, payments));
}
END_TEST

START_TEST(settings_are_checked)
{
    ck_assert(cache_check(&config, &page));
    config.cache_servers = "";
    ck_assert(cache_check(&config, &page));
    ck_assert_str_eq(buf_text(&page), "");
    config.cache_servers = "bad";
    ck_assert(!cache_check(&config, &page));
    ck_assert_str_eq(buf_text(&page), "cache.servers: 'bad'\n");
}
END_TEST

/* --- debts -------------------------------------------------------------- */

/* As a request does, over a server that does not answer. */
static void drop_in_vain(int64_t participant)
{
    int server = participant == ON_0 ? 0 : 1;

    is_failing[FENCE][server] = true;
    cache_drop(cache, &participant, 1);
    is_failing[FENCE][server] = false;
    lose_deletes(server);
}

/* As if it were time for it. */
static void pay(void)
{
    memset(payments, 0, sizeof(payments));
    let_time_pass();
    cache_pay(other);
}

START_TEST(a_drop_that_fails_closes_the_server)
{
    put(1, KEY_1, "old");
    put(0, KEY_0, "page");
    drop_in_vain(ON_1);
    is_failing[FENCE][1] = true;
    int looks = calls[ADD][1];
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_eq(fetch(ON_1_TOO), CACHE_MISS);
    ck_assert_int_eq(cache_fetch(other, ON_1, 7, &other_page), CACHE_MISS);
    ck_assert_int_eq(calls[ADD][1], looks);
    ck_assert_int_eq(fetch(ON_0), CACHE_HIT);
}
END_TEST

START_TEST(a_server_that_dropped_everything_is_open)
{
    put(1, KEY_1, "old");
    cache_drop(cache, (int64_t[]){ON_1, ON_0}, 2);
    ck_assert(!runtime_is_closed(dir, "0") && !runtime_is_closed(dir, "1"));
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(debts_are_paid_and_the_server_is_open_again)
{
    put(1, KEY_1, "old");
    put(1, "nf:inbound:1004@1", "old");
    put(1, "nf:inbound:10@1", "page");
    drop_in_vain(ON_1);
    drop_in_vain(ON_1_TOO);
    ck_assert_str_eq(value_of(1, KEY_1), "old");
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_ptr_null(value_of(1, KEY_1));
    ck_assert_ptr_null(value_of(1, "nf:inbound:1004@1"));
    ck_assert_str_eq(value_of(1, "nf:inbound:10@1"), "page");
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
}
END_TEST

START_TEST(debts_that_cannot_be_paid_keep_the_server_closed)
{
    put(1, KEY_1, "old");
    drop_in_vain(ON_1);
    is_failing[FENCE][1] = true;
    pay();
    ck_assert(runtime_is_closed(dir, "1"));
    is_failing[FENCE][1] = false;
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
}
END_TEST

START_TEST(a_payment_over_a_lost_connection_is_repeated_as_a_whole)
{
    put(1, KEY_1, "old");
    drop_in_vain(ON_1);
    losses[FENCE][1] = 1;
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(debts_are_not_read_while_the_server_does_not_answer)
{
    drop_in_vain(ON_1);
    is_failing[FENCE][1] = true;
    int deletes = calls[DELETE][1];
    pay();
    ck_assert_int_eq(calls[DELETE][1], deletes);
    ck_assert(breaker_is_open(&payments[1]));
    ck_assert_int_lt(payments[1].open_until - monotonic_ms(), 500);
}
END_TEST

START_TEST(a_reader_pays_too)
{
    put(1, KEY_1, "old");
    drop_in_vain(ON_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
}
END_TEST

START_TEST(not_everybody_pays_at_once)
{
    drop_in_vain(ON_1);
    is_failing[FENCE][1] = true;
    int tries = calls[FENCE][1];
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert_int_lt(calls[FENCE][1] - tries, 5);
    ck_assert(breaker_is_open(&payments[1]));
    ck_assert(!breaker_is_open(&payments[0]));
}
END_TEST

/* The reader read before the write that could not drop his lease. */
START_TEST(what_was_stored_under_an_older_lease_is_deleted_with_the_debts)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    drop_in_vain(ON_1);
    store(ON_1, "old");
    ck_assert_str_eq(value_of(1, KEY_1), "old");
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(an_older_lease_stores_nothing_once_debts_are_paid)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    drop_in_vain(ON_1);
    pay();
    store(ON_1, "old");
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

START_TEST(a_lease_that_cannot_be_given_back_is_no_debt)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    is_failing[FENCE][1] = true;
    cache_release(cache, ON_1);
    ck_assert(!runtime_is_closed(dir, "1"));
}
END_TEST

START_TEST(whoever_tries_again_closes_nothing)
{
    is_failing[FENCE][1] = true;
    ck_assert(!drop(ON_1));
    ck_assert(!runtime_is_closed(dir, "1"));
}
END_TEST

/* A page stored right before the failure has ttl seconds to live, of a server
 * that answers. */
START_TEST(too_many_debts_are_paid_by_time)
{
    static char owed[RUNTIME_DEBTS_MAX];
    struct buf debts = {.data = owed, .len = sizeof(owed)};
    enum {
        MARGIN = 10
    };

    memset(owed, 'k', sizeof(owed));
    ck_assert(runtime_close(dir, "1", &debts));
    is_failing[DELETE][1] = true;
    cache_drop(cache, (int64_t[]){ON_1}, 1);
    is_failing[DELETE][1] = false;
    for (int i = 0; i < config.cache_ttl + MARGIN; i++) {
        pay();
        ck_assert(runtime_is_closed(dir, "1"));
        ck_assert_int_gt(payments[1].open_until - monotonic_ms(), 500);
        is_failing[FENCE][1] = true; /* does not count */
        pay();
        is_failing[FENCE][1] = false;
    }
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_int_eq(calls[DELETE][1], 1);
}
END_TEST

START_TEST(without_the_folder_a_write_goes_on)
{
    config.service_runtime_dir = "/nowhere";
    cache_meet_database(cache, 255);
    drop_in_vain(ON_1);
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
}
END_TEST

/* --- databases ---------------------------------------------------------- */

static const char *database(void)
{
    static char word[CONTRACT_WORD_SIZE];

    runtime_get(dir, CONTRACT_WORD_DATABASE, word);
    return word;
}

static void forget_database(void)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/" CONTRACT_WORD_DATABASE, dir);
    ck_assert_int_eq(unlink(path), 0);
}

static void meet_another_database(void)
{
    cache_meet_database(other, 255);
}

START_TEST(without_a_known_database_nobody_reads)
{
    put(1, KEY_1, "page");
    forget_database();
    ck_assert_int_eq(fetch(ON_1), CACHE_MISS);
    ck_assert(!drop(ON_1));
    ck_assert_int_eq(count_calls(), 0);
}
END_TEST

START_TEST(whoever_meets_a_database_says_so_to_all)
{
    forget_database();
    cache_meet_database(cache, 0);
    ck_assert_str_eq(database(), "");
    cache_meet_database(cache, -1);
    ck_assert_str_eq(database(), "ffffffffffffffff");
    ck_assert_int_eq(cache_fetch(other, ON_1, 0, &other_page), CACHE_LEASE);
    ck_assert(is_leased(1, "nf:inbound:7@ffffffffffffffff"));
}
END_TEST

START_TEST(pages_of_another_database_are_not_found)
{
    put(1, KEY_1, "page");
    meet_another_database();
    ck_assert_str_eq(database(), "00000000000000ff");
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "new");
    ck_assert_str_eq(value_of(1, "nf:inbound:7@00000000000000ff"), "new");
    ck_assert(drop(ON_1));
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
}
END_TEST

START_TEST(what_is_read_from_the_database_of_before_is_not_stored)
{
    cache_meet_database(cache, 1);
    cache_meet_database(other, 255);
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    store(ON_1, "old");
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
}
END_TEST

START_TEST(news_of_the_database_of_before_are_not_put_in_front)
{
    put(1, "nf:inbound:7@00000000000000ff", "page");
    cache_meet_database(cache, 1);
    cache_meet_database(other, 255);
    put_news(ON_1);
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
    ck_assert_ptr_null(value_of(1, "nf:put:9@00000000000000ff"));
}
END_TEST

START_TEST(a_horizon_that_cannot_be_written_is_told_later)
{
    char path[64];

    cache_meet_database(cache, 1);
    ck_assert(runtime_set(dir, "0000000000000001/other", "word"));
    snprintf(path, sizeof(path), "%s/0000000000000001/horizon-1", dir);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    cache_set_horizon(cache, CACHE_EVERYWHERE, 5);
    ck_assert_int_eq(cache_horizon(other, ON_1), 0);
    ck_assert_int_eq(rmdir(path), 0);
    cache_set_horizon(cache, CACHE_EVERYWHERE, 5);
    ck_assert_int_eq(cache_horizon(other, ON_1), 5);
}
END_TEST

START_TEST(servers_have_a_horizon_each)
{
    cache_meet_database(cache, 1);
    cache_set_horizon(cache, CACHE_EVERYWHERE, 5);
    cache_set_horizon(cache, ~(cache_servers)(1 << 1), 6);
    ck_assert_int_eq(cache_horizon(other, ON_0), 6);
    ck_assert_int_eq(cache_horizon(other, ON_1), 5);
    ck_assert_int_eq(cache_horizon(other, ON_2), 6);
    meet_another_database();
    cache_set_horizon(cache, CACHE_EVERYWHERE, 7); /* it knows the one before */
    ck_assert_int_eq(cache_horizon(other, ON_0), 0);
}
END_TEST

/* What nginx looks at. */
static const char *look(void)
{
    static char word[CONTRACT_WORD_SIZE];

    runtime_get(dir, "open-1/horizon-1", word);
    return word;
}

START_TEST(a_horizon_is_seen_in_one_look_while_the_server_is_open)
{
    cache_meet_database(cache, 1);
    cache_set_horizon(cache, CACHE_EVERYWHERE, 5);
    ck_assert_str_eq(look(), "5@0000000000000001");
    drop_in_vain(ON_1);
    cache_set_horizon(cache, CACHE_EVERYWHERE, 6);
    ck_assert_str_eq(look(), "");
    pay();
    ck_assert_str_eq(look(), "6@0000000000000001");
    meet_another_database();
    ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(a_database_met_again_changes_nothing)
{
    meet_another_database();
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "newer"));
    meet_another_database();
    ck_assert_str_eq(database(), "newer");
}
END_TEST

START_TEST(a_database_that_was_forgotten_is_named_again)
{
    cache_meet_database(cache, 255);
    put(1, "nf:inbound:7@00000000000000ff", "old");
    forget_database();
    ck_assert(drop(ON_1));
    ck_assert_str_eq(database(), "00000000000000ff");
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
}
END_TEST

/* What keeps a word from being written, whoever runs the test. */
static const char *obstacle(void)
{
    static char path[64];

    snprintf(path, sizeof(path), "%s/." CONTRACT_WORD_DATABASE "-%d", dir,
        (int)getpid());
    return path;
}

START_TEST(a_database_that_could_not_be_named_is_named_later)
{
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "old"));
    ck_assert_int_eq(mkdir(obstacle(), 0700), 0);
    cache_meet_database(cache, 255);
    cache_meet_database(cache, 255);
    ck_assert_str_eq(database(), "old");
    ck_assert_int_eq(rmdir(obstacle()), 0);
    cache_meet_database(cache, 255);
    ck_assert_str_eq(database(), "00000000000000ff");
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "newer"));
    cache_meet_database(cache, 255);
    ck_assert_str_eq(database(), "newer");
}
END_TEST

START_TEST(a_newer_one_that_others_named_meanwhile_stays)
{
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "old"));
    ck_assert_int_eq(mkdir(obstacle(), 0700), 0);
    cache_meet_database(cache, 255);
    ck_assert_int_eq(rmdir(obstacle()), 0);
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "newer"));
    cache_meet_database(cache, 255);
    ck_assert_str_eq(database(), "newer");
    ck_assert(runtime_set(dir, CONTRACT_WORD_DATABASE, "old"));
    cache_meet_database(cache, 255);
    ck_assert_str_eq(database(), "old");
}
END_TEST

/* The dropper named the old database's pages, and meanwhile readers have
 * turned to the new one's. */
START_TEST(a_drop_reaches_the_pages_that_are_read_when_it_ends)
{
    put(1, KEY_1, "old");
    put(1, "nf:inbound:7@00000000000000ff", "old");
    let_happen(FENCE, 1, meet_another_database);
    ck_assert(drop(ON_1));
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
}
END_TEST

START_TEST(what_was_read_under_another_database_is_not_stored)
{
    ck_assert_int_eq(fetch(ON_1), CACHE_LEASE);
    cache_meet_database(cache, 255);
    store(ON_1, "page");
    ck_assert_ptr_null(value_of(1, "nf:inbound:7@00000000000000ff"));
}
END_TEST

START_TEST(debts_are_paid_under_the_database_that_they_were_made_in)
{
    put(1, KEY_1, "old");
    drop_in_vain(ON_1);
    meet_another_database();
    pay();
    ck_assert(!runtime_is_closed(dir, "1"));
    ck_assert_ptr_null(value_of(1, KEY_1));
}
END_TEST

/* --- for nginx ---------------------------------------------------------- */

#define KEY_MAP                                  \
    "map $newsfeed_feed $newsfeed_cache_key {\n" \
    "    default nf:inbound:$newsfeed_feed;\n"   \
    "    \"\" \"\";\n}\n"

static const char map_start[] =
    "# Which memcached holds which feed: printed by newsfeed --cache-map.\n";

START_TEST(the_map_of_one_server_has_no_buckets)
{
    struct buf faults = {0};

    config.cache_servers = "a";
    config.service_runtime_dir = "/run/nf";
    ck_assert(cache_print_map(&config, &page, &faults));
    ck_assert_str_eq(buf_text(&faults), "");
    ck_assert_int_eq(
        strncmp(buf_text(&page), map_start, sizeof(map_start) - 1), 0);
    ck_assert_str_eq(buf_text(&page) + sizeof(map_start) - 1,
        "upstream newsfeed_cache_0 { server host0:11211; keepalive 32; }\n"
        "newsfeed_runtime_dir \"/run/nf\";\n"
        "map \"\" $newsfeed_cache {\n"
        "    default newsfeed_cache_0;\n"
        "}\n" KEY_MAP);
}
END_TEST

START_TEST(with_tokens_the_map_has_a_key_only_for_a_good_verdict)
{
    static const char end[] =
        "map \"$newsfeed_authorized:$newsfeed_feed\" $newsfeed_cache_key {\n"
        "    default \"\";\n"
        "    \"~^204:(?<newsfeed_allowed>[0-9]+)$\"\n"
        "        nf-auth:inbound:$newsfeed_allowed;\n"
        "}\n";
    struct buf faults = {0};

    config.auth_key_file = "/key";
    ck_assert(cache_print_map(&config, &page, &faults));
    ck_assert_uint_gt(page.len, sizeof(end));
    ck_assert_str_eq(buf_text(&page) + page.len - (sizeof(end) - 1), end);
}
END_TEST

START_TEST(the_map_of_several_servers_has_every_bucket)
{
    struct buf *expected = &other_page;
    struct buf faults = {0};

    config.service_runtime_dir = "/run/nf";
    buf_puts(expected, map_start);
    for (int i = 0; i < SERVERS; i++)
        buf_printf(expected,
            "upstream newsfeed_cache_%d { server host%d:11211; keepalive 32; "
            "}\n",
            i, i);
    buf_puts(expected, "newsfeed_runtime_dir \"/run/nf\";\n"
                       "map $newsfeed_bucket $newsfeed_cache {\n"
                       "    default newsfeed_cache_0;\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(expected, "    %d newsfeed_cache_%d;\n", i, i % SERVERS);
    buf_puts(expected, "}\n" KEY_MAP);
    ck_assert(cache_print_map(&config, &page, &faults));
    ck_assert_str_eq(buf_text(&page), buf_text(expected));
}
END_TEST

/* nginx takes a feed's bucket from its address: its last three digits. */
START_TEST(a_feed_lies_where_the_map_says)
{
    const int64_t feeds[] = {7, 999, 1000, 1001, 12345678};

    for (size_t i = 0; i < sizeof(feeds) / sizeof(*feeds); i++) {
        char key[64];
        snprintf(key, sizeof(key), "nf:inbound:%lld@1", (long long)feeds[i]);
        ck_assert_int_eq(fetch(feeds[i]), CACHE_LEASE);
        ck_assert(is_leased((int)(feeds[i] % 1000 % SERVERS), key));
    }
}
END_TEST

START_TEST(there_is_no_map_without_servers)
{
    config.cache_servers = "";
    ck_assert(!cache_print_map(&config, &page, &other_page));
    ck_assert_str_eq(buf_text(&page), "");
    ck_assert_int_eq(strncmp(buf_text(&other_page), "cache.servers: ", 15), 0);
}
END_TEST

START_TEST(there_is_no_map_of_bad_servers)
{
    config.cache_servers = "bad";
    ck_assert(!cache_print_map(&config, &page, &other_page));
    ck_assert_str_eq(buf_text(&other_page), "cache.servers: 'bad'\n");
}
END_TEST

static void add_pages(TCase *tests)
{
    tcase_add_test(tests, a_page_is_a_hit);
    tcase_add_test(tests, a_page_replaces_what_the_buffer_held);
    tcase_add_test(tests, a_miss_takes_a_lease_that_ends_by_itself);
    tcase_add_test(tests, whoever_has_the_lease_stores_the_page);
    tcase_add_test(tests, a_page_is_counted_if_it_could_be_sent);
    tcase_add_test(tests, a_second_reader_looks_twice_and_shares_the_lease);
    tcase_add_test(tests, a_second_reader_stores_what_the_first_never_does);
    tcase_add_test(tests, a_shared_lease_ends_with_a_drop_too);
    tcase_add_test(
        tests, a_second_reader_finds_what_was_stored_while_he_waited);
    tcase_add_test(tests,
        a_second_reader_takes_the_lease_if_it_was_dropped_while_he_waited);
    tcase_add_test(tests, who_is_second_to_put_up_a_lease_waits_for_the_first);
    tcase_add_test(tests, a_lease_that_is_dropped_at_once_is_none);
    tcase_add_test(tests, another_lease_at_the_same_key_is_waited_for);
    tcase_add_test(tests, a_lease_that_nginx_took_is_ones_own);
    tcase_add_test(
        tests, a_lease_that_nginx_took_and_a_drop_ended_stores_nothing);
    tcase_add_test(tests, a_lease_that_nginx_took_for_another_is_waited_for);
    tcase_add_test(
        tests, a_server_that_failed_is_not_stored_to_by_nginxs_lease_either);
    tcase_add_test(tests, each_feed_has_its_own_lease);
    tcase_add_test(tests, the_largest_id_has_a_key);
    tcase_add_test(tests, a_page_that_was_read_before_a_drop_is_not_stored);
    tcase_add_test(
        tests, a_page_that_was_read_before_a_drop_ends_no_later_lease);
    tcase_add_test(
        tests, a_page_that_was_read_before_a_drop_replaces_no_later_page);
    tcase_add_test(tests, under_a_lease_that_has_expired_nothing_is_stored);
    tcase_add_test(tests, a_released_lease_makes_room_for_the_next);
    tcase_add_test(tests, a_drop_deletes_pages_and_leases);
    tcase_add_test(tests, a_drop_fences_each_server_once_that_it_told);
    tcase_add_test(tests, a_drop_of_nothing_asks_nobody);
}

static void add_failures(TCase *tests)
{
    tcase_add_test(tests, a_server_that_fails_is_left_alone_and_no_other);
    tcase_add_test(tests, a_server_is_asked_again_when_its_time_is_over);
    tcase_add_test(tests, a_server_is_left_alone_for_as_long_as_was_asked_for);
    tcase_add_test(tests, a_lease_that_cannot_be_put_up_is_a_miss);
    tcase_add_test(tests, a_lease_whose_cas_cannot_be_learned_is_a_miss);
    tcase_add_test(tests, a_second_look_that_fails_is_a_miss);
    tcase_add_test(tests, a_store_that_fails_is_noted);
    tcase_add_test(tests, a_drop_gives_a_server_up_that_does_not_take_a_delete);
    tcase_add_test(tests, a_drop_fails_though_the_first_delete_went_out);
    tcase_add_test(tests, news_are_put_in_front_of_the_pages_of_each_server);
    tcase_add_test(tests, of_many_pages_those_are_changed_that_are_there);
    tcase_add_test(tests, a_look_for_pages_that_was_lost_is_repeated);
    tcase_add_test(
        tests, who_tries_to_put_news_hears_of_a_failure_and_owes_nothing);
    tcase_add_test(tests, news_of_no_post_confirm_none);
    tcase_add_test(tests, a_page_that_was_read_before_the_news_is_not_stored);
    tcase_add_test(tests, what_is_no_page_is_taken_over_by_one_reader);
    tcase_add_test(tests, what_was_taken_over_is_not_stored_behind_news);
    tcase_add_test(
        tests, a_page_that_took_its_place_is_found_by_who_takes_over);
    tcase_add_test(
        tests, a_page_that_cannot_be_changed_is_dropped_before_it_is_confirmed);
    tcase_add_test(
        tests, news_that_a_server_does_not_take_are_owed_and_not_confirmed);
    tcase_add_test(tests, news_over_a_lost_connection_are_put_once_more);
    tcase_add_test(tests, a_confirmation_goes_with_what_is_sent_next);
    tcase_add_test(
        tests, a_confirmation_waits_no_longer_than_there_are_requests);
    tcase_add_test(tests, a_confirmation_does_not_wait_for_long);
    tcase_add_test(tests, a_confirmation_is_sent_by_who_ends);
    tcase_add_test(tests, a_page_has_room_for_as_much_news_and_some);
    tcase_add_test(tests, a_confirmation_is_found);
    tcase_add_test(
        tests, a_post_is_unconfirmed_where_a_server_has_no_confirmation);
    tcase_add_test(tests, where_a_server_cannot_be_asked_nothing_is_confirmed);
    tcase_add_test(tests, where_no_database_is_known_nothing_is_confirmed);
    tcase_add_test(tests, a_drop_fails_if_the_fence_does);
    tcase_add_test(tests, a_drop_tells_which_servers_failed);
    tcase_add_test(tests, a_drop_leaves_other_servers_alone);
    tcase_add_test(
        tests, without_a_known_database_those_fail_that_hold_the_pages);
    tcase_add_test(
        tests, a_server_that_failed_is_asked_now_and_then_whether_it_answers);
    tcase_add_test(tests,
        confirmations_are_not_looked_for_on_a_server_that_does_not_answer);
    tcase_add_test(tests, servers_have_numbers);
    tcase_add_test(
        tests, a_server_that_failed_to_drop_is_asked_again_with_less_patience);
    tcase_add_test(tests, a_server_that_is_not_read_from_is_still_dropped_from);
    tcase_add_test(tests, a_page_too_large_to_store_gives_its_lease_back);
    tcase_add_test(tests, pages_that_need_a_token_have_keys_of_their_own);
    tcase_add_test(tests, a_lost_connection_is_made_anew_for_a_reader);
    tcase_add_test(tests, a_connection_that_is_lost_again_is_a_failure);
    tcase_add_test(tests, a_lease_that_is_lost_on_its_way_is_put_up_again);
    tcase_add_loop_test(
        tests, a_drop_over_a_lost_connection_is_repeated_as_a_whole, 0, 2);
    tcase_add_test(tests, a_drop_repeats_what_it_had_sent_before_the_loss);
    tcase_add_loop_test(
        tests, a_drop_fails_if_the_connection_is_lost_again, 0, 2);
}

static void add_state(TCase *tests)
{
    tcase_add_test(
        tests, without_servers_all_is_a_miss_and_every_drop_succeeds);
    tcase_add_test(tests, bad_servers_make_no_cache);
    tcase_add_test(tests, settings_are_checked);
    tcase_add_test(tests, the_map_of_one_server_has_no_buckets);
    tcase_add_test(
        tests, with_tokens_the_map_has_a_key_only_for_a_good_verdict);
    tcase_add_test(tests, the_map_of_several_servers_has_every_bucket);
    tcase_add_test(tests, a_feed_lies_where_the_map_says);
    tcase_add_test(tests, there_is_no_map_without_servers);
    tcase_add_test(tests, there_is_no_map_of_bad_servers);
    tcase_add_test(tests, a_drop_that_fails_closes_the_server);
    tcase_add_test(tests, a_server_that_dropped_everything_is_open);
    tcase_add_test(tests, debts_are_paid_and_the_server_is_open_again);
    tcase_add_test(tests, debts_that_cannot_be_paid_keep_the_server_closed);
    tcase_add_test(
        tests, a_payment_over_a_lost_connection_is_repeated_as_a_whole);
    tcase_add_test(tests, debts_are_not_read_while_the_server_does_not_answer);
    tcase_add_test(tests, a_reader_pays_too);
    tcase_add_test(tests, not_everybody_pays_at_once);
    tcase_add_test(
        tests, what_was_stored_under_an_older_lease_is_deleted_with_the_debts);
    tcase_add_test(tests, an_older_lease_stores_nothing_once_debts_are_paid);
    tcase_add_test(tests, a_lease_that_cannot_be_given_back_is_no_debt);
    tcase_add_test(tests, whoever_tries_again_closes_nothing);
    tcase_add_test(tests, too_many_debts_are_paid_by_time);
    tcase_add_test(tests, without_the_folder_a_write_goes_on);
    tcase_add_test(tests, without_a_known_database_nobody_reads);
    tcase_add_test(tests, whoever_meets_a_database_says_so_to_all);
    tcase_add_test(tests, pages_of_another_database_are_not_found);
    tcase_add_test(
        tests, what_is_read_from_the_database_of_before_is_not_stored);
    tcase_add_test(tests, news_of_the_database_of_before_are_not_put_in_front);
    tcase_add_test(tests, a_horizon_that_cannot_be_written_is_told_later);
    tcase_add_test(tests, servers_have_a_horizon_each);
    tcase_add_test(
        tests, a_horizon_is_seen_in_one_look_while_the_server_is_open);
    tcase_add_test(tests, a_database_met_again_changes_nothing);
    tcase_add_test(tests, a_database_that_was_forgotten_is_named_again);
    tcase_add_test(tests, a_database_that_could_not_be_named_is_named_later);
    tcase_add_test(tests, a_newer_one_that_others_named_meanwhile_stays);
    tcase_add_test(tests, a_drop_reaches_the_pages_that_are_read_when_it_ends);
    tcase_add_test(tests, what_was_read_under_another_database_is_not_stored);
    tcase_add_test(
        tests, debts_are_paid_under_the_database_that_they_were_made_in);
}

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    add_pages(tests);
    add_failures(tests);
    add_state(tests);
}
