-- What the peers run on: the service as one would write it with PostgreSQL's
-- own means. Foreign keys hold rows together, the search document is a
-- generated column with a GIN index that every post updates. Feeds refer to
-- posts instead of copying them, as in sql/001_feed.sql.
CREATE TABLE participant (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE friendship (
    participant_id bigint NOT NULL REFERENCES participant ON DELETE CASCADE,
    friend_id      bigint NOT NULL REFERENCES participant ON DELETE CASCADE,
    PRIMARY KEY (participant_id, friend_id)
);

CREATE TABLE outbound (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant_id bigint NOT NULL REFERENCES participant ON DELETE CASCADE,
    occurred       timestamptz(3) NOT NULL DEFAULT now(),
    subject        text NOT NULL,
    story          text NOT NULL,
    document       tsvector NOT NULL GENERATED ALWAYS AS
                   (to_tsvector('simple', subject || ' ' || story)) STORED
);

CREATE INDEX outbound_page ON outbound (participant_id, id);
CREATE INDEX outbound_document ON outbound USING gin (document);

CREATE TABLE inbound (
    participant_id bigint NOT NULL REFERENCES participant ON DELETE CASCADE,
    outbound_id    bigint NOT NULL REFERENCES outbound ON DELETE CASCADE,
    PRIMARY KEY (participant_id, outbound_id)
);
