/* Answers a feed's first page from memcached, or claims it for a worker.
 *
 *     newsfeed_runtime_dir PATH;      in http: service.runtime_dir
 *     newsfeed_cache UPSTREAM KEY;    in a location; both may hold variables
 *
 * One question to memcached, the meta command `mg KEY v c k N3`, brings the
 * page or, where there is nothing, leaves an empty value for some seconds: the
 * lease. Its number is then in $newsfeed_lease, for the worker that stores the
 * page with it (app/cache.h tells the whole scheme). Whatever is not answered
 * from here ends with 404, 502 or 504, which error_page hands to a worker;
 * a request with an empty KEY, a body, or another method than GET and HEAD
 * asks memcached nothing. Nor does anybody while the workers keep readers off
 * that server, newsfeed_cache_N, by a file in the folder (app/runtime.h).
 *
 * The key in memcached is KEY@DATABASE, by another file there: what was read
 * from a database before it was restored is found no more. Most requests learn
 * all that by one look, at a third file.
 *
 * $newsfeed_keys is a word that changes with the keys that tokens are signed
 * with.
 *
 * What came of each request is counted in one more file there (app/hits.h).
 *
 * A value is a page, in parts (app/stored.h), which are put together here. The
 * protocol: protocol.txt of memcached 1.6, "Meta Get". */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../../app/contract.h"
#include "../../app/hits.c"
#include "../../app/stored.c"

enum {
    TIMEOUT = 50,            /* ms, of a connect, a send, between two reads */
    TELL_INTERVAL = 250,     /* ms until what was counted is written down */
    BUFFER_SIZE = 64 * 1024, /* of one read; larger pages get a larger one */
};

/* ms: then the page is here, and only the client's own timeouts count. */
#define NO_TIMEOUT ((ngx_msec_t)24 * 60 * 60 * 1000)

typedef struct {
    ngx_str_t runtime_dir;
} main_conf_t;

typedef struct {
    ngx_http_upstream_conf_t upstream;
    ngx_http_upstream_conf_t whole; /* the same, once the page is here */
    ngx_http_complex_value_t *server;
    ngx_http_complex_value_t *key;
    ngx_int_t lease; /* index of the variable */
} loc_conf_t;

typedef struct {
    ngx_str_t key;
    int64_t horizon; /* as it was before the question was asked */
    unsigned is_counted : 1;
    ngx_chain_t *body;
} ctx_t;

ngx_module_t ngx_http_newsfeed_module;

/* --- counting ----------------------------------------------------------- */

/* What this worker has not yet told, which it does when the timer ends: there
 * is one whenever there is something. nginx's log wants events to have a
 * connection. */
static uint64_t untold[HITS_RESULTS];
static ngx_connection_t no_connection = {.fd = (ngx_socket_t)-1};
static ngx_event_t telling = {.data = &no_connection, .cancelable = 1};

static ngx_uint_t tell(void)
{
    main_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        ngx_cycle, ngx_http_newsfeed_module);
    u_char path[NGX_MAX_PATH];
    u_char *end = path + sizeof(path);

    return ngx_slprintf(path, end, "%V/" HITS_FILE "%Z", &conf->runtime_dir) <
               end &&
           hits_add((char *)path, untold);
}

/* Whoever makes the file may come later than nginx. */
static void tell_or_wait(ngx_event_t *event)
{
    if (!tell())
        ngx_add_timer(event, TELL_INTERVAL);
}

static void tell_the_last(ngx_cycle_t *cycle)
{
    if (telling.timer_set)
        tell();
}

static void count(enum hits_result result)
{
    untold[result]++;
    if (telling.timer_set)
        return;
    telling.handler = tell_or_wait;
    telling.log = ngx_cycle->log;
    ngx_add_timer(&telling, TELL_INTERVAL);
}

/* What came of the question; of what is told twice, the first. */
static void count_once(ngx_http_request_t *r, enum hits_result result)
{
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);

    if (ctx == NULL || ctx->is_counted)
        return;
    ctx->is_counted = 1;
    count(result);
}

/* --- the question ------------------------------------------------------- */

static ngx_int_t create_request(ngx_http_request_t *r)
{
    static const char command[] = "mg ", flags[] = " v c k N" CONTRACT_TEXT(
                                             CONTRACT_LEASE_TTL) CRLF;
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);
    ngx_buf_t *b = ngx_create_temp_buf(
        r->pool, sizeof(command) + ctx->key.len + sizeof(flags));
    ngx_chain_t *cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL)
        return NGX_ERROR;
    b->last = ngx_cpymem(b->last, command, sizeof(command) - 1);
    b->last = ngx_cpymem(b->last, ctx->key.data, ctx->key.len);
    b->last = ngx_cpymem(b->last, flags, sizeof(flags) - 1);
    cl->buf = b;
    cl->next = NULL;
    r->upstream->request_bufs = cl;
    return NGX_OK;
}

static ngx_int_t reinit_request(ngx_http_request_t *r)
{
    return NGX_OK;
}

/* --- the answer --------------------------------------------------------- */

/* "VA SIZE FLAG..." */
typedef struct {
    size_t size;
    ngx_str_t cas;
    ngx_str_t key;
    unsigned is_won : 1; /* the lease is ours */
} value_t;

static ngx_int_t parse_value_line(u_char *p, u_char *end, value_t *value)
{
    u_char *start = p + sizeof("VA ") - 1;
    ngx_str_t flag;
    ngx_int_t size;

    ngx_memzero(value, sizeof(*value));
    if (end - p < (ssize_t)sizeof("VA ") - 1 || ngx_strncmp(p, "VA ", 3) != 0)
        return NGX_ERROR;
    for (p = start; p < end && *p != ' '; p++)
        ;
    size = ngx_atosz(start, p - start);
    if (size == NGX_ERROR)
        return NGX_ERROR;
    value->size = size;

    while (p < end) {
        for (start = ++p; p < end && *p != ' '; p++)
            ;
        if (start == p)
            continue;
        flag.data = start + 1;
        flag.len = p - flag.data;
        switch (*start) {
        case 'W':
            value->is_won = 1;
            break;
        case 'c':
            value->cas = flag;
            break;
        case 'k':
            value->key = flag;
            break;
        }
    }
    return NGX_OK;
}

/* An answer to another question is worse than none. */
static ngx_uint_t is_answer(ngx_http_request_t *r, const value_t *value)
{
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);

    return value->key.len == ctx->key.len &&
           ngx_memcmp(value->key.data, ctx->key.data, ctx->key.len) == 0;
}

static ngx_int_t keep_lease(ngx_http_request_t *r, ngx_str_t *cas)
{
    loc_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_newsfeed_module);
    ngx_http_variable_value_t *v = &r->variables[conf->lease];

    v->data = ngx_pstrdup(r->pool, cas);
    if (v->data == NULL)
        return NGX_ERROR;
    v->len = cas->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    return NGX_OK;
}

static ngx_table_elt_t *add_header(
    ngx_http_request_t *r, const char *name, const char *text, size_t len)
{
    ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);

    if (h == NULL)
        return NULL;
    ngx_memzero(h, sizeof(*h));
    h->hash = 1;
    h->key.data = (u_char *)name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *)text;
    h->value.len = len;
    return h;
}

/* What is read is done with, and a worker is to answer. */
static ngx_int_t miss(
    ngx_http_request_t *r, enum hits_result result, ngx_uint_t is_clean)
{
    ngx_http_upstream_t *u = r->upstream;

    count_once(r, result);
    u->headers_in.status_n = NGX_HTTP_NOT_FOUND;
    u->state->status = NGX_HTTP_NOT_FOUND;
    u->headers_in.content_length_n = 0;
    u->keepalive = is_clean;
    return NGX_OK;
}

static ngx_int_t refuse(ngx_http_request_t *r, u_char *line, size_t len)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
        "memcached sent an invalid answer: \"%*s\"", ngx_min(len, 200), line);
    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}

/* A part of the body, behind the others. It lies in the upstream's buffer to
 * the end of the request, or is constant. */
static ngx_chain_t **add_part(
    ngx_http_request_t *r, ngx_chain_t **last, const char *start, size_t len)
{
    ngx_chain_t *cl;

    if (last == NULL)
        return NULL;
    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL)
        return NULL;
    cl->buf = ngx_calloc_buf(r->pool);
    if (cl->buf == NULL)
        return NULL;
    cl->buf->memory = 1;
    cl->buf->tag = (ngx_buf_tag_t)&ngx_http_newsfeed_module;
    cl->buf->pos = (u_char *)start;
    cl->buf->last = cl->buf->pos + len;
    cl->next = NULL;
    *last = cl;
    return &cl->next;
}

/* Each part costs the kernel something. A text has bytes before and behind it
 * (stored.h): where they are those that belong there, as around a page that
 * nothing lies in front of, they are taken along. */
static ngx_int_t assemble(
    ngx_http_request_t *r, const struct stored *page, ngx_chain_t **body)
{
    ngx_chain_t **last = body, **end_part = body;
    ngx_uint_t is_ended = page->count == 0;
    int i, run;

    if (is_ended)
        last = add_part(r, last, "[]", 2);
    for (i = 0; i < page->count; i += run) {
        const struct stored_item *first = &page->items[i], *final;
        const char *before = i == 0 ? "[" : ",";
        const char *start = first->text, *end;

        run = stored_run(page, i);
        final = &page->items[i + run - 1];
        end = final->text + final->len;
        is_ended = i + run == page->count && *end == ']';
        if (start[-1] != *before)
            last = add_part(r, last, before, 1);
        else
            start--;
        end_part = last;
        last = add_part(r, last, start, end + is_ended - start);
    }
    if (!is_ended) {
        end_part = last;
        last = add_part(r, last, "]", 1);
    }
    if (last == NULL)
        return NGX_ERROR;
    (*end_part)->buf->flush = 1;
    return NGX_OK;
}

static ngx_int_t add_headers(ngx_http_request_t *r, const struct stored *page)
{
    u_char *etag = ngx_pnalloc(r->pool, STORED_ETAG_SIZE + STORED_LINKS_MAX);
    char *links;

    if (etag == NULL)
        return NGX_ERROR;
    links = (char *)etag + STORED_ETAG_SIZE;
    stored_etag(page, (char *)etag);
    stored_links(page, links);
    r->headers_out.etag = add_header(r, "ETag", (char *)etag, ngx_strlen(etag));
    if (r->headers_out.etag == NULL)
        return NGX_ERROR;
    if (*links && add_header(r, "Link", links, ngx_strlen(links)) == NULL)
        return NGX_ERROR;
    ngx_str_set(&r->headers_out.content_type, CONTRACT_STORED_TYPE);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    return NGX_OK;
}

static ngx_int_t answer(ngx_http_request_t *r, const struct stored *page)
{
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);
    ngx_http_upstream_t *u = r->upstream;

    if (add_headers(r, page) != NGX_OK ||
        assemble(r, page, &ctx->body) != NGX_OK ||
        ngx_http_discard_request_body(r) != NGX_OK)
        return NGX_ERROR;
    count_once(r, HITS_HIT);
    u->headers_in.status_n = NGX_HTTP_OK;
    u->state->status = NGX_HTTP_OK;
    u->headers_in.content_length_n = stored_length(page);
    u->keepalive = 1;

    /* Or nginx would not look at If-None-Match. The others the workers do not
     * know either: without a Last-Modified they would end with 412. */
    u->cacheable = 1;
    r->headers_in.if_match = NULL;
    r->headers_in.if_modified_since = NULL;
    r->headers_in.if_unmodified_since = NULL;
    return NGX_OK;
}

/* "EN": nothing is there, and there was no room for the lease. */
static ngx_uint_t is_end(u_char *line, u_char *end)
{
    return end - line == 2 && line[0] == 'E' && line[1] == 'N';
}

/* For so many bytes from the answer's start. */
static ngx_int_t make_room(ngx_http_request_t *r, size_t size)
{
    ngx_buf_t *b = &r->upstream->buffer;
    u_char *start;

    if ((size_t)(b->end - b->pos) >= size)
        return NGX_AGAIN;
    start = ngx_palloc(r->pool, size);
    if (start == NULL)
        return NGX_ERROR;
    b->last = ngx_cpymem(start, b->pos, b->last - b->pos);
    ngx_pfree(r->pool, b->start);
    b->start = b->pos = start;
    b->end = start + size;
    return NGX_AGAIN;
}

/* Nothing is passed on before the page is here as a whole: a worker can still
 * answer then, whatever is wrong with it. */
static ngx_int_t process_header(ngx_http_request_t *r)
{
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);
    ngx_http_upstream_t *u = r->upstream;
    u_char *line = u->buffer.pos, *last = u->buffer.last;
    u_char *lf = ngx_strlchr(line, last, LF);
    struct stored stored;
    value_t value;

    if (lf == NULL)
        return NGX_AGAIN;
    if (lf == line || lf[-1] != CR)
        return refuse(r, line, lf - line);

    u_char *data = lf + 1;
    size_t got = last - data;
    if (is_end(line, lf - 1))
        return miss(r, HITS_MISS, got == 0);
    if (parse_value_line(line, lf - 1, &value) != NGX_OK ||
        !is_answer(r, &value) || value.size > CONTRACT_STORED_MAX ||
        got > value.size + sizeof(CRLF) - 1)
        return refuse(r, line, lf - line);
    if (got < value.size + sizeof(CRLF) - 1)
        return make_room(r, data - line + value.size + sizeof(CRLF) - 1);
    if (ngx_strncmp(data + value.size, CRLF, sizeof(CRLF) - 1) != 0)
        return refuse(r, line, lf - line);

    if (value.is_won && keep_lease(r, &value.cas) != NGX_OK)
        return NGX_ERROR;
    if (!stored_parse((char *)data, value.size, &stored) ||
        !stored_settle(&stored, ctx->horizon))
        return miss(r, value.is_won ? HITS_LEASE : HITS_MISS, 1); /* a lease, or
            what a worker will read anew */
    return answer(r, &stored);
}

/* --- the body ----------------------------------------------------------- */

static ngx_int_t begin_body(void *data)
{
    ngx_http_request_t *r = data;
    loc_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_newsfeed_module);

    r->upstream->conf = &conf->whole;
    r->upstream->length = r->upstream->headers_in.content_length_n;
    return NGX_OK;
}

/* All of it is here: it is passed on as it was assembled. What comes behind it,
 * while a slow client takes his time, is nobody's answer. */
static ngx_int_t pass_body(void *data, ssize_t bytes)
{
    ngx_http_request_t *r = data;
    ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_newsfeed_module);
    ngx_http_upstream_t *u = r->upstream;

    if (u->length == 0) {
        u->keepalive = 0;
        return NGX_OK;
    }
    u->buffer.last += bytes;
    u->length = 0;
    u->out_bufs = ctx->body;
    return NGX_OK;
}

static void abort_request(ngx_http_request_t *r)
{
}

static void finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc != NGX_HTTP_CLIENT_CLOSED_REQUEST)
        count_once(r, HITS_FAILED); /* unless there was an answer */
}

/* --- the location ------------------------------------------------------- */

/* The server may be an upstream block that a variable names. */
static ngx_int_t resolve(ngx_http_request_t *r, ngx_str_t *server)
{
    ngx_http_upstream_t *u = r->upstream;

    u->resolved = ngx_pcalloc(r->pool, sizeof(*u->resolved));
    if (u->resolved == NULL)
        return NGX_ERROR;
    u->resolved->host = *server;
    u->resolved->no_port = 1;
    return NGX_OK;
}

typedef struct {
    u_char text[CONTRACT_WORD_SIZE];
    size_t len;
} word_t;

/* What the workers say under that name; "" if they have not said it. */
static void read_word(
    ngx_http_request_t *r, word_t *word, const char *name, ...)
{
    main_conf_t *conf =
        ngx_http_get_module_main_conf(r, ngx_http_newsfeed_module);
    u_char path[NGX_MAX_PATH];
    u_char *end = path + sizeof(path);
    u_char *p = ngx_slprintf(path, end, "%V/", &conf->runtime_dir);
    ssize_t len = -1;
    va_list args;

    va_start(args, name);
    p = ngx_vslprintf(p, end, name, args);
    va_end(args);
    if (p < end) {
        *p = '\0';
        len = readlink((char *)path, (char *)word->text, CONTRACT_WORD_SIZE);
    }
    word->len = len > 0 && len < CONTRACT_WORD_SIZE ? len : 0;
}

/* The name behind what `newsfeed --cache-map` puts in front of it. Of another
 * server nothing is known: "". */
static ngx_str_t name_server(const ngx_str_t *upstream)
{
    static const char before[] = CONTRACT_UPSTREAM;
    const size_t skipped = sizeof(before) - 1;
    ngx_str_t name = ngx_null_string;

    if (upstream->len > skipped &&
        ngx_strncmp(upstream->data, before, skipped) == 0) {
        name.data = upstream->data + skipped;
        name.len = upstream->len - skipped;
    }
    return name;
}

/* Who cannot look must not take it for open. */
static ngx_uint_t is_closed(ngx_http_request_t *r, ngx_str_t *name)
{
    main_conf_t *conf =
        ngx_http_get_module_main_conf(r, ngx_http_newsfeed_module);
    u_char path[NGX_MAX_PATH];
    u_char *end = path + sizeof(path);

    if (ngx_slprintf(path, end, "%V/" CONTRACT_CLOSED "%V%Z",
            &conf->runtime_dir, name) == end)
        return 1;
    /* access() knows of no capability to pass a folder */
    return faccessat(AT_FDCWD, (char *)path, F_OK, AT_EACCESS) == 0 ||
           ngx_errno != NGX_ENOENT;
}

/* What is known before the question is asked. */
typedef struct {
    word_t database;
    int64_t horizon; /* 0: nobody knows it */
} state_t;

/* "HORIZON@DATABASE". 0: it is not said, or the server is not open. */
static ngx_uint_t look_once(
    ngx_http_request_t *r, ngx_str_t *name, state_t *state)
{
    static const char end[] = CONTRACT_HORIZON_DATABASE;
    word_t word;
    u_char *at;

    read_word(
        r, &word, CONTRACT_OPEN "%V/" CONTRACT_WORD_HORIZON "%V", name, name);
    at = ngx_strlchr(word.text, word.text + word.len, end[0]);
    if (at == NULL)
        return 0;
    state->horizon = ngx_max(ngx_atoi(word.text, at - word.text), 0);
    state->database.len = word.text + word.len - (at + 1);
    ngx_memcpy(state->database.text, at + 1, state->database.len);
    return state->database.len > 0;
}

/* 0: nobody may read pages from there. */
static ngx_uint_t look(ngx_http_request_t *r, ngx_str_t *name, state_t *state)
{
    if (name->len == 0)
        return 0;
    if (look_once(r, name, state))
        return 1;
    state->horizon = 0;
    read_word(r, &state->database, CONTRACT_WORD_DATABASE);
    return state->database.len > 0 && !is_closed(r, name);
}

/* Pages belong to a database. */
static ngx_int_t name_page(ngx_http_request_t *r, ngx_str_t *key,
    const word_t *database, ngx_str_t *named)
{
    static const char at[] = CONTRACT_KEY_DATABASE;
    u_char *p = ngx_pnalloc(r->pool, key->len + sizeof(at) - 1 + database->len);

    if (p == NULL)
        return NGX_ERROR;
    named->data = p;
    p = ngx_cpymem(p, key->data, key->len);
    p = ngx_cpymem(p, at, sizeof(at) - 1);
    p = ngx_cpymem(p, database->text, database->len);
    named->len = p - named->data;
    return NGX_OK;
}

static ngx_uint_t is_asked(ngx_http_request_t *r, ngx_str_t *key)
{
    return key->len > 0 && (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) &&
           r->headers_in.content_length_n <= 0 && !r->headers_in.chunked;
}

/* To a worker, at once. */
static ngx_int_t pass(ngx_http_request_t *r)
{
    count(HITS_PASSED);
    return NGX_HTTP_NOT_FOUND;
}

static ngx_int_t handle(ngx_http_request_t *r)
{
    loc_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_newsfeed_module);
    ctx_t *ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
    ngx_http_upstream_t *u;
    ngx_str_t key, server, name;
    state_t state;

    if (ctx == NULL || ngx_http_complex_value(r, conf->key, &key) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (r != r->main || !is_asked(r, &key))
        return pass(r);
    if (ngx_http_complex_value(r, conf->server, &server) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    name = name_server(&server);
    if (!look(r, &name, &state))
        return pass(r);
    ctx->horizon = state.horizon;
    if (name_page(r, &key, &state.database, &ctx->key) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (ngx_http_upstream_create(r) != NGX_OK || resolve(r, &server) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    ngx_http_set_ctx(r, ctx, ngx_http_newsfeed_module);

    u = r->upstream;
    ngx_str_set(&u->schema, "memcached://");
    u->output.tag = (ngx_buf_tag_t)&ngx_http_newsfeed_module;
    u->conf = &conf->upstream;
    u->create_request = create_request;
    u->reinit_request = reinit_request;
    u->process_header = process_header;
    u->abort_request = abort_request;
    u->finalize_request = finalize_request;
    u->input_filter_init = begin_body;
    u->input_filter = pass_body;
    u->input_filter_ctx = r;

    r->main->count++;
    ngx_http_upstream_init(r);
    return NGX_DONE;
}

/* --- the configuration -------------------------------------------------- */

static ngx_str_t lease_name = ngx_string("newsfeed_lease");
static ngx_str_t keys_name = ngx_string("newsfeed_keys");

static ngx_int_t get_no_lease(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    *v = ngx_http_variable_null_value;
    return NGX_OK;
}

static ngx_int_t get_keys(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    word_t *word = ngx_palloc(r->pool, sizeof(*word));

    if (word == NULL)
        return NGX_ERROR;
    read_word(r, word, CONTRACT_WORD_KEYS);
    v->data = word->text;
    v->len = word->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    return NGX_OK;
}

static ngx_int_t add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t *lease =
        ngx_http_add_variable(cf, &lease_name, NGX_HTTP_VAR_CHANGEABLE);
    ngx_http_variable_t *keys = ngx_http_add_variable(cf, &keys_name, 0);

    if (lease == NULL || keys == NULL)
        return NGX_ERROR;
    lease->get_handler = get_no_lease;
    keys->get_handler = get_keys;
    return NGX_OK;
}

static void *create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(main_conf_t));
}

static void *create_loc_conf(ngx_conf_t *cf)
{
    loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

    if (conf == NULL)
        return NULL;
    conf->upstream.connect_timeout = TIMEOUT;
    conf->upstream.send_timeout = TIMEOUT;
    conf->upstream.read_timeout = TIMEOUT;
    conf->upstream.buffer_size = BUFFER_SIZE;
    conf->upstream.next_upstream = NGX_HTTP_UPSTREAM_FT_OFF;
    conf->upstream.intercept_404 = 1;
    ngx_str_set(&conf->upstream.module, "newsfeed");
    conf->whole = conf->upstream;
    conf->whole.read_timeout = NO_TIMEOUT;
    return conf;
}

/* For `if` and `limit_except` in the location, which have its handler. */
static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    loc_conf_t *from = parent, *to = child;
    main_conf_t *main =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_newsfeed_module);

    if (to->server == NULL) {
        to->server = from->server;
        to->key = from->key;
        to->lease = from->lease;
    }
    if (to->server && main->runtime_dir.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "newsfeed_cache needs newsfeed_runtime_dir: print the map anew "
            "(newsfeed --cache-map), it has that line");
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

static ngx_http_complex_value_t *compile(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_http_compile_complex_value_t ccv = {
        .cf = cf,
        .value = text,
        .complex_value = ngx_pcalloc(cf->pool, sizeof(*ccv.complex_value)),
    };

    if (ccv.complex_value == NULL ||
        ngx_http_compile_complex_value(&ccv) != NGX_OK)
        return NULL;
    return ccv.complex_value;
}

static char *set_cache(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
    loc_conf_t *conf = data;
    ngx_str_t *words = cf->args->elts;
    ngx_http_core_loc_conf_t *location;

    if (conf->server)
        return "is duplicate";
    conf->server = compile(cf, &words[1]);
    conf->key = compile(cf, &words[2]);
    conf->lease = ngx_http_get_variable_index(cf, &lease_name);
    if (conf->server == NULL || conf->key == NULL || conf->lease == NGX_ERROR)
        return NGX_CONF_ERROR;

    location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    location->handler = handle;
    return NGX_CONF_OK;
}

static ngx_command_t commands[] = {
    {ngx_string("newsfeed_runtime_dir"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
        offsetof(main_conf_t, runtime_dir), NULL},
    {ngx_string("newsfeed_cache"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE2,
        set_cache, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command,
};

static ngx_http_module_t context = {
    .preconfiguration = add_variables,
    .create_main_conf = create_main_conf,
    .create_loc_conf = create_loc_conf,
    .merge_loc_conf = merge_loc_conf,
};

ngx_module_t ngx_http_newsfeed_module = {
    NGX_MODULE_V1,
    &context,
    commands,
    NGX_HTTP_MODULE,
    NULL,          /* init master */
    NULL,          /* init module */
    NULL,          /* init process */
    NULL,          /* init thread */
    NULL,          /* exit thread */
    tell_the_last, /* exit process */
    NULL,          /* exit master */
    NGX_MODULE_V1_PADDING,
};
