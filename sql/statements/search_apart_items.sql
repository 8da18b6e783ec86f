-- What search_items.sql looks for, in a search index in a database of its own:
-- posts that match, newest first, of anybody or of one author. Each row has a
-- post, when it was edited as far as the index knows, up to where the index has
-- come, whether the words mean nothing at all, and the language of the index; at
-- least one row, then of NULLs. The posts, and what else is asked of them, are
-- looked up where they are (search_apart_posts.sql).
--   $1 to $5 as of search_items.sql, $6 author (0: anybody)
WITH query AS MATERIALIZED (
    SELECT words, querytree(words) IN ('', 'T') AS is_void
        FROM (SELECT string_agg(part || coalesce(' | ' || nullif(nullif(
                phraseto_tsquery('simple', raw)::text,
                split_part(part, '(', 2)), ''), '') || ')', '')::tsquery AS words
            FROM unnest(string_to_array($1::text, E'\n'),
                string_to_array($2::text, E'\n')) AS line (part, raw)) made),
indexed AS MATERIALIZED (
    SELECT s.outbound_id FROM query, search s
        WHERE s.document @@ words AND NOT is_void AND $6::bigint = 0
        LIMIT 20000),
size AS MATERIALIZED (
    SELECT count(*) = 20000 AS is_common FROM indexed),
match AS MATERIALIZED (
    SELECT i.outbound_id AS id FROM indexed i, size WHERE NOT is_common
    UNION ALL
    (SELECT s.outbound_id FROM query, size, search s
        WHERE is_common AND (s.document @@ words) IS TRUE
            AND s.outbound_id > coalesce((SELECT outbound_id
                FROM search ORDER BY outbound_id DESC
                OFFSET 20000 LIMIT 1), 0))
    UNION ALL
    (SELECT s.outbound_id FROM query,
        (SELECT outbound_id, document FROM search
            WHERE participant_id = $6 AND $6 > 0
            ORDER BY outbound_id DESC LIMIT 20000) s
        WHERE (s.document @@ words) IS TRUE AND NOT is_void))
SELECT l.id, s.edited, (SELECT done FROM follower WHERE name = 'index'),
    is_void, (SELECT language FROM search_language)
FROM query LEFT JOIN LATERAL (
    (SELECT id FROM match WHERE id < $3::bigint AND $4::bigint = 0
        ORDER BY id DESC LIMIT $5::int8)
    UNION ALL
    (SELECT id FROM match WHERE id < $3 AND id > $4 AND $4 > 0
        ORDER BY id LIMIT $5)) l ON true
    LEFT JOIN LATERAL (
        SELECT edited FROM search WHERE outbound_id = l.id OFFSET 0) s ON true
ORDER BY l.id DESC NULLS LAST;
