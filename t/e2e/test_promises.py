"""A 200 means committed and whole, whichever process dies: under load, with
workers and the dispatcher killed at random moments."""

import contextlib
import os
import random
import shlex
import signal
import statistics
import subprocess
import threading
import time

import pytest

from load import Load
from stack import as_account, children_of, make_friends, name_of
from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("promises")

FRIENDS = 3000
BODY = {"subject": "A subject", "story": "A story."}


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(
        WORKERS="4", SETTINGS="feed.inline_friends=10 dispatcher.piece=100")


def author_with_friends(client, count):
    author, *friends = client.add_participants(count + 1)
    for friend in friends:
        client.befriend(author, friend)
    return author, friends


@pytest.fixture(scope="module")
def celebrity(stack):
    """An author with many friends."""
    author = stack.client.add_participant("Celebrity")
    stack.sql(make_friends(author, FRIENDS))
    return author


def deliveries(stack, *items):
    return int(stack.one(
        "SELECT count(*) FROM inbound"
        f" WHERE outbound_id IN ({', '.join(map(str, items))})"))


def delivered_to(stack, reader):
    rows = stack.sql(f"SELECT outbound_id FROM inbound WHERE participant_id = {reader}")
    return {int(row[0]) for row in rows}


def are_delivered(stack, items):
    return all(deliveries(stack, item) == FRIENDS for item in items)


def orders(stack, kinds):
    return int(stack.one(f"SELECT count(*) FROM outbox WHERE kind IN ({kinds})"))


def is_idle(stack):
    """No session goes on with what its killed worker has asked for."""
    return stack.one("SELECT count(*) FROM pg_stat_activity"
                     " WHERE usename = 'newsfeed' AND state <> 'idle'") == "0"


def kill_a_worker(stack):
    workers = stack.workers()
    if len(workers) > 1:
        try:
            os.kill(random.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_posts_are_delivered_wholly_or_not_at_all_though_workers_die(stack):
    author, friends = author_with_friends(stack.client, 8)

    def post(_):
        return stack.client.post(f"/participant/{author}/outbound", BODY)

    with Load(post, threads=6) as load:
        for _ in range(15):
            eventually(load.more(5), every=random.uniform(0.001, 0.02))
            kill_a_worker(stack)
    assert {answer.status for answer in load.results} <= {200, 503}
    promised = {a.json["id"] for a in load.results if a.status == 200}
    eventually(lambda: is_idle(stack))
    made = {int(row[0]) for row in stack.sql(
        f"SELECT id FROM outbound WHERE participant_id = {author}")}
    assert promised and promised <= made
    for friend in friends:
        assert delivered_to(stack, friend) == made
    eventually(stack.has_caught_up)
    assert int(stack.one(
        f"SELECT count(*) FROM search WHERE participant_id = {author}")) == len(made)


def test_a_post_retried_with_its_key_is_made_once_though_workers_die(stack):
    """What a client does that wants each post exactly once."""
    author, (friend,) = author_with_friends(stack.client, 1)

    def post_until_answered(number):
        key = {"Idempotency-Key": f"retry-{author}-{number}"}
        path = f"/participant/{author}/outbound"
        while True:
            answer = stack.client.post(path, BODY, headers=key)
            if answer.status == 200:
                return answer.json["id"]
            assert answer.status in (409, 503)

    with Load(post_until_answered) as load:
        for _ in range(10):
            eventually(load.more(5), every=random.uniform(0.001, 0.02))
            kill_a_worker(stack)
    made = stack.sql(f"SELECT id FROM outbound WHERE participant_id = {author}")
    assert sorted(load.results) == sorted(int(row[0]) for row in made)
    assert delivered_to(stack, friend) == set(load.results)


def test_friendships_are_made_wholly_or_not_at_all_though_workers_die(stack):
    author = stack.client.add_participant()
    items = [stack.client.publish(author) for _ in range(3)]
    people = iter([int(row[0]) for row in stack.sql(
        "INSERT INTO participant (name) SELECT 'Friend' FROM generate_series(1, 5000)"
        " RETURNING id")])
    lock = threading.Lock()

    def befriend(_):
        with lock:
            friend = next(people)
        path = f"/participant/{author}/friends"
        return friend, stack.client.post(path, {"to": friend}).status

    with Load(befriend) as load:
        for _ in range(10):
            eventually(load.more(3), every=random.uniform(0.001, 0.02))
            kill_a_worker(stack)
    eventually(lambda: is_idle(stack))
    for friend, status in load.results:
        made = stack.client.friends(friend) == [author]
        assert made or status != 200
        assert stack.client.inbound_ids(friend) == (items[::-1] if made else [])


def test_up_to_the_limit_friends_have_it_with_the_200_and_above_soon(stack):
    for friends in (10, 11):
        author, _ = author_with_friends(stack.client, friends)
        item = stack.client.publish(author)
        assert friends == 11 or deliveries(stack, item) == 10
        eventually(lambda: deliveries(stack, item) == friends)


def test_a_large_delivery_reaches_each_friend_exactly_once_though_dispatchers_die(
    stack, celebrity
):
    items = [stack.client.publish(celebrity) for _ in range(10)]
    kills_midway = 0
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        done = deliveries(stack, *items)
        if done == FRIENDS * len(items):
            break
        if 0 < done and kills_midway < 4:
            os.kill(stack.dispatcher(), signal.SIGKILL)
            kills_midway += 1
    assert kills_midway, "it was over before a kill"
    for item in items:
        assert deliveries(stack, item) == FRIENDS
        assert stack.one(
            "SELECT count(*) FROM inbound i JOIN friendship f"
            f" ON f.participant_id = {celebrity} AND f.friend_id = i.participant_id"
            f" WHERE i.outbound_id = {item}") == str(FRIENDS)


def test_a_cached_page_shows_a_large_delivery(stack, celebrity):
    fan = int(stack.one(
        f"SELECT max(friend_id) FROM friendship WHERE participant_id = {celebrity}"))
    before = stack.client.inbound_ids(fan)
    item = stack.client.publish(celebrity)
    eventually(lambda: deliveries(stack, item) == FRIENDS)
    eventually(lambda: stack.client.inbound_ids(fan) == [item, *before][:50], within=SOON)


def test_small_posts_stay_fast_beside_large_deliveries(stack, celebrity):
    author, friends = author_with_friends(stack.client, 3)
    large = [stack.client.publish(celebrity) for _ in range(5)]
    took = []
    for number in range(20):
        start = time.monotonic()
        item = stack.client.publish(author, f"small{author}x{number}")
        assert stack.client.inbound_ids(friends[0])[0] == item
        took.append(time.monotonic() - start)
        found = [f"/participant/{author}"]
        eventually(
            lambda: stack.client.search(f"small{author}x{number}") == found, within=SOON)
    assert statistics.median(took) < 0.5 and max(took) < 5
    eventually(lambda: are_delivered(stack, large))


def test_a_large_delivery_skips_who_is_no_friend_any_more(stack, celebrity):
    former, kept = [int(row[0]) for row in stack.sql(
        "SELECT friend_id FROM friendship"
        f" WHERE participant_id = {celebrity} ORDER BY friend_id DESC LIMIT 2")]
    item = stack.client.publish(celebrity)
    stack.client.delete(f"/participant/{celebrity}/friends/{former}")
    eventually(lambda: stack.client.inbound_ids(kept)[:1] == [item])
    assert stack.client.inbound(former) == []
    stack.client.befriend(former, celebrity)


def test_a_large_post_removed_at_once_is_in_the_end_nowhere(stack, celebrity):
    item = stack.client.publish(celebrity)
    stack.client.delete(f"/participant/{celebrity}/outbound/{item}")
    eventually(stack.has_caught_up)
    assert deliveries(stack, item) == 0


def test_what_was_swept_leaves_nothing_behind(stack):
    gone, friend = stack.client.friends_of_new()
    item = stack.client.publish(gone)
    stack.client.publish(friend)
    stack.client.delete(f"/participant/{gone}")
    eventually(stack.has_caught_up)
    for table, where in [
        ("outbound", f"participant_id = {gone}"),
        ("inbound", f"participant_id = {gone} OR outbound_id = {item}"),
        ("friendship", f"{gone} IN (participant_id, friend_id)"),
        ("search", f"participant_id = {gone}"),
    ]:
        assert stack.one(f"SELECT count(*) FROM {table} WHERE {where}") == "0", table


def late_post(author, story):
    """pg_current_xact_id() first, as the service does it."""
    return ("SELECT pg_current_xact_id(); INSERT INTO outbound"
            f" (participant_id, subject, story) VALUES ({author}, 'late', '{story}')")


def test_a_post_whose_number_was_overtaken_is_found(stack):
    author = stack.client.add_participant()
    late, early = f"late{author}", f"early{author}"
    found = [f"/participant/{author}"]
    with stack.holding(late_post(author, late)) as commit:
        stack.client.publish(author, early)
        eventually(lambda: stack.client.search(early) == found)
        eventually(lambda: stack.one("SELECT count(*) FROM search_gap") == "1")
        commit()
    eventually(lambda: stack.client.search(late) == found, within=SOON)
    eventually(stack.has_caught_up)


def test_a_number_that_no_post_got_is_not_waited_for(stack):
    author = stack.client.add_participant()
    with stack.holding(late_post(author, "never")):
        stack.client.publish(author)
        eventually(lambda: stack.one("SELECT count(*) FROM search_gap") == "1")
    eventually(stack.has_caught_up)


def test_a_jump_of_the_numbers_leaves_no_gap_to_walk_through(stack):
    author = stack.client.add_participant()
    stack.client.publish(author)
    stack.sql("SELECT setval('outbound_id_seq', nextval('outbound_id_seq') + 1000000000)")
    item = stack.client.publish(author, f"far{author}")
    found = [f"/participant/{author}"]
    eventually(lambda: stack.client.search(f"far{author}") == found, within=SOON)
    assert item > 1000000000
    eventually(stack.has_caught_up)


@pytest.fixture
def second_dispatcher(stack):
    """Another newsfeed on the same database, by the command line of the first
    with a socket of its own."""
    command = shlex.split((stack.run / "newsfeed.command").read_text())
    command += ["--listen", str(stack.run / "second.sock")]
    log = open(stack.run / "log" / "second.log", "w")
    process = subprocess.Popen(
        as_account(command + ["--set", "worker.count=1"]),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually(lambda: "dispatcher" in map(name_of, children_of(process.pid)))
    yield process
    process.terminate()
    process.wait(10)


def test_with_two_dispatchers_one_goes_on_when_the_other_stands_still(
    stack, celebrity, second_dispatcher
):
    """Even in the middle of its work, with what it has taken locked."""
    first = stack.dispatcher()
    word = f"still{celebrity}"
    author = stack.client.add_participant()
    items = []

    def stands_still_in_a_transaction():
        items.extend(stack.client.publish(celebrity) for _ in range(3))
        eventually(lambda: deliveries(stack, items[-3]))
        os.kill(first, signal.SIGSTOP)
        with contextlib.suppress(AssertionError):
            return eventually(lambda: idle_transactions(stack) != "0", within=0.3)
        os.kill(first, signal.SIGCONT)

    eventually(stands_still_in_a_transaction)
    try:
        stack.client.publish(author, word)
        found = [f"/participant/{author}"]
        eventually(lambda: stack.client.search(word) == found)
    finally:
        os.kill(first, signal.SIGCONT)
    eventually(lambda: are_delivered(stack, items))


def idle_transactions(stack):
    return stack.one(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
        " AND state = 'idle in transaction'"
        " AND state_change < now() - interval '100 milliseconds'")


def test_two_dispatchers_deliver_once_each(stack, celebrity, second_dispatcher):
    items = [stack.client.publish(celebrity) for _ in range(4)]
    eventually(lambda: are_delivered(stack, items))
    eventually(stack.has_caught_up)


def test_a_killed_database_keeps_every_200(stack):
    """synchronous_commit: what was answered survives an immediate stop."""
    author, friends = author_with_friends(stack.client, 3)

    def post(_):
        return stack.client.post(f"/participant/{author}/outbound", BODY)

    with Load(post) as load:
        for _ in range(2):
            eventually(load.more(20))
            stack.down("postgres", "QUIT")
            stack.up("postgres")
            eventually(lambda: stack.client.get(f"/participant/{author}").status == 200)
    promised = {a.json["id"] for a in load.results if a.status == 200}
    for friend in friends:
        assert promised <= delivered_to(stack, friend)
    eventually(stack.has_caught_up)
