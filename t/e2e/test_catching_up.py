"""Who catches up, by `after` or along `prev`, misses no post, though ids are
taken before the commit."""

import os
import threading

import pytest

from client import ids, link
from load import Load
from stack import make_friends
from waiting import eventually, pause

pytestmark = pytest.mark.xdist_group("catching up")

POSTS = int(os.environ.get("POSTS", "1500"))
WRITERS = 16


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="24", SETTINGS="feed.inline_friends=100")


def posting(author, reader):
    """As the service posts, pg_current_xact_id() first."""
    return ("SELECT pg_current_xact_id();"
            " WITH p AS (INSERT INTO outbound (participant_id, subject, story)"
            f" VALUES ({author}, 'late', 'late') RETURNING id)"
            f" INSERT INTO inbound SELECT {reader}, id FROM p")


@pytest.fixture(params=["inbound", "outbound"])
def late(request, stack):
    """A list with an item in it, whose next one is late."""
    author, reader = stack.client.friends_of_new()
    first = stack.client.publish(author)
    path = f"{link(reader if request.param == 'inbound' else author)}/{request.param}"
    with stack.holding(posting(author, reader)) as commit:
        later = stack.client.publish(author)
        yield path, first, later, commit


def read(client, path):
    answer = client.get(path)
    assert answer.status == 200
    return ids(answer.json), answer.links.get("prev")


def test_a_page_by_after_ends_before_what_is_still_to_come(stack, late):
    path, first, later, commit = late
    assert read(stack.client, f"{path}?after={first}")[0] == []
    commit()
    found = read(stack.client, f"{path}?after={first}")[0]
    assert found[0] == later and len(found) == 2


def test_prev_leads_back_to_what_is_still_to_come(stack, late):
    path, first, later, commit = late
    found, prev = read(stack.client, path)
    assert found == [later, first], "what was acknowledged is on the first page"
    assert read(stack.client, prev)[0] == []
    commit()
    found = read(stack.client, prev)[0]
    assert found[0] == later and len(found) == 2


def test_what_was_acknowledged_is_seen_though_another_post_failed(stack):
    author, reader = stack.client.friends_of_new()
    first = stack.client.publish(author)
    with stack.holding(posting(author, reader)):
        later = stack.client.publish(author)
    path = f"{link(reader)}/inbound?after={first}"
    eventually(lambda: read(stack.client, path)[0] == [later])


def test_what_is_still_being_delivered_is_waited_for(stack):
    author, reader, other = stack.client.add_participants(3)
    for one in (author, other):
        stack.client.befriend(one, reader)
    first = stack.client.publish(other)
    stack.sql(make_friends(author, 200))
    large = stack.client.publish(author)
    small = stack.client.publish(other)
    assert read(stack.client, f"{link(reader)}/inbound?after={first}")[0] in (
        [], [small, large])
    eventually(lambda: read(stack.client, f"{link(reader)}/inbound?after={first}")[0]
               == [small, large])


# --- under load ---------------------------------------------------------------

class Follower(threading.Thread):
    """Goes on from what it saw until it is told that there is no more."""

    def __init__(self, client, path, by_link, every):
        super().__init__()
        self.client, self.path, self.by_link, self.every = client, path, by_link, every
        self.seen, self.is_last, self.raised = [], threading.Event(), None

    def run(self):
        try:
            self.follow()
        except BaseException as error:
            self.raised = error

    def follow(self):
        path = f"{self.path}?after=1"
        while True:
            was_last = self.is_last.is_set()
            found, prev = read(self.client, path)
            self.seen += reversed(found)
            if not found and was_last:
                return
            if self.by_link:
                path = prev
            elif self.seen:
                path = f"{self.path}?after={self.seen[-1]}"
            if not found or self.every:
                pause(self.every or 0.005)


def test_nothing_is_missing_and_nothing_double_with_sixteen_writers(stack):
    authors = stack.client.add_participants(WRITERS)
    reader = stack.client.add_participant()
    stack.client.publish(authors[0])  # so that every id is above 1
    for author in authors:
        stack.client.befriend(author, reader)
    path = f"{link(reader)}/inbound"
    followers = [Follower(stack.client, path, by_link=True, every=0),
                 Follower(stack.client, path, by_link=False, every=0),
                 Follower(stack.client, path, by_link=False, every=0.5)]
    start = stack.client.inbound_ids(reader)
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
        assert not follower.raised
        assert follower.seen == sorted(set(follower.seen))
        assert set(follower.seen) == set(start) | set(load.results)
