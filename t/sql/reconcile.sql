-- sql/statements/reconcile.sql: two feeds and a friendship as it is now.
\set statement `cat sql/statements/reconcile.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(7);
PREPARE reconcile (bigint, bigint, bigint, bigint, bigint) AS :statement

-- Posts of 1 and 2 in turn, and one of somebody else.
CREATE FUNCTION pg_temp.post(author bigint) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO outbound (participant_id, subject, story)
        VALUES (author, 'subject', 'story') RETURNING id
$$;
SELECT pg_temp.post(1) AS a, pg_temp.post(2) AS b, pg_temp.post(3) AS other,
    pg_temp.post(1) AS c, pg_temp.post(2) AS d \gset
INSERT INTO outbox (kind, participant_id, other_id, progress)
    VALUES ('f', 1, 2, :a - 1) RETURNING id AS "order" \gset

CREATE FUNCTION pg_temp.feed(reader bigint) RETURNS bigint[]
LANGUAGE sql AS $$
    SELECT coalesce(array_agg(outbound_id ORDER BY outbound_id), '{}')
    FROM inbound WHERE participant_id = reader
$$;

-- --- friends: of 1's posts, 2 gets those from c on ---------------------------

INSERT INTO friendship (participant_id, friend_id, id, since)
    VALUES (2, 1, -1, :c), (1, 2, -1, 0);
INSERT INTO inbound VALUES (2, :a), (1, :other);

EXECUTE reconcile(1, 2, :a - 1, 2, :order) \gset
SELECT is(:count, 2, 'a piece has so many posts of both');
SELECT results_eq(format('SELECT pg_temp.feed(1), pg_temp.feed(2)'),
    format('VALUES (ARRAY[%s, %s]::bigint[], %L::bigint[])', :b, :other, '{}'),
    'what is missing comes, what does not belong goes, others'' stay');
SELECT is(progress, :b::bigint, 'the order is as far as the last post')
    FROM outbox WHERE id = :order;
EXECUTE reconcile(1, 2, :b, 10, :order) \gset
SELECT results_eq(format('SELECT pg_temp.feed(1), pg_temp.feed(2)'),
    format('VALUES (ARRAY[%s, %s, %s]::bigint[], ARRAY[%s]::bigint[])',
        :b, :other, :d, :c), 'from `since` on');
EXECUTE reconcile(1, 2, :d, 10, :order) \gset
SELECT is(:count, 0, 'behind the last post nothing is left');

-- --- friends no more ---------------------------------------------------------

DELETE FROM friendship WHERE 1 IN (participant_id, friend_id);
EXECUTE reconcile(1, 2, :a - 1, 10, :order) \gset
SELECT is(:count, 4, 'all posts are looked at');
SELECT results_eq(format('SELECT pg_temp.feed(1), pg_temp.feed(2)'),
    format('VALUES (ARRAY[%s]::bigint[], %L::bigint[])', :other, '{}'),
    'and nothing of each other stays');

SELECT * FROM finish();
ROLLBACK;
