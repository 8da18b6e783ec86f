-- sql/statements/expire_events.sql: old events go, and it is known which.
\set statement `cat sql/statements/expire_events.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(8);
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

SELECT * FROM finish();
ROLLBACK;
