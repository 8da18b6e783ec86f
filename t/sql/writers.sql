-- sql/statements/writers.sql: who may still bring a post.
\set statement `cat sql/statements/writers.sql`
BEGIN;
SELECT plan(8);
PREPARE writers (text) AS :statement
EXECUTE writers('{}') \gset none_
SELECT is(:'none_writers'::text, '{}', 'nobody');

SET LOCAL ROLE newsfeed_owner;
SELECT virtualtransaction AS me FROM pg_locks
    WHERE locktype = 'virtualxid' AND pid = pg_backend_pid() \gset

CREATE FUNCTION pg_temp.is(others text, expected text, reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    row record;
BEGIN
    EXECUTE format('EXECUTE writers(%L)', others) INTO row;
    RETURN is(row.writers, expected, reason);
END
$$;

SELECT last_value FROM outbound_id_seq \g /dev/null
SELECT nextval('friendship_id_seq') \g /dev/null
SELECT pg_temp.is('{}', '{}', 'nor who looks, or takes other numbers');
SAVEPOINT failed;
INSERT INTO outbound (participant_id, subject, story) VALUES (1, 's', 's');
SELECT pg_temp.is('{}', format('{%s}', :'me'), 'who has made a post');
ROLLBACK TO failed;
SELECT pg_temp.is('{}', format('{%s}', :'me'), 'or could not, until it ends');
SELECT pg_temp.is(format('{1/1,%s}', :'me'), format('{%s}', :'me'),
    'of those that were told, it is left');
SELECT pg_temp.is('{1/1}', '{}', 'and no others count');
SELECT is((SELECT count(*) FROM pg_locks
    WHERE relation = 'outbound_id_seq'::regclass
        AND mode = 'RowExclusiveLock'), 1::bigint,
    'there is one sequence of that name here');
SET LOCAL ROLE newsfeed;
EXECUTE writers('{}') \gset service_
RESET ROLE;
SELECT is(:'service_writers'::text, format('{%s}', :'me'), 'the service sees it');

SELECT * FROM finish();
ROLLBACK;
