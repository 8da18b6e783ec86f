-- The search index in a database of its own (search.conninfo), and how far it
-- has come in what happens in the database of the service. Run by
-- sql/migrate --search.
-- compatible: no

-- As the table of that name in sql/schema.sql. `edited` is when the post was
-- edited of which the document was made, in ms since 1970, 0 if it was not: of
-- one that has been edited since nothing is told.
CREATE TABLE search (
    outbound_id    bigint,
    participant_id bigint NOT NULL,
    document       tsvector COMPRESSION lz4 NOT NULL,
    edited         bigint NOT NULL DEFAULT 0,
    CONSTRAINT search_pkey PRIMARY KEY (outbound_id)
) WITH (toast_tuple_target = 128);

CREATE INDEX search_document ON search USING gin (document);

-- An author's posts are not looked up where the others are.
CREATE INDEX search_author ON search (participant_id, outbound_id);

CREATE TABLE search_language (
    language text NOT NULL
);

INSERT INTO search_language VALUES ('simple');

CREATE FUNCTION flush_search() RETURNS void LANGUAGE sql
SET gin_pending_list_limit = '64kB' SET work_mem = '64MB' AS $$
    DELETE FROM search WHERE outbound_id = 0;
    INSERT INTO search (outbound_id, participant_id, document)
        VALUES (0, 0, '') ON CONFLICT DO NOTHING; -- another one does it
$$;

-- One row, 'index': all posts and events up to `done` are in the index. It
-- moves in the statement that changes the index, under its lock.
--
-- Which life of the other database that is about says `life` (its mark), and what
-- has to be known of it, if the index is to be whole, `since`: events behind
-- that, and behind `done`. States:
--   n  it is new, and has not come to the end yet
--   w  whole
--   m  it may lack what was changed: the other database was restored or
--      failed over, or events were kept no longer; to be built anew (newsfeed reindex)
--   r  the same, and it is being built anew since then
CREATE TABLE follower (
    name  text PRIMARY KEY,
    done  bigint NOT NULL DEFAULT 0,
    since bigint NOT NULL DEFAULT 0,
    life  uuid,
    state "char" NOT NULL DEFAULT 'n'
);

INSERT INTO follower (name) VALUES ('index');

GRANT SELECT ON migration TO newsfeed;
GRANT SELECT, INSERT, UPDATE, DELETE ON search TO newsfeed;
GRANT SELECT ON search_language TO newsfeed, pg_monitor;
GRANT SELECT, UPDATE ON follower TO newsfeed;
GRANT SELECT ON follower TO pg_monitor;
REVOKE EXECUTE ON FUNCTION flush_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flush_search TO newsfeed;
