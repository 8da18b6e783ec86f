"""What contrib/stack refuses, each with one sentence; it starts nothing but
PostgreSQL here. The end-to-end tests drive the rest of it."""

import os
import shutil
import select
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, Stack


def refused(result, *words):
    code, output = result
    assert code == 1
    assert output.count("\n") == 1, output
    for word in words:
        assert word in output
    return True


@pytest.mark.parametrize("name, value", [
    ("PORT", "abc"), ("PORT", "0"), ("PORT", "65536"), ("PORT", "08080"),
    ("MEMCACHED", "0"), ("MEMCACHED", "17"), ("CACHE_MB", "1"), ("WORKERS", "257"),
    ("FASTPATH", "yes"), ("WEIGHTS", "one"),
    ("WEIGHTS", "1 2"), ("SETTINGS", "prefix=x"),
    ("POSTGRES", "fsync"),
])
def test_a_value_out_of_range_is_refused(folder, name, value):
    stack = Stack(folder / "run")
    assert refused(stack.call("start", **{name: value}), name)
    assert not stack.run.exists()


@pytest.mark.parametrize("run, word", [
    ("/", "RUN=/"), ("/tmp/" + 90 * "x", "88"), ("/tmp/a b", "RUN=/tmp/newsfeed"),
    ("/tmp/x;y", "may hold only"), ("/etc", "not made by"),
    ("/etc/passwd", "no folder"),
])
def test_a_folder_that_cannot_be_is_refused(run, word):
    assert refused(Stack(run).call("start"), word, "RUN")


def test_a_folder_that_is_not_its_own_is_not_removed(folder):
    (folder / "precious").write_text("")
    assert refused(Stack(folder).call("reset"), "not made by contrib/stack")
    assert (folder / "precious").exists()


def test_a_missing_program_is_named(folder):
    stack = Stack(folder / "run")
    assert refused(stack.call("start", PROGRAM="/nowhere/newsfeed"),
                   "/nowhere/newsfeed", "make")


def test_a_port_in_use_is_named(stack):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(
            stack.call("start", PORT=str(port), PROGRAM="/bin/true",
                       CONFIG="/dev/null"),
            f"port {port} is taken", "PORT=")


def test_an_unknown_piece_is_refused(folder):
    stack = Stack(folder / "run")
    assert refused(stack.call("up", "postgresql"), "'postgresql'")


def test_up_and_down_are_idempotent(stack):
    assert stack.call("up", "postgres") == (0, "")
    pid = (stack.run / "postgres.pid").read_text()
    assert stack.call("up", "postgres") == (0, "")
    assert (stack.run / "postgres.pid").read_text() == pid
    assert stack.call("down", "postgres") == (0, "")
    assert stack.call("down", "postgres") == (0, "")


def test_up_after_a_kill_of_the_master_alone(stack):
    stack.call("up", "postgres")
    pid = int((stack.run / "postgres.pid").read_text())
    ended = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([ended], [], [])
    os.close(ended)
    assert stack.call("up", "postgres") == (0, "")


def test_a_pid_file_that_names_another_process_does_no_harm(stack):
    stack.call("up", "postgres")
    stack.call("down", "postgres")
    (stack.run / "postgres.pid").write_text(f"{os.getpid()}\n")
    assert stack.call("down", "postgres", "KILL") == (0, "")
    (stack.run / "postgres.pid").write_text(f"{os.getpid()}\n")
    assert stack.call("up", "postgres") == (0, "")


@pytest.mark.skipif(os.getuid() != 0, reason="root alone hands over")
def test_root_hands_over_where_only_root_can_go(folder):
    folder.chmod(0o700)
    stack = Stack(folder / "run")
    assert stack.call("up", "postgres") == (0, "")
    pid = int((stack.run / "postgres.pid").read_text())
    assert os.stat(f"/proc/{pid}").st_uid != 0
    assert stack.call("reset")[0] == 0


@pytest.mark.skipif(os.getuid() != 0, reason="root alone hands over")
def test_who_starts_more_is_told_how_to_hand_over(folder):
    """Here to read a file that nobody but root can read."""
    folder.chmod(0o700)
    (folder / "file").write_text("text")
    stack = Stack(folder / "run")
    code, output = stack.call("account", "cat", folder / "file")
    account, *words = output.split()
    assert code == 0
    assert subprocess.check_output([*words, "cat", folder / "file"]) == b"text"
    assert subprocess.check_output([*words, "id", "-un"], text=True) == f"{account}\n"
    assert account != "root"
    assert refused(stack.call("account", "cat", folder / "none"), account, "none")


def test_a_damaged_folder_is_refused(stack):
    stack.call("up", "postgres")
    stack.call("down", "postgres")
    version = stack.run / "postgres" / "PG_VERSION"
    version.unlink()
    assert refused(stack.call("up", "postgres"), "PG_VERSION", "reset")


def test_data_of_another_major_version_are_refused(stack):
    stack.call("up", "postgres")
    stack.call("down", "postgres")
    version = stack.run / "postgres" / "PG_VERSION"
    version.write_text("9.4\n")
    assert refused(stack.call("up", "postgres"), "PostgreSQL 9.4", "reset")


def test_a_seed_gives_a_new_stack_its_data(stack, folder):
    seed = Stack(folder / "seed")
    try:
        assert seed.call("up", "postgres")[0] == 0
        code, output = stack.call("up", "postgres", SEED=str(seed.run))
        assert code != 0 and str(seed.run) in output and "stop it" in output
        subprocess.run(["psql", "-X", "-h", seed.run, "-U", "postgres", "-c",
                        "CREATE TABLE mine ()", "newsfeed"], check=True)
        assert seed.call("down", "postgres")[0] == 0
        assert stack.call("up", "postgres", SEED=str(seed.run))[0] == 0
        subprocess.run(["psql", "-X", "-h", stack.run, "-U", "postgres", "-c",
                        "TABLE mine", "newsfeed"], check=True)
    finally:
        assert seed.call("reset")[0] == 0


def test_a_seed_that_is_no_stack_is_refused(stack, folder):
    code, output = stack.call("up", "postgres", SEED=str(folder))
    assert code != 0 and f"SEED={folder}" in output


def copy_of_checkout(folder):
    """Of what contrib/stack needs of it, where every account can read it."""
    for name in ("contrib", "sql", "nginx"):
        shutil.copytree(ROOT / name, folder / "copy" / name, symlinks=True)
    return folder / "copy"


def test_a_migration_that_fails_is_said_so(folder):
    copy = copy_of_checkout(folder)
    (copy / "sql" / "001_feed.sql").write_text("SELECT nonsense;\n")
    stack = Stack(folder / "run", copy / "contrib" / "stack")
    code, output = stack.call("up", "postgres")
    stack.call("reset")
    assert code == 1
    assert "001_feed.sql:1: ERROR" in output
    assert "the migrations failed" in output


@pytest.mark.parametrize("command", ["stop", "status", "reset"])
def test_nothing_runs_where_nothing_is(folder, command):
    stack = Stack(folder / "run")
    code, output = stack.call(command)
    assert code == (3 if command == "status" else 0)
    assert "nothing r" in output and str(stack.run) in output
    assert not stack.run.exists()


@pytest.mark.parametrize("command", [
    ("stop",), ("status",), ("reset",), ("down", "nginx"),
])
def test_an_empty_folder_of_somebody_is_left_as_it_is(folder, command):
    before = folder.stat()
    assert refused(Stack(folder).call(*command), "not made by contrib/stack")
    assert folder.stat() == before


@pytest.mark.skipif(os.getuid() != 0, reason="needs another account's folder")
def test_a_folder_of_another_account_is_named(stack, folder):
    stack.call("up", "postgres")
    script = copy_of_checkout(folder) / "contrib" / "stack"
    for command in ("start", "stop", "status", "reset"):
        result = subprocess.run(
            ["setpriv", "--reuid=nobody", "--clear-groups", script, command],
            text=True, capture_output=True,
            env={**os.environ, "RUN": str(stack.run)})
        assert "belongs to postgres" in result.stderr, command


def test_it_finds_what_is_not_in_the_path_of_users(stack):
    path = "/usr/local/bin:/usr/bin:/bin"
    code, output = stack.call(
        "start", PATH=path, PROGRAM="/bin/true", CONFIG="/dev/null")
    assert code == 1 and "not installed" not in output


@pytest.mark.skipif(
    int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 81,
    reason="every account may listen on port 80")
def test_a_port_of_root_is_named(folder):
    stack = Stack(folder / "run")
    assert refused(
        stack.call("start", PORT="80", PROGRAM="/bin/true", CONFIG="/dev/null"),
        "port 80", "PORT=")
    stack.call("reset")


def test_the_remedy_names_the_folder(stack):
    assert stack.call("up", "postgres") == (0, "")
    assert f"make start RUN={stack.run}" in stack.call("stop")[1] + stack.call("status")[1]
