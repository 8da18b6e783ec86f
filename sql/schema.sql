-- The schema as the migrations leave it, to be read: no database is made from
-- this file. It is written by hand, and make check T=test_schema shows where
-- it and the migrations part.
--
-- There are no foreign keys: a post checks its author in its own statement,
-- and what a removal leaves behind is swept by the dispatcher (see outbox).
-- Reads never show it, because every read joins its way to what still exists.

-- --- participants, friends, posts, feeds -------------------------------------

CREATE TABLE participant (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL
);

-- A row for each direction, both with the friendship's one id. Of the friend's
-- posts, those with an id of `since` or above belong to the participant's feed.
-- `made` is the id of the event that began it: what has a lower one came to the
-- feed by it. NULL: that was before migration 6.
CREATE TABLE friendship (
    participant_id bigint NOT NULL,
    friend_id      bigint NOT NULL CHECK (friend_id <> participant_id),
    id             bigint NOT NULL,
    since          bigint NOT NULL,
    made           bigint,
    PRIMARY KEY (participant_id, friend_id)
);

CREATE SEQUENCE friendship_id_seq;
CREATE UNIQUE INDEX friendship_page ON friendship (participant_id, id);

-- A post takes its id behind its transaction's number, which whoever follows
-- the posts relies on (see follower_gap). Events take theirs from among them.
CREATE TABLE outbound (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant_id bigint NOT NULL,
    occurred       timestamptz(3) NOT NULL DEFAULT now(),
    subject        text NOT NULL,
    story          text NOT NULL,
    edited         timestamptz(3)
);

CREATE INDEX outbound_page ON outbound (participant_id, id);

-- Which posts a reader has in the feed: a reference, not a copy. Its key orders
-- the page, stops double deliveries and begins with the column to partition or
-- shard by. Readers see of it what their friendships show them now.
CREATE TABLE inbound (
    participant_id bigint NOT NULL,
    outbound_id    bigint NOT NULL,
    PRIMARY KEY (participant_id, outbound_id)
);

-- Up to which id a reader has read.
CREATE TABLE marker (
    participant_id bigint PRIMARY KEY,
    last_read      bigint NOT NULL
);

-- --- events ------------------------------------------------------------------

-- What happened to a participant, its friendships and its posts: all but new
-- posts, which stand in outbound. What is said or called is not repeated here,
-- since it goes with who is removed. Written by triggers, so that a program of
-- before, and a person with psql, cannot leave anything out.
--   a  it was added                      n  it has another name
--   g  it is gone, with all that was its own
--   f  it and other_id became friends
--   u  and are none any more            l  they are none, since other_id is gone
--   c  its post other_id was changed    r  or removed
--
-- Posts and events take their ids from one sequence, so that there is one order
-- of all that happens, and one place in it says how far somebody has come. An
-- event takes its id behind the lock of what it is about: whoever comes second
-- has the higher one. A friendship's event has one id on either side.
CREATE TABLE event (
    participant_id bigint NOT NULL,
    id             bigint NOT NULL,
    kind           "char" NOT NULL,
    other_id       bigint NOT NULL DEFAULT 0,
    occurred       timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (participant_id, id)
);

CREATE INDEX event_id ON event (id);

-- Events go when they are old enough: those up to here may be gone. One row.
CREATE TABLE event_floor (
    id bigint NOT NULL
);

CREATE FUNCTION note_participants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (participant_id, id, kind)
        SELECT id, nextval('outbound_id_seq'), CASE TG_OP
            WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'n' ELSE 'g' END::"char"
        FROM changed;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_added AFTER INSERT ON participant
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_participants();
CREATE TRIGGER note_renamed AFTER UPDATE ON participant
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_participants();
CREATE TRIGGER note_gone AFTER DELETE ON participant
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_participants();

-- Of who is gone there is nothing more to say.
CREATE FUNCTION note_friendships() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO event (participant_id, id, kind, other_id)
            SELECT participant_id, made, 'f', friend_id FROM changed
            WHERE made IS NOT NULL;
    ELSE
        INSERT INTO event (participant_id, id, kind, other_id)
            SELECT c.participant_id, nextval('outbound_id_seq'),
                CASE WHEN EXISTS (SELECT FROM participant
                    WHERE id = c.friend_id) THEN 'u' ELSE 'l' END::"char",
                c.friend_id
            FROM changed c JOIN participant p ON p.id = c.participant_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_befriended AFTER INSERT ON friendship
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_friendships();
CREATE TRIGGER note_unfriended AFTER DELETE ON friendship
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_friendships();

CREATE FUNCTION note_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (participant_id, id, kind, other_id)
        SELECT c.participant_id, nextval('outbound_id_seq'),
            CASE TG_OP WHEN 'UPDATE' THEN 'c' ELSE 'r' END::"char", c.id
        FROM changed c JOIN participant p ON p.id = c.participant_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_changed AFTER UPDATE ON outbound
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_posts();
CREATE TRIGGER note_removed AFTER DELETE ON outbound
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_posts();

-- --- search ------------------------------------------------------------------

-- Ranking reads documents, matching does not: they are kept apart from the
-- rows, and lz4 gives them back in a third of the time pglz takes.
CREATE TABLE search (
    outbound_id    bigint PRIMARY KEY,
    participant_id bigint NOT NULL,
    document       tsvector COMPRESSION lz4 NOT NULL
) WITH (toast_tuple_target = 128);

CREATE INDEX search_document ON search USING gin (document);

-- What the index is in (app/language.h). One row. `newsfeed reindex` builds an
-- index in another language beside this one and puts it in its place, by
-- sql/statements/rebuild_*.sql: meanwhile there are tables search_next,
-- search_change and search_rebuild, and triggers on search. A program of before
-- finds and adds words as they are, which all languages have.
CREATE TABLE search_language (
    language text NOT NULL
);

-- What is added to the index waits in a list, which whoever adds to a list over
-- the limit puts in its places, many at once. The service's sessions have no
-- limit but this one: so posts are added while that goes on. No post has the
-- number 0, and no search finds an empty document.
CREATE FUNCTION flush_search() RETURNS void LANGUAGE sql
SET gin_pending_list_limit = '64kB' SET work_mem = '64MB' AS $$
    DELETE FROM search WHERE outbound_id = 0;
    INSERT INTO search (outbound_id, participant_id, document)
        VALUES (0, 0, '') ON CONFLICT DO NOTHING; -- another one does it
$$;

-- --- followers of posts ------------------------------------------------------

-- Who sees every post once (app/follower.h), and how far each has come: every
-- post up to `done` is behind it, or waits in follower_gap. Whoever works for
-- one holds the lock of its row.
CREATE TABLE follower (
    name text PRIMARY KEY,
    done bigint NOT NULL DEFAULT 0
);

-- Numbers below `done` of posts that could not be seen yet, because their
-- transactions were still running, or never will be, because these failed.
-- All that may still bring the post have a transaction number below `xid`:
-- a post takes that number before it takes its id. A program before migration 4
-- knows one follower, and writes its gaps through the view below.
CREATE TABLE follower_gap (
    follower    text NOT NULL DEFAULT 'index',
    outbound_id bigint NOT NULL,
    xid         xid8 NOT NULL,
    PRIMARY KEY (follower, outbound_id)
);

-- What such a program reads and writes.
CREATE VIEW search_progress AS
    SELECT done FROM follower WHERE name = 'index';
CREATE VIEW search_gap AS
    SELECT outbound_id, xid FROM follower_gap WHERE follower = 'index';

-- Up to which id all posts are there that will ever be, by a close look. Who
-- drops pages has seen all up to its place, and what was missing there comes no
-- more once all have ended that may bring it (app/follower.h). Behind that all
-- has arrived as far as no id is missing, events' among them, of the next 1,000: who has to know
-- more asks who may still bring one (sql/statements/arrival.sql).
CREATE FUNCTION posts_arrived() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    seen bigint := coalesce(
        (SELECT done FROM follower WHERE name = 'drop'), 0);
BEGIN
    RETURN coalesce(
        (SELECT min(outbound_id) - 1 FROM follower_gap
            WHERE follower = 'drop'
                AND xid > pg_snapshot_xmin(pg_current_snapshot())
                AND NOT EXISTS (SELECT FROM outbound WHERE id = outbound_id)
                AND NOT EXISTS (SELECT FROM event WHERE id = outbound_id)),
        (SELECT max(id) FROM (
                SELECT id, row_number() OVER (ORDER BY id) AS number FROM (
                    (SELECT id FROM outbound WHERE id > seen
                        ORDER BY id LIMIT 1000)
                    UNION
                    (SELECT id FROM event WHERE id > seen
                        ORDER BY id LIMIT 2000)) either
                ORDER BY id LIMIT 1000) post
            WHERE id = seen + number),
        seen);
END
$$;

-- What people ask first: how far behind is the search, and whoever follows the
-- posts besides?
CREATE VIEW follower_backlog AS
    SELECT name, count(occurred) AS posts,
        greatest(coalesce(now() - min(occurred), '0'), '0') AS age
    FROM follower LEFT JOIN LATERAL (
        SELECT occurred FROM outbound WHERE id > done
        UNION ALL SELECT occurred FROM follower_gap
            JOIN outbound ON id = outbound_id WHERE follower = name
    ) behind ON true
    GROUP BY name;

CREATE VIEW search_backlog AS
    SELECT posts, age FROM follower_backlog WHERE name = 'index';

-- --- outlets of events --------------------------------------------------------

-- Where events are told to others (app/outlet.h). All up to the place (pos, sub)
-- are settled: sub is a participant's id, 0 for all of an id. One process at a
-- time works for an outlet: its holder, up to held_until, or for as long as it
-- says so anew. Only the holder moves the place, from where it knows it to be:
-- whoever sets it by hand, so that events are told once more, is not overridden.
-- What an outlet has still to tell is kept beyond its time, while somebody was
-- seen at work for it within that.
CREATE TABLE publisher (
    name       text PRIMARY KEY,
    pos        bigint NOT NULL,
    sub        bigint NOT NULL DEFAULT 0,
    holder     text,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    seen       timestamptz NOT NULL DEFAULT now()
);

-- How many events each outlet has still to tell, counted up to 10,000, and for
-- how long the oldest of them has been there.
CREATE VIEW publisher_backlog AS
    SELECT name, count(occurred) AS events,
        greatest(coalesce(now() - min(occurred), '0'), '0') AS age
    FROM publisher LEFT JOIN LATERAL (
        (SELECT id, occurred FROM event
            WHERE id >= pos
                AND (id > pos OR sub <> 0 AND participant_id > sub)
            ORDER BY id LIMIT 10000)
        UNION ALL
        (SELECT id, occurred FROM outbound WHERE id > pos
            ORDER BY id LIMIT 10000)
        ORDER BY id LIMIT 10000
    ) behind ON true
    GROUP BY name;

-- A participant with an event that the endpoint did not take: it and what
-- follows of that participant's are posted from here, in their order, while
-- those of others go on from the publisher's place. 0 for a participant: all of
-- them, since the endpoint takes nothing, and of the row `since` alone counts.
CREATE TABLE webhook_waiting (
    publisher      text NOT NULL,
    participant_id bigint NOT NULL,
    done           bigint NOT NULL, -- up to this event
    tries          int NOT NULL,    -- of the event behind that
    since          timestamptz NOT NULL DEFAULT now(), -- nothing was taken
    due            timestamptz NOT NULL,
    PRIMARY KEY (publisher, participant_id)
);

CREATE INDEX webhook_waiting_due ON webhook_waiting (publisher, due);

-- How many participants wait at each endpoint, and for how long nothing was
-- taken of one of them, or of all.
CREATE VIEW webhook_backlog AS
    SELECT publisher AS name,
        count(*) FILTER (WHERE participant_id <> 0) AS participants,
        bool_or(participant_id = 0) AS all_wait,
        greatest(now() - min(since), '0') AS age
    FROM webhook_waiting GROUP BY publisher;

-- --- the outbox --------------------------------------------------------------

-- Orders for the dispatcher, each written in the transaction that causes it.
-- The kinds, and what the columns mean to each:
--
--   c  The pages of participant_id and friends could not be dropped from the
--      cache server with the number other_id: drop them once it answers. 0, or
--      a server that is not configured: from all of them. `progress` tells
--      programs before migration 4 when they have expired, in s since 1970.
--   d  Deliver post other_id to those friends of participant_id whose id is
--      behind `progress`. The last piece went to those in (previous, progress],
--      and once it lies in front of their pages, which cannot be done before
--      the commit, `previous` is the same: or the next turn begins by dropping
--      them.
--   f  The friendship of participant_id and other_id changed: make both feeds
--      agree with it, from behind post `progress` on.
--   r  Post other_id of participant_id was removed: sweep it from the feeds of
--      the friends behind `progress`. With the largest bigint for `progress`:
--      from the feed of participant_id alone, a friend of before.
--   g  participant_id is gone: sweep all that was its own, behind every order
--      that names it.
--   x  Set aside: post other_id of participant_id, which cannot be indexed.
--      Nobody takes it; it waits for a person.
--
-- All but c and d sweep what readers do not see any more, once every
-- transaction has ended that may not have seen the change: `previous` is 0
-- until an order's first turn is over, and then `xid` is that turn's
-- transaction.
CREATE TABLE outbox (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           "char" NOT NULL,
    participant_id bigint NOT NULL,
    other_id       bigint NOT NULL DEFAULT 0,
    previous       bigint NOT NULL DEFAULT 0,
    progress       bigint NOT NULL DEFAULT 0,
    xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    due            timestamptz NOT NULL DEFAULT now(), -- the next turn
    created        timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX outbox_due ON outbox (kind, due);
CREATE INDEX outbox_participant ON outbox (participant_id, kind);
CREATE INDEX outbox_friend ON outbox (other_id) WHERE kind = 'f';
CREATE INDEX outbox_server ON outbox (other_id, participant_id)
    WHERE kind = 'c';

-- Posts that there are orders to deliver, as far as a reader has not got them.
CREATE FUNCTION undelivered(reader bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT other_id FROM outbox d
        WHERE kind = 'd' AND progress < reader
            AND EXISTS (SELECT FROM friendship
                WHERE participant_id = reader
                    AND friend_id = d.participant_id)
            AND NOT EXISTS (SELECT FROM inbound
                WHERE participant_id = reader AND outbound_id = other_id);
END
$$;

-- The names of the kinds. A program's own are those of its jobs (app/agenda.c);
-- orders of a kind that it does not know stay, and are counted here.
CREATE TABLE outbox_kind (
    kind "char" PRIMARY KEY,
    name text NOT NULL
);

-- What people ask next: what is there to do, and for how long already?
CREATE VIEW outbox_backlog AS
    SELECT kind, coalesce(name, 'unknown') AS name, count(id) AS orders,
        greatest(coalesce(now() - min(created), '0'), '0') AS age
    FROM outbox_kind FULL JOIN outbox USING (kind)
    GROUP BY kind, name;

-- --- idempotency -------------------------------------------------------------

-- Answers of requests that carried an Idempotency-Key. status is null while
-- the request runs, which nobody but itself ever sees. participant_id and
-- outbound_id: with whom an answer goes, the participant of the path or the one
-- that was made, and with which post. An answer that went with its post leaves
-- its key, without a body, so that a repetition does not bring the post back.
-- NULL where a program before migration 3 wrote it, whose answers go with time
-- alone.
CREATE TABLE idempotency (
    scope          text NOT NULL,
    key            text NOT NULL,
    fingerprint    bytea NOT NULL,
    status         int,
    body           text,
    created        timestamptz NOT NULL DEFAULT now(),
    participant_id bigint,
    outbound_id    bigint,
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_created ON idempotency (created);
CREATE INDEX idempotency_participant ON idempotency (participant_id)
    WHERE participant_id IS NOT NULL;

-- --- friends are made, and parted --------------------------------------------

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
    made bigint;
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
    made := nextval('outbound_id_seq');
    INSERT INTO friendship (participant_id, friend_id, id, since, made)
        VALUES (a, b, friendship_id, since_a, made),
            (b, a, friendship_id, since_b, made);

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

-- --- the database itself -----------------------------------------------------

-- Which of the lives of a database this is: sql/restored.sql changes it, and
-- programs then take nothing that was cached before. One row.
CREATE TABLE incarnation (
    id uuid NOT NULL DEFAULT gen_random_uuid()
);

-- The lives of the database, as programs that read from its standbys know them
-- (app/replica.h): a promotion or a recovery to a point in time begins a
-- timeline, which is told with its cluster's identifier. A standby that has a
-- life's mark went the same way up to there.
CREATE TABLE life (
    timeline    text NOT NULL,
    incarnation uuid NOT NULL,
    mark        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    PRIMARY KEY (timeline, incarnation)
);

-- What ran, which sql/migrate writes down. A program asks the view, which ends
-- with the last migration that programs of before cannot do with; since
-- migration 3 it asks the table what is newer than itself.
CREATE TABLE migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    compatible boolean NOT NULL
);

CREATE VIEW schema_migration AS
    SELECT version, name, checksum, applied_at FROM migration
    WHERE version <= (SELECT max(version) FROM migration WHERE NOT compatible);

-- --- rights ------------------------------------------------------------------

-- The service's role, newsfeed, may do what the service does (t/sql/roles.sql).
GRANT SELECT, INSERT, UPDATE, DELETE ON participant, outbox, idempotency,
    marker, webhook_waiting TO newsfeed;
GRANT SELECT, INSERT, DELETE ON friendship, outbound, inbound, search,
    follower_gap, search_gap, event TO newsfeed;
GRANT UPDATE (subject, story, edited) ON outbound TO newsfeed;
GRANT SELECT, INSERT, UPDATE ON follower, publisher TO newsfeed;
GRANT SELECT, INSERT ON life TO newsfeed;
GRANT SELECT, UPDATE ON search_progress, event_floor TO newsfeed;
GRANT USAGE ON SEQUENCE friendship_id_seq, outbound_id_seq TO newsfeed;
GRANT SELECT ON outbox_kind, incarnation, migration, schema_migration,
    search_language TO newsfeed;
REVOKE EXECUTE ON FUNCTION befriend, unfriend, feed_since, flush_search,
    posts_arrived, undelivered, note_participants, note_friendships, note_posts
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION befriend, unfriend, feed_since, flush_search,
    posts_arrived, undelivered TO newsfeed;
GRANT SELECT ON search_backlog, follower_backlog, outbox_backlog,
    publisher_backlog, webhook_backlog, search_language TO pg_monitor;
