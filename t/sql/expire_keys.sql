-- sql/statements/expire_keys.sql: old idempotency keys go.
\set statement `cat sql/statements/expire_keys.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(4);
PREPARE expire (bigint, bigint) AS :statement

DELETE FROM idempotency;
INSERT INTO idempotency (scope, key, fingerprint, created)
    SELECT '/', 'old' || n, '', now() - interval '121 min'
    FROM generate_series(1, 3) n
    UNION ALL VALUES ('/', 'young', ''::bytea, now() - interval '119 min'),
        ('/', 'early', '', now() + interval '10 years');

EXECUTE expire(2, 2) \gset
SELECT is(:count, 2, 'so many at a time');
EXECUTE expire(2, 2) \gset
SELECT is(:count, 1, 'until none is left');
SELECT results_eq('SELECT key, created FROM idempotency ORDER BY key',
    $$ VALUES ('early', now()), ('young', now() - interval '119 min') $$,
    'the young stay; one from the future is as old as it can be known to be');
EXECUTE expire(2, 2) \gset
SELECT is(:count, 0, 'and does not go yet');

SELECT * FROM finish();
ROLLBACK;
