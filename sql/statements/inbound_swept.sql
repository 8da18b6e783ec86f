-- A page of a feed from the newest down, for half of what inbound_list costs,
-- where there is nothing left to sweep or to deliver: what is in inbound and
-- should not be seen is there no longer than the order that a friendship or a
-- participant ended. No row: there is something left, or the page is empty.
-- Columns are those of LIST_OF_POSTS in app/store.c.
--   $1 participant, $2 before, $3 after: 0, $4 rows at most, $5 up to
--   where posts are known to have arrived
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited,
        NULL::boolean,
        CASE WHEN o.id > $5::bigint
            AND o.occurred > now() - interval '1 min'
            THEN (SELECT posts_arrived()) END,
        (SELECT pg_current_snapshot()::text)
    FROM inbound i JOIN outbound o ON o.id = i.outbound_id
    WHERE i.participant_id = $1::bigint
        AND outbound_id < $2::bigint AND $3::bigint = 0
        AND NOT EXISTS (SELECT FROM outbox
            WHERE participant_id = $1 AND kind = 'f')
        AND NOT EXISTS (SELECT FROM outbox
            WHERE other_id = $1 AND kind = 'f')
        AND NOT EXISTS (SELECT FROM outbox WHERE kind = ANY ('{d,g}')
            AND (kind = 'g' OR EXISTS (SELECT FROM undelivered($1))))
    ORDER BY outbound_id DESC LIMIT $4::int8;
