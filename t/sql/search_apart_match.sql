-- sql/statements/search_apart_match.sql: all that matches, in an index apart.
\set statement `cat sql/statements/search_apart_match.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(4);
CREATE SCHEMA apart;
SET LOCAL search_path = apart, public;
CREATE TABLE migration ();
\i sql/search/001_search.sql
PREPARE search AS :statement
INSERT INTO search VALUES (11, 1, 'xone:1 xtwo:2', 0), (12, 2, 'xone:1', 5),
    (13, 1, 'xthree:1', 0);

SELECT results_eq($$ EXECUTE search('(xone', '') $$, $$ VALUES ('{11,12}'::bigint[],
    '{1,2}'::bigint[], '{0,5}'::bigint[], false, 'simple') $$,
    'posts, authors, and when they were edited');
SELECT results_eq($$ EXECUTE search('(xnone', '') $$, $$ VALUES (NULL::bigint[],
    NULL::bigint[], NULL::bigint[], false, 'simple') $$, 'nothing');
SELECT results_eq($$ EXECUTE search('!(xone', '') $$, $$ VALUES (NULL::bigint[],
    NULL::bigint[], NULL::bigint[], true, 'simple') $$, 'nothing to look for');
INSERT INTO search SELECT n, n, 'xmany:1', 0 FROM generate_series(101, 20200) n;
CREATE TEMPORARY TABLE found AS EXECUTE search('(xmany', '');
SELECT is((SELECT min(id) FROM found, unnest(posts) id), 201::bigint,
    'of words that are too common the newest');

SELECT * FROM finish();
ROLLBACK;
