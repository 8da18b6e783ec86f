-- sql/statements/search.sql: who matches, in what order, and a page of it.
\set statement `cat sql/statements/search.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(27);
PREPARE search AS :statement
SELECT 9223372036854775807 AS max \gset

-- An author of posts with these texts, indexed.
CREATE FUNCTION pg_temp.author_of(VARIADIC texts text[]) RETURNS bigint
LANGUAGE sql AS $$
    WITH author AS (INSERT INTO participant (name) VALUES ('somebody')
            RETURNING id),
        post AS (INSERT INTO outbound (participant_id, subject, story)
            SELECT id, '', text FROM author, unnest(texts) text
            RETURNING id, participant_id, story),
        entry AS (INSERT INTO search
            SELECT id, participant_id, to_tsvector('simple', story) FROM post)
    SELECT id FROM author
$$;

CREATE TYPE pg_temp.found AS (id bigint, participant_id bigint, older boolean,
    is_void boolean, language text);

CREATE FUNCTION pg_temp.rows(parts text, before bigint, after bigint, rows int,
    raw text DEFAULT '')
RETURNS SETOF pg_temp.found LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('EXECUTE search(%L, %L, %s, %s, %s)', parts,
        raw, before, after, rows);
END
$$;

CREATE FUNCTION pg_temp.finds(parts text, raw text DEFAULT '')
RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(participant_id), '{}')
    FROM pg_temp.rows(parts, 9223372036854775807, 0, 201, raw)
    WHERE participant_id IS NOT NULL
$$;

-- --- what matches ------------------------------------------------------------

SELECT pg_temp.author_of('xone xtwo', 'xthree') AS ada,
    pg_temp.author_of('xtwo xfour') AS bob \gset

SELECT is(pg_temp.finds('(xone'), ARRAY[:ada]::bigint[], 'a word');
SELECT is(pg_temp.finds(E'(xone\n & (xfour'), '{}', 'all words, in one post');
SELECT is(pg_temp.finds(E'(xone\n & (xthree'), '{}', 'and not in two');
SELECT is(pg_temp.finds(E'(xtwo\n & !(xone'), ARRAY[:bob]::bigint[], 'without a word');
SELECT is(pg_temp.finds('(xtwo <-> xfour'), ARRAY[:bob]::bigint[], 'a phrase');
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest(pg_temp.finds(
    E'(xthree\n | (xfour')) f), ARRAY[:ada, :bob]::bigint[], 'one or the other');

SELECT results_eq(format('EXECUTE search(%L, %L, %s, 0, 10)', '(xnone', '',
        :max),
    $$ VALUES (NULL::bigint, NULL::bigint, NULL::boolean, false, 'simple') $$,
    'nothing: one row of NULLs');
SELECT results_eq(format('EXECUTE search(%L, %L, %s, 0, 10)', '!(xone', '',
        :max),
    $$ VALUES (NULL::bigint, NULL::bigint, NULL::boolean, true, 'simple') $$,
    'none that must be there: void');

-- A document that PostgreSQL made has these as one word each.
SELECT pg_temp.author_of('xhost.example.com', 'xhost xcom') AS eve \gset
SELECT is(pg_temp.finds('(xhost <-> example <-> com'), '{}', 'parts of a name');
SELECT is(pg_temp.finds('(xhost <-> example <-> com', 'xhost.example.com'),
    ARRAY[:eve]::bigint[], 'and the name as it was given');
SELECT is(pg_temp.finds(E'(xcom\n & !(xhost <-> example',
    E'xcom\nxhost.example.com'), ARRAY[:eve]::bigint[],
    'each part is for the part beside it');
SELECT is(pg_temp.finds(E'(xcom\n & !(xnone', E'xcom\nxhost'), '{}',
    'and both ways rule out what must not be there');

-- --- in what order -----------------------------------------------------------

SELECT pg_temp.author_of('xrank') AS low,
    pg_temp.author_of('xrank xrank xrank', 'xrank') AS high,
    pg_temp.author_of('xrank xrank') AS middle \gset
SELECT is(pg_temp.finds('(xrank'), ARRAY[:high, :middle, :low]::bigint[],
    'the best post of each counts');
SELECT is(count(*), 3::bigint, 'and each author stands there once')
    FROM pg_temp.rows('(xrank', :max, 0, 201);
SELECT is(bool_and(id & ((1::bigint << 43) - 1) = participant_id
        AND id >> 62 = 1), true,
    'the position of a ranked one has its author')
    FROM pg_temp.rows('(xrank', :max, 0, 201);

-- 101 posts of 101 authors: the oldest is not ranked.
SELECT pg_temp.author_of('xmany xmany xmany xmany') AS best \gset
SELECT max(id) AS oldest FROM outbound WHERE participant_id = :best \gset
SELECT count(pg_temp.author_of('xmany')) FROM generate_series(1, 100) \gset
SELECT results_eq(format('SELECT id, participant_id
        FROM pg_temp.rows(%L, %s, 0, 201) OFFSET 100', '(xmany', :max),
    format('VALUES (%s::bigint, %s::bigint)', :oldest, :best),
    'only the newest 100 are ranked; behind them a post is its own position');

-- --- a page of it ------------------------------------------------------------

SELECT array_agg(id) AS place, array_agg(participant_id) AS author
    FROM pg_temp.rows('(xrank', :max, 0, 201) \gset
SELECT (:'place'::bigint[])[1] AS first, (:'place'::bigint[])[2] AS second,
    (:'place'::bigint[])[3] AS third \gset

SELECT results_eq(format('SELECT id, older FROM pg_temp.rows(%L, %s, 0, 1)',
        '(xrank', :first),
    format('VALUES (%s::bigint, NULL::boolean)', :second),
    'downwards from $2, as many as $4');
SELECT results_eq(format('SELECT id, older FROM pg_temp.rows(%L, %s, %s, 2)',
        '(xrank', :max, :third),
    format('VALUES (%s::bigint, true), (%s, true)', :first, :second),
    'upwards from $3, newest first all the same, and there is something below');
SELECT results_eq(format('SELECT id, older FROM pg_temp.rows(%L, %s, %s, 1)',
        '(xrank', :max, :third::bigint - 1),
    format('VALUES (%s::bigint, false)', :third),
    'the nearest to $3, and there is not');
SELECT results_eq(format('SELECT id, older FROM pg_temp.rows(%L, %s, %s, 9)',
        '(xrank', :max, :first),
    'VALUES (NULL::bigint, true)', 'nothing above: a row that tells of below');
SELECT is_empty(format('SELECT FROM pg_temp.rows(%L, %s, %s, 9)
        WHERE participant_id IS NOT NULL', '(xrank', :second, :third),
    'between $2 and $3');

-- --- who and what is gone ----------------------------------------------------

DELETE FROM participant WHERE id = :high;
SELECT is(pg_temp.finds('(xrank'), ARRAY[:middle, :low]::bigint[],
    'who is gone is not found');
SELECT is(count(*), 1::bigint, 'and takes no place on a page')
    FROM pg_temp.rows('(xrank', :max, 0, 1) WHERE participant_id = :middle;
DELETE FROM participant WHERE id = :low;
SELECT is(bool_or(older), false, 'nor is one that is older')
    FROM pg_temp.rows('(xrank', :max, :third, 9);

INSERT INTO outbox (kind, participant_id, other_id)
    SELECT 'r', :middle, max(id) FROM outbound WHERE participant_id = :middle;
SELECT is(pg_temp.finds('(xrank'), '{}',
    'a post that is to be swept is not found');

-- --- words that nearly all posts have ----------------------------------------

-- Of 20,001 the oldest is not looked through; it is by the index.
SELECT pg_temp.author_of('xcommon xrare') AS old \gset
INSERT INTO outbound (participant_id, subject, story)
    SELECT :bob, '', 'xcommon' FROM generate_series(1, 20000);
INSERT INTO search SELECT id, participant_id, to_tsvector('simple', story)
    FROM outbound WHERE participant_id = :bob AND story = 'xcommon';
SELECT is(pg_temp.finds('(xcommon'), ARRAY[:bob]::bigint[],
    'a common word: the newest 20,000 posts are looked through');
SELECT is(pg_temp.finds(E'(xcommon\n & (xrare'), ARRAY[:old]::bigint[],
    'a rare one beside it: all of them');

SELECT * FROM finish();
ROLLBACK;
