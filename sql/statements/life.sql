-- The mark of the life that the database is in (app/replica.h). No row: nobody
-- has written it down yet.
SELECT mark::text FROM life
    WHERE timeline = (SELECT system_identifier FROM pg_control_system()) || ' '
            || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
        AND incarnation = (SELECT id FROM incarnation);
