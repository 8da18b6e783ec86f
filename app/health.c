/* What the database and the cache are asked of themselves, for whoever watches
 * the service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "contract.h"
#include "database.h"
#include "health.h"
#include "runtime.h"
#include "sql.h"

enum part {
    PART_SCHEMA = 1,
    PART_FOLLOWER,
    PART_JOB,
    PART_OUTLET,
    PART_LANGUAGE,
    PART_WAITING,
};

/* Of figures.sql. */
enum place {
    PLACE_HERE = -1,
    PLACE_UNKNOWN = -2,
};

struct examiner {
    struct config config; /* with timeouts of its own */
    struct pg *pg;
    struct pg *search; /* NULL: it is in the same */
    int64_t place;     /* up to where that has come; PLACE_HERE, … */
    struct memc *memc; /* NULL: there is no cache */
};

struct examiner *examiner_new(const struct config *config)
{
    struct examiner *examiner = calloc(1, sizeof(*examiner));
    struct buf faults = {0};

    if (!examiner)
        return NULL;
    examiner->config = *config;
    if (config->db_connect_timeout > HEALTH_TIMEOUT)
        examiner->config.db_connect_timeout = HEALTH_TIMEOUT;
    examiner->pg = database_new(&examiner->config, HEALTH_TIMEOUT, NULL);
    examiner->place = PLACE_HERE;
    if (*config->search_conninfo) {
        examiner->search =
            database_new_search(&examiner->config, HEALTH_TIMEOUT, NULL);
        examiner->place = PLACE_UNKNOWN;
    }
    if (*config->cache_servers)
        examiner->memc =
            memc_new(config->cache_servers, config->cache_timeout, &faults);
    buf_free(&faults); /* the settings were held against it at launch */
    if (examiner->pg && (examiner->search || !*config->search_conninfo) &&
        (examiner->memc || !*config->cache_servers))
        return examiner;
    examiner_free(examiner);
    return NULL;
}

void examiner_free(struct examiner *examiner)
{
    if (!examiner)
        return;
    pg_free(examiner->pg);
    pg_free(examiner->search);
    memc_free(examiner->memc);
    free(examiner);
}

/* --- the database ------------------------------------------------------- */

static void take_backlog(
    const struct pg *pg, int row, struct backlogs *backlogs)
{
    struct backlog *backlog = &backlogs->list[backlogs->count];

    if (backlogs->count == HEALTH_BACKLOGS)
        return;
    backlogs->count++;
    snprintf(
        backlog->name, sizeof(backlog->name), "%s", pg_text(pg, row, 1).data);
    backlog->count = pg_int(pg, row, 2);
    backlog->age = pg_int(pg, row, 3);
}

static void take(const struct examiner *examiner, struct health *health)
{
    const struct pg *pg = examiner->pg;

    health->followers.count = health->jobs.count = 0;
    health->outlets.count = health->waiting.count = 0;
    for (int i = 0; i < pg_rows(pg); i++)
        switch (pg_int(pg, i, 0)) {
        case PART_SCHEMA:
            health->schema = (int)pg_int(pg, i, 2);
            break;
        case PART_FOLLOWER:
            take_backlog(pg, i, &health->followers);
            break;
        case PART_JOB:
            take_backlog(pg, i, &health->jobs);
            break;
        case PART_OUTLET:
            take_backlog(pg, i, &health->outlets);
            break;
        case PART_WAITING:
            take_backlog(pg, i, &health->waiting);
            break;
        case PART_LANGUAGE:
            if (!examiner->search)
                snprintf(health->language, sizeof(health->language), "%s",
                    pg_text(pg, i, 1).data);
            break;
        }
}

static const char *describe(enum error error)
{
    return error == ERR_TIMEOUT || error == ERR_LOCKED ? "no answer in time"
           : error == ERR_NO_DATABASE                  ? "out of reach"
                                      : "it could not be read, see the log";
}

/* false: why not is in the reason. */
static bool ask(struct pg *pg, struct pg_statement *statement,
    struct pg_params *params, const char *name, char reason[256])
{
    struct buf why = {0};

    pg_look(pg); /* others log that it is gone, once for all */
    enum error error = pg_connect(pg, &why);
    if (!error)
        error = pg_exec(pg, statement, params);
    if (error && why.len == 0)
        buf_printf(&why, "%s: %s", name, describe(error));
    snprintf(reason, 256, "%s", buf_text(&why));
    buf_free(&why);
    return !error;
}

/* What was said last counts on while it does not answer. */
static void ask_search(struct examiner *examiner, struct health *health)
{
    static struct pg_statement statement = {
        .name = "search_figures",
        .sql = "SELECT done, state::text, language"
               " FROM follower, search_language WHERE name = 'index'",
        .reads = true,
    };
    struct pg_params params = {0};
    struct pg *pg = examiner->search;

    health->has_search =
        ask(pg, &statement, &params, "search database", health->search_reason);
    if (!health->has_search || pg_rows(pg) == 0)
        return;
    examiner->place = pg_int(pg, 0, 0);
    health->search_state = *pg_text(pg, 0, 1).data;
    snprintf(health->language, sizeof(health->language), "%s",
        pg_text(pg, 0, 2).data);
}

static void ask_database(struct examiner *examiner, struct health *health)
{
    static struct pg_statement statement = {
        .name = "figures",
        .sql = sql_figures,
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, HEALTH_LIMIT);
    pg_add_int(&params, examiner->place);
    health->has_database =
        ask(examiner->pg, &statement, &params, "database", health->reason);
    if (health->has_database)
        take(examiner, health);
}

/* --- the cache ---------------------------------------------------------- */

/* One of the groups that lie there; -1: none does. */
static int group_on(const struct memc *memc, int server)
{
    for (int group = 0; group < CONTRACT_GROUPS; group++)
        if (memc_server_of(memc, group) == server)
            return group;
    return -1;
}

static void ask_server(
    struct examiner *examiner, int server, struct cache_health *health)
{
    struct memc *memc = examiner->memc;
    int group = group_on(memc, server);
    struct buf address = {0};

    enum memc_result result =
        group < 0 ? MEMC_OK : memc_fence(memc, group, NULL);
    if (result == MEMC_LOST)
        result = memc_fence(memc, group, NULL);
    memc_print_server(memc, server, &address);
    snprintf(
        health->address, sizeof(health->address), "%s", buf_text(&address));
    buf_free(&address);
    health->answers = result == MEMC_OK;
    health->is_closed = runtime_is_closed(
        examiner->config.service_runtime_dir, memc_server_name(memc, server));
}

void examine(struct examiner *examiner, struct health *health)
{
    if (examiner->search)
        ask_search(examiner, health);
    ask_database(examiner, health);
    health->servers = examiner->memc ? memc_server_count(examiner->memc) : 0;
    for (int i = 0; i < health->servers; i++)
        ask_server(examiner, i, &health->cache[i]);
    health->looked_at = monotonic_ms();
}
