-- The roles, the database, and what nobody else may do in it; run by a
-- superuser, before the first migration, with each new release and after a
-- restore: safe to run again. The database is "newsfeed", or with
-- `-v database=NAME` another.
\set ON_ERROR_STOP 1
\if :{?database}
\else
\set database newsfeed
\endif

\ir roles.sql

-- C.UTF-8 folds the case of all letters, as search needs, on every Debian.
SELECT format('CREATE DATABASE %I OWNER newsfeed_owner TEMPLATE template0'
    ' ENCODING ''UTF8'' LOCALE ''C.UTF-8''', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

\connect :"database"

-- PUBLIC may connect to every new database, make temporary tables in it, and
-- large objects, which nothing would ever find or remove.
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO newsfeed, newsfeed_owner, pg_monitor;
REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid),
    lo_from_bytea(oid, bytea), lo_import(text), lo_import(text, oid)
    FROM PUBLIC;
