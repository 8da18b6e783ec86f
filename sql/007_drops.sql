-- Orders to drop pages wait for one server of the cache each, `other_id`.
-- compatible: yes

-- Which servers are waited for, and who for one of them. Not unique: a program
-- of before writes such orders for no server, as many as it likes.
CREATE INDEX outbox_server ON outbox (other_id, participant_id)
    WHERE kind = 'c';
