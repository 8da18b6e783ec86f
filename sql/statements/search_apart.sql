-- What search.sql looks for, in a search index in a database of its own: a page
-- of the authors whose posts match. Columns are those of search.sql, and the post
-- that gives the author the position, with when it was edited as far as the index
-- knows. Whether the post is there and says the same yet, nobody knows here: if
-- it does not, this is asked again, without it.
--   $1 to $5 as of search.sql, $6 posts and $7 authors to leave out
WITH query AS MATERIALIZED (
    SELECT words, querytree(words) IN ('', 'T') AS is_void
        FROM (SELECT string_agg(part || coalesce(' | ' || nullif(nullif(
                phraseto_tsquery('simple', raw)::text,
                split_part(part, '(', 2)), ''), '') || ')', '')::tsquery AS words
            FROM unnest(string_to_array($1::text, E'\n'),
                string_to_array($2::text, E'\n')) AS line (part, raw)) made),
indexed AS MATERIALIZED (
    SELECT s.outbound_id, s.participant_id FROM query, search s
        WHERE s.document @@ words AND NOT is_void
        LIMIT 20000),
size AS MATERIALIZED (
    SELECT count(*) = 20000 AS is_common FROM indexed),
match AS MATERIALIZED (
    SELECT outbound_id, participant_id FROM (
            SELECT i.* FROM indexed i, size WHERE NOT is_common
            UNION ALL
            (SELECT s.outbound_id, s.participant_id FROM query, size, search s
                WHERE is_common AND (s.document @@ words) IS TRUE
                    AND s.outbound_id > coalesce((SELECT outbound_id
                        FROM search ORDER BY outbound_id DESC
                        OFFSET 20000 LIMIT 1), 0))) m
        WHERE outbound_id <> ALL ($6::bigint[])
            AND participant_id <> ALL ($7::bigint[])),
ranked AS MATERIALIZED (
    SELECT s.outbound_id, s.participant_id, (1::bigint << 62)
            | ((least(ts_rank(s.document, words), 0.999999)
                * 524288)::bigint << 43)
            | s.participant_id AS id
        FROM query,
            (SELECT outbound_id FROM match
                ORDER BY outbound_id DESC LIMIT 100) newest
            CROSS JOIN LATERAL (SELECT * FROM search
                WHERE outbound_id = newest.outbound_id OFFSET 0) s),
place AS MATERIALIZED (
    SELECT participant_id, max(id) AS id FROM (
            SELECT participant_id, id FROM ranked
            UNION ALL
            SELECT participant_id, outbound_id FROM match) p
        GROUP BY participant_id)
SELECT l.id, l.participant_id,
    CASE WHEN $4::bigint > 0
        THEN EXISTS (SELECT FROM place WHERE id <= $4) END,
    is_void, (SELECT language FROM search_language),
    post.outbound_id, post.edited
FROM query LEFT JOIN LATERAL (
    (SELECT id, participant_id FROM place
        WHERE id < $3::bigint AND $4 = 0 ORDER BY id DESC LIMIT $5::int8)
    UNION ALL
    (SELECT id, participant_id FROM place
        WHERE id < $3 AND id > $4 AND $4 > 0 ORDER BY id LIMIT $5)) l ON true
    LEFT JOIN LATERAL (
        SELECT outbound_id, edited FROM search
            WHERE outbound_id = coalesce((SELECT max(r.outbound_id)
                FROM ranked r WHERE r.id = l.id), l.id) OFFSET 0) post ON true
ORDER BY l.id DESC NULLS LAST;
