-- sql/statements/friends_lock.sql: the locks of many pairs.
\set statement `cat sql/statements/friends_lock.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(5);
PREPARE lock (bigint, bigint[]) AS :statement

CREATE FUNCTION pg_temp.count() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid()
$$;

INSERT INTO participant (name) SELECT 'somebody' FROM generate_series(1, 3);
SELECT max(id) AS c, max(id) - 1 AS b, max(id) - 2 AS a FROM participant \gset

SELECT befriend(:a, :c, 0) IS NOT NULL AS done \gset
SELECT befriend(:b, :c, 0) IS NOT NULL AS done \gset
SELECT is(pg_temp.count(), 2::bigint, 'two pairs, two locks');
EXECUTE lock(:c, ARRAY[:b, :a, :b]::bigint[]) \g /dev/null
SELECT is(pg_temp.count(), 3::bigint,
    'of the same pairs they are the same, and one more is of the few who may');
EXECUTE lock(:a, ARRAY[:b]::bigint[]) \g /dev/null
SELECT is(pg_temp.count(), 4::bigint, 'of another there is another');
SELECT unfriend(:b, :a) AS done \gset
SELECT is(pg_temp.count(), 4::bigint, 'which unfriend() takes as well');
SELECT ok(4 * 1000 < current_setting('max_locks_per_transaction')::int
        * current_setting('max_connections')::int,
    'with its defaults, PostgreSQL has room for what four may take');

SELECT * FROM finish();
ROLLBACK;
