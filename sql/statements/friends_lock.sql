-- Takes the locks of so many pairs, each as befriend() and unfriend() take one,
-- before anything is looked at. All take them in one order, so that nobody waits
-- in a ring, and four requests at most take many at a time: PostgreSQL has room
-- for 64 locks a session, of all sessions together.
--   $1 participant, $2 others
SELECT count(pg_advisory_xact_lock(lock)) FROM (
    SELECT hashtextextended('befriend many', pg_backend_pid() % 4) AS lock
    UNION ALL
    (SELECT DISTINCT hashint8extended(least($1::bigint, id), greatest($1, id))
        FROM unnest($2::bigint[]) id ORDER BY 1)) in_order;
