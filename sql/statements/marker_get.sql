-- How far a reader has read, and how much of the feed is newer: 1,000 items at
-- most, and whether there are more. No row: no such participant. What may be
-- seen is what list_inbound in app/store.c shows.
--   $1 participant
--
-- From the marker on, and no more than 1,001 items, besides what a friendship that
-- ended a moment ago has left there: it is the same for a feed of ten and of a
-- million items (contrib/bench/README.md has the figures).
WITH mark AS (
    SELECT coalesce((SELECT last_read FROM marker
        WHERE participant_id = $1::bigint), 0) AS last_read),
unread AS MATERIALIZED (
    SELECT FROM (SELECT outbound_id FROM inbound
                WHERE participant_id = $1
            UNION ALL SELECT id FROM undelivered($1) id) i
        CROSS JOIN LATERAL (SELECT FROM outbound
            WHERE id = i.outbound_id AND EXISTS (SELECT FROM friendship f
                JOIN participant p ON p.id = f.friend_id
                WHERE f.participant_id = $1
                    AND f.friend_id = outbound.participant_id
                    AND f.since <= outbound.id) OFFSET 0) o
        WHERE outbound_id > (SELECT last_read FROM mark)
        LIMIT 1001)
SELECT last_read, least(count, 1000), count > 1000
    FROM participant, mark, (SELECT count(*) FROM unread) n
    WHERE id = $1;
