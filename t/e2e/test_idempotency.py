"""Idempotency-Key: the same request twice is done once."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from waiting import eventually

POST = {"subject": "Once", "story": "And once only."}


def key():
    return {"Idempotency-Key": uuid.uuid4().hex}


def outbound(author):
    return f"{link(author)}/outbound"


def test_a_repeated_post_is_answered_alike_and_made_once(client):
    author, reader = client.friends_of_new()
    again = key()
    answers = [client.post(outbound(author), POST, headers=again) for _ in range(3)]
    assert [a.status for a in answers] == [200] * 3
    assert answers[0].json == answers[1].json == answers[2].json
    assert [a.headers.get("idempotent-replayed") for a in answers] == [
        None, "true", "true"]
    item = answers[0].json["id"]
    assert client.outbound_ids(author) == client.inbound_ids(reader) == [item]


def test_a_repetition_drops_the_pages_that_the_first_may_not_have(door):
    """Who answered the first may have died, or lost the outcome."""
    author, reader = door.client.friends_of_new()
    again = key()
    door.client.post(outbound(author), POST, headers=again)

    def is_cached():
        return any(f":inbound:{reader}@" in key for key in door.cached_keys())

    def fill():  # again, should the dispatcher drop it once more
        door.client.inbound(reader)
        return is_cached()

    eventually(door.has_caught_up)
    eventually(fill)
    assert door.client.post(outbound(author), POST, headers=again).status == 200
    assert not is_cached()


def test_a_repeated_participant_is_added_once(client):
    again = key()
    first = client.post("/participant", {"name": "Once"}, headers=again)
    second = client.post("/participant", {"name": "Once"}, headers=again)
    assert first.status == second.status == 200
    assert first.json == second.json


def test_a_repeated_friendship_is_answered_alike(client):
    one, other = client.add_participants(2)
    again = key()
    path = f"{link(one)}/friends"
    first = client.post(path, {"to": other}, headers=again)
    client.delete(f"{path}/{other}")
    second = client.post(path, {"to": other}, headers=again)
    assert (second.status, second.json) == (200, first.json)
    assert client.friends(one) == []


def test_another_key_is_another_request(client):
    author = client.add_participant()
    for _ in range(2):
        client.post(outbound(author), POST, headers=key())
    assert len(client.outbound_ids(author)) == 2


def test_the_key_with_another_body_is_422(client):
    author = client.add_participant()
    again = key()
    client.post(outbound(author), POST, headers=again)
    other = client.post(outbound(author), {**POST, "story": "?"}, headers=again)
    assert other.status == 422
    assert len(client.outbound_ids(author)) == 1


def test_a_refused_request_does_not_use_up_its_key(client):
    author = client.add_participant()
    again = key()
    path = outbound(author)
    assert client.post(path, {"subject": "A"}, headers=again).status == 400
    assert client.post(path, POST, headers=again).status == 200


def test_two_authors_may_use_the_same_key(client):
    one, other = client.add_participants(2)
    same = key()
    for author in (one, other):
        assert client.post(outbound(author), POST, headers=same).status == 200
    assert len(client.outbound_ids(one)) == len(client.outbound_ids(other)) == 1


@pytest.mark.parametrize("bad", ["x" * 256, "a b", "a\x01b", "\xe4"])
def test_a_key_that_is_none_is_400(client, bad):
    author = client.add_participant()
    answer = client.post(outbound(author), POST, headers={"Idempotency-Key": bad})
    assert answer.status == 400
    assert client.outbound_ids(author) == []


def test_while_the_first_is_still_running_the_second_is_409(door):
    one, other = door.client.add_participants(2)
    again = key()

    def befriend():
        return door.client.post(f"{link(one)}/friends", {"to": other}, headers=again)

    with ThreadPoolExecutor(1) as pool:
        with door.holding_row(other):
            first = pool.submit(befriend)
            eventually(lambda: door.waits_for(other))
            assert befriend().status == 409
        assert first.result().status == 200
    assert befriend().json == first.result().json


def test_of_many_at_once_one_is_done(client):
    author, reader = client.friends_of_new()
    again = key()

    def post(_):
        return client.post(outbound(author), POST, headers=again)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    assert {a.status for a in answers} <= {200, 409}
    assert len({a.json["id"] for a in answers if a.status == 200}) == 1
    assert len(client.inbound_ids(reader)) == 1
