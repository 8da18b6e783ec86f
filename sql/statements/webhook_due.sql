-- The next events of participants who wait at an endpoint and are due: as in
-- events.sql, and how many tries there were, and for how many milliseconds
-- nothing was taken, unless nobody tried. One without an id for who waits no
-- more: there is nothing left up to where all others are.
--   $1 whose endpoint, $2 and $3 up to this place or the one that is noted, $4
--   participants at most, $5 events of each
WITH place AS (
    SELECT pos, sub FROM (VALUES ($2::bigint, $3::bigint)) seen (pos, sub)
    UNION ALL
    SELECT pos, CASE sub WHEN 0 THEN 9223372036854775807 ELSE sub END
        FROM publisher WHERE name = $1::text
    ORDER BY pos DESC, sub DESC LIMIT 1)
SELECT e.id, w.participant_id, kind, other_id, e.occurred, p.name,
    o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited, w.tries,
    CASE WHEN due > now() - interval '1 hour'
        THEN (extract(epoch FROM now() - w.since) * 1000)::bigint ELSE 0 END
    FROM place, (SELECT * FROM webhook_waiting
            WHERE publisher = $1 AND participant_id > 0 AND due <= now()
            ORDER BY due LIMIT $4::bigint) w
    LEFT JOIN LATERAL (
        SELECT * FROM (
                (SELECT id, kind::text, other_id, occurred FROM event
                    WHERE participant_id = w.participant_id AND id > w.done
                        AND id <= place.pos
                        AND (id < place.pos OR participant_id <= place.sub)
                    ORDER BY id LIMIT $5::bigint)
                UNION ALL
                (SELECT id, 'p', id, occurred FROM outbound
                    WHERE participant_id = w.participant_id AND id > w.done
                        AND id <= place.pos
                        AND (id < place.pos OR participant_id <= place.sub)
                    ORDER BY id LIMIT $5)) either
            ORDER BY id LIMIT $5) e ON true
    LEFT JOIN participant p ON p.id = w.participant_id
    LEFT JOIN outbound o ON o.id = other_id AND kind IN ('p', 'c')
    ORDER BY w.participant_id, e.id;
