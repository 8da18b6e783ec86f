-- What is measured on: :participants in a ring, each befriended with the two
-- on either side, and :posts posts of 150 words, so that a feed has
-- 4 * :posts / :participants items.
SELECT setseed(0.5);
CREATE TEMP TABLE pool AS
    SELECT n, string_agg((random() * 40000)::int::text, ' ') AS story
    FROM generate_series(1, 1000) n, generate_series(1, 150) GROUP BY n;

INSERT INTO participant (name)
    SELECT 'participant ' || n FROM generate_series(1, :participants) n;
INSERT INTO friendship (participant_id, friend_id, id, since)
    SELECT a + 1, (a + d + :participants) % :participants + 1,
        2 * CASE WHEN d > 0 THEN a ELSE (a + d + :participants)
            % :participants END + abs(d), 0
    FROM generate_series(0, :participants - 1) a, unnest(ARRAY[-2, -1, 1, 2]) d;
SELECT setval('friendship_id_seq', 2 * :participants + 2);
INSERT INTO outbound (participant_id, subject, story)
    SELECT i % :participants + 1, 'subject number ' || i, story
    FROM generate_series(1, :posts) i JOIN pool ON n = i % 1000 + 1;
INSERT INTO inbound (participant_id, outbound_id)
    SELECT f.friend_id, o.id FROM outbound o
    JOIN friendship f ON f.participant_id = o.participant_id;
VACUUM ANALYZE;
