"""Changes that overlap: whichever comes first, nothing is lost for good."""

import os
import signal

import pytest

from waiting import SOON, eventually, pause

pytestmark = pytest.mark.xdist_group("races")

LATE = 1.5  # s: longer than the dispatcher waits before it looks at a feed again


@pytest.fixture(scope="module")
def stack(make_module_stack):
    """Lists wait for what is being written: these are nobody else's."""
    return make_module_stack()


def post(author):
    return ("INSERT INTO outbound (participant_id, subject, story)"
            f" VALUES ({author}, 'slow', 'post')")


def test_a_slow_post_reaches_who_was_befriended_meanwhile(stack):
    author, reader = stack.client.add_participants(2)
    befriend = f"SELECT befriend({author}, {reader}, 50)"
    with stack.holding(befriend) as befriended:
        with stack.holding(post(author)) as posted:
            befriended()
            assert stack.client.friends(reader) == [author]
            pause(LATE)
            posted()
    [item] = stack.client.outbound_ids(author)
    eventually(lambda: stack.client.inbound_ids(reader) == [item], within=SOON)


def test_a_slow_post_leaves_nothing_with_who_was_unfriended_meanwhile(stack):
    author, reader = stack.client.friends_of_new()
    deliver = (f"WITH p AS ({post(author)} RETURNING id)"
               f" INSERT INTO inbound SELECT {reader}, id FROM p")
    with stack.holding(f"SELECT unfriend({author}, {reader})") as unfriended:
        with stack.holding(deliver) as delivered:
            unfriended()
            pause(LATE)
            delivered()
    assert stack.client.inbound_ids(reader) == []
    eventually(lambda: stack.one(
        f"SELECT count(*) FROM inbound WHERE participant_id = {reader}") == "0", within=SOON)


def test_a_removed_participant_leaves_nothing_behind(fastpath):
    client = fastpath.client
    author, reader = client.friends_of_new()
    client.publish(author)
    client.publish(reader)
    client.delete(f"/participant/{author}")
    left = (f"SELECT (SELECT count(*) FROM outbound WHERE participant_id = {author})"
            f" + (SELECT count(*) FROM inbound WHERE participant_id IN ({author}, {reader}))"
            f" + (SELECT count(*) FROM search WHERE participant_id = {author})"
            f" + (SELECT count(*) FROM friendship WHERE {author} IN (participant_id, friend_id))"
            f" + (SELECT count(*) FROM outbox WHERE participant_id = {author})")
    eventually(lambda: fastpath.one(left) == "0")
    assert len(client.outbound_ids(reader)) == 1


def test_a_stray_signal_does_not_stop_a_worker_from_answering(make_stack):
    stack = make_stack(WORKERS="2")
    for worker in stack.workers():
        os.kill(worker, signal.SIGUSR1)
    for _ in range(20):
        assert stack.client.add_participant()
