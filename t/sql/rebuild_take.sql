-- sql/statements/rebuild_take.sql: which documents are to be made next.
\set statement `cat sql/statements/rebuild_take.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(10);
DELETE FROM search;
INSERT INTO search SELECT id, 1, '' FROM generate_series(0, 5) id;
\i sql/statements/rebuild_begin.sql
INSERT INTO search_rebuild (language, turn) VALUES ('german', 3);
PREPARE take AS :statement

SELECT results_eq('EXECUTE take(3, 2, NULL)', $$ VALUES (1::bigint, 2::bigint,
    2::bigint), (2, 2, 2) $$, 'the first; no post has the number 0');
SELECT results_eq('SELECT progress, seen > now() FROM search_rebuild',
    'VALUES (2::bigint, true)', 'it is noted');
SELECT is_empty('EXECUTE take(2, 2, NULL)', 'nothing for who lost the turn');
SELECT results_eq('EXECUTE take(3, 2, NULL)', $$ VALUES (3::bigint, 2::bigint,
    4::bigint), (4, 2, 4) $$, 'and so on');
INSERT INTO search_next VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c');
DELETE FROM search WHERE outbound_id = 1;
UPDATE search SET document = 'x' WHERE outbound_id = 2;
INSERT INTO search VALUES (6, 1, '');
SELECT results_eq('EXECUTE take(3, 2, NULL)', $$ VALUES (2::bigint, 4::bigint,
    6::bigint), (5, 4, 6), (6, 4, 6) $$, 'what changed, if it is still there');
SELECT results_eq('SELECT outbound_id FROM search_next',
    'VALUES (3::bigint)', 'and it is out of the new one');
SELECT results_eq('EXECUTE take(3, 2, NULL)',
    $$ VALUES (6::bigint, 1::bigint, 6::bigint) $$, 'so much at a time');
SELECT results_eq('EXECUTE take(3, 2, NULL)',
    $$ VALUES (NULL::bigint, 0::bigint, 6::bigint) $$, 'nothing is left');
DELETE FROM search WHERE outbound_id = 6;
SELECT results_eq('EXECUTE take(3, 2, NULL)',
    $$ VALUES (NULL::bigint, 1::bigint, 6::bigint) $$,
    'nothing to make, but something was done');
SELECT is_empty('SELECT FROM search_change', 'all was taken');

SELECT * FROM finish();
ROLLBACK;
