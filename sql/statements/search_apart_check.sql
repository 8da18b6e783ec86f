-- Which posts that a search index in a database of its own has found are not what
-- it knows of them any more: their authors, and whether these are gone.
--   $1 posts, $2 authors, $3 when they were edited as far as the index knows, in
--   ms since 1970 (0: never)
SELECT post, author, NOT EXISTS (SELECT FROM participant
        WHERE participant.id = author OFFSET 0)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        AS found (post, author, known)
    WHERE NOT EXISTS (SELECT FROM outbound o
            WHERE o.id = post AND o.participant_id = author
                AND coalesce((extract(epoch FROM o.edited)
                    * 1000)::bigint, 0) = known OFFSET 0)
        OR NOT EXISTS (SELECT FROM participant
            WHERE participant.id = author OFFSET 0);
