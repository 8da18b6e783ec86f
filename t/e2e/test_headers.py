"""X-Request-Id, OPTIONS and CORS: headers of every answer."""

import re
import uuid

import pytest

from client import Client, link
from waiting import eventually

ORIGIN = {"Origin": "https://example.org"}


def echoed(client, path="/participant/1", method="GET", id=None, **kw):
    headers = {"X-Request-Id": id} if id is not None else {}
    return client.request(method, path, headers=headers, **kw).headers["x-request-id"]


@pytest.mark.parametrize("id", ["a", "x" * 64, "A-Z.a_z-09", "0"])
def test_a_valid_request_id_comes_back(client, id):
    assert echoed(client, id=id) == id


@pytest.mark.parametrize("id", ["", "x" * 65, "a b", "a/b", "ä", "a,b", '"a"', "a\tb"])
def test_an_invalid_request_id_is_replaced(client, id):
    id = id.encode("utf-8").decode("latin-1")
    assert re.fullmatch(r"[0-9a-f]{32}", echoed(client, id=id))


def test_without_one_each_request_gets_its_own(client):
    assert echoed(client) != echoed(client)


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/nothing"),
        ("GET", "/participant/x"),
        ("PUT", "/participant"),
        ("DELETE", "/participant/9223372036854775807"),
        ("OPTIONS", "/participant"),
        ("GET", "/outbound?keywords=neverfound"),
    ],
)
def test_every_kind_of_answer_carries_the_request_id(client, method, path):
    id = uuid.uuid4().hex
    assert echoed(client, path, method, id) == id


def test_a_204_carries_the_request_id(client):
    one = client.add_participant()
    assert echoed(client, link(one), "DELETE", "bye") == "bye"


def test_a_304_carries_the_request_id(client):
    path = link(client.add_participant()) + "/inbound"
    for id in ("first", "second", "third"):  # also from the cache
        headers = {"If-None-Match": "*", "X-Request-Id": id}
        answer = client.get(path, headers=headers)
        assert (answer.status, answer.headers["x-request-id"]) == (304, id)


def test_a_cached_page_carries_the_readers_own_request_id(client):
    path = link(client.add_participant()) + "/inbound"
    assert [echoed(client, path, id=id) for id in ("a", "b", "c")] == ["a", "b", "c"]


def test_nginxs_own_refusal_carries_the_request_id(client):
    body = b"x" * 200000
    assert echoed(client, "/participant", "POST", "big", body=body) == "big"


def test_the_request_id_is_in_the_logs(door):
    id = uuid.uuid4().hex
    echoed(door.client, id=id)
    assert eventually(lambda: id in door.log("access"))


def test_options_is_answered_for_every_path(client):
    for path in ("/participant", "/participant/1/inbound", "/outbound"):
        answer = client.request("OPTIONS", path)
        assert answer.status == 204
        assert answer.body == b""


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_preflight_allows_methods_and_headers(client, method):
    answer = client.request(
        "OPTIONS",
        "/participant" if method == "POST" else "/participant/1",
        headers={
            **ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN["Origin"])
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "content-type", "idempotency-key", "if-none-match"):
        assert name in allowed


@pytest.mark.parametrize(
    "path",
    ["/participant/{}", "/participant/{}/inbound", "/nothing", "/participant/0"],
)
def test_every_answer_may_be_read_by_other_origins(client, path):
    path = path.format(client.add_participant())
    for _ in range(3):  # also from the cache
        answer = client.get(path, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN["Origin"])
        exposed = answer.headers["access-control-expose-headers"].lower()
        for name in ("etag", "idempotent-replayed", "link", "retry-after",
                     "www-authenticate", "x-request-id"):
            assert name in exposed


def test_a_header_is_given_once(client):
    path = link(client.add_participant()) + "/inbound"
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for _ in range(3):
        head = client.raw(request.encode()).split(b"\r\n\r\n")[0].decode()
        names = [line.split(":")[0].lower() for line in head.split("\r\n")[1:]]
        assert len(names) == len(set(names)), head


def test_two_requests_share_a_connection(door):
    """Neither answer spills over into the next."""
    one = door.client.add_participant()
    request = f"GET {link(one)}/inbound HTTP/1.1\r\nHost: x\r\n\r\n"
    last = request.replace("Host", "Connection: close\r\nHost")
    reply = Client(door.port).raw((request * 3 + last).encode())
    assert reply.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert reply.endswith(b"\r\n\r\n[]")
