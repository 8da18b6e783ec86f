-- Posts that there are orders to deliver, as far as a reader has not got them.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(7);

-- 2 and 3 are friends of 1.
DELETE FROM outbox;
INSERT INTO friendship (participant_id, friend_id, id, since)
    SELECT 1, f, -f, 0 FROM unnest('{2,3}'::bigint[]) f
    UNION ALL SELECT f, 1, -f, 0 FROM unnest('{2,3}'::bigint[]) f;
INSERT INTO outbox (kind, participant_id, other_id, progress)
    VALUES ('d', 1, 101, 0), ('d', 1, 102, 2), ('d', 4, 103, 0),
        ('r', 1, 104, 0);
INSERT INTO inbound VALUES (4, 101);

CREATE FUNCTION pg_temp.is(reader bigint, posts bigint[], reason text)
RETURNS text LANGUAGE sql AS $$
    SELECT is((SELECT array_agg(id ORDER BY id) FROM undelivered(reader) id),
        posts, reason)
$$;

SELECT pg_temp.is(2, '{101}', 'those whose delivery has not come to the reader');
SELECT pg_temp.is(3, '{101,102}', 'each by itself');
SELECT pg_temp.is(1, NULL, 'none of one''s own');
SELECT pg_temp.is(4, NULL, 'nor of somebody who is no friend');
INSERT INTO inbound VALUES (2, 101);
SELECT pg_temp.is(2, NULL, 'nor what came another way');
SELECT pg_temp.is(3, '{101,102}', 'to this reader');
DELETE FROM friendship WHERE participant_id = 3;
SELECT pg_temp.is(3, NULL, 'nor of who is no friend any more');

SELECT * FROM finish();
ROLLBACK;
