-- Whose feeds a part of the events concerns.
--   $1 behind this id, $2 up to this one
WITH news AS MATERIALIZED (
    SELECT participant_id, kind FROM event
        WHERE id > $1::bigint AND id <= $2::bigint)
SELECT participant_id FROM news WHERE kind = ANY ('{f,u,l,g}')
UNION
SELECT friend_id FROM news JOIN friendship USING (participant_id)
    WHERE kind = ANY ('{c,r}');
