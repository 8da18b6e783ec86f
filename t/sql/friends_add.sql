-- sql/statements/friends_add.sql: what befriend() does, for many.
\set statement `cat sql/statements/friends_add.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(23);
PREPARE add (bigint, bigint[], bigint) AS :statement
SELECT 9223372036854775807 AS nobody \gset

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

CREATE FUNCTION pg_temp.post(author bigint, count int) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO outbound (participant_id, subject, story)
        SELECT author, 'subject', 'story' FROM generate_series(1, count)
$$;

CREATE FUNCTION pg_temp.add(one bigint, others bigint[], backfill int)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    friendship record;
    ids bigint[] = '{}';
BEGIN
    FOR friendship IN EXECUTE format('EXECUTE add(%s, %L, %s)', one, others,
        backfill)
    LOOP
        ids = ids || friendship.coalesce;
    END LOOP;
    RETURN ids;
END
$$;

-- What befriending leaves of somebody: friendships, feed, orders, events. With
-- ids as distances, since two such ways give other ones.
CREATE FUNCTION pg_temp.traces(one bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s is a friend, posts from %s on', p.name, (SELECT count(*)
            FROM outbound WHERE participant_id = friend_id AND id < since))
        FROM friendship f JOIN participant p ON p.id = friend_id
        WHERE participant_id = one
    UNION ALL SELECT format('reads post %s of %s', (SELECT count(*)
            FROM outbound a WHERE a.participant_id = o.participant_id
                AND a.id < o.id), p.name)
        FROM inbound i JOIN outbound o ON o.id = outbound_id
            JOIN participant p ON p.id = o.participant_id
        WHERE i.participant_id = one
    UNION ALL SELECT format('feeds of %s and %s agree from %s on', a.name,
            b.name, (SELECT count(*) FROM outbound x
                WHERE x.participant_id IN (a.id, b.id) AND x.id <= progress))
        FROM outbox x JOIN participant a ON a.id = x.participant_id
            JOIN participant b ON b.id = x.other_id
        WHERE kind = 'f' AND one IN (a.id, b.id)
    UNION ALL SELECT format('%s with %s, %s', kind, p.name, e.id = f.made)
        FROM event e JOIN participant p ON p.id = other_id
            JOIN friendship f ON f.participant_id = e.participant_id
                AND friend_id = other_id
        WHERE e.participant_id = one
    ORDER BY 1
$$;

-- --- as befriend() -----------------------------------------------------------

-- Two of a kind each: with no posts, few, and many.
CREATE TEMP TABLE cast_of (name text, one bigint, two bigint);
INSERT INTO cast_of SELECT name, pg_temp.add_participant(),
    pg_temp.add_participant() FROM unnest('{reader,none,few,many}'::text[]) name;
UPDATE participant SET name = cast_of.name
    FROM cast_of WHERE id IN (one, two);
SELECT pg_temp.post(one, posts), pg_temp.post(two, posts) FROM cast_of
    JOIN (VALUES ('reader', 4), ('few', 2), ('many', 6)) v (name, posts)
        USING (name) \g /dev/null
SELECT one AS reader_1, two AS reader_2 FROM cast_of
    WHERE name = 'reader' \gset

SELECT pg_temp.add(:reader_1, array_agg(one), 3) AS ids FROM cast_of
    WHERE name <> 'reader' \gset
SELECT befriend(:reader_2, two, 3) FROM cast_of
    WHERE name <> 'reader' \g /dev/null
SELECT is(array_length(:'ids'::bigint[], 1), 3, 'an id each');
SELECT isnt_empty(format('SELECT pg_temp.traces(%s)', :reader_1),
    'which leaves something');
SELECT results_eq(format('SELECT pg_temp.traces(%s)', :reader_1),
    format('SELECT pg_temp.traces(%s)', :reader_2), 'just as befriend() does')
UNION ALL SELECT results_eq(format('SELECT pg_temp.traces(%s)', one),
    format('SELECT pg_temp.traces(%s)', two), name || ', too')
    FROM cast_of WHERE name <> 'reader';
SELECT results_eq(format('SELECT id FROM friendship
        WHERE participant_id = %s ORDER BY id', :reader_1),
    format('SELECT unnest(%L::bigint[])', :'ids'),
    'ids ascend in the order of the entries');
SELECT results_eq(format('SELECT friend_id, made FROM friendship
        WHERE participant_id = %s ORDER BY id', :reader_1),
    format('SELECT participant_id, made FROM friendship
        WHERE friend_id = %s ORDER BY id', :reader_1), 'and are of both sides');

UPDATE participant SET name = 'somebody';
SELECT pg_temp.add_participant() AS a, pg_temp.add_participant() AS b \gset
SELECT pg_temp.post(:a, 3), pg_temp.post(:b, 3) \g /dev/null
SELECT pg_temp.add(:a, ARRAY[:b], 0) \g /dev/null
SELECT is_empty(format('SELECT FROM inbound WHERE participant_id IN (%s, %s)',
    :a, :b), 'a backfill of 0 brings nothing');

-- --- again -------------------------------------------------------------------

SELECT pg_temp.add_participant() AS a, pg_temp.add_participant() AS b,
    pg_temp.add_participant() AS c, pg_temp.add_participant() AS d \gset
SELECT befriend(:c, :a, 50) AS known \gset
SELECT count(*) AS orders FROM outbox \gset
SELECT pg_temp.add(:a, ARRAY[:b, :c, :b, :d, :c], 50) AS ids \gset
SELECT is((:'ids'::bigint[])[2], :known::bigint, 'who is a friend stays one');
SELECT is((:'ids'::bigint[])[5], :known::bigint, 'wherever it stands');
SELECT is((:'ids'::bigint[])[1], (:'ids'::bigint[])[3],
    'who stands there twice is a friend once');
SELECT cmp_ok((:'ids'::bigint[])[1], '<', (:'ids'::bigint[])[4],
    'at its first place');
SELECT is(count(*), :orders + 2::bigint, 'with an order for each that is new')
    FROM outbox;
SELECT is(count(*), 6::bigint, 'and two rows') FROM friendship
    WHERE :a IN (participant_id, friend_id);
SELECT is(pg_temp.add(:a, ARRAY[:b, :c, :b, :d, :c], 50), :'ids',
    'the same again gives the same');
SELECT is(count(*), :orders + 2::bigint, 'and does nothing') FROM outbox;

-- --- nobody ------------------------------------------------------------------

SELECT is(pg_temp.add(:nobody, ARRAY[:a, :b], 50), '{}',
    'somebody unknown: no row');
SELECT is(pg_temp.add(:a, ARRAY[:nobody, :b, :a], 50),
    ARRAY[NULL, (:'ids'::bigint[])[1], NULL],
    'with somebody unknown, or oneself: NULL, and the others are done');
DELETE FROM participant WHERE id = :b;
SELECT is(pg_temp.add(:a, ARRAY[:b, :c], 50), ARRAY[NULL, :known]::bigint[],
    'with a friend who is gone');
SELECT is(pg_temp.add(:b, ARRAY[:a], 50), '{}', 'and from one');
SELECT is(count(*), :orders + 2::bigint, 'none of this does anything')
    FROM outbox;

SELECT pg_temp.add_participant() AS a, pg_temp.add_participant() AS b \gset
SELECT pg_temp.post(:b, 3) \g /dev/null
INSERT INTO inbound SELECT :a, max(id) FROM outbound;
SELECT pg_temp.add(:a, ARRAY[:b], 50) \g /dev/null
SELECT is(count(*), 3::bigint, 'what was delivered before is not delivered twice')
    FROM inbound WHERE participant_id = :a;

SELECT * FROM finish();
ROLLBACK;
