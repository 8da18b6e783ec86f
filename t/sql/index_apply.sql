-- sql/statements/index_apply.sql: an index apart comes to its next place.
\set statement `cat sql/statements/index_apply.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(10);
CREATE SCHEMA apart;
SET LOCAL search_path = apart, public;
CREATE TABLE migration ();
\i sql/search/001_search.sql
PREPARE apply AS :statement
UPDATE follower SET done = 5;
SET LOCAL ROLE newsfeed_owner;

SELECT results_eq($$ EXECUTE apply(5, 5, 'simple', '{2,3}', '{1,1}', '{0,0}',
    '{a,b}', '{}') $$, 'VALUES (5::bigint)', 'a part of the way');
SELECT results_eq($$ EXECUTE apply(5, 9, 'simple', '{3,4}', '{1,2}', '{7,0}',
    '{c,d}', '{2}') $$, 'VALUES (9::bigint)', 'and the rest');
SELECT results_eq('SELECT * FROM search ORDER BY 1',
    $$ VALUES (3::bigint, 1::bigint, 'c'::tsvector, 7::bigint),
        (4, 2, 'd', 0) $$, 'new ones, changed ones, and none that are gone');
SELECT is_empty($$ EXECUTE apply(5, 10, 'simple', '{5}', '{1}', '{0}', '{e}',
    '{3}') $$, 'nothing where another one was faster');
SELECT is_empty($$ EXECUTE apply(9, 10, 'german', '{5}', '{1}', '{0}', '{e}',
    '{3}') $$, 'nor in another language');
SELECT is((SELECT count(*) FROM search), 2::bigint, 'nothing was done');
SELECT results_eq($$ EXECUTE apply(9, 11, 'simple', '{}', '{}', '{}', NULL,
    '{}') $$, 'VALUES (11::bigint)', 'without a document');
EXECUTE apply(11, 12, 'simple', '{4}', '{7}', '{0}', '{d}', '{}');
SELECT is((SELECT participant_id FROM search WHERE outbound_id = 4), 7::bigint,
    'given again, it is another''s');
SELECT is(current_setting('synchronous_commit'), 'off',
    'nobody waits for the disk');
SELECT table_privs_are('apart', 'search', 'newsfeed',
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']);

SELECT * FROM finish();
ROLLBACK;
