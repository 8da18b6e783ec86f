-- Begins an index beside the one in force, in tables that are there for so long
-- alone: its documents, what changes in those of the one in force meanwhile, by
-- whichever program, and how far it has come. Without the last one's row.
CREATE TABLE search_next (
    outbound_id    bigint,
    participant_id bigint NOT NULL,
    document       tsvector COMPRESSION lz4 NOT NULL,
    CONSTRAINT search_next_pkey PRIMARY KEY (outbound_id)
) WITH (toast_tuple_target = 128);
CREATE INDEX search_next_document ON search_next USING gin (document);

CREATE TABLE search_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbound_id bigint NOT NULL
);

-- Posts up to `progress` are in it, but for what changed. Whoever builds has the
-- turn, until another one takes the next; `seen`: when somebody built last.
CREATE TABLE search_rebuild (
    language text NOT NULL,
    progress bigint NOT NULL DEFAULT 0,
    turn     bigint NOT NULL DEFAULT 0,
    seen     timestamptz NOT NULL DEFAULT 'epoch'
);

GRANT SELECT, INSERT, DELETE ON search_next TO newsfeed;
GRANT INSERT ON search_change TO newsfeed;
GRANT SELECT ON search_rebuild TO newsfeed, pg_monitor;

CREATE FUNCTION note_search_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_change (outbound_id)
        SELECT outbound_id FROM changed WHERE outbound_id <> 0;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION note_search_change FROM PUBLIC;

CREATE TRIGGER note_search_added AFTER INSERT ON search
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_search_change();
CREATE TRIGGER note_search_changed AFTER UPDATE ON search
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_search_change();
CREATE TRIGGER note_search_gone AFTER DELETE ON search
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_search_change();

-- What an index in a database of its own has besides (sql/search).
DO $$
BEGIN
    IF to_regclass('search_author') IS NOT NULL THEN
        ALTER TABLE search_next ADD edited bigint NOT NULL DEFAULT 0;
        CREATE INDEX search_next_author
            ON search_next (participant_id, outbound_id);
        GRANT UPDATE ON search_next TO newsfeed;
    END IF;
END
$$;
