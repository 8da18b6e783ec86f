"""addParticipants, addFriends: many at a time, all or none."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from tokens import print_token, write_key
from waiting import eventually

UNKNOWN = 9223372036854775807
MANY = "/participants"


def friendships(participant):
    return f"/participant/{participant}/friendships"


def key():
    return {"Idempotency-Key": uuid.uuid4().hex}


def add(client, names):
    return client.ok("POST", MANY, [{"name": name} for name in names])


def befriend(client, one, others):
    return client.ok("POST", friendships(one), [{"to": other} for other in others])


def unknown(participant):
    return {"status": 404, "title": "Not Found",
            "detail": f"participant {participant} does not exist"}


ONESELF = {"status": 400, "title": "Bad Request", "detail": "must be somebody else"}


# --- participants


def test_participants_come_in_the_order_of_the_entries(client):
    names = ["Eve", "Ada", "Eve", 'Bob "the, {other}" \\', "\U0001f994", " a "]
    results = add(client, names)
    assert results == [
        {"status": 200, "id": r["id"], "name": name, "link": link(r["id"])}
        for r, name in zip(results, names)]
    ids = [result["id"] for result in results]
    assert ids == sorted(set(ids))
    for id, name in zip(ids, names):
        assert client.get(link(id)).json == {"id": id, "name": name, "link": link(id)}


def test_one_is_a_batch(client):
    [one] = add(client, ["Ada"])
    [friendship] = befriend(client, client.add_participant(), [one["id"]])
    assert (one["status"], friendship["status"]) == (200, 200)


def test_a_thousand_participants_are_the_most(client):
    assert len(add(client, ["x" * 100] * 1000)) == 1000
    answer = client.post(MANY, [{"name": "x"}] * 1001)
    assert (answer.status, answer.pointers) == (400, ["#"])


@pytest.mark.parametrize("path", [MANY, friendships(1)])
@pytest.mark.parametrize("body", [[], {}, {"name": "A", "to": 1}, "A", 7, None])
def test_a_body_that_is_no_list_with_entries_is_400(client, path, body):
    answer = client.post(path, body)
    assert (answer.status, answer.pointers) == (400, ["#"])


def test_all_faults_are_told_and_nobody_is_added(door):
    name = uuid.uuid4().hex
    answer = door.client.post(MANY, [
        {"name": name}, {"name": ""}, {}, {"name": 7}, 7, {"name": "x" * 101}])
    assert answer.status == 400
    assert answer.pointers == ["#/1/name", "#/2/name", "#/3/name", "#/4", "#/5/name"]
    assert door.one(f"SELECT count(*) FROM participant WHERE name = '{name}'") == "0"


def test_of_many_faults_32_are_told(client):
    answer = client.post(MANY, [{}] * 1000)
    assert (answer.status, len(answer.pointers)) == (400, 32)


def test_a_body_over_the_limit_is_413(client):
    entry = {"name": "\U0001f994" * 100}  # of four bytes each
    assert client.post(MANY, [entry] * 1000).status == 413


# --- friendships


def test_each_entry_has_its_result(client):
    one, a, b = client.add_participants(3)
    results = befriend(client, one, [a, UNKNOWN, link(b), one, str(a)])
    first, second = results[0]["id"], results[2]["id"]
    assert results == [
        {"status": 200, "id": first, "from": link(one), "to": link(a)},
        unknown(UNKNOWN),
        {"status": 200, "id": second, "from": link(one), "to": link(b)},
        ONESELF,
        {"status": 200, "id": first, "from": link(one), "to": link(a)},
    ]
    assert 0 < first < second
    assert client.friends(one) == [b, a]
    assert client.friends(a) == client.friends(b) == [one]


def test_befriending_again_answers_the_same_friendships(client):
    one, a, b, c = client.add_participants(4)
    known = client.befriend(a, one)
    first = befriend(client, one, [a, b])
    assert first[0]["id"] == known
    assert befriend(client, one, [b, a]) == first[::-1]
    third, *again = befriend(client, one, [c, a, b])
    assert again == first
    assert befriend(client, c, [one])[0]["id"] == third["id"]
    assert sorted(client.friends(one)) == [a, b, c]


def test_newest_posts_enter_both_feeds_and_cached_pages_show_them(client):
    one, *others = client.add_participants(4)
    mine = [client.publish(one) for _ in range(2)]
    theirs = [client.publish(other) for other in others]
    for each in (one, *others):
        for _ in range(2):
            assert client.inbound(each) == []
    befriend(client, one, others)
    assert client.inbound_ids(one) == theirs[::-1]
    for other in others:
        assert client.inbound_ids(other) == mine[::-1]
    item = client.publish(others[0])
    assert client.inbound_ids(one)[0] == item


def test_it_can_be_ended_and_begin_anew(client):
    one, a, b = client.add_participants(3)
    first = befriend(client, one, [a, b])
    client.delete(f"/participant/{b}/friends/{one}")
    assert client.friends(one) == [a]
    again = befriend(client, one, [a, b])
    assert again[0] == first[0]
    assert again[1]["id"] > first[1]["id"]


def test_somebody_unknown_has_no_friends(client):
    one, gone = client.add_participants(2)
    client.delete(link(gone))
    for nobody in (gone, UNKNOWN):
        assert client.post(friendships(nobody), [{"to": one}]).status == 404
    assert befriend(client, one, [gone]) == [unknown(gone)]


def test_all_faults_are_told_and_nobody_is_befriended(client):
    one, a, b = client.add_participants(3)
    answer = client.post(friendships(one), [
        {"to": a}, {"to": "x"}, {}, {"from": b, "to": a}, {"from": one, "to": b}, a,
        {"to": 0}])
    assert answer.status == 400
    assert sorted(set(answer.pointers)) == ["#/1/to", "#/2/to", "#/5", "#/6/to"]
    answer = client.post(friendships(one), [
        {"from": b, "to": a}, {"to": "9223372036854775808"}, {"from": one, "to": b}])
    assert (answer.status, answer.pointers) == (400, ["#/0/from", "#/1/to"])
    assert client.friends(one) == []


def test_a_thousand_friends_with_all_their_posts(make_stack):
    """Within the time of a statement, whatever comes to the feeds: that is
    100,000 rows."""
    stack = make_stack(WORKERS="2")
    client = stack.client
    everybody = [result["id"] for result in add(client, ["Somebody"] * 1000)]
    one = client.add_participant()
    stack.sql(
        "INSERT INTO outbound (participant_id, subject, story)"
        " SELECT id, 'subject', 'story' FROM participant, generate_series(1, 50)")
    results = befriend(client, one, everybody)
    assert {result["status"] for result in results} == {200}
    assert [result["to"] for result in results] == [link(each) for each in everybody]
    assert stack.one("SELECT count(*) FROM inbound") == "100000"
    assert len(client.inbound(everybody[999])) == 50
    assert client.post(friendships(one), [{"to": 1}] * 1001).status == 400


# --- once


def test_a_repetition_with_the_key_is_answered_alike(client):
    one, a, b = client.add_participants(3)
    for path, body in [(MANY, [{"name": "Ada"}, {"name": "Bob"}]),
                       (friendships(one), [{"to": a}, {"to": one}, {"to": b}])]:
        again = key()
        answers = [client.post(path, body, headers=again) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].body == answers[1].body
        assert [a.headers.get("idempotent-replayed") for a in answers] == [None, "true"]
        assert client.post(path, body[:1], headers=again).status == 422


def test_a_failed_one_leaves_nothing_behind(fastpath):
    """In the middle of it: a friend's row is held for too long."""
    client = fastpath.client
    one, a, b = client.add_participants(3)
    body, again = [{"to": a}, {"to": b}], key()
    for headers in ({}, again):
        with fastpath.holding_row(b):
            assert client.post(friendships(one), body, headers=headers).status == 503
        assert client.friends(one) == client.friends(a) == []
    assert client.post(friendships(one), body, headers=again).status == 200
    assert client.friends(one) == [b, a]


def test_batches_that_overlap_wait_in_no_ring(client):
    """Each befriends all others, in its own order, and all at once."""
    people = client.add_participants(12)
    def others(one):
        ordered = people[::-1] if one % 2 else people
        return [other for other in ordered if other != one]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda one: client.post(
                friendships(one), [{"to": other} for other in others(one)]), people * 3))
    assert {answer.status for answer in answers} == {200}
    made = {}
    for answer in answers:
        for result in answer.json:
            made.setdefault(frozenset((result["from"], result["to"])), set()).add(result["id"])
    assert len(made) == 66 and all(len(ids) == 1 for ids in made.values())
    assert all(len(client.friends(one)) == 11 for one in people)


def test_it_waits_for_who_ends_such_a_friendship(fastpath):
    client = fastpath.client
    one, a = client.friends_of_new()
    b = client.add_participant()
    with ThreadPoolExecutor(1) as pool:
        with fastpath.holding(f"SELECT unfriend({a}, {one})") as commit:
            answer = pool.submit(befriend, client, one, [b, a])
            eventually(lambda: fastpath.one(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND NOT granted") != "0")
            commit()
        results = answer.result()
    assert [result["status"] for result in results] == [200, 200]
    assert client.friends(a) == [one] and sorted(client.friends(one)) == sorted([a, b])


# --- who may, and how


def test_participants_are_added_by_an_administrator(make_stack, folder):
    file = write_key(folder, "key")
    client = make_stack(WORKERS="1", SETTINGS=f"auth.key_file={file}").client

    def bearing(*arguments):
        return client.with_headers(Authorization=f"Bearer {print_token(file, *arguments)}")

    admin = bearing(0, "--admin")
    one, other = [result["id"] for result in add(admin, ["A", "B"])]
    assert bearing(one).post(MANY, [{"name": "C"}]).status == 403
    assert bearing(other).post(friendships(one), [{"to": other}]).status == 403
    assert befriend(bearing(one), one, [other])[0]["status"] == 200


@pytest.mark.parametrize("path", [MANY, friendships(1)])
def test_nginx_knows_their_method(client, path):
    options = client.request("OPTIONS", path)
    assert (options.status, options.headers["allow"]) == (204, "POST, OPTIONS")
    for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE"):
        answer = client.request(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
