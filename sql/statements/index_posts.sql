-- Indexes the first of these posts, as many as make so much text together, at
-- least one. The last of them, or null if none is there any more, and how much
-- text it was.
--   $1 ids, $2 bytes
WITH post AS MATERIALIZED (
    SELECT id, participant_id, subject, story,
            sum(octet_length(subject) + octet_length(story))
                OVER (ORDER BY id) AS bytes,
            row_number() OVER (ORDER BY id) AS number
        FROM outbound WHERE id = ANY ($1::bigint[])),
piece AS MATERIALIZED (
    SELECT * FROM post WHERE bytes <= $2::bigint OR number = 1),
entry AS (
    INSERT INTO search (outbound_id, participant_id, document)
        SELECT id, participant_id,
                setweight(to_tsvector('simple', subject), 'A')
                    || to_tsvector('simple', story)
            FROM piece
        ON CONFLICT DO NOTHING)
SELECT max(id), coalesce(max(bytes), 0)::bigint FROM piece;
