/* Idempotency keys and events that are old enough go. */
#include "expire.h"
#include "log.h"
#include "sql.h"

enum {
    PIECE = 10000 /* rows in one transaction */
};

/* By itself it would be ended, behind a pooler, in the time of a request. */
static enum error delete_piece(const struct shift *shift,
    struct pg_statement *statement, int hours, int64_t *count)
{
    struct pg_params params = {0};

    pg_add_int(&params, hours);
    pg_add_int(&params, PIECE);
    enum error error = pg_begin(shift->pg);
    if (!error)
        error = pg_exec(shift->pg, statement, &params);
    *count = error ? 0 : pg_int(shift->pg, 0, 0);
    if (!error)
        error = pg_commit(shift->pg);
    pg_rollback(shift->pg);
    return error;
}

bool expire_old(const struct shift *shift)
{
    static struct pg_statement keys = {
        .name = "expire_keys",
        .sql = sql_expire_keys,
    };
    static struct pg_statement events = {
        .name = "expire_events",
        .sql = sql_expire_events,
    };
    const struct config *config = shift->config;
    int64_t key_count, event_count;

    if (delete_piece(
            shift, &keys, config->feed_idempotency_hours, &key_count) ||
        delete_piece(shift, &events, config->feed_event_hours, &event_count)) {
        log_warn("dispatcher",
            "old idempotency keys and events could not be deleted");
        return false;
    }
    return key_count >= PIECE || event_count >= PIECE;
}
