-- sql/statements/outbound_edit.sql: a post says something else.
\set statement `cat sql/statements/outbound_edit.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(15);
PREPARE edit (bigint, bigint, text, text, text) AS :statement

INSERT INTO participant (name) VALUES ('Ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('Bob') RETURNING id AS bob \gset
INSERT INTO participant (name) VALUES ('Eve') RETURNING id AS eve \gset
SELECT befriend(:ada, :bob, 0), befriend(:eve, :ada, 0), unfriend(:ada, :eve) \gset
INSERT INTO outbound (participant_id, subject, story)
    VALUES (:ada, 'subject', 'story') RETURNING id AS post \gset
SELECT xmin AS version FROM outbound WHERE id = :post \gset

CREATE FUNCTION pg_temp.says(post bigint) RETURNS text LANGUAGE sql AS $$
    SELECT subject || ', ' || story FROM outbound WHERE id = post
$$;
CREATE FUNCTION pg_temp.orders() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(participant_id || ' ' || other_id ORDER BY id) FROM outbox
    WHERE kind = 'i'
$$;

SELECT is_empty(format('EXECUTE edit(%s, 9223372036854775807, $$s$$, NULL, NULL)',
    :ada), 'a post that there is not: no row');
SELECT is_empty(format('EXECUTE edit(%s, %s, $$s$$, NULL, NULL)', :bob, :post),
    'nor of another''s');
SELECT is_empty(format('EXECUTE edit(%s, %s, $$s$$, NULL, $$1$$)', :ada, :post),
    'nor of one that has changed');
SELECT is(pg_temp.says(:post), 'subject, story', 'which are as they were');
SELECT is(pg_temp.orders(), NULL, 'and nothing is ordered');

EXECUTE edit(:ada, :post, 'other', NULL, :'version') \gset
SELECT is(pg_temp.says(:post), 'other, story', 'the subject is another');
SELECT is(ARRAY[:'id', :'participant_id', :'subject', :'story'],
    ARRAY[:'post', :'ada', 'other', 'story'], 'it tells what it says now');
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(:'array'::bigint[]) f),
    ARRAY[:bob, :eve]::bigint[], 'and to whom, former friends among them');
SELECT is(:'edited', edited::text, 'and since when') FROM outbound
    WHERE id = :post;
SELECT is(edited, now()::timestamptz(3), 'which is now') FROM outbound
    WHERE id = :post;
SELECT is(pg_temp.orders(), ARRAY[:ada || ' ' || :post], 'it is to be indexed');

SELECT isnt_empty(format('EXECUTE edit(%s, %s, NULL, $$more$$, NULL)', :ada,
    :post), 'without a version, whichever it is');
SELECT is(pg_temp.says(:post), 'other, more', 'the story is another');
SELECT isnt_empty(format('EXECUTE edit(%s, %s, $$a$$, $$b$$, NULL)', :ada,
    :post), 'both at once');
SELECT is(pg_temp.says(:post), 'a, b', 'are others');

SELECT * FROM finish();
ROLLBACK;
