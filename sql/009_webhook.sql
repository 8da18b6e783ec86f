-- Who waits at an endpoint of webhooks.
-- compatible: yes

-- A participant with an event that the endpoint did not take: it and what
-- follows of that participant's are posted from here, in their order, while
-- those of others go on from the publisher's place. 0 for a participant: all of
-- them, since the endpoint takes nothing, and of the row `since` alone counts.
CREATE TABLE webhook_waiting (
    publisher      text NOT NULL,
    participant_id bigint NOT NULL,
    done           bigint NOT NULL, -- up to this event
    tries          int NOT NULL,    -- of the event behind that
    since          timestamptz NOT NULL DEFAULT now(), -- nothing was taken
    due            timestamptz NOT NULL,
    PRIMARY KEY (publisher, participant_id)
);

CREATE INDEX webhook_waiting_due ON webhook_waiting (publisher, due);

-- How many participants wait at each endpoint, and for how long nothing was
-- taken of one of them, or of all.
CREATE VIEW webhook_backlog AS
    SELECT publisher AS name,
        count(*) FILTER (WHERE participant_id <> 0) AS participants,
        bool_or(participant_id = 0) AS all_wait,
        greatest(now() - min(since), '0') AS age
    FROM webhook_waiting GROUP BY publisher;

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_waiting TO newsfeed;
GRANT SELECT ON webhook_backlog TO pg_monitor;
