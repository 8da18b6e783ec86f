-- Moves an outlet's place, and holds it on: a row, if it is still held and where
-- it was left.
--   $1 outlet, $2 holder, $3 ms, $4 and $5 the place it has, $6 and $7 its next
UPDATE publisher
    SET pos = $6::bigint, sub = $7::bigint, seen = now(),
        held_until = now() + $3::bigint * interval '1 ms'
    WHERE name = $1::text AND holder = $2::text
        AND pos = $4::bigint AND sub = $5::bigint
    RETURNING pos;
