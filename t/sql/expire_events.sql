-- sql/statements/expire_events.sql: old events go, and it is known which.
\set statement `cat sql/statements/expire_events.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(16);
PREPARE expire (bigint, bigint) AS :statement
CREATE TEMP TABLE found (count bigint);
CREATE FUNCTION pg_temp.left() RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM event
$$;

DELETE FROM event;
UPDATE event_floor SET id = 5;
INSERT INTO event (participant_id, id, kind, occurred) VALUES
    (1, 10, 'n', now() - interval '25 hours'),
    (1, 11, 'n', now() - interval '26 hours'),
    (1, 12, 'n', now() - interval '25 hours'),
    (1, 13, 'n', now() - interval '23 hours');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE expire(27, 10);
SELECT is(count, 0::bigint, 'it tells how many') FROM found;
SELECT is(pg_temp.left(), '{10,11,12,13}', 'none is old enough');
SELECT is(id, 5::bigint, 'and all are there') FROM event_floor;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE expire(24, 2);
SELECT is(count, 2::bigint, 'as many as it may') FROM found;
SELECT is(pg_temp.left(), '{12,13}', 'the oldest go first');
SELECT is(id, 11::bigint, 'which is noted') FROM event_floor;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE expire(24, 2);
SELECT is(pg_temp.left(), '{13}', 'then the others that are old');
SELECT is(id, 12::bigint, 'which is noted, too') FROM event_floor;

-- What an outlet has still to tell.
DELETE FROM event;
INSERT INTO event (participant_id, id, kind, occurred)
    SELECT participant, id, 'f', now() - interval '25 hours'
    FROM generate_series(20, 22) id, generate_series(1, 2) participant;
INSERT INTO publisher (name, pos, sub, seen) VALUES
    ('slow', 20, 1, now() - interval '23 hours'), ('fast', 22, 0, now()),
    ('gone', 5, 0, now() - interval '25 hours');
EXECUTE expire(24, 10);
SELECT is(pg_temp.left(), '{20,20,21,21,22,22}', 'none that one waits for');
SELECT is(id, 12::bigint, 'so they are all there') FROM event_floor;
UPDATE publisher SET sub = 0 WHERE name = 'slow';
EXECUTE expire(24, 10);
SELECT is(pg_temp.left(), '{21,21,22,22}', 'but what each has told');
SELECT is(id, 20::bigint, 'up to there') FROM event_floor;
UPDATE publisher SET seen = now() - interval '25 hours' WHERE name = 'slow';
EXECUTE expire(24, 10);
SELECT is(pg_temp.left(), '{}', 'whoever is gone keeps nothing');

-- What waits at an endpoint.
INSERT INTO event (participant_id, id, kind, occurred)
    SELECT 1, id, 'f', now() - interval '25 hours'
    FROM generate_series(30, 33) id;
DELETE FROM publisher;
INSERT INTO publisher (name, pos) VALUES ('webhook', 99);
INSERT INTO webhook_waiting (publisher, participant_id, done, tries, due)
    VALUES ('webhook', 0, 0, 0, now()), ('webhook', 1, 31, 1, now()),
        ('webhook', 2, 32, 1, now());
EXECUTE expire(24, 10);
SELECT is(pg_temp.left(), '{32,33}', 'none that waits at an endpoint');
UPDATE publisher SET seen = now() - interval '25 hours';
EXECUTE expire(24, 1);
SELECT is(pg_temp.left(), '{33}', 'unless nobody is there who would post it');
DELETE FROM webhook_waiting;
EXECUTE expire(24, 10);
SELECT is(pg_temp.left(), '{}', 'and then no more');

SELECT * FROM finish();
ROLLBACK;
