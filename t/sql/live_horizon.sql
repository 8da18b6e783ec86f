-- sql/statements/live_horizon.sql: how far all has come. (What others write
-- meanwhile is in t/e2e/test_stream.py.)
\set statement `cat sql/statements/live_horizon.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(6);
PREPARE horizon (text) AS :statement

CREATE TEMP TABLE found (id bigint, remaining text, writers text);
DELETE FROM outbound;
DELETE FROM event;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE horizon('{}');
SELECT is(id, 0::bigint, 'of nothing') FROM found;
DELETE FROM found;

INSERT INTO outbound (participant_id, subject, story) VALUES (1, 's', 't')
    RETURNING id AS post \gset
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE horizon('{}');
SELECT is(id, :post::bigint, 'a post') FROM found;
SELECT cmp_ok(cardinality(writers::text[]), '>=', 1, 'and who wrote it')
    FROM found;
SELECT is(remaining, '{}', 'of nobody none is left') FROM found;
INSERT INTO event (participant_id, id, kind)
    VALUES (1, nextval('outbound_id_seq'), 'n') RETURNING id AS event \gset
SELECT writers FROM found \gset
DELETE FROM found;
DROP TABLE found;
CREATE TEMP TABLE found AS EXECUTE horizon(:'writers');
SELECT is(id, :event::bigint, 'an event') FROM found;
SELECT cmp_ok(cardinality(remaining::text[]), '>=', 1, 'who is still at it')
    FROM found;

SELECT * FROM finish();
ROLLBACK;
