-- Changes what a post says, and when that was. Gives those whose pages may show
-- it, as outbound_remove.sql does, and orders it to be indexed anew; no row if
-- there is no such post, or not in this version any more.
--   $1 author, $2 post, $3 subject, $4 story (NULL: as it is), $5 version (NULL:
--   whichever)
WITH changed AS (
    UPDATE outbound o SET subject = coalesce($3::text, subject),
            story = coalesce($4::text, story), edited = now()
        WHERE id = $2::bigint
            AND participant_id = (SELECT id FROM participant
                WHERE id = $1::bigint)
            AND ($5::text IS NULL OR o.xmin::text = $5)
        RETURNING *),
orders AS (
    INSERT INTO outbox (kind, participant_id, other_id)
        SELECT 'i', participant_id, id FROM changed)
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited,
        array(SELECT friend_id FROM friendship f
            WHERE f.participant_id = o.participant_id
        UNION SELECT other_id FROM outbox
            WHERE kind = 'f' AND participant_id = $1
        UNION SELECT participant_id FROM outbox
            WHERE kind = 'f' AND other_id = $1)
    FROM changed o;
