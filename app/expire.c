/* Idempotency keys that are old enough go. */
#include "expire.h"
#include "log.h"
#include "sql.h"

enum {
    PIECE = 10000 /* keys in one transaction */
};

/* By itself it would be ended, behind a pooler, in the time of a request. */
static enum error delete_piece(const struct shift *shift, int64_t *count)
{
    static struct pg_statement statement = {
        .name = "expire_keys",
        .sql = sql_expire_keys,
    };
    struct pg_params params = {0};

    pg_add_int(&params, shift->config->feed_idempotency_hours);
    pg_add_int(&params, PIECE);
    enum error error = pg_begin(shift->pg);
    if (!error)
        error = pg_exec(shift->pg, &statement, &params);
    *count = error ? 0 : pg_int(shift->pg, 0, 0);
    if (!error)
        error = pg_commit(shift->pg);
    pg_rollback(shift->pg);
    return error;
}

bool expire_keys(const struct shift *shift)
{
    int64_t count;

    if (delete_piece(shift, &count)) {
        log_warn("dispatcher", "old idempotency keys could not be deleted");
        return false;
    }
    return count >= PIECE;
}
