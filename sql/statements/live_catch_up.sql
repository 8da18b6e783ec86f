-- What came to a feed, and left it, behind a place: in the order of all that
-- happens, of which a place is an id and, where a friendship brought several
-- posts at once, the last of these. Each row has its place (two numbers), what
-- it is ('item', 'changed', 'removed'; 'unfriended', 'gone': all of a friend's;
-- 'end': the reader is gone), whom it is about, and the post.
--   $1 reader, $2 and $3 place, $4 up to this id, $5 rows at most
--
-- A post has the place of its id, or of the friendship that brought it. Which
-- are in the feed is what the friendships say; what is in inbound is not all as
-- long as there are orders to deliver it. What changed behind the place matters
-- only of posts before it: others are read as they are now.
WITH due AS MATERIALIZED (
    SELECT outbound_id AS id FROM inbound
        WHERE participant_id = $1::bigint
            AND outbound_id > $2::bigint AND outbound_id <= $4::bigint
    UNION
    SELECT id FROM undelivered($1) id WHERE id > $2 AND id <= $4
    UNION
    SELECT o.id FROM outbox JOIN outbound o
            ON o.participant_id = CASE WHEN outbox.participant_id = $1
                THEN other_id ELSE outbox.participant_id END
        WHERE kind = 'f' AND (outbox.participant_id = $1 OR other_id = $1)
            AND o.id > $2 AND o.id <= $4),
entry (id, sub, what, other, post) AS (
    (SELECT o.id, 0, 'item', o.participant_id, o.id
        FROM due JOIN outbound o USING (id)
        JOIN friendship f ON f.participant_id = $1
            AND f.friend_id = o.participant_id
        JOIN participant p ON p.id = f.friend_id
        WHERE f.since <= o.id AND (f.made IS NULL OR f.made < o.id)
        ORDER BY o.id LIMIT $5::bigint)
    UNION ALL
    (SELECT e.id, o.id, 'item', o.participant_id, o.id
        FROM event e JOIN friendship f ON f.participant_id = $1
            AND f.friend_id = e.other_id AND f.made = e.id
        JOIN participant p ON p.id = f.friend_id
        JOIN outbound o ON o.participant_id = f.friend_id
            AND o.id >= f.since AND o.id < f.made
        WHERE e.participant_id = $1 AND e.id >= $2 AND e.id <= $4
            AND e.kind = 'f' AND (e.id > $2 OR o.id > $3::bigint AND $3 > 0)
        ORDER BY e.id, o.id LIMIT $5)
    UNION ALL
    (SELECT id, 0, CASE kind WHEN 'u' THEN 'unfriended' WHEN 'l' THEN 'gone'
            ELSE 'end' END, other_id, NULL
        FROM event WHERE participant_id = $1 AND id > $2 AND id <= $4
            AND kind = ANY ('{u,l,g}')
        ORDER BY id LIMIT $5)
    UNION ALL
    (SELECT e.id, 0, CASE e.kind WHEN 'c' THEN 'changed' ELSE 'removed' END,
            e.participant_id, e.other_id
        FROM friendship f CROSS JOIN LATERAL (
            SELECT * FROM event WHERE participant_id = f.friend_id
                AND id > $2 AND id <= $4 AND kind = ANY ('{c,r}')
                AND other_id <= $2 AND other_id >= f.since
                AND (kind = 'r' OR EXISTS (SELECT FROM outbound
                    WHERE outbound.id = other_id)) OFFSET 0) e
        WHERE f.participant_id = $1 AND (f.made IS NULL OR f.made <= $2)
        ORDER BY e.id LIMIT $5))
SELECT e.id, sub, what, other, post, o.occurred, o.subject, o.story, o.edited
    FROM (SELECT * FROM entry ORDER BY id, sub LIMIT $5) e
    LEFT JOIN outbound o ON o.id = post
    ORDER BY e.id, sub;
