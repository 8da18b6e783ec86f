-- Adds participants, whose ids ascend in the order of the names.
--   $1 names
WITH new AS (
    INSERT INTO participant (name)
        SELECT name FROM unnest($1::text[]) WITH ORDINALITY entry (name, place)
        ORDER BY place
        RETURNING id)
SELECT id FROM new ORDER BY id;
