-- sql/statements/participant_remove.sql: a participant goes, the rest is ordered.
\set statement `cat sql/statements/participant_remove.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(7);
PREPARE remove AS :statement

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve, pg_temp.add_participant() AS zoe,
    pg_temp.add_participant() AS kim \gset
SELECT befriend(:ada, :bob, 0), befriend(:bob, :kim, 0) \gset
DELETE FROM outbox;
SELECT befriend(:eve, :ada, 0), befriend(:ada, :zoe, 0),
    unfriend(:ada, :eve), unfriend(:zoe, :ada) \gset

SELECT is_empty('EXECUTE remove(9223372036854775807)',
    'a participant that there is not: no row');
SELECT is_empty($$SELECT FROM outbox WHERE kind = 'g'$$,
    'and nothing is ordered');

EXECUTE remove(:ada) \gset
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(:'array'::bigint[]) f),
    ARRAY[:ada, :bob, :eve, :zoe]::bigint[],
    'it tells itself, its friends, and former ones on either side of an order');
SELECT is_empty(format('SELECT FROM participant WHERE id = %s', :ada),
    'the participant is gone');
SELECT results_eq($$SELECT participant_id FROM outbox WHERE kind = 'g'$$,
    format('VALUES (%s::bigint)', :ada), 'one order sweeps the rest');
SELECT isnt_empty(format(
    'SELECT FROM friendship WHERE participant_id = %s', :ada),
    'which is as it was');
SELECT is_empty(format('EXECUTE remove(%s)', :ada), 'it is gone once');

SELECT * FROM finish();
ROLLBACK;
