-- The next piece of a post's delivery to the friends of its author; those whose
-- friendship does not reach back to the post do not get it. How many friends
-- the piece had; who of them has got it now, by which transaction and as of
-- when; and the post, unless it is gone.
--   $1 author, $2 post, $3 the last friend so far, $4 friends at most, $5 order
--
-- The order is put off for as long as who runs this may take to put the post in
-- front of their pages, and to say so: then it goes on at once.
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
        ON CONFLICT DO NOTHING
        RETURNING participant_id),
step AS (
    UPDATE outbox
        SET previous = progress, progress = mark,
            due = clock_timestamp() + interval '300 ms'
        FROM (SELECT max(friend_id) AS mark FROM piece) last
        WHERE outbox.id = $5::bigint AND mark IS NOT NULL)
SELECT friends, array(SELECT participant_id FROM delivery),
    pg_current_xact_id()::text, pg_current_snapshot()::text,
    id, occurred, subject, story, edited
    FROM (SELECT count(*) AS friends FROM piece) size
    LEFT JOIN outbound ON id = $2;
