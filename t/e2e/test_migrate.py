"""sql/migrate: once, in order, one at a time, and never over a changed past."""

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import ROOT, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("migrate")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    stack = make_module_stack(start=False)
    stack.up("postgres")
    return stack


class Database:
    """An empty database, and a copy of the first migration to change."""

    def __init__(self, stack, folder, name):
        self.stack, self.folder, self.name = stack, folder, name
        for name in ("migrate", "001_feed.sql"):
            self.bring(name)
        self.first = folder / "001_feed.sql"

    def bring(self, name):
        shutil.copy(ROOT / "sql" / name, self.folder)

    def migrate(self, *arguments, expect=0):
        conninfo = f"host={self.stack.run} dbname={self.name} user=newsfeed_owner"
        result = subprocess.run(
            as_account(["bash", str(self.folder / "migrate"), *arguments, conninfo]),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert bool(result.returncode) == bool(expect), result.stdout
        return result.stdout

    def add(self, name, text):
        """From the third on, a migration has to say what it is."""
        if name > "003" and "-- compatible:" not in text:
            text += "\n-- compatible: yes\n"
        (self.folder / name).write_text(text)

    def rows(self, text):
        command = self.stack.psql()[:-1] + [self.name]
        result = subprocess.run(command, input=text, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    def versions(self):
        return self.rows("SELECT version FROM migration ORDER BY 1")


@pytest.fixture
def database(stack, folder, request):
    name = f"migrate_{abs(hash(request.node.name)) % 10**9}"
    stack.sql(f"CREATE DATABASE {name} OWNER newsfeed_owner")
    return Database(stack, folder, name)


def test_an_empty_database_gets_everything(database):
    database.migrate()
    assert "1" in database.versions()
    assert database.rows("SELECT count(*) FROM outbound") == ["0"]


def test_a_second_time_nothing_happens(database):
    database.migrate()
    before = database.rows("SELECT * FROM migration")
    database.migrate()
    assert database.rows("SELECT * FROM migration") == before


def test_two_at_a_time_do_it_once(database):
    database.add("002_more.sql", "CREATE TABLE more AS SELECT generate_series(1, 500000);")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: database.migrate(), range(3)))
    assert database.versions() == ["1", "2"]


def test_a_new_migration_runs_alone(database):
    database.migrate()
    database.add("002_more.sql", "CREATE TABLE more (id int);")
    assert "002_more.sql" in database.migrate()
    assert database.versions() == ["1", "2"]
    assert database.rows("SELECT count(*) FROM more") == ["0"]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(database):
    assert "001_feed.sql" in database.migrate("--dry-run")
    assert database.rows("SELECT to_regclass('outbound') IS NULL") == ["t"]


def test_status_says_what_ran_and_what_did_not(database):
    assert "001_feed.sql breaking pending" in database.migrate("--status")
    database.migrate()
    assert "pending" not in database.migrate("--status")


def test_a_failing_migration_leaves_nothing_of_itself(database):
    database.add("002_more.sql", "CREATE TABLE more (); SELECT 1 / 0;")
    database.migrate(expect=1)
    assert database.versions() == ["1"]
    assert database.rows("SELECT to_regclass('more') IS NULL") == ["t"]
    database.add("002_more.sql", "CREATE TABLE more ();")
    database.migrate()
    assert database.versions() == ["1", "2"]


def test_a_migration_changed_after_it_ran_is_refused_by_name(database):
    database.migrate()
    database.first.write_text(database.first.read_text() + "\n-- changed\n")
    database.add("002_more.sql", "CREATE TABLE more ();")
    assert "001_feed.sql" in database.migrate(expect=1)
    assert database.versions() == ["1"]


def test_a_migration_that_is_missing_now_is_refused_by_name(database):
    database.add("002_more.sql", "CREATE TABLE more ();")
    database.migrate()
    (database.folder / "002_more.sql").unlink()
    database.add("002_other.sql", "CREATE TABLE other ();")
    assert "002_more" in database.migrate(expect=1)


def test_a_database_of_a_newer_release_is_refused(database):
    database.add("002_more.sql", "CREATE TABLE more ();")
    database.migrate()
    (database.folder / "002_more.sql").unlink()
    assert "newer" in database.migrate(expect=1)


@pytest.mark.parametrize(
    "name",
    ["003_gap.sql", "2_short.sql", "001_twice.sql", "002-dash.sql"],
)
def test_a_misnamed_migration_is_refused_by_name(database, name):
    database.add(name, "SELECT 1;")
    assert name in database.migrate(expect=1)


def test_a_migration_may_not_end_its_transaction(database):
    database.add("002_more.sql", "CREATE TABLE more ();\nCOMMIT;\n")
    assert "002_more.sql" in database.migrate(expect=1)


def test_posts_that_waited_for_the_index_still_do_behind_002(database):
    database.migrate()
    database.rows("INSERT INTO outbound (participant_id, subject, story)"
                  " SELECT 7, 'subject', 'story' FROM generate_series(1, 5);"
                  "INSERT INTO outbox (kind, participant_id, other_id)"
                  " VALUES ('p', 7, 4), ('p', 7, 5), ('f', 7, 8)")
    database.bring("002_search_progress.sql")
    database.migrate()
    assert database.rows("SELECT done FROM search_progress") == ["3"]
    assert database.rows("SELECT posts FROM search_backlog") == ["2"]
    assert database.rows("SELECT kind FROM outbox") == ["f"]


def test_where_no_post_waited_none_does_behind_002(database):
    database.migrate()
    database.rows("INSERT INTO outbound (participant_id, subject, story)"
                  " SELECT 7, 'subject', 'story' FROM generate_series(1, 5)")
    database.bring("002_search_progress.sql")
    database.migrate()
    assert database.rows("SELECT posts FROM search_backlog") == ["0"]


# --- the program and a schema that is newer ----------------------------------

def migrate_further(database, name, compatible):
    for path in sorted((ROOT / "sql").glob("[0-9]*.sql")):
        database.bring(path.name)
    database.add(name, f"CREATE TABLE more ();\n-- compatible: {compatible}\n")
    database.migrate()


@pytest.fixture
def running(make_stack, folder):
    """The service, and its own database to migrate further."""
    stack = make_stack(WORKERS="2")
    return stack, Database(stack, folder, "newsfeed")


def replace_workers(stack):
    workers = stack.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(set(stack.workers()) - set(workers)) == len(workers))


def test_a_program_works_on_behind_a_compatible_migration(running):
    stack, database = running
    migrate_further(database, f"{next_number()}_more.sql", "yes")
    author, reader = stack.client.friends_of_new()
    replace_workers(stack)
    for _ in range(10):
        assert stack.client.publish(author) == stack.client.inbound_ids(reader)[0]
    stack.call("down", "newsfeed")
    stack.call("up", "newsfeed")
    assert stack.client.inbound_ids(reader) == stack.client.outbound_ids(author)


def test_a_program_refuses_what_a_breaking_migration_made(running):
    stack, database = running
    number = next_number()
    migrate_further(database, f"{number}_more.sql", "no")
    replace_workers(stack)
    assert stack.client.get("/participant/1").status == 503
    sentence = f"its schema has version {int(number)}, which a program for version"
    assert sentence in stack.log()
    stack.call("down", "newsfeed")
    assert sentence in stack.call("up", "newsfeed", check=False).stdout


def next_number():
    return f"{len(list((ROOT / 'sql').glob('[0-9]*.sql'))) + 1:03}"
