-- What of the posts has arrived: for whoever catches up with them.
-- compatible: yes

-- Up to which id all posts are there that will ever be, by a close look. Who
-- drops pages has seen all up to its place, and what was missing there comes no
-- more once all have ended that may bring it (app/follower.h). Behind that all
-- has arrived as far as no id is missing, of the next 1,000: who has to know
-- more asks who may still bring one (sql/statements/writers.sql).
CREATE FUNCTION posts_arrived() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    seen bigint := coalesce(
        (SELECT done FROM follower WHERE name = 'drop'), 0);
BEGIN
    RETURN coalesce(
        (SELECT min(outbound_id) - 1 FROM follower_gap
            WHERE follower = 'drop'
                AND xid > pg_snapshot_xmin(pg_current_snapshot())
                AND NOT EXISTS (SELECT FROM outbound WHERE id = outbound_id)),
        (SELECT max(id) FROM (
                SELECT id, row_number() OVER (ORDER BY id) AS number
                FROM outbound WHERE id > seen ORDER BY id LIMIT 1000) post
            WHERE id = seen + number),
        seen);
END
$$;

-- Posts that there are orders to deliver, as far as a reader has not got them.
CREATE FUNCTION undelivered(reader bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT other_id FROM outbox d
        WHERE kind = 'd' AND progress < reader
            AND EXISTS (SELECT FROM friendship
                WHERE participant_id = reader
                    AND friend_id = d.participant_id)
            AND NOT EXISTS (SELECT FROM inbound
                WHERE participant_id = reader AND outbound_id = other_id);
END
$$;

REVOKE EXECUTE ON FUNCTION posts_arrived, undelivered FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posts_arrived, undelivered TO newsfeed;
