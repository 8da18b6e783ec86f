-- sql/statements/sweep_post.sql: what a removed post has left.
\set statement `cat sql/statements/sweep_post.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(9);
PREPARE sweep (bigint, bigint, bigint, bigint, bigint) AS :statement

-- Post 9000 of 1, which 2 to 5 have, friends, and 6, who is one no more; and
-- another post.
INSERT INTO friendship (participant_id, friend_id, id, since)
    SELECT 1, f, -f, 0 FROM generate_series(2, 5) f;
INSERT INTO inbound
    SELECT f, post FROM generate_series(2, 6) f, unnest(ARRAY[9000, 9001]) post;
INSERT INTO search VALUES (9000, 1, 'word'), (9001, 1, 'word');
INSERT INTO idempotency (scope, key, fingerprint, body, participant_id,
        outbound_id)
    VALUES ('/', 'a', '', '{}', 1, 9000), ('/', 'b', '', '{}', 1, 9001);
INSERT INTO outbox (kind, participant_id, other_id)
    VALUES ('x', 1, 9000), ('x', 1, 9001);
INSERT INTO outbox (kind, participant_id, other_id)
    VALUES ('r', 1, 9000) RETURNING id AS "order" \gset

CREATE FUNCTION pg_temp.readers(post bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT array_agg(participant_id ORDER BY participant_id)
    FROM inbound WHERE outbound_id = post
$$;

EXECUTE sweep(1, 9000, 0, 3, :order) \gset
SELECT is(:count, 3, 'a piece has so many friends');
SELECT is(pg_temp.readers(9000), '{5,6}', 'who have the post no more');
SELECT is(progress, 4::bigint, 'the order is as far as that')
    FROM outbox WHERE id = :order;
SELECT results_eq('SELECT outbound_id FROM search
        WHERE outbound_id IN (9000, 9001)', 'VALUES (9001::bigint)',
    'the index does not know it any more');
SELECT results_eq($$ SELECT other_id FROM outbox WHERE kind = 'x' $$,
    'VALUES (9001::bigint)', 'nobody has to look at it any more');
SELECT results_eq($$ SELECT key, body FROM idempotency WHERE scope = '/'
    ORDER BY key $$, $$ VALUES ('a', NULL), ('b', '{}') $$,
    'the answer to it goes, and its key stays');

EXECUTE sweep(6, 9000, 9223372036854775807, 3, :order) \gset
SELECT results_eq('SELECT pg_temp.readers(9000)', $$ VALUES ('{5}'::bigint[]) $$,
    'a former friend has an order alone');
EXECUTE sweep(1, 9000, 4, 3, :order) \gset
EXECUTE sweep(1, 9000, 5, 3, :order) \gset
SELECT is(:count, 0, 'behind the last friend nothing is left');
SELECT results_eq('SELECT pg_temp.readers(9000), pg_temp.readers(9001)',
    $$ VALUES (NULL::bigint[], '{2,3,4,5,6}'::bigint[]) $$,
    'other posts stay');

SELECT * FROM finish();
ROLLBACK;
