-- sql/statements/deliver.sql: a post to its author's friends, piece by piece.
\set statement `cat sql/statements/deliver.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(13);
PREPARE deliver (bigint, bigint, bigint, bigint, bigint) AS :statement

INSERT INTO outbound (participant_id, subject, story)
    VALUES (1, 'subject', 'story') RETURNING id AS post \gset
-- 2 to 6 are friends of 1; 4 only from later posts on, and 5 has it already.
INSERT INTO friendship (participant_id, friend_id, id, since)
    SELECT 1, f, -f, 0 FROM generate_series(2, 6) f
    UNION ALL SELECT f, 1, -f, CASE f WHEN 4 THEN :post + 1 ELSE 0 END
    FROM generate_series(2, 6) f;
INSERT INTO inbound VALUES (5, :post);
INSERT INTO outbox (kind, participant_id, other_id, due)
    VALUES ('d', 1, :post, now() - interval '1 h') RETURNING id AS "order" \gset

CREATE FUNCTION pg_temp.readers(post bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT array_agg(participant_id ORDER BY participant_id)
    FROM inbound WHERE outbound_id = post
$$;

EXECUTE deliver(1, :post, 0, 3, :order) \gset
SELECT is(:friends, 3, 'a piece has so many friends');
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(:'array'::bigint[]) f),
    '{2,3}', 'and says who has got it');
SELECT is(pg_temp.readers(:post), '{2,3,5}',
    'who became a friend later does not get it');
SELECT is(:'pg_current_xact_id', pg_current_xact_id()::text,
    'by this transaction');
SELECT is(:'pg_current_snapshot', pg_current_snapshot()::text,
    'as of its own reading');
SELECT is(ARRAY[:'id', :'subject', :'story'],
    ARRAY[:'post', 'subject', 'story'], 'the post is told');
SELECT results_eq(format('SELECT previous, progress,
        due >= now() + interval ''300 ms'' FROM outbox WHERE id = %s', :order),
    'VALUES (0::bigint, 4::bigint, true)',
    'the order is as far as that, and is put off until it is shown');

EXECUTE deliver(1, :post, 4, 3, :order) \gset
SELECT is(pg_temp.readers(:post), '{2,3,5,6}', 'nobody gets it twice');
SELECT is(:'array'::bigint[], '{6}', 'nor is said to have got it again');
SELECT results_eq(format('SELECT previous, progress FROM outbox
        WHERE id = %s', :order), 'VALUES (4::bigint, 6::bigint)',
    'and the order tells whom the last piece went to');

EXECUTE deliver(1, :post, 6, 3, :order) \gset
SELECT is(:friends, 0, 'behind the last friend nothing is left');
SELECT results_eq(format('SELECT previous, progress FROM outbox
        WHERE id = %s', :order), 'VALUES (4::bigint, 6::bigint)',
    'and nothing changes');

DELETE FROM outbound WHERE id = :post;
EXECUTE deliver(1, :post, 0, 3, :order) \gset
SELECT ok(:friends = 3 AND :'array' = '{}' AND NOT :{?id},
    'of a post that is gone there is nothing to tell');

SELECT * FROM finish();
ROLLBACK;
