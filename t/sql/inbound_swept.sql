-- sql/statements/inbound_swept.sql: a feed, where there is nothing to sweep.
\set statement `cat sql/statements/inbound_swept.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(16);
PREPARE swept AS :statement
DELETE FROM outbox;
SELECT 9223372036854775807 AS max \gset

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

-- As the first of three, 'subject 1'.
CREATE FUNCTION pg_temp.post(author bigint, reader bigint, number int)
RETURNS bigint LANGUAGE sql AS $$
    WITH post AS (INSERT INTO outbound (participant_id, subject, story)
            VALUES (author, 'subject ' || number, 'story') RETURNING id)
    INSERT INTO inbound SELECT reader, id FROM post RETURNING outbound_id
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve \gset
SELECT pg_temp.post(:ada, :bob, 1) AS one, pg_temp.post(:ada, :bob, 2) AS two,
    pg_temp.post(:ada, :bob, 3) AS three \gset

-- --- the page ----------------------------------------------------------------

CREATE FUNCTION pg_temp.subjects(participant bigint, before bigint, rows int)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    item record;
    subjects text[] = '{}';
BEGIN
    FOR item IN EXECUTE format('EXECUTE swept(%s, %s, 0, %s, 0)', participant,
        before, rows)
    LOOP
        subjects = subjects || item.subject;
    END LOOP;
    RETURN subjects;
END
$$;

SELECT is(pg_temp.subjects(:bob, :max, 10),
    ARRAY['subject 3', 'subject 2', 'subject 1'], 'newest first');
SELECT is(pg_temp.subjects(:bob, :max, 2),
    ARRAY['subject 3', 'subject 2'], 'no more than $4');
SELECT is(pg_temp.subjects(:bob, :three, 2),
    ARRAY['subject 2', 'subject 1'], 'below $2');
SELECT results_eq(format('EXECUTE swept(%s, %s, 0, 1, 0)', :bob, :two),
    format('SELECT *, NULL::boolean, posts_arrived(),
        pg_current_snapshot()::text FROM outbound WHERE id = %s', :one),
    'a row is the post, a NULL where the lists tell of older ones, up to where
all have arrived, and what was seen');
UPDATE outbound SET occurred = now() - interval '2 min' WHERE id = :one;
SELECT results_eq(format('EXECUTE swept(%s, %s, 0, 1, 0)', :bob, :two),
    format('SELECT *, NULL::boolean, NULL::bigint,
        pg_current_snapshot()::text FROM outbound WHERE id = %s', :one), 'an old one has arrived');
UPDATE outbound SET occurred = now() WHERE id = :one;
SELECT results_eq(format('EXECUTE swept(%s, %s, 0, 1, %s)', :bob, :two, :one),
    format('SELECT *, NULL::boolean, NULL::bigint,
        pg_current_snapshot()::text FROM outbound WHERE id = %s', :one), 'and one that is known to have');
SELECT is(pg_temp.subjects(:ada, :max, 10), '{}', 'an empty feed: no row');
SELECT is_empty(format('EXECUTE swept(%s, %s, %s, 10, 0)', :bob, :max, :one),
    'a page upwards is not for this');

-- --- something to sweep ------------------------------------------------------

CREATE FUNCTION pg_temp.rows_beside(kind text, a bigint, b bigint,
    reader bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    count bigint;
BEGIN
    INSERT INTO outbox (kind, participant_id, other_id)
        VALUES (kind::"char", a, b);
    count = cardinality(pg_temp.subjects(reader, 9223372036854775807, 10));
    DELETE FROM outbox;
    RETURN count;
END
$$;

SELECT is(pg_temp.rows_beside('f', :bob, :eve, :bob), 0::bigint,
    'a friendship of the reader''s has changed: no row');
SELECT is(pg_temp.rows_beside('f', :eve, :bob, :bob), 0::bigint,
    'from either side');
SELECT is(pg_temp.rows_beside('f', :eve, :ada, :bob), 3::bigint,
    'but not for those of others');
SELECT is(pg_temp.rows_beside('g', :eve, 0, :bob), 0::bigint,
    'somebody is gone: no row for anyone');
SELECT is(pg_temp.rows_beside('r', :ada, :one, :bob), 3::bigint,
    'a post that is removed hinders nobody');
SELECT is(pg_temp.rows_beside('d', :ada, :three + 1, :bob), 3::bigint,
    'nor does what is delivered to others');
INSERT INTO friendship VALUES (:bob, :ada, -1, 0), (:ada, :bob, -1, 0);
SELECT is(pg_temp.rows_beside('d', :ada, :three + 1, :bob), 0::bigint,
    'something is still to be delivered to the reader: no row');
SELECT is(pg_temp.rows_beside('d', :ada, :three, :bob), 3::bigint,
    'but not once it is there');

SELECT * FROM finish();
ROLLBACK;
