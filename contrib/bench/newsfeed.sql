-- The data of posts.sql or habits.sql, which comes first, in the service's own
-- tables. The search index is built at the end. Of such words app/words.c makes
-- the same documents as PostgreSQL does here.
BEGIN;
-- Posts have the ids that they have elsewhere, without events among them.
ALTER TABLE participant DISABLE TRIGGER USER;
ALTER TABLE friendship DISABLE TRIGGER USER;
INSERT INTO participant (name)
    SELECT 'participant ' || n FROM generate_series(1, :people) n;
INSERT INTO friendship (participant_id, friend_id, id, since)
    SELECT a, b, id, 0 FROM pair UNION ALL SELECT b, a, id, 0 FROM pair
    ORDER BY 1, 2;
SELECT setval('friendship_id_seq', (SELECT max(id) FROM pair));
INSERT INTO outbound (participant_id, subject, story)
    SELECT author, subject, story FROM post;
INSERT INTO inbound (participant_id, outbound_id)
    SELECT f.friend_id, o.id FROM outbound o
    JOIN friendship f ON f.participant_id = o.participant_id
    ORDER BY 1, 2;

SELECT indexdef AS index FROM pg_indexes
    WHERE indexname = 'search_document' \gset
DROP INDEX search_document;
INSERT INTO search (outbound_id, participant_id, document)
    SELECT id, participant_id, setweight(to_tsvector('simple', subject), 'A')
        || to_tsvector('simple', story) FROM outbound;
:index;
ALTER TABLE participant ENABLE TRIGGER USER;
ALTER TABLE friendship ENABLE TRIGGER USER;
UPDATE follower SET done = (SELECT max(id) FROM outbound);
COMMIT;
VACUUM ANALYZE;
