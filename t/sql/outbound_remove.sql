-- sql/statements/outbound_remove.sql: a post goes, and what is left is ordered.
\set statement `cat sql/statements/outbound_remove.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(13);
PREPARE remove AS :statement

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

-- To all friends, and to the index.
CREATE FUNCTION pg_temp.post(author bigint) RETURNS bigint LANGUAGE sql AS $$
    WITH post AS (INSERT INTO outbound (participant_id, subject, story)
            VALUES (author, 'subject', 'story') RETURNING id),
        delivery AS (INSERT INTO inbound SELECT friend_id, post.id
            FROM post, friendship f WHERE f.participant_id = author),
        entry AS (INSERT INTO search SELECT id, author, 'word' FROM post)
    SELECT id FROM post
$$;

-- Whose feeds are to be swept of a post: participant and from where on.
CREATE FUNCTION pg_temp.sweeps(post bigint) RETURNS TABLE (a bigint, b bigint)
LANGUAGE sql AS $$
    SELECT participant_id, progress FROM outbox
    WHERE kind = 'r' AND other_id = post ORDER BY progress, participant_id
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve, pg_temp.add_participant() AS zoe \gset
SELECT befriend(:ada, :bob, 0), befriend(:eve, :ada, 0) \gset
DELETE FROM outbox;
SELECT pg_temp.post(:ada) AS post, pg_temp.post(:ada) AS other \gset

-- --- what is not there -------------------------------------------------------

SELECT is_empty(format('EXECUTE remove(%s, 9223372036854775807)', :ada),
    'a post that there is not: no row');
SELECT is_empty(format('EXECUTE remove(%s, %s)', :bob, :post),
    'nor of another''s');
SELECT is_empty('SELECT FROM outbox', 'and nothing is ordered');
SELECT isnt_empty(format('SELECT FROM outbound WHERE id = %s', :post),
    'and the post is there');

-- --- what goes ---------------------------------------------------------------

EXECUTE remove(:ada, :post) \gset
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(:'array'::bigint[]) f),
    ARRAY[:bob, :eve]::bigint[], 'it tells the friends of its author');
SELECT is_empty(format('SELECT FROM outbound WHERE id = %s', :post),
    'the post is gone');
SELECT is_empty(format('SELECT FROM search WHERE outbound_id = %s', :post),
    'and no search finds it');
SELECT results_eq(format('SELECT * FROM pg_temp.sweeps(%s)', :post),
    format('VALUES (%s::bigint, 0::bigint)', :ada),
    'one order sweeps the feeds of the friends, from the first on');
SELECT is(count(*), 2::bigint, 'which are as they were') FROM inbound
    WHERE outbound_id = :post;
SELECT is_empty(format('EXECUTE remove(%s, %s)', :ada, :post),
    'it is gone once');

-- --- former friends ----------------------------------------------------------

-- Whose feeds the dispatcher has not come to: on either side of the order.
-- zoe never had the post.
SELECT befriend(:zoe, :ada, 0), unfriend(:zoe, :ada), unfriend(:ada, :bob),
    unfriend(:eve, :ada) \gset
EXECUTE remove(:ada, :other) \gset
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(:'array'::bigint[]) f),
    ARRAY[:bob, :eve, :zoe]::bigint[],
    'it tells former friends, whose pages may not have been dropped yet');
SELECT results_eq(format('SELECT * FROM pg_temp.sweeps(%s)', :other),
    format('VALUES (%s::bigint, 0::bigint),
        (%s, 9223372036854775807), (%s, 9223372036854775807)',
        :ada, :bob, :eve),
    'former friends who have the post get an order each, of that feed alone');

-- --- an author who is gone ---------------------------------------------------

SELECT pg_temp.post(:ada) AS post \gset
DELETE FROM participant WHERE id = :ada;
SELECT is_empty(format('EXECUTE remove(%s, %s)', :ada, :post),
    'nothing of an author who is gone is removed');

SELECT * FROM finish();
ROLLBACK;
