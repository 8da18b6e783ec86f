-- Who tells others what happens: how far each outlet of events has come, and
-- which process is at it.
-- compatible: yes

-- All events up to the place (pos, sub) are settled: sub is a participant's id,
-- 0 for all of an id. One process at a time works for an outlet: its holder, up
-- to held_until, or for as long as it says so anew. Only the holder moves the
-- place, from where it knows it to be: whoever sets it by hand, so that events
-- are told once more, is not overridden. What an outlet has still to tell is
-- kept beyond its time, while somebody was seen at work for it within that.
CREATE TABLE publisher (
    name       text PRIMARY KEY,
    pos        bigint NOT NULL,
    sub        bigint NOT NULL DEFAULT 0,
    holder     text,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    seen       timestamptz NOT NULL DEFAULT now()
);

-- How many events each outlet has still to tell, counted up to 10,000, and for
-- how long the oldest of them has been there.
CREATE VIEW publisher_backlog AS
    SELECT name, count(occurred) AS events,
        greatest(coalesce(now() - min(occurred), '0'), '0') AS age
    FROM publisher LEFT JOIN LATERAL (
        (SELECT id, occurred FROM event
            WHERE id >= pos
                AND (id > pos OR sub <> 0 AND participant_id > sub)
            ORDER BY id LIMIT 10000)
        UNION ALL
        (SELECT id, occurred FROM outbound WHERE id > pos
            ORDER BY id LIMIT 10000)
        ORDER BY id LIMIT 10000
    ) behind ON true
    GROUP BY name;

GRANT SELECT, INSERT, UPDATE ON publisher TO newsfeed;
GRANT SELECT ON publisher_backlog TO pg_monitor;
