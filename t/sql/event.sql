-- What triggers write down, and the places that it has among the posts.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(15);
DELETE FROM event;

-- Of this participant, or of all, without ids.
CREATE FUNCTION pg_temp.events(of bigint) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(kind::text || ' ' || other_id ORDER BY id), '{}')
    FROM event WHERE participant_id = of
$$;

INSERT INTO participant (name) VALUES ('Ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('Bob') RETURNING id AS bob \gset
SELECT is(pg_temp.events(:ada), '{"a 0"}', 'added');
UPDATE participant SET name = 'Eve' WHERE id = :ada;
SELECT is(pg_temp.events(:ada), '{"a 0","n 0"}', 'renamed');
UPDATE participant SET name = 'nobody' WHERE id = 0;
SELECT is(count(*), 3::bigint, 'what finds nothing is nothing') FROM event;
INSERT INTO participant (name) SELECT 'many' FROM generate_series(1, 3);
SELECT is(count(DISTINCT id), 6::bigint, 'each has an id of its own')
    FROM event;

DELETE FROM event;
SELECT befriend(:ada, :bob, 50) AS f \gset
SELECT results_eq(
    'SELECT participant_id, kind, other_id FROM event ORDER BY 1',
    format($$ VALUES (%s::bigint, 'f'::"char", %s::bigint), (%2$s, 'f', %1$s) $$,
        :ada, :bob), 'befriended, on either side');
SELECT is(count(DISTINCT e.id), 1::bigint, 'by one event, as friendship has it')
    FROM event e JOIN friendship f ON f.made = e.id
        AND f.participant_id = e.participant_id AND f.friend_id = e.other_id;
SELECT befriend(:bob, :ada, 50) AS f \gset
SELECT is(count(*), 2::bigint, 'once') FROM event;
SELECT unfriend(:bob, :ada) AS u \gset
SELECT is(ARRAY[pg_temp.events(:ada), pg_temp.events(:bob)],
    ARRAY[ARRAY['f ' || :bob, 'u ' || :bob], ARRAY['f ' || :ada, 'u ' || :ada]],
    'unfriended, on either side');

DELETE FROM event;
INSERT INTO outbound (participant_id, subject, story)
    VALUES (:ada, 'subject', 'story') RETURNING id AS post \gset
SELECT is_empty('SELECT FROM event', 'a post writes nothing more');
UPDATE outbound SET subject = 'other', edited = now() WHERE id = :post;
DELETE FROM outbound WHERE id = :post;
SELECT is(pg_temp.events(:ada), ARRAY['c ' || :post, 'r ' || :post],
    'it is changed, and removed');
SELECT cmp_ok(min(id), '>', :post::bigint, 'behind it') FROM event;
SELECT cmp_ok(nextval('outbound_id_seq'), '>', (SELECT max(id) FROM event),
    'and before the next');

DELETE FROM event;
INSERT INTO outbound (participant_id, subject, story)
    VALUES (:ada, 'subject', 'story') RETURNING id AS post \gset
SELECT befriend(:ada, :bob, 50) AS f \gset
DELETE FROM event;
DELETE FROM participant WHERE id = :ada;
DELETE FROM friendship WHERE :ada IN (participant_id, friend_id);
DELETE FROM outbound WHERE id = :post;
SELECT is(pg_temp.events(:ada), '{"g 0"}', 'of who is gone nothing follows');
SELECT is(pg_temp.events(:bob), ARRAY['l ' || :ada], 'a friend loses it');
SELECT is(count(*), 2::bigint, 'and that is all') FROM event;

SELECT * FROM finish();
ROLLBACK;
