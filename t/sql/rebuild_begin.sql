-- sql/statements/rebuild_begin.sql: what changes in the index is noted.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(9);
DELETE FROM search;
\i sql/statements/rebuild_begin.sql

SELECT table_privs_are('search_next', 'newsfeed',
    ARRAY['SELECT', 'INSERT', 'DELETE'], 'as the index that it will be');
SELECT results_eq(
    $$ SELECT reloptions FROM pg_class WHERE relname = 'search_next' $$,
    $$ SELECT reloptions FROM pg_class WHERE relname = 'search' $$,
    'and stored like that');
SELECT results_eq(
    $$ SELECT attname, atttypid, attnotnull, attcompression FROM pg_attribute
        WHERE attrelid = 'search_next'::regclass AND attnum > 0 $$,
    $$ SELECT attname, atttypid, attnotnull, attcompression FROM pg_attribute
        WHERE attrelid = 'search'::regclass AND attnum > 0 $$, 'column by column');
SELECT is_empty('SELECT FROM search_rebuild', 'not begun by itself');

SET LOCAL ROLE newsfeed;
INSERT INTO search VALUES (7, 1, ''), (8, 1, '');
RESET ROLE;
SELECT results_eq('SELECT outbound_id FROM search_change ORDER BY id',
    'VALUES (7::bigint), (8)', 'what the service adds');
UPDATE search SET document = 'x' WHERE outbound_id = 8;
SET LOCAL ROLE newsfeed;
DELETE FROM search WHERE outbound_id = 7;
RESET ROLE;
SELECT results_eq('SELECT outbound_id FROM search_change ORDER BY id OFFSET 2',
    'VALUES (8::bigint), (7)', 'what is changed, and what it deletes');
SET LOCAL ROLE newsfeed;
SELECT flush_search();
RESET ROLE;
SELECT results_eq('SELECT count(*) FROM search_change', 'VALUES (4::bigint)',
    'no post has the number 0');
SELECT is(has_function_privilege('public', 'note_search_change()', 'EXECUTE'),
    false, 'PUBLIC may not call it');
SELECT index_is_type('search_next', 'search_next_document', 'gin');

SELECT * FROM finish();
ROLLBACK;
