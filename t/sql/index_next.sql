-- sql/statements/index_next.sql: what an index apart has to know next.
\set statement `cat sql/statements/index_next.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(6);
PREPARE next AS :statement
CREATE TEMPORARY TABLE seen AS SELECT nextval('outbound_id_seq') AS before;

INSERT INTO participant (name) VALUES ('ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('eve') RETURNING id AS eve \gset
INSERT INTO outbound (participant_id, subject, story) VALUES (:ada, 'a', 'a')
    RETURNING id AS a \gset
INSERT INTO outbound (participant_id, subject, story) VALUES (:eve, 'b', 'b')
    RETURNING id AS b \gset
UPDATE outbound SET story = 'c' WHERE id = :a;
DELETE FROM outbound WHERE id = :a;
DELETE FROM participant WHERE id = :eve;

SELECT id AS floor FROM event_floor \gset

CREATE FUNCTION pg_temp.next(behind bigint, up_to bigint, rows bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entry record;
    found text = '';
BEGIN
    FOR entry IN EXECUTE format('EXECUTE next(%s, %s, %s)', behind, up_to, rows)
    LOOP
        found = found || entry.kind || CASE WHEN entry.exists THEN '' ELSE '!' END;
    END LOOP;
    RETURN found;
END
$$;

SELECT is(pg_temp.next(before, 9223372036854775807, 100), 'aa!p!crg!',
    'in the order in which it happened, ! of who is gone') FROM seen;
SELECT is(pg_temp.next(before, 9223372036854775807, 3), 'aa!p!', 'so many')
    FROM seen;
SELECT is(pg_temp.next(:a, 9223372036854775807, 100), 'p!crg!', 'behind a place');
SELECT is(pg_temp.next(before, :b, 100), 'aa!p!', 'up to a place') FROM seen;
SELECT results_eq(format('EXECUTE next(%s, %s, 1)', :b - 1, :b),
    format('VALUES (%s::bigint, ''p'', %s::bigint, %s::bigint, false, %s::bigint)',
        :b, :eve, :b, :floor), 'of whom, and about which post');
SELECT results_eq(format('EXECUTE next(%s, %s, 1)', :b, :b),
    format('VALUES (NULL::bigint, NULL, NULL::bigint, NULL::bigint, false,
        %s::bigint)', :floor), 'nothing, but what may be forgotten');

SELECT * FROM finish();
ROLLBACK;
