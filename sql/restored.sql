-- After a restore, before the service starts: what was written since the backup
-- is forgotten, but clients and caches may still know it. Ids go on far behind
-- all that were ever given, and the database begins a life of its own, so that
-- programs take no page that was cached in the one before.
--
-- Run it as the role that owns the tables; safe to run again:
--     psql -f restored.sql "dbname=newsfeed options=-crole=newsfeed_owner"
\set ON_ERROR_STOP 1
BEGIN;

-- A thousand million, in a space that has room for thousands of such steps.
-- Followers of posts cope with that (see sql/statements/follower_pass.sql).
SELECT sequencename AS sequence, setval(format('%I.%I', schemaname, sequencename),
    coalesce(last_value, 0) + 1000000000) AS goes_on_behind
FROM pg_sequences
WHERE schemaname = 'public' AND sequenceowner = current_user;

UPDATE incarnation SET id = gen_random_uuid();
COMMIT;
