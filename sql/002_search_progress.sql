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

-- Ranking reads documents: lz4 gives them back in a third of the time. Entries
-- that wait in the index's list are put in their places by flush_search(),
-- many at once, which costs less than half of what it costs for few.
ALTER TABLE search ALTER COLUMN document SET COMPRESSION lz4;
ALTER TABLE search SET (toast_tuple_target = 128);
ALTER INDEX search_document SET (gin_pending_list_limit = 65536);

CREATE FUNCTION flush_search() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT gin_clean_pending_list('search_document'::regclass)
$$;

-- What people ask first: how far behind is the search?
CREATE VIEW search_backlog AS
    SELECT count(*) AS posts, coalesce(now() - min(occurred), '0') AS age
    FROM outbound
    WHERE id > (SELECT done FROM search_progress)
        OR id IN (SELECT outbound_id FROM search_gap);

GRANT SELECT, UPDATE ON search_progress TO newsfeed;
GRANT SELECT, INSERT, DELETE ON search_gap TO newsfeed;
REVOKE EXECUTE ON FUNCTION flush_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flush_search TO newsfeed;
