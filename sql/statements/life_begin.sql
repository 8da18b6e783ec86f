-- Writes down the life that the database is in (life.sql), and gives its mark.
-- No row: somebody else has just done it. It waits for no standby: a mark that
-- is lost with the primary is that of a life that has ended.
WITH here AS MATERIALIZED (
    SELECT (SELECT system_identifier FROM pg_control_system()) || ' '
                || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
                AS timeline,
            id AS incarnation, set_config('synchronous_commit', 'local', true)
        FROM incarnation)
INSERT INTO life (timeline, incarnation)
    SELECT timeline, incarnation FROM here
    ON CONFLICT DO NOTHING RETURNING mark::text;
