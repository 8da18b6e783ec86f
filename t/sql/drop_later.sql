-- sql/statements/drop_later.sql: one waiting order a participant and server.
\set statement `cat sql/statements/drop_later.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(6);
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off;
PREPARE drop_later (bigint[], bigint[], bigint) AS :statement
DELETE FROM outbox;

-- A program of before wrote as many as it liked, for no server.
INSERT INTO outbox (kind, participant_id) VALUES ('c', 1), ('c', 1);
INSERT INTO outbox (kind, participant_id, other_id) VALUES ('f', 1, 70);

EXECUTE drop_later('{1,2,1}', '{70,80}', 60);
SELECT results_eq($$ SELECT participant_id, other_id FROM outbox
    WHERE kind = 'c' AND other_id > 0 ORDER BY 1, 2 $$,
    'VALUES (1::bigint, 70::bigint), (1, 80), (2, 70), (2, 80)',
    'each participant is noted for each server, once');
SELECT ok(bool_and(progress = extract(epoch FROM now())::bigint + 60),
    'with the time when its pages will have expired')
    FROM outbox WHERE kind = 'c' AND other_id > 0;

EXECUTE drop_later('{1,3}', '{70,90}', 60);
SELECT results_eq($$ SELECT participant_id, other_id FROM outbox
    WHERE kind = 'c' AND other_id > 0 ORDER BY 1, 2 $$,
    'VALUES (1::bigint, 70::bigint), (1, 80), (1, 90), (2, 70), (2, 80),
        (3, 70), (3, 90)', 'what waits already is not noted again');

EXECUTE drop_later('{}', '{70}', 60);
EXECUTE drop_later('{9}', '{}', 60);
SELECT is((SELECT count(*) FROM outbox), 10::bigint, 'nothing is nothing');

-- However many wait, there is one look into the index for each.
INSERT INTO outbox (kind, participant_id, other_id)
    SELECT 'c', n, 70 FROM generate_series(1000, 20000) n;
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN EXECUTE drop_later(''{1000}'', ''{70}'', 1)';
END
$$;
SELECT ok(string_agg(plan, ' ') ~ ('Index Scan using outbox_server on outbox'
        '.*Index Cond: \(\(other_id = \S+ AND \(participant_id = '),
    'by the index') FROM pg_temp.plan() plan;
EXECUTE drop_later('{1000,20000}', '{70}', 60);
SELECT is((SELECT count(*) FROM outbox WHERE participant_id IN (1000, 20000)),
    2::bigint, 'so that many do not make it slow');

SELECT * FROM finish();
ROLLBACK;
