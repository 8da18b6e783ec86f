-- Removes a participant. Gives those whose pages show it or its posts: itself,
-- its friends, and former ones, whose pages may not have been dropped yet; no
-- row if there is no such participant.
--   $1 participant
--
-- Only its own row goes: every read joins its way over that row, so all the rest
-- is out of sight at once, and the dispatcher sweeps it.
WITH gone AS (
    DELETE FROM participant WHERE id = $1::bigint RETURNING id),
sweep AS (
    INSERT INTO outbox (kind, participant_id) SELECT 'g', id FROM gone)
SELECT array(
        SELECT id
        UNION SELECT friend_id FROM friendship WHERE participant_id = $1
        UNION SELECT other_id FROM outbox
            WHERE kind = 'f' AND participant_id = $1
        UNION SELECT participant_id FROM outbox
            WHERE kind = 'f' AND other_id = $1)
    FROM gone;
