-- The data of posts.sql or habits.sql, which comes first, in the tables of
-- schema.sql. Its foreign keys are right, and not looked after one by one.
SET session_replication_role = replica;
INSERT INTO participant (name)
    SELECT 'participant ' || n FROM generate_series(1, :people) n;
INSERT INTO friendship (participant_id, friend_id)
    SELECT a, b FROM pair UNION ALL SELECT b, a FROM pair ORDER BY 1, 2;

SELECT indexdef AS index FROM pg_indexes
    WHERE indexname = 'outbound_document' \gset
DROP INDEX outbound_document;
INSERT INTO outbound (participant_id, subject, story)
    SELECT author, subject, story FROM post;
:index;

INSERT INTO inbound (participant_id, outbound_id)
    SELECT f.friend_id, o.id FROM outbound o
    JOIN friendship f ON f.participant_id = o.participant_id
    ORDER BY 1, 2;
VACUUM ANALYZE;
