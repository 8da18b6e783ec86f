-- sql/statements/search_apart.sql: authors, of an index apart.
\set statement `cat sql/statements/search_apart.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(11);
CREATE SCHEMA apart;
SET LOCAL search_path = apart, public;
CREATE TABLE migration ();
\i sql/search/001_search.sql
PREPARE search AS :statement
SELECT 9223372036854775807 AS max \gset
INSERT INTO search VALUES (11, 1, 'xone:1 xtwo:2', 0), (12, 2, 'xone:1', 5),
    (13, 1, 'xthree:1', 0), (14, 3, 'xone:1 xone:2 xone:3', 0);

CREATE FUNCTION pg_temp.finds(parts text, before bigint, after bigint,
    rows int, posts bigint[] = '{}', authors bigint[] = '{}')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found record;
    list text[] = '{}';
BEGIN
    FOR found IN EXECUTE format('EXECUTE search(%L, %L, %s, %s, %s, %L, %L)',
        parts, '', before, after, rows, posts, authors)
    LOOP
        list = list || (found.participant_id || ':' || found.outbound_id || ':'
            || found.edited);
    END LOOP;
    RETURN array_to_string(list, ' ');
END
$$;

SELECT is(pg_temp.finds('(xone', :max, 0, 10), '3:14:0 2:12:5 1:11:0',
    'authors, the post that puts them there, and when that was edited');
SELECT is(pg_temp.finds('(xone', :max, 0, 2), '3:14:0 2:12:5', 'so many');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{14}'), '2:12:5 1:11:0',
    'without a post');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{}', '{2}'), '3:14:0 1:11:0',
    'without an author');
SELECT is(pg_temp.finds('(xnone', :max, 0, 10), '', 'nothing');
INSERT INTO search VALUES (15, 1, 'xone:1 xone:2 xone:3 xone:4', 0);
SELECT is(pg_temp.finds('(xone', :max, 0, 10), '1:15:0 3:14:0 2:12:5',
    'the best one of each');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, '{15}'), '3:14:0 2:12:5 1:11:0',
    'and without it the next');
SELECT ok(bool_and(is_void), 'nothing to look for')
    FROM (SELECT true AS is_void) v;
CREATE TEMPORARY TABLE many AS SELECT 100 + n AS id FROM generate_series(1, 150) n;
INSERT INTO search SELECT id, id, 'xmany:1', 0 FROM many;
SELECT is((SELECT count(*) FROM regexp_matches(
    pg_temp.finds('(xmany', :max, 0, 200), '\d+:\d+:0', 'g')), 150::bigint,
    'all, with the post of each');
SELECT is(pg_temp.finds('(xmany', 150, 0, 1), '149:149:0',
    'behind those with a rank, the newest first');
SELECT is(pg_temp.finds('(xmany', :max, 101, 1), '102:102:0', 'above a place');

SELECT * FROM finish();
ROLLBACK;
