-- sql/statements/follower_pass.sql: a follower is done with posts. (What comes
-- while it runs is in t/e2e/test_followers.py.)
\set statement `cat sql/statements/follower_pass.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(5);
PREPARE pass (text, bigint[]) AS :statement

DELETE FROM follower_gap;
INSERT INTO follower VALUES ('one', 100), ('other', 100);

EXECUTE pass('one', '{101,102,104}');
SELECT results_eq($$ SELECT name, done FROM follower
    WHERE name IN ('one', 'other') ORDER BY name $$,
    $$ VALUES ('one', 104::bigint), ('other', 100) $$, 'one, and no other');
SELECT results_eq('SELECT follower, outbound_id, xid FROM follower_gap',
    $$ VALUES ('one', 103::bigint, pg_current_xact_id()) $$,
    'what lies between them may still come, from below this transaction');

EXECUTE pass('one', '{103}');
SELECT is_empty('SELECT FROM follower_gap', 'what came late is no gap any more');
SELECT is(done, 104::bigint, 'and leads nowhere back') FROM follower
    WHERE name = 'one';

EXECUTE pass('one', '{107,9000000}');
SELECT results_eq($$ SELECT g[1:3], cardinality(g), g[2002] FROM (
        SELECT array_agg(outbound_id ORDER BY outbound_id) g FROM follower_gap
    ) gaps $$,
    'VALUES (ARRAY[105, 106, 108]::bigint[], 2002, 8999999::bigint)',
    'of a jump so many are noted as may be under way on either side');

SELECT * FROM finish();
ROLLBACK;
