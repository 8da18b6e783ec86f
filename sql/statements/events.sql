-- What has happened, posts among it, for whoever follows it outside: each row
-- has its place (an id and a participant), its kind (as in the table event; 'p':
-- a new post), whom else it is about, when it was and what the participant is
-- called; and the post. Both as they are by now, and they may be gone.
--   $1 and $2 behind this place, $3 up to this id, $4 rows at most
WITH entry AS (
    (SELECT id, participant_id, kind::text, other_id, occurred FROM event
        WHERE id >= $1::bigint AND id <= $3::bigint
            AND (id > $1 OR participant_id > $2::bigint)
        ORDER BY id, participant_id LIMIT $4::bigint)
    UNION ALL
    (SELECT id, participant_id, 'p', id, occurred FROM outbound
        WHERE id > $1 AND id <= $3
        ORDER BY id LIMIT $4))
SELECT e.id, e.participant_id, kind, other_id, e.occurred, p.name,
    o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited
    FROM (SELECT * FROM entry ORDER BY id, participant_id LIMIT $4) e
    LEFT JOIN participant p ON p.id = e.participant_id
    LEFT JOIN outbound o ON o.id = other_id AND kind IN ('p', 'c')
    ORDER BY e.id, e.participant_id;
