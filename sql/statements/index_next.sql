-- What a search index in a database of its own has to know next, in the order in
-- which it happened: each row has its place, its kind (as in the table event; p:
-- a new post), whose it is, whom else it is about, whether its owner is still
-- there, and up to where events may have been forgotten by now; at least one row,
-- then of NULLs but for the last.
--   $1 behind this place, $2 up to this one, $3 rows at most
WITH entry AS MATERIALIZED (
    (SELECT id, 'p' AS kind, participant_id, id AS other_id FROM outbound
        WHERE id > $1::bigint AND id <= $2::bigint
        ORDER BY id LIMIT $3::bigint)
    UNION ALL
    (SELECT id, kind::text, participant_id, other_id FROM event
        WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3))
SELECT e.id, kind, participant_id, other_id,
    EXISTS (SELECT FROM participant p WHERE p.id = participant_id OFFSET 0),
    floor.id
    FROM event_floor floor LEFT JOIN (
        SELECT * FROM entry ORDER BY id LIMIT $3) e ON true
    ORDER BY e.id;
