/* Tests of serve: whole requests, with the database and the cache played by
 * the test. Run from the top folder, for etc/openapi.yaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "database.h"
#include "memory.h"
#include "replica.h"
#include "runner.h"
#include "serve.h"
#include "store.h"

/* --- a database where everything exists, and two posts of each list ------ */

static struct text text(const char *string)
{
    return (struct text){string, strlen(string)};
}

static const struct page_ends ends = {
    .count = 2, .newest = 12, .oldest = 11, .older = 1};

static struct item make_item(int64_t id)
{
    return (struct item){.id = id,
        .from = 9,
        .subject = text("Subject"),
        .story = text("A story, and a \"longer\" one")};
}

static void make_items(struct items *found)
{
    found->ends = ends;
    found->list[0] = make_item(12);
    found->list[1] = make_item(11);
    strcpy(found->snapshot, "9:10:9");
}

enum error store_participant_add(
    struct pg *pg, struct text name, struct participant *added)
{
    (void)pg;
    *added = (struct participant){7, name};
    return OK;
}

enum error store_participant_add_all(
    struct pg *pg, const struct buf *names, struct buf *ids)
{
    (void)pg;
    for (size_t i = 0; i < names->len / sizeof(struct text); i++)
        buf_add(ids, &(int64_t){7}, sizeof(int64_t));
    return OK;
}

enum error store_participant_get(
    struct pg *pg, int64_t id, struct participant *found)
{
    (void)pg;
    *found = (struct participant){id, text("Ada")};
    return OK;
}

enum error store_participant_rename(
    struct pg *pg, int64_t id, struct text name, struct participant *renamed)
{
    (void)pg;
    *renamed = (struct participant){id, name};
    return OK;
}

enum error store_participant_remove(
    struct pg *pg, int64_t id, struct buf *touched)
{
    (void)pg;
    buf_add(touched, &id, sizeof(id));
    return OK;
}

enum error store_friend_add(struct pg *pg, int64_t from, int64_t to,
    int backfill, struct friendship *added)
{
    (void)pg;
    (void)backfill;
    *added = (struct friendship){1, from, to};
    return OK;
}

enum error store_friend_add_all(struct pg *pg, int64_t from,
    const struct buf *others, int backfill, struct buf *ids)
{
    (void)pg;
    (void)backfill;
    const int64_t *to = (const int64_t *)(const void *)others->data;
    for (size_t i = 0; i < others->len / sizeof(*to); i++) {
        int64_t id = to[i] != from && to[i] != 404;
        buf_add(ids, &id, sizeof(id));
    }
    return OK;
}

enum error store_friend_list(struct pg *pg, int64_t participant,
    const struct page *page, struct friendships *found)
{
    (void)pg;
    (void)page;
    found->ends = ends;
    found->list[0] = (struct friendship){12, participant, 9};
    found->list[1] = (struct friendship){11, participant, 10};
    return OK;
}

enum error store_friend_remove(
    struct pg *pg, int64_t participant, int64_t friend)
{
    (void)pg;
    (void)participant;
    (void)friend;
    return OK;
}

enum error store_outbound_add(struct pg *pg, int64_t author,
    struct text subject, struct text story, int inline_friends,
    struct delivery *added)
{
    (void)pg;
    (void)inline_friends;
    added->item = (struct item){
        .id = 13, .from = author, .subject = subject, .story = story};
    buf_add(added->readers, &author, sizeof(author));
    added->xid = (struct text){"17", 2};
    added->snapshot = (struct text){"17:17:", 6};
    return OK;
}

enum error store_outbound_list(
    struct pg *pg, int64_t author, const struct page *page, struct items *found)
{
    (void)pg;
    (void)author;
    (void)page;
    make_items(found);
    return OK;
}

enum error store_outbound_get(struct pg *pg, int64_t author, int64_t id,
    struct item *found, struct version *version)
{
    (void)pg;
    (void)author;
    *found = make_item(id);
    if (version)
        strcpy(version->name, "1");
    return OK;
}

enum error store_outbound_edit(struct pg *pg, int64_t author, int64_t id,
    struct text subject, struct text story, const struct version *version,
    struct item *edited, struct buf *touched)
{
    (void)pg;
    (void)version;
    *edited = make_item(id);
    edited->edited = 1;
    if (subject.data)
        edited->subject = subject;
    if (story.data)
        edited->story = story;
    buf_add(touched, &author, sizeof(author));
    return OK;
}

enum error store_outbound_remove(
    struct pg *pg, int64_t author, int64_t id, struct buf *touched)
{
    (void)pg;
    (void)id;
    buf_add(touched, &author, sizeof(author));
    return OK;
}

enum error store_inbound_list(struct pg *pg, int64_t participant,
    const struct page *page, struct items *found)
{
    (void)pg;
    (void)page;
    make_items(found);
    found->list[0].to = found->list[1].to = participant;
    return OK;
}

enum error store_marker_get(
    struct pg *pg, int64_t participant, struct marker *found)
{
    (void)pg;
    (void)participant;
    *found = (struct marker){.last_read = 13, .unread = 1000, .more = true};
    return OK;
}

enum error store_marker_set(
    struct pg *pg, int64_t participant, int64_t last_read, struct marker *found)
{
    (void)pg;
    (void)participant;
    *found = (struct marker){.last_read = last_read, .unread = 2};
    return OK;
}

enum error store_search(struct pg *pg, struct text keywords,
    const struct page *page, struct matches *found)
{
    (void)pg;
    (void)keywords;
    (void)page;
    found->ends = ends;
    found->list[0] = 9;
    found->list[1] = 10;
    return OK;
}

enum error store_apart_search(struct pg *pg, struct pg *index,
    struct text keywords, const struct page *page, struct matches *found)
{
    (void)pg;
    (void)index;
    (void)keywords;
    (void)page;
    (void)found;
    return ERR_NO_SEARCH;
}

enum error store_apart_search_items(struct pg *pg, struct pg *index,
    const struct filter *filter, const struct page *page, struct items *found,
    const struct language **language)
{
    (void)pg;
    (void)index;
    (void)filter;
    (void)page;
    (void)found;
    (void)language;
    return ERR_NO_SEARCH;
}

enum error store_search_items(struct pg *pg, const struct filter *filter,
    const struct page *page, struct items *found,
    const struct language **language)
{
    (void)pg;
    (void)filter;
    (void)page;
    make_items(found);
    *language = &language_simple;
    return OK;
}

static enum store_key key_state;

enum error store_readers(
    struct pg *pg, int64_t participant, int limit, struct buf *touched)
{
    (void)pg;
    (void)limit;
    buf_add(touched, &participant, sizeof(participant));
    return OK;
}

enum error store_key_claim(struct pg *pg, struct text scope, struct text key,
    struct text request, enum store_key *state, struct stored_answer *answer)
{
    (void)pg;
    (void)key;
    (void)request;
    *state = key_state;
    *answer = (struct stored_answer){.status = 200, .body = scope};
    return OK;
}

enum error store_key_finish(struct pg *pg, struct text scope, struct text key,
    const struct stored_answer *answer)
{
    (void)pg;
    (void)scope;
    (void)key;
    (void)answer;
    return OK;
}

struct pg *database_new(const struct config *config_, int statement_timeout,
    struct breaker *breaker)
{
    static char pg;

    (void)config_;
    (void)statement_timeout;
    (void)breaker;
    return (struct pg *)&pg;
}

struct pg *database_new_search(const struct config *config_,
    int statement_timeout, struct breaker *breaker)
{
    return database_new(config_, statement_timeout, breaker);
}

void pg_free(struct pg *pg)
{
    (void)pg;
}

bool pg_refresh(struct pg *pg)
{
    (void)pg;
    return true;
}

bool pg_is_connected(const struct pg *pg)
{
    (void)pg;
    return true;
}

enum error pg_begin(struct pg *pg)
{
    (void)pg;
    return OK;
}

static int commits;

enum error pg_commit(struct pg *pg)
{
    (void)pg;
    commits++;
    return OK;
}

void pg_rollback(struct pg *pg)
{
    (void)pg;
}

static struct spent database_spent, cache_spent_;

struct spent *pg_spent(struct pg *pg)
{
    (void)pg;
    return &database_spent;
}

struct spent *cache_spent(struct cache *cache)
{
    (void)cache;
    return &cache_spent_;
}

int64_t pg_identity(const struct pg *pg)
{
    (void)pg;
    return 0;
}

/* A replica, of which it is only told who may read from it. */
static bool is_attached, may_read;

bool replica_attach(
    struct pg *pg, const struct config *config_, struct replica_state *state)
{
    (void)pg;
    (void)config_;
    (void)state;
    return is_attached = true;
}

void replica_detach(struct pg *pg)
{
    (void)pg;
    is_attached = false;
}

void replica_look(struct pg *pg)
{
    (void)pg;
}

void replica_begin(struct pg *pg, bool may)
{
    (void)pg;
    may_read = may;
}

/* --- a cache where nothing is -------------------------------------------- */

struct cache *cache_new(const struct config *config_,
    struct cache_guard *guards, struct breaker *payments)
{
    static char cache;

    (void)config_;
    (void)guards;
    (void)payments;
    return (struct cache *)&cache;
}

void cache_free(struct cache *cache)
{
    (void)cache;
}

enum cache_lookup cache_fetch(
    struct cache *cache, int64_t participant, uint64_t given, struct buf *page)
{
    (void)cache;
    (void)participant;
    (void)given;
    (void)page;
    return CACHE_LEASE;
}

int64_t cache_horizon(struct cache *cache, int64_t participant)
{
    (void)cache;
    (void)participant;
    return 0;
}

enum cache_lookup cache_take_over(
    struct cache *cache, int64_t participant, struct buf *page)
{
    (void)cache;
    (void)participant;
    (void)page;
    return CACHE_MISS;
}

void cache_store(
    struct cache *cache, int64_t participant, const char *page, size_t len)
{
    (void)cache;
    (void)participant;
    (void)page;
    (void)len;
}

void cache_release(struct cache *cache, int64_t participant)
{
    (void)cache;
    (void)participant;
}

void cache_drop(struct cache *cache, const int64_t *participants, size_t count)
{
    (void)cache;
    (void)participants;
    (void)count;
}

void cache_send(struct cache *cache, bool is_idle)
{
    (void)cache;
    (void)is_idle;
}

bool cache_has_unsent(const struct cache *cache)
{
    (void)cache;
    return false;
}

void cache_put(struct cache *cache, const int64_t *participants, size_t count,
    const struct cache_news *news)
{
    struct buf out = {0};

    (void)cache;
    for (size_t i = 0; i < count; i++)
        news->print(news->context, participants[i], &out);
    buf_free(&out);
}

void cache_meet_database(struct cache *cache, int64_t identity)
{
    (void)cache;
    (void)identity;
}

/* --- requests ----------------------------------------------------------- */

static char key_file[] = "/tmp/test_serve_XXXXXX";
static struct config config;
static struct scoreboard *scoreboard;
static struct auth *auth;
static struct spec *spec;
static struct service *service;
static struct buf faults;
static struct buf bearer;
static struct http_request request;
static struct http_response response;

static void start(const char *spec_file)
{
    service_free(service);
    spec_free(spec);
    buf_reset(&faults, 0);
    ck_assert_msg(
        spec_load(spec_file, &spec, &faults), "%s", buf_text(&faults));
    ck_assert_msg(
        service_check_spec(spec, &config, &faults), "%s", buf_text(&faults));
    service = service_new(&config, auth, spec, scoreboard);
    ck_assert_ptr_nonnull(service);
}

static void set_up(void)
{
    config = (struct config){.auth_key_file = key_file,
        .auth_audience = "",
        .db_read_conninfo = "",
        .cache_servers = "",
        .search_conninfo = "",
        .cache_prefix = "nf1"};
    scoreboard = scoreboard_new();
    auth = auth_new(&config, &faults);
    ck_assert_msg(auth != NULL, "%s", buf_text(&faults));
    start("etc/openapi.yaml");
}

static void tear_down(void)
{
    service_free(service);
    spec_free(spec);
    auth_free(auth);
    scoreboard_free(scoreboard);
    buf_free(&faults);
    buf_free(&bearer);
    http_response_free(&response);
}

/* With another specification: ours with one text in the place of another,
 * wherever it stands. */
static void start_with(const char *old, const char *new)
{
    char file[] = "/tmp/test_serve_XXXXXX";
    static char yaml[1 << 17];
    FILE *ours = fopen("etc/openapi.yaml", "r");
    FILE *theirs = fdopen(mkstemp(file), "w");

    yaml[fread(yaml, 1, sizeof(yaml) - 1, ours)] = '\0';
    fclose(ours);
    char *rest = yaml;
    for (char *at; (at = strstr(rest, old)) != NULL; rest = at + strlen(old))
        fprintf(theirs, "%.*s%s", (int)(at - rest), rest, new);
    fputs(rest, theirs);
    fclose(theirs);
    start(file);
    unlink(file);
    spec->file = "FILE";
}

enum who {
    NOBODY,
    FORGER,
    STRANGER,
    SELF,
    ADMIN,
};

static void be(enum who who)
{
    buf_reset(&bearer, 0);
    request.authorization = NULL;
    if (who == NOBODY)
        return;
    buf_puts(&bearer, "Bearer ");
    ck_assert_int_eq(auth_make_token(&config,
                         who == SELF       ? 7
                         : who == STRANGER ? 8
                                           : 0,
                         who == ADMIN || who == FORGER, 60, &bearer),
        OK);
    if (who == FORGER) /* another signature */
        memset(bearer.data + bearer.len - 43, 'A', 43);
    request.authorization = buf_text(&bearer);
}

static void send_body(const char *body)
{
    request.body = body;
    request.body_len = strlen(body);
    request.content_type = body[0] ? "application/json" : NULL;
}

/* Asserts nothing: that takes memory. target: path and, behind a '?', query. */
static int ask(const char *method, const char *target)
{
    static char path[256];
    char *query;

    snprintf(path, sizeof(path), "%s", target);
    query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    request.id = "test";
    request.method = method;
    request.path = path;
    request.query = query ? query : "";
    http_response_reset(&response);
    serve(service, &request, &response);
    return response.status;
}

/* --- who may ------------------------------------------------------------ */

/* The one place where the tests say it, for every operation that there is. */
static const struct {
    const char *id;
    enum who least; /* STRANGER: whoever has a token */
} rights[] = {
    {"addParticipant", ADMIN},
    {"addParticipants", ADMIN},
    {"getParticipant", STRANGER},
    {"renameParticipant", SELF},
    {"removeParticipant", SELF},
    {"addFriend", SELF},
    {"addFriends", SELF},
    {"getFriend", STRANGER},
    {"removeFriend", SELF},
    {"addOutbound", SELF},
    {"getOutbound", STRANGER},
    {"getOutboundItem", STRANGER},
    {"editOutbound", SELF},
    {"removeOutbound", SELF},
    {"getInbound", SELF},
    {"getInboundStream", SELF},
    {"getMarker", SELF},
    {"setMarker", SELF},
    {"searchOutbound", STRANGER},
    {"searchItems", STRANGER},
};

enum {
    RIGHTS = sizeof(rights) / sizeof(*rights)
};

static enum who least_for(const char *id)
{
    for (int i = 0; i < RIGHTS; i++)
        if (strcmp(rights[i].id, id) == 0)
            return rights[i].least;
    ck_abort_msg("say in the table `rights` who may use %s", id);
    return ADMIN;
}

/* Of participant 7, the other parameters being 9. */
static const char *path_of(const struct spec_path *path)
{
    static char text[128];

    *text = '\0';
    for (int i = 0; i < path->segment_count; i++) {
        const struct spec_segment *segment = &path->segments[i];
        strcat(text, "/");
        strcat(text, !segment->is_parameter             ? segment->text
                     : strcmp(segment->text, "id") == 0 ? "7"
                                                        : "9");
    }
    return text;
}

/* What a request must be once it is let in does not matter here. */
static void assert_right(
    enum who who, const char *method, const char *path, enum who least)
{
    be(who);
    int status = ask(method, path);
    if (who < STRANGER)
        ck_assert_msg(status == 401, "%s %s: %d", method, path, status);
    else if (who < least)
        ck_assert_msg(status == 403, "%s %s: %d", method, path, status);
    else
        ck_assert_msg(status != 401 && status != 403 && status < 500,
            "%s %s: %d", method, path, status);

    request.auth_only = true; /* nginx, before it shows a cached page */
    status = ask(method, path);
    request.auth_only = false;
    ck_assert_int_eq(status, who < least ? 403 : 204);
}

START_TEST(every_operation_is_for_whom_it_is_for)
{
    int found = 0;

    request = (struct http_request){.body = ""};
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++, found++) {
            const struct spec_operation *o = &spec->paths[i].operations[j];
            enum who least = least_for(o->id);
            ck_assert(o->secured);
            for (enum who who = NOBODY; who <= ADMIN; who++) {
                assert_right(who, o->method, path_of(&spec->paths[i]), least);
                if (strcmp(o->method, "GET") == 0)
                    assert_right(who, "HEAD", path_of(&spec->paths[i]), least);
            }
        }
    ck_assert_int_eq(found, RIGHTS);
}
END_TEST

START_TEST(it_is_the_parameter_named_id_that_counts)
{
    start_with("/participant/{id}/friends/{friend}:",
        "/participant/{friend}/friend-of/{id}:");
    request = (struct http_request){.body = ""};
    be(SELF);
    ck_assert_int_eq(ask("DELETE", "/participant/9/friend-of/7"), 204);
    ck_assert_int_eq(ask("DELETE", "/participant/7/friend-of/9"), 403);
}
END_TEST

START_TEST(an_operation_that_the_specification_opens_asks_nobody)
{
    start_with("      operationId: getFriend\n",
        "      operationId: getFriend\n      security: []\n");
    request = (struct http_request){.body = ""};
    be(NOBODY);
    ck_assert_int_eq(ask("GET", "/participant/7/friends"), 200);
    ck_assert_int_eq(ask("GET", "/participant/7/inbound"), 401);
}
END_TEST

/* --- streams ------------------------------------------------------------ */

static const char stream_path[] = "/participant/7/inbound/stream";

static void assert_handed_on(const char *target, const char *where)
{
    ck_assert_int_eq(ask("GET", target), 200);
    ck_assert_ptr_nonnull(strstr(buf_text(&response.headers), where));
    ck_assert_str_eq(response.etag, "");
}

START_TEST(nginx_is_told_where_the_stream_is)
{
    config.stream_enabled = true;
    request = (struct http_request){
        .body = "", .may_stream = true, .if_none_match = "*"};
    be(ADMIN);
    assert_handed_on(stream_path, "X-Accel-Redirect: /_stream/7/");
    assert_handed_on("/participant/7/inbound/stream?after=12.3", "/12.3\r\n");
    request.last_event_id = "14";
    assert_handed_on("/participant/7/inbound/stream?after=12.3", "/14\r\n");
    request.last_event_id = "14 or so";
    ck_assert_int_eq(ask("GET", stream_path), 400);
}
END_TEST

START_TEST(of_a_stream_a_head_is_all_there_is)
{
    config.stream_enabled = true;
    request = (struct http_request){.body = "", .may_stream = true};
    be(ADMIN);
    ck_assert_int_eq(ask("HEAD", stream_path), 200);
    ck_assert_ptr_null(strstr(buf_text(&response.headers), "X-Accel-Redirect"));
}
END_TEST

START_TEST(there_is_no_stream_unless_both_can_do_it)
{
    request = (struct http_request){.body = ""};
    be(ADMIN);
    for (int i = 0; i < 3; i++) {
        config.stream_enabled = i == 1;
        request.may_stream = i == 2;
        ck_assert_int_eq(ask("GET", stream_path), 404);
    }
}
END_TEST

/* --- ids ---------------------------------------------------------------- */

static const char *const lists[] = {"friends", "outbound", "inbound"};

/* The page is kept and shown to others, who may be refused at other forms. */
START_TEST(however_an_id_was_sent_the_links_have_its_number)
{
    char path[64], links[160];

    request = (struct http_request){.body = ""};
    be(SELF);
    snprintf(path, sizeof(path), "/participant/%%37/%s", lists[_i]);
    ck_assert_int_eq(ask("GET", path), 200);
    snprintf(links, sizeof(links),
        "Link: </participant/7/%s?before=11>; rel=\"next\", "
        "</participant/7/%s?after=12>; rel=\"prev\"\r\n",
        lists[_i], lists[_i]);
    ck_assert_str_eq(buf_text(&response.headers), links);
}
END_TEST

/* --- lists, all of which is done or nothing ------------------------------ */

START_TEST(each_entry_of_a_list_has_its_result)
{
    request = (struct http_request){.body = ""};
    be(ADMIN);
    send_body("[{\"to\":9},{\"to\":\"/participant/7\"},{\"to\":\"404\"}]");
    ck_assert_int_eq(ask("POST", "/participant/7/friendships"), 200);
    ck_assert_str_eq(buf_text(&response.body),
        "[{\"status\":200,\"id\":1,\"from\":\"/participant/7\","
        "\"to\":\"/participant/9\"},"
        "{\"status\":400,\"title\":\"Bad Request\","
        "\"detail\":\"must be somebody else\"},"
        "{\"status\":404,\"title\":\"Not Found\","
        "\"detail\":\"participant 404 does not exist\"}]");
    send_body("[{\"name\":\"Ada\"}]");
    ck_assert_int_eq(ask("POST", "/participants"), 200);
    ck_assert_str_eq(buf_text(&response.body),
        "[{\"status\":200,\"id\":7,\"name\":\"Ada\","
        "\"link\":\"/participant/7\"}]");
}
END_TEST

/* In one transaction, which a single entry of its own kind is not. */
START_TEST(gets_alone_may_read_from_a_replica)
{
    ck_assert(!is_attached);
    config.db_read_conninfo = "host=standby";
    start("etc/openapi.yaml");
    ck_assert(is_attached);
    be(ADMIN);
    ask("GET", "/participant/7");
    ck_assert(may_read);
    ask("DELETE", "/participant/7");
    ck_assert(!may_read);
    ask("HEAD", "/participant/7");
    ck_assert(may_read);
    send_body("{\"name\":\"Ada\"}");
    ask("PATCH", "/participant/7");
    ck_assert(!may_read);
}
END_TEST

START_TEST(a_list_is_committed_once)
{
    request = (struct http_request){.body = ""};
    be(ADMIN);
    commits = 0;
    send_body("[{\"to\":9},{\"to\":10}]");
    ck_assert_int_eq(ask("POST", "/participant/7/friendships"), 200);
    ck_assert_int_eq(commits, 1);
    send_body("{\"to\":9}");
    ck_assert_int_eq(ask("POST", "/participant/7/friends"), 200);
    ck_assert_int_eq(commits, 1);
}
END_TEST

static const char *const bad_paths[] = {"/participant/0/inbound",
    "/participant/-5/inbound", "/participant/-9223372036854775807",
    "/participant/-1/friends", "/participant/7/outbound/0"};

START_TEST(what_is_no_id_is_refused_without_the_specifications_help)
{
    start_with("minimum: 1\n", "description: free\n");
    request = (struct http_request){.body = ""};
    be(ADMIN);
    ck_assert_int_eq(ask("GET", "/participant/7/inbound"), 200);
    ck_assert_int_eq(ask("GET", bad_paths[_i]), 400);
    ck_assert_ptr_nonnull(strstr(buf_text(&response.body), "\"path:i"));
}
END_TEST

/* --- without memory ----------------------------------------------------- */

static const struct {
    const char *method;
    const char *target;
    const char *body;
    const char *key;
    enum store_key state;
    int status;
} cases[] = {
    {"GET", "/participant/7/inbound?limit=9", "", NULL, KEY_NEW, 200},
    {"GET", "/participant/7/friends", "", NULL, KEY_NEW, 200},
    {"GET", "/outbound?keywords=a%20longer+text%26more", "", NULL, KEY_NEW,
        200},
    {"POST", "/participant/7/outbound",
        "{\"subject\":\"One\",\"story\":\"A \\u00e4 and more\"}", "once",
        KEY_NEW, 200},
    {"POST", "/participant/7/outbound", "{\"subject\":\"One\",\"story\":\"A\"}",
        "once", KEY_DONE, 200},
    {"POST", "/participant/7/friends", "{\"to\":\"/participant/9\"}", NULL,
        KEY_NEW, 200},
    {"POST", "/participant/7/outbound", "{\"subject\":\"\",\"story\":1}", NULL,
        KEY_NEW, 400},
    {"POST", "/participant/7/friends", "{\"to\":7}", NULL, KEY_NEW, 400},
    {"GET", "/participant/7/inbound?limitt=5&before=x", "", NULL, KEY_NEW, 400},
    {"POST", "/participant/7/friendships",
        "[{\"to\":9},{\"to\":7},{\"to\":404}]", NULL, KEY_NEW, 200},
    {"POST", "/participant/7/friendships", "[{\"to\":9}]", "once", KEY_NEW,
        200},
    {"POST", "/participant/7/friendships",
        "[{\"to\":9},{\"from\":8,\"to\":\"9223372036854775808\"}]", NULL,
        KEY_NEW, 400},
    {"POST", "/participants", "[{\"name\":\"A\"}]", NULL, KEY_NEW, 403},
    {"GET", "/participant/7/inbound/marker", "", NULL, KEY_NEW, 200},
    {"PUT", "/participant/7/inbound/marker", "{\"last_read\":9}", NULL, KEY_NEW,
        200},
    {"PUT", "/participant/7/inbound/marker", "{\"last_read\":-1}", NULL,
        KEY_NEW, 400},
    {"PUT", "/participant/7/friends", "", NULL, KEY_NEW, 405},
    {"GET", "/nothing", "", NULL, KEY_NEW, 404},
    {"POST", "/participant", "{\"name\":\"A\"}", NULL, KEY_NEW, 403},
};

static int at;
static struct buf whole_headers, whole_body;

static void try_request(void)
{
    int status = ask(cases[at].method, cases[at].target);

    memory_restore();
    ck_assert_msg(status == cases[at].status || status == 500, "%d", status);
    if (status == 500)
        return;
    ck_assert_str_eq(buf_text(&response.headers), buf_text(&whole_headers));
    ck_assert_str_eq(buf_text(&response.body), buf_text(&whole_body));
}

/* Nobody is let in, nothing is half, and nothing good is called bad. */
START_TEST(without_memory_an_answer_is_right_or_a_500)
{
    at = _i;
    key_state = cases[at].state;
    request = (struct http_request){.idempotency_key = cases[at].key};
    send_body(cases[at].body);
    be(SELF);
    ck_assert_int_eq(ask(cases[at].method, cases[at].target), cases[at].status);
    buf_puts(&whole_headers, buf_text(&response.headers));
    buf_puts(&whole_body, buf_text(&response.body));
    http_response_free(&response);
    ck_assert_int_gt(memory_try_each(try_request), 0);
    buf_free(&whole_headers);
    buf_free(&whole_body);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void write_key_file(void)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";
    int fd = mkstemp(key_file);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(write(fd, key, strlen(key)), 0);
    ck_assert_int_eq(close(fd), 0);
}

static void remove_key_file(void)
{
    unlink(key_file);
}

void add_tests(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, write_key_file, remove_key_file);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_operation_is_for_whom_it_is_for);
    tcase_add_test(tests, it_is_the_parameter_named_id_that_counts);
    tcase_add_test(
        tests, an_operation_that_the_specification_opens_asks_nobody);
    tcase_add_test(tests, each_entry_of_a_list_has_its_result);
    tcase_add_test(tests, gets_alone_may_read_from_a_replica);
    tcase_add_test(tests, a_list_is_committed_once);
    tcase_add_test(tests, nginx_is_told_where_the_stream_is);
    tcase_add_test(tests, of_a_stream_a_head_is_all_there_is);
    tcase_add_test(tests, there_is_no_stream_unless_both_can_do_it);
    tcase_add_loop_test(tests, however_an_id_was_sent_the_links_have_its_number,
        0, COUNT(lists));
    tcase_add_loop_test(tests,
        what_is_no_id_is_refused_without_the_specifications_help, 0,
        COUNT(bad_paths));
    tcase_add_loop_test(
        tests, without_memory_an_answer_is_right_or_a_500, 0, COUNT(cases));
}
