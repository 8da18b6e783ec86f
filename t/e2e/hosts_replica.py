"""Several servers of PostgreSQL, which make check-hosts runs: what test_replica.py
has no time for."""

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from monitor import Monitor
from stack import NO_PATIENCE, children_of
from standby import Standby
from waiting import eventually, pause

PATIENCE = ("db.connect_timeout=2000 db.statement_timeout=4000 cache.timeout=5000"
            " worker.queue_timeout=20000")


def uri(hosts, wanted):
    hosts = ",".join(map(str, hosts))
    return f"postgresql://newsfeed@/newsfeed?host={hosts}&target_session_attrs={wanted}"


class Hosts:
    def __init__(self, stack, standbys):
        self.stack = stack
        self.client = stack.client
        self.standbys = standbys
        self.monitor = Monitor(stack)
        self.somebody = link(self.client.add_participant())

    def reads(self, result="served"):
        return self.monitor.metrics().sum("newsfeed_replica_reads_total", result=result)

    def look(self, result="served"):
        """A read; whether it was counted so."""
        before = self.reads(result)
        assert self.client.get(self.somebody).status == 200
        return self.reads(result) > before


@pytest.fixture
def hosts(make_stack, folder):
    names = "one", "two"
    sockets = [folder / f"{name}.sockets" for name in names]
    stack = make_stack(start=False, patience=PATIENCE, WORKERS="6")
    stack.configure(f"db.conninfo={uri([stack.run, sockets[0]], 'read-write')}"
                    f" db.read_conninfo={uri(sockets, 'standby')}")
    stack.start()
    standbys = [Standby(stack.run, folder, name) for name in names]
    try:
        for standby in standbys:
            standby.start()
        hosts = Hosts(stack, standbys)
        eventually(hosts.look)
        yield hosts
    finally:
        for standby in standbys:
            standby.stop()


def test_workers_that_look_at_a_primary_that_hangs_are_not_taken_for_hung(make_stack, folder):
    """Longer than the 15 s in which an idle worker has to show that it lives."""
    stack = make_stack(start=False, patience=NO_PATIENCE, WORKERS="2")
    stack.configure(f"db.read_conninfo={uri([folder / 'one.sockets'], 'standby')}"
                    " db.statement_timeout=20000 dispatcher.enabled=off")
    stack.start()
    standby = Standby(stack.run, folder, "one").start()
    stopped = []
    try:
        eventually(Hosts(stack, [standby]).look)
        stopped = [stack.pid("postgres"), *children_of(stack.pid("postgres"))]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        eventually(lambda: stack.log().count("position: no answer in time") == 2)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        standby.stop()
    assert "no sign of life" not in stack.log()


def write_and_read(client, author, reader):
    post = client.publish(author)
    assert client.inbound_ids(reader, "?limit=3")[0] == post
    assert client.inbound_ids(reader)[0] == post
    client.ok("PATCH", link(author), {"name": f"Author of {post}"})
    assert client.get(link(author)).json["name"] == f"Author of {post}"


def test_all_is_read_that_was_written_while_replicas_stand_still(hosts):
    """400 posts by four at a time, each read by its friend, cached and not."""
    before = hosts.reads()
    done = []

    def work():
        client = type(hosts.client)(hosts.stack.port)
        author, reader = client.friends_of_new()
        for _ in range(100):
            write_and_read(client, author, reader)
            done.append(author)

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work) for _ in range(4)]
        while not all(worker.done() for worker in workers):
            standby = random.choice(hosts.standbys)
            standby.one("SELECT pg_wal_replay_pause()")
            pause(random.uniform(0.1, 1.5))
            standby.one("SELECT pg_wal_replay_resume()")
            pause(random.uniform(0, 0.5))
        for worker in workers:
            worker.result()
    assert len(done) == 400
    assert hosts.reads() > before


def test_one_that_a_failover_left_behind_is_not_read(hosts, folder):
    """It has more of the log than the new primary, whose own log takes long to
    come as far: by positions alone it would be taken for up to date."""
    one, two = hosts.standbys
    client = hosts.client
    author, reader = client.friends_of_new()
    client.publish(author)
    eventually(hosts.stack.has_caught_up)
    eventually(lambda: one.one("SELECT pg_last_wal_replay_lsn()") ==
               hosts.stack.one("SELECT pg_current_wal_flush_lsn()"))
    one.leave()
    hosts.stack.sql("CREATE TABLE more AS SELECT repeat(md5(n::text), 30) AS text"
                    " FROM generate_series(1, 20000) n")
    eventually(lambda: two.one("SELECT count(*) FROM pg_class WHERE relname = 'more'") == "1")
    two.leave()
    hosts.stack.down("postgres", "KILL")
    one.promote()
    eventually(lambda: client.post("/participant", {"name": "New"}).status == 200)

    for _ in range(20):
        write_and_read(client, author, reader)
    ahead = two.one("SELECT pg_last_wal_replay_lsn() - '0/0'")
    here = one.one("SELECT pg_current_wal_flush_lsn() - '0/0'")
    assert int(ahead) > int(here), "or nothing was shown"
    eventually(lambda: hosts.look("refused"))
    assert hosts.monitor.lines("warning")[-1:] == ["replica: refused; the primary is read"]

    two.stop()
    other = Standby(one.sockets, folder, "three")
    two.sockets.rename(folder / "two.old")
    other.sockets.rename(two.sockets)
    other.sockets = two.sockets
    other.start()
    try:
        eventually(hosts.look)
        for _ in range(20):
            write_and_read(client, author, reader)
    finally:
        other.stop()
