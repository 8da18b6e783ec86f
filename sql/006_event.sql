-- What happens besides posts, for whoever follows it as it happens: streams
-- first of all. And posts that can be edited, and how far a reader has read.
-- compatible: yes

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

INSERT INTO event_floor SELECT coalesce(max(id), 0) FROM outbound;

ALTER TABLE outbound ADD edited timestamptz(3);

-- The id of the event that began it: the friend's posts with a lower one came to
-- the feed by it. NULL: that was before there were events.
ALTER TABLE friendship ADD made bigint;

-- Up to which id a reader has read.
CREATE TABLE marker (
    participant_id bigint PRIMARY KEY,
    last_read      bigint NOT NULL
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

-- As before, with the event's id.
CREATE OR REPLACE FUNCTION befriend(a bigint, b bigint, backfill int)
RETURNS bigint LANGUAGE plpgsql AS $$
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

-- As before; an event's id is no missing post's.
CREATE OR REPLACE FUNCTION posts_arrived() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
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

INSERT INTO outbox_kind VALUES ('i', 'index anew');

GRANT UPDATE (subject, story, edited) ON outbound TO newsfeed;
GRANT SELECT, INSERT, DELETE ON event TO newsfeed;
GRANT SELECT, UPDATE ON event_floor TO newsfeed;
GRANT SELECT, INSERT, UPDATE, DELETE ON marker TO newsfeed;
GRANT USAGE ON SEQUENCE outbound_id_seq TO newsfeed;
REVOKE EXECUTE ON FUNCTION note_participants, note_friendships, note_posts
    FROM PUBLIC;
