-- sql/statements/publisher_note.sql: an outlet's place moves, by its holder
-- alone.
\set statement `cat sql/statements/publisher_note.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(8);
PREPARE note (text, text, bigint, bigint, bigint, bigint, bigint) AS :statement
DELETE FROM publisher;
INSERT INTO publisher (name, pos, sub, holder, held_until, seen) VALUES
    ('kafka', 7, 2, 'one', now() + interval '1 s', '-infinity'),
    ('webhook', 7, 2, 'one', now() + interval '1 s', '-infinity');

CREATE FUNCTION pg_temp.is_at(place text, reason text) RETURNS text
LANGUAGE sql AS $$
    SELECT is(pos || '.' || sub, place, reason) FROM publisher
        WHERE name = 'kafka'
$$;

SELECT isnt_empty('EXECUTE note(''kafka'', ''one'', 10000, 7, 2, 9, 4)',
    'its holder moves it');
SELECT pg_temp.is_at('9.4', 'to there');
SELECT results_eq('SELECT held_until - now(), seen FROM publisher
    WHERE name = ''kafka''', $$ VALUES (interval '10 s', now()) $$,
    'and holds it on');
SELECT is_empty('EXECUTE note(''kafka'', ''other'', 10000, 9, 4, 12, 0)',
    'nobody else does');
SELECT is_empty('EXECUTE note(''kafka'', ''one'', 10000, 8, 4, 12, 0)',
    'and only from where it is');
SELECT is_empty('EXECUTE note(''kafka'', ''one'', 10000, 9, 3, 12, 0)',
    'to the participant');
SELECT pg_temp.is_at('9.4', 'so it stays');
SELECT is(pos, 7::bigint, 'and others'' stay') FROM publisher
    WHERE name = 'webhook';

SELECT * FROM finish();
ROLLBACK;
