-- What a standby of the database is known by, for programs that read from it
-- (app/replica.h).
-- compatible: yes

-- The lives of the database: a promotion or a recovery to a point in time
-- begins a timeline, sql/restored.sql an incarnation. The first program that
-- meets one writes it down, with a mark that nobody else makes: a standby that
-- has it went the same way up to there, and one that has not is none of this
-- database, or was left behind. A copy in another cluster has these rows, too:
-- so a timeline is told with its cluster's identifier.
CREATE TABLE life (
    timeline    text NOT NULL,
    incarnation uuid NOT NULL,
    mark        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    PRIMARY KEY (timeline, incarnation)
);

GRANT SELECT, INSERT ON life TO newsfeed;
