/* Answers a feed's first page from memcached, or claims it for a worker.
 *
 *     newsfeed_runtime_dir PATH;      in http: service.runtime_dir
 *     newsfeed_cache UPSTREAM KEY;    in a location; both may hold variables
 *
 * One question to memcached, the meta command `mg KEY v c k N3`, brings the
 * page or, where there is nothing, leaves an empty value for three seconds: the
 * lease. Its number is then in $newsfeed_lease, for the worker that stores the
 * page with it (app/cache.h tells the whole scheme). Whatever is not answered
 * from here ends with 404, 502 or 504, which error_page hands to a worker;
 * a request with an empty KEY, a body, or another method than GET and HEAD
 * asks memcached nothing. Nor does anybody while the workers keep readers off
 * that server, newsfeed_cache_N, by a file in the folder (app/runtime.h).
 *
 * $newsfeed_keys is a word that changes with the keys that tokens are signed
 * with.
 *
 * A value is a whole response, head and body, as http_print_page (app/http.c)
 * writes it. The protocol: protocol.txt of memcached 1.6, "Meta Get". */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../../app/runtime.h"

#define LEASE_TTL "3" /* seconds, as in app/cache.c */

/* Every page starts so (app/http.c); the tag and further headers follow. */
#define CONTENT_TYPE "application/json"
#define PAGE_START "HTTP/1.1 200 OK" CRLF "Content-Type: " CONTENT_TYPE CRLF

enum {
    TIMEOUT = 50,            /* ms, of a connect, a send, the page's head */
    BODY_TIMEOUT = 60000,    /* ms, of the rest: it runs for slow clients too */
    BUFFER_SIZE = 64 * 1024, /* of one read; larger pages take several */
};

typedef struct {
    ngx_str_t runtime_dir;
} main_conf_t;

typedef struct {
    ngx_http_upstream_conf_t upstream;
    ngx_http_upstream_conf_t body; /* the same, once the head is there */
    ngx_http_complex_value_t *server;
    ngx_http_complex_value_t *key;
    ngx_int_t lease; /* index of the variable */
} loc_conf_t;

typedef struct {
    ngx_http_request_t *request;
    ngx_str_t key;
} ctx_t;

ngx_module_t ngx_http_newsfeed_module;

/* --- the question ------------------------------------------------------- */

static ngx_int_t create_request(ngx_http_request_t *r)
{
    static const char command[] = "mg ", flags[] = " v c k N" LEASE_TTL CRLF;
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

/* Cuts "name: text" and its line end off the front of what is in *p; error if
 * there is no such line. */
static ngx_int_t take_line(
    u_char **p, u_char *end, ngx_str_t *name, ngx_str_t *text)
{
    u_char *next = *p;
    u_char *colon;

    while (next < end && *next >= ' ')
        next++;
    colon = ngx_strlchr(*p, next, ':');
    if (end - next < 2 || next[0] != CR || next[1] != LF || colon == NULL ||
        colon[1] != ' ')
        return NGX_ERROR;
    name->data = *p;
    name->len = colon - name->data;
    text->data = colon + 2;
    text->len = next - text->data;
    *p = next + 2;
    return NGX_OK;
}

static ngx_int_t add_header(
    ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *text)
{
    static ngx_str_t etag = ngx_string("ETag");
    ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);

    if (h == NULL)
        return NGX_ERROR;
    ngx_memzero(h, sizeof(*h));
    h->hash = 1;
    h->key = *name;
    h->value = *text;
    if (name->len == etag.len &&
        ngx_strncmp(name->data, etag.data, etag.len) == 0)
        r->headers_out.etag = h;
    return NGX_OK;
}

/* The lines of a stored page's head, each with its line end: all of them or,
 * if one of them is none, nothing, for a worker is to answer then. */
static ngx_int_t add_headers(ngx_http_request_t *r, u_char *head, u_char *end)
{
    ngx_str_t name, text;
    u_char *p;

    for (p = head; p < end;)
        if (take_line(&p, end, &name, &text) != NGX_OK)
            return NGX_DECLINED;
    for (p = head; p < end;)
        if (take_line(&p, end, &name, &text) != NGX_OK ||
            add_header(r, &name, &text) != NGX_OK)
            return NGX_ERROR;
    return NGX_OK;
}

/* What is read is done with, and a worker is to answer. */
static ngx_int_t miss(ngx_http_upstream_t *u, ngx_uint_t is_clean)
{
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

static ngx_int_t take_page(
    ngx_http_request_t *r, u_char *page, size_t head_len, const value_t *value)
{
    static const size_t start_len = sizeof(PAGE_START) - 1;
    ngx_http_upstream_t *u = r->upstream;
    size_t len = head_len - start_len;
    u_char *head = ngx_pnalloc(r->pool, len); /* the buffer is used again */
    ngx_int_t rc;

    if (head == NULL)
        return NGX_ERROR;
    ngx_memcpy(head, page + start_len, len);
    rc = add_headers(r, head, head + len);
    if (rc == NGX_DECLINED)
        return refuse(r, page, head_len);
    if (rc != NGX_OK || ngx_http_discard_request_body(r) != NGX_OK)
        return NGX_ERROR;
    ngx_str_set(&r->headers_out.content_type, CONTENT_TYPE);
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    u->headers_in.status_n = NGX_HTTP_OK;
    u->state->status = NGX_HTTP_OK;
    u->headers_in.content_length_n = value->size - head_len - 2;
    u->buffer.pos = page + head_len + 2;

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

static ngx_int_t process_header(ngx_http_request_t *r)
{
    ngx_http_upstream_t *u = r->upstream;
    u_char *line = u->buffer.pos, *last = u->buffer.last;
    u_char *lf = ngx_strlchr(line, last, LF);
    value_t value;

    if (lf == NULL)
        return NGX_AGAIN;
    if (lf == line || lf[-1] != CR)
        return refuse(r, line, lf - line);

    u_char *page = lf + 1;
    size_t got = last - page;
    if (is_end(line, lf - 1))
        return miss(u, got == 0);
    if (parse_value_line(line, lf - 1, &value) != NGX_OK ||
        !is_answer(r, &value) || got > value.size + sizeof(CRLF) - 1)
        return refuse(r, line, lf - line);

    ngx_uint_t is_whole = got == value.size + sizeof(CRLF) - 1;
    u_char *blank = ngx_strnstr(page, CRLF CRLF, ngx_min(got, value.size));
    if (blank == NULL && !is_whole)
        return NGX_AGAIN;
    if (value.is_won && keep_lease(r, &value.cas) != NGX_OK)
        return NGX_ERROR;
    if (blank == NULL ||
        ngx_strncmp(page, PAGE_START, sizeof(PAGE_START) - 1) != 0)
        return miss(u, is_whole);

    /* Early, for HEAD and 304, whose bodies are never looked at. */
    u->keepalive = is_whole;
    return take_page(r, page, blank + 2 - page, &value);
}

/* --- the body ----------------------------------------------------------- */

static ngx_int_t input_filter_init(void *data)
{
    ctx_t *ctx = data;
    ngx_http_request_t *r = ctx->request;
    ngx_http_upstream_t *u = r->upstream;
    loc_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_newsfeed_module);

    u->conf = &conf->body;
    u->length = u->headers_in.content_length_n + sizeof(CRLF) - 1;
    return NGX_OK;
}

/* Passes on what arrived, but for the line end behind the value. */
static ngx_int_t input_filter(void *data, ssize_t bytes)
{
    ctx_t *ctx = data;
    ngx_http_request_t *r = ctx->request;
    ngx_http_upstream_t *u = r->upstream;
    ssize_t rest = u->length - (ssize_t)(sizeof(CRLF) - 1); /* of the page */
    u_char *start = u->buffer.last;
    ngx_chain_t *cl, **ll;

    u->keepalive = bytes == u->length;
    u->length -= ngx_min(bytes, u->length);
    u->buffer.last += bytes;
    if (rest <= 0)
        return NGX_OK;

    for (cl = u->out_bufs, ll = &u->out_bufs; cl; cl = cl->next)
        ll = &cl->next;
    cl = ngx_chain_get_free_buf(r->pool, &u->free_bufs);
    if (cl == NULL)
        return NGX_ERROR;
    cl->buf->flush = 1;
    cl->buf->memory = 1;
    cl->buf->pos = start;
    cl->buf->last = start + ngx_min(bytes, rest);
    cl->buf->tag = u->output.tag;
    *ll = cl;
    return NGX_OK;
}

static void abort_request(ngx_http_request_t *r)
{
}

static void finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
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

/* What the workers say under that name; "" if they have not said it. */
static ngx_int_t read_word(
    ngx_http_request_t *r, const char *name, ngx_str_t *word)
{
    main_conf_t *conf =
        ngx_http_get_module_main_conf(r, ngx_http_newsfeed_module);
    u_char path[NGX_MAX_PATH];
    u_char *end = path + sizeof(path);
    ssize_t len = -1;

    word->len = 0;
    word->data = ngx_pnalloc(r->pool, RUNTIME_WORD_SIZE);
    if (word->data == NULL)
        return NGX_ERROR;
    if (ngx_slprintf(path, end, "%V/%s%Z", &conf->runtime_dir, name) < end)
        len = readlink((char *)path, (char *)word->data, RUNTIME_WORD_SIZE);
    if (len > 0 && len < RUNTIME_WORD_SIZE)
        word->len = len;
    return NGX_OK;
}

/* By the name that `newsfeed --cache-map` gives it. Of another server nothing
 * is known, and who cannot look must not take it for open. */
static ngx_uint_t is_closed(ngx_http_request_t *r, ngx_str_t *server)
{
    static const char upstream[] = "newsfeed_cache_";
    main_conf_t *conf =
        ngx_http_get_module_main_conf(r, ngx_http_newsfeed_module);
    const size_t skipped = sizeof(upstream) - 1;
    u_char path[NGX_MAX_PATH];
    u_char *end = path + sizeof(path);

    if (server->len <= skipped ||
        ngx_strncmp(server->data, upstream, skipped) != 0)
        return 1;
    if (ngx_slprintf(path, end, "%V/" RUNTIME_CLOSED "%*s%Z",
            &conf->runtime_dir, server->len - skipped,
            server->data + skipped) == end)
        return 1;
    return access((char *)path, F_OK) == 0 || ngx_errno != NGX_ENOENT;
}

static ngx_uint_t is_asked(ngx_http_request_t *r, ngx_str_t *key)
{
    return key->len > 0 && (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) &&
           r->headers_in.content_length_n <= 0 && !r->headers_in.chunked;
}

static ngx_int_t handle(ngx_http_request_t *r)
{
    loc_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_newsfeed_module);
    ctx_t *ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
    ngx_http_upstream_t *u;
    ngx_str_t server;

    if (ctx == NULL ||
        ngx_http_complex_value(r, conf->key, &ctx->key) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (r != r->main || !is_asked(r, &ctx->key))
        return NGX_HTTP_NOT_FOUND;
    if (ngx_http_complex_value(r, conf->server, &server) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (is_closed(r, &server))
        return NGX_HTTP_NOT_FOUND;
    if (ngx_http_upstream_create(r) != NGX_OK || resolve(r, &server) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    ctx->request = r;
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
    u->input_filter_init = input_filter_init;
    u->input_filter = input_filter;
    u->input_filter_ctx = ctx;

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
    ngx_str_t word;

    if (read_word(r, RUNTIME_KEYS, &word) != NGX_OK)
        return NGX_ERROR;
    v->data = word.data;
    v->len = word.len;
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
    conf->body = conf->upstream;
    conf->body.read_timeout = BODY_TIMEOUT;
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
    NULL, /* init master */
    NULL, /* init module */
    NULL, /* init process */
    NULL, /* init thread */
    NULL, /* exit thread */
    NULL, /* exit process */
    NULL, /* exit master */
    NGX_MODULE_V1_PADDING,
};
