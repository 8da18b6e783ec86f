"""addFriend, getFriend, removeFriend."""

import pytest

from client import link

UNKNOWN = 9223372036854775807


def friends_path(participant, friend=None):
    path = f"/participant/{participant}/friends"
    return f"{path}/{friend}" if friend else path


def test_befriending_answers_200_with_id_and_both_links(client):
    one, other = client.add_participants(2)
    answer = client.post(friends_path(one), {"from": link(one), "to": link(other)})
    assert answer.status == 200
    new = answer.json
    assert new == {"id": new["id"], "from": link(one), "to": link(other)}
    assert type(new["id"]) is int and new["id"] > 0


@pytest.mark.parametrize("form", [link, int, str])
def test_to_is_a_link_an_integer_or_an_integer_in_a_string(client, form):
    one, other = client.add_participants(2)
    answer = client.post(friends_path(one), {"to": form(other)})
    assert (answer.status, answer.json["to"]) == (200, link(other))


@pytest.mark.parametrize("form", [link, int, str])
def test_from_is_accepted_in_the_same_forms(client, form):
    one, other = client.add_participants(2)
    answer = client.post(friends_path(one), {"from": form(one), "to": other})
    assert (answer.status, answer.json["from"]) == (200, link(one))


@pytest.mark.parametrize(
    "to",
    [0, -1, "0", "01", "+1", "", " 1", "/participant/", "/participant/01", "/participant/0",
     "/friend/1", "/participant/1/", "http://x/participant/1", 1.5, None, True, [1], {},
     9223372036854775808, "9223372036854775808"],
)
def test_any_other_form_of_to_is_400(client, to):
    one = client.add_participant()
    answer = client.post(friends_path(one), {"to": to})
    assert answer.status == 400
    assert set(answer.pointers) == {"#/to"}


def test_to_is_required(client):
    answer = client.post(friends_path(client.add_participant()), {})
    assert (answer.status, answer.pointers) == (400, ["#/to"])


def test_from_must_not_be_somebody_else(client):
    one, other = client.add_participants(2)
    answer = client.post(friends_path(one), {"from": other, "to": other})
    assert (answer.status, answer.pointers) == (400, ["#/from"])


def test_friendship_is_mutual(client):
    one, other = client.add_participants(2)
    friendship = client.befriend(one, other)
    assert client.get(friends_path(one)).json == [
        {"id": friendship, "from": link(one), "to": link(other)}
    ]
    assert client.get(friends_path(other)).json == [
        {"id": friendship, "from": link(other), "to": link(one)}
    ]


def test_befriending_again_answers_the_same_friendship(client):
    one, other = client.add_participants(2)
    first = client.post(friends_path(one), {"to": other})
    again = client.post(friends_path(one), {"to": other})
    assert (again.status, again.json) == (200, first.json)


def test_befriending_back_answers_the_same_friendship(client):
    one, other = client.add_participants(2)
    friendship = client.befriend(one, other)
    back = client.post(friends_path(other), {"to": one})
    assert back.status == 200
    assert back.json == {"id": friendship, "from": link(other), "to": link(one)}
    assert client.friends(one) == [other]


def test_befriending_oneself_is_400(client):
    one = client.add_participant()
    answer = client.post(friends_path(one), {"to": one})
    assert (answer.status, answer.pointers) == (400, ["#/to"])


def test_befriending_somebody_unknown_is_404(client):
    one = client.add_participant()
    assert client.post(friends_path(one), {"to": UNKNOWN}).status == 404
    assert client.post(friends_path(UNKNOWN), {"to": one}).status == 404


def test_without_friends_the_list_is_empty(client):
    answer = client.get(friends_path(client.add_participant()))
    assert (answer.status, answer.body) == (200, b"[]")


def test_friends_of_an_unknown_participant_are_404(client):
    assert client.get(friends_path(UNKNOWN)).status == 404


def test_friends_are_listed_newest_first(client):
    one, a, b, c = client.add_participants(4)
    for friend in (b, a, c):
        client.befriend(one, friend)
    assert client.friends(one) == [c, a, b]


def test_unfriending_answers_204_and_ends_it_for_both(client):
    one, other = client.friends_of_new()
    answer = client.delete(friends_path(one, other))
    assert (answer.status, answer.body) == (204, b"")
    assert client.friends(one) == client.friends(other) == []


def test_either_side_can_unfriend(client):
    one, other = client.friends_of_new()
    assert client.delete(friends_path(other, one)).status == 204
    assert client.friends(one) == []


def test_unfriending_somebody_who_is_no_friend_is_404(client):
    one, other = client.add_participants(2)
    assert client.delete(friends_path(one, other)).status == 404
    assert client.delete(friends_path(one, one)).status == 404
    assert client.delete(friends_path(one, UNKNOWN)).status == 404
    assert client.delete(friends_path(UNKNOWN, one)).status == 404


def test_unfriending_twice_is_404(client):
    one, other = client.friends_of_new()
    client.delete(friends_path(one, other))
    assert client.delete(friends_path(one, other)).status == 404


def test_friendship_can_begin_anew(client):
    one, other = client.friends_of_new()
    client.delete(friends_path(one, other))
    client.befriend(other, one)
    assert client.friends(one) == [other]
    assert client.friends(other) == [one]
