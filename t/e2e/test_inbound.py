"""getInbound: what is delivered to whom, and what leaves again."""

from client import link
from stack import make_friends
from waiting import eventually


def test_an_item_tells_author_reader_and_the_authors_item(client):
    author, reader = client.friends_of_new()
    body = {"subject": "Hear", "story": "This."}
    posted = client.ok("POST", f"/participant/{author}/outbound", body)
    answer = client.get(f"/participant/{reader}/inbound")
    assert answer.status == 200
    assert answer.json == [{**posted, "to": link(reader)}]
    assert answer.json[0]["link"] == f"/participant/{author}/outbound/{posted['id']}"


def test_without_deliveries_the_list_is_empty(client):
    answer = client.get(f"/participant/{client.add_participant()}/inbound")
    assert (answer.status, answer.body) == (200, b"[]")


def test_inbound_of_an_unknown_participant_is_404(client):
    assert client.get("/participant/9223372036854775807/inbound").status == 404


def test_a_post_reaches_both_sides_of_a_friendship(client):
    one, other = client.friends_of_new()
    by_one, by_other = client.publish(one), client.publish(other)
    assert client.inbound_ids(other) == [by_one]
    assert client.inbound_ids(one) == [by_other]


def test_a_post_reaches_every_friend_and_nobody_else(client):
    author, *friends = client.add_participants(6)
    stranger = client.add_participant()
    client.befriend(friends[0], stranger)
    for friend in friends:
        client.befriend(author, friend)
    item = client.publish(author)
    assert [client.inbound_ids(friend) for friend in friends] == [[item]] * 5
    assert client.inbound_ids(stranger) == []


def test_a_post_does_not_reach_its_author(client):
    author, _ = client.friends_of_new()
    client.publish(author)
    assert client.inbound_ids(author) == []


def test_with_the_200_all_of_1000_friends_have_it(door):
    author = door.client.add_participant()
    door.sql(make_friends(author, 1000))
    item = door.client.publish(author)
    count = f"SELECT count(*) FROM inbound WHERE outbound_id = {item}"
    assert door.one(count) == "1000"


def test_with_more_than_1000_friends_all_have_it_soon(door):
    author = door.client.add_participant()
    door.sql(make_friends(author, 1001))
    item = door.client.publish(author)
    count = f"SELECT count(*) FROM inbound WHERE outbound_id = {item}"
    assert eventually(lambda: door.one(count) == "1001")


def test_inbound_is_newest_first_across_authors(client):
    reader, a, b = client.add_participants(3)
    client.befriend(reader, a)
    client.befriend(b, reader)
    items = [client.publish(author) for author in (a, b, b, a)]
    assert client.inbound_ids(reader) == items[::-1]


def test_befriending_fills_in_what_each_posted_before(client):
    one, other = client.add_participants(2)
    by_one = [client.publish(one) for _ in range(2)]
    by_other = [client.publish(other) for _ in range(2)]
    client.befriend(one, other)
    assert client.inbound_ids(other) == by_one[::-1]
    assert client.inbound_ids(one) == by_other[::-1]


def test_filled_in_posts_stand_at_their_own_places_in_time(client):
    reader, a, b = client.add_participants(3)
    client.befriend(reader, a)
    items = [client.publish(author) for author in (b, a, b, a)]
    client.befriend(reader, b)
    assert client.inbound_ids(reader) == items[::-1]


def test_befriending_fills_in_the_newest_50_posts(client):
    reader, author = client.add_participants(2)
    items = [client.publish(author) for _ in range(53)]
    client.befriend(reader, author)
    assert client.inbound_ids(reader, "?limit=200") == items[:2:-1]


def test_befriending_again_fills_nothing_in_twice(client):
    reader, author = client.add_participants(2)
    item = client.publish(author)
    client.befriend(reader, author)
    client.befriend(author, reader)
    assert client.inbound_ids(reader) == [item]


def test_unfriending_takes_each_ones_posts_from_the_other(client):
    one, other, third = client.add_participants(3)
    client.befriend(one, other)
    client.befriend(one, third)
    client.publish(one)
    client.publish(other)
    kept = client.publish(third)
    assert len(client.inbound_ids(one)) == 2  # and both pages are cached
    assert len(client.inbound_ids(other)) == 1
    client.delete(f"/participant/{one}/friends/{other}")
    assert client.inbound_ids(one) == [kept]
    assert client.inbound_ids(other) == []


def test_after_unfriending_posts_are_not_delivered(client):
    one, other = client.friends_of_new()
    client.delete(f"/participant/{one}/friends/{other}")
    client.publish(one)
    assert client.inbound_ids(other) == []


def test_befriending_anew_fills_in_again(client):
    one, other = client.friends_of_new()
    first = client.publish(one)
    client.delete(f"/participant/{one}/friends/{other}")
    second = client.publish(one)
    client.befriend(other, one)
    assert client.inbound_ids(other) == [second, first]


def test_a_removed_post_leaves_every_inbound(client):
    author, *friends = client.add_participants(4)
    for friend in friends:
        client.befriend(author, friend)
    kept, gone = client.publish(author), client.publish(author)
    assert all(client.inbound_ids(f) == [gone, kept] for f in friends)
    client.delete(f"/participant/{author}/outbound/{gone}")
    assert [client.inbound_ids(f) for f in friends] == [[kept]] * 3


def test_with_a_removed_participant_go_its_posts_from_every_inbound(client):
    gone, reader, other = client.add_participants(3)
    client.befriend(gone, reader)
    client.befriend(other, reader)
    client.publish(gone)
    kept = client.publish(other)
    assert len(client.inbound_ids(reader)) == 2
    client.delete(link(gone))
    assert client.inbound_ids(reader) == [kept]


def test_with_a_removed_participant_go_its_friendships(client):
    gone, friend = client.friends_of_new()
    client.delete(link(gone))
    assert client.friends(friend) == []
    client.publish(friend)  # to nobody


def test_nothing_below_a_removed_participant_is_found(client):
    gone, friend = client.friends_of_new()
    item = client.publish(gone)
    client.inbound(gone)  # so that its page is cached
    client.delete(link(gone))
    for path in ("friends", "outbound", f"outbound/{item}", "inbound"):
        assert client.get(f"/participant/{gone}/{path}").status == 404, path
    assert client.delete(f"/participant/{gone}/friends/{friend}").status == 404


def test_a_removed_participant_can_neither_post_nor_befriend(client):
    gone, friend = client.friends_of_new()
    client.delete(link(gone))
    post = {"subject": "A", "story": "B"}
    assert client.post(f"/participant/{gone}/outbound", post).status == 404
    assert client.post(f"/participant/{gone}/friends", {"to": friend}).status == 404
    assert client.post(f"/participant/{friend}/friends", {"to": gone}).status == 404
