-- The tables: what they hold, what their keys forbid, what is filled in.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(54);

SELECT tables_are('public', ARRAY['participant', 'friendship', 'outbound',
    'inbound', 'search', 'follower', 'follower_gap', 'outbox',
    'outbox_kind', 'idempotency', 'incarnation', 'migration', 'event',
    'event_floor', 'marker', 'publisher', 'webhook_waiting',
    'search_language', 'life']);
SELECT views_are('public', ARRAY['search_backlog', 'search_progress',
    'search_gap', 'follower_backlog', 'outbox_backlog', 'publisher_backlog',
    'webhook_backlog',
    'schema_migration', 'tap_funky', 'pg_all_foreign_keys']);

-- --- keys --------------------------------------------------------------------

SELECT col_is_pk('participant', 'id');
SELECT col_is_pk('friendship', ARRAY['participant_id', 'friend_id']);
SELECT col_is_pk('outbound', 'id');
SELECT col_is_pk('inbound', ARRAY['participant_id', 'outbound_id']);
SELECT col_is_pk('search', 'outbound_id');
SELECT col_is_pk('outbox', 'id');
SELECT col_is_pk('follower', 'name');
SELECT col_is_pk('publisher', 'name');
SELECT col_is_pk('webhook_waiting', ARRAY['publisher', 'participant_id']);
SELECT col_is_pk('follower_gap', ARRAY['follower', 'outbound_id']);
SELECT col_is_pk('idempotency', ARRAY['scope', 'key']);
SELECT col_is_pk('migration', 'version');
SELECT col_is_pk('event', ARRAY['participant_id', 'id']);
SELECT col_is_pk('marker', 'participant_id');

-- Pages of these lists are read by their cursor.
SELECT has_index('friendship', 'friendship_page',
    ARRAY['participant_id', 'id']);
SELECT index_is_unique('friendship', 'friendship_page');
SELECT has_index('outbound', 'outbound_page', ARRAY['participant_id', 'id']);
SELECT has_index('event', 'event_id', 'id');
SELECT has_index('search', 'search_document', 'document');
SELECT index_is_type('search', 'search_document', 'gin');
SELECT has_index('outbox', 'outbox_due', ARRAY['kind', 'due']);
SELECT has_index('idempotency', 'idempotency_created', 'created');

-- A place for each follower, which whoever works for it holds.
SELECT results_eq('SELECT name FROM follower ORDER BY name',
    $$ VALUES ('drop'), ('index') $$, 'those that the service has');

-- A removal leaves rows to the dispatcher: nothing may stand in its way.
SELECT is_empty($$ SELECT conname FROM pg_constraint WHERE contype = 'f' $$,
    'there are no foreign keys');

-- A feed refers to posts, it does not copy them.
SELECT columns_are('inbound', ARRAY['participant_id', 'outbound_id']);

-- --- columns -----------------------------------------------------------------

SELECT columns_are('participant', ARRAY['id', 'name']);
SELECT columns_are('outbound',
    ARRAY['id', 'participant_id', 'occurred', 'subject', 'story', 'edited']);
SELECT columns_are('friendship',
    ARRAY['participant_id', 'friend_id', 'id', 'since', 'made']);

SELECT is_empty($$
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type <> 'bigint'
        AND table_name NOT IN ('incarnation', 'pg_all_foreign_keys')
        AND (column_name = 'id' OR column_name LIKE '%\_id')
    $$, 'every id is a bigint');
SELECT is_empty($$
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND is_nullable = 'YES'
        AND table_name IN ('participant', 'friendship', 'outbound', 'inbound',
            'search', 'follower', 'follower_gap', 'outbox', 'event', 'marker')
        AND column_name NOT IN ('edited', 'made')
    $$, 'nothing of these tables is ever null');

-- What clients see has milliseconds.
SELECT col_type_is('outbound', 'occurred', 'timestamp(3) with time zone');

-- --- what is forbidden -------------------------------------------------------

INSERT INTO participant (name) VALUES ('Ada') RETURNING id AS ada \gset
INSERT INTO outbound (participant_id, subject, story)
    VALUES (:ada, 'subject', 'story') RETURNING id AS post \gset
SELECT :ada + 1 AS bob \gset

SELECT throws_ok('INSERT INTO participant (id, name) VALUES (1, $$Bob$$)',
    '428C9', NULL, 'ids of participants are given');
SELECT throws_ok('INSERT INTO outbound (id, participant_id, subject, story)
    VALUES (1, 1, $$s$$, $$s$$)', '428C9', NULL, 'ids of posts are given');

SELECT throws_ok(format('INSERT INTO friendship VALUES (%s, %1$s, 1, 0)', :ada),
    '23514', NULL, 'nobody is a friend of oneself');
INSERT INTO friendship VALUES (:ada, :bob, -1, 0);
SELECT throws_ok(
    format('INSERT INTO friendship VALUES (%s, %s, -2, 0)', :ada, :bob),
    '23505', NULL, 'friends are so once');
SELECT throws_ok(
    format('INSERT INTO friendship VALUES (%s, %s, -1, 0)', :ada, :bob + 1),
    '23505', NULL, 'a friendship stands once on a side');
SELECT lives_ok(
    format('INSERT INTO friendship VALUES (%s, %s, -1, 0)', :bob, :ada),
    'and with the same id on the other');

INSERT INTO inbound VALUES (:bob, :post);
SELECT throws_ok(format('INSERT INTO inbound VALUES (%s, %s)', :bob, :post),
    '23505', NULL, 'a post is delivered once');
INSERT INTO search VALUES (:post, :ada, '');
SELECT throws_ok(
    format('INSERT INTO search VALUES (%s, %s, $$$$)', :post, :ada),
    '23505', NULL, 'a post is indexed once');

INSERT INTO idempotency (scope, key, fingerprint) VALUES ('/a', 'k', '');
SELECT throws_ok('INSERT INTO idempotency (scope, key, fingerprint)
    VALUES ($$/a$$, $$k$$, $$$$)', '23505', NULL, 'a key is used once');
SELECT lives_ok('INSERT INTO idempotency (scope, key, fingerprint)
    VALUES ($$/b$$, $$k$$, $$$$)', 'and once more for another path');

-- --- what is filled in -------------------------------------------------------

SELECT is(occurred, now()::timestamptz(3), 'a post occurs when it is made')
    FROM outbound WHERE id = :post;

INSERT INTO outbox (kind, participant_id) VALUES ('g', :ada)
    RETURNING id AS "order" \gset
SELECT is(xid, pg_current_xact_id(), 'an order knows its transaction')
    FROM outbox WHERE id = :order;
SELECT is(due, now(), 'an order is due at once')
    FROM outbox WHERE id = :order;
SELECT is((other_id, previous, progress), (0::bigint, 0::bigint, 0::bigint),
    'an order begins at the beginning') FROM outbox WHERE id = :order;

SELECT is((status, body, created), (NULL::int, NULL::text, now()),
    'a key has no answer at first') FROM idempotency WHERE scope = '/a';

-- --- ids ---------------------------------------------------------------------

INSERT INTO outbound (participant_id, subject, story)
    VALUES (:ada, 'subject', 'story') RETURNING id AS later \gset
SELECT cmp_ok(:later::bigint, '>', :post::bigint,
    'a later post has a larger id');
SELECT is_empty($$
    SELECT sequencename FROM pg_sequences
    WHERE schemaname = 'public' AND cache_size <> 1
    $$, 'no session holds ids back');
SELECT is_empty($$
    SELECT sequencename FROM pg_sequences
    WHERE schemaname = 'public' AND (cycle OR max_value < 9223372036854775807)
    $$, 'ids do not come again');

-- --- migrations --------------------------------------------------------------

SELECT results_eq('SELECT min(version), count(*) = max(version)
    FROM migration', $$ VALUES (1, true) $$,
    'every migration is written down');
SELECT is_empty($$ SELECT FROM migration
    WHERE checksum !~ '^[0-9a-f]{64}$' $$, 'with a checksum');
SELECT is_empty($$
    SELECT relname FROM pg_class JOIN pg_roles r ON r.oid = relowner
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
        AND rolname <> 'newsfeed_owner'
    $$, 'one role owns all of it');

SELECT * FROM finish();
ROLLBACK;
