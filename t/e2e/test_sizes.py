"""Bounds: the largest there can be, and clients that are slow with it."""

import socket

import pytest

from client import ids
from waiting import eventually

pytestmark = pytest.mark.xdist_group("sizes")

LETTER = "\U0001f994"  # four bytes, and of a story at most 20,000


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="3")


def large_feed(stack, posts):
    """A reader with so many posts of the largest size, by SQL for speed."""
    author, reader = stack.client.friends_of_new()
    stack.sql(
        "WITH post AS (INSERT INTO outbound (participant_id, subject, story)"
        f" SELECT {author}, repeat('{LETTER}', 200), repeat('{LETTER}', 20000)"
        f" FROM generate_series(1, {posts}) RETURNING id)"
        f" INSERT INTO inbound SELECT {reader}, id FROM post")
    return reader


@pytest.fixture(scope="module")
def reader(stack):
    return large_feed(stack, 200)


def test_the_largest_page_comes_whole(stack, reader):
    items = stack.client.inbound(reader, "?limit=200")
    assert len(items) == 200
    assert {item["story"] for item in items} == {LETTER * 20000}
    assert ids(items) == sorted(ids(items), reverse=True)


def test_a_page_too_large_for_the_cache_spoils_nothing(stack, reader):
    """memcached takes up to 1 MiB; refusing more is no failure of it."""
    one = stack.client.add_participant()
    for _ in range(2):
        assert len(stack.client.inbound(reader)) == 50
        stack.client.hit(f"/participant/{one}/inbound")


def test_a_write_shows_in_a_page_too_large_for_the_cache(stack, reader):
    assert len(stack.client.inbound(reader)) == 50
    author = stack.client.friends(reader)[0]
    item = stack.client.publish(author)
    assert stack.client.inbound_ids(reader)[0] == item


def connections(stack, count, text):
    peers = []
    for _ in range(count):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", stack.port))
        peer.sendall(text.encode())
        peers.append(peer)
    return peers


def close(peers):
    for peer in peers:
        peer.close()


def is_quick(stack):
    quick = type(stack.client)(stack.port, timeout=4)  # nginx waits 10 s for them
    return quick.get("/participant/1").status in (200, 404)


def test_clients_that_send_slowly_hold_no_worker(stack):
    half = (
        "POST /participant HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        'Content-Length: 100\r\n\r\n{"name":'
    )
    peers = connections(stack, 20, half)
    try:
        assert all(is_quick(stack) for _ in range(10))
    finally:
        close(peers)


def test_clients_that_read_slowly_hold_no_worker(stack, reader):
    request = f"GET /participant/{reader}/inbound?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n"
    peers = connections(stack, 6, request)
    try:
        for peer in peers:  # twice as many as workers have begun to get theirs
            peer.settimeout(30)
            assert peer.recv(1)
        assert all(is_quick(stack) for _ in range(10))
    finally:
        close(peers)


def test_clients_that_go_away_hold_no_worker(stack, reader):
    request = f"GET /participant/{reader}/inbound?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(20):
        close(connections(stack, 3, request))
    eventually(lambda: is_quick(stack))
    assert len(stack.workers()) == 3


def test_memory_of_the_workers_stays_bounded(stack, reader):
    """What a large answer took is given back, or used for the next."""
    def resident(pid):
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(3):
        stack.client.inbound(reader, "?limit=200")
    before = max(map(resident, stack.workers()))
    for _ in range(9):
        stack.client.inbound(reader, "?limit=200")
    for _ in range(30):
        stack.client.get("/participant/1")
    assert max(map(resident, stack.workers())) < before + (80 << 20)
