-- sql/statements/marker_set.sql: a marker moves forward, and not too far.
\set statement `cat sql/statements/marker_set.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(10);
PREPARE set_marker (bigint, bigint) AS :statement
DELETE FROM outbound;
DELETE FROM marker;

INSERT INTO participant (name) VALUES ('reader') RETURNING id AS reader \gset

CREATE FUNCTION pg_temp.is(last_read bigint, reason text) RETURNS text
LANGUAGE sql AS $$
    SELECT results_eq('SELECT participant_id, last_read FROM marker',
        format('SELECT max(id), %s::bigint FROM participant', last_read),
        reason)
$$;

EXECUTE set_marker(:reader, 5);
SELECT pg_temp.is(0, 'where nothing was ever posted, nothing was read');

INSERT INTO outbound (participant_id, subject, story)
    SELECT 9000, 'subject', 'story' FROM generate_series(1, 3);
SELECT max(id) AS newest FROM outbound \gset

EXECUTE set_marker(:reader, :newest - 2);
SELECT pg_temp.is(:newest - 2, 'it moves forward');
EXECUTE set_marker(:reader, :newest - 1);
SELECT pg_temp.is(:newest - 1, 'and again');
EXECUTE set_marker(:reader, :newest - 2);
SELECT pg_temp.is(:newest - 1, 'and not back');
SELECT ctid AS place FROM marker \gset
EXECUTE set_marker(:reader, :newest - 1);
EXECUTE set_marker(:reader, 0);
SELECT is(ctid, :'place', 'where it does not move, nothing is written')
    FROM marker;
EXECUTE set_marker(:reader, 9223372036854775807);
SELECT pg_temp.is(:newest, 'no further than the newest post of all');
EXECUTE set_marker(:reader, :newest);
SELECT pg_temp.is(:newest, 'which is a place by itself');
DELETE FROM outbound WHERE id = :newest;
EXECUTE set_marker(:reader, :newest);
SELECT pg_temp.is(:newest, 'and stays one without the post');

EXECUTE set_marker(9223372036854775807, 1);
SELECT pg_temp.is(:newest, 'of nobody there is none');
DELETE FROM participant WHERE id = :reader;
DELETE FROM marker;
EXECUTE set_marker(:reader, :newest);
SELECT is_empty('SELECT FROM marker', 'nor of who is gone');

SELECT * FROM finish();
ROLLBACK;
