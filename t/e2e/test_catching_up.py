"""Who catches up, by `after` or along `prev`, misses no post, though ids are
taken before the commit."""

import contextlib
import os
import threading
import time

import pytest

from client import ids, link
from load import Load
from stack import make_friends
from waiting import eventually, one_of, pause

pytestmark = pytest.mark.xdist_group("catching up")

POSTS = int(os.environ.get("POSTS", "1500"))
WRITERS = 16
PAGE = 50


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="24", SETTINGS="feed.inline_friends=100")


def posting(author, reader):
    """As the service posts, pg_current_xact_id() first."""
    return ("SELECT pg_current_xact_id();"
            " WITH p AS (INSERT INTO outbound (participant_id, subject, story)"
            f" VALUES ({author}, 'late', 'late') RETURNING id)"
            f" INSERT INTO inbound SELECT {reader}, id FROM p")


def read(client, path):
    answer = client.get(path)
    assert answer.status == 200
    return ids(answer.json), answer.links.get("prev")


def after(path, id):
    return f"{path}?after={id}"


@pytest.fixture(params=["inbound", "outbound"])
def posts(request, stack):
    """A list of posts with an item in it: path, author, reader, that item."""
    author, reader = stack.client.friends_of_new()
    first = stack.client.publish(author)
    path = f"{link(reader if request.param == 'inbound' else author)}/{request.param}"
    return path, author, reader, first


@pytest.fixture
def late(stack, posts):
    """A list whose next item is late: its path, the items before and behind
    that, and what commits it."""
    path, author, reader, first = posts
    with stack.holding(posting(author, reader)) as commit:
        yield path, first, stack.client.publish(author), commit


def test_a_page_by_after_ends_before_what_is_still_to_come(stack, late):
    path, first, later, commit = late
    assert read(stack.client, after(path, first))[0] == []
    commit()
    found = read(stack.client, after(path, first))[0]
    assert found[0] == later and len(found) == 2


def test_prev_leads_back_to_what_is_still_to_come(stack, late):
    path, first, later, commit = late
    found, prev = read(stack.client, path)
    assert found == [later, first], "what was acknowledged is on the first page"
    assert read(stack.client, prev)[0] == []
    commit()
    found = read(stack.client, prev)[0]
    assert found[0] == later and len(found) == 2


def test_a_cached_page_leads_back_to_what_is_still_to_come(stack):
    author, reader, stranger = stack.client.add_participants(3)
    stack.client.befriend(author, reader)
    with stack.holding(posting(stranger, reader)):
        later = stack.client.publish(author)
        answer = stack.client.hit(f"{link(reader)}/inbound")
        assert ids(answer.json) == [later]
        assert int(answer.links["prev"].split("=")[1]) < later - 1


@pytest.mark.parametrize("query", ["", "?after={}"])
def test_a_page_waits_for_what_is_about_to_come(stack, posts, query):
    path, author, reader, first = posts

    def attempt():
        found = []
        getter = threading.Thread(
            target=lambda: found.append(read(stack.client, path + query.format(first))))
        with stack.holding(posting(author, reader)) as commit:
            later = stack.client.publish(author)
            getter.start()
            pause(0.03)
            commit()
            getter.join(60)
        [(items, prev)] = found
        return items[:2] == [later, later - 1] and prev == after(path, later)

    eventually(attempt)


def test_what_came_while_a_page_waited_is_not_on_it(stack, posts):
    """Or others would be missing before that, who were not waited for."""
    path, author, reader, _ = posts
    for _ in range(5):
        found = []
        getter = threading.Thread(target=lambda: found.append(read(stack.client, path)))
        with stack.holding(posting(author, reader)) as commit:
            stack.client.publish(author)
            getter.start()
            pause(0.02)
            with stack.holding(posting(author, reader)) as commit_behind:
                stack.client.publish(author)
                commit()
                getter.join(60)
                commit_behind()
        [(items, prev)] = found
        assert {*items, *read(stack.client, prev)[0]} >= {*read(stack.client, path)[0]}


@contextlib.contextmanager
def a_hole(stack):
    """An id that nobody has, and nobody follows the posts; then, as ever."""
    with stack.holding("SELECT FROM follower WHERE name = 'drop' FOR UPDATE"):
        stack.sql("SELECT nextval('outbound_id_seq')")
        yield


def test_what_is_missing_for_good_is_not_waited_for(stack, posts):
    path, author, _, first = posts
    with a_hole(stack):
        later = stack.client.publish(author)
        expected = after(path, later)
        eventually(lambda: read(stack.client, path) == ([later, first], expected))
        eventually(lambda: read(stack.client, after(path, first)) == ([later], expected))


def test_nor_are_those_who_began_behind_it(stack, posts):
    """There is always somebody who writes, and never the same."""
    path, author, _, first = posts
    number = "SELECT nextval('outbound_id_seq')"
    began, stop = threading.Event(), threading.Event()

    def write():
        with contextlib.ExitStack() as last:
            while not stop.is_set():
                with contextlib.ExitStack() as session:
                    session.enter_context(stack.holding(number))
                    last.close()
                    last = session.pop_all()
                    began.set()

    with a_hole(stack):
        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert began.wait(60)
            later = stack.client.publish(author)
            expected = after(path, later)
            eventually(lambda: read(stack.client, path) == ([later, first], expected))
        finally:
            stop.set()
            writer.join(60)


def test_what_is_older_than_a_minute_is_not_waited_for(stack, posts):
    path, author, reader, first = posts
    with stack.holding(posting(author, reader)):
        later = stack.client.publish(author)
        stack.sql("UPDATE outbound SET occurred = now() - interval '2 min'"
                  f" WHERE id = {later}")
        assert read(stack.client, after(path, first))[0] == [later]


def test_what_is_still_to_be_delivered_is_in_its_place(stack):
    """The delivery waits for a row that somebody else is about to add."""
    author, reader, other = stack.client.add_participants(3)
    for one in (author, other):
        stack.client.befriend(one, reader)
    stack.sql(make_friends(author, 200))
    first = stack.client.publish(other)
    path = f"{link(reader)}/inbound"
    with stack.holding(f"INSERT INTO inbound VALUES ({reader}, {first + 1})"):
        large = stack.client.publish(author)
        assert large == first + 1
        small = stack.client.publish(other)
        assert read(stack.client, after(path, first))[0] == [small, large]
        assert read(stack.client, path) == ([small, large, first], after(path, small))
        assert read(stack.client, f"{path}?limit=2")[0] == [small, large]
        stack.client.delete(f"{link(author)}/friends/{reader}")
        assert read(stack.client, path)[0] == [small, first]


def test_a_page_with_news_leads_back_to_what_is_still_to_be_delivered(stack):
    author, reader = stack.client.friends_of_new()
    large = stack.client.add_participant()
    stack.client.befriend(large, reader)
    stack.sql(make_friends(large, 200))
    eventually(stack.has_caught_up)
    stack.client.hit(f"{link(reader)}/inbound")
    post = int(stack.one(
        "WITH p AS (INSERT INTO outbound (participant_id, subject, story)"
        f" VALUES ({large}, 'large', 'large') RETURNING id), d AS (INSERT INTO outbox"
        " (kind, participant_id, other_id, due)"
        f" SELECT 'd', {large}, id, now() + interval '20 s' FROM p) SELECT id FROM p"))
    small = stack.client.publish(author)
    eventually(lambda: int(stack.one(
        "SELECT done FROM follower WHERE name = 'drop'")) >= small)
    pause(1.5)  # until nginx may know of it; whoever reads makes a page with both
    shown, prev = read(stack.client, f"{link(reader)}/inbound")
    newer, _ = read(stack.client, prev)
    assert post in shown + newer and small in shown + newer


def test_who_takes_long_is_not_waited_for_again_and_again(make_stack):
    stack = make_stack(WORKERS="1")
    author, reader = stack.client.friends_of_new()
    first = stack.client.publish(author)
    path = after(f"{link(author)}/outbound", first)

    def attempt():
        start = time.monotonic()
        for _ in range(10):
            assert read(stack.client, path)[0] == []
        assert time.monotonic() - start < 1.5

    with stack.holding(posting(author, reader)):
        stack.client.publish(author)
        one_of(5, attempt)


# --- under load ---------------------------------------------------------------

class Follower(threading.Thread):
    """Goes on from what it saw until it is told that there is no more."""

    def __init__(self, client, path, first, by_link, every):
        super().__init__()
        self.client, self.path, self.first = client, path, first
        self.by_link, self.every = by_link, every
        self.seen, self.is_last, self.raised = [], threading.Event(), None

    def run(self):
        try:
            self.follow()
        except BaseException as error:
            self.raised = error

    def follow(self):
        path = after(self.path, self.first)
        while True:
            was_last = self.is_last.is_set()
            found, prev = read(self.client, path)
            self.seen += reversed(found)
            if not found and was_last:
                return
            if self.by_link:
                path = prev
            elif self.seen:
                path = after(self.path, self.seen[-1])
            if len(found) < PAGE:
                pause(self.every)


def test_nothing_is_missing_and_nothing_double_with_sixteen_writers(stack):
    authors = stack.client.add_participants(WRITERS)
    reader = stack.client.add_participant()
    for author in authors:
        stack.client.befriend(author, reader)
    first = stack.client.publish(authors[0])
    path = f"{link(reader)}/inbound"
    followers = [Follower(stack.client, path, first, by_link=True, every=0.005),
                 Follower(stack.client, path, first, by_link=False, every=0.005),
                 Follower(stack.client, path, first, by_link=False, every=0.5)]
    for follower in followers:
        follower.start()

    def post(number):
        item = stack.client.publish(authors[number % WRITERS])
        if number % 50 == 0:
            assert item in stack.client.inbound_ids(reader, "?limit=200")
        return item

    with Load(post, threads=WRITERS) as load:
        eventually(load.more(POSTS), within=60 + POSTS / 20)
    for follower in followers:
        follower.is_last.set()
        follower.join(120)
        assert not follower.raised and not follower.is_alive()
        assert follower.seen == sorted(set(follower.seen))
        assert set(follower.seen) == set(load.results)
