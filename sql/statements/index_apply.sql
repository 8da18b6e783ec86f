-- Brings a search index in a database of its own from one place to the next, or
-- a part of the way if both are the same: one row, or none, and nothing is done,
-- where it is not at that place, not in that language, or somebody else is at it.
-- What is lost with a database that dies is done again: nobody waits for the
-- disk.
--   $1 place, $2 next, $3 language; documents: $4 posts, $5 authors, $6 edited,
--   in ms since 1970, $7 what they say; $8 posts that are gone
WITH place AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true) FROM follower
        WHERE name = 'index' AND done = $1::bigint
            AND EXISTS (SELECT FROM search_language WHERE language = $3::text)
        FOR UPDATE SKIP LOCKED),
gone AS (
    DELETE FROM search
        WHERE outbound_id = ANY ($8::bigint[]) AND EXISTS (SELECT FROM place)),
added AS (
    INSERT INTO search (outbound_id, participant_id, edited, document)
        SELECT * FROM unnest($4::bigint[], $5::bigint[], $6::bigint[],
                $7::tsvector[])
            WHERE EXISTS (SELECT FROM place)
        ON CONFLICT (outbound_id) DO UPDATE
            SET participant_id = excluded.participant_id,
                edited = excluded.edited, document = excluded.document)
UPDATE follower SET done = $2::bigint
    WHERE name = 'index' AND EXISTS (SELECT FROM place)
    RETURNING done;
