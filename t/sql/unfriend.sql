-- unfriend(): ends a friendship on both sides, from either.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(18);

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

CREATE FUNCTION pg_temp.friends(participant bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(friend_id ORDER BY friend_id), '{}')
    FROM friendship WHERE participant_id = participant
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve \gset
INSERT INTO outbound (participant_id, subject, story)
    SELECT :bob, 'subject', 'story' FROM generate_series(1, 3);
SELECT befriend(:ada, :bob, 2) AS friendship, befriend(:ada, :eve, 2) AS other,
    befriend(:bob, :eve, 2) AS third \gset
SELECT min(since) AS floor FROM friendship WHERE id = :friendship \gset
SELECT max(id) AS last FROM outbox \gset

-- --- both sides --------------------------------------------------------------

SELECT is(unfriend(:ada, :bob), true, 'a friendship is ended');
SELECT is(pg_temp.friends(:ada), ARRAY[:eve]::bigint[], 'on one side');
SELECT is(pg_temp.friends(:bob), ARRAY[:eve]::bigint[], 'and the other');
SELECT is(pg_temp.friends(:eve), ARRAY[:ada, :bob]::bigint[],
    'and no other friendship is');

-- What it leaves in the feeds is looked after later.
SELECT results_eq(
    format('SELECT kind::text, participant_id, other_id, previous, progress
        FROM outbox WHERE id > %s', :last),
    format('VALUES ($$f$$, %s::bigint, %s::bigint, 0::bigint, %s::bigint)',
        :ada, :bob, :floor - 1),
    'it is ordered to sweep the feeds from the first post that belonged on');

SELECT is(unfriend(:ada, :bob), false, 'it cannot be ended twice');
SELECT is(unfriend(:bob, :ada), false, 'nor from the other side');
SELECT is(count(*), 1::bigint, 'which orders nothing') FROM outbox
    WHERE id > :last;

SELECT befriend(:ada, :bob, 2) AS friendship \gset
SELECT is(unfriend(:bob, :ada), true, 'either side can end a friendship');
SELECT is(pg_temp.friends(:ada), ARRAY[:eve]::bigint[], 'on one side');
SELECT is(pg_temp.friends(:bob), ARRAY[:eve]::bigint[], 'and the other');

-- --- nobody ------------------------------------------------------------------

SELECT 9223372036854775807 AS nobody, max(id) AS last FROM outbox \gset
SELECT is(unfriend(:ada, :nobody), false, 'with someone unknown there is none');
SELECT is(unfriend(:nobody, :ada), false, 'nor from someone unknown');
SELECT is(unfriend(:ada, :ada), false, 'nor with oneself');
SELECT is(unfriend(:ada, NULL), false, 'nor with no one');

-- A removal has its own order, which needs to find the friends.
DELETE FROM participant WHERE id = :eve;
SELECT is(unfriend(:ada, :eve), false, 'one with who is gone is left alone');
SELECT is(pg_temp.friends(:eve), ARRAY[:ada, :bob]::bigint[],
    'for the sweep to find');
SELECT is_empty(format('SELECT FROM outbox WHERE id > %s', :last),
    'none of these orders anything');

SELECT * FROM finish();
ROLLBACK;
