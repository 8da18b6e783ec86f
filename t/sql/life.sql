-- sql/statements/life.sql: the mark of the life that the database is in.
\set begin `cat sql/statements/life_begin.sql`
\set statement `cat sql/statements/life.sql`
BEGIN;
SET LOCAL ROLE newsfeed_owner;
SELECT plan(5);
PREPARE begin AS :begin
PREPARE life AS :statement
DELETE FROM life;

SELECT is_empty('EXECUTE life', 'nobody knows it at first');
SELECT isnt_empty('EXECUTE begin', 'but it may be written down');
SELECT results_eq('EXECUTE life', 'SELECT mark::text FROM life',
    'and then it is found');

UPDATE life SET timeline = split_part(timeline, ' ', 1) || ' 00000000';
SELECT is_empty('EXECUTE life', 'another timeline is another life');

EXECUTE begin \g /dev/null
DELETE FROM life WHERE timeline LIKE '% 00000000';
UPDATE life SET timeline = '1 ' || split_part(timeline, ' ', 2);
SELECT is_empty('EXECUTE life', 'and so is that of another server');
SELECT * FROM finish();
ROLLBACK;
