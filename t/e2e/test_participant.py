"""addParticipant, getParticipant, renameParticipant, removeParticipant."""

import pytest

from client import link


def test_adding_answers_200_with_id_name_and_link(client):
    answer = client.post("/participant", {"name": "Ada"})
    assert answer.status == 200
    new = answer.json
    assert new == {"id": new["id"], "name": "Ada", "link": link(new["id"])}
    assert type(new["id"]) is int and new["id"] > 0


def test_getting_answers_what_adding_answered(client):
    added = client.ok("POST", "/participant", {"name": "Grace"})
    answer = client.get(added["link"])
    assert (answer.status, answer.json) == (200, added)


def test_two_participants_may_have_the_same_name(client):
    assert client.add_participant("Twin") != client.add_participant("Twin")


def test_renaming_answers_the_participant_with_the_new_name(client):
    ada = client.add_participant("Ada")
    answer = client.patch(link(ada), {"name": "Ada Lovelace"})
    assert answer.status == 200
    assert answer.json == {"id": ada, "name": "Ada Lovelace", "link": link(ada)}
    assert client.get(link(ada)).json == answer.json


def test_removing_answers_204_without_a_body(client):
    answer = client.delete(link(client.add_participant()))
    assert (answer.status, answer.body) == (204, b"")


def test_a_removed_participant_is_gone(client):
    gone = client.add_participant()
    client.delete(link(gone))
    assert client.get(link(gone)).status == 404
    assert client.patch(link(gone), {"name": "Back"}).status == 404
    assert client.delete(link(gone)).status == 404


@pytest.mark.parametrize(
    "name",
    ["日本語", "Zoë 🦔", 'a"b\\c', "</script>", "a\tb\nc", "\x7f"],
)
def test_names_come_back_as_they_were_sent(client, name):
    added = client.ok("POST", "/participant", {"name": name})
    assert added["name"] == name
    assert client.get(added["link"]).json["name"] == name


@pytest.mark.parametrize("letter", ["a", "ä", "日", "🦔"])
def test_a_name_is_limited_to_100_characters_not_bytes(client, letter):
    assert client.post("/participant", {"name": letter * 100}).status == 200
    answer = client.post("/participant", {"name": letter * 101})
    assert (answer.status, answer.pointers) == (400, ["#/name"])


@pytest.mark.parametrize("name", ["", " ", "\t\r\n", "\u00a0", "\u3000", "\ufeff"])
def test_a_name_is_more_than_white_space(client, name):
    answer = client.post("/participant", {"name": name})
    assert answer.status == 400
    assert answer.pointers == ["#/name"]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": 1}, {"name": ["a"]}])
def test_a_name_is_a_string_and_required(client, body):
    answer = client.post("/participant", body)
    assert (answer.status, answer.pointers) == (400, ["#/name"])


def test_renaming_checks_the_name_likewise(client):
    ada = client.add_participant("Ada")
    assert client.patch(link(ada), {"name": " "}).status == 400
    assert client.patch(link(ada), {}).status == 400
    assert client.get(link(ada)).json["name"] == "Ada"


def test_unknown_body_fields_are_ignored(client):
    answer = client.post("/participant", {"name": "A", "id": 7, "link": "x", "z": {}})
    assert answer.status == 200
    assert answer.json["id"] != 7


@pytest.mark.parametrize(
    "id",
    ["0", "-1", "+1", "01", "1.0", "1e3", "x", "9223372036854775808", "1%00", "%20"],
)
def test_an_id_that_is_no_positive_64_bit_integer_is_400(client, id):
    answer = client.get(f"/participant/{id}")
    assert answer.status == 400


def test_a_faulty_id_is_named_by_its_place(client):
    answer = client.get("/participant/01")
    assert answer.pointers == ["path:id"]


def test_the_largest_id_is_well_formed(client):
    assert client.get("/participant/9223372036854775807").status == 404


def test_an_unknown_query_parameter_is_400(client):
    answer = client.get(link(client.add_participant()) + "?verbose=1")
    assert (answer.status, answer.pointers) == (400, ["query:verbose"])
