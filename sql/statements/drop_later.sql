-- Notes that the pages of these participants and of their friends are to be
-- dropped from these servers: an order for each participant and server, unless
-- there is one that nobody works on. It is held, so that nobody begins with it
-- before what is noted here has been committed.
--   $1 participants, $2 numbers of servers, $3 seconds that a page lives
--
-- `progress` is for programs before migration 4: the time from which on there is
-- no such page, in s since 1970.
WITH wanted AS (
    SELECT DISTINCT participant, server
        FROM unnest($1::bigint[]) participant, unnest($2::bigint[]) server),
waiting AS (
    SELECT participant, server FROM wanted CROSS JOIN LATERAL (
        SELECT FROM outbox WHERE kind = 'c'
            AND other_id = server AND participant_id = participant
        LIMIT 1 FOR KEY SHARE SKIP LOCKED) o)
INSERT INTO outbox (kind, participant_id, other_id, progress)
    SELECT 'c', participant, server,
        extract(epoch FROM now())::bigint + $3::bigint
    FROM (TABLE wanted EXCEPT TABLE waiting) missing;
