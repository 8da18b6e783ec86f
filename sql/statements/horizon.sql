-- Up to which id all posts have arrived for good, so that nothing can come below
-- any more that a list does not show, and the newest post that is there.
--   $1 reader whose feed it is about, or 0
--
-- Up to where who drops pages has come, that is known (see app/follower.h);
-- behind that as far as no id is missing. One that has been missing for a minute
-- will not come: no request takes that long. A feed's end as well before what
-- is still being delivered to it. Where nobody has followed for long, all that
-- is there is shown.
WITH known AS MATERIALIZED (
    SELECT least(done, (SELECT outbound_id - 1 FROM follower_gap
            WHERE follower = name AND coalesce(
                (SELECT occurred FROM outbound WHERE id > outbound_id
                    ORDER BY id LIMIT 1), now()) > now() - interval '1 min'
            ORDER BY outbound_id LIMIT 1)) AS id
        FROM follower WHERE name = 'drop'),
recent AS MATERIALIZED (
    SELECT o.id, occurred, lag(o.id, 1, known.id) OVER (ORDER BY o.id) AS last
        FROM known, LATERAL (
            SELECT id, occurred FROM outbound WHERE id > known.id
            ORDER BY id LIMIT 10000) o),
delivery AS MATERIALIZED (
    SELECT min(other_id) - 1 AS id FROM outbox d
        JOIN friendship f ON f.participant_id = $1::bigint
            AND f.friend_id = d.participant_id
        WHERE kind = 'd'),
size AS MATERIALIZED (
    SELECT count(*) = 10000 AS is_old, max(id) AS newest FROM recent)
SELECT least(CASE WHEN is_old THEN 9223372036854775806
                ELSE coalesce((SELECT min(last) FROM recent
                        WHERE id > last + 1
                            AND occurred > now() - interval '1 min'),
                    newest, known.id) END, delivery.id),
        CASE WHEN is_old THEN 9223372036854775806
            ELSE greatest(newest, known.id) END
    FROM known, size, delivery;
