"""Reads that a replica serves (db.read_conninfo): never older than the primary's,
and the primary's where the replica lags, hangs, is gone or was promoted."""

import contextlib
import time

import pytest

from client import link
from monitor import Monitor
from standby import Standby
from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("replica")

# What a replica that hangs may hold a request for, and then the primary.
CONNECT, STATEMENT = 1.0, 2.0
PATIENCE = (f"db.connect_timeout={CONNECT * 1000:.0f}"
            f" db.statement_timeout={STATEMENT * 1000:.0f}"
            " cache.timeout=5000 worker.queue_timeout=20000")

# ms that a commit is there before the standby applies it: longer than anybody
# waits for that, so that whoever asks it all the same reads what was before.
DELAY = 300


def settings(folder):
    return ("db.read_conninfo=postgresql://newsfeed@/newsfeed"
            f"?host={folder}/standby.sockets")


class Pair:
    """A stack and its standby."""

    def __init__(self, stack, standby):
        self.stack = stack
        self.client = stack.client
        self.standby = standby
        self.monitor = Monitor(stack)
        self.somebody = link(self.client.add_participant())

    def reads(self):
        """How often each result was counted."""
        metrics = self.monitor.metrics()
        return {result: metrics.sum("newsfeed_replica_reads_total", result=result)
                for result in ("served", "gone", "refused", "behind", "failed")}

    def is_read(self):
        before = self.reads()["served"]
        assert self.client.get(self.somebody).status == 200
        return self.reads()["served"] > before

    @contextlib.contextmanager
    def left_out(self, result):
        """The primary is read inside, for that reason, and warned of."""
        before = self.reads()
        yield
        after = self.reads()
        assert after[result] > before[result]
        assert after["served"] == before["served"]

    def warning(self):
        return [line for line in self.monitor.lines("warning") if line.startswith("replica")]


@pytest.fixture(scope="module")
def pair(make_module_stack, module_folder):
    stack = make_module_stack(patience=PATIENCE, WORKERS="4", SETTINGS=settings(module_folder))
    standby = Standby(stack.run, module_folder).start()
    pair = Pair(stack, standby)
    try:
        eventually(pair.is_read)
        yield pair
    finally:
        standby.stop()


@contextlib.contextmanager
def delayed(standby):
    standby.one(f"ALTER SYSTEM SET recovery_min_apply_delay = '{DELAY}ms'")
    standby.one("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        standby.one("ALTER SYSTEM RESET recovery_min_apply_delay")
        standby.one("SELECT pg_reload_conf()")


def write_and_read(client, author, reader):
    """Four writes, each with a read that must see it; the queries go past the
    cache."""
    post = client.publish(author)
    assert client.inbound_ids(reader, "?limit=3")[0] == post
    assert client.get(f"{link(author)}/outbound/{post}").status == 200
    client.ok("PATCH", f"{link(author)}/outbound/{post}", {"subject": "Other"})
    assert client.inbound(reader, "?limit=3")[0]["subject"] == "Other"
    client.ok("PATCH", link(author), {"name": f"Author of {post}"})
    assert client.get(link(author)).json["name"] == f"Author of {post}"
    assert client.delete(f"{link(author)}/outbound/{post}").status == 204
    assert client.outbound_ids(author, "?limit=3")[:1] != [post]


def test_whoever_wrote_reads_it(pair):
    author, reader = pair.client.friends_of_new()
    before = pair.reads()["served"]
    for _ in range(50):
        write_and_read(pair.client, author, reader)
    assert pair.reads()["served"] > before
    with delayed(pair.standby):
        for _ in range(50):
            write_and_read(pair.client, author, reader)


def test_whatever_a_get_reads_may_come_from_there(pair):
    client = pair.client
    author, reader = client.friends_of_new()
    post = client.publish(author, subject="Replicated", story="By a standby")
    eventually(lambda: client.search("Replicated") == [link(author)])
    for path in (link(author), f"{link(author)}/friends", f"{link(author)}/outbound",
                 f"{link(author)}/outbound/{post}", f"{link(reader)}/inbound?limit=7",
                 f"{link(reader)}/inbound?after=1", f"{link(reader)}/inbound/marker",
                 "/outbound?keywords=standby", "/outbound/items?keywords=standby"):
        def is_served():
            before = pair.reads()["served"]
            assert client.get(path).status == 200
            return pair.reads()["served"] > before
        eventually(is_served)
    assert pair.reads()["failed"] == 0


def test_cached_pages_are_as_new(pair):
    """What is stored was read from a replica, and what is posted meanwhile is in
    it or in front of it."""
    client = pair.client
    author, reader = client.friends_of_new()
    kept = []

    def go_on(rounds):
        for _ in range(rounds):
            kept.insert(0, client.publish(author))
            assert client.inbound_ids(reader) == kept[:50]
            gone = client.publish(author)
            assert client.delete(f"{link(author)}/outbound/{gone}").status == 204
            assert client.inbound_ids(reader) == kept[:50]

    before = pair.reads()["served"]
    go_on(30)
    assert pair.reads()["served"] > before
    with delayed(pair.standby):
        go_on(20)


def test_one_that_lags_is_passed_over(pair):
    client = pair.client
    author, reader = client.friends_of_new()
    eventually(pair.is_read)
    pair.standby.one("SELECT pg_wal_replay_pause()")
    try:
        with pair.left_out("behind"):
            began = time.monotonic()
            post = client.publish(author)
            assert time.monotonic() - began < SOON  # it waits for no replica
            assert client.inbound_ids(reader) == [post]
            assert client.inbound_ids(reader, "?limit=3") == [post]
        eventually(lambda: client.get(pair.somebody) and pair.warning())
        assert pair.warning() == ["replica: behind; the primary is read"]
        assert pair.monitor.get("/readyz")[0] == 200
    finally:
        pair.standby.one("SELECT pg_wal_replay_resume()")
    assert client.hit(f"{link(reader)}/inbound").json[0]["id"] == post
    eventually(pair.is_read)
    eventually(lambda: client.get(pair.somebody) and not pair.warning())


def test_one_that_hangs_holds_nobody_for_long(pair):
    client = pair.client
    author, reader = client.friends_of_new()
    eventually(pair.is_read)
    with pair.standby.hanging(), pair.left_out("gone"):
        began = time.monotonic()
        post = client.publish(author)
        assert time.monotonic() - began < SOON
        for _ in range(20):
            began = time.monotonic()
            assert client.inbound_ids(reader, "?limit=3") == [post]
            assert time.monotonic() - began < CONNECT + STATEMENT + SOON
        assert pair.warning() == ["replica: gone; the primary is read"]
        assert "replica: replayed: no answer in time" in pair.stack.log()
    eventually(pair.is_read)


def test_one_that_is_stopped_is_missed_by_nobody(pair):
    client = pair.client
    author, reader = client.friends_of_new()
    eventually(pair.is_read)
    pair.standby.stop()
    with pair.left_out("gone"):
        post = client.publish(author)
        assert client.inbound_ids(reader, "?limit=3") == [post]
    pair.standby.start()
    eventually(pair.is_read)


def test_a_primary_that_starts_anew_is_known_again(pair):
    pair.stack.down("postgres", "KILL")
    pair.stack.up("postgres")
    eventually(pair.is_read)
    author, reader = pair.client.friends_of_new()
    for _ in range(5):
        write_and_read(pair.client, author, reader)


def test_a_post_that_may_still_come_is_asked_of_the_primary(pair):
    """Its lock is known there alone."""
    client = pair.client
    author, reader = client.friends_of_new()
    eventually(pair.is_read)

    def unsettled():
        return pair.monitor.metrics().sum("newsfeed_replica_reads_total", result="unsettled")

    def is_asked_there():
        page = client.get(f"{link(reader)}/inbound?limit=3")
        assert [item["id"] for item in page.json] == [post]
        assert f"after={post}" not in page.links.get("prev", "")
        return unsettled() > before

    before = unsettled()
    with pair.stack.holding("INSERT INTO outbound (participant_id, subject, story)"
                            f" VALUES ({author}, 'Late', 'Late')"):
        post = client.publish(author)
        eventually(is_asked_there)


def test_one_of_another_database_is_refused(pair):
    """The last of this file: nothing makes a standby of it again."""
    client = pair.client
    author, reader = client.friends_of_new()
    eventually(pair.is_read)
    pair.standby.promote()
    with pair.left_out("refused"):
        post = client.publish(author)
        assert client.inbound_ids(reader, "?limit=3") == [post]
        eventually(lambda: client.get(pair.somebody) and pair.warning() ==
                   ["replica: refused; the primary is read"])
    assert pair.stack.log().count("is read again") >= 1
