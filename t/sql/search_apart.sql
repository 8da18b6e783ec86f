-- sql/statements/search_apart.sql: authors, of an index apart.
\set statement `cat sql/statements/search_apart.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(9);
CREATE SCHEMA apart;
SET LOCAL search_path = apart, public;
CREATE TABLE migration ();
\i sql/search/001_search.sql
PREPARE search AS :statement
SELECT 9223372036854775807 AS max \gset
INSERT INTO search VALUES (11, 1, 'xone:1 xtwo:2', 0), (12, 2, 'xone:1', 5),
    (14, 3, 'xone:1 xone:2 xone:3', 0);

CREATE FUNCTION pg_temp.finds(parts text, before bigint, after bigint,
    rows int, posts bigint[], authors bigint[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found record;
    list text[] = '{}';
BEGIN
    FOR found IN EXECUTE format('EXECUTE search(%L, %L, %s, %s, %s, %L, %L)',
        parts, '', before, after, rows, posts, authors)
    LOOP
        list = list || found.participant_id::text;
    END LOOP;
    RETURN array_to_string(list, ' ');
END
$$;

SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{11,12,14}', '{1,2,3}'), '3 2 1',
    'authors, the best first');
SELECT is(pg_temp.finds('(xone', :max, 0, 2, '{11,12,14}', '{1,2,3}'), '3 2',
    'so many');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{11,12}', '{1,2}'), '2 1',
    'of no other post');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{}', '{}'), '', 'nothing');
INSERT INTO search VALUES (15, 1, 'xone:1 xone:2 xone:3 xone:4', 0);
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{11,12,14,15}', '{1,2,3,1}'),
    '1 3 2', 'by the best post of each');
SELECT results_eq($$ EXECUTE search('!(xone', '', 99, 0, 9, '{}', '{}') $$,
    $$ VALUES (NULL::bigint, NULL::bigint, NULL::bool, true, 'simple') $$,
    'nothing to look for, which is told');
INSERT INTO search SELECT 100 + n, 100 + n, 'xmany:1', 0
    FROM generate_series(1, 150) n;
SELECT format('{%s}', string_agg(outbound_id::text, ',')) AS many
    FROM search WHERE outbound_id > 100 \gset
SELECT is((SELECT count(*) FROM regexp_matches(
    pg_temp.finds('(xmany', :max, 0, 200, :'many', :'many'), '\d+', 'g')),
    150::bigint, 'all');
SELECT is(pg_temp.finds('(xmany', 150, 0, 1, :'many', :'many'), '149',
    'behind those with a rank, the newest first');
SELECT is(pg_temp.finds('(xmany', :max, 101, 1, :'many', :'many'), '102',
    'above a place');

SELECT * FROM finish();
ROLLBACK;
