-- sql/statements/take.sql: the orders of a kind that waited longest.
\set statement `cat sql/statements/take.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(7);
PREPARE take (bigint, bigint, bigint) AS :statement
DELETE FROM outbox;

-- Whom the orders are about that are taken, and whether they are ready.
CREATE FUNCTION pg_temp.taken(kind text, most int, settles int)
RETURNS TABLE (participant bigint, ready boolean) LANGUAGE plpgsql AS $$
DECLARE
    row record;
BEGIN
    FOR row IN EXECUTE format('EXECUTE take(%s, %s, %s)',
        ascii(kind), most, settles)
    LOOP
        participant := row.participant_id;
        ready := row."?column?";
        RETURN NEXT;
    END LOOP;
END
$$;

INSERT INTO outbox (kind, participant_id, due)
    VALUES ('d', 1, now()), ('d', 2, now() - interval '2 s'),
        ('d', 3, now() - interval '1 s'), ('d', 4, now() + interval '1 s'),
        ('f', 5, now());
SELECT results_eq($$ SELECT * FROM pg_temp.taken('d', 10, 0) $$,
    'VALUES (2::bigint, true), (3, true), (1, true)',
    'those that are due, the oldest first');
SELECT results_eq($$ SELECT * FROM pg_temp.taken('d', 2, 0) $$,
    'VALUES (2::bigint, true), (3, true)', 'so many at most');
SELECT is_empty($$ SELECT * FROM pg_temp.taken('r', 2, 0) $$,
    'of one kind alone');

-- --- what has to settle ------------------------------------------------------

SELECT results_eq($$ SELECT * FROM pg_temp.taken('f', 2, 1) $$,
    'VALUES (5::bigint, false)', 'nothing is ready before its first turn');
UPDATE outbox SET previous = 1 WHERE kind = 'f';
UPDATE outbox SET xid = pg_snapshot_xmax(pg_current_snapshot())
    WHERE kind = 'f';
SELECT results_eq($$ SELECT * FROM pg_temp.taken('f', 2, 1) $$,
    'VALUES (5::bigint, true)',
    'but if another cluster gave the number');
UPDATE outbox SET xid = '3' WHERE kind = 'f';
SELECT results_eq($$ SELECT * FROM pg_temp.taken('f', 2, 1) $$,
    'VALUES (5::bigint, true)', 'and once all before it have ended');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND classid = 0 AND objid = 0 AND pid = pg_backend_pid()), 1::bigint,
    'one dispatcher at a time takes these');

SELECT * FROM finish();
ROLLBACK;
