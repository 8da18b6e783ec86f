"""sql/schema.sql, which is read, against what the migrations make."""

import difflib
import subprocess

import pytest

from conftest import ROOT


@pytest.fixture
def server(stack):
    code, output = stack.call("up", "postgres")
    assert code == 0, output
    return stack.run


def psql(server, user, *arguments):
    result = subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", server, "-U", user,
         *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def dump(server, database):
    """Its lines, without comments, and without what is new in each dump."""
    output = subprocess.run(
        ["pg_dump", "--schema-only", "-h", server, "-U", "postgres", database],
        capture_output=True, text=True, check=True).stdout
    return [line for line in output.splitlines()
            if line and not line.startswith(("--", "\\"))]


def test_the_schema_is_what_the_migrations_make(server):
    psql(server, "postgres", "-d", "postgres", "-v", "database=read",
         "-f", ROOT / "sql/database.sql")
    psql(server, "newsfeed_owner", "-d", "read", "-f", ROOT / "sql/schema.sql")
    migrated = dump(server, "newsfeed")
    assert "CREATE TABLE public.outbound (" in migrated
    parts = "\n".join(difflib.unified_diff(
        dump(server, "read"), migrated, "sql/schema.sql", "the migrations",
        lineterm=""))
    assert not parts, (
        "sql/schema.sql does not say what the migrations make: write what has"
        f" + there, with a comment, and take out what has -\n{parts}")
