"""Live feeds, whatever happens to the service: nothing is missing, and nothing
comes twice."""

import os
import signal
from random import Random

import pytest

from client import link
from listening import CLOSE, Listener, Stream, WebSocket, listen
from load import Load
from trouble import disturb
from waiting import eventually

pytestmark = pytest.mark.xdist_group("stream faults")

POSTS = int(os.environ.get("POSTS", "1500"))
WRITERS = 16


def test_an_outage_of_the_database_is_a_pause(make_stack):
    stack = make_stack(SETTINGS="stream.heartbeat=200")
    client = stack.client
    author, reader = client.friends_of_new()
    with listen(client, reader) as stream:
        items = [client.publish(author)]
        stream.wait(1)
        stack.down("postgres")
        comments = stream.comments
        eventually(lambda: stream.comments > comments + 3)
        stack.up("postgres")
        items.append(eventually(lambda: client.publish(author)))
        assert [event.item for event in stream.wait(2)] == items
        assert not stream.is_over.is_set()


def test_one_who_cannot_catch_up_keeps_nobody_waiting(make_stack):
    stack = make_stack()
    client = stack.client
    author, reader, unlucky = client.add_participants(3)
    client.befriend(author, reader)
    item = client.publish(author)
    stack.sql(f"""SET ROLE newsfeed_owner;
        CREATE OR REPLACE FUNCTION undelivered(reader bigint) RETURNS SETOF bigint
        LANGUAGE plpgsql STABLE ROWS 1 AS $$
        BEGIN
            IF reader = {unlucky} THEN PERFORM pg_sleep(60); END IF;
        END $$""")
    with Stream(client, unlucky, after=item - 1) as stream:
        assert stream.status == 200
        with Stream(client, reader, after=item - 1) as other:
            assert other.wait(1)[0].item == item
        assert not stream.events


def test_many_posts_of_authors_with_many_friends(make_stack):
    """More than can be read in the time of one statement."""
    stack = make_stack()
    client = stack.client
    author, reader = client.friends_of_new()
    stack.sql(f"""INSERT INTO friendship (participant_id, friend_id, id, since)
        SELECT {author}, 1000 + n, 1000 + n, 0 FROM generate_series(1, 60000) n""")
    with listen(client, reader) as stream:
        stack.sql(f"""WITH post AS (
                INSERT INTO outbound (participant_id, subject, story)
                SELECT {author}, 's', 't' FROM generate_series(1, 150) RETURNING id)
            INSERT INTO inbound SELECT {reader}, id FROM post""")
        assert len({event.item for event in stream.wait(150)}) == 150


def test_a_streamer_that_dies_is_replaced(make_stack):
    stack = make_stack()
    author, reader = stack.client.friends_of_new()
    with listen(stack.client, reader) as stream:
        pid, = stack.children("streamer")
        os.kill(pid, signal.SIGKILL)
        assert stream.is_over.wait(30)
    with listen(stack.client, reader) as stream: # at once: its socket outlives it
        item = stack.client.publish(author)
        assert stream.wait(1)[0].item == item
    assert stack.children("streamer") != [pid]


def test_a_reload_lets_go_of_those_who_listen(make_stack):
    stack = make_stack()
    author, reader = stack.client.friends_of_new()
    with listen(stack.client, reader) as stream, \
            WebSocket(stack.client, reader) as other:
        assert other.event().name == "ready"
        before, = stack.children("streamer")
        stack.kill("newsfeed", signal.SIGHUP)
        assert stream.is_over.wait(30)
        opcode, payload = other.receive()
        assert (opcode, payload[:2]) == (CLOSE, (1001).to_bytes(2, "big"))
    eventually(lambda: stack.children("streamer") not in ([], [before]) and
               before not in stack.children("streamer"))
    with listen(stack.client, reader) as stream:
        item = stack.client.publish(author)
        assert stream.wait(1)[0].item == item


@pytest.mark.parametrize("what", ["nothing", "reload", "nginx", "kill", "postgres"])
def test_nothing_is_missing_and_nothing_double_with_sixteen_writers(make_stack, what):
    stack = make_stack(WORKERS="24", SETTINGS="stream.listeners_each=16")
    client = stack.client
    authors = client.add_participants(WRITERS)
    reader = client.add_participant()
    for author in authors:
        client.befriend(author, reader)
    first = client.publish(authors[0])
    listeners = [Listener(client, reader) for _ in range(4)]
    for listener in listeners:
        listener.last = str(first)
        listener.start()

    def post(number):
        body = {"subject": "A", "story": "B"}
        answer = client.post(f"{link(authors[number % WRITERS])}/outbound", body)
        assert answer.status in (200, 503)
        return answer.json["id"] if answer.status == 200 else None

    with Load(post, threads=WRITERS) as load:
        for _ in range(4):
            eventually(load.more(POSTS // 4), within=60 + POSTS / 20)
            disturb(stack, what)
    last = client.publish(authors[0])
    there = feed(client, reader, first)
    assert there >= {item for item in load.results if item} and last in there
    for listener in listeners:
        eventually(lambda: last in listener.items, within=60)
        if what in ("reload", "kill"):  # which may take its time
            eventually(lambda: listener.ends > 0)
        was_cut = listener.ends > 0
        listener.end()
        assert listener.items == sorted(set(listener.items))
        assert set(listener.items) == there
        assert was_cut == (what in ("reload", "kill"))


def feed(client, reader, after):
    """All that is newer in the feed."""
    return {item for item in items_of(client, reader) if item > after}


def items_of(client, reader):
    """The whole feed, by id."""
    found, before = {}, ""
    while page := client.inbound(reader, f"?limit=200{before}"):
        found |= {item["id"]: item for item in page}
        before = f"&before={page[-1]['id']}"
    return found


def mirror(events):
    """The feed as one knows it who has heard all of it."""
    found = {}
    for event in events:
        if event.name == "item":
            assert event.item not in found, "twice"
            found[event.item] = event.data
        elif event.name == "changed":
            assert event.item in found
            found[event.item] = event.data
        elif event.name == "removed" and "id" in event.data:
            found.pop(event.item, None) # it may have gone before it was told
        elif event.name == "removed":
            found = {id: item for id, item in found.items()
                     if item["from"] != event.data["from"]}
    return found


@pytest.mark.parametrize("what", ["nothing", "kill", "reload"])
def test_whoever_listens_knows_the_feed(make_stack, what):
    """Whatever happens to it, from several sides at once."""
    stack = make_stack(WORKERS="16", SETTINGS="feed.backfill=5")
    client = stack.client
    reader, *authors = client.add_participants(1 + 8)
    listeners = [Listener(client, reader) for _ in range(3)]
    for listener in listeners:
        listener.last = "0"
        listener.start()

    def act(number):
        random = Random(number)
        author = authors[number % len(authors)]
        own = client.outbound_ids(author, "?limit=10")
        path = f"{link(author)}/outbound"
        choice = random.choice(["post", "post", "edit", "remove", "friend", "part"])
        if choice == "post" or not own and choice in ("edit", "remove"):
            answer = client.post(path, {"subject": str(number), "story": "A"})
        elif choice == "edit":
            answer = client.patch(f"{path}/{random.choice(own)}", {"story": str(number)})
        elif choice == "remove":
            answer = client.delete(f"{path}/{random.choice(own)}")
        elif choice == "friend":
            answer = client.post(f"{link(reader)}/friends", {"to": author})
        else:
            answer = client.delete(f"{link(author)}/friends/{reader}")
        assert answer.status in (200, 204, 404, 503)

    with Load(act, threads=WRITERS) as load:
        for _ in range(4):
            eventually(load.more(POSTS // 4), within=60 + POSTS / 20)
            disturb(stack, what)
    for author in authors[::2]:
        client.befriend(reader, author)
    for listener in listeners:
        eventually(lambda: mirror(listener.events) == items_of(client, reader))
        listener.end()
