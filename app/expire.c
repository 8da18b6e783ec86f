/* Idempotency keys that are old enough go. */
#include "expire.h"
#include "log.h"
#include "sql.h"

enum {
    PIECE = 10000 /* keys in one transaction */
};

bool expire_keys(const struct shift *shift)
{
    static struct pg_statement statement = {
        .name = "expire_keys",
        .sql = sql_expire_keys,
    };
    struct pg_params params = {0};

    pg_add_int(&params, shift->config->feed_idempotency_hours);
    pg_add_int(&params, PIECE);
    if (pg_exec(shift->pg, &statement, &params)) {
        log_warn("dispatcher", "old idempotency keys could not be deleted");
        return false;
    }
    return pg_int(shift->pg, 0, 0) >= PIECE;
}
