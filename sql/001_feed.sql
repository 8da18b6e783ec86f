-- Participants, friendships, posts, feeds, search, outbox.
--
-- There are no foreign keys: a post checks its author in its own statement,
-- and what a removal leaves behind is swept by the dispatcher (see outbox).
-- Reads never show it, because every read joins its way to what still exists.

CREATE TABLE participant (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL
);

-- A row for each direction, both with the friendship's one id. Of the friend's
-- posts, those with an id of `since` or above belong to the participant's feed.
CREATE SEQUENCE friendship_id_seq;

CREATE TABLE friendship (
    participant_id bigint NOT NULL,
    friend_id      bigint NOT NULL CHECK (friend_id <> participant_id),
    id             bigint NOT NULL,
    since          bigint NOT NULL,
    PRIMARY KEY (participant_id, friend_id)
);

CREATE UNIQUE INDEX friendship_page ON friendship (participant_id, id);

CREATE TABLE outbound (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant_id bigint NOT NULL,
    occurred       timestamptz(3) NOT NULL DEFAULT now(),
    subject        text NOT NULL,
    story          text NOT NULL
);

CREATE INDEX outbound_page ON outbound (participant_id, id);

-- A reference, not a copy; its key orders the page, stops double deliveries
-- and begins with the column to partition or shard by.
CREATE TABLE inbound (
    participant_id bigint NOT NULL,
    outbound_id    bigint NOT NULL,
    PRIMARY KEY (participant_id, outbound_id)
);

CREATE TABLE search (
    outbound_id    bigint PRIMARY KEY,
    participant_id bigint NOT NULL,
    document       tsvector NOT NULL
);

CREATE INDEX search_document ON search USING gin (document);

-- Orders for the dispatcher, each written in the transaction that causes it
-- (see app/outbox.c).
--   p  a post was made: index it, drop its readers' pages once more
--   d  deliver post other_id to the friends of participant_id behind `progress`
--   f  the friendship of participant_id and other_id changed: make both feeds
--      agree with it, from behind post `progress` on
--   r  post other_id was removed: sweep it from feeds and index
--   g  participant_id is gone: sweep all that was its own
--   c  the pages of participant_id and friends could not be dropped: try again
--      until `progress` (s since 1970), when they have expired by themselves
--   x  an order that failed by itself and waits for a person
CREATE TABLE outbox (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    kind           "char" NOT NULL,
    participant_id bigint NOT NULL,
    other_id       bigint NOT NULL DEFAULT 0,
    previous       bigint NOT NULL DEFAULT 0,
    progress       bigint NOT NULL DEFAULT 0,
    xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    due            timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- A post writes to the first of them alone, and is found without wading
-- through orders that wait for their time.
CREATE UNIQUE INDEX outbox_posts ON outbox (id) WHERE kind = 'p';
CREATE UNIQUE INDEX outbox_orders ON outbox (id) WHERE kind <> 'p';
CREATE INDEX outbox_due ON outbox (kind, due) WHERE kind <> 'p';
CREATE INDEX outbox_participant ON outbox (participant_id) WHERE kind <> 'p';
CREATE INDEX outbox_friend ON outbox (other_id) WHERE kind = 'f';

-- Answers of requests that carried an Idempotency-Key. status is null while
-- the request runs, which nobody but itself ever sees.
CREATE TABLE idempotency (
    scope       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    status      int,
    body        text,
    created     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_created ON idempotency (created);

-- Makes friends of two participants, or finds that they are; NULL if one of
-- them does not exist. The newest `backfill` posts of each enter the other's
-- feed. Each statement in here sees what was committed before it began, which
-- one statement with CTEs would not.
CREATE FUNCTION befriend(a bigint, b bigint, backfill int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    friendship_id bigint;
    since_a bigint; -- of b's posts in a's feed
    since_b bigint;
BEGIN
    -- befriend and unfriend of one pair run one after the other
    PERFORM pg_advisory_xact_lock(
        hashint8extended(least(a, b), greatest(a, b)));

    SELECT f.id INTO friendship_id FROM friendship f
        JOIN participant p ON p.id = f.friend_id
        JOIN participant q ON q.id = f.participant_id
        WHERE f.participant_id = a AND f.friend_id = b;
    IF FOUND THEN
        RETURN friendship_id;
    END IF;

    -- held against removal, in the order of ids
    PERFORM FROM participant WHERE id IN (a, b) ORDER BY id FOR KEY SHARE;
    IF (SELECT count(*) FROM participant WHERE id IN (a, b)) <> 2 THEN
        RETURN NULL;
    END IF;

    since_a := feed_since(b, backfill);
    since_b := feed_since(a, backfill);
    friendship_id := nextval('friendship_id_seq');
    INSERT INTO friendship (participant_id, friend_id, id, since)
        VALUES (a, b, friendship_id, since_a), (b, a, friendship_id, since_b);

    INSERT INTO inbound (participant_id, outbound_id)
        SELECT a, id FROM outbound
            WHERE participant_id = b AND id >= since_a
        UNION ALL
        SELECT b, id FROM outbound
            WHERE participant_id = a AND id >= since_b
        ON CONFLICT DO NOTHING;

    INSERT INTO outbox (kind, participant_id, other_id, progress)
        VALUES ('f', a, b, least(since_a, since_b) - 1);
    RETURN friendship_id;
END
$$;

-- The id from which on an author's posts enter the feed of a new friend: the
-- id of the backfill-newest post, 0 if there are fewer.
CREATE FUNCTION feed_since(author bigint, backfill int) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN backfill = 0
        THEN (SELECT coalesce(max(id), 0) + 1 FROM outbound
            WHERE participant_id = author)
        ELSE coalesce((SELECT id FROM outbound WHERE participant_id = author
            ORDER BY id DESC OFFSET backfill - 1 LIMIT 1), 0)
    END
$$;

-- Ends a friendship, from either side; false if there is none.
CREATE FUNCTION unfriend(a bigint, b bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    floor bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(
        hashint8extended(least(a, b), greatest(a, b)));

    IF (SELECT count(*) FROM participant WHERE id IN (a, b)) <> 2 THEN
        RETURN false;
    END IF;

    WITH gone AS (
        DELETE FROM friendship
            WHERE (participant_id, friend_id) IN ((a, b), (b, a))
            RETURNING since)
    SELECT min(since) INTO floor FROM gone;
    IF floor IS NULL THEN
        RETURN false;
    END IF;

    INSERT INTO outbox (kind, participant_id, other_id, progress)
        VALUES ('f', a, b, floor - 1);
    RETURN true;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON participant TO newsfeed;
GRANT SELECT, INSERT, DELETE ON friendship, outbound, inbound, search
    TO newsfeed;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, idempotency TO newsfeed;
GRANT USAGE ON SEQUENCE friendship_id_seq TO newsfeed;
GRANT SELECT ON schema_migration TO newsfeed;
REVOKE EXECUTE ON FUNCTION befriend, unfriend, feed_since FROM PUBLIC;
GRANT EXECUTE ON FUNCTION befriend, unfriend, feed_since TO newsfeed;
