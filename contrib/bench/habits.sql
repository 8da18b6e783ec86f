-- Large feeds and real habits, as temporary tables like those of posts.sql:
-- 100,000 participants, the n-th with 5,300 / n ^ 0.515 friends, which is 20 in
-- the middle and 14 at the end. Who knows whom is drawn by lot, with as many
-- lots as friends, two at a time: who draws the same friend twice has one fewer,
-- so that the first has 5,000. Posts are by the same law, who has twice the
-- friends posts twice as often: so a post has 94 readers on average, one in 75
-- has more than 1,000, and the feed in the middle has 45 items. Texts are as
-- those of posts.sql.
\set people 100000
\set law 0.515
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
SELECT setseed(0.5);

CREATE TEMP TABLE pair AS
    SELECT a, b, row_number() OVER (ORDER BY a, b) AS id
    FROM (SELECT DISTINCT least(a, b) AS a, greatest(a, b) AS b
        FROM (SELECT n AS a, lead(n) OVER drawn AS b,
                row_number() OVER drawn AS turn
            FROM (SELECT n, random() AS lot
                FROM generate_series(1, :people) n,
                    generate_series(1, (5300 / n ^ :law)::int)) lots
            WINDOW drawn AS (ORDER BY lot)) neighbours
        WHERE turn % 2 = 1 AND a <> b) known;

CREATE TEMP TABLE post AS
    SELECT floor((1 + random() * ((:people + 1) ^ (1 - :law) - 1))
            ^ (1 / (1 - :law)))::bigint AS author, -- 1 to people
        (SELECT string_agg((random() * 40000 - 0.5)::int::text, ' ')
            FROM generate_series(1, 5) WHERE k > 0) AS subject,
        (SELECT string_agg((random() * 40000 - 0.5)::int::text, ' ')
            FROM generate_series(1, 150) WHERE k > 0) AS story
    FROM generate_series(1, 75000) k;
