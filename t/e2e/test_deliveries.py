"""Posts to many friends, by the dispatcher: put in front of their pages."""

import os
import signal

import pytest

from cache_proxy import behind_a_proxy
from client import ids
from stack import NO_PATIENCE, make_friends
from waiting import SOON, eventually, one_of

pytestmark = pytest.mark.xdist_group("deliveries")

FRIENDS = 10
PIECE = 4


SETTINGS = f"feed.inline_friends=3 dispatcher.piece={PIECE}"


@pytest.fixture(scope="module")
def proxied(request, make_module_stack):
    stack = make_module_stack(start=False)
    with behind_a_proxy(request.config.base, stack, SETTINGS) as both:
        yield both


@pytest.fixture
def stack(proxied):
    return proxied[0]


@pytest.fixture
def proxy(proxied):
    return proxied[1]


def inbound(reader):
    return f"/participant/{reader}/inbound"


def befriended(stack):
    """An author and its friends, by id, whose pages are in the cache."""
    author = stack.client.add_participant()
    stack.sql(make_friends(author, FRIENDS))
    readers = sorted(stack.client.friends(author))
    eventually(stack.has_caught_up)
    eventually(lambda: min(stack.horizons()) >= next_post(stack) - 1)
    fill(stack, readers)
    return author, readers


def fill(stack, readers):
    for reader in readers:
        stack.client.hit(inbound(reader))


def orders(stack):
    return int(stack.one("SELECT count(*) FROM outbox WHERE kind = 'd'"))


def is_told(stack, item):
    """All have it, and nginx knows."""
    return orders(stack) == 0 and min(stack.horizons()) >= item


def shown(stack, readers):
    """Whether each page was in the cache, and what it shows."""
    answers = [stack.client.get(inbound(reader)) for reader in readers]
    return [(answer.headers["x-cache"], ids(answer.json)) for answer in answers]


def next_post(stack):
    return int(stack.one("SELECT last_value + is_called::int FROM outbound_id_seq"))


def waiting_for(stack, reader, item):
    """While somebody else is about to give the reader that post, which the
    dispatcher waits for in the middle of a piece."""
    return stack.holding(f"INSERT INTO inbound VALUES ({reader}, {item})")


def is_in_a_piece(stack):
    return stack.one("SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
                     " AND wait_event_type = 'Lock' AND query LIKE '%delivery AS%'") != "0"


def test_pages_stay_in_the_cache_and_show_the_post(stack):
    def stays():
        author, readers = befriended(stack)
        item = stack.client.publish(author)
        eventually(lambda: is_told(stack, item))
        assert shown(stack, readers) == [("HIT", [item])] * FRIENDS
        answer = stack.client.get(inbound(readers[0]))
        assert answer.json == stack.client.inbound(readers[0], "?limit=49")

    one_of(5, stays)


def test_pages_show_it_out_of_the_cache_while_others_wait(stack):
    def shows():
        author, readers = befriended(stack)
        item = next_post(stack)
        with waiting_for(stack, readers[-1], item):
            assert stack.client.publish(author) == item
            eventually(lambda: is_in_a_piece(stack))
            assert shown(stack, readers[:PIECE]) == [("HIT", [item])] * PIECE
        eventually(lambda: is_told(stack, item))

    one_of(5, shows)


def test_who_became_a_friend_later_does_not_get_it(stack):
    def is_so():
        author, readers = befriended(stack)
        later = next_post(stack) + 1
        stack.sql(f"UPDATE friendship SET since = {later} WHERE friend_id = {author}"
                  f" AND participant_id = {readers[1]}")
        item = stack.client.publish(author)
        eventually(lambda: is_told(stack, item))
        expected = [("HIT", [item])] * FRIENDS
        expected[1] = "HIT", []
        assert shown(stack, readers) == expected

    one_of(5, is_so)


def test_who_ended_the_friendship_meanwhile_does_not_get_it(stack):
    """The piece saw it still, and comes to the page behind its drop."""
    author, readers = befriended(stack)
    former, other = readers[:2]
    item = next_post(stack)
    with waiting_for(stack, other, item) as commit:
        assert stack.client.publish(author) == item
        eventually(lambda: is_in_a_piece(stack))
        stack.client.delete(f"/participant/{author}/friends/{former}")
        stack.sql("UPDATE outbox SET due = now() + interval '20 s' WHERE kind = 'f'")
        assert ids(stack.client.hit(inbound(former)).json) == []
        commit()
    eventually(lambda: is_told(stack, item))
    [(_, found), (_, others)] = shown(stack, [former, readers[2]])
    assert (found, others) == ([], [item])
    assert stack.one(f"SELECT count(*) FROM inbound WHERE participant_id = {former}") == "1"
    stack.sql("UPDATE outbox SET due = now()")
    eventually(stack.has_caught_up)


def test_a_post_that_was_removed_meanwhile_is_not_shown(stack):
    author, readers = befriended(stack)
    item = next_post(stack)
    with waiting_for(stack, readers[1], item) as commit:
        assert stack.client.publish(author) == item
        eventually(lambda: is_in_a_piece(stack))
        stack.client.delete(f"/participant/{author}/outbound/{item}")
        stack.sql("UPDATE outbox SET due = now() + interval '20 s' WHERE kind = 'r'")
        fill(stack, readers)
        commit()
    eventually(lambda: is_told(stack, item))
    assert [found for _, found in shown(stack, readers)] == [[]] * FRIENDS
    stack.sql("UPDATE outbox SET due = now()")
    eventually(stack.has_caught_up)


def test_a_dispatcher_that_died_behind_the_commit_leaves_nothing_stale(stack, proxy):
    def shows_within_a_second():
        author, readers = befriended(stack)
        killed = proxy.kill_before(b"ms ", lambda: [stack.dispatcher()])
        item = stack.client.publish(author)
        eventually(lambda: killed)
        eventually(lambda: ids(stack.client.get(inbound(readers[0])).json) == [item], within=1)
        eventually(lambda: is_told(stack, item))
        assert [found for _, found in shown(stack, readers)] == [[item]] * FRIENDS

    one_of(5, shows_within_a_second)


def test_a_post_is_not_large_because_its_author_has_more_friends_by_now(stack, proxy):
    """Its worker died, the next friend came before the dispatcher looked."""
    author, reader = stack.client.friends_of_new()
    stack.sql(make_friends(author, 2))
    eventually(stack.has_caught_up)
    stack.client.hit(inbound(reader))
    dispatcher = stack.dispatcher()
    os.kill(dispatcher, signal.SIGSTOP)
    try:
        killed = proxy.kill_before(b"ms ", stack.workers)
        body = {"subject": "A subject", "story": "A story."}
        assert stack.client.post(f"/participant/{author}/outbound", body).status == 503
        assert killed
        stack.client.befriend(author, stack.client.add_participant())
    finally:
        os.kill(dispatcher, signal.SIGCONT)
    [item] = stack.client.outbound_ids(author)
    eventually(lambda: stack.client.inbound_ids(reader) == [item], within=SOON)


def test_pages_that_could_not_be_changed_are_dropped_later(request, make_stack):
    stack = make_stack(start=False, patience=NO_PATIENCE)
    with behind_a_proxy(request.config.base, stack, SETTINGS) as (_, proxy):
        author, readers = befriended(stack)
        with proxy.frozen():
            item = stack.client.publish(author)
            eventually(lambda: orders(stack) == 0)
        eventually(lambda: {str(found) for _, found in shown(stack, readers)}
                   == {str([item])}, within=SOON)


def test_another_dispatchers_piece_is_not_taken_for_shown(stack, proxy):
    """Who took the next piece, behind this one's back, has died with it."""
    author, readers = befriended(stack)
    with proxy.holding(b"ms ") as is_held:
        item = stack.client.publish(author)
        eventually(is_held)
        stack.sql("INSERT INTO inbound SELECT friend_id,"
                  f" {item} FROM friendship WHERE participant_id = {author}"
                  f" AND friend_id > {readers[PIECE - 1]};"
                  " UPDATE outbox SET previous = progress,"
                  f" progress = {readers[-1]} WHERE kind = 'd'")
    eventually(lambda: is_told(stack, item))
    assert [found for _, found in shown(stack, readers)] == [[item]] * FRIENDS


def test_an_order_in_another_dispatchers_turn_is_not_waited_for(stack, proxy):
    author, _ = befriended(stack)
    with proxy.holding(b"ms ") as is_held:
        item = stack.client.publish(author)
        eventually(is_held)
        turn = stack.holding("SELECT FROM outbox WHERE kind = 'd' FOR UPDATE")
        turn.__enter__()
    try:
        stack.client.publish(author, "waits", "beside")
        found = [f"/participant/{author}"]
        eventually(lambda: stack.client.search("beside") == found, within=5)
    finally:
        turn.__exit__(None, None, None)
    eventually(lambda: is_told(stack, item))
