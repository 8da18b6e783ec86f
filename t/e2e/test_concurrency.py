"""The same thing from many sides at once."""

from concurrent.futures import ThreadPoolExecutor

from client import link
from load import Load
from waiting import SOON, eventually


def at_once(calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def test_both_befriending_each_other_at_once_are_one_friendship(client):
    for _ in range(10):
        one, other = client.add_participants(2)
        made = at_once([
            lambda: client.befriend(one, other), lambda: client.befriend(other, one)] * 3)
        assert len(set(made)) == 1
        assert client.friends(one) == [other] and client.friends(other) == [one]


def test_a_crowd_befriending_each_other_never_fails(client):
    """Locks taken in different orders would be deadlocks."""
    people = client.add_participants(5)
    pairs = [(a, b) for a in people for b in people if a != b]
    made = at_once([lambda a=a, b=b: client.post(f"{link(a)}/friends", {"to": b}).status
                    for a, b in pairs])
    assert set(made) == {200}
    assert all(len(client.friends(one)) == 4 for one in people)


def test_removing_one_participant_many_times_at_once_succeeds_once(client):
    one = client.add_participant()
    made = at_once([lambda: client.delete(link(one)).status] * 6)
    assert sorted(made) == [204] + [404] * 5


def test_unfriending_from_both_sides_at_once_succeeds_once(client):
    one, other = client.friends_of_new()
    made = at_once([
        lambda: client.delete(f"{link(one)}/friends/{other}").status,
        lambda: client.delete(f"{link(other)}/friends/{one}").status])
    assert sorted(made) == [204, 404]


def test_removing_one_post_many_times_at_once_succeeds_once(client):
    one = client.add_participant()
    item = client.publish(one)
    made = at_once([lambda: client.delete(f"{link(one)}/outbound/{item}").status] * 6)
    assert sorted(made) == [204] + [404] * 5


def test_a_participant_removed_while_it_posts_leaves_nothing_to_see(client):
    gone, friend = client.friends_of_new()
    body = {"subject": "A", "story": "B"}

    def post(_):
        return client.post(f"{link(gone)}/outbound", body).status

    with Load(post, threads=3) as load:
        eventually(load.more(10))
        assert client.delete(link(gone)).status == 204
        eventually(load.more(10))
    assert set(load.results) == {200, 404}
    assert eventually(lambda: client.inbound(friend) == [], within=SOON)
    assert client.friends(friend) == []


def test_befriending_and_unfriending_in_turns_ends_as_the_last_one_said(client):
    one, other = client.add_participants(2)
    item = client.publish(one)
    path = f"{link(one)}/friends"

    def back_and_forth(number):
        if number % 2:
            return client.post(path, {"to": other}).status
        return client.delete(f"{path}/{other}").status

    with Load(back_and_forth) as load:
        eventually(load.more(60), within=60)
    assert set(load.results) <= {200, 204, 404}
    client.befriend(one, other)
    assert client.inbound_ids(other) == [item]
    client.delete(f"{path}/{other}")
    assert client.inbound(other) == []
