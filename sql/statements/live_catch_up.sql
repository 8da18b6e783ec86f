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
--
-- No more of the inbound than is given, nor of the events than its own and its
-- friends': how much else there is does not matter.
WITH due AS MATERIALIZED (
    (SELECT outbound_id AS id FROM inbound i CROSS JOIN LATERAL (
            SELECT participant_id FROM outbound
                WHERE id = outbound_id OFFSET 0) o
            CROSS JOIN LATERAL (
            SELECT FROM friendship f WHERE f.participant_id = $1::bigint
                AND friend_id = o.participant_id AND since <= outbound_id
                AND (made IS NULL OR made < outbound_id) OFFSET 0) f
        WHERE i.participant_id = $1
            AND outbound_id > $2::bigint AND outbound_id <= $4::bigint
            AND EXISTS (SELECT FROM participant p
                WHERE p.id = o.participant_id OFFSET 0)
        ORDER BY outbound_id LIMIT $5::bigint)
    UNION
    SELECT id FROM undelivered($1) id WHERE id > $2 AND id <= $4
    UNION
    SELECT o.id FROM outbox CROSS JOIN LATERAL (
            SELECT id FROM outbound
                WHERE outbound.participant_id =
                        CASE WHEN outbox.participant_id = $1
                            THEN other_id ELSE outbox.participant_id END
                    AND id > $2 AND id <= $4 OFFSET 0) o
        WHERE kind = 'f' AND (outbox.participant_id = $1 OR other_id = $1)),
own AS MATERIALIZED (
    SELECT id, kind, other_id FROM event
        WHERE (participant_id, id) >= ($1, $2)
            AND (participant_id, id) <= ($1, $4)),
entry (id, sub, what, other, post) AS (
    (SELECT due.id, 0, 'item', o.participant_id, due.id
        FROM due CROSS JOIN LATERAL (
            SELECT participant_id FROM outbound
                WHERE outbound.id = due.id OFFSET 0) o
            CROSS JOIN LATERAL (
            SELECT FROM friendship f WHERE f.participant_id = $1
                AND friend_id = o.participant_id AND since <= due.id
                AND (made IS NULL OR made < due.id) OFFSET 0) f
        WHERE EXISTS (SELECT FROM participant p
            WHERE p.id = o.participant_id OFFSET 0)
        ORDER BY due.id LIMIT $5)
    UNION ALL
    (SELECT e.id, o.id, 'item', e.other_id, o.id
        FROM own e CROSS JOIN LATERAL (
            SELECT since FROM friendship f WHERE f.participant_id = $1
                AND friend_id = e.other_id AND made = e.id OFFSET 0) f
            CROSS JOIN LATERAL (
            SELECT id FROM outbound WHERE participant_id = e.other_id
                AND outbound.id >= since AND outbound.id < e.id OFFSET 0) o
        WHERE e.kind = 'f' AND EXISTS (SELECT FROM participant p
                WHERE p.id = e.other_id OFFSET 0)
            AND (e.id > $2 OR o.id > $3::bigint AND $3 > 0)
        ORDER BY e.id, o.id LIMIT $5)
    UNION ALL
    (SELECT id, 0, CASE kind WHEN 'u' THEN 'unfriended' WHEN 'l' THEN 'gone'
            ELSE 'end' END, other_id, NULL
        FROM own WHERE id > $2 AND kind = ANY ('{u,l,g}')
        ORDER BY id LIMIT $5)
    UNION ALL
    (SELECT e.id, 0, CASE e.kind WHEN 'c' THEN 'changed' ELSE 'removed' END,
            f.friend_id, e.other_id
        FROM friendship f CROSS JOIN LATERAL (
            SELECT id, kind, other_id FROM event
                WHERE (participant_id, id) > (f.friend_id, $2)
                    AND (participant_id, id) <= (f.friend_id, $4)
                    AND kind = ANY ('{c,r}')
                    AND other_id <= $2 AND other_id >= f.since
                    AND (kind = 'r' OR EXISTS (SELECT FROM outbound
                        WHERE outbound.id = other_id OFFSET 0)) OFFSET 0) e
        WHERE f.participant_id = $1 AND (f.made IS NULL OR f.made <= $2)
        ORDER BY e.id LIMIT $5))
SELECT e.id, sub, what, other, post, o.occurred, o.subject, o.story, o.edited
    FROM (SELECT * FROM entry ORDER BY id, sub LIMIT $5) e
    LEFT JOIN outbound o ON o.id = post
    ORDER BY e.id, sub;
