-- sql/statements/look.sql: of which kinds there are orders.
\set statement `cat sql/statements/look.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(8);
PREPARE look (text, bigint, bigint) AS :statement
DELETE FROM outbox;
DELETE FROM outbox_kind;
INSERT INTO outbox_kind VALUES ('d', 'deliver'), ('x', 'set aside');

SELECT is_empty('EXECUTE look($$d$$, 60000, 64)', 'of none');

INSERT INTO outbox (kind, participant_id, due)
    VALUES ('d', 1, now()), ('d', 2, now() + interval '5 s'),
        ('f', 3, now() + interval '5 s'), ('x', 4, now()),
        ('z', 5, now() + interval '1 year');
SELECT set_eq('EXECUTE look($$df$$, 60000, 64)', $$
    VALUES ('d', true, 'deliver'), ('f', false, NULL),
        ('x', true, 'set aside'), ('z', false, NULL) $$,
    'each once, known or not, due or not, with the name that it has');
SELECT is((SELECT count(*) FROM outbox WHERE due > now()), 3::bigint,
    'whatever is due later stays so');
EXECUTE look('df', 60000, 2) \g /dev/null
SELECT is(:ROW_COUNT, 2, 'so many at most');

-- --- a clock that was set back -----------------------------------------------

UPDATE outbox SET due = now() + interval '10 years',
    created = now() + interval '10 years' WHERE kind IN ('f', 'z');
EXECUTE look('df', 60000, 64) \g /dev/null
SELECT results_eq($$ SELECT due, created FROM outbox WHERE kind = 'f' $$,
    'SELECT now(), now()', 'what no pause explains was made and is due now');
SELECT results_eq($$ SELECT due, created FROM outbox WHERE kind = 'z' $$,
    $$ SELECT now() + interval '10 years', now() + interval '10 years' $$,
    'of the kinds that are known');
UPDATE outbox SET created = now() - interval '1 h',
    due = now() + interval '1 h' WHERE kind = 'f';
EXECUTE look('df', 60000, 64) \g /dev/null
SELECT results_eq($$ SELECT due, created FROM outbox WHERE kind = 'f' $$,
    $$ SELECT now(), now() - interval '1 h' $$,
    'and what was made before that stays as old as it is');

-- --- its cost ----------------------------------------------------------------

DELETE FROM outbox;
INSERT INTO outbox (kind, participant_id)
    SELECT 'd', n FROM generate_series(1, 20000) n;
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_fetched('outbox_due'::regclass)
        + pg_stat_get_xact_tuples_returned('outbox_due'::regclass)
$$;
SET LOCAL enable_seqscan = off;
SELECT pg_temp.rows_read() AS before \gset
EXECUTE look('df', 60000, 64) \g /dev/null
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 100::bigint,
    'a long outbox is not read through');

SELECT * FROM finish();
ROLLBACK;
