-- sql/statements/search_items.sql: posts that match, and a page of them.
\set statement `cat sql/statements/search_items.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(22);
PREPARE search AS :statement
SELECT 9223372036854775807 AS max \gset
DELETE FROM outbox;

CREATE FUNCTION pg_temp.add() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;
CREATE FUNCTION pg_temp.post(author bigint, text text, age interval = '0')
RETURNS bigint LANGUAGE sql AS $$
    WITH post AS (INSERT INTO outbound
            (participant_id, subject, story, occurred)
            VALUES (author, '', text, timestamptz '2026-01-10 00:00Z' - age)
            RETURNING id, participant_id, story),
        entry AS (INSERT INTO search
            SELECT id, participant_id, to_tsvector('simple', story) FROM post)
    SELECT id FROM post
$$;

CREATE FUNCTION pg_temp.finds(parts text, before bigint, after bigint,
    rows int, author bigint = 0, friends_of bigint = 0, since text = NULL,
    until text = NULL)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    item record;
    ids bigint[] = '{}';
BEGIN
    FOR item IN EXECUTE format('EXECUTE search(%L, %L, %s, %s, %s, %s, %s, %L, %L)',
        parts, '', before, after, rows, author, friends_of, since, until)
    LOOP
        ids = ids || item.id;
    END LOOP;
    RETURN array_remove(ids, NULL);
END
$$;

SELECT pg_temp.add() AS ada, pg_temp.add() AS bob, pg_temp.add() AS eve \gset
SELECT pg_temp.post(:ada, 'xone xtwo', '9 days') AS a \gset
SELECT pg_temp.post(:bob, 'xone xthree', '5 days') AS b \gset
SELECT pg_temp.post(:ada, 'xone', '1 day') AS c \gset
SELECT befriend(:eve, :bob, 0) AS f \gset

SELECT is(pg_temp.finds('(xone', :max, 0, 10), ARRAY[:c, :b, :a]::bigint[],
    'newest first');
SELECT is(pg_temp.finds(E'(xone\n & (xtwo', :max, 0, 10), ARRAY[:a]::bigint[],
    'with all words');
SELECT is(pg_temp.finds(E'(xone\n & !(xtwo', :max, 0, 10),
    ARRAY[:c, :b]::bigint[], 'without a word');
SELECT is(pg_temp.finds('(xone', :max, 0, 2), ARRAY[:c, :b]::bigint[],
    'no more than $5');
SELECT is(pg_temp.finds('(xone', :b, 0, 2), ARRAY[:a]::bigint[], 'below $3');
SELECT is(pg_temp.finds('(xone', :max, :a, 1), ARRAY[:b]::bigint[],
    'above $4 the oldest');
SELECT is(pg_temp.finds('(xnone', :max, 0, 10), '{}', 'nothing');

SELECT is(pg_temp.finds('(xone', :max, 0, 10, :ada), ARRAY[:c, :a]::bigint[],
    'of one author');
SELECT is(pg_temp.finds('(xthree', :max, 0, 10, :ada), '{}',
    'who does not say it');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, 0, :eve), ARRAY[:b]::bigint[],
    'of friends');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, :ada, :eve), '{}',
    'of an author who is none');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, :bob, :eve), ARRAY[:b]::bigint[],
    'or is one');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, 0, 0, '2026-01-05T00:00:00Z'),
    ARRAY[:c, :b]::bigint[], 'since then');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, 0, 0, NULL,
    '2026-01-05T00:00:00Z'), ARRAY[:a]::bigint[], 'until then');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, 0, 0, '2026-01-04T00:00:00Z',
    '2026-01-06T00:00:00Z'), ARRAY[:b]::bigint[], 'or between');

INSERT INTO follower VALUES ('index', 7) ON CONFLICT (name)
    DO UPDATE SET done = 7;
DELETE FROM follower_gap;
CREATE TEMP TABLE found (id, participant_id, occurred, subject, story, edited,
    older, settled, is_void, language)
    AS EXECUTE search('(xone', '', :max, :a, 1, 0, 0, NULL, NULL);
SELECT is(ARRAY[older::text, settled::text, is_void::text],
    '{true,7,false}', 'there is something older, and the index has come so far')
    FROM found;
SELECT is(story, 'xone xthree', 'and the post') FROM found;
DROP TABLE found;
INSERT INTO follower_gap (follower, outbound_id, xid) VALUES ('index', 5, '3');
CREATE TEMP TABLE found (id, participant_id, occurred, subject, story, edited,
    older, settled, is_void, language)
    AS EXECUTE search('!(xone', '', :max, 0, 1, 0, 0, NULL, NULL);
SELECT is(ARRAY[id::text, settled::text, is_void::text],
    '{NULL,4,true}', 'what means nothing is not looked for; what is late is told')
    FROM found;
DROP TABLE found;

INSERT INTO outbox (kind, participant_id, other_id) VALUES ('r', :bob, :b);
SELECT is(pg_temp.finds('(xone', :max, 0, 10), ARRAY[:c, :a]::bigint[],
    'what is removed is not found');
DELETE FROM outbox;
DELETE FROM outbound WHERE id = :b;
SELECT is(pg_temp.finds('(xone', :max, 0, 10), ARRAY[:c, :a]::bigint[],
    'nor what is swept');
DELETE FROM participant WHERE id = :ada;
SELECT is(pg_temp.finds('(xone', :max, 0, 10), '{}', 'nor of who is gone');
SELECT is(pg_temp.finds('(xone', :max, 0, 10, :ada), '{}', 'by name');

SELECT * FROM finish();
ROLLBACK;
