-- A follower is done with these posts. Ids between them that could not be seen
-- are noted, each with the number of this transaction, which it took behind the
-- picture in which the posts were seen: whoever may still bring such an id had
-- a number before. Where ids jump, only as many are noted as may be under way
-- on either side.
--   $1 follower, $2 ids
WITH post AS MATERIALIZED (
    SELECT id FROM unnest($2::bigint[]) id),
step AS (
    SELECT id, lag(id, 1, done) OVER (ORDER BY id) AS last
        FROM post, follower WHERE name = $1::text AND id > done),
gap AS (
    INSERT INTO follower_gap (follower, outbound_id, xid)
        SELECT $1, missing, pg_current_xact_id() FROM step, LATERAL (
            SELECT generate_series(last + 1, least(id - 1, last + 1000))
            UNION
            SELECT generate_series(greatest(last + 1, id - 1000), id - 1)
        ) m (missing)),
found AS (
    DELETE FROM follower_gap
        WHERE follower = $1 AND outbound_id IN (SELECT id FROM post))
UPDATE follower SET done = greatest(done, (SELECT max(id) FROM post))
    WHERE name = $1;
