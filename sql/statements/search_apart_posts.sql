-- Of the posts that a search index in a database of its own has found, those that
-- are there and say what it knows of them yet, as far as a filter lets them
-- through; newest first. Columns are those of a post, whether something older
-- exists, and the oldest of the page, or above its end, that says something else
-- by now, which the index has yet to come to; at least one row, then of NULLs.
--   $1 posts, $2 when they were edited as far as the index knows, in ms since
--   1970 (0: never), $3 rows at most, $4 after: if it is not 0, these are the
--   oldest, $5 whose friends (0: anybody), $6 since, $7 until, as text (NULL:
--   ever), $8 whether something older exists, $9 author (0: anybody)
WITH candidate AS MATERIALIZED (
    SELECT o.*, coalesce((extract(epoch FROM edited) * 1000)::bigint, 0)
            = found.known AS is_known
        FROM unnest($1::bigint[], $2::bigint[]) AS found (post, known)
        CROSS JOIN LATERAL (
            SELECT * FROM outbound WHERE outbound.id = found.post OFFSET 0) o),
post AS MATERIALIZED (
    SELECT * FROM candidate
        WHERE is_known
            AND ($9::bigint = 0 OR participant_id = $9)
            AND ($6::text IS NULL OR occurred >= $6::timestamptz)
            AND ($7::text IS NULL OR occurred < $7::timestamptz)
            AND EXISTS (SELECT FROM participant p
                WHERE p.id = participant_id OFFSET 0)
            AND ($5::bigint = 0 OR EXISTS (SELECT FROM friendship f
                WHERE f.participant_id = $5
                    AND f.friend_id = candidate.participant_id OFFSET 0))),
page AS MATERIALIZED (
    (SELECT * FROM post WHERE $4::bigint = 0
        ORDER BY id DESC LIMIT $3::bigint)
    UNION ALL
    (SELECT * FROM post WHERE $4 > 0 ORDER BY id LIMIT $3))
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited,
    $8::bigint,
    (SELECT min(id) FROM candidate
        WHERE NOT is_known AND id > coalesce((SELECT min(id) FROM page
            WHERE $4 = 0 HAVING count(*) = $3), 0))
FROM (VALUES (true)) always LEFT JOIN page o ON true
ORDER BY o.id DESC NULLS LAST;
