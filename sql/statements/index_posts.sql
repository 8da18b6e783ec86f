-- The first of these posts, as many as have so much text together, at least one:
-- what they say, how much text it is so far, the language of the index, and when
-- they were edited, in ms since 1970 (0: never). Those that are gone are not there.
--   $1 ids, $2 bytes
SELECT id, participant_id, subject, story, bytes,
        (SELECT language FROM search_language),
        coalesce((extract(epoch FROM edited) * 1000)::bigint, 0)
    FROM (SELECT id, participant_id, subject, story, edited,
            sum(octet_length(subject) + octet_length(story))
                OVER (ORDER BY id) AS bytes,
            row_number() OVER (ORDER BY id) AS number
        FROM outbound WHERE id = ANY ($1::bigint[])) post
    WHERE bytes <= $2::bigint OR number = 1
    ORDER BY id;
