"""One of two memcached servers is away, with its pages, and comes back."""

import contextlib
import signal
import time

import pytest

from client import link
from stack import NO_PATIENCE, make_friends
from waiting import SOON, eventually, one_of, pause

pytestmark = pytest.mark.xdist_group("cache_away")

AWAY = 4.0  # seconds: many looks of the dispatcher
READERS = 12


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(patience=NO_PATIENCE, MEMCACHED="2",
                             SETTINGS="feed.inline_friends=20 dispatcher.piece=10")


def inbound(reader):
    return f"{link(reader)}/inbound"


def fill(stack, readers):
    eventually(stack.has_caught_up)
    for reader in readers:
        stack.client.hit(inbound(reader))


def on_each(stack, readers):
    """Those whose pages lie on memcached-1, and on the other one."""
    first, second = ([r for r in readers if any(f":inbound:{r}@" in key for key in keys)]
                     for keys in map(stack.cached_keys, stack.memcached_sockets()))
    assert first and second and len(first) + len(second) == len(readers)
    return first, second


def befriended(stack, authors=1):
    """Authors, and friends of all of them, whose pages are cached."""
    authors, readers = stack.client.add_participants(authors), \
        stack.client.add_participants(READERS)
    for author in authors:
        for reader in readers:
            stack.client.befriend(author, reader)
    fill(stack, readers)
    return authors, *on_each(stack, readers)


@contextlib.contextmanager
def away(stack):
    stack.kill("memcached-1", signal.SIGSTOP)
    try:
        yield
    finally:
        stack.kill("memcached-1", signal.SIGCONT)


def waiting(stack):
    """Orders to drop pages: of whom, from where."""
    return stack.sql("SELECT participant_id, other_id FROM outbox WHERE kind = 'c' ORDER BY 1")


def number_of_first(stack):
    return str(int(stack.cache_names()[0], 16))


def is_told(stack, item):
    """On the server that is not away."""
    return max(stack.horizons()) >= item


def forget_debts(stack):
    """As if this were another host, which wrote nothing meanwhile."""
    for file in (stack.run / "state").glob("closed-*"):
        file.unlink()


def is_shown(stack, readers, item):
    return all(stack.client.inbound_ids(reader)[:1] == [item] for reader in readers)


def test_pages_on_the_others_stay_and_orders_do_not_pile_up(stack):
    authors, lost, kept = befriended(stack, authors=3)
    number = number_of_first(stack)
    posts = misses = 0
    with away(stack):
        end = time.monotonic() + AWAY
        while posts < 6 or time.monotonic() < end:
            item = stack.client.publish(authors[posts % 3])
            posts += 1
            eventually(lambda: is_told(stack, item))
            for reader in kept:
                answer = stack.client.get(inbound(reader))
                misses += answer.headers["x-cache"] != "HIT"
                assert answer.json[0]["id"] == item
            assert stack.client.inbound_ids(lost[0])[0] == item
            assert min(stack.horizons()) < item
        assert waiting(stack) == [[str(author), number] for author in authors]
    assert misses <= posts * len(kept) / 4  # a busy machine may be late with one
    eventually(lambda: is_shown(stack, lost, item), within=SOON)
    eventually(stack.has_caught_up, within=SOON)
    eventually(lambda: min(stack.horizons()) >= item)
    for reader in lost + kept:
        stack.client.hit(inbound(reader))


@pytest.mark.parametrize("forget", [lambda stack: None, forget_debts], ids=["host", "other"])
def test_old_pages_that_come_back_go_within_a_second(stack, forget):
    def goes():
        [author], lost, _ = befriended(stack)
        with away(stack):
            items = [stack.client.publish(author) for _ in range(3)]
            eventually(lambda: waiting(stack) and is_told(stack, items[-1]))
            pause(1)
            forget(stack)
        eventually(lambda: is_shown(stack, lost, items[-1]), within=1)
        eventually(stack.has_caught_up, within=SOON)
        assert is_shown(stack, lost, items[-1])

    one_of(5, goes)


def test_whoever_became_a_friend_since_is_told_too(stack):
    """By the order that waited already."""
    [author], _, _ = befriended(stack)
    late, other, *_ = befriended(stack)[1]
    stack.client.befriend(author, other)
    fill(stack, [other])
    with away(stack):
        stack.client.publish(author)
        eventually(lambda: waiting(stack))
        stack.client.befriend(author, late)
        item = stack.client.publish(author)
        eventually(lambda: is_told(stack, item))
        forget_debts(stack)
    eventually(lambda: is_shown(stack, [late, other], item), within=SOON)


def test_an_order_in_another_dispatchers_turn_does_not_count(stack):
    """It may have dropped the pages before this post was made."""
    [author], lost, _ = befriended(stack)
    with away(stack):
        stack.client.publish(author)
        one = eventually(lambda: waiting(stack))
        with stack.holding("SELECT FROM outbox WHERE kind = 'c' FOR UPDATE"):
            item = stack.client.publish(author)
            eventually(lambda: is_told(stack, item))
            assert waiting(stack) == one * 2
        forget_debts(stack)
    eventually(lambda: is_shown(stack, lost, item), within=SOON)
    eventually(stack.has_caught_up)


def test_a_large_delivery_leaves_the_others_their_pages(stack):
    author = stack.client.add_participant()
    stack.sql(make_friends(author, 30))
    readers = stack.client.friends(author)
    fill(stack, readers)
    lost, kept = on_each(stack, readers)
    with away(stack):
        item = stack.client.publish(author)
        eventually(lambda: is_told(stack, item))
        for reader in kept:
            answer = stack.client.get(inbound(reader))
            assert (answer.headers["x-cache"], answer.json[0]["id"]) == ("HIT", item)
        assert waiting(stack) == [[str(author), number_of_first(stack)]]
    eventually(lambda: is_shown(stack, lost, item), within=SOON)


def test_what_was_removed_goes_from_pages_that_come_back(stack):
    [author], lost, _ = befriended(stack)
    item = stack.client.publish(author)
    eventually(lambda: min(stack.horizons()) >= item)
    fill(stack, lost)
    with away(stack):
        stack.client.delete(f"{link(author)}/outbound/{item}")
        eventually(lambda: waiting(stack))
        forget_debts(stack)
    eventually(lambda: all(stack.client.inbound_ids(reader) == [] for reader in lost),
               within=SOON)
    eventually(stack.has_caught_up)


def test_what_programs_of_before_left_is_dropped_everywhere(stack):
    """For no server, or for one that is not configured: from those that answer
    at once, from the others later."""
    [author], lost, kept = befriended(stack)
    with away(stack):
        stack.sql("INSERT INTO outbox (kind, participant_id, other_id)"
                  f" VALUES ('c', {author}, 0), ('c', {author}, 0), ('c', {author}, 7)")
        eventually(lambda: waiting(stack) == [[str(author), number_of_first(stack)]])
        keys = stack.cached_keys(stack.memcached_sockets()[1])
        assert not any(f":inbound:{reader}@" in key for reader in kept for key in keys)
    eventually(stack.has_caught_up, within=SOON)
    keys = stack.cached_keys(stack.memcached_sockets()[0])
    assert not any(f":inbound:{reader}@" in key for reader in lost for key in keys)


def test_however_many_wait_none_is_touched_until_the_server_answers(stack):
    [author], lost, _ = befriended(stack)
    number = number_of_first(stack)
    with away(stack):
        item = stack.client.publish(author)
        eventually(lambda: waiting(stack))
        stack.sql("INSERT INTO outbox (kind, participant_id, other_id)"
                  f" SELECT 'c', n, {number} FROM generate_series(1000001, 1010000) n;"
                  " ANALYZE outbox")
        rows = "SELECT count(*), max(xmax::text::bigint) FROM outbox WHERE kind = 'c'"
        before = stack.sql(rows)
        pause(2)
        assert stack.sql(rows) == before == [["10001", before[0][1]]]
        forget_debts(stack)
    eventually(stack.has_caught_up, within=10)
    assert is_shown(stack, lost, item)
