-- The next piece of sweeping up behind a post: its references in the feeds of
-- its author's friends, its entry in the index, its order that was set aside,
-- the answers that repeat it. How many friends the piece had. One who is no
-- friend any more has an order of its own, which walks no list: it begins
-- behind the end.
--   $1 author, or the former friend, $2 post, $3 the last friend so far,
--   $4 friends at most, $5 order
WITH piece AS MATERIALIZED (
    SELECT friend_id FROM friendship
        WHERE participant_id = $1::bigint AND friend_id > $3::bigint
        ORDER BY friend_id LIMIT $4::bigint),
feeds AS (
    DELETE FROM inbound i USING (
            SELECT friend_id AS reader FROM piece UNION ALL SELECT $1) readers
        WHERE i.participant_id = reader AND i.outbound_id = $2::bigint),
entry AS (
    DELETE FROM search WHERE outbound_id = $2),
set_aside AS (
    DELETE FROM outbox
        WHERE kind = 'x' AND participant_id = $1 AND other_id = $2),
answer AS (
    UPDATE idempotency SET body = NULL
        WHERE participant_id = $1 AND outbound_id = $2 AND body IS NOT NULL),
step AS (
    UPDATE outbox SET progress = mark, due = clock_timestamp()
        FROM (SELECT max(friend_id) AS mark FROM piece) last
        WHERE outbox.id = $5::bigint AND mark IS NOT NULL)
SELECT count(*) FROM piece;
