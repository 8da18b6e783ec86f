-- Of which kinds there are orders: letter, whether one is due, and the kind's
-- name, or null. One look into the index for each: an outbox may be long.
--   $1 letters of the kinds that this program knows, $2 ms of the longest
--   pause, $3 kinds at most
--
-- A clock that was set back leaves orders that are made and due later than any
-- pause can make them: they were made and are due now.
WITH RECURSIVE put_off AS (
    UPDATE outbox SET due = now(), created = least(created, now())
        WHERE id IN (SELECT id FROM outbox
            WHERE kind = ANY (string_to_array($1::text, NULL)::"char"[])
                AND due > now() + $2::bigint * interval '1 ms'
            FOR UPDATE SKIP LOCKED)),
present (kind) AS (
    (SELECT kind FROM outbox ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT o.kind FROM outbox o WHERE o.kind > present.kind
            ORDER BY o.kind LIMIT 1)
        FROM present WHERE present.kind IS NOT NULL)
SELECT kind::text, EXISTS (SELECT FROM outbox o
        WHERE o.kind = present.kind AND due <= now()), name
    FROM present LEFT JOIN outbox_kind USING (kind)
    WHERE kind IS NOT NULL LIMIT $3::bigint;
