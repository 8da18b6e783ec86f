"""A clock that was set back: what was written before it is in the future."""

import pytest

from client import link
from waiting import eventually

pytestmark = pytest.mark.xdist_group("clock")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(SETTINGS="dispatcher.enabled=off")


@pytest.fixture
def dispatch(stack):
    """Starts a dispatcher, as a service that was restarted does."""
    def start():
        stack.down("newsfeed")
        stack.configure("dispatcher.enabled=on cache.ttl=1")
        stack.up("newsfeed")
    yield start
    stack.down("newsfeed")
    stack.configure("dispatcher.enabled=off")
    stack.up("newsfeed")


def test_orders_are_carried_out_that_are_due_in_ten_years(stack, dispatch):
    author, reader = stack.client.friends_of_new()
    stack.client.delete(f"{link(author)}/outbound/{stack.client.publish(author)}")
    stack.client.delete(f"{link(author)}/friends/{reader}")
    stack.sql("UPDATE outbox SET due = due + interval '10 years'")
    dispatch()
    eventually(stack.has_caught_up)


def test_drops_end_that_would_have_been_tried_for_ten_years(stack, dispatch):
    stack.down("memcached")
    try:
        stack.sql("INSERT INTO outbox (kind, participant_id, due, created)"
                  " SELECT 'c', 1, late, late"
                  " FROM (SELECT now() + interval '10 years' AS late) clock")
        dispatch()
        eventually(stack.has_caught_up)
    finally:
        stack.up("memcached")


def test_keys_that_were_made_in_ten_years_expire(stack, dispatch):
    stack.sql("INSERT INTO idempotency (scope, key, fingerprint, status, body, created)"
              " VALUES ('late', 'late', '', 200, '{}', now() + interval '10 years')")
    dispatch()
    eventually(lambda: stack.one(
        "SELECT created <= now() FROM idempotency WHERE scope = 'late'") == "t")
