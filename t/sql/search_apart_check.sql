-- sql/statements/search_apart_check.sql: what an index apart knows rightly.
\set statement `cat sql/statements/search_apart_check.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(4);
PREPARE check_posts AS :statement

INSERT INTO participant (name) VALUES ('ada') RETURNING id AS ada \gset
INSERT INTO participant (name) VALUES ('eve') RETURNING id AS eve \gset
INSERT INTO outbound (participant_id, subject, story) VALUES (:ada, 'a', 'a')
    RETURNING id AS a \gset
INSERT INTO outbound (participant_id, subject, story, edited)
    VALUES (:ada, 'b', 'b', '2026-01-10 00:00:00.123Z') RETURNING id AS b,
    (extract(epoch FROM edited) * 1000)::bigint AS when \gset
INSERT INTO outbound (participant_id, subject, story) VALUES (:eve, 'c', 'c')
    RETURNING id AS c \gset

SELECT results_eq(format($$ EXECUTE check_posts('{%s,%s,%s}', '{%s,%s,%s}',
    '{0,%s,0}') $$, :a, :b, :c, :ada, :ada, :eve, :when),
    format($$ VALUES ('{%s,%s,%s}'::bigint[], '{%s,%s,%s}'::bigint[]) $$,
    :a, :b, :c, :ada, :ada, :eve), 'all are as they were');
SELECT results_eq(format($$ EXECUTE check_posts('{%s,%s,%s,%s}', '{%s,%s,%s,%s}',
    '{5,0,0,0}') $$, :a, :b, 0, :c, :ada, :ada, :ada, :eve),
    format($$ VALUES ('{%s}'::bigint[], '{%s}'::bigint[]) $$, :c, :eve),
    'edited by now, or before, or gone');
SELECT results_eq(format($$ EXECUTE check_posts('{%s}', '{%s}', '{0}') $$,
    :a, :eve), 'VALUES (NULL::bigint[], NULL::bigint[])', 'of another author');
DELETE FROM participant WHERE id = :eve;
SELECT results_eq(format($$ EXECUTE check_posts('{%s}', '{%s}', '{0}') $$,
    :c, :eve), 'VALUES (NULL::bigint[], NULL::bigint[])', 'its author is gone');

SELECT * FROM finish();
ROLLBACK;
