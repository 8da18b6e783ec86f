"""Live feeds: what comes to a stream, where it goes on, and when it ends."""

import select
import socket
import time

import pytest

from client import ids, link
from listening import CLOSE, PING, TEXT, Stream, WebSocket, listen, path_of
from tokens import claims, sign, write_key
from waiting import eventually

pytestmark = pytest.mark.xdist_group("streams")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(SETTINGS="stream.heartbeat=200")


@pytest.fixture(scope="module")
def client(stack):
    return stack.client


@pytest.fixture
def friends(client):
    """An author and a reader."""
    return client.friends_of_new()


def summary(events):
    return [(event.name, event.data.get("id")) for event in events]


# What comes.


def test_a_stream_begins_with_where_it_stands(client, friends):
    author, reader = friends
    item = client.publish(author)
    with Stream(client, reader) as stream:
        ready, = stream.wait(1)
        assert (ready.name, ready.data) == ("ready", {}) and int(ready.id) >= item
        assert stream.retry >= 1000


def test_an_item_comes_as_it_is_in_the_feed(client, friends):
    author, reader = friends
    with listen(client, reader) as stream:
        item = client.publish(author, "Tag\u00fc", 'A "story"\nof\tlines\u2028.')
        event, = stream.wait(1)
    assert (event.name, event.id) == ("item", str(item))
    assert event.data == client.inbound(reader)[0]


def test_everybody_who_listens_hears_of_an_item_as_of_his_own(client):
    author, *readers = client.add_participants(4)
    for reader in readers[:2]:
        client.befriend(author, reader)
    streams = [listen(client, reader) for reader in [*readers, readers[0], author]]
    item = client.publish(author)
    mark = client.publish(client.friends_of_new()[0]) # for those who hear nothing
    for stream, reader in zip(streams, [readers[0], readers[1], None, readers[0], None]):
        if reader:
            event, = stream.wait(1)
            assert event.item == item and event.data["to"] == link(reader)
    assert mark > item and not streams[2].events and not streams[4].events
    for stream in streams:
        stream.close()


def test_items_come_in_the_order_of_their_ids(client, friends):
    author, reader = friends
    with listen(client, reader) as stream:
        items = [client.publish(author) for _ in range(30)]
        assert [event.item for event in stream.wait(30)] == items


def test_a_post_of_any_length_comes(client, friends):
    author, reader = friends
    story = "\x01\u20ac" * 10000
    with listen(client, reader) as stream, WebSocket(client, reader) as other:
        assert other.event().name == "ready"
        items = [client.publish(author, "long", story) for _ in range(12)]
        assert [event.item for event in stream.wait(12)] == items
        assert [other.event().item for _ in items] == items
        assert stream.events[0].data["story"] == story


def test_befriending_brings_the_newest_posts_once(client):
    author, reader = client.add_participants(2)
    items = [client.publish(author) for _ in range(3)]
    with listen(client, reader) as stream:
        client.befriend(reader, author)
        items.append(client.publish(author))
        assert [event.item for event in stream.wait(4)] == items
        first, second = stream.events[:2]
        assert first.id.split(".")[1] == str(items[0])
        assert first.id.split(".")[0] == second.id.split(".")[0]
        assert sorted(ids(client.inbound(reader))) == items


def test_a_resume_within_what_a_friendship_brought(client):
    author, reader = client.add_participants(2)
    items = [client.publish(author) for _ in range(3)]
    with listen(client, reader) as stream:
        client.befriend(reader, author)
        stream.wait(3)
        second = stream.events[1].id
    with listen(client, reader, after=second) as stream:
        assert [event.item for event in stream.wait(1)] == items[2:]
        items.append(client.publish(author))
        assert [event.item for event in stream.wait(2)] == items[2:]


def test_what_leaves_a_feed(client, friends):
    author, reader = friends
    with listen(client, reader) as stream:
        item = client.publish(author)
        stream.wait(1)
        assert client.delete(f"{link(author)}/outbound/{item}").status == 204
        stream.wait(2)
        assert client.delete(f"{link(author)}/friends/{reader}").status == 204
        item_event, removed, unfriended = stream.wait(3)
    assert summary([item_event, removed]) == [("item", item), ("removed", item)]
    assert removed.data == {"reason": "removed", "id": item,
                            "link": f"{link(author)}/outbound/{item}"}
    assert unfriended.name == "removed"
    assert unfriended.data == {"reason": "unfriended", "from": link(author)}
    with listen(client, reader, after=item) as stream:
        assert summary(stream.wait(1)) == summary([unfriended])


def test_a_changed_item_comes_again(client, friends):
    author, reader = friends
    with listen(client, reader) as stream:
        item = client.publish(author)
        stream.wait(1)
        changed = client.patch(f"{link(author)}/outbound/{item}", {"story": "Other."})
        assert changed.status == 200
        event = stream.wait(2)[1]
    assert (event.name, event.data) == ("changed", client.inbound(reader)[0])
    assert event.data["story"] == "Other."


def test_a_friend_who_is_removed_takes_all_posts_along(client, friends):
    author, reader = friends
    with listen(client, reader) as stream:
        client.publish(author)
        stream.wait(1)
        assert client.delete(link(author)).status == 204
        event = stream.wait(2)[1]
    assert event.data == {"reason": "removed", "from": link(author)}


def test_the_stream_of_one_who_is_removed_ends(client, friends):
    _, reader = friends
    with listen(client, reader) as stream, WebSocket(client, reader) as other:
        assert other.event().name == "ready"
        assert client.delete(link(reader)).status == 204
        event, = stream.wait(1)
        assert event.data == {"reason": "removed", "from": link(reader)}
        assert stream.is_over.wait(30)
        assert other.event().data == event.data
        assert other.receive()[0] == CLOSE
    assert client.get(path_of(reader)).status == 404


# Where it goes on.


def resume(client, reader, after, how):
    return Stream(client, reader, **{how: after})


@pytest.mark.parametrize("how", ["after", "last"])
def test_a_stream_goes_on_behind_its_cursor(client, friends, how):
    author, reader = friends
    items = [client.publish(author) for _ in range(5)]
    with resume(client, reader, items[1], how) as stream:
        assert [event.item for event in stream.wait(3)] == items[2:]
        items.append(client.publish(author))
        assert [event.item for event in stream.wait(4)] == items[2:]


def test_the_last_event_goes_before_the_parameter(client, friends):
    author, reader = friends
    items = [client.publish(author) for _ in range(3)]
    with Stream(client, reader, after=items[0], last=str(items[1])) as stream:
        assert [event.item for event in stream.wait(1)] == items[2:]


def test_catching_up_with_more_than_fits_into_one_look(client, friends):
    author, reader = friends
    items = [client.publish(author, story="long " * 3000) for _ in range(120)]
    with Stream(client, reader, after=items[0]) as stream:
        assert [event.item for event in stream.wait(119)] == items[1:]


def test_a_cursor_of_the_future_is_reset(client, friends):
    author, reader = friends
    item = client.publish(author)
    with Stream(client, reader, after=item + 10**9) as stream:
        event, = stream.wait(1)
        assert (event.name, event.data) == ("reset", {"reason": "unknown"})
        assert int(event.id) >= item
        item = client.publish(author)
        assert stream.wait(2)[1].item == item


def test_a_cursor_of_before_what_is_remembered_is_reset(stack, client, friends):
    author, reader = friends
    items = [client.publish(author) for _ in range(3)]
    before = stack.one("SELECT id FROM event_floor")
    stack.sql(f"UPDATE event_floor SET id = {items[1]}")
    try:
        with Stream(client, reader, after=items[0]) as stream:
            event, = stream.wait(1)
            assert (event.name, event.data) == ("reset", {"reason": "too old"})
        with Stream(client, reader, after=items[1]) as stream:
            assert stream.wait(1)[0].item == items[2]
    finally:
        stack.sql(f"UPDATE event_floor SET id = {before}")


def test_an_item_that_is_late_is_waited_for(stack, client, friends):
    author, reader = friends
    late = ("SELECT pg_current_xact_id();"
            " WITH p AS (INSERT INTO outbound (participant_id, subject, story)"
            f" VALUES ({author}, 'late', 'late') RETURNING id)"
            f" INSERT INTO inbound SELECT {reader}, id FROM p")
    with listen(client, reader) as stream:
        with stack.holding(late) as commit:
            later = client.publish(author)
            comments = stream.comments
            eventually(lambda: stream.comments > comments + 1)
            assert not stream.events
            commit()
        first, second = stream.wait(2)
        assert first.item < second.item == later


# How it is asked for.


def test_websocket_tells_the_same(client, friends):
    author, reader = friends
    with listen(client, reader) as stream, WebSocket(client, reader) as other:
        assert other.status == 101 and other.event().name == "ready"
        other.send(TEXT, b"what a client says is ignored")
        client.publish(author)
        stream.wait(1)
        client.delete(f"{link(author)}/friends/{reader}")
        events = stream.wait(2)
        assert [other.event() for _ in events] == events
    with WebSocket(client, reader, after=events[0].id) as other:
        assert other.event() == events[1]


def test_a_websocket_that_says_too_much_is_closed(client, friends):
    with WebSocket(client, friends[1]) as other:
        assert other.event().name == "ready"
        other.send(TEXT, b"x" * 5000)
        opcode, payload = other.receive()
        assert (opcode, payload[:2]) == (CLOSE, (1009).to_bytes(2, "big"))


def test_silence_is_broken(client, friends):
    with listen(client, friends[1]) as stream, WebSocket(client, friends[1]) as other:
        eventually(lambda: stream.comments >= 3)
        assert other.event().name == "ready"
        assert other.receive()[0] == PING


def test_no_upgrade_but_websocket_is_one(client, friends):
    _, reader = friends
    reply = client.raw(
        f"GET {path_of(reader)} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n".encode(),
        until=b"ready")
    assert reply.startswith(b"HTTP/1.1 200 ") and b"text/event-stream" in reply


def test_head_says_what_there_is(client, friends):
    answer = client.request("HEAD", path_of(friends[1]))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert "content-length" not in answer.headers


def test_a_stream_has_no_tag(client, friends):
    star = client.with_headers(If_None_Match="*")
    with Stream(star, friends[1]) as stream:
        assert stream.wait(1)[0].name == "ready"


@pytest.mark.parametrize("cursor", ["x", "-1", "01", "1.", "1.0", ".1", "1.2.3",
                                    "9223372036854775808", "99999999999999999999"])
def test_a_cursor_that_is_none(client, friends, cursor):
    answer = client.get(path_of(friends[1], cursor))
    assert (answer.status, answer.pointers) == (400, ["query:after"])
    answer = client.get(path_of(friends[1]), headers={"Last-Event-ID": cursor})
    assert (answer.status, answer.pointers) == (400, ["header:Last-Event-ID"])


def test_other_refusals(client, friends):
    _, reader = friends
    assert client.get(f"{path_of(reader)}?limit=1").status == 400
    assert client.get(path_of(10**15)).status == 404
    assert client.get(path_of(0)).status == 400
    answer = client.post(path_of(reader), {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = client.request("OPTIONS", path_of(reader))
    assert answer.status == 204
    assert "Last-Event-ID" in answer.headers["access-control-allow-headers"]


def test_what_is_behind_nginx_is_not_in_front_of_it(client, friends):
    assert client.get(f"/_stream/{friends[1]}/0/").status == 404


def test_streams_are_no_requests_under_way(make_stack):
    stack = make_stack(SETTINGS="stream.listeners_each=100")
    with stack.another_server(
            "include newsfeed/server.conf; include newsfeed/stream.conf;"
            " set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;") as front:
        far = front.with_headers(X_Forwarded_For="192.0.2.7")
        _, reader = stack.client.friends_of_new()
        streams = [eventually(lambda: listen(far, reader)) for _ in range(40)]
        assert far.get(link(reader)).status == 200
        for stream in streams:
            stream.close()


# Limits, tokens, switches.


def test_so_many_may_listen(make_stack):
    client = make_stack(
        SETTINGS="stream.listeners=3 stream.listeners_each=2").client
    author, reader = client.friends_of_new()
    streams = [listen(client, reader), listen(client, reader)]
    answer = client.get(path_of(reader))
    assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
    with WebSocket(client, reader) as other:
        assert other.status == 429
    streams.append(listen(client, author))
    answer = client.get(path_of(client.add_participant()))
    assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
    streams.pop(0).close()
    with eventually(lambda: listen(client, reader)) as stream:
        item = client.publish(author)
        assert stream.wait(1)[0].item == item
    for stream in streams:
        stream.close()


def test_streams_that_are_switched_off(make_stack):
    stack = make_stack(SETTINGS="stream.enabled=off")
    reader = stack.client.add_participant()
    answer = stack.client.get(path_of(reader))
    assert (answer.status, answer.json["detail"]) == (404, "streams are switched off")
    assert not stack.children("streamer")
    assert not (stack.run / "state/stream.sock").exists()


def test_an_nginx_without_the_file_has_no_streams(stack):
    reader = stack.client.add_participant()
    with stack.another_server("include newsfeed/server.conf;") as other:
        assert other.get(path_of(reader)).status == 404


@pytest.fixture(scope="module")
def guarded(make_module_stack, module_folder):
    return make_module_stack(
        SETTINGS=f"auth.key_file={write_key(module_folder, 'key')}")


def bearing(stack, subject, **more):
    return stack.client.with_headers(
        Authorization=f"Bearer {sign(claims(subject, **more))}")


def test_a_stream_is_its_participants(guarded):
    admin = bearing(guarded, 0, scope="newsfeed:admin")
    author, reader = admin.friends_of_new()
    assert guarded.client.get(path_of(reader)).status == 401
    assert bearing(guarded, author).get(path_of(reader)).status == 403
    with listen(bearing(guarded, reader), reader) as stream:
        item = admin.publish(author)
        assert stream.wait(1)[0].item == item


def test_a_stream_ends_with_its_token(guarded):
    """Clocks may differ by 30 seconds, and so a token of the past does."""
    admin = bearing(guarded, 0, scope="newsfeed:admin")
    author, reader = admin.friends_of_new()
    ends = bearing(guarded, reader, exp=int(time.time()) - 25)
    with listen(ends, reader) as stream, WebSocket(ends, reader) as other, \
            listen(bearing(guarded, reader), reader) as lasting:
        assert other.event().name == "ready"
        assert stream.is_over.wait(30)
        assert other.receive()[0] == CLOSE
        assert ends.get(path_of(reader)).status == 401
        item = admin.publish(author)
        assert lasting.wait(1)[0].item == item


# Whoever takes nothing.


def test_a_listener_that_takes_nothing_is_dropped(stack, client, friends):
    """By the streamer itself, without nginx between."""
    author, reader = friends
    with socket.socket(socket.AF_UNIX) as lazy:
        lazy.connect(str(stack.run / "state/stream.sock"))
        lazy.sendall(f"GET /_stream/{reader}/0/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with listen(client, reader) as stream:
            for _ in range(60):
                client.publish(author, story="x" * 20000)
            stream.wait(60)
        eventually(lambda: is_closed(lazy))


def is_closed(peer):
    """By the other side: without reading what has come."""
    poller = select.poll()
    poller.register(peer, select.POLLHUP)
    return bool(poller.poll(0))
