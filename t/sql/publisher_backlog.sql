-- What outlets have still to tell, for operators to look at.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(9);

DELETE FROM outbound;
DELETE FROM event;
DELETE FROM publisher;
INSERT INTO outbound (id, participant_id, occurred, subject, story)
    OVERRIDING SYSTEM VALUE VALUES
    (12, 1, now() - interval '3 h', 's', 't'),
    (15, 2, now() - interval '1 h', 's', 't');
DELETE FROM event;
INSERT INTO event (id, participant_id, kind, other_id, occurred) VALUES
    (10, 1, 'a', 0, now() - interval '4 h'),
    (13, 1, 'f', 2, now() - interval '2 h'),
    (13, 2, 'f', 1, now() - interval '2 h');
INSERT INTO publisher (name, pos) VALUES ('kafka', 9);

CREATE FUNCTION pg_temp.is_behind(place bigint, who bigint, number int,
    hours int, reason text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE publisher SET pos = place, sub = who;
    RETURN QUERY SELECT is(
        format('%s, %s h', events, round(extract(epoch FROM age) / 3600)),
        format('%s, %s h', number, hours), reason) FROM publisher_backlog;
END
$$;

SELECT pg_temp.is_behind(9, 0, 5, 4, 'events and posts, with the oldest');
SELECT pg_temp.is_behind(10, 0, 4, 3, 'behind its place');
SELECT pg_temp.is_behind(12, 0, 3, 2, 'which may be a post');
SELECT pg_temp.is_behind(13, 1, 2, 2, 'or in the middle of an event');
SELECT pg_temp.is_behind(13, 2, 1, 1, 'or behind it');
SELECT pg_temp.is_behind(15, 0, 0, 0, 'nothing is left');

INSERT INTO outbound (id, participant_id, subject, story)
    OVERRIDING SYSTEM VALUE
    SELECT id, 1, 's', 't' FROM generate_series(101, 10200) id;
SELECT is(events, 10000::bigint, 'it is counted so far') FROM publisher_backlog;
UPDATE publisher SET pos = 9;
SELECT cmp_ok(age, '>', interval '3.9 h', 'from the oldest on')
    FROM publisher_backlog;
SET LOCAL ROLE pg_monitor;
SELECT lives_ok('SELECT FROM publisher_backlog',
    'whoever monitors the server may look');

SELECT * FROM finish();
ROLLBACK;
