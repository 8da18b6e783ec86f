-- The next piece of sweeping a gone participant out of its friends' feeds and
-- friendships: so many friends at a time, or so many posts of one friend's
-- feed, that about $4 rows go. A friend's last piece takes the friendship, too,
-- and makes the next turn a first one again, which waits for posts that still
-- saw it. How many friends the piece had.
--   $1 participant, $2 is not used, $3 the last post so far, $4 rows, $5 order
WITH posts AS MATERIALIZED (
    SELECT id FROM outbound
        WHERE participant_id = $1::bigint AND id > $3::bigint
        ORDER BY id LIMIT $4::bigint),
last AS MATERIALIZED (
    SELECT count(*) < $4 AS is_last, count(*) AS posts, max(id) AS mark
        FROM posts),
piece AS MATERIALIZED (
    SELECT friend_id FROM friendship
        WHERE participant_id = $1 ORDER BY friend_id
        LIMIT (SELECT CASE WHEN is_last AND $3 = 0
                THEN greatest(1, $4 / (posts + 1)) ELSE 1 END FROM last)),
feeds AS (
    DELETE FROM inbound i USING piece, posts
        WHERE i.participant_id = friend_id AND i.outbound_id = posts.id),
links AS (
    DELETE FROM friendship f USING piece, last
        WHERE is_last AND f.participant_id = $1
            AND f.friend_id = piece.friend_id),
backlinks AS (
    DELETE FROM friendship f USING piece, last
        WHERE is_last AND f.participant_id = piece.friend_id
            AND f.friend_id = $1),
step AS (
    UPDATE outbox SET due = clock_timestamp(),
            previous = CASE WHEN is_last THEN 0 ELSE 1 END,
            progress = CASE WHEN is_last THEN 0 ELSE mark END
        FROM last
        WHERE outbox.id = $5::bigint AND EXISTS (SELECT FROM piece))
SELECT count(*) FROM piece;
