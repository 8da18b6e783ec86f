-- Which of the posts that a search index in a database of its own has found are
-- there, and what it knows of them yet: one row with these posts, and their
-- authors, an array each.
--   $1 posts, $2 authors, $3 when they were edited as far as the index knows, in
--   ms since 1970 (0: never)
SELECT array_agg(post), array_agg(author)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        AS found (post, author, known)
    WHERE EXISTS (SELECT FROM outbound o
            WHERE o.id = post AND o.participant_id = author
                AND coalesce((extract(epoch FROM o.edited)
                    * 1000)::bigint, 0) = known OFFSET 0)
        AND EXISTS (SELECT FROM participant
            WHERE participant.id = author OFFSET 0);
