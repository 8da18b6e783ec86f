"""addOutbound, getOutbound, getOutboundItem, removeOutbound."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from client import link

UNKNOWN = 9223372036854775807
POST = {"subject": "A subject", "story": "A story."}


def outbound_path(author, item=None):
    path = f"/participant/{author}/outbound"
    return f"{path}/{item}" if item else path


def test_posting_answers_200_with_every_field(client):
    author = client.add_participant()
    answer = client.post(outbound_path(author), {"from": link(author), **POST})
    assert answer.status == 200
    new = answer.json
    assert new == {
        "id": new["id"],
        "from": link(author),
        "occurred": new["occurred"],
        "subject": "A subject",
        "story": "A story.",
        "link": outbound_path(author, new["id"]),
    }
    assert type(new["id"]) is int and new["id"] > 0


def test_occurred_is_the_servers_clock_in_utc_with_milliseconds(client):
    author = client.add_participant()
    occurred = client.ok("POST", outbound_path(author), POST)["occurred"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", occurred)
    age = datetime.now(timezone.utc) - datetime.fromisoformat(occurred[:-1] + "+00:00")
    assert abs(age) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "occurred", ["1999-12-31", "1999-12-31T23:59:59Z", "1999-12-31T23:59:59.5+01:00"]
)
def test_a_sent_occurred_has_no_effect(client, occurred):
    answer = client.post(
        outbound_path(client.add_participant()), {"occurred": occurred, **POST}
    )
    assert answer.status == 200
    assert not answer.json["occurred"].startswith("1999")


@pytest.mark.parametrize(
    "occurred", ["", "yesterday", "1999-13-01", "1999-02-30", "1999-12-31T25:00:00Z", "31.12.1999", 0, None]
)
def test_an_occurred_that_is_no_date_is_400(client, occurred):
    answer = client.post(
        outbound_path(client.add_participant()), {"occurred": occurred, **POST}
    )
    assert answer.status == 400
    assert set(answer.pointers) == {"#/occurred"}


@pytest.mark.parametrize("form", [link, int, str])
def test_from_may_name_the_author(client, form):
    author = client.add_participant()
    answer = client.post(outbound_path(author), {"from": form(author), **POST})
    assert answer.status == 200


@pytest.mark.parametrize("form", [link, int, str])
def test_from_must_not_be_somebody_else(client, form):
    author, other = client.add_participants(2)
    answer = client.post(outbound_path(author), {"from": form(other), **POST})
    assert (answer.status, answer.pointers) == (400, ["#/from"])
    assert client.outbound_ids(author) == client.outbound_ids(other) == []


@pytest.mark.parametrize("field, most", [("subject", 200), ("story", 20000)])
@pytest.mark.parametrize("letter", ["a", "ß", "🦔"])
def test_lengths_are_limited_by_characters_not_bytes(client, field, most, letter):
    author = client.add_participant()
    fits = client.post(outbound_path(author), {**POST, field: letter * most})
    assert (fits.status, fits.json[field]) == (200, letter * most)
    over = client.post(outbound_path(author), {**POST, field: letter * (most + 1)})
    assert (over.status, over.pointers) == (400, [f"#/{field}"])


@pytest.mark.parametrize("field", ["subject", "story"])
@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u2003"])
def test_subject_and_story_are_more_than_white_space(client, field, text):
    answer = client.post(outbound_path(client.add_participant()), {**POST, field: text})
    assert (answer.status, answer.pointers) == (400, [f"#/{field}"])


def test_all_faults_are_told_at_once(client):
    author = client.add_participant()
    answer = client.post(
        outbound_path(author),
        {"from": "me", "occurred": "then", "subject": 7, "story": " "},
    )
    assert answer.status == 400
    assert set(answer.pointers) == {"#/from", "#/occurred", "#/subject", "#/story"}


def test_missing_fields_are_told_at_once(client):
    answer = client.post(outbound_path(client.add_participant()), {})
    assert (answer.status, answer.pointers) == (400, ["#/story", "#/subject"])


def test_texts_come_back_as_they_were_sent(client):
    author = client.add_participant()
    text = '"\\/\b\f\n\r\t\x01\x1f\x7f\u2028 <&> %s \' 日本語 🦔 e\u0301'
    item = client.ok("POST", outbound_path(author), {"subject": text, "story": text})
    assert (item["subject"], item["story"]) == (text, text)
    assert client.ok("GET", item["link"]) == item


def test_posting_as_somebody_unknown_is_404(client):
    assert client.post(outbound_path(UNKNOWN), POST).status == 404


def test_one_item_is_what_posting_answered(client):
    author = client.add_participant()
    item = client.ok("POST", outbound_path(author), POST)
    answer = client.get(item["link"])
    assert (answer.status, answer.json) == (200, item)


def test_an_item_belongs_to_its_author_alone(client):
    author, other = client.add_participants(2)
    item = client.publish(author)
    assert client.get(outbound_path(other, item)).status == 404
    assert client.delete(outbound_path(other, item)).status == 404
    assert client.get(outbound_path(author, item)).status == 200


@pytest.mark.parametrize("item", ["0", "01", "-1", "x", "9223372036854775808"])
def test_an_item_id_that_is_no_positive_integer_is_400(client, item):
    answer = client.get(outbound_path(client.add_participant(), item))
    assert (answer.status, answer.pointers) == (400, ["path:item"])


def test_an_unknown_item_is_404(client):
    author = client.add_participant()
    assert client.get(outbound_path(author, UNKNOWN)).status == 404
    assert client.delete(outbound_path(author, UNKNOWN)).status == 404


def test_outbound_lists_the_authors_items_newest_first(client):
    author, other = client.friends_of_new()
    items = [client.ok("POST", outbound_path(author), POST) for _ in range(3)]
    client.publish(other)
    answer = client.get(outbound_path(author))
    assert (answer.status, answer.json) == (200, items[::-1])


def test_without_posts_the_list_is_empty(client):
    answer = client.get(outbound_path(client.add_participant()))
    assert (answer.status, answer.body) == (200, b"[]")


def test_outbound_of_an_unknown_participant_is_404(client):
    assert client.get(outbound_path(UNKNOWN)).status == 404


def test_removing_answers_204_and_the_item_is_gone(client):
    author = client.add_participant()
    kept, gone = client.publish(author), client.publish(author)
    answer = client.delete(outbound_path(author, gone))
    assert (answer.status, answer.body) == (204, b"")
    assert client.get(outbound_path(author, gone)).status == 404
    assert client.delete(outbound_path(author, gone)).status == 404
    assert client.outbound_ids(author) == [kept]
