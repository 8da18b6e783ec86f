-- What there is to do: of which kinds there are orders - letter, whether one is
-- due, and the kind's name, or null - and of each follower, without a letter,
-- whether there are posts or events behind its place, or may be. One look into the
-- index for each, for an outbox may be long, and gaps many: with EXISTS, or IN, a
-- plan that was made while they were few would read through all of them.
--   $1 letters of the kinds that this program knows, $2 ms of the longest
--   pause, $3 names of its followers, a space between two
--
-- A follower that is new gets its place. A clock that was set back leaves orders
-- that are made and due later than any pause can make them: they were made and
-- are due now, so many at a time.
WITH RECURSIVE put_off AS (
    UPDATE outbox SET due = now(), created = least(created, now())
        WHERE id = ANY (ARRAY(
            SELECT id FROM unnest(string_to_array($1::text, NULL)) letter
                CROSS JOIN LATERAL (SELECT id FROM outbox
                    WHERE kind = letter::"char"
                        AND due > now() + $2::bigint * interval '1 ms'
                    ORDER BY due LIMIT 1000 FOR UPDATE SKIP LOCKED) late))),
present (kind) AS (
    (SELECT kind FROM outbox ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT o.kind FROM outbox o WHERE o.kind > present.kind
            ORDER BY o.kind LIMIT 1)
        FROM present WHERE present.kind IS NOT NULL),
place AS (
    SELECT name, done FROM unnest(string_to_array($3::text, ' ')) name
        LEFT JOIN follower USING (name)),
new AS (
    INSERT INTO follower (name) SELECT name FROM place WHERE done IS NULL
        ON CONFLICT DO NOTHING)
SELECT kind::text, (SELECT due FROM outbox o WHERE o.kind = present.kind
            ORDER BY due LIMIT 1) <= now(), name
    FROM present LEFT JOIN outbox_kind USING (kind) WHERE kind IS NOT NULL
UNION ALL
SELECT NULL, (SELECT id FROM outbound WHERE id > coalesce(done, 0) LIMIT 1)
            IS NOT NULL
        OR (SELECT id FROM event WHERE id > coalesce(done, 0) LIMIT 1)
            IS NOT NULL
        OR (SELECT outbound_id FROM follower_gap WHERE follower = name LIMIT 1)
            IS NOT NULL, name
    FROM place;
