"""Several database hosts in one connection string."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from client import link
from monitor import Monitor
from stack import NO_PATIENCE, PSQL, alive, as_account, children_of, free_port
from waiting import eventually

pytestmark = pytest.mark.xdist_group("hosts")

TOOLS = Path(PSQL).parent


def conninfo(*hosts, setting="db.conninfo", **options):
    """As SETTINGS take it: without spaces. A host is a folder or host:port."""
    names = ",".join(str(host).partition(":")[0] for host in hosts)
    ports = ",".join(str(host).partition(":")[2] or "5432" for host in hosts)
    more = "".join(f"&{key}={value}" for key, value in options.items())
    return f"{setting}=postgresql://newsfeed@/newsfeed?host={names}&port={ports}{more}"


def tool(name, *arguments):
    subprocess.run(
        as_account([str(TOOLS / name), *map(str, arguments)]),
        check=True, stdin=subprocess.DEVNULL, timeout=120,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def black_hole():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def standby(folder):
    """standby(stack) starts a hot standby of its database; gives its folder."""
    data = Path(folder) / "data"

    def start(stack):
        tool("pg_basebackup", "-h", stack.run, "-U", "postgres", "-D", data,
             "-R", "-c", "fast", "--no-sync")
        tool("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log",
             "-o", f"-k {folder} -c listen_addresses= -c fsync=off -N 300", "start")
        return folder

    yield start
    subprocess.run(
        as_account([str(TOOLS / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_host_that_is_down_is_passed_over(make_stack):
    stack = make_stack(start=False)
    stack.configure(conninfo("/nonexistent", stack.run))
    stack.start()
    assert stack.client.add_participant()


def test_a_host_that_swallows_packets_is_passed_over(make_stack, black_hole):
    stack = make_stack(start=False, patience=NO_PATIENCE, WORKERS="2")
    stack.configure(conninfo(black_hole, black_hole, stack.run))
    stack.start()
    eventually(stack.client.add_participant)


def test_workers_that_wait_for_a_connection_are_not_taken_for_hung(make_stack):
    """Longer than the 15 s in which an idle worker has to show that it lives."""
    stack = make_stack(start=False, patience=NO_PATIENCE, WORKERS="2")
    port = free_port()
    stack.configure(conninfo(f"127.0.0.1:{port}")
                    + " db.connect_timeout=17000 dispatcher.enabled=off")
    stack.up("newsfeed")
    eventually(lambda: "workers are ready" in stack.log())
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(60)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(60)
            while peer.recv(4096):
                pass  # until it gives up
    assert "no sign of life" not in stack.log()


def test_writes_follow_the_primary_after_a_failover(make_stack, standby):
    stack = make_stack(start=False)
    stack.up("postgres")
    other = standby(stack)
    stack.configure(conninfo(other, stack.run, target_session_attrs="read-write"))
    stack.start()
    author, reader = stack.client.friends_of_new()
    item = stack.client.publish(author)
    master = stack.pid("newsfeed")

    eventually(lambda: caught_up(stack, other))
    stack.kill("postgres", signal.SIGKILL)
    tool("pg_ctl", "-D", f"{other}/data", "-w", "promote")

    later = eventually(lambda: stack.client.publish(author))
    assert stack.client.inbound_ids(reader) == [later, item]
    assert stack.pid("newsfeed") == master


def test_a_replica_that_swallows_packets_is_passed_over(make_stack, standby, black_hole):
    """By each worker, whichever it begins with."""
    stack = make_stack(start=False, patience=NO_PATIENCE, WORKERS="4")
    stack.up("postgres")
    other = standby(stack)
    stack.configure(conninfo(black_hole, other, setting="db.read_conninfo"))
    stack.start()
    monitor = Monitor(stack)
    eventually(lambda: any("replica" in line for line in monitor.lines("warning")))
    eventually(lambda: not any("replica" in line for line in monitor.lines("warning")))


def caught_up(stack, other):
    written = stack.one("SELECT pg_current_wal_flush_lsn()")
    behind = subprocess.run(
        as_account([PSQL, "-XAtq", "-h", str(other), "-U", "postgres", "newsfeed", "-c",
                    f"SELECT pg_last_wal_replay_lsn() >= '{written}'"]),
        capture_output=True, text=True, timeout=10)
    return behind.stdout.strip() == "t"


# --- a standby that every commit waits for -----------------------------------

def to_all(folder, signum):
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    for pid in [postmaster, *children_of(postmaster)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


@pytest.fixture
def hanging(make_stack, standby):
    """hanging() hangs the synchronous standby of the stack, or brings it back."""
    stack = make_stack(start=False)
    stack.configure("db.statement_timeout=1500")
    stack.up("postgres")
    other = standby(stack)
    stack.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    stack.sql("SELECT pg_reload_conf()")
    stack.start()
    eventually(lambda: stack.one("SELECT sync_state FROM pg_stat_replication") == "sync")
    yield stack, lambda: to_all(other, signal.SIGSTOP), lambda: to_all(other, signal.SIGCONT)
    to_all(other, signal.SIGCONT)


def test_of_a_commit_that_is_not_answered_nobody_says_that_it_failed(hanging):
    stack, hang, wake = hanging
    author = stack.client.add_participant()
    path = f"{link(author)}/outbound"
    post = {"subject": "A", "story": "B"}
    key = {"Idempotency-Key": "unknown"}

    def is_unknown(headers):
        answer = stack.client.post(path, post, headers=headers)
        return answer.status == 503 and "not known whether" in answer.json["detail"]

    hang()
    assert is_unknown({})
    eventually(lambda: is_unknown(key))  # for a moment nobody connects anew
    eventually(lambda: stack.client.post(path, post, headers=key).status == 409)

    wake()
    again = eventually(lambda: stack.client.post(path, post, headers=key).status == 200
                       and stack.client.post(path, post, headers=key))
    assert again.headers["idempotent-replayed"] == "true"
    items = stack.client.outbound_ids(author)
    assert len(items) == 2 and again.json["id"] in items


def test_of_a_commit_that_died_with_its_server_the_key_tells(hanging):
    stack, hang, wake = hanging
    author = stack.client.add_participant()
    path = f"{link(author)}/outbound"
    post = {"subject": "A", "story": "B"}
    key = {"Idempotency-Key": "unknown"}

    hang()
    assert stack.client.post(path, post, headers=key).status == 503
    stack.kill("postgres", signal.SIGKILL)
    wake()
    eventually(lambda: not alive(stack.pid("postgres")))
    stack.down("postgres", "KILL")
    stack.up("postgres")
    again = eventually(lambda: stack.client.post(path, post, headers=key).status == 200
                       and stack.client.post(path, post, headers=key))
    assert stack.client.outbound_ids(author) == [again.json["id"]]
