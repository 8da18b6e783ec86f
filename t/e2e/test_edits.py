"""editOutbound: a post says something else, everywhere."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("edits")
UNKNOWN = 9223372036854775807


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


@pytest.fixture
def client(stack):
    return stack.client


def item_path(author, item):
    return f"/participant/{author}/outbound/{item}"


@pytest.fixture
def post(client):
    """Of an author with a friend: its path, the reader's feed, the item."""
    author, reader = client.friends_of_new()
    item = client.ok("POST", f"{link(author)}/outbound", {"subject": "Old", "story": "Old."})
    return item_path(author, item["id"]), f"{link(reader)}/inbound", item


def test_an_edit_answers_the_post_as_it_is_now(client, post):
    path, _, item = post
    answer = client.patch(path, {"subject": "New", "story": "New."})
    assert answer.status == 200
    new = answer.json
    assert new == item | {"subject": "New", "story": "New.", "edited": new["edited"]}
    assert new["edited"] >= item["occurred"] and len(new["edited"]) == len(item["occurred"])
    assert client.get(path).json == new


@pytest.mark.parametrize("field", ["subject", "story"])
def test_what_is_not_sent_stays(client, post, field):
    path, _, item = post
    answer = client.patch(path, {field: "New"})
    assert answer.status == 200
    expected = item | {field: "New"}
    assert {k: v for k, v in client.get(path).json.items() if k != "edited"} == expected


def test_lists_and_feeds_show_it_at_once(client, post):
    path, feed, item = post
    eventually(lambda: client.hit(feed))
    for number in range(20):
        client.ok("PATCH", path, {"subject": f"New {number}"})
        assert [i["subject"] for i in client.get(feed).json] == [f"New {number}"]
    assert client.get(feed).json[0]["edited"]
    own = client.get(f"{item['from']}/outbound").json
    assert own[0]["subject"] == "New 19" and own[0]["edited"]


def test_search_finds_what_it_says_now(client, post):
    path, _, item = post
    words = [f"{what}{item['id']}x" for what in ("before", "after")]
    client.ok("PATCH", path, {"story": words[0]})
    author = [item["from"]]
    eventually(lambda: client.search(words[0]) == author, within=SOON)
    client.ok("PATCH", path, {"story": words[1]})
    eventually(lambda: client.search(words[1]) == author, within=SOON)
    assert client.search(words[0]) == []


def test_a_post_that_is_not_indexed_yet_is_found_by_its_edit(stack, client, post):
    _, _, item = post
    author = int(item["from"].split("/")[2])
    old, new = f"unindexed{item['id']}", f"edited{item['id']}"
    with stack.holding("SELECT FROM follower WHERE name = 'index' FOR UPDATE"):
        other = client.publish(author, old)
        client.ok("PATCH", item_path(author, other), {"subject": new})
        eventually(lambda: stack.one("SELECT count(*) FROM outbox WHERE kind = 'i'") == "1")
    eventually(lambda: client.search(new) == [item["from"]], within=SOON)
    eventually(stack.has_caught_up)
    assert client.search(old) == []
    assert stack.one("SELECT count(*) FROM outbox WHERE kind = 'i'") == "0"


def test_an_edit_of_what_was_read_is_done(client, post):
    path, _, _ = post
    tag = client.get(path).headers["etag"]
    answer = client.patch(path, {"story": "New."}, headers={"If-Match": tag})
    assert answer.status == 200
    assert answer.headers["etag"] == client.get(path).headers["etag"] != tag
    again = client.patch(path, {"story": "Newer."}, headers={"If-Match": answer.headers["etag"]})
    assert again.status == 200


def test_an_edit_of_what_has_changed_is_412_and_nothing(client, post):
    path, _, _ = post
    tag = client.get(path).headers["etag"]
    client.ok("PATCH", path, {"story": "First."})
    answer = client.patch(path, {"story": "Second."}, headers={"If-Match": tag})
    assert answer.status == 412 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json["title"] == "Precondition Failed"
    assert "If-Match" in answer.json["detail"]
    assert client.get(path).json["story"] == "First."


@pytest.mark.parametrize("form", ["*", "W/{0}", '"other", {0}'])
def test_forms_of_if_match(client, post, form):
    path, _, _ = post
    tag = client.get(path).headers["etag"]
    answer = client.patch(path, {"story": "New."}, headers={"If-Match": form.format(tag)})
    assert answer.status == 200


def test_of_edits_at_once_by_the_same_tag_one_is_done(client, post):
    path, _, _ = post
    for _ in range(10):
        tag = client.get(path).headers["etag"]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: client.patch(
                path, {"story": f"By {n}."}, headers={"If-Match": tag}), range(8)))
        assert sorted(a.status for a in answers) == [200] + [412] * 7
        done = next(a for a in answers if a.status == 200)
        assert client.get(path).json == done.json


@pytest.mark.parametrize("body, pointer", [
    ({}, "#"), ({"subject": " "}, "#/subject"), ({"story": ""}, "#/story"),
    ({"subject": None, "story": "s"}, "#/subject"), ({"subject": "x" * 201}, "#/subject"),
    ({"title": "New"}, "#")])
def test_an_edit_that_does_not_fit_is_400(client, post, body, pointer):
    path, _, item = post
    answer = client.patch(path, body)
    assert answer.status == 400 and answer.pointers == [pointer]
    assert client.get(path).json == item


def test_a_post_that_there_is_not_is_404(client, post):
    path, _, item = post
    author = item["from"]
    stranger = client.add_participant()
    for other in (f"{author}/outbound/{UNKNOWN}", f"{link(stranger)}/outbound/{item['id']}"):
        for headers in ({}, {"If-Match": "*"}):
            answer = client.patch(other, {"story": "New."}, headers=headers)
            assert answer.status == 404 and "has no item" in answer.json["detail"]
    client.delete(path)
    assert client.patch(path, {"story": "New."}).status == 404


def test_removal_and_edit_at_once_leave_nothing(stack, client, post):
    path, feed, item = post
    word = f"gone{item['id']}"
    with ThreadPoolExecutor(2) as pool:
        edit = pool.submit(client.patch, path, {"story": word})
        gone = pool.submit(client.delete, path)
    assert edit.result().status in (200, 404) and gone.result().status == 204
    assert client.get(feed).json == []
    eventually(stack.has_caught_up)
    eventually(lambda: stack.one(
        f"SELECT count(*) FROM search WHERE outbound_id = {item['id']}") == "0")
    assert client.search(word) == []


def test_pages_are_dropped_though_the_worker_died_behind_the_commit(stack, client, post):
    _, feed, item = post
    author = item["from"].split("/")[2]
    eventually(lambda: client.hit(feed))
    stack.sql(f"UPDATE outbound SET subject = 'Killed' WHERE id = {item['id']};"
              " INSERT INTO outbox (kind, participant_id, other_id)"
              f" VALUES ('i', {author}, {item['id']})")
    eventually(lambda: client.get(feed).json[0]["subject"] == "Killed", within=SOON)


def test_preflight_names_what_an_edit_needs(client, post):
    path, _, _ = post
    answer = client.request("OPTIONS", path)
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "If-Match" in answer.headers["access-control-allow-headers"]
