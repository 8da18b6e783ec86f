-- The next piece of making two participants' feeds agree with their friendship
-- as it is now, post by post of either. How many posts the piece had.
--   $1 one participant, $2 the other, $3 the last post so far, $4 posts at
--   most, $5 order
WITH piece AS MATERIALIZED (
    (SELECT id, $1::bigint AS author, $2::bigint AS reader FROM outbound
        WHERE participant_id = $1 AND id > $3::bigint
        ORDER BY id LIMIT $4::bigint)
    UNION ALL
    (SELECT id, $2, $1 FROM outbound
        WHERE participant_id = $2 AND id > $3 ORDER BY id LIMIT $4)
    ORDER BY id LIMIT $4),
verdict AS MATERIALIZED (
    SELECT piece.id, reader, f.since IS NOT NULL AS belongs
        FROM piece LEFT JOIN friendship f ON f.participant_id = reader
            AND f.friend_id = author AND f.since <= piece.id),
missing AS (
    INSERT INTO inbound (participant_id, outbound_id)
        SELECT reader, id FROM verdict WHERE belongs
        ON CONFLICT DO NOTHING),
surplus AS (
    DELETE FROM inbound i USING verdict v
        WHERE i.participant_id = v.reader AND i.outbound_id = v.id
            AND NOT belongs),
step AS (
    UPDATE outbox SET progress = mark, due = clock_timestamp()
        FROM (SELECT max(id) AS mark FROM piece) last
        WHERE outbox.id = $5::bigint AND mark IS NOT NULL)
SELECT count(*) FROM piece;
