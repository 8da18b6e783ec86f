-- sql/statements/life.sql: the mark of the life that the database is in.
\set statement `cat sql/statements/life.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(6);
PREPARE life AS :statement
DELETE FROM life;

SELECT isnt_empty('EXECUTE life', 'whoever meets it first writes it down');
SELECT results_eq('EXECUTE life', 'SELECT mark::text FROM life',
    'and whoever comes later finds it');
SELECT is(timeline, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    'for the timeline') FROM life;
SELECT is(life.incarnation, i.id, 'and the incarnation')
    FROM life, incarnation i;

UPDATE life SET timeline = '00000000';
SELECT isnt_empty('EXECUTE life', 'another timeline has another mark');
SELECT is(count(DISTINCT mark), 2::bigint, 'and the first one stays')
    FROM life;
SELECT * FROM finish();
ROLLBACK;
