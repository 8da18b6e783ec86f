"""getMarker, setMarker: how far a reader has read, and how much is new."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from stack import make_friends
from waiting import eventually

UNKNOWN = 9223372036854775807


def marker_path(reader):
    return f"/participant/{reader}/inbound/marker"


def get(client, reader):
    return client.ok("GET", marker_path(reader))


def put(client, reader, last_read):
    return client.ok("PUT", marker_path(reader), {"last_read": last_read})


def state(last_read, unread, more=False):
    return {"last_read": last_read, "unread": unread, "more": more}


def reader_of(client, posts):
    """A reader, its friend, and so many posts of the friend, oldest first."""
    reader, author = client.friends_of_new()
    return reader, author, [client.publish(author) for _ in range(posts)]


def test_without_a_marker_all_is_unread(client):
    reader, _, _ = reader_of(client, 3)
    assert get(client, reader) == state(0, 3)


def test_an_empty_feed_has_nothing_unread(client):
    assert get(client, client.add_participant()) == state(0, 0)


def test_what_is_above_the_marker_is_unread(client):
    reader, author, items = reader_of(client, 3)
    for read, item in enumerate(items, 1):
        assert put(client, reader, item) == state(item, 3 - read)
        assert get(client, reader) == state(item, 3 - read)
    client.publish(author)
    assert get(client, reader) == state(items[-1], 1)


def test_it_moves_forward_only(client):
    reader, _, items = reader_of(client, 3)
    put(client, reader, items[1])
    for lower in (items[0], items[1], 0):
        assert put(client, reader, lower) == state(items[1], 1)
    assert get(client, reader) == state(items[1], 1)


def test_an_id_that_is_no_item_is_a_place_all_the_same(client):
    reader, _, items = reader_of(client, 2)
    assert put(client, reader, items[0] - 1) == state(items[0] - 1, 2)


def test_0_marks_nothing(client):
    reader, _, _ = reader_of(client, 1)
    assert put(client, reader, 0) == state(0, 1)


def test_an_id_beyond_the_newest_post_hides_nothing_that_comes(client):
    reader, author, items = reader_of(client, 2)
    answer = put(client, reader, UNKNOWN)
    assert items[-1] <= answer["last_read"] < UNKNOWN
    assert answer["unread"] == 0
    item = client.publish(author)
    assert item > answer["last_read"]
    assert get(client, reader) == state(answer["last_read"], 1)


def test_each_reader_has_its_own(client):
    reader, author, items = reader_of(client, 2)
    other = client.add_participant()
    client.befriend(other, author)
    put(client, reader, items[-1])
    assert get(client, other) == state(0, 2)
    assert get(client, author) == state(0, 0)


def test_what_unfriending_takes_out_of_the_feed_is_not_counted(client):
    reader, author, items = reader_of(client, 3)
    other = client.add_participant()
    client.befriend(reader, other)
    client.publish(other)
    put(client, reader, items[0])
    assert get(client, reader) == state(items[0], 3)
    client.delete(f"/participant/{reader}/friends/{author}")
    assert get(client, reader) == state(items[0], 1)
    client.befriend(author, reader)
    assert get(client, reader) == state(items[0], 3)


def test_removed_posts_and_authors_are_not_counted(client):
    reader, author, items = reader_of(client, 3)
    client.delete(f"/participant/{author}/outbound/{items[2]}")
    assert get(client, reader) == state(0, 2)
    put(client, reader, items[0])
    assert get(client, reader) == state(items[0], 1)
    client.delete(link(author))
    assert get(client, reader) == state(items[0], 0)


def test_the_post_that_it_names_may_be_gone(client):
    reader, author, items = reader_of(client, 2)
    put(client, reader, items[1])
    client.delete(f"/participant/{author}/outbound/{items[1]}")
    item = client.publish(author)
    assert get(client, reader) == state(items[1], 1)
    assert put(client, reader, item) == state(item, 0)


def test_somebody_unknown_is_404(client):
    gone = client.add_participant()
    put(client, gone, 0)
    client.delete(link(gone))
    for reader in (gone, UNKNOWN):
        assert client.get(marker_path(reader)).status == 404
        assert client.request(
            "PUT", marker_path(reader), json={"last_read": 1}).status == 404


@pytest.mark.parametrize(
    "value", [-1, 0.5, "7", None, True, [], {}, UNKNOWN + 1, -UNKNOWN - 2, 1e30])
def test_any_other_last_read_is_400(client, value):
    reader, _, _ = reader_of(client, 1)
    answer = client.request("PUT", marker_path(reader), json={"last_read": value})
    assert (answer.status, answer.pointers) == (400, ["#/last_read"])
    assert get(client, reader) == state(0, 1)


@pytest.mark.parametrize("body, pointer", [
    ({}, "#/last_read"), ({"last_reed": 1}, "#/last_read"), ([1], "#"), (7, "#")])
def test_a_body_without_it_is_400(client, body, pointer):
    path = marker_path(client.add_participant())
    answer = client.request("PUT", path, json=body)
    assert (answer.status, answer.pointers) == (400, [pointer])


def test_a_put_wants_json(client):
    path = marker_path(client.add_participant())
    form = {"Content-Type": "text/plain"}
    assert client.request("PUT", path, body=b"7", headers=form).status == 415
    assert client.request("PUT", path).status == 400


def test_nginx_and_workers_know_its_methods(client):
    path = marker_path(client.add_participant())
    allow = "GET, HEAD, PUT, OPTIONS"
    options = client.request("OPTIONS", path)
    assert (options.status, options.headers["allow"]) == (204, allow)
    for method in ("POST", "PATCH", "DELETE", "TRACE"):
        answer = client.request(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allow)


def test_a_304_says_that_nothing_is_new(client):
    reader, author, items = reader_of(client, 1)
    path = marker_path(reader)
    tag = {"If-None-Match": client.get(path).headers["etag"]}
    assert client.get(path, headers=tag).status == 304
    client.publish(author)
    answer = client.get(path, headers=tag)
    assert (answer.status, answer.json["unread"]) == (200, 2)


def test_of_many_at_once_the_highest_stays(client):
    reader, _, items = reader_of(client, 8)
    shuffled = random.sample(items * 4, len(items) * 4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda item: put(client, reader, item), shuffled))
    for item, answer in zip(shuffled, answers):
        assert answer["last_read"] >= item
        assert answer["unread"] == len([i for i in items if i > answer["last_read"]])
    assert get(client, reader) == state(items[-1], 0)


def test_who_waits_for_another_put_still_moves_it_forward_only(fastpath):
    """The one that comes second sees what the first has written meanwhile."""
    client = fastpath.client
    reader, _, items = reader_of(client, 3)
    put(client, reader, items[0])
    with ThreadPoolExecutor(1) as pool:
        with fastpath.holding(
            f"UPDATE marker SET last_read = {items[2]} WHERE participant_id = {reader}"
        ) as commit:
            second = pool.submit(put, client, reader, items[1])
            eventually(lambda: fastpath.one(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
                " AND wait_event_type = 'Lock' AND query LIKE '%INTO marker%'") != "0")
            commit()
        assert second.result() == state(items[2], 0)


def fill(stack, reader, posts):
    author = stack.client.friends(reader)[0]
    stack.sql(
        "WITH post AS (INSERT INTO outbound (participant_id, subject, story)"
        f" SELECT {author}, 'subject', 'story' FROM generate_series(1, {posts})"
        f" RETURNING id) INSERT INTO inbound SELECT {reader}, id FROM post")
    return [int(row[0]) for row in stack.sql(
        f"SELECT outbound_id FROM inbound WHERE participant_id = {reader} ORDER BY 1")]


def test_it_counts_exactly_up_to_1000(fastpath):
    client = fastpath.client
    reader, author, _ = reader_of(client, 0)
    items = fill(fastpath, reader, 1003)
    assert get(client, reader) == state(0, 1000, more=True)
    for read, expected in ((1, (1000, True)), (2, (1000, True)), (3, (1000, False)),
                           (4, (999, False)), (1002, (1, False)), (1003, (0, False))):
        assert put(client, reader, items[read - 1]) == state(items[read - 1], *expected)


def test_large_deliveries_count_as_soon_as_the_feed_shows_them(make_stack):
    stack = make_stack(WORKERS="2", SETTINGS="feed.inline_friends=3 dispatcher.piece=4")
    client = stack.client
    author = client.add_participant()
    stack.sql(make_friends(author, 10))
    reader, *_, last = sorted(client.friends(author))
    eventually(stack.has_caught_up)
    before = client.publish(author)
    eventually(stack.has_caught_up)
    put(client, last, before)
    item = int(stack.one("SELECT last_value + 1 FROM outbound_id_seq"))
    with stack.holding(f"INSERT INTO inbound VALUES ({last}, {item})"):
        assert client.publish(author) == item
        for each in (reader, last):  # one has it, of the other it is ordered
            assert len(client.inbound(each, "?limit=5")) == 2
        assert get(client, reader) == state(0, 2)
        assert get(client, last) == state(before, 1)
        assert put(client, last, item) == state(item, 0)
    eventually(stack.has_caught_up)
    assert get(client, last) == state(item, 0)


def test_it_goes_with_its_participant(make_stack):
    stack = make_stack(WORKERS="1")
    reader, _, items = reader_of(stack.client, 1)
    other, _, _ = reader_of(stack.client, 0)
    put(stack.client, reader, items[0])
    put(stack.client, other, items[0])
    stack.client.delete(link(reader))
    eventually(stack.has_caught_up)
    assert stack.sql("SELECT participant_id FROM marker") == [[str(other)]]
