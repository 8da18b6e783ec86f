-- What an operator is told of: the schema's version, how far the followers are
-- behind, what the outbox holds, what outlets have yet to tell, and participants
-- who wait at one that did not take an event - part, name, how many, and for how
-- long the oldest of them is there, or nothing was taken of one who waits, or of
-- all, in ms - and what language the search is in. No more are looked at than a limit, so that it
-- costs as little when there are many: of orders one that plans do not know, or
-- all of a kind, which statistics often take for few, would be read and sorted.
--   $1 the limit, $2 up to where an index has come that has a database of its own;
--   -2: it does not say, and is as far as it was when it noted what it needs; -1:
--   there is none
SELECT 1 AS part, 'schema' AS name, max(version)::bigint AS count, 0::bigint AS ms
    FROM migration
UNION ALL
SELECT 2, name, late + behind,
        greatest(0, extract(epoch FROM now() - least(late_since, behind_since))
            * 1000)::bigint
    FROM (
        SELECT name, done, name AS late_by FROM follower
            WHERE $2::bigint = -1 OR name <> 'index'
        UNION ALL
        SELECT 'index', CASE WHEN $2 >= 0 THEN $2 ELSE coalesce((
                SELECT pos FROM publisher WHERE name = 'search'), 0) END, NULL
            WHERE $2 <> -1) follower
    CROSS JOIN LATERAL (
        SELECT count(*) AS late, min(occurred) AS late_since FROM (
            SELECT occurred FROM follower_gap
                JOIN outbound ON id = outbound_id
                WHERE follower = late_by LIMIT $1::bigint) o) gaps
    CROSS JOIN LATERAL (
        SELECT count(*) AS behind, min(occurred) AS behind_since FROM (
            SELECT occurred FROM outbound WHERE id > done
                ORDER BY id LIMIT $1) o) posts
UNION ALL
SELECT 3, coalesce(name, 'unknown'), count,
        greatest(0, extract(epoch FROM now() - since) * 1000)::bigint
    FROM outbox_kind CROSS JOIN LATERAL (
        SELECT count(*), min(created) AS since FROM (
            SELECT created FROM outbox o WHERE o.kind = outbox_kind.kind
                ORDER BY due LIMIT (SELECT $1)) o) orders
UNION ALL
SELECT 4, name, count,
        greatest(0, extract(epoch FROM now() - since) * 1000)::bigint
    FROM publisher CROSS JOIN LATERAL (
        SELECT count(*), min(occurred) AS since FROM (
            (SELECT id, occurred FROM event
                WHERE id >= pos
                    AND (id > pos OR sub <> 0 AND participant_id > sub)
                ORDER BY id LIMIT $1)
            UNION ALL
            (SELECT id, occurred FROM outbound WHERE id > pos
                ORDER BY id LIMIT $1)
            ORDER BY id LIMIT $1) o) events
UNION ALL
SELECT 5, language, 0, 0 FROM search_language
UNION ALL
SELECT 6, name, count(*) FILTER (WHERE participant_id <> 0),
        greatest(0, extract(epoch FROM now() - min(since)) * 1000)::bigint
    FROM publisher LEFT JOIN webhook_waiting ON publisher = name
    GROUP BY name;
