-- sql/statements/live_posts.sql: new posts, and whom they are for.
\set statement `cat sql/statements/live_posts.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(4);
PREPARE posts (bigint, bigint, bigint) AS :statement

DELETE FROM participant;
DELETE FROM outbound;
DELETE FROM friendship;
INSERT INTO participant (id, name) OVERRIDING SYSTEM VALUE
    SELECT n, 'p' FROM generate_series(1, 4) n;
DELETE FROM event;
INSERT INTO friendship (participant_id, friend_id, id, since, made)
    VALUES (1, 2, 1, 0, NULL), (1, 3, 2, 0, 102), (5, 1, 3, 0, NULL);
INSERT INTO outbound (id, participant_id, subject, story)
    OVERRIDING SYSTEM VALUE
    VALUES (100, 1, 's', 't'), (101, 1, 's', 't'), (103, 1, 's', 't'),
        (104, 2, 's', 't'), (105, 5, 's', 't'), (106, 1, 's', 't');
UPDATE outbound SET edited = '2026-01-01 00:00Z' WHERE id = 103;

CREATE TEMP TABLE found (id bigint, author bigint, occurred timestamptz,
    subject text, story text, edited timestamptz, readers bigint[]);
CREATE FUNCTION pg_temp.found() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(format('%s of %s to %s', id, author,
        (SELECT array_agg(r ORDER BY r) FROM unnest(readers) r)) ORDER BY id)
    FROM found
$$;

DROP TABLE found;
CREATE TEMP TABLE found
    (id, author, occurred, subject, story, edited, readers)
    AS EXECUTE posts(100, 105, 10);
SELECT is(pg_temp.found(), ARRAY['101 of 1 to {2}', '103 of 1 to {2,3}',
    '104 of 2 to '], 'for whom was a friend by then; of who is gone none');
SELECT is(edited, '2026-01-01 00:00Z'::timestamptz, 'and when it was edited')
    FROM found WHERE id = 103;
DELETE FROM found;
DROP TABLE found;
CREATE TEMP TABLE found
    (id, author, occurred, subject, story, edited, readers)
    AS EXECUTE posts(100, 105, 2);
SELECT is(pg_temp.found(), ARRAY['101 of 1 to {2}', '103 of 1 to {2,3}'],
    'the oldest, if there are more');
DELETE FROM found;
DROP TABLE found;
CREATE TEMP TABLE found
    (id, author, occurred, subject, story, edited, readers)
    AS EXECUTE posts(106, 200, 2);
SELECT is(pg_temp.found(), NULL, 'or none');

SELECT * FROM finish();
ROLLBACK;
