"""Requests and dispatchers that meet at the same rows: nobody waits in a ring."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from stack import NO_PATIENCE
from waiting import eventually

pytestmark = pytest.mark.xdist_group("locks")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    """PostgreSQL looks for rings far too late, and orders stay undone."""
    return make_module_stack(
        patience=NO_PATIENCE, POSTGRES="fsync=off deadlock_timeout=60s",
        SETTINGS="db.connect_timeout=10000 db.statement_timeout=9000"
        " worker.queue_timeout=30000 dispatcher.enabled=off")


@pytest.fixture
def lone_dispatcher(stack):
    """Works for as long as it takes to do all that there is to do."""
    def work():
        stack.call("down", "newsfeed")
        stack.configure("db.statement_timeout=9000 worker.queue_timeout=30000")
        stack.up("newsfeed")
        eventually(stack.has_caught_up)
    return work


def test_a_removal_waits_for_no_sweep_of_feeds(stack, lone_dispatcher):
    """The dispatcher goes through these rows in one order, a removal went
    through them in another, and each waited for the other."""
    author, friend, former = stack.client.add_participants(3)
    for one in (friend, former):
        stack.client.befriend(author, one)
    item = stack.client.publish(author)
    kept = stack.client.publish(author)
    assert stack.client.delete(f"{link(author)}/friends/{former}").status == 204

    with stack.holding(f"DELETE FROM inbound WHERE outbound_id = {item}"):
        answer = stack.client.delete(f"{link(author)}/outbound/{item}")
        assert answer.status == 204
    assert stack.client.inbound_ids(friend) == [kept]

    lone_dispatcher()
    rows = stack.sql("SELECT participant_id, outbound_id FROM inbound"
                     f" WHERE outbound_id IN ({item}, {kept})")
    assert rows == [[str(friend), str(kept)]]


RING = """
DO $$
BEGIN
    PERFORM FROM participant WHERE id = {last} FOR UPDATE;
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted
        AND transactionid = pg_current_xact_id()::xid) LOOP
        PERFORM pg_sleep(0.02);
    END LOOP;
    PERFORM FROM participant WHERE id = {first} FOR UPDATE;
END
$$
"""


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "ring"}],
                         ids=["alone", "with a key"])
def test_a_request_caught_in_a_ring_is_run_again(stack, headers):
    first, last = sorted(stack.client.add_participants(2))
    with ThreadPoolExecutor(1) as pool:
        ring = pool.submit(stack.sql, RING.format(first=first, last=last))
        eventually(lambda: stack.one(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1")
        answer = stack.client.post(
            f"{link(first)}/friends", {"to": last}, headers=headers)
        ring.result()
    assert answer.status == 200
    assert stack.client.friends(first) == [last]


def test_one_dispatcher_sweeps_at_a_time(stack):
    """As if another one, on another host, were at it; deliveries go on."""
    with stack.holding("SELECT pg_advisory_xact_lock(0, 0)"):
        one, other = stack.client.friends_of_new()
        stack.call("down", "newsfeed")
        stack.configure("dispatcher.enabled=on feed.inline_friends=0")
        stack.up("newsfeed")
        items = []
        for _ in range(2):  # of a round between them, the orders too had a turn
            items.insert(0, stack.client.publish(one))
            eventually(lambda: stack.client.inbound_ids(other) == items)
        order = f"outbox WHERE kind = 'f' AND {one} IN (participant_id, other_id)"
        assert stack.one(f"SELECT previous FROM {order}") == "0"
    eventually(stack.has_caught_up)
