/* Keeps the search index that has a database of its own. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "apart.h"
#include "database.h"
#include "document.h"
#include "exit.h"
#include "indexer.h"

enum {
    FLUSH_TIMEOUT = 300000,    /* ms */
    STATEMENT_TIMEOUT = 10000, /* ms: no client waits */
    PAUSE = 500,               /* ms, where a database is away */
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

/* QUIT is heard only here, so that it never cuts a turn off. */
static void rest(int ms, const sigset_t *mask)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

    ppoll(NULL, 0, &time, mask);
}

int indexer_run(const struct config *config, struct scoreboard *scoreboard,
    struct slot *slot)
{
    struct apart apart = {
        .posts = database_new(config, STATEMENT_TIMEOUT, &scoreboard->db),
        .search =
            database_new_search(config, STATEMENT_TIMEOUT, &scoreboard->search),
        .flusher = database_new_search(config, FLUSH_TIMEOUT, NULL),
    };
    sigset_t quit, mask;
    int code = EXIT_FAILURE;

    sigemptyset(&quit);
    sigaddset(&quit, SIGQUIT);
    sigprocmask(SIG_BLOCK, &quit, NULL);
    signal(SIGQUIT, stop);
    sigemptyset(&mask);

    if (!apart.posts || !apart.search || !apart.flusher)
        goto out;
    while (!stopping) {
        bool more;
        slot_busy(slot);
        enum error error = apart_turn(&apart, &more);
        if (!error)
            documents_flush(apart.flusher, more);
        slot_idle(slot);
        rest(error ? PAUSE : more ? 0 : config->dispatcher_interval, &mask);
    }
    code = EXIT_RETIRED;
out:
    apart_free(&apart);
    pg_free(apart.posts);
    pg_free(apart.search);
    pg_free(apart.flusher);
    return code;
}
