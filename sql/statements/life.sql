-- The mark of the life that the database is in (app/replica.h), which is
-- written down if nobody has done that before. No row: somebody else is just
-- doing it.
WITH here AS MATERIALIZED (
    SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline,
            id AS incarnation
        FROM incarnation),
known AS MATERIALIZED (
    SELECT mark FROM life JOIN here USING (timeline, incarnation)),
new AS (
    INSERT INTO life (timeline, incarnation)
        SELECT timeline, incarnation FROM here
            WHERE NOT EXISTS (SELECT FROM known)
        ON CONFLICT DO NOTHING RETURNING mark)
SELECT mark::text FROM known UNION ALL SELECT mark::text FROM new;
