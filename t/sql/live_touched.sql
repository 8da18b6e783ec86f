-- sql/statements/live_touched.sql: whose feeds events concern.
\set statement `cat sql/statements/live_touched.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(4);
PREPARE touched (bigint, bigint) AS :statement

DELETE FROM event;
DELETE FROM friendship;
INSERT INTO friendship (participant_id, friend_id, id, since)
    VALUES (1, 2, 1, 0), (1, 3, 2, 0);
INSERT INTO event (id, participant_id, kind, other_id)
    VALUES (10, 1, 'a', 0), (11, 1, 'n', 0), (12, 7, 'f', 8), (12, 8, 'f', 7),
        (13, 1, 'c', 5), (14, 1, 'r', 5), (15, 9, 'u', 8), (16, 6, 'l', 8),
        (17, 5, 'g', 0);

CREATE TEMP TABLE found (id bigint);
CREATE FUNCTION pg_temp.found() RETURNS bigint[] LANGUAGE sql AS $$
    WITH all_of_them AS (DELETE FROM found RETURNING id)
    SELECT array_agg(id ORDER BY id) FROM all_of_them
$$;
DROP TABLE found;
CREATE TEMP TABLE found (id)
    AS EXECUTE touched(9, 11);
SELECT is(pg_temp.found(), NULL, 'names are in no feed');
DROP TABLE found;
CREATE TEMP TABLE found (id)
    AS EXECUTE touched(11, 12);
SELECT is(pg_temp.found(), '{7,8}', 'friends, both');
DROP TABLE found;
CREATE TEMP TABLE found (id)
    AS EXECUTE touched(12, 14);
SELECT is(pg_temp.found(), '{2,3}', 'the friends of who changed a post');
DROP TABLE found;
CREATE TEMP TABLE found (id)
    AS EXECUTE touched(14, 17);
SELECT is(pg_temp.found(), '{5,6,9}', 'who lost a friend, or is gone');

SELECT * FROM finish();
ROLLBACK;
