-- The due orders of a kind that waited longest, locked, and whether each may be
-- worked on.
--   $1 letter, $2 orders at most, $3 whether they have to settle first
--
-- An order has settled once every transaction has ended that may not have seen
-- what it is about. The first turn stamps the order with its own transaction:
-- whoever has a lower number, or none yet, may have begun before the change,
-- whoever has a higher one began after it. The pause behind that turn covers
-- those that had a picture of the data and no number. (A number beyond all that
-- there are comes from a cluster that was dumped and restored.)
--
-- One dispatcher at a time works on orders that settle; no other lock has a key
-- of two numbers.
SELECT id, participant_id, other_id, previous, progress,
        $3::bigint = 0 OR (previous > 0
            AND (xid < pg_snapshot_xmin(pg_current_snapshot())
                OR xid >= pg_snapshot_xmax(pg_current_snapshot())))
    FROM outbox
    WHERE kind = $1::bigint::int::"char" AND due <= now()
        AND ($3 = 0 OR (SELECT pg_try_advisory_xact_lock(0, 0)))
    ORDER BY due LIMIT $2::bigint FOR UPDATE SKIP LOCKED;
