-- sql/statements/publisher_hold.sql: one process at a time works for an outlet.
\set statement `cat sql/statements/publisher_hold.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(14);
PREPARE hold (text, text, bigint, bigint) AS :statement
DELETE FROM publisher;

CREATE FUNCTION pg_temp.is_held(until text, name text, reason text)
RETURNS text LANGUAGE sql AS $$
    SELECT results_eq('SELECT holder, held_until - now() FROM publisher',
        format('VALUES (%L, interval %L)', name, until), reason)
$$;
CREATE FUNCTION pg_temp.set_until(until interval) RETURNS void
LANGUAGE sql AS $$
    UPDATE publisher SET held_until = now() + until, seen = '-infinity'
$$;

SELECT results_eq('EXECUTE hold(''kafka'', ''one'', 10000, 7)',
    'VALUES (7::bigint, 0::bigint)', 'a new one begins where all has arrived');
SELECT pg_temp.is_held('10 s', 'one', 'and is held');
UPDATE publisher SET pos = 9, sub = 3;
SELECT is_empty('EXECUTE hold(''kafka'', ''other'', 10000, 12)',
    'by one alone');
SELECT pg_temp.set_until('1 s');
SELECT results_eq('EXECUTE hold(''kafka'', ''one'', 10000, 12)',
    'VALUES (9::bigint, 3::bigint)', 'who knows where it is');
SELECT pg_temp.is_held('10 s', 'one', 'and holds it on');
SELECT is(seen, now(), 'and was seen') FROM publisher;

SELECT pg_temp.set_until('-1 ms');
SELECT results_eq('EXECUTE hold(''kafka'', ''other'', 10000, 12)',
    'VALUES (9::bigint, 3::bigint)', 'until that is over');
SELECT pg_temp.is_held('10 s', 'other', 'which another one waits for');
SELECT is(seen, now(), 'who is seen as well') FROM publisher;

SELECT pg_temp.set_until('20 s');
SELECT is_empty('EXECUTE hold(''kafka'', ''one'', 10000, 12)',
    'some hold it for longer');
SELECT pg_temp.set_until('21 s');
SELECT results_eq('EXECUTE hold(''kafka'', ''one'', 10000, 12)',
    'VALUES (9::bigint, 3::bigint)', 'nobody does since before the clock was set');

UPDATE publisher SET held_until = '-infinity';
SELECT isnt_empty('EXECUTE hold(''kafka'', ''other'', 10000, 12)',
    'nobody waits for one that was let go');
SELECT results_eq('EXECUTE hold(''webhook'', ''one'', 10000, 12)',
    'VALUES (12::bigint, 0::bigint)', 'each outlet has its own');
SELECT results_eq('SELECT name, holder, pos FROM publisher ORDER BY name',
    $$ VALUES ('kafka', 'other', 9::bigint), ('webhook', 'one', 12) $$,
    'and its own place');

SELECT * FROM finish();
ROLLBACK;
