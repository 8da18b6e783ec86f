-- The two roles, made by a superuser; safe to run again (database.sql does).
-- newsfeed_owner owns the tables and runs the migrations; newsfeed is
-- what the service runs as, with the rights that these grant and no others.
-- Passwords and pg_hba.conf are the operator's.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'newsfeed_owner') THEN
        CREATE ROLE newsfeed_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'newsfeed') THEN
        CREATE ROLE newsfeed LOGIN;
    END IF;
END
$$;
