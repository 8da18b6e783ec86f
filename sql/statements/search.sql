-- A page of the authors whose posts match, and first of all how far down the
-- list they stand. Each row has an author's position and id, whether something
-- older exists (of a page by $4), whether the words mean nothing at all, in
-- which case nothing is looked for, and the language of the index; at least one
-- row, then of NULLs.
--   $1 parts of the query, a line each, $2 the same as they were given (see
--   app/words.h), $3 before, $4 after, $5 rows at most
--
-- Matches are found by the index, unless the words are so common that 20,000
-- posts have them; then the newest 20,000 posts are looked through (IS TRUE
-- keeps the index out of that). Ranking reads a document for each post, which
-- costs more than all the rest: only the newest 100 matches are ranked, and
-- behind them come the others, newest first.
--
-- An author's position is a number that orders the list and, as a cursor,
-- needs nobody to exist: the id of the newest match, or, above all of these,
-- bit 62, the best rank in 19 bits and the author's id in 43. ts_rank stays
-- below 1.
--
-- A removed post has an order to be swept for as long as it may be found.
-- OFFSET 0 keeps a plan that was made when the tables were empty from reading
-- all of them later.
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
        WHERE outbound_id NOT IN (SELECT other_id FROM outbox
            WHERE kind = 'r')),
place AS MATERIALIZED (
    SELECT participant_id, max(id) AS id FROM (
            SELECT s.participant_id, (1::bigint << 62)
                    | ((least(ts_rank(s.document, words), 0.999999)
                        * 524288)::bigint << 43)
                    | s.participant_id AS id
                FROM query,
                    (SELECT outbound_id FROM match
                        ORDER BY outbound_id DESC LIMIT 100) newest
                    CROSS JOIN LATERAL (SELECT * FROM search
                        WHERE outbound_id = newest.outbound_id OFFSET 0) s
            UNION ALL
            SELECT participant_id, outbound_id FROM match) p
        GROUP BY participant_id)
SELECT l.*,
    CASE WHEN $4::bigint > 0 THEN EXISTS (
        SELECT FROM place JOIN participant p ON p.id = participant_id
            WHERE place.id <= $4) END,
    is_void, (SELECT language FROM search_language)
FROM query LEFT JOIN LATERAL (
    (SELECT place.id, participant_id FROM (
            SELECT * FROM place WHERE id < $3::bigint AND $4::bigint = 0
                ORDER BY id DESC) place
        WHERE EXISTS (SELECT FROM participant
            WHERE id = participant_id OFFSET 0)
        ORDER BY place.id DESC LIMIT $5::int8)
    UNION ALL
    (SELECT place.id, participant_id FROM (
            SELECT * FROM place WHERE id < $3 AND id > $4 AND $4 > 0
                ORDER BY id) place
        WHERE EXISTS (SELECT FROM participant
            WHERE id = participant_id OFFSET 0)
        ORDER BY place.id LIMIT $5)) l ON true
ORDER BY l.id DESC NULLS LAST;
