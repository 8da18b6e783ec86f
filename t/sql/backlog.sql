-- The views that operators look at.
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(5);

DELETE FROM outbox;
SELECT set_eq($$ SELECT kind, name FROM outbox_backlog
        WHERE orders = 0 AND age = '0' AND name > '' $$,
    'TABLE outbox_kind', 'every kind is named where nothing is to do');

INSERT INTO outbox (kind, participant_id, created)
    VALUES ('d', 1, now() - interval '7 min'), ('d', 2, now()),
        ('x', 3, now() - interval '2 days'), ('f', 4, now() + interval '1 h');
SELECT results_eq($$ SELECT kind::text, name, orders, age FROM outbox_backlog
    WHERE orders > 0 ORDER BY kind $$, $$
    VALUES ('d', 'deliver', 2::bigint, interval '7 min'),
        ('f', 'reconcile feeds', 1, '0'), ('x', 'set aside', 1, '2 days') $$,
    'orders are counted, and how old the oldest is');

INSERT INTO outbox (kind, participant_id) VALUES ('z', 1), ('z', 2);
SELECT results_eq($$ SELECT name, orders FROM outbox_backlog
    WHERE kind = 'z' $$, $$ VALUES ('unknown', 2::bigint) $$,
    'those of a kind without a name are counted, too');

SELECT has_column('outbox', 'created');
SET LOCAL ROLE pg_monitor;
SELECT lives_ok('SELECT FROM outbox_backlog, search_backlog',
    'whoever monitors the server may look');

SELECT * FROM finish();
ROLLBACK;
