-- sql/statements/webhook_due.sql: the next events of who waits at an endpoint.
\set statement `cat sql/statements/webhook_due.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(12);
PREPARE due (text, bigint, bigint, bigint, bigint) AS :statement

DELETE FROM publisher;
DELETE FROM outbound;
INSERT INTO outbound (id, participant_id, subject, story)
    OVERRIDING SYSTEM VALUE VALUES (12, 1, 'twelve', 't'), (15, 2, 'fifteen', 't');
DELETE FROM participant;
INSERT INTO participant (id, name) OVERRIDING SYSTEM VALUE
    VALUES (1, 'Ada'), (2, 'Bob');
DELETE FROM event;
INSERT INTO event (id, participant_id, kind, other_id) VALUES
    (10, 1, 'a', 0), (11, 2, 'a', 0), (13, 1, 'f', 2), (13, 2, 'f', 1),
    (14, 1, 'c', 12), (16, 2, 'r', 9);
INSERT INTO publisher (name, pos, sub) VALUES ('hook', 0, 0), ('other', 99, 0);
INSERT INTO webhook_waiting VALUES
    ('hook', 0, 0, 0, now(), 'infinity'),
    ('hook', 1, 9, 3, now() - interval '5 s', now() - interval '2 s'),
    ('hook', 2, 12, 1, now() - interval '9 s', now() - interval '1 s'),
    ('other', 1, 13, 1, now(), now() + interval '1 s');

CREATE TEMP TABLE found (id bigint, participant bigint, kind text,
    other bigint, happened timestamptz, name text, post bigint, author bigint,
    occurred timestamptz, subject text, story text, edited timestamptz,
    tries int, ms bigint);
CREATE FUNCTION pg_temp.are(what text[], why text) RETURNS text
LANGUAGE sql AS $$
    SELECT is(array_agg(concat_ws(' ', coalesce(id::text, '-') || '.' ||
            participant, kind, nullif(other, 0), name, post, subject, tries, ms)
        ORDER BY participant, id), what, why) FROM found
$$;
-- What is found with these is in the table of that name.
\set find 'DROP TABLE found; CREATE TEMP TABLE found (id, participant, kind, other, happened, name, post, author, occurred, subject, story, edited, tries, ms) AS EXECUTE due'

:find ('hook', 99, 9, 9, 9);
SELECT pg_temp.are('{10.1 a Ada 3 5000,12.1 p 12 Ada 12 twelve 3 5000,
    13.1 f 2 Ada 3 5000,14.1 c 12 Ada 12 twelve 3 5000,13.2 f 1 Bob 1 9000,
    15.2 p 15 Bob 15 fifteen 1 9000,16.2 r 9 Bob 1 9000}',
    'each one''s, as they are told to all');
:find ('hook', 99, 9, 1, 9);
SELECT is(array_agg(DISTINCT participant), '{1}', 'the first due is the first')
    FROM found;
:find ('hook', 99, 9, 9, 2);
SELECT pg_temp.are('{10.1 a Ada 3 5000,12.1 p 12 Ada 12 twelve 3 5000,
    13.2 f 1 Bob 1 9000,15.2 p 15 Bob 15 fifteen 1 9000}', 'so many of each');
:find ('hook', 13, 1, 9, 9);
SELECT pg_temp.are('{10.1 a Ada 3 5000,12.1 p 12 Ada 12 twelve 3 5000,
    13.1 f 2 Ada 3 5000,-.2 Bob 1 9000}',
    'up to a place; whoever has none up to there waits no more');
:find ('hook', 13, 2, 9, 9);
SELECT is(count(*), 4::bigint, 'in the middle of an id') FROM found WHERE id = 13
    OR participant = 1 AND id < 13;
:find ('hook', 0, 0, 9, 9);
SELECT is(count(id), 0::bigint, 'none behind the publisher''s place') FROM found;
UPDATE publisher SET pos = 13, sub = 1 WHERE name = 'hook';
:find ('hook', 0, 0, 9, 9);
SELECT is(array_agg(id || '.' || participant ORDER BY id),
    '{10.1,12.1,13.1}', 'but up to there') FROM found WHERE id > 0;
:find ('hook', 12, 9, 9, 9);
SELECT is(max(id), 13::bigint, 'whichever of the two is further') FROM found;
UPDATE publisher SET sub = 0 WHERE name = 'hook';
:find ('hook', 0, 0, 9, 9);
SELECT is(count(*), 2::bigint, 'which may be all of an id') FROM found
    WHERE id = 13;

:find ('other', 99, 9, 9, 9);
SELECT is(count(*), 0::bigint, 'whoever is not due, is not') FROM found;
UPDATE webhook_waiting SET due = now() - interval '61 minutes';
:find ('other', 99, 9, 9, 9);
SELECT pg_temp.are('{14.1 c 12 Ada 12 twelve 1 0}',
    'where nobody tried, nobody waited in vain');

SELECT results_eq('SELECT name, participants, all_wait
    FROM webhook_backlog ORDER BY name',
    $$VALUES ('hook', 2::bigint, true), ('other', 1, false)$$,
    'it is told how many wait');

SELECT * FROM finish();
ROLLBACK;
