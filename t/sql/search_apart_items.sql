-- sql/statements/search_apart_items.sql: posts, of an index apart.
\set statement `cat sql/statements/search_apart_items.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(8);
CREATE SCHEMA apart;
SET LOCAL search_path = apart, public;
CREATE TABLE migration ();
\i sql/search/001_search.sql
PREPARE search AS :statement
SELECT 9223372036854775807 AS max \gset
UPDATE follower SET done = 17;
INSERT INTO search VALUES (11, 1, 'xone:1 xtwo:2', 0), (12, 2, 'xone:1', 5),
    (13, 1, 'xthree:1', 0), (14, 1, 'xone:1', 0);

CREATE FUNCTION pg_temp.finds(parts text, before bigint, after bigint,
    rows int, author bigint = 0)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found record;
    list text[] = '{}';
BEGIN
    FOR found IN EXECUTE format('EXECUTE search(%L, %L, %s, %s, %s, %s)',
        parts, '', before, after, rows, author)
    LOOP
        list = list || coalesce(found.id || ':' || found.edited, 'none');
    END LOOP;
    RETURN array_to_string(list, ' ');
END
$$;

SELECT is(pg_temp.finds('(xone', :max, 0, 10), '14:0 12:5 11:0', 'newest first');
SELECT is(pg_temp.finds('(xone', :max, 0, 2), '14:0 12:5', 'so many');
SELECT is(pg_temp.finds('(xone', 12, 0, 2), '11:0', 'below a place');
SELECT is(pg_temp.finds('(xone', :max, 11, 1), '12:5', 'above a place, the oldest');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, 1), '14:0 11:0', 'of one author');
SELECT is(pg_temp.finds('(xnone', :max, 0, 10), 'none', 'nothing');
SELECT is(pg_temp.finds('!(xone', :max, 0, 10), 'none', 'nothing to look for');
SELECT results_eq($$ EXECUTE search('!(xone', '', 99, 0, 9, 0) $$,
    $$ VALUES (NULL::bigint, NULL::bigint, 17::bigint, true, 'simple') $$,
    'which is told, and where the index is');

SELECT * FROM finish();
ROLLBACK;
