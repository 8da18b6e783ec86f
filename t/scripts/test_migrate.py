"""sql/migrate, on migrations of its own in a PostgreSQL of its own."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import ROOT, Stack


@pytest.fixture(scope="module")
def server():
    path = Path(tempfile.mkdtemp(prefix="nf-", dir="/tmp"))
    stack = Stack(path / "run")
    code, output = stack.call("up", "postgres")
    assert code == 0, output
    yield stack
    stack.call("reset")
    path.rmdir()


class Migrations:
    """A folder of migrations and an empty database."""

    def __init__(self, folder, server):
        self.folder = folder
        self.conninfo = f"host={server.run} user=postgres dbname={folder.name}"
        self.host = str(server.run)
        shutil.copy(ROOT / "sql" / "migrate", folder)
        self.psql("postgres", f'CREATE DATABASE "{folder.name}"')

    def psql(self, database, text):
        result = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.host]
            + ["-U", "postgres", "-d", database],
            input=text, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    def sql(self, text):
        return self.psql(self.folder.name, text)

    def write(self, name, text, compatible="yes"):
        """From the third on, a migration says what it is, in its last line."""
        if name > "003" and compatible:
            text += f"\n-- compatible: {compatible}\n"
        (self.folder / name).write_text(text)

    def command(self, *options):
        return [str(self.folder / "migrate"), *options, self.conninfo]

    def run(self, *options, wait="30"):
        """Exit code, standard output, standard error."""
        result = subprocess.run(
            self.command(*options), capture_output=True, text=True, timeout=60,
            env={**os.environ, "MIGRATE_WAIT": wait})
        return result.returncode, result.stdout, result.stderr


@pytest.fixture
def migrations(folder, server):
    made = Migrations(folder, server)
    made.write("001_one.sql", "CREATE TABLE one (id int);\n")
    made.write("002_two.sql", "CREATE TABLE two (id int);\n")
    return made


def refused(migrations, *words):
    """Whether it fails with one sentence that has these words."""
    code, _, error = migrations.run()
    assert code == 1
    assert error.count("\n") == 1
    for word in words:
        assert word in error
    return True


def test_applies_all_in_order(migrations):
    code, output, _ = migrations.run()
    assert code == 0
    assert output.splitlines() == [
        "applied 001_one.sql", "applied 002_two.sql",
        "the schema is at version 2"]
    assert migrations.sql("SELECT version, name FROM migration") == [
        "1|one", "2|two"]


def test_applies_nothing_twice(migrations):
    migrations.run()
    assert migrations.run() == (0, "the schema is at version 2\n", "")


def test_applies_only_what_is_new(migrations):
    migrations.run()
    migrations.write("003_three.sql", "CREATE TABLE three (id int);")
    assert migrations.run()[1].startswith("applied 003_three.sql\n")


def test_an_error_names_file_and_line_and_leaves_nothing(migrations):
    migrations.write("003_bad.sql", "CREATE TABLE three (id int);\nSELECT 1/0;\n")
    code, output, error = migrations.run()
    assert code == 1
    assert "003_bad.sql:2: ERROR:  division by zero" in error
    assert "applied 002_two.sql" in output
    assert migrations.sql("SELECT max(version), to_regclass('three') IS NULL"
                          " FROM migration") == ["2|t"]


def test_goes_on_where_an_error_was_mended(migrations):
    migrations.write("003_bad.sql", "SELECT 1/0;\n")
    migrations.run()
    migrations.write("003_bad.sql", "SELECT 1/1;\n")
    assert migrations.run()[0] == 0


def test_refuses_a_gap(migrations):
    migrations.write("004_four.sql", "")
    assert refused(migrations, "004_four.sql", "number 3")
    assert migrations.sql("SELECT to_regclass('one') IS NULL") == ["t"]


def test_refuses_a_double_number(migrations):
    migrations.write("002_too.sql", "")
    assert refused(migrations, "002_too.sql", "002_two.sql")


def test_refuses_a_name_of_another_form(migrations):
    migrations.write("3_three.sql", "")
    assert refused(migrations, "3_three.sql", "NNN_name.sql")


@pytest.mark.parametrize("text", ["COMMIT;", "select 1;\n begin ;",
                                  "ROLLBACK WORK;", "start  transaction;"])
def test_refuses_a_migration_that_ends_its_transaction(migrations, text):
    migrations.write("003_three.sql", text)
    assert refused(migrations, "003_three.sql", "transaction")


def test_refuses_a_changed_migration(migrations):
    migrations.run()
    migrations.write("001_one.sql", "CREATE TABLE other (id int);\n")
    assert refused(migrations, "001_one.sql", "changed")


def test_refuses_a_removed_migration(migrations):
    migrations.run()
    (migrations.folder / "001_one.sql").rename(
        migrations.folder / "001_uno.sql")
    assert refused(migrations, "001_one.sql", "no file")


def test_refuses_a_newer_database(migrations):
    migrations.run()
    (migrations.folder / "002_two.sql").unlink()
    assert refused(migrations, "version 2 (two)", "newer")


def test_refuses_a_lost_row(migrations):
    migrations.run()
    migrations.sql("DELETE FROM migration WHERE version = 1")
    assert refused(migrations, "001_one.sql", "lost")


def test_status_tells_what_is_pending(migrations):
    migrations.run()
    migrations.write("003_three.sql", "")
    lines = migrations.run("--status")[1].splitlines()
    assert [line.split()[0] for line in lines] == [
        "001_one.sql", "002_two.sql", "003_three.sql"]
    assert [line.split()[1] for line in lines] == [
        "breaking", "breaking", "compatible"]
    assert lines[0].endswith("Z")
    assert lines[2].endswith(" pending")


def test_dry_run_changes_nothing(migrations):
    code, output, _ = migrations.run("--dry-run")
    assert (code, output) == (0, "would apply 001_one.sql (breaking)\n"
                                 "would apply 002_two.sql (breaking)\n")
    assert migrations.sql("SELECT to_regclass('migration') IS NULL") == [
        "t"]


@pytest.mark.parametrize("kind", [None, "maybe", "yes\n-- compatible: no"])
def test_refuses_a_migration_that_does_not_say_what_it_is(migrations, kind):
    migrations.write("003_three.sql", "", compatible=kind)
    assert refused(migrations, "003_three.sql", "-- compatible: yes")


# What the releases before migrations said so ask, and what they were told.
BEFORE = "SELECT max(version)::text FROM schema_migration"


def test_a_compatible_migration_is_not_shown_to_programs_of_before(migrations):
    migrations.run()
    assert migrations.sql(BEFORE) == ["2"]
    migrations.write("003_three.sql", "", compatible="yes")
    migrations.run()
    assert migrations.sql(BEFORE) == ["2"]


def test_a_breaking_migration_is_shown_to_programs_of_before(migrations):
    migrations.write("003_three.sql", "", compatible="yes")
    migrations.write("004_four.sql", "", compatible="no")
    migrations.run()
    assert migrations.sql(BEFORE) == ["4"]
    migrations.write("005_five.sql", "", compatible="yes")
    migrations.run()
    assert migrations.sql(BEFORE) == ["4"]


@pytest.fixture
def older(migrations):
    """What a release of before left, with the rights that its 001 gave."""
    migrations.sql("""
        CREATE TABLE schema_migration (
            version    integer PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now());
        GRANT SELECT ON schema_migration TO newsfeed""")
    for version, name in enumerate(["one", "two"], 1):
        text = (migrations.folder / f"00{version}_{name}.sql").read_bytes()
        migrations.sql("INSERT INTO schema_migration (version, name, checksum)"
                       f" VALUES ({version}, '{name}',"
                       f" '{hashlib.sha256(text).hexdigest()}')")
    return migrations


def test_status_of_a_database_of_before_changes_nothing(older):
    assert "pending" not in older.run("--status")[1]
    assert older.sql("SELECT to_regclass('migration') IS NULL") == ["t"]


def test_goes_on_from_a_release_of_before(older):
    older.write("003_three.sql", "CREATE TABLE three (id int);")
    assert older.run()[1].splitlines() == [
        "applied 003_three.sql", "the schema is at version 3"]
    assert older.sql("SELECT version, compatible FROM migration") == [
        "1|f", "2|f", "3|t"]
    assert older.sql(f"SET ROLE newsfeed; {BEFORE}") == ["2"]


def test_the_script_of_before_finds_nothing_to_do(older, folder):
    """It reads what its release wrote, makes the table if there is none, and
    counts its rows."""
    older.write("003_three.sql", "")
    older.run()
    known = "SELECT version, name, checksum FROM schema_migration"
    before = older.sql(known)
    assert [row.split("|")[0] for row in before] == ["1", "2"]
    older.sql("CREATE TABLE IF NOT EXISTS schema_migration (version int)")
    assert older.sql("SELECT count(*) FROM schema_migration") == ["2"]


def test_two_at_a_time_apply_each_once(migrations):
    migrations.write("003_slow.sql", "SELECT pg_sleep(0.3);\n")
    runs = [subprocess.Popen(migrations.command(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
            for _ in range(4)]
    results = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, results
    output = "".join(out for out, _ in results)
    assert output.count("applied 003_slow.sql") == 1
    assert output.count("the schema is at version 3") == 4


def test_gives_up_waiting_for_another(migrations):
    holder = subprocess.Popen(
        ["psql", "-XAtq", "-d", migrations.conninfo],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        holder.stdin.write("SELECT pg_advisory_lock("
                           "hashtextextended('schema_migration', 0));\n"
                           "\\echo held\n")
        holder.stdin.flush()
        while "held" not in holder.stdout.readline():
            pass
        code, _, error = migrations.run(wait="1")
        holder.stdin.close()
    assert code == 1
    assert "another migration has been at work" in error


def test_an_unreachable_database_is_said_so(migrations):
    migrations.conninfo = f"host={migrations.folder}/none"
    code, _, error = migrations.run()
    assert code == 1
    assert "could not be read" in error


def test_a_database_of_the_search_has_migrations_of_its_own(migrations):
    """They say what they are from the first on."""
    (migrations.folder / "search").mkdir()
    (migrations.folder / "search" / "001_search.sql").write_text(
        "CREATE TABLE three (id int);\n")
    code, _, error = migrations.run("--search")
    assert code == 1 and "does not say" in error
    migrations.write("search/001_search.sql", "CREATE TABLE three (id int);\n"
                     "-- compatible: no\n", compatible="")
    code, output, _ = migrations.run("--search")
    assert (code, output.splitlines()[0]) == (0, "applied 001_search.sql")
    assert refused(migrations, "--search is for that of search.conninfo alone")
