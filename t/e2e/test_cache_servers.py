"""Three memcached servers: nginx and workers agree on what lies where."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import ask_memcached
from waiting import eventually

pytestmark = pytest.mark.xdist_group("cache_servers")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(MEMCACHED="3")


def next_id(stack, id):
    """The next participant gets this id."""
    stack.sql(f"ALTER TABLE participant ALTER id RESTART WITH {id}")


def x_cache(stack, reader):
    return stack.client.get(f"/participant/{reader}/inbound").headers["x-cache"]


def keys_of(stack, reader):
    return [k for k in stack.cached_keys() if f":inbound:{reader}@" in k]


def test_pages_are_hits_in_nginx_wherever_they_lie(stack):
    readers = stack.client.add_participants(40)
    assert {x_cache(stack, reader) for reader in readers} == {"MISS"}
    assert eventually(lambda: {x_cache(stack, reader) for reader in readers} == {"HIT"})


def test_pages_are_spread_over_all_servers(stack):
    for reader in stack.client.add_participants(40):
        stack.client.inbound(reader)
    sockets = stack.memcached_sockets()
    assert len(sockets) == 3
    assert all(stack.cached_keys(path) for path in sockets)


@pytest.mark.parametrize(
    "id", [999, 1000, 1001, 1049, 2050, 10000, 10005, 123456789, 2**53 + 1, 2**62, 2**63 - 1000])
def test_nginx_finds_ids_of_any_length(stack, id):
    next_id(stack, id)
    reader = stack.client.add_participant()
    assert reader == id
    assert x_cache(stack, reader) == "MISS"
    assert eventually(lambda: x_cache(stack, reader) == "HIT")


def test_a_write_drops_the_pages_on_every_server(stack):
    next_id(stack, 50000)
    author, *readers = stack.client.add_participants(30)
    for reader in readers:
        stack.client.befriend(author, reader)
    eventually(stack.has_caught_up)
    for reader in readers:
        stack.client.inbound(reader)
    assert all(keys_of(stack, reader) for reader in readers)
    item = stack.client.publish(author)  # in front of them
    assert all(stack.client.inbound_ids(reader) == [item] for reader in readers)
    assert stack.client.delete(f"/participant/{author}/outbound/{item}").status == 204
    assert not any(keys_of(stack, reader) for reader in readers)
    assert all(stack.client.inbound_ids(reader) == [] for reader in readers)


def test_one_server_down_costs_only_its_own_pages(stack):
    next_id(stack, 60000)
    author, *readers = stack.client.add_participants(31)
    for reader in readers:
        stack.client.befriend(author, reader)
        stack.client.inbound(reader)
    stack.down("memcached", "KILL")  # all of them
    try:
        item = stack.client.publish(author)
        assert all(stack.client.inbound_ids(r) == [item] for r in readers)
    finally:
        stack.up("memcached")

    def all_hits():
        return {x_cache(stack, reader) for reader in readers} == {"HIT"}

    assert eventually(all_hits)


def test_a_full_cache_makes_nothing_stale(make_stack):
    """Pages are evicted, or find no room for what is put in front of them."""
    stack = make_stack(CACHE_MB="2", MEMCACHED="1")

    def write_and_look(pair):
        author, reader = pair
        items = []
        for _ in range(15):
            items.insert(0, stack.client.publish(author, story="x" * 12000))
            assert stack.client.inbound_ids(reader) == items
            assert stack.client.inbound_ids(reader) == items

    pairs = [stack.client.friends_of_new() for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_look, pairs))
    [memcached] = stack.memcached_sockets()
    told = dict(line.split()[1:3] for line in ask_memcached(
        memcached, b"stats\r\n", b"END\r\n").splitlines() if line.startswith(b"STAT "))
    assert int(told[b"evictions"]) + int(told[b"store_no_memory"]) > 0
