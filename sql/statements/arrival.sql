-- How far posts and events have come, and who may still bring one with a lower
-- id: the newest that is there; whoever of $1 is still at it; all who are now.
-- These are the transactions that hold the lock of the sequence, as arrays in
-- text. They take it before an id, and it is let go when what they did is there
-- for all to see. So when all have let it go who held it when the newest was
-- seen, the next picture of the data has everything up to there that there will
-- ever be. (A standby does not know who they are.)
--   $1 writers, as this gave them, or {}
WITH newest AS MATERIALIZED (
    SELECT greatest(
        (SELECT id FROM outbound ORDER BY id DESC LIMIT 1),
        (SELECT id FROM event ORDER BY id DESC LIMIT 1),
        (SELECT id FROM event_floor), 0) AS id),
writer AS MATERIALIZED (
    SELECT virtualtransaction AS name FROM pg_locks
        WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
            AND relation = 'outbound_id_seq'::regclass
            AND database = (SELECT oid FROM pg_database
                WHERE datname = current_database()))
SELECT id,
    (SELECT coalesce(array_agg(name)::text, '{}') FROM writer
        WHERE name = ANY ($1::text::text[])) AS remaining,
    (SELECT coalesce(array_agg(name)::text, '{}') FROM writer) AS writers
    FROM newest;
