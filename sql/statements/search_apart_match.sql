-- What search.sql looks for, in a search index in a database of its own: all
-- posts that match, as the index knows them. One row: posts, their authors, and
-- when they were edited, in ms since 1970 (0: never), an array each; whether the
-- words mean nothing at all, and the language of the index.
--   $1 and $2 as of search.sql
WITH query AS MATERIALIZED (
    SELECT words, querytree(words) IN ('', 'T') AS is_void
        FROM (SELECT string_agg(part || coalesce(' | ' || nullif(nullif(
                phraseto_tsquery('simple', raw)::text,
                split_part(part, '(', 2)), ''), '') || ')', '')::tsquery AS words
            FROM unnest(string_to_array($1::text, E'\n'),
                string_to_array($2::text, E'\n')) AS line (part, raw)) made),
indexed AS MATERIALIZED (
    SELECT s.outbound_id, s.participant_id, s.edited FROM query, search s
        WHERE s.document @@ words AND NOT is_void
        LIMIT 20000),
size AS MATERIALIZED (
    SELECT count(*) = 20000 AS is_common FROM indexed),
match AS MATERIALIZED (
    SELECT i.* FROM indexed i, size WHERE NOT is_common
    UNION ALL
    (SELECT s.outbound_id, s.participant_id, s.edited
        FROM query, size, search s
        WHERE is_common AND (s.document @@ words) IS TRUE
            AND s.outbound_id > coalesce((SELECT outbound_id
                FROM search ORDER BY outbound_id DESC
                OFFSET 20000 LIMIT 1), 0)))
SELECT posts, authors, edited, is_void, (SELECT language FROM search_language)
    FROM query, (SELECT array_agg(outbound_id) AS posts,
        array_agg(participant_id) AS authors, array_agg(edited) AS edited
        FROM match) m;
