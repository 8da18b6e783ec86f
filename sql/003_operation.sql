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

-- With whom an answer goes, the participant of the path or the one that was
-- made, and with which post. An answer that went with its post leaves its key,
-- without a body, so that a repetition does not bring the post back. NULL where
-- a program of before wrote it, whose answers go with time alone.
ALTER TABLE idempotency ADD participant_id bigint, ADD outbound_id bigint;

CREATE INDEX idempotency_participant ON idempotency (participant_id)
    WHERE participant_id IS NOT NULL;

GRANT SELECT ON incarnation TO newsfeed;
GRANT SELECT ON search_backlog, outbox_backlog TO pg_monitor;
