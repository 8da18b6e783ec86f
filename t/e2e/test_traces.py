"""What was removed is gone from every table, once the dispatcher is through."""

import pytest

from client import link
from waiting import eventually

pytestmark = pytest.mark.xdist_group("traces")

WORD = "quicksilver"


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


def tables_with(stack, pattern):
    names = [row[0] for row in stack.sql(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace")]
    return {name for name in names
            if stack.one(f"SELECT count(*) FROM {name} t WHERE t::text ~ '{pattern}'") != "0"}


def key(name):
    return {"Idempotency-Key": name}


def test_of_a_removed_participant_nothing_stays(stack):
    stack.sql("ALTER SEQUENCE participant_id_seq RESTART 7340001")
    author = stack.client.post("/participant", {"name": WORD}, headers=key("a")).json["id"]
    friend, former = stack.client.add_participants(2)
    for one in (friend, former):
        stack.client.befriend(author, one)
    post = {"subject": "A", "story": f"{WORD} and more"}
    for number in range(3):
        answer = stack.client.post(f"{link(author)}/outbound", post, headers=key(f"p{number}"))
        assert answer.status == 200
    stack.client.publish(friend)
    stack.client.delete(f"{link(author)}/outbound/{answer.json['id']}")
    stack.client.delete(f"{link(author)}/friends/{former}")
    stack.sql("INSERT INTO outbox (kind, participant_id, other_id)"
              f" SELECT 'x', participant_id, id FROM outbound WHERE participant_id = {author}")
    assert tables_with(stack, WORD) >= {"participant", "outbound", "idempotency"}

    assert stack.client.delete(link(author)).status == 204
    eventually(lambda: tables_with(stack, rf"{WORD}|\m{author}\M") == {"event"})
    eventually(stack.has_caught_up)
    assert tables_with(stack, WORD) == set()
    stack.sql("UPDATE event SET occurred = now() - interval '25 hours'")
    stack.down("newsfeed")
    stack.up("newsfeed")
    eventually(lambda: tables_with(stack, rf"\m{author}\M") == set())


def test_the_answer_to_a_post_goes_with_it_and_its_key_stays(stack):
    author = stack.client.add_participant()
    path = f"{link(author)}/outbound"
    post = {"subject": "A", "story": f"a {WORD} post"}
    item = stack.client.post(path, post, headers=key("once")).json["id"]
    assert stack.client.delete(f"{path}/{item}").status == 204
    eventually(lambda: tables_with(stack, WORD) == set())
    assert stack.client.post(path, post, headers=key("once")).status == 404
    assert stack.client.outbound_ids(author) == []
