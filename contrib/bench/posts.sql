-- What everyone is measured on, as temporary tables: 20,000 participants in a
-- ring, each befriended with the two on either side. 1..10000 have 2 posts
-- each and 10001..20000 have 12, so that the feeds have 8 and 48 items (but
-- for two on either side of a border). Stories are 150 random numbers, subjects
-- 5; the seed makes them the same for everyone.
\set people 20000
SET maintenance_work_mem = '512MB'; -- the search index is built in one go
SELECT setseed(0.5);

CREATE TEMP TABLE pair AS
    SELECT a + 1 AS a, (a + d) % :people + 1 AS b, 2 * a + d AS id
    FROM generate_series(0, :people - 1) a, unnest(ARRAY[1, 2]) d;

CREATE TEMP TABLE post AS
    SELECT author,
        (SELECT string_agg((random() * 40000 - 0.5)::int::text, ' ')
            FROM generate_series(1, 5) WHERE author > 0) AS subject,
        (SELECT string_agg((random() * 40000 - 0.5)::int::text, ' ')
            FROM generate_series(1, 150) WHERE author > 0) AS story
    FROM generate_series(1, 12) k, generate_series(1, :people) author
    WHERE k <= 2 OR author > 10000
    ORDER BY k, author;
