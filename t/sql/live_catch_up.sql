-- sql/statements/live_catch_up.sql: what came to a feed and left it.
\set statement `cat sql/statements/live_catch_up.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(21);
PREPARE catch_up (bigint, bigint, bigint, bigint, bigint) AS :statement

DELETE FROM participant;
DELETE FROM outbound;
DELETE FROM friendship;
DELETE FROM inbound;
DELETE FROM outbox;
DELETE FROM event;
INSERT INTO participant (id, name) OVERRIDING SYSTEM VALUE
    SELECT n, 'p' FROM generate_series(1, 5) n;

CREATE TEMP TABLE found (id bigint, sub bigint, what text, other bigint,
    post bigint, occurred timestamptz, subject text, story text,
    edited timestamptz);
CREATE FUNCTION pg_temp.found() RETURNS text[] LANGUAGE sql AS $$
    WITH all_of_them AS (DELETE FROM found RETURNING *)
    SELECT array_agg(concat_ws(' ', id || CASE sub WHEN 0 THEN '' ELSE
        '.' || sub END, what, other, subject) ORDER BY id, sub)
    FROM all_of_them
$$;
CREATE FUNCTION pg_temp.post(at bigint, author bigint, VARIADIC readers bigint[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbound (id, participant_id, subject, story)
        OVERRIDING SYSTEM VALUE VALUES (at, author, 'post ' || at, 'story');
    INSERT INTO inbound SELECT r, at FROM unnest(readers) r WHERE r > 0;
$$;
CREATE FUNCTION pg_temp.event(at bigint, who bigint, kind "char", other bigint)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO event (id, participant_id, kind, other_id)
        VALUES (at, who, kind, other)
$$;

-- --- posts --------------------------------------------------------------------

INSERT INTO friendship (participant_id, friend_id, id, since)
    VALUES (1, 2, 1, 50), (2, 1, 1, 0);
SELECT pg_temp.post(n, 2, 1) FROM unnest('{49,101,102,103}'::bigint[]) n
    \g /dev/null
DELETE FROM event;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 101, 0, 102, 10);
SELECT is(pg_temp.found(), '{102 item 2 post 102}', 'between the two ids');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 0, 0, 102, 10);
SELECT is(pg_temp.found(), '{101 item 2 post 101,102 item 2 post 102}',
    'what belongs to the feed');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 0, 0, 200, 2);
SELECT is(pg_temp.found(), '{101 item 2 post 101,102 item 2 post 102}',
    'the first of more');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(3, 0, 0, 200, 2);
SELECT is(pg_temp.found(), NULL, 'nothing for others');

SELECT pg_temp.post(104, 2, 0) \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 103, 0, 200, 10);
SELECT is(pg_temp.found(), NULL, 'what never will be delivered');
INSERT INTO outbox (kind, participant_id, other_id) VALUES ('d', 2, 104);
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 103, 0, 200, 10);
SELECT is(pg_temp.found(), '{104 item 2 post 104}',
    'what is ordered to be delivered is there');
DELETE FROM outbox;
INSERT INTO outbox (kind, participant_id, other_id) VALUES ('f', 2, 1);
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 103, 0, 200, 10);
SELECT is(pg_temp.found(), '{104 item 2 post 104}',
    'and what a new friendship has still to bring');
DELETE FROM outbox;

-- --- edits and removals -------------------------------------------------------

SELECT pg_temp.event(110, 2, 'c', 102), pg_temp.event(111, 2, 'r', 99),
    pg_temp.event(112, 2, 'c', 49), pg_temp.event(113, 2, 'c', 98),
    pg_temp.event(114, 2, 'n', 0) \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 103, 0, 200, 10);
SELECT is(pg_temp.found(),
    '{110 changed 2 post 102,111 removed 2}', 'of posts that were in the feed');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 101, 0, 200, 10);
SELECT is(pg_temp.found(), '{102 item 2 post 102,103 item 2 post 103,111 removed 2}',
    'what is read anyway is read as it is');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 101, 0, 200, 2);
SELECT is(pg_temp.found(), '{102 item 2 post 102,103 item 2 post 103}',
    'all of it in one order');
DELETE FROM event;

-- --- friends ------------------------------------------------------------------

SELECT pg_temp.post(n, 3, 0) FROM unnest('{120,121,122,131}'::bigint[]) n
    \g /dev/null
DELETE FROM event;
INSERT INTO friendship (participant_id, friend_id, id, since, made)
    VALUES (1, 3, 2, 121, 130), (3, 1, 2, 0, 130);
DELETE FROM event;
SELECT pg_temp.event(130, 1, 'f', 3), pg_temp.event(130, 3, 'f', 1) \g /dev/null
INSERT INTO inbound SELECT 1, n FROM unnest('{121,122,131}'::bigint[]) n;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 119, 0, 200, 10);
SELECT is(pg_temp.found(), '{130.121 item 3 post 121,130.122 item 3 post 122,'
    '131 item 3 post 131}', 'bring posts when they become friends');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 130, 121, 200, 10);
SELECT is(pg_temp.found(), '{130.122 item 3 post 122,131 item 3 post 131}',
    'which may be cut in the middle');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 130, 0, 200, 10);
SELECT is(pg_temp.found(), '{131 item 3 post 131}', 'or be over');
SELECT pg_temp.event(129, 3, 'c', 121), pg_temp.event(132, 3, 'c', 121)
    \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 125, 0, 200, 10);
SELECT is(pg_temp.found(), '{130.121 item 3 post 121,130.122 item 3 post 122,'
    '131 item 3 post 131}', 'as they are by now');
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 131, 0, 200, 10);
SELECT is(pg_temp.found(), '{132 changed 3 post 121}',
    'and later edits are told');

DELETE FROM friendship WHERE 3 IN (participant_id, friend_id);
DELETE FROM event;
SELECT pg_temp.event(140, 1, 'u', 3), pg_temp.event(141, 1, 'l', 4) \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 119, 0, 200, 10);
SELECT is(pg_temp.found(), '{140 unfriended 3,141 gone 4}',
    'take their posts along, why ever they part');
INSERT INTO friendship (participant_id, friend_id, id, since, made)
    VALUES (1, 3, 3, 131, 150), (3, 1, 3, 0, 150);
DELETE FROM event WHERE id = 150;
SELECT pg_temp.event(150, 1, 'f', 3) \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 139, 0, 200, 10);
SELECT is(pg_temp.found(), '{140 unfriended 3,141 gone 4,'
    '150.131 item 3 post 131}', 'and bring them again');
DELETE FROM participant WHERE id = 3;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 141, 0, 200, 10);
SELECT is(pg_temp.found(), NULL, 'unless they are gone');
DELETE FROM event;
SELECT pg_temp.event(160, 1, 'g', 0) \g /dev/null
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE catch_up(1, 141, 0, 200, 10);
SELECT is(pg_temp.found(), '{160 end 0}', 'and so may be the reader');

-- --- at one price ------------------------------------------------------------

-- As the service's sessions are (app/database.c).
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_generic_plan;

-- Pages of tables and indexes that it looks into.
CREATE FUNCTION pg_temp.buffers(pos bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT json)'
        ' EXECUTE catch_up(2, %s, 0, 31000, 10)', pos) INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint
        + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;

INSERT INTO friendship (participant_id, friend_id, id, since)
    VALUES (2, 4, 9, 0), (4, 2, 9, 0);
SELECT pg_temp.post(at, 4, 2) FROM generate_series(1001, 11000) at \g /dev/null
SELECT pg_temp.event(at, 5, 'u', 3) FROM generate_series(11001, 31000) at
    \g /dev/null
SELECT cmp_ok(pg_temp.buffers(1000), '<', 1000::bigint,
    'much that is to come is not read through');
SELECT cmp_ok(pg_temp.buffers(10990), '<', 1000::bigint,
    'nor what has come, nor what happened to others');

SELECT * FROM finish();
ROLLBACK;
