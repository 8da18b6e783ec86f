-- A page of the posts that match, newest first, whosoever they are, of one
-- author, or of a participant's friends. Columns are those of a post, whether
-- something older exists (of a page by $4), up to where posts have come to the
-- index, whether the words mean nothing at all, in which case nothing is looked
-- for, and the language of the index; at least one row, then of NULLs.
--   $1 parts of the query, a line each, $2 the same as they were given (see
--   app/words.h), $3 before, $4 after, $5 rows at most, $6 author, $7 whose
--   friends (0: all), $8 since, $9 until, as text (NULL: ever)
--
-- Matches are found as search.sql finds them, of one author among the newest
-- 20,000 posts of this one.
WITH query AS MATERIALIZED (
    SELECT words, querytree(words) IN ('', 'T') AS is_void
        FROM (SELECT string_agg(part || coalesce(' | ' || nullif(nullif(
                phraseto_tsquery('simple', raw)::text,
                split_part(part, '(', 2)), ''), '') || ')', '')::tsquery AS words
            FROM unnest(string_to_array($1::text, E'\n'),
                string_to_array($2::text, E'\n')) AS line (part, raw)) made),
indexed AS MATERIALIZED (
    SELECT s.outbound_id, s.participant_id FROM query, search s
        WHERE s.document @@ words AND NOT is_void AND $6::bigint = 0
        LIMIT 20000),
size AS MATERIALIZED (
    SELECT count(*) = 20000 AS is_common FROM indexed),
match AS MATERIALIZED (
    SELECT outbound_id AS id FROM (
            SELECT i.* FROM indexed i, size WHERE NOT is_common
            UNION ALL
            (SELECT s.outbound_id, s.participant_id FROM query, size, search s
                WHERE is_common AND (s.document @@ words) IS TRUE
                    AND s.outbound_id > coalesce((SELECT outbound_id
                        FROM search ORDER BY outbound_id DESC
                        OFFSET 20000 LIMIT 1), 0))
            UNION ALL
            (SELECT s.outbound_id, s.participant_id FROM query,
                (SELECT id FROM outbound WHERE participant_id = $6 AND $6 > 0
                    ORDER BY id DESC LIMIT 20000) own
                CROSS JOIN LATERAL (SELECT * FROM search
                    WHERE outbound_id = own.id OFFSET 0) s
                WHERE (s.document @@ words) IS TRUE AND NOT is_void)) m
        WHERE outbound_id NOT IN (SELECT other_id FROM outbox
                WHERE kind = 'r')
            AND ($7::bigint = 0 OR EXISTS (SELECT FROM friendship f
                WHERE f.participant_id = $7 AND f.friend_id = m.participant_id
                OFFSET 0))),
post AS MATERIALIZED (
    SELECT match.id FROM match CROSS JOIN LATERAL (
            SELECT * FROM outbound WHERE outbound.id = match.id OFFSET 0) o
        WHERE ($8::text IS NULL OR occurred >= $8::timestamptz)
            AND ($9::text IS NULL OR occurred < $9::timestamptz)
            AND EXISTS (SELECT FROM participant p
                WHERE p.id = participant_id OFFSET 0))
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story, o.edited,
    CASE WHEN $4::bigint > 0
        THEN EXISTS (SELECT FROM post WHERE id <= $4) END,
    coalesce((SELECT min(outbound_id) - 1 FROM follower_gap
            WHERE follower = 'index'),
        (SELECT done FROM follower WHERE name = 'index')),
    is_void, (SELECT language FROM search_language)
FROM query LEFT JOIN LATERAL (
    (SELECT id FROM post WHERE id < $3::bigint AND $4 = 0
        ORDER BY id DESC LIMIT $5::int8)
    UNION ALL
    (SELECT id FROM post WHERE id < $3 AND id > $4 AND $4 > 0
        ORDER BY id LIMIT $5)) l ON true
    LEFT JOIN LATERAL (
        SELECT * FROM outbound WHERE outbound.id = l.id OFFSET 0) o ON true
ORDER BY o.id DESC NULLS LAST;
