-- Who may still bring a post whose id was taken before now: the transactions
-- that hold the lock of the sequence, as an array in text. They take it before
-- an id, and it is let go when what they did is there for all to see. So when
-- all who held it after a post was seen have let it go, the next picture of the
-- data has every post before that one that there will ever be. (A standby does
-- not know who they are.)
--   $1 from among these; {}: from all
SELECT coalesce(array_agg(virtualtransaction)::text, '{}') AS writers
    FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
        AND relation = 'outbound_id_seq'::regclass
        AND database = (SELECT oid FROM pg_database
            WHERE datname = current_database())
        AND ($1::text = '{}' OR virtualtransaction = ANY ($1::text[]));
