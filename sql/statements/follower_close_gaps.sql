-- Forgets those noted ids of a follower of which there will be no post: all
-- that might have brought it have ended, and it is not there. (A number beyond
-- all that there are comes from a cluster that was dumped and restored, or is
-- our own, and then says nothing yet.)
--   $1 follower
WITH progress AS MATERIALIZED (
    SELECT FROM follower WHERE name = $1::text FOR UPDATE SKIP LOCKED)
DELETE FROM follower_gap
    WHERE follower = $1 AND EXISTS (SELECT FROM progress)
        AND (xid <= pg_snapshot_xmin(pg_current_snapshot())
            OR (xid > pg_snapshot_xmax(pg_current_snapshot())
                AND xid <> pg_current_xact_id()))
        AND NOT EXISTS (SELECT FROM outbound WHERE id = outbound_id);
