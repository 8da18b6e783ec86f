-- befriend() for many: makes friends of a participant and each of some others,
-- while the locks of these pairs are held (friends_lock.sql). A row for each of
-- the others, in their order: the friendship's id, or NULL if there is no such
-- participant, or if it is the first one itself. No row at all: there is no
-- first one.
--   $1 participant, $2 others, of whom one may stand there twice, $3 as many
--   posts as enter a new friend's feed
WITH held AS MATERIALIZED (
    SELECT id FROM participant WHERE id = ANY ($2::bigint[] || $1::bigint)
        ORDER BY id FOR KEY SHARE),
friend AS MATERIALIZED (
    SELECT id, min(place) AS place
        FROM unnest($2) WITH ORDINALITY entry (id, place) JOIN held USING (id)
        WHERE id <> $1 AND EXISTS (SELECT FROM held WHERE id = $1)
        GROUP BY id),
known AS MATERIALIZED (
    SELECT friend.id AS friend_id, f.id FROM friend CROSS JOIN LATERAL (
        SELECT id FROM friendship
            WHERE participant_id = $1 AND friend_id = friend.id OFFSET 0) f),
new AS MATERIALIZED (
    SELECT friend_id, nextval('friendship_id_seq') AS id,
            nextval('outbound_id_seq') AS made,
            feed_since(friend_id, $3::bigint::int) AS since,
            (SELECT feed_since($1, $3::int)) AS since_back
        FROM (SELECT id AS friend_id FROM friend
            WHERE id NOT IN (SELECT friend_id FROM known)
            ORDER BY place) in_order),
friendships AS (
    INSERT INTO friendship (participant_id, friend_id, id, since, made)
        SELECT $1, friend_id, id, since, made FROM new
        UNION ALL SELECT friend_id, $1, id, since_back, made FROM new),
deliveries AS (
    INSERT INTO inbound (participant_id, outbound_id)
        SELECT $1, o.id FROM new CROSS JOIN LATERAL (SELECT id FROM outbound
            WHERE participant_id = friend_id AND id >= since OFFSET 0) o
        UNION ALL SELECT friend_id, o.id FROM new CROSS JOIN LATERAL (
            SELECT id FROM outbound
            WHERE participant_id = $1 AND id >= since_back OFFSET 0) o
        ON CONFLICT DO NOTHING),
orders AS (
    INSERT INTO outbox (kind, participant_id, other_id, progress)
        SELECT 'f', $1, friend_id, least(since, since_back) - 1 FROM new)
SELECT coalesce(known.id, new.id)
    FROM unnest($2) WITH ORDINALITY entry (id, place)
        LEFT JOIN known ON known.friend_id = entry.id
        LEFT JOIN new ON new.friend_id = entry.id
    WHERE EXISTS (SELECT FROM held WHERE id = $1)
    ORDER BY place;
