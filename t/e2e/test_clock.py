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
        stack.configure("dispatcher.enabled=on")
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


def test_pages_are_dropped_that_are_to_be_in_ten_years(stack, dispatch):
    author, reader = stack.client.friends_of_new()
    stack.client.hit(f"{link(reader)}/inbound")
    stack.sql("INSERT INTO outbox (kind, participant_id, due, created)"
              f" SELECT 'c', {author}, late, late"
              " FROM (SELECT now() + interval '10 years' AS late) clock")
    dispatch()
    eventually(lambda: stack.one("SELECT count(*) FROM outbox WHERE kind = 'c'") == "0")
    assert not any(f":inbound:{reader}@" in key for key in stack.cached_keys())


def test_keys_that_were_made_in_ten_years_expire(stack, dispatch):
    stack.sql("INSERT INTO idempotency (scope, key, fingerprint, status, body, created)"
              " VALUES ('late', 'late', '', 200, '{}', now() + interval '10 years')")
    dispatch()
    eventually(lambda: stack.one(
        "SELECT created <= now() FROM idempotency WHERE scope = 'late'") == "t")
