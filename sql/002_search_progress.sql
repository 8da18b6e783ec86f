-- A post writes no order any more: the search index follows the posts' ids.
-- That makes a post about a quarter cheaper (contrib/bench/README.md).

-- How far it has come: every post up to `done` is indexed, or waits in
-- search_gap. One row; whoever indexes holds its lock.
CREATE TABLE search_progress (
    done bigint NOT NULL
);

-- Numbers below `done` of posts that could not be seen yet, because their
-- transactions were still running, or never will be, because these failed.
-- All that may still bring the post have a transaction number below `xid`:
-- a post takes that number before it takes its id (see app/store.c).
CREATE TABLE search_gap (
    outbound_id bigint PRIMARY KEY,
    xid         xid8 NOT NULL
);

INSERT INTO search_progress
    SELECT coalesce((SELECT min(other_id) - 1 FROM outbox WHERE kind = 'p'),
        (SELECT max(id) FROM outbound), 0);

DELETE FROM outbox WHERE kind = 'p';
DROP INDEX outbox_posts, outbox_orders, outbox_due, outbox_participant;
ALTER TABLE outbox ADD PRIMARY KEY (id);
CREATE INDEX outbox_due ON outbox (kind, due);
CREATE INDEX outbox_participant ON outbox (participant_id, kind);

-- Ranking reads documents, matching does not: they are kept apart from the rows,
-- and lz4 gives them back in a third of the time.
ALTER TABLE search ALTER COLUMN document SET COMPRESSION lz4;
ALTER TABLE search SET (toast_tuple_target = 128);

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

-- What people ask first: how far behind is the search?
CREATE VIEW search_backlog AS
    SELECT count(*) AS posts, coalesce(now() - min(occurred), '0') AS age
    FROM (SELECT occurred FROM outbound
            WHERE id > (SELECT done FROM search_progress)
        UNION ALL SELECT occurred FROM search_gap
            JOIN outbound ON id = outbound_id) behind;

GRANT SELECT, UPDATE ON search_progress TO newsfeed;
GRANT SELECT, INSERT, DELETE ON search_gap TO newsfeed;
REVOKE EXECUTE ON FUNCTION flush_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flush_search TO newsfeed;
