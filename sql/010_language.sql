-- The search has a language, which is a fact of the database: its index is in
-- one, and queries follow it (newsfeed reindex).
-- compatible: yes

-- What the index is in (app/language.h). One row. A program of before finds and
-- adds words as they are, which all languages have.
CREATE TABLE search_language (
    language text NOT NULL
);

INSERT INTO search_language VALUES ('simple');

GRANT SELECT ON search_language TO newsfeed, pg_monitor;
