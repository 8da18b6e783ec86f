-- Moves how far a reader has read, forward only, and not beyond the newest post
-- that there is: what comes later is unread.
--   $1 participant, $2 up to which id
INSERT INTO marker (participant_id, last_read)
    SELECT id, least($2::bigint,
            coalesce((SELECT max(id) FROM outbound), 0))
        FROM participant WHERE id = $1::bigint
    ON CONFLICT (participant_id)
        DO UPDATE SET last_read = excluded.last_read
        WHERE marker.last_read < excluded.last_read;
