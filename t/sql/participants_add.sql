-- sql/statements/participants_add.sql: many participants, in their order.
\set statement `cat sql/statements/participants_add.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(5);
PREPARE add (text[]) AS :statement
DELETE FROM participant;
DELETE FROM event;

SELECT is_empty($$ EXECUTE add('{}') $$, 'of no names, nobody');
EXECUTE add(ARRAY['Eve', 'Ada', 'Eve', 'Bob "the, {other}"']);
SELECT results_eq('SELECT name FROM participant ORDER BY id',
    $$ VALUES ('Eve'), ('Ada'), ('Eve'), ('Bob "the, {other}"') $$,
    'ids ascend in the order of the names, each of which counts');
SELECT results_eq('SELECT participant_id, kind FROM event ORDER BY id',
    $$ SELECT id, 'a'::"char" FROM participant ORDER BY id $$,
    'and it is written down that they were added');
DELETE FROM participant;
SELECT last_value + 1 AS next FROM participant_id_seq \gset
SELECT results_eq(format('EXECUTE add(%L)',
        (SELECT array_agg('number ' || i) FROM generate_series(1, 1000) i)),
    format('SELECT id FROM generate_series(%s, %1$s + 999::bigint) id', :next),
    'the ids of a thousand come in that order');
SELECT results_eq('SELECT name FROM participant ORDER BY id',
    $$ SELECT 'number ' || i FROM generate_series(1, 1000) i $$,
    'which is theirs');

SELECT * FROM finish();
ROLLBACK;
