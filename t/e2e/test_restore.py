"""Backup and restore, as etc/README.md has it: what was written after the
backup is gone, and nothing that clients know comes back as something else."""

import subprocess
from pathlib import Path

import pytest

from client import link
from stack import PSQL, ROOT, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("restore")

TOOLS = Path(PSQL).parent


def run(*command):
    result = subprocess.run(
        as_account([str(word) for word in command]), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert result.returncode == 0, result.stdout


def server(stack):
    return "-h", stack.run, "-U", "postgres"


class Dump:
    @staticmethod
    def take(stack, folder):
        run(TOOLS / "pg_dump", *server(stack), "-Fc", "-f", folder / "dump", "newsfeed")

    @staticmethod
    def bring_back(stack, folder):
        run(TOOLS / "dropdb", *server(stack), "newsfeed")
        run(PSQL, "-Xq", *server(stack), "-f", ROOT / "sql" / "database.sql", "postgres")
        run(TOOLS / "pg_restore", *server(stack), "--exit-on-error", "-d", "newsfeed",
            folder / "dump")


class BaseBackup:
    @staticmethod
    def take(stack, folder):
        run(TOOLS / "pg_basebackup", *server(stack), "-D", folder / "data",
            "-c", "fast", "--no-sync")

    @staticmethod
    def bring_back(stack, folder):
        """To the end of the log that came with it, for want of an archive.
        Nobody is let in before, to a server that only reads."""
        stack.down("postgres")
        cluster = stack.run / "postgres"
        run("rm", "-r", cluster)
        run("cp", "-a", folder / "data", cluster)
        run("touch", cluster / "recovery.signal")
        run("sh", "-c", "printf '%s\\n' \"restore_command = 'false'\" 'hot_standby = off' "
            f">>{cluster}/postgresql.auto.conf")
        stack.up("postgres")


@pytest.mark.parametrize("backup", [Dump, BaseBackup])
def test_a_restored_service_goes_on_from_its_backup(make_stack, folder, backup):
    stack = make_stack()
    author, reader = stack.client.friends_of_new()
    kept = stack.client.publish(author, subject="Kept")
    eventually(stack.has_caught_up)
    backup.take(stack, folder)

    lost = [stack.client.publish(author, subject="Lost") for _ in range(3)]
    lost_friends = stack.client.friends_of_new()
    lost_friendship = stack.client.befriend(*lost_friends)
    assert stack.client.hit(f"{link(reader)}/inbound").json[0]["id"] == lost[-1]
    eventually(stack.has_caught_up)

    before = stack.one("TABLE incarnation")
    stack.down("newsfeed")
    backup.bring_back(stack, folder)
    run(PSQL, "-Xq", "-h", stack.run, "-U", "newsfeed_owner",
        "-f", ROOT / "sql" / "restored.sql", "newsfeed")
    stack.up("newsfeed")  # memcached has had the pages of before all the time

    assert stack.one("TABLE incarnation") != before
    assert stack.client.inbound_ids(reader) == [kept]
    assert stack.client.get(f"{link(author)}/outbound/{lost[0]}").status == 404
    assert stack.client.get(link(lost_friends[0])).status == 404

    new_friends = stack.client.friends_of_new()
    assert min(new_friends) > max(lost_friends)
    assert stack.client.befriend(*new_friends) > lost_friendship
    new = stack.client.publish(author, subject="New")
    assert new > max(lost)
    assert stack.client.inbound_ids(reader) == [new, kept]
    eventually(stack.has_caught_up)
    for word in ("Kept", "New"):
        assert stack.client.search(word) == [link(author)]
    assert stack.client.search("Lost") == []

    stack.client.delete(link(reader))
    eventually(stack.has_caught_up)
    assert stack.one(f"SELECT count(*) FROM inbound WHERE participant_id = {reader}") == "0"
