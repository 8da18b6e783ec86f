"""The cache killed, stopped, restarted; a worker killed before its drop."""

import os
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cache_proxy import behind_a_proxy
from load import Load
from stack import NO_PATIENCE, ask_memcached
from waiting import SOON, eventually, one_of, pause

pytestmark = pytest.mark.xdist_group("cache_faults")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(patience=NO_PATIENCE)


@pytest.fixture
def pair(stack):
    author, reader = stack.client.friends_of_new()
    stack.client.inbound(reader)
    stack.client.inbound(reader)
    yield author, reader
    hits_again(stack)


def hits_again(stack):
    """The cache is back in use, for tests that follow."""
    path = f"/participant/{stack.client.add_participant()}/inbound"
    stack.client.hit(path)


class Timed:
    """A write and two reads, each with what it took, all of them right. One may
    take long on a busy machine, but not most."""

    def __init__(self, client, author, reader):
        self.client, self.author, self.reader = client, author, reader
        self.took = []

    def timed(self, call, *arguments):
        start = time.monotonic()
        result = call(*arguments)
        self.took.append(time.monotonic() - start)
        return result

    def was_quick(self, most):
        return statistics.median(self.took) < most and max(self.took) < 5

    def __call__(self, _=0):
        item = self.timed(self.client.publish, self.author)
        assert item in self.timed(self.client.inbound_ids, self.reader, "?limit=51")
        eventually(
            lambda: item in self.timed(self.client.inbound_ids, self.reader), within=SOON)


def test_with_the_cache_killed_no_request_fails(stack, pair):
    stack.down("memcached", "KILL")
    try:
        work = Timed(stack.client, *pair)
        for _ in range(10):
            work()
        assert work.was_quick(0.15)
    finally:
        stack.up("memcached")


def test_with_the_cache_stopped_no_request_fails_or_waits_long(stack, pair):
    """Stopped, it takes connections and answers nothing: the worst case."""
    work = Timed(stack.client, *pair)
    stack.kill("memcached", signal.SIGSTOP)
    try:
        for _ in range(15):
            work()
    finally:
        stack.kill("memcached", signal.SIGCONT)
    assert work.was_quick(0.15)


def test_the_cache_killed_and_restarted_under_load_fails_no_request(stack, pair):
    work = Timed(stack.client, *pair)
    with Load(work, threads=3) as load:
        for _ in range(3):
            eventually(load.more(10))
            stack.down("memcached", "KILL")
            eventually(load.more(10))
            stack.up("memcached")
        eventually(load.more(10))
    assert work.was_quick(0.5)


def test_a_restarted_cache_holds_nothing_old(make_stack):
    """Connections to it are dead: a drop has to find that out and reconnect."""
    stack = make_stack()
    author, reader = stack.client.friends_of_new()
    for _ in range(4):
        stack.down("memcached", "KILL")
        stack.up("memcached")
        hits_again(stack)
        path = f"/participant/{reader}/inbound"
        stack.client.hit(path)
        item = stack.client.publish(author)
        assert stack.client.inbound_ids(reader)[0] == item


@pytest.mark.parametrize("late", [0, 0.01, 0.03, 0.06, 0.1, 0.2])
def test_what_was_written_while_the_cache_was_stopped_shows_at_once(stack, pair, late):
    """Its old page is still in there, the drop went into the void, and memcached
    goes on before, when or after the post is answered."""
    author, reader = pair
    path = f"/participant/{reader}/inbound"
    for _ in range(4):
        stack.client.hit(path)
        stack.kill("memcached", signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            try:
                posting = pool.submit(stack.client.publish, author)
                pause(late)
            finally:
                stack.kill("memcached", signal.SIGCONT)
            item = posting.result()
            for _ in range(20):
                assert stack.client.inbound_ids(reader)[0] == item


def test_what_was_written_while_the_cache_was_stopped_shows_within_a_second(stack, pair):
    """Its page is still in there, and the drop went into the void."""
    author, reader = pair

    def shows():
        hits_again(stack)
        before = stack.client.inbound_ids(reader)
        stack.kill("memcached", signal.SIGSTOP)
        try:
            item = stack.client.publish(author)
        finally:
            stack.kill("memcached", signal.SIGCONT)
        eventually(lambda: stack.client.inbound_ids(reader) == [item, *before], within=1)

    one_of(5, shows)


def test_what_was_removed_while_the_cache_was_stopped_goes_within_a_second(stack, pair):
    author, reader = pair

    def goes():
        hits_again(stack)
        item = stack.client.publish(author)
        assert stack.client.inbound_ids(reader) == [item]
        stack.kill("memcached", signal.SIGSTOP)
        try:
            stack.client.delete(f"/participant/{author}/outbound/{item}")
        finally:
            stack.kill("memcached", signal.SIGCONT)
        eventually(lambda: stack.client.inbound_ids(reader) == [], within=1)

    one_of(5, goes)


def test_nothing_stale_survives_a_long_stop_of_the_cache(stack, pair):
    """Longer than the dispatcher's own patience with a dead cache."""
    author, reader = pair
    stack.kill("memcached", signal.SIGSTOP)
    try:
        items = [stack.client.publish(author)]
        start = time.monotonic()
        eventually(lambda: time.monotonic() - start > 2.5)
        items.append(stack.client.publish(author))
    finally:
        stack.kill("memcached", signal.SIGCONT)
    eventually(lambda: stack.client.inbound_ids(reader) == items[::-1], within=SOON)


def test_garbage_in_the_cache_is_not_served(stack, pair):
    """An operator's slip of the hand, or another program's key."""
    author, reader = pair
    item = stack.client.publish(author)
    eventually(stack.has_caught_up)  # the dispatcher drops the page once more
    stack.client.hit(f"/participant/{reader}/inbound")
    key = next(k for k in stack.cached_keys() if f":inbound:{reader}@" in k)
    for value in (b"garbage", b"", b"HTTP/1.1", b"L:1234"):
        command = b"set %s 0 5 %d\r\n%s\r\n" % (key.encode(), len(value), value)
        for path in stack.memcached_sockets():
            ask_memcached(path, command, b"STORED\r\n")
        assert stack.client.inbound_ids(reader) == [item]


@pytest.fixture(scope="module")
def proxied(request, make_module_stack):
    """A stack whose every access to memcached passes a proxy of ours."""
    with behind_a_proxy(request.config.base, make_module_stack(start=False)) as both:
        yield both


@pytest.fixture(scope="module")
def impatient(request, make_module_stack):
    stack = make_module_stack(start=False, patience=NO_PATIENCE)
    with behind_a_proxy(request.config.base, stack) as both:
        yield both


def test_a_page_read_before_a_write_is_not_stored_after_it(proxied):
    """The reader's worker has its page and is about to store it; meanwhile a
    post is made and drops the reader's page, which includes the lease."""
    stack, proxy = proxied
    author, reader = stack.client.friends_of_new()
    eventually(stack.has_caught_up)
    with ThreadPoolExecutor(1) as pool:
        with proxy.holding(b"cas ") as is_held:
            reading = pool.submit(stack.client.inbound, reader)
            eventually(is_held)
            item = stack.client.publish(author)
        assert stack.client.inbound_ids(reader) == [item]
        assert reading.result() == []


def test_a_drop_that_was_lost_hides_the_page_from_the_200_on(impatient):
    """nginx reaches memcached again before the lost drop is made good."""
    stack, proxy = impatient
    author, reader = stack.client.friends_of_new()
    eventually(stack.has_caught_up)
    for write in (
        lambda: stack.client.publish(author),
        lambda: stack.client.delete(
            f"/participant/{author}/outbound/{stack.client.outbound_ids(author)[0]}"),
    ):
        stack.client.hit(f"/participant/{reader}/inbound")
        with proxy.frozen():
            write()
            right = stack.client.outbound_ids(author)
        for _ in range(20):
            assert stack.client.inbound_ids(reader) == right
    hits_again(stack)


def test_a_drop_that_was_lost_hides_no_page_of_other_servers(make_stack):
    stack = make_stack(patience=NO_PATIENCE, MEMCACHED="2")
    author, *readers = stack.client.add_participants(20)
    for reader in readers:
        stack.client.befriend(author, reader)
    eventually(stack.has_caught_up)
    stack.kill("memcached-1", signal.SIGSTOP)
    try:
        stack.client.publish(author)
        eventually(lambda: "HIT" in {
            stack.client.get(f"/participant/{reader}/inbound").headers["x-cache"]
            for reader in readers})
        name, = [n for n in os.listdir(stack.run / "state") if n.startswith("closed-")]
        shown = name.replace("closed-", "upstream newsfeed_cache_")
        assert f"{shown} {{ server unix:{stack.run}/memcached.sock-1;" in (
            stack.run / "cache_map.conf").read_text()
    finally:
        stack.kill("memcached-1", signal.SIGCONT)
    for reader in readers:
        stack.client.hit(f"/participant/{reader}/inbound")
    assert not [n for n in os.listdir(stack.run / "state") if n.startswith("closed")]


def test_without_a_dispatcher_readers_open_a_server_again(make_stack):
    stack = make_stack(patience=NO_PATIENCE, SETTINGS="dispatcher.enabled=off")
    author, reader = stack.client.friends_of_new()
    stack.client.hit(f"/participant/{reader}/inbound")
    stack.kill("memcached", signal.SIGSTOP)
    try:
        item = stack.client.publish(author)
    finally:
        stack.kill("memcached", signal.SIGCONT)
    assert stack.client.inbound_ids(reader) == [item]
    answer = stack.client.hit(f"/participant/{reader}/inbound")
    assert [each["id"] for each in answer.json] == [item]


def test_a_sign_outlives_the_service(impatient):
    """It has stopped before it could pay, and memcached still has the page."""
    stack, proxy = impatient
    author, reader = stack.client.friends_of_new()
    eventually(stack.has_caught_up)
    stack.client.hit(f"/participant/{reader}/inbound")
    with proxy.frozen():
        item = stack.client.publish(author)
        stack.down("newsfeed", "KILL")
    assert stack.client.get(f"/participant/{reader}/inbound").status == 503
    stack.up("newsfeed")
    assert stack.client.inbound_ids(reader) == [item]
    hits_again(stack)


def killed_before_the_drop(stack, proxy, readers, write, command=b"md "):
    """Runs the write, whose worker dies between commit and drop, or whatever it
    commands memcached. The pages of these readers are in the cache."""
    eventually(stack.has_caught_up)  # or the dispatcher drops them once more
    for reader in readers:
        stack.client.hit(f"/participant/{reader}/inbound")
    killed = proxy.kill_before(command, stack.workers)
    answer = write()
    assert killed, "no worker was killed"
    assert answer.status == 503


def test_a_page_stays_while_its_confirmation_is_on_its_way(proxied):
    stack, proxy = proxied

    def stays():
        author, reader = stack.client.friends_of_new()
        path = f"/participant/{reader}/inbound"
        eventually(stack.has_caught_up)
        stack.client.hit(path)
        with proxy.holding(b"ms nf1:put:"):
            item = stack.client.publish(author)
            question = b"mg nf1:put:%d@" % item
            eventually(lambda: sum(question in piece for piece in proxy.passed) > 3, within=1)
        eventually(stack.has_caught_up)
        assert any(f":inbound:{reader}@" in key for key in stack.cached_keys())

    one_of(5, stays)


def test_a_worker_killed_between_commit_and_drop_leaves_nothing_stale(proxied):
    stack, proxy = proxied
    body = {"subject": "A", "story": "B"}

    def shows_within_a_second():
        author, reader = stack.client.friends_of_new()
        killed_before_the_drop(
            stack, proxy, [reader],
            lambda: stack.client.post(f"/participant/{author}/outbound", body),
            command=b"ms ")
        eventually(lambda: len(stack.client.inbound(reader)) == 1, within=1)
        assert len(stack.client.outbound_ids(author)) == 1

    one_of(5, shows_within_a_second)


def test_a_worker_killed_before_dropping_what_was_removed_leaves_nothing_stale(proxied):
    stack, proxy = proxied
    author, reader = stack.client.friends_of_new()
    item = stack.client.publish(author)
    killed_before_the_drop(
        stack, proxy, [reader],
        lambda: stack.client.delete(f"/participant/{author}/outbound/{item}"))
    eventually(lambda: stack.client.inbound(reader) == [], within=SOON)


def test_a_worker_killed_before_dropping_after_unfriending_leaves_nothing_stale(proxied):
    stack, proxy = proxied
    author, reader = stack.client.friends_of_new()
    stack.client.publish(author)
    killed_before_the_drop(
        stack, proxy, [reader],
        lambda: stack.client.delete(f"/participant/{author}/friends/{reader}"))
    eventually(lambda: stack.client.inbound(reader) == [], within=SOON)


def test_a_worker_killed_before_dropping_after_befriending_leaves_nothing_stale(proxied):
    stack, proxy = proxied
    author, reader = stack.client.add_participants(2)
    item = stack.client.publish(author)
    killed_before_the_drop(
        stack, proxy, [reader],
        lambda: stack.client.post(f"/participant/{author}/friends", {"to": reader}))
    eventually(lambda: stack.client.inbound_ids(reader) == [item], within=SOON)


def test_a_worker_killed_before_dropping_of_one_removed_leaves_nothing_stale(proxied):
    stack, proxy = proxied
    author, reader = stack.client.friends_of_new()
    stack.client.publish(author)
    killed_before_the_drop(
        stack, proxy, [author, reader],
        lambda: stack.client.delete(f"/participant/{author}"))
    eventually(lambda: stack.client.inbound(reader) == [], within=SOON)
    path = f"/participant/{author}/inbound"
    eventually(lambda: stack.client.get(path).status == 404, within=SOON)
