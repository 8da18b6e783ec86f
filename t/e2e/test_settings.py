"""Settings that change what the service does, in stacks of their own."""

import os
import signal

import pytest

from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("settings")


def filled_in(stack, posts):
    """What a new friend sees of so many posts."""
    author, reader = stack.client.add_participants(2)
    items = [stack.client.publish(author) for _ in range(posts)]
    stack.client.befriend(reader, author)
    later = stack.client.publish(author)
    found = stack.client.inbound_ids(reader)
    assert found[0] == later
    return items[::-1], found[1:]


@pytest.fixture(scope="module")
def bare(make_module_stack):
    """No backfill, no cache, no prepared statements, one worker."""
    return make_module_stack(
        WORKERS="1", FASTPATH="0", SETTINGS="feed.backfill=0 cache.servers= db.prepare=off")


def test_without_backfill_only_later_posts_are_seen(bare):
    _, found = filled_in(bare, 3)
    assert found == []


def test_without_a_cache_nothing_is_cached_and_all_is_right(bare):
    author, reader = bare.client.friends_of_new()
    for _ in range(3):
        item = bare.client.publish(author)
        assert bare.client.inbound_ids(reader)[0] == item
    assert bare.cached_keys() == set()


def test_without_prepared_statements_everything_works(bare):
    one, other = bare.client.friends_of_new()
    item = bare.client.publish(one, f"unprepared{one}")
    assert bare.client.outbound_ids(one) == bare.client.inbound_ids(other) == [item]
    author = f"/participant/{one}"
    eventually(lambda: bare.client.search(f"unprepared{one}") == [author], within=SOON)
    assert bare.client.delete(f"{author}/outbound/{item}").status == 204
    assert bare.client.delete(f"{author}/friends/{other}").status == 204
    assert bare.client.delete(author).status == 204


def test_backfill_is_as_large_as_set(make_stack):
    stack = make_stack(WORKERS="1", SETTINGS="feed.backfill=2")
    items, found = filled_in(stack, 4)
    assert found == items[:2]


def test_pages_live_as_long_as_set(make_stack):
    stack = make_stack(WORKERS="1", SETTINGS="cache.ttl=1 cache.prefix=other")
    reader = stack.client.add_participant()

    def keys():  # memcached's second ends with the next tick of its clock
        stack.client.inbound(reader)
        return stack.cached_keys()

    assert {key.split("@")[0] for key in eventually(keys)} == {f"other:inbound:{reader}"}
    path = f"/participant/{reader}/inbound"
    stack.client.hit(path)
    eventually(lambda: stack.client.get(path).headers["x-cache"] == "MISS")


def test_without_a_dispatcher_orders_wait_for_one_elsewhere(make_stack):
    stack = make_stack(WORKERS="1", SETTINGS="dispatcher.enabled=off")
    author, reader = stack.client.friends_of_new()
    item = stack.client.publish(author)
    assert stack.client.inbound_ids(reader) == [item]
    assert stack.children("dispatcher") == []
    assert stack.one("SELECT posts FROM search_backlog") == "1"
    stack.down("newsfeed")
    stack.configure("dispatcher.enabled=on")
    stack.up("newsfeed")
    eventually(stack.has_caught_up)


def test_idempotency_keys_are_forgotten_when_set(make_stack):
    """The dispatcher looks for old ones when it starts, and once a minute."""
    stack = make_stack(WORKERS="1", SETTINGS="feed.idempotency_hours=2")
    author = stack.client.add_participant()

    def post(name):
        key = {"Idempotency-Key": name}
        body = {"subject": "A", "story": "B"}
        return stack.client.post(f"/participant/{author}/outbound", body, headers=key).json

    old, young = post("old"), post("young")
    for name, minutes in (("old", 121), ("young", 119)):
        stack.sql(f"UPDATE idempotency SET created = now() - interval '{minutes} min'"
                  f" WHERE key = '{name}'")
    os.kill(stack.dispatcher(), signal.SIGKILL)
    eventually(lambda: stack.sql("SELECT key FROM idempotency") == [["young"]])
    assert post("young") == young
    assert post("old")["id"] != old["id"]
