-- The back of the house, as tables: what the kinds of orders are called, and
-- who follows the posts.
-- compatible: yes

-- Orders of a kind that no running program knows are counted as well.
CREATE TABLE outbox_kind (
    kind "char" PRIMARY KEY,
    name text NOT NULL
);

INSERT INTO outbox_kind VALUES ('c', 'drop pages'), ('d', 'deliver'),
    ('f', 'reconcile feeds'), ('r', 'sweep a post'),
    ('g', 'sweep a participant'), ('x', 'set aside');

CREATE OR REPLACE VIEW outbox_backlog AS
    SELECT kind, coalesce(name, 'unknown') AS name, count(id) AS orders,
        greatest(coalesce(now() - min(created), '0'), '0') AS age
    FROM outbox_kind FULL JOIN outbox USING (kind)
    GROUP BY kind, name;

GRANT SELECT ON outbox_kind TO newsfeed;

-- What search_progress was for the index alone, for any number of followers.
LOCK TABLE search_progress, search_gap IN ACCESS EXCLUSIVE MODE;

-- How far each has come: every post up to `done` is behind it, or waits in
-- follower_gap. Whoever works for one holds the lock of its row.
CREATE TABLE follower (
    name text PRIMARY KEY,
    done bigint NOT NULL DEFAULT 0
);

-- Numbers below `done` of posts that could not be seen yet, because their
-- transactions were still running, or never will be, because these failed.
-- All that may still bring the post have a transaction number below `xid`
-- (app/follower.h says why). A program of before knows one follower, and writes
-- its gaps through the view below.
CREATE TABLE follower_gap (
    follower    text NOT NULL DEFAULT 'index',
    outbound_id bigint NOT NULL,
    xid         xid8 NOT NULL,
    PRIMARY KEY (follower, outbound_id)
);

INSERT INTO follower
    SELECT name, done FROM search_progress, unnest('{drop,index}'::text[]) name;
INSERT INTO follower_gap
    SELECT name, outbound_id, xid
    FROM search_gap, unnest('{drop,index}'::text[]) name;

-- Programs of before read and write these.
DROP VIEW search_backlog;
DROP TABLE search_progress, search_gap;
CREATE VIEW search_progress AS
    SELECT done FROM follower WHERE name = 'index';
CREATE VIEW search_gap AS
    SELECT outbound_id, xid FROM follower_gap WHERE follower = 'index';

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

GRANT SELECT, INSERT, UPDATE ON follower TO newsfeed;
GRANT SELECT, INSERT, DELETE ON follower_gap TO newsfeed;
GRANT SELECT, UPDATE ON search_progress TO newsfeed;
GRANT SELECT, INSERT, DELETE ON search_gap TO newsfeed;
GRANT SELECT ON search_backlog, follower_backlog TO pg_monitor;
