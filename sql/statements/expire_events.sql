-- Deletes the oldest events that are old, and notes up to which there may be
-- none any more. How many went. Those stay that an outlet has still to tell, or
-- that wait at an endpoint, if somebody was at work for it within the same time.
--   $1 hours, $2 events at most
WITH gone AS (
    DELETE FROM event WHERE (participant_id, id) IN (
            SELECT participant_id, id FROM (
                    SELECT participant_id, id, occurred FROM event
                        ORDER BY id LIMIT $2::bigint) o
                WHERE occurred < now() - $1::bigint * interval '1 hour'
                    AND id < ALL (
                        SELECT pos + (sub = 0)::int FROM publisher
                            WHERE seen > now() - $1 * interval '1 hour'
                        UNION ALL
                        SELECT done + 1 FROM webhook_waiting
                            JOIN publisher ON name = publisher
                            WHERE participant_id <> 0
                                AND seen > now() - $1 * interval '1 hour'))
        RETURNING id),
step AS (
    UPDATE event_floor SET id = greatest(event_floor.id, last)
        FROM (SELECT max(id) AS last FROM gone) g WHERE last IS NOT NULL)
SELECT count(*) FROM gone;
