-- The next posts of a follower, oldest first, late ones included. None as well
-- where another dispatcher is at it, which is kept away until the transaction
-- ends. What is lost with a database that dies was done for nothing, and is
-- done again: so nobody waits for the disk.
--
-- The ids of events lie among those of posts, and are taken with them: they are
-- as if their posts were gone, and hold up nobody's place.
--   $1 follower, $2 posts at most
--
-- The lock gives the transaction its number, behind this statement's picture of
-- the data: follower_pass.sql relies on it.
WITH progress AS MATERIALIZED (
    SELECT name, done, set_config('synchronous_commit', 'off', true)
        FROM follower WHERE name = $1::text FOR UPDATE SKIP LOCKED)
SELECT o.id FROM progress CROSS JOIN LATERAL (
        (SELECT id FROM follower_gap JOIN outbound ON id = outbound_id
            WHERE follower = name ORDER BY id LIMIT $2::bigint)
        UNION ALL
        (SELECT id FROM outbound WHERE id > done ORDER BY id LIMIT $2)
        UNION ALL
        (SELECT DISTINCT id FROM event WHERE id > done ORDER BY id LIMIT $2)) o
    ORDER BY o.id LIMIT $2;
