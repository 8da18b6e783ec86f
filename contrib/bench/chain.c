/* The least that any program of this shape does for a feed that is in no cache,
 * behind an nginx that has looked there: runs the service's own statement, and
 * stores and answers a page as long as the service's. It takes nothing apart,
 * checks nothing and leases nothing. Eight processes, as the service has. */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcgiapp.h>
#include <libpq-fe.h>

#include "model.h"

enum {
    PARAMS = 5,    /* participant, before, after, limit, arrived */
    ROWS = 50 + 1, /* a page, and one too many, as store.c asks for */
    INT8 = 20,     /* in pg_type.dat */
};

struct chain {
    PGconn *pg;
    int memcached;
    char *page; /* of as many items as there can be, prepared */
    int item_len;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "chain: %s: %s\n", what, why);
    exit(1);
}

/* Where to is in the environment. */
static PGconn *connect_postgres(const char *sql)
{
    static const Oid types[PARAMS] = {INT8, INT8, INT8, INT8};
    PGconn *pg = PQconnectdb("");
    PGresult *result = PQprepare(pg, "feed", sql, PARAMS, types);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die("PostgreSQL", PQerrorMessage(pg));
    PQclear(result);
    return pg;
}

static int connect_memcached(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        die("memcached", path);
    return fd;
}

static char *make_page(int item_len)
{
    size_t len = (size_t)(ROWS * item_len);
    char *page = malloc(len);

    if (!page)
        die("page", "out of memory");
    return memset(page, 'x', len);
}

/* How many items it has. */
static int read_feed(const struct chain *chain, int64_t participant)
{
    static const int lengths[PARAMS] = {8, 8, 8, 8, 8};
    static const int formats[PARAMS] = {1, 1, 1, 1, 1};
    const uint64_t numbers[PARAMS] = {htobe64((uint64_t)participant),
        htobe64(INT64_MAX), 0, htobe64(ROWS), htobe64(INT64_MAX)};
    const char *values[PARAMS];

    for (int i = 0; i < PARAMS; i++)
        values[i] = (const char *)&numbers[i];
    PGresult *result =
        PQexecPrepared(chain->pg, "feed", PARAMS, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        die("the statement", PQerrorMessage(chain->pg));
    int rows = PQntuples(result);
    PQclear(result);
    return rows;
}

/* Under the key that stage.py has nginx look for. */
static void store_page(const struct chain *chain, const char *uri, int len)
{
    static char end[] = "\r\n";
    char head[128];
    int head_len = snprintf(
        head, sizeof(head), "set chain:%s 0 0 %d noreply\r\n", uri, len);
    struct iovec parts[] = {
        {head, (size_t)head_len},
        {chain->page, (size_t)len},
        {end, strlen(end)},
    };

    if (writev(chain->memcached, parts, 3) != head_len + len + 2)
        die("memcached", "it did not take a page");
}

static void answer(const struct chain *chain, FCGX_Request *request)
{
    const char *uri = FCGX_GetParam("REQUEST_URI", request->envp);
    int64_t participant = atoll(uri + strlen("/participant/"));
    int len = read_feed(chain, participant) * chain->item_len;

    store_page(chain, uri, len);
    FCGX_FPrintF(request->out,
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", len);
    FCGX_PutStr(chain->page, len, request->out);
}

int main(int argc, char **argv)
{
    FCGX_Request request;

    if (argc != 4)
        die("usage", "chain MEMCACHED_SOCKET BYTES_OF_AN_ITEM SQL");
    for (int i = 1; i < 8; i++)
        if (fork() == 0)
            break;
    struct chain chain = {
        .memcached = connect_memcached(argv[1]),
        .item_len = atoi(argv[2]),
        .pg = connect_postgres(argv[3]),
    };
    chain.page = make_page(chain.item_len);
    FCGX_Init();
    FCGX_InitRequest(&request, 0, 0);
    while (FCGX_Accept_r(&request) == 0)
        answer(&chain, &request);
    return 0;
}
