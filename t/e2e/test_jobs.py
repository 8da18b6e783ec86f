"""Orders of the outbox, and the kinds of them."""

import re

import pytest

from client import link
from stack import ROOT
from waiting import eventually

pytestmark = pytest.mark.xdist_group("jobs")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


def orders(stack, kind):
    return stack.sql("SELECT name, orders FROM outbox_backlog"
                     f" WHERE kind = '{kind}'")


def lines_about(stack, kind):
    return [line for line in stack.log().splitlines()
            if f"orders of kind '{kind}'" in line]


def test_orders_of_a_kind_that_nobody_knows_stay_and_stop_nothing(stack):
    """As a newer release makes them, on the same database."""
    stack.sql("INSERT INTO outbox_kind VALUES ('b', 'bake bread');"
              "INSERT INTO outbox (kind, participant_id) VALUES"
              " ('b', 7), ('b', 8), ('z', 9), (E'\\u00c4'::text::\"char\", 9)")
    for kind, name in (("b", "bake bread"), ("z", "of which nobody has a name")):
        [line] = eventually(lambda: lines_about(stack, kind))
        assert f"'{kind}', {name}, which this program does not know" in line

    one, other = stack.client.friends_of_new()
    stack.client.delete(f"{link(one)}/friends/{other}")
    eventually(lambda: stack.one("SELECT count(*) FROM outbox") == "4")
    assert orders(stack, "b") == [["bake bread", "2"]]
    assert orders(stack, "z") == [["unknown", "1"]]
    assert len(lines_about(stack, "b")) == 1
    stack.sql("DELETE FROM outbox; DELETE FROM outbox_kind WHERE kind = 'b'")


def test_the_database_has_a_name_for_each_job(stack):
    jobs = [file.read_text() for file in (ROOT / "app").glob("job_*.c")]
    rows = [re.search(r"^struct job \w+ = \{\s*'(\w)',\s*\"([^\"]+)\"", text, re.M).groups()
            for text in jobs]
    known = stack.sql("SELECT kind, name FROM outbox_kind WHERE kind <> 'x'")
    assert sorted(rows) == sorted(map(tuple, known))
