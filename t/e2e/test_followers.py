"""Who follows the posts sees each once, and waits for no other."""

import pytest

from client import link
from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("followers")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


def busy(follower):
    """As another dispatcher, that is at it."""
    return f"SELECT FROM follower WHERE name = '{follower}' FOR UPDATE"


def posting(author, reader, story):
    """A post and its delivery, by one who did not live to drop a page."""
    return ("SELECT pg_current_xact_id();"
            " WITH p AS (INSERT INTO outbound (participant_id, subject, story)"
            f" VALUES ({author}, 'killed', '{story}') RETURNING id)"
            f" INSERT INTO inbound SELECT {reader}, id FROM p")


def test_pages_are_dropped_however_far_behind_the_index_is(stack):
    author, reader = stack.client.friends_of_new()
    path = f"{link(reader)}/inbound"
    with stack.holding(busy("index")):
        eventually(lambda: stack.client.hit(path))
        stack.sql(posting(author, reader, f"unknown{author}"))
        eventually(lambda: len(stack.client.inbound_ids(reader)) == 1, within=SOON)
        assert stack.client.search(f"unknown{author}") == []
    eventually(stack.has_caught_up)
    assert stack.client.search(f"unknown{author}") == [link(author)]


def test_posts_are_indexed_though_pages_are_not_dropped(stack):
    author, _ = stack.client.friends_of_new()
    with stack.holding(busy("drop")):
        stack.client.publish(author, f"known{author}")
        found = [link(author)]
        eventually(lambda: stack.client.search(f"known{author}") == found, within=SOON)
        backlog = dict(stack.sql("SELECT name, posts FROM follower_backlog"))
        assert backlog["drop"] != "0"
    eventually(stack.has_caught_up)


def test_a_follower_that_is_new_begins_with_the_first_post(stack):
    author = stack.client.add_participant()
    stack.client.publish(author, f"again{author}")
    eventually(stack.has_caught_up)
    posts = stack.one("SELECT count(*) FROM outbound")
    stack.sql("DELETE FROM search; DELETE FROM follower WHERE name = 'index'")
    eventually(lambda: stack.one("SELECT count(*) FROM search WHERE outbound_id > 0") == posts)
    eventually(stack.has_caught_up)
    assert stack.client.search(f"again{author}") == [link(author)]


def test_a_post_is_found_that_one_with_a_lower_transaction_number_overtook(stack):
    """The transactions' numbers are 1 and 2, the posts' 2 and 1: the first ends
    when nobody has ended whose number is above that of the second."""
    author, reader = stack.client.friends_of_new()
    late, early = f"late{author}", f"early{author}"
    found = [link(author)]
    path = f"{link(reader)}/inbound"
    eventually(stack.has_caught_up)
    with stack.holding("SELECT pg_current_xact_id()") as first:
        with stack.holding(posting(author, reader, late)) as second:
            first(posting(author, reader, early))
            eventually(lambda: stack.client.search(early) == found, within=SOON)
            stack.client.hit(path)
            second()
    eventually(lambda: len(stack.client.inbound_ids(reader)) == 2, within=SOON)
    eventually(lambda: stack.client.search(late) == found, within=SOON)
    eventually(stack.has_caught_up)
