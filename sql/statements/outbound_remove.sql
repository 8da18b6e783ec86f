-- Removes a post. Gives those whose pages may show it: the friends of its
-- author, and former ones, whose pages may not have been dropped yet; no row if
-- there is no such post.
--   $1 author, $2 post
--
-- With the post's row gone no feed shows it, and the dispatcher sweeps what
-- refers to it: from the feeds of friends by one order, and by one each from
-- those of former friends that it still has to reconcile, which needs the row.
-- Nothing of a feed is deleted here: see the order of locks in app/outbox.h.
WITH gone AS (
    DELETE FROM outbound
        WHERE id = $2::bigint
            AND participant_id = (SELECT id FROM participant
                WHERE id = $1::bigint)
        RETURNING id, participant_id),
entry AS (
    DELETE FROM search WHERE outbound_id = (SELECT id FROM gone)),
former (reader) AS (
    SELECT other_id FROM outbox WHERE kind = 'f' AND participant_id = $1
    UNION
    SELECT participant_id FROM outbox WHERE kind = 'f' AND other_id = $1),
sweep AS (
    INSERT INTO outbox (kind, participant_id, other_id, progress)
        SELECT 'r', participant_id, id, 0 FROM gone
        UNION ALL
        SELECT 'r', reader, id, 9223372036854775807 FROM gone, former
            WHERE EXISTS (SELECT FROM inbound i
                WHERE i.participant_id = reader AND outbound_id = $2))
SELECT array(SELECT friend_id FROM friendship f
        WHERE f.participant_id = gone.participant_id
    UNION SELECT reader FROM former) FROM gone;
