-- sql/statements/marker_get.sql: how far a reader has read, and what is newer.
\set statement `cat sql/statements/marker_get.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(19);
PREPARE marker (bigint) AS :statement
DELETE FROM outbox;
DELETE FROM marker;

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

-- So many posts, in the reader's feed; the first one's id.
CREATE FUNCTION pg_temp.post(author bigint, reader bigint, count int)
RETURNS bigint LANGUAGE sql AS $$
    WITH post AS (INSERT INTO outbound (participant_id, subject, story)
            SELECT author, 'subject', 'story' FROM generate_series(1, count)
            RETURNING id),
    delivery AS (INSERT INTO inbound SELECT reader, id FROM post)
    SELECT min(id) FROM post
$$;

CREATE FUNCTION pg_temp.is(reader bigint, last_read bigint, unread int,
    more boolean, reason text) RETURNS text LANGUAGE sql AS $$
    SELECT results_eq(format('EXECUTE marker(%s)', reader),
        format('VALUES (%s::bigint, %s::bigint, %L::boolean)', last_read,
            unread, more), reason)
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve \gset
SELECT befriend(:bob, :ada, 50) IS NOT NULL AS done,
    befriend(:bob, :eve, 50) IS NOT NULL AS done_too \gset
SELECT is_empty('EXECUTE marker(9223372036854775807)', 'nobody: no row');
SELECT pg_temp.is(:bob, 0, 0, false, 'no marker and an empty feed');
SELECT pg_temp.post(:ada, :bob, 3) AS first \gset
SELECT pg_temp.is(:bob, 0, 3, false, 'no marker: all is unread');
SELECT pg_temp.is(:eve, 0, 0, false, 'of the reader''s own feed');
INSERT INTO marker VALUES (:bob, :first);
SELECT pg_temp.is(:bob, :first, 2, false, 'what is above it is unread');
INSERT INTO marker VALUES (:eve, :first + 1);
SELECT pg_temp.is(:bob, :first, 2, false, 'whatever others have read');

-- --- what is there, and not seen ---------------------------------------------

SELECT pg_temp.post(:eve, :bob, 1) AS eves \gset
SELECT pg_temp.is(:bob, :first, 3, false, 'posts of all friends count');
DELETE FROM outbound WHERE id = :first + 1;
SELECT pg_temp.is(:bob, :first, 2, false, 'a removed one does not');
UPDATE friendship SET since = :first + 3
    WHERE participant_id = :bob AND friend_id = :ada;
SELECT pg_temp.is(:bob, :first, 1, false, 'nor one of before the friendship');
SELECT unfriend(:bob, :eve) AS done \gset
SELECT pg_temp.is(:bob, :first, 0, false, 'nor of who is no friend any more');
SELECT befriend(:bob, :eve, 50) IS NOT NULL AS done \gset
SELECT pg_temp.is(:bob, :first, 1, false, 'until it is one again');
DELETE FROM participant WHERE id = :eve;
SELECT pg_temp.is(:bob, :first, 0, false, 'nor of who is gone');

-- --- what is seen, and not there ---------------------------------------------

SELECT id AS late FROM outbound WHERE participant_id = :ada
    ORDER BY id DESC LIMIT 1 \gset
UPDATE friendship SET since = 0 WHERE participant_id = :bob;
DELETE FROM inbound WHERE outbound_id = :late;
SELECT pg_temp.is(:bob, :first, 0, false, 'what was not delivered');
INSERT INTO outbox (kind, participant_id, other_id) VALUES ('d', :ada, :late);
SELECT pg_temp.is(:bob, :first, 1, false, 'counts with the order to do it');
INSERT INTO inbound VALUES (:bob, :late);
SELECT pg_temp.is(:bob, :first, 1, false, 'and once');

-- --- many --------------------------------------------------------------------

SELECT pg_temp.post(:ada, :bob, 1000) AS many \gset
SELECT pg_temp.is(:bob, :first, 1000, true, 'of more than 1,000 no more is told');
UPDATE marker SET last_read = :late WHERE participant_id = :bob;
SELECT pg_temp.is(:bob, :late, 1000, false, '1,000 are exactly 1,000');

-- --- at one price ------------------------------------------------------------

-- As the service's sessions are (app/database.c).
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_generic_plan;

-- Pages of tables and indexes that it looks into.
CREATE FUNCTION pg_temp.buffers(reader bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT json) EXECUTE marker(%s)',
        reader) INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint
        + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;

SELECT pg_temp.post(:ada, :bob, 20000) AS more \gset
SELECT cmp_ok(pg_temp.buffers(:bob), '<', 1001 * 12::bigint,
    'many unread are not read through');
UPDATE marker SET last_read = (SELECT max(id) FROM outbound) - 10
    WHERE participant_id = :bob;
SELECT cmp_ok(pg_temp.buffers(:bob), '<', 2000::bigint, 'nor many that were read');

SELECT * FROM finish();
ROLLBACK;
