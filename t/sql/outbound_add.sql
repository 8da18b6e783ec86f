-- sql/statements/outbound_add.sql: a post and its delivery, or the order of it.
\set statement `cat sql/statements/outbound_add.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(14);
PREPARE add AS :statement

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

CREATE FUNCTION pg_temp.readers(post bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(participant_id ORDER BY participant_id), '{}')
    FROM inbound WHERE outbound_id = post
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve, pg_temp.add_participant() AS zoe \gset
SELECT befriend(:ada, :bob, 0), befriend(:eve, :ada, 0) \gset
SELECT count(*) AS orders FROM outbox \gset

-- --- at once -----------------------------------------------------------------

EXECUTE add(:ada, 'a subject', 'a story', 2) \gset
SELECT is(:'array'::bigint[] @> ARRAY[:bob, :eve]::bigint[]
    AND cardinality(:'array'::bigint[]) = 2, true,
    'it tells who has got the post: all friends, if there are no more than $4');
SELECT is(pg_temp.readers(:id), ARRAY[:bob, :eve]::bigint[],
    'these have it in their feeds, and nobody else');
SELECT is(count(*), :orders::bigint, 'and nothing is ordered') FROM outbox;
SELECT results_eq(format('SELECT participant_id, subject, story, occurred
        FROM outbound WHERE id = %s', :id),
    format('VALUES (%s::bigint, %L, %L, %L::timestamptz(3))', :ada,
        'a subject', 'a story', :'occurred'),
    'the post is as it was given, at the time that is told');

EXECUTE add(:zoe, 's', 's', 2) \gset alone_
SELECT is(:'alone_array'::bigint[], '{}', 'who has no friends can post');
SELECT cmp_ok(:alone_id::bigint, '>', :id::bigint,
    'a later post has a larger id');

-- --- by order ----------------------------------------------------------------

EXECUTE add(:ada, 's', 's', 1) \gset
SELECT is(:'array'::bigint[], '{}', 'one friend more than $4: nobody has it');
SELECT is(pg_temp.readers(:id), '{}', 'in a feed');
SELECT results_eq(format('SELECT kind::text, participant_id, progress
        FROM outbox WHERE other_id = %s', :id),
    format('VALUES (%L, %s::bigint, 0::bigint)', 'd', :ada),
    'and one order has it delivered to all of them');

-- --- nobody ------------------------------------------------------------------

SELECT count(*) AS posts FROM outbound \gset
SELECT is_empty('EXECUTE add(9223372036854775807, $$s$$, $$s$$, 2)',
    'by someone unknown: no row');
SELECT is(count(*), :posts::bigint, 'and no post') FROM outbound;
SELECT is(count(*), :orders::bigint + 1, 'and no order') FROM outbox;

DELETE FROM participant WHERE id = :ada;
SELECT is_empty(format('EXECUTE add(%s, $$s$$, $$s$$, 2)', :ada),
    'nor by someone who is gone, friends or not');
SELECT is(count(*), :posts::bigint, 'and no post') FROM outbound;

SELECT * FROM finish();
ROLLBACK;
