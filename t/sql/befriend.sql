-- befriend(): mutual, once, and with the newest posts at their places.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(46);

CREATE FUNCTION pg_temp.add_participant() RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO participant (name) VALUES ('somebody') RETURNING id
$$;

-- Makes posts, and gives their ids, oldest first.
CREATE FUNCTION pg_temp.post(author bigint, count int) RETURNS bigint[]
LANGUAGE sql AS $$
    WITH posts AS (INSERT INTO outbound (participant_id, subject, story)
        SELECT author, 'subject', 'story' FROM generate_series(1, count)
        RETURNING id)
    SELECT array_agg(id ORDER BY id) FROM posts
$$;

CREATE FUNCTION pg_temp.feed(participant bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(outbound_id ORDER BY outbound_id), '{}')
    FROM inbound WHERE participant_id = participant
$$;

-- What readers see of it: without what a friendship that ended, and began
-- again, has left behind until the dispatcher sweeps it.
CREATE FUNCTION pg_temp.visible_feed(participant bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(o.id ORDER BY o.id), '{}')
    FROM inbound i JOIN outbound o ON o.id = i.outbound_id
        JOIN friendship f ON f.participant_id = i.participant_id
            AND f.friend_id = o.participant_id AND f.since <= o.id
    WHERE i.participant_id = participant
$$;

CREATE FUNCTION pg_temp.since(participant bigint, friend bigint)
RETURNS bigint LANGUAGE sql AS $$
    SELECT f.since FROM friendship f
    WHERE f.participant_id = participant AND f.friend_id = friend
$$;

-- The orders of a pair, oldest first: how far each begins.
CREATE FUNCTION pg_temp.orders(a bigint, b bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(progress ORDER BY id), '{}') FROM outbox
    WHERE kind = 'f' AND a IN (participant_id, other_id)
        AND b IN (participant_id, other_id)
$$;

-- --- mutual, and once --------------------------------------------------------

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob \gset
SELECT befriend(:ada, :bob, 50) AS friendship \gset

SELECT cmp_ok(:friendship::bigint, '>', 0::bigint, 'a friendship has an id');
SELECT set_eq(
    format('SELECT participant_id, friend_id, id FROM friendship
        WHERE %s IN (participant_id, friend_id)', :ada),
    format('VALUES (%s::bigint, %s::bigint, %s::bigint), (%2$s, %1$s, %3$s)',
        :ada, :bob, :friendship),
    'a friendship has a row on each side, both with its id');
SELECT is(befriend(:ada, :bob, 50), :friendship::bigint,
    'befriending again finds the same');
SELECT is(befriend(:bob, :ada, 50), :friendship::bigint,
    'and so it does from the other side');
SELECT is(count(*), 2::bigint, 'and writes nothing') FROM friendship
    WHERE :ada IN (participant_id, friend_id);
SELECT is(array_length(pg_temp.orders(:ada, :bob), 1), 1,
    'it is ordered once to look after the feeds');

SELECT pg_temp.add_participant() AS eve \gset
SELECT cmp_ok(befriend(:eve, :bob, 50), '>', :friendship::bigint,
    'a later friendship has a larger id');
SELECT is(count(*), 2::bigint, 'one can have many friends') FROM friendship
    WHERE participant_id = :bob;

-- --- nobody ------------------------------------------------------------------

SELECT 9223372036854775807 AS nobody \gset
SELECT count(*) AS orders FROM outbox \gset

SELECT is(befriend(:ada, :nobody, 50), NULL, 'with someone unknown: NULL');
SELECT is(befriend(:nobody, :ada, 50), NULL, 'and from someone unknown');
SELECT is(befriend(:nobody, :nobody - 1, 50), NULL, 'and between two');
SELECT is(befriend(:ada, :ada, 50), NULL, 'and with oneself');
SELECT is(befriend(NULL, :ada, 50), NULL, 'and with no one');
SELECT is_empty(format('SELECT FROM friendship
    WHERE %s IN (participant_id, friend_id)', :nobody),
    'none of these is written');
SELECT is(count(*), :orders::bigint, 'nor ordered') FROM outbox;

-- Removed, and not yet swept.
SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS gone \gset
SELECT befriend(:ada, :gone, 50) AS friendship \gset
DELETE FROM participant WHERE id = :gone;
SELECT is(befriend(:ada, :gone, 50), NULL, 'with a friend who is gone: NULL');
SELECT is(befriend(:gone, :ada, 50), NULL, 'and from a friend who is gone');

-- --- the newest posts --------------------------------------------------------

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.add_participant() AS eve \gset
SELECT pg_temp.post(:ada, 2) AS ada_1 \gset
SELECT pg_temp.post(:bob, 2) AS bob_1 \gset
SELECT pg_temp.post(:eve, 2) AS eve_1 \gset
SELECT pg_temp.post(:ada, 3) AS ada_2 \gset
SELECT befriend(:ada, :bob, 3) IS NOT NULL AS done \gset

SELECT is(pg_temp.feed(:bob), :'ada_2'::bigint[],
    'the newest three enter the feed of the friend');
SELECT is(pg_temp.feed(:ada), :'bob_1'::bigint[],
    'and, the other way round, all if there are fewer');
SELECT is(pg_temp.feed(:eve), '{}', 'and nobody else''s');
SELECT is(pg_temp.since(:bob, :ada), (:'ada_2'::bigint[])[1],
    'from the oldest of the three on, posts belong to the feed');
SELECT is(pg_temp.since(:ada, :bob), 0::bigint,
    'and from the first on if there are fewer');
SELECT is(pg_temp.orders(:ada, :bob), ARRAY[-1]::bigint[],
    'the feeds are looked after from the first of both on');

SELECT befriend(:bob, :ada, 5) IS NOT NULL AS done \gset
SELECT is(pg_temp.feed(:bob), :'ada_2'::bigint[],
    'befriending again with a larger number brings nothing');

SELECT befriend(:bob, :eve, 2) IS NOT NULL AS done \gset
SELECT is(pg_temp.feed(:bob), :'eve_1'::bigint[] || :'ada_2'::bigint[],
    'posts of several friends stand at their places');
SELECT is(pg_temp.since(:bob, :eve), (:'eve_1'::bigint[])[1],
    'with just as many posts, the oldest is the first that belongs');
SELECT is(pg_temp.orders(:bob, :eve),
    ARRAY[(:'bob_1'::bigint[])[1] - 1],
    'and the order begins right before the first of both');

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob \gset
SELECT pg_temp.post(:ada, 3) AS posts \gset
SELECT befriend(:bob, :ada, 1) IS NOT NULL AS done \gset
SELECT is(pg_temp.feed(:bob), (:'posts'::bigint[])[3:3], 'one is one');
SELECT is(pg_temp.feed(:ada), '{}', 'without posts there are none');

-- A post can be delivered while friends are made: what is there already does
-- not hinder.
SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob \gset
SELECT pg_temp.post(:ada, 3) AS posts \gset
INSERT INTO inbound VALUES (:bob, (:'posts'::bigint[])[2]);
SELECT befriend(:bob, :ada, 50) IS NOT NULL AS done \gset
SELECT is(pg_temp.feed(:bob), :'posts'::bigint[],
    'what was delivered before is not delivered twice');

-- --- none --------------------------------------------------------------------

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob \gset
SELECT pg_temp.post(:ada, 3) AS posts \gset
SELECT befriend(:ada, :bob, 0) IS NOT NULL AS done \gset
SELECT is(pg_temp.feed(:bob), '{}', 'a backfill of 0 brings nothing');
SELECT is(pg_temp.feed(:ada), '{}', 'on either side');
SELECT is(pg_temp.since(:bob, :ada), (:'posts'::bigint[])[3] + 1,
    'what is posted later belongs to the feed');
SELECT cmp_ok(pg_temp.since(:ada, :bob), '<=', (pg_temp.post(:bob, 1))[1],
    'on either side');
SELECT is(pg_temp.orders(:ada, :bob),
    ARRAY[pg_temp.since(:ada, :bob) - 1],
    'the order begins at the lower of both');

SELECT throws_ok(format('SELECT befriend(%s, %s, -1)', :eve, :ada), NULL, NULL,
    'a backfill below 0 is an error');

-- --- again -------------------------------------------------------------------

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob \gset
SELECT pg_temp.post(:ada, 5) AS posts \gset
SELECT befriend(:ada, :bob, 4) AS friendship \gset
SELECT is(pg_temp.visible_feed(:bob), (:'posts'::bigint[])[2:5],
    'a friend sees the newest four');
SELECT unfriend(:bob, :ada) AS done \gset
SELECT is(pg_temp.visible_feed(:bob), '{}', 'a former friend sees nothing');
SELECT befriend(:bob, :ada, 2) AS again \gset
SELECT cmp_ok(:again::bigint, '>', :friendship::bigint,
    'befriending again after all was over is another friendship');
SELECT is(pg_temp.visible_feed(:bob), (:'posts'::bigint[])[4:5],
    'and shows no more than the newest two');
SELECT unfriend(:bob, :ada) AS done \gset
SELECT befriend(:bob, :ada, 0) AS again \gset
SELECT is(pg_temp.visible_feed(:bob), '{}', 'or none');
SELECT unfriend(:bob, :ada) AS done \gset
SELECT befriend(:bob, :ada, 50) AS again \gset
SELECT is(pg_temp.visible_feed(:bob), :'posts'::bigint[], 'or all');
SELECT is(array_length(pg_temp.orders(:ada, :bob), 1), 7,
    'each change is ordered to be looked after');

-- --- one after the other -----------------------------------------------------

-- Whoever comes second waits: the lock is the pair's, whatever their order.
CREATE FUNCTION pg_temp.locks() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid()
$$;

SELECT pg_temp.add_participant() AS ada, pg_temp.add_participant() AS bob,
    pg_temp.locks() AS before \gset
SELECT befriend(:ada, :bob, 0) IS NOT NULL AS done \gset
SELECT is(pg_temp.locks(), :before::bigint + 1, 'a pair has a lock');
SELECT befriend(:bob, :ada, 0) IS NOT NULL AS done \gset
SELECT unfriend(:bob, :ada) AS done \gset
SELECT is(pg_temp.locks(), :before::bigint + 1, 'and only one');
SELECT befriend(:bob, :eve, 0) IS NOT NULL AS done \gset
SELECT is(pg_temp.locks(), :before::bigint + 2, 'another pair has its own');

SELECT * FROM finish();
ROLLBACK;
