-- What operators need: an upgrade beside running programs, orders that can be
-- counted, answers that go with what they are about, a database that tells
-- when it was restored.
-- compatible: yes

GRANT SELECT ON migration TO newsfeed;

-- Which of the lives of a database this is: sql/restored.sql changes it, and
-- programs then take nothing that was cached before. One row.
CREATE TABLE incarnation (
    id uuid NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO incarnation DEFAULT VALUES;

ALTER TABLE outbox ADD created timestamptz NOT NULL DEFAULT now();

-- What people ask next: what is there to do, and for how long already?
CREATE VIEW outbox_backlog AS
    SELECT kind, name, count(id) AS orders,
        greatest(coalesce(now() - min(created), '0'), '0') AS age
    FROM (VALUES ('c'::"char", 'drop pages'), ('d', 'deliver'),
        ('f', 'reconcile feeds'), ('r', 'sweep a post'),
        ('g', 'sweep a participant'), ('x', 'set aside')) kinds (kind, name)
    LEFT JOIN outbox USING (kind)
    GROUP BY kind, name;

-- Whose an answer is, the participant of the path or the one that was made,
-- and the id of what was made, so that the answer can go with them. NULL while
-- the request runs, and where a program of before wrote it.
ALTER TABLE idempotency ADD participant_id bigint, ADD made_id bigint;

UPDATE idempotency SET made_id = (body::json->>'id')::bigint,
    participant_id = coalesce(nullif(split_part(scope, '/', 3), ''),
        body::json->>'id')::bigint;

CREATE INDEX idempotency_participant ON idempotency (participant_id);

GRANT SELECT ON incarnation TO newsfeed;
GRANT SELECT ON search_backlog, outbox_backlog TO pg_monitor;
