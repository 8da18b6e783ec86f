-- The next posts whose documents are to be made: those that are given, or in the
-- index in force behind the place that was come to, and those that changed there. What changed
-- goes first: whatever it says by now comes anew, unless the index in force does
-- not have it any more. Each row has how many were taken in all, and up to which
-- post it is done; without an id where there is nothing to make. No row: another
-- one has the turn.
--   $1 turn, $2 posts at most of either, $3 posts (NULL: of the index in force)
WITH mine AS MATERIALIZED (
    SELECT progress FROM search_rebuild WHERE turn = $1::bigint FOR UPDATE),
fresh AS MATERIALIZED (
    SELECT s.outbound_id FROM mine CROSS JOIN LATERAL (
        SELECT outbound_id FROM search
            WHERE outbound_id > progress AND $3::bigint[] IS NULL
            ORDER BY outbound_id LIMIT $2::bigint) s
    UNION ALL
    SELECT post FROM mine, unnest($3) post),
changed AS (
    DELETE FROM search_change WHERE id IN (
            SELECT c.id FROM mine CROSS JOIN LATERAL (
                SELECT id FROM search_change ORDER BY id LIMIT $2) c)
        RETURNING outbound_id),
gone AS (
    DELETE FROM search_next
        WHERE outbound_id IN (SELECT outbound_id FROM changed)),
step AS (
    UPDATE search_rebuild SET seen = clock_timestamp(),
            progress = greatest(progress, (SELECT max(outbound_id) FROM fresh))
        WHERE turn = $1)
SELECT post.id, (SELECT count(*) FROM fresh) + (SELECT count(*) FROM changed),
    greatest(progress, (SELECT max(outbound_id) FROM fresh))
FROM mine LEFT JOIN (
    SELECT outbound_id AS id FROM fresh
    UNION
    SELECT c.outbound_id FROM changed c CROSS JOIN LATERAL (
        SELECT FROM search s WHERE s.outbound_id = c.outbound_id
            OFFSET 0) there) post ON true
ORDER BY post.id;
