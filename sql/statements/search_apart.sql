-- A page of the authors of posts that a search index in a database of its own
-- has found, and that are known to be there. Positions, and columns, are those
-- of search.sql.
--   $1 to $5 as of search.sql, $6 the posts, $7 their authors
WITH query AS MATERIALIZED (
    SELECT words, querytree(words) IN ('', 'T') AS is_void
        FROM (SELECT string_agg(part || coalesce(' | ' || nullif(nullif(
                phraseto_tsquery('simple', raw)::text,
                split_part(part, '(', 2)), ''), '') || ')', '')::tsquery AS words
            FROM unnest(string_to_array($1::text, E'\n'),
                string_to_array($2::text, E'\n')) AS line (part, raw)) made),
match AS MATERIALIZED (
    SELECT * FROM unnest($6::bigint[], $7::bigint[])
        AS found (outbound_id, participant_id)),
place AS MATERIALIZED (
    SELECT participant_id, max(id) AS id FROM (
            SELECT newest.participant_id, (1::bigint << 62)
                    | ((least(ts_rank(s.document, words), 0.999999)
                        * 524288)::bigint << 43)
                    | newest.participant_id AS id
                FROM query,
                    (SELECT * FROM match
                        ORDER BY outbound_id DESC LIMIT 100) newest
                    CROSS JOIN LATERAL (SELECT document FROM search
                        WHERE outbound_id = newest.outbound_id OFFSET 0) s
            UNION ALL
            SELECT participant_id, outbound_id FROM match) p
        GROUP BY participant_id)
SELECT l.id, l.participant_id,
    CASE WHEN $4::bigint > 0
        THEN EXISTS (SELECT FROM place WHERE id <= $4) END,
    is_void, (SELECT language FROM search_language)
FROM query LEFT JOIN LATERAL (
    (SELECT id, participant_id FROM place
        WHERE id < $3::bigint AND $4::bigint = 0 ORDER BY id DESC LIMIT $5::int8)
    UNION ALL
    (SELECT id, participant_id FROM place
        WHERE id < $3 AND id > $4 AND $4 > 0 ORDER BY id LIMIT $5)) l ON true
ORDER BY l.id DESC NULLS LAST;
