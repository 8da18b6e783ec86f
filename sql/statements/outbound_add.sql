-- A post: its row, and up to $4 friends get it at once; for an author with
-- more of them an order is written, and the dispatcher delivers. Its id, its
-- time, who has got it, by which transaction and as of when; no row, and nothing
-- done, if there is no author.
--   $1 author, $2 subject, $3 story, $4 friends at most
--
-- The transaction takes its number before the post takes its id, which the
-- search index relies on (see search_gap in sql/schema.sql).
WITH post AS (
    INSERT INTO outbound (participant_id, subject, story)
        SELECT id, $2::text, $3::text FROM participant
        WHERE id = $1::bigint AND pg_current_xact_id() IS NOT NULL
        RETURNING id, participant_id, occurred),
friend AS MATERIALIZED (
    SELECT friend_id FROM friendship
        WHERE participant_id = $1 LIMIT $4::bigint + 1),
size AS (
    SELECT count(*) > $4 AS is_large FROM friend),
delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
        SELECT friend_id, post.id FROM post, size, friend
        WHERE NOT is_large
        RETURNING participant_id),
orders AS (
    INSERT INTO outbox (kind, participant_id, other_id)
        SELECT 'd', participant_id, id FROM post, size
        WHERE is_large)
SELECT id, occurred, array(SELECT participant_id FROM delivery),
    pg_current_xact_id()::text, pg_current_snapshot()::text
    FROM post;
