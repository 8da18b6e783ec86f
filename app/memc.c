/* The only file that knows libmemcached: keys and values on a set of servers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmemcached/memcached.h>

#include "memc.h"
#include "meta.h"

enum {
    WEIGHT_MAX = 1000
};

struct server {
    bool is_unix;
    char *host; /* or path */
    int port;
    int weight;
    char name[9];
    struct meta *changes; /* in time, however slow the reads are */
};

/* Connections to all servers. Only reads are answered on them. */
struct handle {
    memcached_st *st;
    bool is_broken; /* to be made anew before its next use */
    int timeout;    /* ms, of a connect or an answer */
};

struct memc {
    struct handle values;
    struct server servers[MEMC_SERVERS_MAX];
    int count;
    char error[128];
};

/* --- the list of servers ------------------------------------------------ */

static bool parse_number(const char *text, int max, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);

    *number = (int)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value >= 1 &&
           value <= max;
}

/* Takes one entry apart, in place; NULL or what is wrong with it. */
static const char *parse_server(char *entry, struct server *server)
{
    char *at = strrchr(entry, '@');

    server->weight = 1;
    if (at) {
        *at = '\0';
        if (!parse_number(at + 1, WEIGHT_MAX, &server->weight))
            return "the weight behind '@' must be 1 to 1000";
    }
    if (strncmp(entry, "unix:", 5) == 0) {
        if (entry[5] != '/')
            return "the path behind 'unix:' must begin with '/'";
        if (strlen(entry + 5) > 107)
            return "a socket's path has at most 107 bytes";
        server->is_unix = true;
        server->host = strdup(entry + 5);
        return server->host ? NULL : "no memory";
    }

    char *colon = strrchr(entry, ':');
    if (!colon || colon == entry ||
        !parse_number(colon + 1, 65535, &server->port))
        return "must be unix:/path or host:port, with @weight if you like";
    *colon = '\0';
    if (*entry == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        entry++;
    }
    server->host = strdup(entry);
    return server->host ? NULL : "no memory";
}

static bool parse_servers(
    struct memc *memc, const char *servers, struct buf *faults)
{
    char *copy = strdup(servers);
    char *rest = copy;
    bool ok = copy != NULL;

    for (char *entry; ok && (entry = strsep(&rest, ", \t")) != NULL;) {
        if (*entry == '\0')
            continue;
        if (memc->count == MEMC_SERVERS_MAX) {
            buf_printf(faults, "cache.servers: more than %d servers\n",
                MEMC_SERVERS_MAX);
            ok = false;
            break;
        }
        char *shown = strdup(entry);
        const char *fault = parse_server(entry, &memc->servers[memc->count]);
        if (fault) {
            buf_printf(faults, "cache.servers: '%s': %s\n",
                shown ? shown : entry, fault);
            ok = false;
        } else
            memc->count++;
        free(shown);
    }
    free(copy);
    return ok && memc->count > 0;
}

/* --- opening ------------------------------------------------------------ */

static void close_handle(struct handle *handle)
{
    if (handle->st)
        memcached_free(handle->st);
    handle->st = NULL;
}

/* All before the first server is added: a change to most of these later breaks
 * live connections, and ketama must be known when the ring is built. False, and
 * closed, if there is no memory: with a server less, keys would be looked for
 * on others. */
static bool open_handle(const struct memc *memc, struct handle *handle)
{
    const struct {
        memcached_behavior_t behavior;
        uint64_t value;
    } settings[] = {
        {MEMCACHED_BEHAVIOR_VERIFY_KEY, 1}, /* off, keys can inject commands */
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
        {MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, 1},
        {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, (uint64_t)handle->timeout},
        {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, (uint64_t)handle->timeout},
        {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
        {MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1},
        {MEMCACHED_BEHAVIOR_NOREPLY, 1},
        {MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, 1},
    };
    memcached_return_t rc = MEMCACHED_SUCCESS;

    handle->is_broken = false;
    handle->st = memcached_create(NULL);
    if (!handle->st)
        return false;
    for (size_t i = 0; !rc && i < sizeof(settings) / sizeof(*settings); i++)
        rc = memcached_behavior_set(
            handle->st, settings[i].behavior, settings[i].value);

    for (int i = 0; !rc && i < memc->count; i++) {
        const struct server *s = &memc->servers[i];
        if (s->is_unix)
            rc = memcached_server_add_unix_socket_with_weight(
                handle->st, s->host, (uint32_t)s->weight);
        else
            rc = memcached_server_add_with_weight(
                handle->st, s->host, (in_port_t)s->port, (uint32_t)s->weight);
    }
    if (rc)
        close_handle(handle);
    return !rc;
}

/* A handle that met anything unforeseen is made anew: its connection may hold
 * somebody's late answer, and libmemcached would leave the server alone for a
 * second or two, where cache.c keeps its own time. NULL: no memory, this time.
 */
static memcached_st *use(const struct memc *memc, struct handle *handle)
{
    if (handle->is_broken)
        close_handle(handle);
    if (!handle->st)
        open_handle(memc, handle);
    return handle->st;
}

static bool name_servers(struct memc *memc)
{
    struct buf address = {0};

    for (int i = 0; i < memc->count; i++) {
        buf_reset(&address, address.cap);
        memc_print_server(memc, i, &address);
        snprintf(memc->servers[i].name, sizeof(memc->servers[i].name), "%08x",
            memcached_generate_hash_value(
                address.data, address.len, MEMCACHED_HASH_FNV1A_32));
    }
    bool ok = !address.failed;
    buf_free(&address);
    return ok;
}

static bool open_changes(struct memc *memc)
{
    bool ok = true;

    for (int i = 0; ok && i < memc->count; i++) {
        struct server *s = &memc->servers[i];
        s->changes = meta_new(s->host, s->is_unix ? 0 : s->port);
        ok = s->changes != NULL;
    }
    return ok;
}

struct memc *memc_new(const char *servers, int timeout, struct buf *faults)
{
    struct memc *memc = calloc(1, sizeof(*memc));
    if (!memc)
        return NULL;
    memc->values.timeout = timeout;
    if (!parse_servers(memc, servers, faults) || !name_servers(memc) ||
        !open_changes(memc) || !open_handle(memc, &memc->values)) {
        memc_free(memc);
        return NULL;
    }
    memc_limit_changes(memc, timeout);
    return memc;
}

void memc_free(struct memc *memc)
{
    if (!memc)
        return;
    close_handle(&memc->values);
    for (int i = 0; i < MEMC_SERVERS_MAX; i++) {
        meta_free(memc->servers[i].changes);
        free(memc->servers[i].host);
    }
    free(memc);
}

int memc_server_count(const struct memc *memc)
{
    return memc->count;
}

void memc_print_server(const struct memc *memc, int server, struct buf *out)
{
    const struct server *s = &memc->servers[server];

    if (s->is_unix)
        buf_printf(out, "unix:%s", s->host);
    else if (strchr(s->host, ':'))
        buf_printf(out, "[%s]:%d", s->host, s->port);
    else
        buf_printf(out, "%s:%d", s->host, s->port);
}

const char *memc_server_name(const struct memc *memc, int server)
{
    return memc->servers[server].name;
}

/* --- operations --------------------------------------------------------- */

/* The name under which a group lies on the ring. */
struct group {
    char name[16];
    size_t len;
};

static struct group name_group(int group)
{
    struct group named;

    named.len = (size_t)snprintf(named.name, sizeof(named.name), "%d", group);
    return named;
}

int memc_server_of(const struct memc *memc, int group)
{
    struct group named = name_group(group);

    return (int)memcached_generate_hash(memc->values.st, named.name, named.len);
}

const char *memc_error(const struct memc *memc)
{
    return memc->error;
}

static void keep_error(
    struct memc *memc, const struct handle *handle, memcached_return_t rc)
{
    int number = memcached_last_error_errno(handle->st);

    snprintf(memc->error, sizeof(memc->error), "%s%s%s",
        memcached_strerror(handle->st, rc), number ? ", " : "",
        number ? strerror(number) : "");
}

static enum memc_result judge(
    struct memc *memc, struct handle *handle, memcached_return_t rc)
{
    switch (rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_BUFFERED:
    case MEMCACHED_STORED:
    case MEMCACHED_END:
        return MEMC_OK;
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
    case MEMCACHED_E2BIG: /* no room: not a fault of the connection */
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return MEMC_NOT_FOUND;
    default:
        keep_error(memc, handle, rc);
        handle->is_broken = true;
        return rc == MEMCACHED_TIMEOUT ? MEMC_FAILED : MEMC_LOST;
    }
}

/* The value of a key, NOTFOUND if nothing is stored. */
static memcached_return_t read_value(memcached_st *st,
    const struct group *named, const char *key, struct buf *value,
    uint64_t *cas)
{
    memcached_result_st item;
    bool found = false;
    size_t len = strlen(key);
    memcached_return_t rc =
        memcached_mget_by_key(st, named->name, named->len, &key, &len, 1);

    if (rc != MEMCACHED_SUCCESS)
        return rc;
    memcached_result_create(st, &item);
    while (memcached_fetch_result(st, &item, &rc)) {
        /* an answer to another question is worse than none */
        if (memcached_result_key_length(&item) != len ||
            memcmp(memcached_result_key_value(&item), key, len) != 0) {
            rc = MEMCACHED_PROTOCOL_ERROR;
            break;
        }
        buf_add(value, memcached_result_value(&item),
            memcached_result_length(&item));
        *cas = memcached_result_cas(&item);
        found = true;
    }
    memcached_result_free(&item);
    return rc == MEMCACHED_END && !found ? MEMCACHED_NOTFOUND : rc;
}

enum memc_result memc_claim(struct memc *memc, int group, const char *key,
    const char *mine, int ttl_seconds, uint64_t over, struct buf *value,
    uint64_t *cas)
{
    struct group named = name_group(group);
    memcached_st *st = use(memc, &memc->values);
    size_t len = strlen(mine);

    buf_reset(value, value->cap);
    if (!st)
        return MEMC_FAILED;
    memcached_return_t rc =
        over ? memcached_cas_by_key(st, named.name, named.len, key, strlen(key),
                   mine, len, ttl_seconds, 0, over)
             : memcached_add_by_key(st, named.name, named.len, key, strlen(key),
                   mine, len, ttl_seconds, 0);
    enum memc_result result = judge(memc, &memc->values, rc);
    if (result == MEMC_OK)
        result =
            judge(memc, &memc->values, read_value(st, &named, key, value, cas));
    return result == MEMC_OK && value->failed ? MEMC_NOT_FOUND : result;
}

enum memc_result memc_replace(struct memc *memc, int group, const char *key,
    const char *value, size_t len, uint32_t room, int ttl_seconds, uint64_t cas)
{
    struct group named = name_group(group);
    memcached_st *st = use(memc, &memc->values);

    if (!st)
        return MEMC_FAILED;
    return judge(memc, &memc->values,
        memcached_cas_by_key(st, named.name, named.len, key, strlen(key), value,
            len, ttl_seconds, room, cas));
}

/* --- changes ------------------------------------------------------------ */

static struct meta *changes_of(struct memc *memc, int group)
{
    return memc->servers[memc_server_of(memc, group)].changes;
}

static enum memc_result judge_change(
    struct memc *memc, const struct meta *changes, enum meta_result result)
{
    if (result == META_OK)
        return MEMC_OK;
    snprintf(memc->error, sizeof(memc->error), "%s", meta_error(changes));
    return result == META_LOST ? MEMC_LOST : MEMC_FAILED;
}

void memc_limit_changes(struct memc *memc, int timeout)
{
    for (int i = 0; i < memc->count; i++)
        meta_limit(memc->servers[i].changes, timeout);
}

enum memc_result memc_delete(struct memc *memc, int group, const char *key)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(memc, changes, meta_delete(changes, key));
}

enum memc_result memc_set(struct memc *memc, int group, const char *key,
    const char *value, size_t len, int ttl_seconds)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(
        memc, changes, meta_set(changes, key, value, len, ttl_seconds));
}

enum memc_result memc_prepend(struct memc *memc, int group, const char *key,
    const char *bytes, size_t len)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(memc, changes, meta_prepend(changes, key, bytes, len));
}

enum memc_result memc_find(struct memc *memc, int group, const char *key)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(memc, changes, meta_find(changes, key));
}

enum memc_result memc_send(struct memc *memc, int group)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(memc, changes, meta_send(changes));
}

enum memc_result memc_fence(struct memc *memc, int group, struct buf *keys)
{
    struct meta *changes = changes_of(memc, group);

    return judge_change(memc, changes, meta_fence(changes, keys));
}
