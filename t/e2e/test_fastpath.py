"""nginx's module: what memcached may say to it, and what clients may ask."""

import contextlib
import http.client
import json
import os
import random
import socket

import pytest

from cache_proxy import UnixServer
from client import Client
from stack import ask_memcached
from waiting import eventually, pause

pytestmark = pytest.mark.xdist_group("fastpath")

LONG_AGO = "Thu, 01 Jan 1970 00:00:01 GMT"
HEAD = (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
        b'ETag: "0123456789abcdef"\r\nLink: </next>; rel="next"\r\n\r\n')


def value(data, flags=b"c17 k<key>"):
    return b"VA %d %s\r\n%s\r\n" % (len(data), flags, data)


def whole(data):
    return [data]


class FakeMemcached(UnixServer):
    """Gives each meta get the same answer, with its key put in for <key>, cut
    into pieces, and then may close. To the workers it is out of order."""

    def __init__(self, path):
        self.answers(b"EN\r\n")
        self.commands = []
        self.askers = 0  # connections that a meta get came over
        super().__init__(path)

    def answers(self, answer, cut=whole, closes=False):
        self.answer, self.cut, self.closes = answer, cut, closes

    def serve(self, peer):
        with peer, contextlib.suppress(OSError):
            is_asker = False
            while data := peer.recv(65536):
                if not data.startswith(b"mg "):
                    peer.sendall(b"SERVER_ERROR not today\r\n")
                    continue
                self.commands.append(data)
                self.askers += not is_asker
                is_asker = True
                for piece in self.cut(self.answer.replace(b"<key>", data.split()[1])):
                    peer.sendall(piece)
                    pause(0.001)  # so that it is read apart
                if self.closes:
                    return


@pytest.fixture(scope="module")
def faked(request, make_module_stack):
    stack = make_module_stack(start=False)
    path = request.config.base / f"fake-{stack.port}.sock"
    stack.configure(f"cache.servers=unix:{path} cache.timeout=50")
    fake = FakeMemcached(path)
    stack.start()
    yield stack, fake
    fake.close()


def x_cache(answer):
    return answer.headers["x-cache"]


def bit_by_bit(data):  # all within nginx's timeout
    return [data[i:i + 29] for i in range(0, len(data), 29)]


def in_its_head(data):
    return bit_by_bit(data[:50]) + [data[50:]]


def page(*stories):
    return json.dumps([
        {"id": number, "from": "/participant/1", "to": "/participant/2",
         "occurred": "2026-01-02T03:04:05.678Z", "subject": "Stored", "story": story,
         "link": f"/participant/1/outbound/{number}"}
        for number, story in enumerate(stories, 1)]).encode()


BODY = page("A story.")
LARGE = page(*["x" * 20_000] * 10)


@pytest.mark.parametrize("body,cut", [
    (BODY, whole),
    (BODY, bit_by_bit),
    (BODY, lambda data: [data[:-2], data[-2:]]),
    (BODY, lambda data: [data[:-1], data[-1:]]),
    (BODY, lambda data: [data[:-2 - len(BODY)], data[-2 - len(BODY):]]),
    (b"[]", whole),
    (LARGE, whole),
    (LARGE, lambda data: [data[:100], data[100:70000], data[70000:]]),
    (LARGE, lambda data: [data[:65536], data[65536:131072], data[131072:]]),
], ids=["whole", "bit by bit", "end apart", "last byte apart", "body apart",
        "empty", "large", "large in pieces", "buffers"])
def test_a_stored_page_is_served_however_it_arrives(faked, body, cut):
    stack, fake = faked
    fake.answers(value(HEAD + body), cut)
    path = f"/participant/{stack.client.add_participant()}/inbound"
    for _ in range(2):
        answer = stack.client.hit(path)
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["content-length"] == str(len(body))
        assert answer.headers["etag"] == '"0123456789abcdef"'
        assert answer.headers["link"] == '</next>; rel="next"'
        assert "x-request-id" in answer.headers


@pytest.mark.parametrize("answer", [
    b"EN\r\n", b"ERROR\r\n", b"SERVER_ERROR out of memory storing object\r\n",
    b"CLIENT_ERROR bad key\r\n", b"\r\n", b"\n", b"VA\r\n", b"VA \r\n\r\n",
    b"VA x c1\r\n\r\n", b"VA -1 c1\r\n\r\n", b"VA 99999999999999999999 c1\r\n",
    b"VA 5\r\nhello\r\n", b"VA 5  \r\nhello\r\n", b"HD c1\r\n", b"x" * 100_000,
    value(b""), value(b"", b"c18 k<key> Z"), value(b"L:0123456789abcdef"),
    value(HEAD + BODY, b"c17"), value(HEAD + BODY, b"c17 k<key>0"),
    value(HEAD + BODY, b"c17 k"), value(HEAD + BODY) + b"VA 1",
    value(HEAD[:-2]), value(HEAD[:40] + b"\r\n\r\n"), value(b"\r\n\r\n"),
    value(b"HTTP/1.1 200 OK\r\n\r\n" + BODY),
    value(HEAD.replace(b"Link: ", b"Link")),
    value(HEAD.replace(b"Link", b"\0ink")),
    value(HEAD.replace(b"\r\nLink", b"\nLink: a\r\nx")),
    value(b"HTTP/1.1 404 Not Found\r\n\r\n" + BODY),
    value(HEAD * 3000)[:20],
    *(value(HEAD[:-2] + line + b"\r\n\r\n" + BODY) for line in (
        b"Set-Cookie: a=b", b"Location: http://example.com/", b"Content-Length: 9999",
        b"Transfer-Encoding: chunked", b'ETag: "0123456789abcdef"',
        b'Link: </next>; rel="next"', b"X-Accel-Redirect: /")),
    *(value(HEAD.replace(old, new) + BODY) for old, new in (
        (b"</next>", b"<//example.com>"), (b"</next>", b"</a b>"),
        (b"</next>", b"</" + b"x" * 300 + b">"), (b"</next>", b"</\xff>"),
        (b'"next"', b'"stylesheet"'), (b'rel="next"', b'rel="next"; a=b'),
        (b"0123456789abcdef", b"0123456789ABCDEF"), (b"abcdef", b"abcde"),
        (b'ETag: "', b'ETag: W/"'), (b"ETag", b"Etag"))),
], ids=range(48))
def test_what_is_no_page_gets_a_workers_answer(faked, answer):
    stack, fake = faked
    path = f"/participant/{stack.client.add_participant()}/inbound"
    for cut, closes in ((whole, True), (whole, False), (in_its_head, True)):
        fake.answers(answer, cut, closes)
        found = stack.client.get(path)
        assert (found.status, found.json) == (200, [])
        assert (x_cache(found), found.headers["content-type"]) == (
            "MISS", "application/json")
        assert found.headers["etag"] != '"0123456789abcdef"'
        assert "</next>" not in found.headers.get("link", "")
    fake.answers(value(HEAD + BODY))
    eventually(lambda: stack.client.get(path).body == BODY)  # on a new connection


def test_a_server_that_says_nothing_costs_its_timeout(faked):
    stack, fake = faked
    path = f"/participant/{stack.client.add_participant()}/inbound"
    fake.answers(b"VA 1000 c1 k<key>\r\n" + HEAD[:20])
    found = Client(stack.port, timeout=30).get(path)  # half of what nginx's own is
    assert (found.status, found.json, x_cache(found)) == (200, [], "MISS")


@pytest.mark.parametrize("answer", [
    value(HEAD + BODY)[:-6], value(HEAD + BODY)[:-1], value(HEAD + LARGE)[:-6],
    value(HEAD + BODY).replace(b"\r\nHTTP", b" \r\nHTTP", 1)[:-2] + b"ab",
    *(b"VA %d c17 k<key>\r\n%s\r\n" % (len(HEAD + BODY) + lie, HEAD + BODY)
      for lie in (-1000, -2, -1, 1, 2, 3, 1000, 2**20, 2**40)),
], ids=range(13))
@pytest.mark.parametrize("closes", [True, False])
def test_a_page_that_is_not_whole_gets_a_workers_answer(faked, answer, closes):
    stack, fake = faked
    path = f"/participant/{stack.client.add_participant()}/inbound"
    fake.answers(answer, closes=closes)
    for _ in range(3):
        found = stack.client.get(path)
        assert (found.status, found.json, x_cache(found)) == (200, [], "MISS")
    fake.answers(value(HEAD + BODY))
    eventually(lambda: stack.client.get(path).body == BODY)


def test_one_question_looks_and_takes_the_lease(faked):
    stack, fake = faked
    one = stack.client.add_participant()
    fake.commands.clear()
    fake.answers(value(HEAD + BODY))
    stack.client.get(f"/participant/{one}/inbound")
    eventually(lambda: fake.commands)
    [command] = fake.commands
    assert command.split()[2:] == [b"v", b"c", b"k", b"N3"]
    assert b":inbound:%d@" % one in command.split()[1]


@pytest.mark.parametrize("path,method,body", [
    ("/inbound?limit=50", "GET", None), ("/inbound?", "GET", None),
    ("/inbound", "POST", b"{}"), ("/inbound", "GET", b"{}"),
    ("/inbound", "DELETE", None)])
def test_what_is_not_the_first_page_is_not_asked_for(faked, path, method, body):
    stack, fake = faked
    one = stack.client.add_participant()
    fake.commands.clear()
    fake.answers(value(HEAD + BODY))
    answer = stack.client.request(method, f"/participant/{one}{path}", body=body)
    assert not fake.commands
    assert answer.status == 405 if method in ("POST", "DELETE") else answer.json == []


def test_connections_are_kept_after_every_kind_of_answer(faked):
    stack, fake = faked
    path = f"/participant/{stack.client.add_participant()}/inbound"
    tag = {"If-None-Match": '"0123456789abcdef"'}

    def are_kept(answer):  # unless nginx did not wait for one of them
        asked, askers = len(fake.commands), fake.askers
        fake.answers(answer)
        is_page = answer == value(HEAD + BODY)
        for _ in range(10):
            assert stack.client.get(path).status == 200
            if is_page:
                assert stack.client.request("HEAD", path).status == 200
                assert stack.client.get(path, headers=tag).status == 304
        assert len(fake.commands) == asked + 10 * (3 if is_page else 1)
        assert fake.askers <= askers + 4  # one or two for each process of nginx
        return True

    for answer in (value(HEAD + BODY), value(b"", b"c5 k<key> Z"), value(b"L:1"),
                   value(b""), b"EN\r\n", value(HEAD + LARGE)):
        eventually(lambda: are_kept(answer))


def test_hits_of_every_kind_on_one_connection(fastpath):
    """What one answer leaves behind on the way to memcached is not the next's."""
    readers, pages = [], {}
    for size in (0, 1, 40):
        author, reader = fastpath.client.friends_of_new()
        for _ in range(size):
            fastpath.client.publish(author, story="x" * 5000)
        readers.append(f"/participant/{reader}/inbound")
    for path in readers:
        pages[path] = fastpath.client.hit(path)
    assert len(pages[readers[2]].body) > 3 * 65536

    choose = random.Random(1)
    connection = http.client.HTTPConnection("127.0.0.1", fastpath.port, timeout=60)
    for _ in range(300):
        path = choose.choice(readers)
        tag = pages[path].headers["etag"]
        method, headers = choose.choice([
            ("GET", {}), ("HEAD", {}), ("GET", {"If-None-Match": tag}),
            ("GET", {"If-None-Match": '"other"'}), ("GET", {"Range": "bytes=0-3"}),
            ("GET", {"If-Match": '"other"'}), ("GET", {"If-Unmodified-Since": LONG_AGO}),
            ("GET", {"If-None-Match": tag, "If-Modified-Since": LONG_AGO})])
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        is_same = headers.get("If-None-Match") == tag
        assert answer.status == (304 if is_same else 200)
        assert answer.headers["etag"] == tag
        assert body == (b"" if is_same or method == "HEAD" else pages[path].body)


def test_who_goes_away_in_the_middle_spoils_nothing(fastpath):
    author, reader = fastpath.client.friends_of_new()
    for _ in range(50):
        fastpath.client.publish(author, story="x" * 10000)
    path = f"/participant/{reader}/inbound"
    expected = fastpath.client.hit(path).body
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", fastpath.port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            peer.recv(100)
        assert fastpath.client.get(path).body == expected


def test_a_slow_client_gets_all_of_a_large_page(make_stack):
    """And the connection is good for more: it took its time, not memcached."""
    stack = make_stack()
    author, reader = stack.client.friends_of_new()
    for _ in range(50):
        stack.client.publish(author, story="y" * 15000)
    eventually(stack.has_caught_up)
    path = f"/participant/{reader}/inbound"
    expected = stack.client.hit(path).body
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", stack.port))

        def is_a_hit():
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            text = peer.recv(2000)
            pause(0.4)
            while len(text.partition(b"\r\n\r\n")[2]) < len(expected):
                more = peer.recv(65536)
                if not more:
                    pytest.fail("the connection was closed")
                text += more
            head, _, body = text.partition(b"\r\n\r\n")
            if body != expected:
                pytest.fail("another page")
            return b"X-Cache: HIT" in head

        for _ in range(2):
            eventually(is_a_hit)
    assert "timed out) while reading upstream" not in stack.log("nginx")


def damaged(page, choose):
    """One of many ways to spoil a stored page: bytes and lines changed, left
    out or put in, mostly in its head."""
    head, _, body = page.partition(b"\r\n\r\n")
    at = choose.randrange(len(head))
    line = choose.choice([
        b"Set-Cookie: a=b", b"Location: /", b"Content-Length: 9999", b"Content-Length: 0",
        b"Transfer-Encoding: chunked", b"X-Foreign: 1", b"Connection: close", b"Status: 500",
        b"\x00", b": ", b"Link: <a>", b'ETag: "1"'])
    lines = head.split(b"\r\n")
    lines.insert(choose.randrange(len(lines) + 1), line)
    return choose.choice([
        lambda: page[:choose.randrange(len(head) + 4)],
        lambda: page[:at] + bytes([choose.randrange(256)]) + page[at + 1:],
        lambda: page[:at] + page[at + choose.randrange(1, 9):],
        lambda: page[:at] + bytes(choose.randrange(256) for _ in range(9)) + page[at:],
        lambda: b"\r\n".join(lines) + b"\r\n\r\n" + body,
        lambda: b"\n".join(lines) + b"\n\n" + body,
    ])()


KNOWN_HEADERS = {
    "server", "date", "content-type", "content-length", "connection", "etag", "link",
    "vary", "x-request-id", "x-content-type-options", "x-cache"}


def test_whatever_somebody_wrote_into_memcached_is_a_page_or_goes(make_stack):
    stack = make_stack(MEMCACHED="1")
    author, reader = stack.client.friends_of_new()
    for _ in range(51):
        stack.client.publish(author)
    eventually(stack.has_caught_up)
    path = f"/participant/{reader}/inbound"
    right = stack.client.hit(path)
    key = next(key for key in stack.cached_keys() if f":inbound:{reader}@" in key).encode()
    [memcached] = stack.memcached_sockets()
    _, _, page = ask_memcached(memcached, b"get %s\r\n" % key, b"\r\nEND\r\n").partition(b"\r\n")
    page = page[:-len(b"\r\nEND\r\n")]

    choose = random.Random(6)
    for _ in range(600):
        bad = damaged(page, choose)
        command = b"set %s 0 60 %d\r\n%s\r\n" % (key, len(bad), bad)
        ask_memcached(memcached, command, b"STORED\r\n")
        for _ in range(2):
            answer = stack.client.get(path)
            names = {name.lower() for name in answer.headers}
            names = {n for n in names if not n.startswith("access-control-")}
            assert (answer.status, answer.body) == (200, right.body), bad[:400]
            assert names <= KNOWN_HEADERS, bad[:400]
    assert stack.client.hit(path).headers["etag"] == right.headers["etag"]


def test_a_lease_that_nobody_fills_is_shared(fastpath):
    """Its reader is gone: whoever comes next waits a moment and then stores."""
    reader = fastpath.client.add_participant()
    path = f"/participant/{reader}/inbound"
    [socket_path] = fastpath.memcached_sockets()
    for lease in (b"", b"L:0123456789abcdef"):
        database = os.readlink(fastpath.run / "state" / "database").encode()
        command = b"set nf1:inbound:%d@%s 0 60 %d\r\n%s\r\n" % (
            reader, database, len(lease), lease)
        ask_memcached(socket_path, command, b"STORED\r\n")
        assert x_cache(fastpath.client.get(path)) == "MISS"
        fastpath.client.hit(path)
