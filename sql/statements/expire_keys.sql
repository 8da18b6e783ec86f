-- Deletes idempotency keys that are old, and makes those that a clock which was
-- set back left as old as they can be known to be. How many went.
--   $1 hours, $2 keys at most
WITH gone AS (
    DELETE FROM idempotency WHERE (scope, key) IN (
            SELECT scope, key FROM idempotency
                WHERE created < now() - $1::bigint * interval '1 hour'
                LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
        RETURNING 1),
early AS (
    UPDATE idempotency SET created = now() WHERE (scope, key) IN (
        SELECT scope, key FROM idempotency
            WHERE created > now() + interval '1 minute'
            LIMIT $2 FOR UPDATE SKIP LOCKED))
SELECT count(*) FROM gone;
