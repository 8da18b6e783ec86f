-- sql/statements/events.sql: all that happened, in one order.
\set statement `cat sql/statements/events.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(9);
PREPARE events (bigint, bigint, bigint, bigint) AS :statement

DELETE FROM outbound;
DELETE FROM event;
INSERT INTO outbound (id, participant_id, subject, story)
    OVERRIDING SYSTEM VALUE VALUES (12, 1, 'twelve', 't'), (15, 2, 'fifteen', 't');
DELETE FROM participant;
INSERT INTO participant (id, name) OVERRIDING SYSTEM VALUE
    VALUES (1, 'Ada'), (2, 'Bob');
DELETE FROM event;
INSERT INTO event (id, participant_id, kind, other_id) VALUES
    (10, 1, 'a', 0), (11, 3, 'a', 0), (13, 1, 'f', 2), (13, 2, 'f', 1),
    (14, 1, 'c', 12), (16, 2, 'c', 9), (17, 2, 'r', 15);

CREATE TEMP TABLE found (id bigint, participant bigint, kind text,
    other bigint, happened timestamptz, name text, post bigint, author bigint,
    occurred timestamptz, subject text, story text, edited timestamptz);
CREATE FUNCTION pg_temp.found() RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(concat_ws(' ', id || '.' || participant, kind, other, name,
        post, subject) ORDER BY id, participant) FROM found
$$;

CREATE FUNCTION pg_temp.are(what text[], why text) RETURNS text
LANGUAGE sql AS $$ SELECT is(pg_temp.found(), what, why) $$;

DROP TABLE found;
CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post,
    author, occurred, subject) AS EXECUTE events(0, 0, 12, 10);
SELECT pg_temp.are('{10.1 a 0 Ada,11.3 a 0,12.1 p 12 Ada 12 twelve}',
    'up to an id');
DROP TABLE found;
CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post,
    author, occurred, subject) AS EXECUTE events(12, 1, 99, 3);
SELECT pg_temp.are('{13.1 f 2 Ada,13.2 f 1 Bob,14.1 c 12 Ada 12 twelve}',
    'behind a place, so many');
DROP TABLE found;
CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post,
    author, occurred, subject) AS EXECUTE events(13, 1, 13, 10);
SELECT pg_temp.are('{13.2 f 1 Bob}', 'or in the middle of an id');
DROP TABLE found;
CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post,
    author, occurred, subject) AS EXECUTE events(13, 2, 13, 10);
SELECT pg_temp.are(NULL, 'behind it');
DROP TABLE found;
CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post,
    author, occurred, subject) AS EXECUTE events(14, 1, 99, 10);
SELECT pg_temp.are('{15.2 p 15 Bob 15 fifteen,16.2 c 9 Bob,17.2 r 15 Bob}',
    'a post that is gone has no text');
SELECT isnt(happened, NULL, 'when it was') FROM found WHERE id = 17;
SELECT is(happened, occurred, 'of a post as it says') FROM found WHERE id = 15;
SELECT is(occurred, NULL, 'which is its own time') FROM found WHERE id = 17;
SELECT is(count(*), 3::bigint, 'and no more') FROM found;

SELECT * FROM finish();
ROLLBACK;
