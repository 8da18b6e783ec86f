-- sql/statements/life_begin.sql: the mark of a life that nobody knew.
\set statement `cat sql/statements/life_begin.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(6);
PREPARE begin AS :statement
DELETE FROM life;

SELECT isnt_empty('EXECUTE begin', 'whoever meets it first writes it down');
SELECT is(current_setting('synchronous_commit'), 'local',
    'and waits for no standby');
SELECT is_empty('EXECUTE begin', 'nobody else does');
SELECT is(timeline, system_identifier || ' '
        || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    'for the server and its timeline') FROM life, pg_control_system();
SELECT is(life.incarnation, i.id, 'and the incarnation')
    FROM life, incarnation i;

UPDATE life SET timeline = '00000000';
EXECUTE begin \g /dev/null
SELECT is(count(DISTINCT mark), 2::bigint,
    'another one has another mark, and the first one stays') FROM life;
SELECT * FROM finish();
ROLLBACK;
