-- sql/statements/sweep_friends.sql: a gone participant among its friends.
\set statement `cat sql/statements/sweep_friends.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(10);
PREPARE sweep (bigint, bigint, bigint, bigint, bigint) AS :statement

-- 1 is gone, had four friends, 2 to 5, and three posts, which they all have.
CREATE FUNCTION pg_temp.make() RETURNS void LANGUAGE sql AS $$
    DELETE FROM friendship;
    DELETE FROM inbound;
    INSERT INTO friendship (participant_id, friend_id, id, since)
        SELECT 1, f, -f, 0 FROM generate_series(2, 5) f
        UNION ALL SELECT f, 1, -f, 0 FROM generate_series(2, 5) f
        UNION ALL VALUES (2, 3, -9, 0), (3, 2, -9, 0);
    INSERT INTO inbound
        SELECT f, id FROM generate_series(2, 5) f, outbound
        UNION ALL VALUES (2, 9000);
$$;
DELETE FROM outbound;
INSERT INTO outbound (participant_id, subject, story)
    SELECT 1, 'subject', 'story' FROM generate_series(1, 3);
INSERT INTO outbox (kind, participant_id, previous)
    VALUES ('g', 1, 1) RETURNING id AS "order" \gset
SELECT min(id) AS first, max(id) AS last FROM outbound \gset

-- --- few posts: so many friends that about as many rows go -------------------

SELECT pg_temp.make() \g /dev/null
EXECUTE sweep(1, 0, 0, 8, :order) \gset
SELECT is(:count, 2, 'two friends, of a post less than four rows each');
SELECT results_eq('SELECT friend_id FROM friendship WHERE participant_id = 1
    ORDER BY 1', 'VALUES (4::bigint), (5)', 'they are friends no more');
SELECT results_eq('SELECT participant_id FROM friendship WHERE friend_id = 1
    ORDER BY 1', 'VALUES (4::bigint), (5)', 'on either side');
SELECT results_eq('SELECT participant_id, count(*) FROM inbound
    GROUP BY 1 ORDER BY 1', 'VALUES (2::bigint, 1::bigint), (4, 3), (5, 3)',
    'and have nothing of it, but what others posted');
SELECT results_eq(format('SELECT previous, progress FROM outbox
        WHERE id = %s', :order), 'VALUES (0::bigint, 0::bigint)',
    'the next turn is a first one again');
SELECT is(count(*), 2::bigint, 'other friendships stay') FROM friendship
    WHERE participant_id IN (2, 3) AND friend_id IN (2, 3);

-- --- many posts: one friend at a time, so many posts at a time ---------------

SELECT pg_temp.make() \g /dev/null
EXECUTE sweep(1, 0, 0, 2, :order) \gset
SELECT results_eq('SELECT participant_id, count(*) FROM inbound
    WHERE outbound_id <> 9000 GROUP BY 1 ORDER BY 1',
    'VALUES (2::bigint, 1::bigint), (3, 3), (4, 3), (5, 3)',
    'two posts of one friend''s feed');
SELECT results_eq(format('SELECT previous, progress FROM outbox
        WHERE id = %s', :order), format('VALUES (1::bigint, %s::bigint)',
    :first + 1), 'the order is as far as that post, and the friend stays one');
EXECUTE sweep(1, 0, :first + 1, 2, :order) \gset
SELECT results_eq('SELECT friend_id FROM friendship WHERE participant_id = 1
    ORDER BY 1', 'VALUES (3::bigint), (4), (5)',
    'until the last piece takes the friendship, too');

DELETE FROM friendship;
EXECUTE sweep(1, 0, 0, 2, :order) \gset
SELECT is(:count, 0, 'without friends nothing is left');

SELECT * FROM finish();
ROLLBACK;
