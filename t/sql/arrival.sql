-- sql/statements/arrival.sql: how far all has come, and who may still bring
-- something. (What others write meanwhile is in t/e2e/test_stream.py.)
\set statement `cat sql/statements/arrival.sql`
BEGIN;
SELECT plan(13);
PREPARE arrival (text) AS :statement
EXECUTE arrival('{}') \gset none_
SELECT is(:'none_writers'::text, '{}', 'nobody writes');

SET LOCAL ROLE newsfeed_owner;
SELECT virtualtransaction AS me FROM pg_locks
    WHERE locktype = 'virtualxid' AND pid = pg_backend_pid() \gset

CREATE FUNCTION pg_temp.is_left(others text, expected text, reason text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    row record;
BEGIN
    EXECUTE format('EXECUTE arrival(%L)', others) INTO row;
    RETURN is(CASE others WHEN '{}' THEN row.writers ELSE row.remaining END,
        expected, reason);
END
$$;

SELECT last_value FROM outbound_id_seq \g /dev/null
SELECT nextval('friendship_id_seq') \g /dev/null
SELECT pg_temp.is_left('{}', '{}', 'nor who looks, or takes other numbers');
SAVEPOINT failed;
INSERT INTO outbound (participant_id, subject, story) VALUES (1, 's', 's');
SELECT pg_temp.is_left('{}', format('{%s}', :'me'), 'who has made a post');
ROLLBACK TO failed;
SELECT pg_temp.is_left('{}', format('{%s}', :'me'),
    'or could not, until it ends');
SELECT pg_temp.is_left(format('{1/1,%s}', :'me'), format('{%s}', :'me'),
    'of those that were told, it is left');
SELECT pg_temp.is_left('{1/1}', '{}', 'and no others count');
SELECT is((SELECT count(*) FROM pg_locks
    WHERE relation = 'outbound_id_seq'::regclass
        AND mode = 'RowExclusiveLock'), 1::bigint,
    'there is one sequence of that name here');
SET LOCAL ROLE newsfeed;
EXECUTE arrival('{}') \gset service_
RESET ROLE;
SELECT is(:'service_writers'::text, format('{%s}', :'me'),
    'the service sees it');

SET LOCAL ROLE newsfeed_owner;
DELETE FROM outbound;
DELETE FROM event;
EXECUTE arrival('{}') \gset
SELECT is(:id::bigint, 0::bigint, 'nothing has come');
SELECT is(:'remaining'::text, '{}', 'of nobody none is left');
INSERT INTO outbound (participant_id, subject, story) VALUES (1, 's', 't')
    RETURNING id AS post \gset
EXECUTE arrival('{}') \gset
SELECT is(:id, :post, 'a post');
INSERT INTO event (participant_id, id, kind)
    VALUES (1, nextval('outbound_id_seq'), 'n') RETURNING id AS event \gset
EXECUTE arrival('{}') \gset
SELECT is(:id, :event, 'an event');
UPDATE event_floor SET id = :event + 1;
EXECUTE arrival('{}') \gset
SELECT is(:id, :event + 1, 'an event that is no longer kept');

SELECT * FROM finish();
ROLLBACK;
