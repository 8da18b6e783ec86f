"""What nginx lets one client have, and all of them at a time."""

import contextlib
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import ROOT, as_account
from waiting import eventually, one_of

pytestmark = pytest.mark.xdist_group("limits")

FRONT = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


@pytest.fixture(scope="module")
def front(stack):
    """Behind a proxy: whoever comes from loopback tells its address."""
    with stack.another_server(f"include newsfeed/server.conf; {FRONT}") as client:
        yield client


def coming_from(client, address):
    return client.with_headers(X_Forwarded_For=address)


def search_too_often(client):
    """As fast as it goes; whether most of it was refused."""
    many = (f"GET /outbound HTTP/1.1\r\nHost: a\r\n"
            f"X-Forwarded-For: {client.headers['X-Forwarded-For']}\r\n\r\n") * 100
    last = "GET /outbound HTTP/1.0\r\n\r\n"
    found = re.findall(rb"HTTP/1.1 (\d+) ", client.raw((many + last).encode()))
    assert {b"400", b"429"} >= set(found)
    return found.count(b"429") > 40


def is_refused(client, path="/outbound"):
    answer = client.get(path)
    if answer.status == 429:
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status == 429


def test_searches_have_a_limit_of_their_own(front):
    hasty = coming_from(front, "192.0.2.1")
    eventually(lambda: search_too_often(hasty) and is_refused(hasty))
    assert not is_refused(hasty, "/participant/1")
    assert not is_refused(coming_from(front, "192.0.2.2"))


@pytest.mark.parametrize("one, same, other", [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:3::1"),
    ("2001:db8::1", "2001:db8:0:0:1::1", "2001:db8:0:1::1"),
    ("2001:a0a:a0a:a0a::1", "2001:a0a:a0a:a0a:a0a:a0a:a0a:a0a", "2001:a0a:a0a:a0b::1"),
    ("::ffff:192.0.2.3", "::ffff:192.0.2.3", "::ffff:192.0.2.4"),
])
def test_a_client_of_ipv6_is_its_network(front, one, same, other):
    one, same, other = (coming_from(front, each) for each in (one, same, other))

    def share():
        assert search_too_often(one) and is_refused(same)

    one_of(10, share)  # which is less than each may have of its own
    assert not is_refused(other)


@contextlib.contextmanager
def held(client, count):
    """So many requests at a time, the bodies of which do not come."""
    head = ("POST /participant HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
            f"X-Forwarded-For: {client.headers['X-Forwarded-For']}\r\n\r\n")
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", client.port)))
            peer.sendall(head.encode())
        yield


def test_a_client_has_so_many_requests_at_a_time(front):
    busy, greedy = coming_from(front, "192.0.2.5"), coming_from(front, "192.0.2.9")
    with held(busy, 31):
        assert not is_refused(busy, "/participant/1")
    with held(greedy, 40): # more, as a look at it may take a place of theirs
        eventually(lambda: is_refused(greedy, "/participant/1"))
        assert "at a time" in greedy.get("/participant/1").json["detail"]
        assert not is_refused(coming_from(front, "192.0.2.6"), "/participant/1")
    eventually(lambda: not is_refused(greedy, "/participant/1"))


def test_all_have_so_many_requests_at_a_time(stack):
    conf = (ROOT / "nginx" / "server.conf").read_text()
    fewer = re.sub(r"(newsfeed_all_now) \d+;", r"\1 4;", conf)
    assert fewer != conf
    with stack.another_server(fewer + FRONT) as front, contextlib.ExitStack() as holding:
        for host in range(8):
            holding.enter_context(held(coming_from(front, f"198.51.100.{host}"), 1))
        late = coming_from(front, "192.0.2.7")
        eventually(lambda: is_refused(late, "/participant/1"))
        holding.close()
        eventually(lambda: not is_refused(late, "/participant/1"))


def test_whoever_says_to_be_loopback_is_not(stack):
    """One that is believed, and no proxy."""
    lines = "include newsfeed/server.conf; set_real_ip_from 127.0.0.2; real_ip_header X-Forwarded-For;"
    request = (b"GET /outbound HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n" * 100
               + b"GET /outbound HTTP/1.0\r\n\r\n")
    with stack.another_server(lines) as front:

        def is_limited():
            with socket.create_connection(
                    ("127.0.0.1", front.port), source_address=("127.0.0.2", 0)) as peer:
                peer.sendall(request)
                answers = b"".join(iter(lambda: peer.recv(65536), b""))
            return b"HTTP/1.1 429 " in answers

        eventually(is_limited)


def test_searches_of_all_leave_workers_to_others(stack, front):
    participant = stack.client.add_participant()
    waiting = ("SELECT count(*) FROM pg_stat_activity"
               " WHERE usename = 'newsfeed' AND wait_event_type = 'Lock'"
               " AND query LIKE '%phraseto_tsquery%'")

    def search(host):
        return coming_from(front, f"203.0.113.{host}").get("/outbound?keywords=a").status

    with ThreadPoolExecutor(4) as pool, stack.holding("LOCK TABLE search") as commit:
        searches = [pool.submit(search, host) for host in range(4)]
        eventually(lambda: stack.one(waiting) == "4")
        late = coming_from(front, "192.0.2.8")
        assert is_refused(late, "/outbound?keywords=a")
        assert late.get(f"/participant/{participant}").status == 200
        commit()
    assert [each.result() for each in searches] == [200] * 4


def test_loopback_has_no_limit(stack):
    statuses = {stack.client.get("/outbound").status for _ in range(60)}
    assert statuses == {400}


def test_a_connection_ends_after_so_many_requests(stack):
    one = "HEAD /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n"
    reply = stack.client.raw((one * 1010).encode())
    assert reply.count(b"HTTP/1.1 200 ") == 1000


def test_a_connection_of_http_2_ends_after_so_many_requests(stack, folder):
    subprocess.run(
        as_account(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a",
                    "-keyout", str(folder / "key"), "-out", str(folder / "cert")]),
        check=True, capture_output=True, timeout=60)
    conf = (f"ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;"
            f" root {stack.run}/public; include newsfeed/server.conf;")
    with stack.another_server(conf, " ssl http2") as client:
        result = subprocess.run(
            ["curl", "-skI", "-o", "/dev/null",
             "-w", "%{http_version} %{http_code} %{num_connects}\n",
             f"https://127.0.0.1:{client.port}/openapi.yaml?[1-1010]"],
            capture_output=True, text=True, timeout=120)
    lines = result.stdout.splitlines()
    assert lines == ["2 200 1"] + ["2 200 0"] * 999 + ["2 200 1"] + ["2 200 0"] * 9
