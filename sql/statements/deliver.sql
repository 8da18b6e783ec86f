-- The next piece of a post's delivery to the friends of its author; those whose
-- friendship does not reach back to the post do not get it. How many friends
-- the piece had, and who they are.
--   $1 author, $2 post, $3 the last friend so far, $4 friends at most, $5 order
WITH piece AS MATERIALIZED (
    SELECT friend_id FROM friendship
        WHERE participant_id = $1::bigint AND friend_id > $3::bigint
        ORDER BY friend_id LIMIT $4::bigint),
delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
        SELECT f.participant_id, o.id FROM piece
        JOIN friendship f ON f.participant_id = piece.friend_id
            AND f.friend_id = $1
        JOIN outbound o ON o.id = $2::bigint AND o.id >= f.since
        ON CONFLICT DO NOTHING),
step AS (
    UPDATE outbox
        SET previous = progress, progress = mark, due = clock_timestamp()
        FROM (SELECT max(friend_id) AS mark FROM piece) last
        WHERE outbox.id = $5::bigint AND mark IS NOT NULL)
SELECT count(*), array_agg(friend_id) FROM piece;
