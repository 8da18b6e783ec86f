"""searchItems: the posts that match, newest first."""

import uuid
from urllib.parse import quote

import pytest

from client import ids, link
from waiting import SOON, eventually


def word():
    """One that no other test uses."""
    return "w" + uuid.uuid4().hex


def path(keywords, **parameters):
    extra = "".join(f"&{name}={quote(str(value))}" for name, value in parameters.items())
    return f"/outbound/items?keywords={quote(keywords)}{extra}"


def found(client, keywords, **parameters):
    return ids(client.ok("GET", path(keywords, **parameters)))


@pytest.fixture
def posts(client):
    """Three with a word of their own, the oldest first, of two authors."""
    one, other = client.add_participants(2)
    w = word()
    items = [client.publish(a, f"About {w}", f"And {n}.") for n, a in enumerate((one, other, one))]
    eventually(lambda: found(client, w) == items[::-1], within=SOON)
    return w, items, one, other


def test_an_item_is_the_post_itself(client, posts):
    w, items, one, _ = posts
    item = client.ok("GET", path(w))[0]
    assert item == client.ok("GET", f"{link(one)}/outbound/{items[2]}")


def test_pages_lead_to_one_another_with_all_that_was_asked(client, posts):
    w, items, one, _ = posts
    first = client.get(path(w, limit=2, highlight="true"))
    assert ids(first.json) == [items[2], items[1]]
    assert "highlight=true" in first.links["next"] and f"keywords={w}" in first.links["next"]
    second = client.get(first.links["next"])
    assert ids(second.json) == [items[0]] and "next" not in second.links
    assert "highlights" in second.json[0]
    assert ids(client.get(path(w, after=items[0], limit=1)).json) == [items[1]]
    of_one = client.get(path(w, author=one, limit=1))
    assert ids(client.get(of_one.links["next"]).json) == [items[0]]


def test_new_posts_are_behind_prev(client, posts):
    w, items, one, _ = posts
    prev = eventually(lambda: client.get(path(w)).links.get("prev"))
    assert ids(client.get(prev).json)[:1] in ([], [items[2]])
    new = client.publish(one, w)
    eventually(lambda: new in ids(client.get(prev).json), within=SOON)


def test_filters(client, posts):
    w, items, one, other = posts
    reader = client.add_participant()
    client.befriend(reader, other)
    assert found(client, w, author=one) == [items[2], items[0]]
    assert found(client, w, author=reader) == []
    assert found(client, w, author=9223372036854775807) == []
    assert found(client, w, friends_of=reader) == [items[1]]
    assert found(client, w, friends_of=reader, author=one) == []
    client.delete(f"{link(reader)}/friends/{other}")
    assert found(client, w, friends_of=reader) == []


def test_times(client, posts):
    w, items, one, _ = posts
    times = [client.ok("GET", path(w))[n]["occurred"] for n in (2, 1, 0)]
    assert found(client, w, since=times[0]) == items[::-1]
    assert found(client, w, until=times[0]) == []
    if times[0] < times[1] < times[2]:
        assert found(client, w, since=times[1], until=times[2]) == [items[1]]
    assert found(client, w, since="1999-12-31", until="2199-01-01") == items[::-1]
    assert found(client, w, since="2199-01-01") == []
    assert found(client, w, until="1999-12-31T23:59:60+00:00") == []
    assert found(client, w, since="2199-01-01t00:00:00-15:59") == []


def test_highlights(client):
    author = client.add_participant()
    w = word()
    client.publish(author, f"\U0001f600 {w.upper()}!", f"It is {w}, {w} and no{w}.")
    eventually(lambda: found(client, w), within=SOON)
    item = client.ok("GET", path(f"{w} -other", highlight="true"))[0]
    places = item["highlights"]
    assert places == {"subject": [[2, 35]], "story": [[6, 39], [41, 74]]}
    for field, spans in places.items():
        assert all(item[field][a:b].lower() == w for a, b in spans)
    assert "highlights" not in client.ok("GET", path(w, highlight="false"))[0]


@pytest.mark.parametrize("query, pointer", [
    ("", "query:keywords"), ("keywords=%20", "query:keywords"), ("keywords=-x", "query:keywords"),
    ("keywords=x&author=0", "query:author"), ("keywords=x&friends_of=x", "query:friends_of"),
    ("keywords=x&since=yesterday", "query:since"), ("keywords=x&until=", "query:until"),
    ("keywords=x&since=0000-01-01", "query:since"),
    ("keywords=x&until=9999-12-31T00:00:00Z", "query:until"),
    ("keywords=x&since=2026-01-01T00:00:00-16:00", "query:since"),
    ("keywords=x&highlight=yes", "query:highlight"), ("keywords=x&limit=0", "query:limit"),
    ("keywords=x&until=2026-02-30", "query:until"), ("keywords=x&sort=rank", "query:sort")])
def test_what_does_not_fit_is_400(client, query, pointer):
    answer = client.get(f"/outbound/items?{query}")
    assert answer.status == 400 and answer.pointers == [pointer]


def test_removed_posts_and_authors_are_not_found(client, posts):
    w, items, one, other = posts
    client.delete(f"{link(one)}/outbound/{items[2]}")
    assert found(client, w) == [items[1], items[0]]
    client.delete(link(other))
    assert found(client, w) == [items[0]]


def test_what_was_edited_says_so(client, posts):
    w, items, one, _ = posts
    client.ok("PATCH", f"{link(one)}/outbound/{items[0]}", {"story": f"Now {w} it is."})
    eventually(lambda: [i.get("edited") for i in client.ok("GET", path(f'"now {w}"'))] != [],
               within=SOON)
    assert client.ok("GET", path(f'"now {w}"'))[0]["edited"]


def test_words_in_everything_are_found_among_the_newest(client, posts):
    w, items, one, _ = posts
    assert found(client, f"about or {w}", author=one, limit=200)[:2] == [items[2], items[0]]
