-- newsfeed, the role of the service, may do what the service does, and cannot
-- do more.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(120);

-- Runs a statement as newsfeed: 'ok', or the error's code.
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'newsfeed', true);
    EXECUTE statement;
    PERFORM set_config('role', 'newsfeed_owner', true);
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN -- which also takes the role back
    RETURN SQLSTATE;
END
$$;

CREATE FUNCTION pg_temp.on_one_line(statement text) RETURNS text
LANGUAGE sql AS $$ SELECT regexp_replace(statement, '\s+', ' ', 'g') $$;

CREATE FUNCTION pg_temp.may(statement text) RETURNS text LANGUAGE sql AS $$
    SELECT is(pg_temp.try(statement), 'ok',
        'may ' || pg_temp.on_one_line(statement))
$$;

-- 42501: insufficient privilege.
CREATE FUNCTION pg_temp.may_not(statement text) RETURNS text LANGUAGE sql AS $$
    SELECT is(pg_temp.try(statement), '42501',
        'may not ' || pg_temp.on_one_line(statement))
$$;

-- --- the roles ---------------------------------------------------------------

SELECT is_empty($$
    SELECT rolname FROM pg_roles WHERE rolname IN ('newsfeed', 'newsfeed_owner')
        AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
            OR rolbypassrls)
    $$, 'neither role is above the others');
SELECT is(pg_has_role('newsfeed', 'newsfeed_owner', 'MEMBER'), false,
    'newsfeed cannot become newsfeed_owner');
SELECT is_empty($$
    SELECT FROM pg_auth_members WHERE member = 'newsfeed'::regrole
    $$, 'nor anybody else');

-- --- the rights, all of them -------------------------------------------------

SELECT table_privs_are('participant', 'newsfeed',
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']);
SELECT table_privs_are(name, 'newsfeed', ARRAY['SELECT', 'INSERT', 'DELETE'])
    FROM unnest(ARRAY['friendship', 'outbound', 'inbound', 'search']) name;
SELECT table_privs_are(name, 'newsfeed',
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
    FROM unnest(ARRAY['outbox', 'idempotency', 'marker', 'webhook_waiting'])
        name;
SELECT table_privs_are(name, 'newsfeed', ARRAY['SELECT', 'INSERT', 'UPDATE'])
    FROM unnest(ARRAY['follower', 'publisher']) name;
SELECT table_privs_are(name, 'newsfeed', ARRAY['SELECT', 'INSERT', 'DELETE'])
    FROM unnest(ARRAY['follower_gap', 'event']) name;
SELECT table_privs_are(name, 'newsfeed', ARRAY['SELECT', 'UPDATE'])
    FROM unnest(ARRAY['search_progress', 'event_floor']) name;
SELECT table_privs_are('life', 'newsfeed', ARRAY['SELECT', 'INSERT']);
SELECT table_privs_are('search_gap', 'newsfeed',
    ARRAY['SELECT', 'INSERT', 'DELETE']);
SELECT table_privs_are(name, 'newsfeed', ARRAY['SELECT'])
    FROM unnest(ARRAY['migration', 'schema_migration', 'incarnation',
        'outbox_kind', 'search_language']) name;
SELECT sequence_privs_are(name, 'newsfeed', ARRAY['USAGE'])
    FROM unnest(ARRAY['friendship_id_seq', 'outbound_id_seq']) name;
SELECT schema_privs_are('public', 'newsfeed', ARRAY['USAGE']);

-- PUBLIC is everybody, newsfeed too.
SELECT is_empty($$
    SELECT relname FROM pg_class, aclexplode(relacl) a
    WHERE relnamespace = 'public'::regnamespace AND a.grantee = 0
        AND relowner = 'newsfeed_owner'::regrole
    $$, 'PUBLIC has no right to any table or sequence');
SELECT is(has_function_privilege('public', name, 'EXECUTE'), false,
    'PUBLIC may not call ' || name)
    FROM unnest(ARRAY['befriend(bigint, bigint, int)',
        'unfriend(bigint, bigint)', 'feed_since(bigint, int)',
        'flush_search()', 'posts_arrived()', 'undelivered(bigint)',
        'note_participants()', 'note_friendships()', 'note_posts()']) name;
SELECT is_empty($$
    SELECT proname FROM pg_proc WHERE proowner = 'newsfeed_owner'::regrole
        AND pronamespace = 'public'::regnamespace AND prosecdef
    $$, 'no function lends the rights of its owner');

SELECT is_empty($$
    SELECT a.privilege_type FROM pg_database, aclexplode(datacl) a
    WHERE datname = current_database() AND a.grantee = 0
    $$, 'PUBLIC has no right to the database');
SELECT database_privs_are(current_database(), 'newsfeed', ARRAY['CONNECT']);
SELECT table_privs_are(name, 'pg_monitor', ARRAY['SELECT'])
    FROM unnest(ARRAY['search_language', 'search_backlog', 'follower_backlog',
        'outbox_backlog',
        'publisher_backlog', 'webhook_backlog']) name;

-- --- what it does ------------------------------------------------------------

INSERT INTO participant (name) VALUES ('Ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('Bob') RETURNING id AS bob \gset

SELECT pg_temp.may('INSERT INTO participant (name) VALUES ($$Eve$$)
    RETURNING id');
SELECT pg_temp.may(format(
    'UPDATE participant SET name = $$Ada L.$$ WHERE id = %s', :ada));
SELECT pg_temp.may(format('SELECT befriend(%s, %s, 50)', :ada, :bob));
SELECT pg_temp.may(format('INSERT INTO outbound (participant_id, subject,
    story) VALUES (%s, $$s$$, $$s$$)', :ada));
SELECT pg_temp.may('UPDATE outbound SET subject = $$s$$, story = $$t$$,
    edited = now()');
SELECT pg_temp.may(format('INSERT INTO inbound SELECT %s, id FROM outbound
    WHERE participant_id = %s', :bob, :ada));
SELECT pg_temp.may(format('INSERT INTO search SELECT id, participant_id,
    to_tsvector(story) FROM outbound WHERE participant_id = %s', :ada));
SELECT pg_temp.may(format('INSERT INTO outbox (kind, participant_id)
    VALUES ($$g$$, %s)', :ada));
SELECT pg_temp.may('SELECT FROM outbox ORDER BY id LIMIT 1
    FOR UPDATE SKIP LOCKED');
SELECT pg_temp.may('UPDATE search_progress SET done = done + 1');
SELECT pg_temp.may('INSERT INTO search_gap VALUES (1, pg_current_xact_id())');
SELECT pg_temp.may('DELETE FROM search_gap');
SELECT pg_temp.may('SELECT flush_search()');
SELECT pg_temp.may('SELECT posts_arrived()');
SELECT pg_temp.may(format('SELECT undelivered(%s)', :bob));
SELECT pg_temp.may('UPDATE outbox SET due = now(), xid = pg_current_xact_id()');
SELECT pg_temp.may('INSERT INTO idempotency (scope, key, fingerprint)
    VALUES ($$/$$, $$k$$, sha256($$$$))');
SELECT pg_temp.may('UPDATE idempotency SET status = 200, body = $${}$$');
SELECT pg_temp.may('SELECT pg_try_advisory_xact_lock(1)');
SELECT pg_temp.may('SELECT version FROM ' || name)
    FROM unnest(ARRAY['migration', 'schema_migration']) name;
SELECT pg_temp.may(format('SELECT unfriend(%s, %s)', :ada, :bob));
SELECT pg_temp.may(format('INSERT INTO marker VALUES (%s, 1)', :ada));
SELECT pg_temp.may('DELETE FROM ' || name) FROM unnest(ARRAY['inbound',
    'search', 'outbound', 'friendship', 'outbox', 'idempotency',
    'participant', 'event', 'marker']) name;

-- --- what it cannot do -------------------------------------------------------

-- What was said was said then, and by whom it was.
SELECT pg_temp.may_not('UPDATE outbound SET ' || what)
    FROM unnest(ARRAY['participant_id = 1', 'occurred = now()']) what;
SELECT pg_temp.may_not('UPDATE event SET kind = $$n$$');
SELECT pg_temp.may_not('UPDATE inbound SET outbound_id = 1');
SELECT pg_temp.may_not('UPDATE friendship SET since = 0');
SELECT pg_temp.may_not('UPDATE search SET document = $$$$');
SELECT pg_temp.may_not('DELETE FROM ' || name)
    FROM unnest(ARRAY['search_progress', 'follower']) name;

SELECT pg_temp.may_not('INSERT INTO migration VALUES
    (999, $$x$$, $$x$$, now(), true)');
SELECT pg_temp.may_not('UPDATE migration SET checksum = $$x$$');
SELECT pg_temp.may_not('DELETE FROM ' || name)
    FROM unnest(ARRAY['migration', 'schema_migration', 'incarnation']) name;
SELECT pg_temp.may_not('UPDATE incarnation SET id = gen_random_uuid()');

SELECT pg_temp.may_not('TRUNCATE ' || name) FROM unnest(ARRAY['participant',
    'friendship', 'outbound', 'inbound', 'search', 'outbox', 'idempotency',
    'migration']) name;
SELECT pg_temp.may_not('DROP TABLE ' || name) FROM unnest(ARRAY['participant',
    'outbound', 'migration']) name;
SELECT pg_temp.may_not('ALTER TABLE participant ADD extra text');
SELECT pg_temp.may_not('ALTER TABLE outbound OWNER TO newsfeed');
SELECT pg_temp.may_not('CREATE INDEX ON outbound (occurred)');
SELECT pg_temp.may_not('CREATE TABLE public.mine (id int)');
SELECT pg_temp.may_not('CREATE FUNCTION public.mine() RETURNS int
    LANGUAGE sql AS $$ SELECT 1 $$');
SELECT pg_temp.may_not('CREATE SCHEMA mine');
SELECT pg_temp.may_not('ALTER FUNCTION befriend(bigint, bigint, int)
    SECURITY DEFINER');
SELECT pg_temp.may_not('DROP FUNCTION unfriend(bigint, bigint)');
SELECT pg_temp.may_not('SELECT setval($$friendship_id_seq$$, 1)');
SELECT pg_temp.may_not('SELECT nextval($$participant_id_seq$$)');
SELECT pg_temp.may_not('CREATE TEMPORARY TABLE mine (id int)');
SELECT pg_temp.may_not('SELECT ' || call) FROM unnest(ARRAY['lo_creat(-1)',
    'lo_create(0)', 'lo_from_bytea(0, $$x$$)']) call;
SELECT pg_temp.may_not('CREATE ROLE mine');
SELECT pg_temp.may_not('COPY participant TO PROGRAM $$true$$');

SELECT * FROM finish();
ROLLBACK;
