-- What the dispatcher does, as tables: the kinds of orders have names here, so
-- that one which no running program knows is counted as well.
-- compatible: yes

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
