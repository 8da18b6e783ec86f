-- sql/statements/rebuild_switch.sql: the new index in the place of the old one.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(10);
PREPARE find AS SELECT outbound_id FROM search WHERE document @@ 'xnew';
INSERT INTO search VALUES (1000000001, 1, 'xold');
EXECUTE find;
\i sql/statements/rebuild_begin.sql
INSERT INTO search_rebuild (language) VALUES ('german');
INSERT INTO search_next VALUES (1000000002, 1, 'xnew');
\i sql/statements/rebuild_switch.sql

SELECT results_eq('EXECUTE find', 'VALUES (1000000002::bigint)',
    'what was prepared before finds in the new one');
SELECT results_eq('SELECT language FROM search_language', $$ VALUES ('german') $$,
    'whose language is in force');
SELECT results_eq('SELECT outbound_id FROM search_old
        WHERE outbound_id >= 1000000001', 'VALUES (1000000001::bigint)',
    'the old one is to be dropped');
SELECT has_index('search', 'search_document', 'document');
SELECT col_is_pk('search', 'outbound_id');
SELECT index_is_primary('search', 'search_pkey');
SELECT table_privs_are('search', 'newsfeed', ARRAY['SELECT', 'INSERT', 'DELETE']);
SELECT hasnt_table(name) FROM unnest(ARRAY['search_next', 'search_rebuild']) name;
SELECT hasnt_function('note_search_change');

SELECT * FROM finish();
ROLLBACK;
