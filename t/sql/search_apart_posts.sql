-- sql/statements/search_apart_posts.sql: posts that an index apart has found.
\set statement `cat sql/statements/search_apart_posts.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(14);
PREPARE look AS :statement

INSERT INTO participant (name) VALUES ('ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('bob') RETURNING id AS bob \gset
INSERT INTO participant (name) VALUES ('eve') RETURNING id AS eve \gset
SELECT befriend(:eve, :bob, 0) AS f \gset
INSERT INTO outbound (participant_id, subject, story, occurred)
    VALUES (:ada, 'a', 'a', '2026-01-01Z') RETURNING id AS a \gset
INSERT INTO outbound (participant_id, subject, story, occurred)
    VALUES (:bob, 'b', 'b', '2026-01-05Z') RETURNING id AS b \gset
INSERT INTO outbound (participant_id, subject, story, occurred, edited)
    VALUES (:ada, 'c', 'c', '2026-01-09Z', '2026-01-10 00:00:00.123Z')
    RETURNING id AS c, (extract(epoch FROM edited) * 1000)::bigint AS when \gset

CREATE FUNCTION pg_temp.look(posts bigint[], edited bigint[], rows int = 10,
    after bigint = 0, friends_of bigint = 0, since text = NULL,
    until text = NULL, author bigint = 0)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found record;
    list text[] = '{}';
BEGIN
    FOR found IN EXECUTE format('EXECUTE look(%L, %L, %s, %s, %s, %L, %L, 1, %s)',
        posts, edited, rows, after, friends_of, since, until, author)
    LOOP
        list = list || coalesce(found.subject, 'none');
    END LOOP;
    RETURN array_to_string(list, ' ');
END
$$;
SELECT format('{%s,%s,%s}', :a, :b, :c) AS all,
    format('{0,0,%s}', :when) AS edited \gset

SELECT is(pg_temp.look(:'all', :'edited'), 'c b a', 'newest first');
SELECT is(pg_temp.look(:'all', '{0,0,0}'), 'b a', 'without what was edited since');
CREATE FUNCTION pg_temp.changed(posts bigint[], edited bigint[], rows int,
    after bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    EXECUTE format('EXECUTE look(%L, %L, %s, %s, 0, NULL, NULL, 1, 0)', posts,
        edited, rows, after) INTO found;
    RETURN found.min;
END
$$;
SELECT is(pg_temp.changed(:'all', '{0,0,0}', 1, 0), :c::bigint,
    'which is above the end of the page');
SELECT is(pg_temp.changed(:'all', format('{5,0,%s}', :'when')::bigint[], 2, 0),
    NULL::bigint, 'one below it is that of a later page');
SELECT is(pg_temp.changed(:'all', format('{5,0,%s}', :'when')::bigint[], 3, 0),
    :a::bigint, 'unless there is none');
SELECT is(pg_temp.look(:'all', :'edited', 2), 'c b', 'so many');
SELECT is(pg_temp.look(:'all', :'edited', 2, 1), 'b a', 'of the oldest, by after');
SELECT is(pg_temp.look(:'all', :'edited', 10, 0, :eve), 'b', 'of friends');
SELECT is(pg_temp.look(:'all', :'edited', 10, 0, 0, '2026-01-05T00:00Z'), 'c b',
    'since');
SELECT is(pg_temp.look(:'all', :'edited', 10, 0, 0, NULL, '2026-01-05T00:00Z'),
    'a', 'until');
SELECT is(pg_temp.look(:'all', :'edited', author => :bob), 'b',
    'of an author, whatever the index knows');
DELETE FROM outbound WHERE id = :a;
DELETE FROM participant WHERE id = :ada;
SELECT is(pg_temp.look(:'all', :'edited'), 'b', 'not what is gone, or its author');
SELECT is(pg_temp.look('{}', '{}'), 'none', 'of nothing, nothing');
SELECT results_eq($$ EXECUTE look('{}', '{}', 1, 0, 0, NULL, NULL, 1, 0) $$,
    $$ VALUES (NULL::bigint, NULL::bigint, NULL::timestamptz(3), NULL::text,
        NULL::text, NULL::timestamptz(3), 1::bigint, NULL::bigint) $$,
    'but whether there is something older');

SELECT * FROM finish();
ROLLBACK;
