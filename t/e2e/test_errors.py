"""Errors that have to do with no field: paths, methods, and how they look."""

import json
import re

import pytest

import spec
from client import Client, link
from waiting import eventually


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/participant/", "/participantz", "/participant/1/", "/participant/1/inbox",
     "/participant/1/friends/", "/participant/1/outbound/1/2", "/outbound/", "/outbound/1",
     "//participant/1", "/Participant/1"],
)
def test_an_unknown_path_is_404(client, path):
    assert client.get(path).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_on_a_known_path_is_405_with_allow(client, method):
    answer = client.request(method, "/participant")
    assert answer.status == 405
    assert methods(answer) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("template", spec.document["paths"])
def test_allow_names_every_method_of_the_path(client, template):
    described = {method for _, method, of in spec.operations() if of == template}
    heads = {"HEAD"} if "GET" in described else set()
    other = next(method for method in ("PUT", "DELETE") if method not in described)
    answer = client.request(other, re.sub(r"\{\w+\}", "1", template))
    assert (answer.status, methods(answer)) == (405, described | heads | {"OPTIONS"})


def methods(answer):
    return set(re.split(r", *", answer.headers["allow"]))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_inbound_is_read_only(client, method):
    one = client.add_participant()
    assert client.request(method, f"/participant/{one}/inbound").status == 405


def test_a_method_that_nobody_knows_is_405(client):
    assert client.request("BREW", "/participant").status == 405


ANY = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@pytest.mark.parametrize("size", [0, 1000, 200_000])
@pytest.mark.parametrize("path, allowed", [
    ("/participant", {"POST", "OPTIONS"}), ("/nothing", ANY),
    ("/", {"GET", "HEAD", "OPTIONS"})])
@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_a_method_that_nginx_refuses_is_405_like_any_other(
        client, method, path, allowed, size):
    """Whatever body comes with it."""
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
    head, _, body = client.raw(head.encode() + b"x" * size).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status.split()[1] == "405"
    assert json.loads(body)["status"] == 405
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["Content-Type"] == "application/problem+json"
    assert set(headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("query", ["?limitt=5", "?keyword=a", "?", "?="])
def test_an_unknown_query_parameter_is_400(client, query):
    one = client.add_participant()
    answer = client.get(f"/participant/{one}/inbound{query}")
    assert answer.status == (200 if query == "?" else 400)


def test_every_operation_refuses_unknown_query_parameters(client):
    one, other = client.friends_of_new()
    item = client.publish(one)
    fill = {"id": one, "friend": other, "item": item}
    for _, method, template in spec.operations():
        path = re.sub(r"\{(\w+)\}", lambda m: str(fill[m[1]]), template)
        needed = "keywords=a&" if path.startswith("/outbound") else ""
        body = {"name": "A", "to": other, "subject": "A", "story": "B", "last_read": 0}
        if path.endswith(("/participants", "/friendships")):
            body = [body]
        answer = client.request(
            method, f"{path}?{needed}nonsense=1",
            **({"json": body} if method in ("POST", "PUT", "PATCH") else {}))
        assert (answer.status, answer.pointers) == (400, ["query:nonsense"]), path


def test_a_problem_names_what_was_asked_for(client):
    answer = client.get("/participant/9223372036854775807")
    assert answer.json["instance"] == "/participant/9223372036854775807"
    assert answer.json["title"] == "Not Found"
    assert answer.json["type"] == "about:blank"


def test_a_problem_shows_no_inner_workings(client):
    one = client.add_participant()
    told = [
        client.get("/participant/x").body,
        client.get("/nothing/%27%22").body,
        client.post(f"{link(one)}/friends", {"to": 9223372036854775807}).body,
        client.request("POST", f"{link(one)}/outbound", body=b"{").body,
        client.get("/outbound?keywords=%ff").body,
    ]
    for text in told:
        assert not re.search(rb"SELECT|INSERT|json_|libpq|PG|\.c:|/tmp/|/home/", text)


def test_a_hostile_path_is_told_back_as_harmless_json(client):
    answer = client.get("/x%22%0d%0aSet-Cookie:%20a=b")
    assert answer.status == 404
    assert "set-cookie" not in answer.headers


def test_a_path_of_any_bytes_is_told_back_as_json(client):
    reply = client.raw(b"GET /\xff\" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b" 404 " in head.splitlines()[0]
    assert json.loads(body)["instance"] == "/%FF%22"


@pytest.mark.parametrize(
    "path",
    [
        "/participant/1%2f2", "/participant/%31x", "/participant/..%2f1",
        "/participant/%ff", "/participant/%zz",
    ],
)
def test_an_escaped_path_id_is_checked_as_any_other(client, path):
    assert client.get(path).status in (400, 404)


def test_a_very_long_path_is_refused_and_not_dropped(client):
    answer = client.send("GET", "/participant/" + "1" * 20000, None, {})
    assert answer.status in (400, 404, 414)
    assert answer.headers["content-type"] == "application/problem+json"


def test_nginxs_own_bad_request_is_a_problem_too(client):
    reply = client.raw(b"GET / HTTP/1.1\r\n\r\n")  # no Host
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in reply
    assert b"\r\nX-Request-Id: " in reply


def test_too_many_requests_are_429_with_retry_after(fastpath):
    """The limit is an address's own; loopback's first address is let off."""
    hasty = Client(fastpath.port, source="127.0.0.2")
    many = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 500

    def limited():
        text = hasty.raw(many + b"GET /nothing HTTP/1.0\r\n\r\n")
        assert set(re.findall(rb"HTTP/1.1 (\d+) ", text)) == {b"404", b"429"}
        answer = hasty.get("/nothing")
        return answer if answer.status == 429 else None

    assert int(eventually(limited).headers["retry-after"]) >= 1
    assert fastpath.client.get("/nothing").status == 404
