-- The posts of a part of all that happened, oldest first, and who are friends of
-- their authors. Whoever became one later has got the post by that.
--   $1 behind this id, $2 up to this one, $3 posts at most
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited,
        array(SELECT friend_id FROM friendship f
            WHERE f.participant_id = o.participant_id
                AND (made IS NULL OR made < o.id))
    FROM outbound o
    WHERE o.id > $1::bigint AND o.id <= $2::bigint
        AND EXISTS (SELECT FROM participant p
            WHERE p.id = o.participant_id OFFSET 0)
    ORDER BY o.id LIMIT $3::bigint;
