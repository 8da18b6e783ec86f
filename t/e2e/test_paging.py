"""limit, before, after and Link, of each of the four lists."""

import uuid
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from client import ids, link
from waiting import SOON, eventually


def inbound(client):
    """A feed, how one more item gets into it, and how one leaves it."""
    author, reader = client.friends_of_new()
    return SimpleNamespace(
        path=f"/participant/{reader}/inbound",
        add=lambda: client.publish(author),
        remove=lambda id: client.delete(f"/participant/{author}/outbound/{id}"),
    )


def outbound(client):
    author = client.add_participant()
    return SimpleNamespace(
        path=f"/participant/{author}/outbound",
        add=lambda: client.publish(author),
        remove=lambda id: client.delete(f"/participant/{author}/outbound/{id}"),
    )


def friends(client):
    one = client.add_participant()
    friend_of = {}

    def add():
        friend = client.add_participant()
        friend_of[client.befriend(one, friend)] = friend
        return max(friend_of)

    return SimpleNamespace(
        path=f"/participant/{one}/friends",
        add=add,
        remove=lambda id: client.delete(f"/participant/{one}/friends/{friend_of[id]}"),
    )


@pytest.fixture(params=[inbound, outbound, friends], ids=lambda make: make.__name__)
def pages(request, client):
    """One kind of list, empty, and get(query) -> answer."""
    made = request.param(client)
    made.get = lambda query="": client.get(made.path + query)
    made.ids = lambda query="": ids(client.ok("GET", made.path + query))
    made.client = client
    return made


def walk(client, path, rel):
    """The ids of each page, following one relation to its end."""
    found = []
    while path:
        answer = client.get(path)
        assert answer.status == 200
        found.append(ids(answer.json))
        path = answer.links.get(rel)
        assert len(found) < 50, "the walk does not end"
    return found


def flat(found):
    return [id for page in found for id in page]


def test_a_page_has_50_items_unless_told(pages):
    added = [pages.add() for _ in range(52)]
    assert pages.ids() == added[:1:-1]


def test_limit_says_how_many(pages):
    added = [pages.add() for _ in range(4)]
    assert pages.ids("?limit=1") == added[3:]
    assert pages.ids("?limit=3") == added[:0:-1]
    assert pages.ids("?limit=200") == added[::-1]


@pytest.mark.parametrize(
    "limit",
    ["0", "201", "-1", "+5", "05", "x", "", "1.5", "99999999999999999999"],
)
def test_a_limit_outside_1_to_200_is_400(pages, limit):
    answer = pages.get(f"?limit={limit}")
    assert (answer.status, set(answer.pointers)) == (400, {"query:limit"})


@pytest.mark.parametrize(
    "cursor",
    ["0", "-1", "01", "+1", "x", "", "1.0", "9223372036854775808"],
)
@pytest.mark.parametrize("name", ["before", "after"])
def test_a_cursor_that_is_no_positive_integer_is_400(pages, name, cursor):
    answer = pages.get(f"?{name}={cursor}")
    assert (answer.status, set(answer.pointers)) == (400, {f"query:{name}"})


def test_all_faults_of_a_query_are_told_at_once(pages):
    answer = pages.get("?limit=0&before=x&after=y&limitt=5")
    assert answer.status == 400
    assert set(answer.pointers) == {
        "query:limit", "query:before", "query:after", "query:limitt"}


def test_a_parameter_given_twice_is_400(pages):
    assert pages.get("?limit=1&limit=2").status == 400


def test_an_escaped_parameter_means_the_same(pages):
    added = [pages.add() for _ in range(2)]
    assert pages.ids("?l%69mit=%31") == added[1:]


def test_before_gives_what_is_older(pages):
    added = [pages.add() for _ in range(5)]
    assert pages.ids(f"?before={added[3]}") == added[2::-1]
    assert pages.ids(f"?before={added[3]}&limit=2") == [added[2], added[1]]
    assert pages.ids(f"?before={added[0]}") == []


def test_after_gives_the_oldest_page_of_what_is_newer_newest_first(pages):
    added = [pages.add() for _ in range(5)]
    assert pages.ids(f"?after={added[0]}&limit=2") == [added[2], added[1]]
    assert pages.ids(f"?after={added[0]}") == added[:0:-1]
    assert pages.ids(f"?after={added[4]}") == []


def test_before_and_after_bound_from_both_sides(pages):
    added = [pages.add() for _ in range(6)]
    assert pages.ids(f"?after={added[0]}&before={added[5]}") == added[4:0:-1]


def test_the_largest_cursors_are_well_formed(pages):
    added = [pages.add() for _ in range(2)]
    assert pages.ids("?before=9223372036854775807") == added[::-1]
    assert pages.ids("?after=9223372036854775807") == []
    assert pages.ids("?before=1") == []


def test_next_leads_through_everything_to_the_oldest(pages):
    added = [pages.add() for _ in range(7)]
    found = walk(pages.client, f"{pages.path}?limit=3", "next")
    assert found == [added[:3:-1], added[3:0:-1], added[:1]]


def test_next_is_absent_where_nothing_older_exists(pages):
    added = [pages.add() for _ in range(4)]
    assert "next" not in pages.get("?limit=4").links
    assert "next" not in pages.get("").links
    assert "next" not in pages.get(f"?limit=2&before={added[2]}").links
    assert "next" in pages.get("?limit=3").links


def test_next_is_there_on_a_page_that_came_by_after(pages):
    added = [pages.add() for _ in range(4)]
    page = pages.get(f"?after={added[0]}&limit=2")
    older = pages.client.get(page.links["next"])
    assert ids(older.json) == [added[0]]


def test_next_is_there_though_nothing_is_newer_than_after(pages):
    """Nothing is printed, yet something older exists."""
    added = [pages.add() for _ in range(2)]
    page = pages.get(f"?after={added[1]}")
    assert page.json == []
    assert ids(pages.client.get(page.links["next"]).json) == added[::-1]


def test_an_empty_list_has_no_next(pages):
    assert "next" not in pages.get().links


def test_prev_leads_from_the_oldest_back_to_the_newest(pages):
    added = [pages.add() for _ in range(7)]
    oldest = f"{pages.path}?limit=3&before={added[1]}"
    found = walk_until_empty(pages.client, oldest)
    assert found == [added[:1], added[3:0:-1], added[6:3:-1]]


def walk_until_empty(client, path):
    """Along prev, which may lead to where items will once be."""
    found = []
    while path:
        answer = client.get(path)
        if not answer.json:
            break
        found.append(ids(answer.json))
        path = answer.links.get("prev")
    return found


def test_links_keep_the_limit_and_lead_to_the_same_list(pages):
    for _ in range(5):
        pages.add()
    links = pages.get("?limit=2").links
    for rel in ("next", "prev"):
        url = urlsplit(links[rel])
        assert (url.scheme, url.netloc, url.path) == ("", "", pages.path)
        assert parse_qs(url.query)["limit"] == ["2"]


def test_a_walk_misses_nothing_while_items_arrive(pages):
    added = [pages.add() for _ in range(7)]
    found, path = [], f"{pages.path}?limit=2"
    while path:
        answer = pages.client.get(path)
        found += ids(answer.json)
        path = answer.links.get("next")
        pages.add()
    assert found == added[::-1]


def test_a_walk_misses_nothing_while_items_leave(pages):
    added = [pages.add() for _ in range(8)]
    first = pages.get("?limit=3")
    for gone in (added[5], added[4]):  # the cursor itself, and one ahead
        assert pages.remove(gone).status == 204
    rest = flat(walk(pages.client, first.links["next"], "next"))
    assert rest == added[3::-1]


def test_catching_up_by_prev_skips_nothing(pages):
    added = [pages.add() for _ in range(3)]
    prev = pages.get("?limit=2").links["prev"]
    later = [pages.add() for _ in range(5)]
    assert flat(page[::-1] for page in walk_until_empty(pages.client, prev)) == later
    assert added[-1] < later[0]


def test_a_cursor_need_not_exist_any_more(pages):
    added = [pages.add() for _ in range(3)]
    pages.remove(added[1])
    assert pages.ids(f"?before={added[1]}") == added[:1]
    assert pages.ids(f"?after={added[1]}") == added[2:]


# Search answers authors, so its cursors are theirs to make: followed, not built.


def test_a_search_can_be_walked_to_its_end(client):
    word = "w" + uuid.uuid4().hex
    authors = client.add_participants(5)
    for author in authors:
        client.publish(author, word)
    everyone = {link(author) for author in authors}
    eventually(lambda: set(client.search(word)) == everyone, within=SOON)

    found, path = [], f"/outbound?keywords={word}&limit=2"
    while path:
        answer = client.get(path)
        assert 1 <= len(answer.json) <= 2
        found += answer.json
        path = answer.links.get("next")
        assert len(found) <= 5
    assert sorted(found) == sorted(everyone)


def test_a_search_links_keep_the_keywords(client):
    word = "w" + uuid.uuid4().hex
    for author in client.add_participants(2):
        client.publish(author, f"{word} ü&=+")
    eventually(lambda: len(client.search(word)) == 2, within=SOON)
    answer = client.get(f"/outbound?keywords={word}+%C3%BC&limit=1")
    query = parse_qs(urlsplit(answer.links["next"]).query)
    assert query["keywords"] == [f"{word} ü"]
    assert query["limit"] == ["1"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "before=0", "after=x", "before=01"],
)
def test_a_search_checks_its_page_likewise(client, query):
    answer = client.get(f"/outbound?keywords=a&{query}")
    assert (answer.status, answer.pointers) == (400, ["query:" + query.split("=")[0]])
