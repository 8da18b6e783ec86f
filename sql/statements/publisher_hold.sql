-- Takes an outlet, or goes on to hold it, unless another one does: its place. A
-- new one begins at $4. Nobody holds one for longer than $3 from now on: what is
-- said to be held for twice that was held before the clock was set back.
--   $1 outlet, $2 holder, $3 ms, $4 up to where all has arrived
INSERT INTO publisher AS p (name, pos, holder, held_until)
    VALUES ($1::text, $4::bigint, $2::text,
        now() + $3::bigint * interval '1 ms')
    ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder, held_until = excluded.held_until,
            seen = now()
        WHERE p.holder = $2
            OR p.held_until NOT BETWEEN now()
                AND now() + 2 * $3 * interval '1 ms'
    RETURNING pos, sub;
