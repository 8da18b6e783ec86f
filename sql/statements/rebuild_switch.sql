-- The index that was built takes the place of the one in force, with the place of
-- the index held, and those who write kept away. Whoever searches waits for the
-- commit, and never for one who searches before: for that one this looks again
-- and again. The old table is dropped behind the commit, since that may have to
-- wait for its TOAST table to be vacuumed.
SET LOCAL lock_timeout = '50ms';
DO $$
DECLARE
    tries int := 0;
BEGIN
    LOOP
        BEGIN
            LOCK TABLE search IN ACCESS EXCLUSIVE MODE;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            tries := tries + 1;
            IF tries = 10 THEN
                RAISE;
            END IF;
        END;
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
DROP TRIGGER note_search_added ON search;
DROP TRIGGER note_search_changed ON search;
DROP TRIGGER note_search_gone ON search;
DROP FUNCTION note_search_change;
ALTER TABLE search RENAME TO search_old;
ALTER INDEX search_pkey RENAME TO search_old_pkey;
ALTER INDEX search_document RENAME TO search_old_document;
ALTER INDEX IF EXISTS search_author RENAME TO search_old_author;
ALTER TABLE search_next RENAME TO search;
ALTER INDEX search_next_pkey RENAME TO search_pkey;
ALTER INDEX search_next_document RENAME TO search_document;
ALTER INDEX IF EXISTS search_next_author RENAME TO search_author;
UPDATE search_language SET language = (SELECT language FROM search_rebuild);
DROP TABLE search_change, search_rebuild;
