"""nginx's module: what memcached may say to it, and what clients may ask."""

import contextlib
import http.client
import os
import random
import re
import socket

import pytest

from cache_proxy import UnixServer
from client import Client
from stack import ask_memcached
from stored import base, front, item, read
from waiting import eventually, pause

pytestmark = pytest.mark.xdist_group("fastpath")

LONG_AGO = "Thu, 01 Jan 1970 00:00:01 GMT"


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
    stack.configure(f"cache.servers=unix:{path} cache.timeout=50 dispatcher.enabled=off")
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


PAGE = base(item(7), older=1)
SECOND = base(item(7), item(5))
AHEAD = front(item(9)) + PAGE
LARGE = base(*(item(id, "x" * 20_000) for id in range(10, 0, -1)))


@pytest.fixture
def path(faked):
    stack, _ = faked
    return f"/participant/{stack.client.add_participant()}/inbound"


@contextlib.contextmanager
def link(file, text):
    """While a word, or whatever lies in its place, is this."""
    before = os.readlink(file) if file.is_symlink() else None
    new = file.with_name("new")
    try:
        os.symlink(text, new)
        os.rename(new, file)
        yield
    finally:
        file.unlink(missing_ok=True)
        if before:
            os.symlink(before, file)


@contextlib.contextmanager
def horizon(stack, word):
    """While it is said to be this, and the server to be open; "ID@" is of the
    database that is read."""
    state = stack.run / "state"
    database = os.readlink(state / "database")
    [server] = stack.cache_names()
    (state / database).mkdir(exist_ok=True)
    if word.endswith("@"):
        word += database
    with link(state / database / f"horizon-{server}", word):
        with link(state / f"open-{server}", "database"):
            yield


def assert_is(answer, page):
    assert (answer.status, answer.body) == (200, page.body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(page.body))
    assert answer.headers["etag"] == page.etag
    assert answer.headers.get("link") == page.link


def assert_is_a_workers(answer):
    assert (answer.status, answer.body, x_cache(answer)) == (200, b"[]", "MISS")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] != read(PAGE).etag
    assert "before=" not in answer.headers.get("link", "")


@pytest.mark.parametrize("stored,cut", [
    (PAGE, whole),
    (PAGE, bit_by_bit),
    (PAGE, lambda data: [data[:-2], data[-2:]]),
    (PAGE, lambda data: [data[:-1], data[-1:]]),
    (PAGE, lambda data: [data[:-2 - len(PAGE)], data[-2 - len(PAGE):]]),
    (base(), whole),
    (LARGE, whole),
    (LARGE, lambda data: [data[:100], data[100:70000], data[70000:]]),
    (LARGE, lambda data: [data[:65536], data[65536:131072], data[131072:]]),
], ids=["whole", "bit by bit", "end apart", "last byte apart", "page apart",
        "empty", "large", "large in pieces", "buffers"])
def test_a_stored_page_is_served_however_it_arrives(faked, path, stored, cut):
    stack, fake = faked
    fake.answers(value(stored), cut)
    for _ in range(2):
        answer = stack.client.hit(path)
        assert_is(answer, read(stored))
        assert "x-request-id" in answer.headers


LIST = "</participant/2/inbound?%s>; rel=\"%s\""


@pytest.mark.parametrize("fronts,stored,numbers,older,newer", [
    ([9, 8], base(item(7)), [9, 8, 7], None, 9),
    ([8, 9], base(item(7)), [9, 8, 7], None, 9),
    ([9, 9, 7], base(item(7)), [9, 7], None, 9),
    ([6], base(item(7), item(5)), [7, 6, 5], None, 7),
    ([3], base(item(7), item(5)), [7, 5, 3], None, 7),
    ([6, 3], base(item(7), item(5), older=1), [7, 6, 5], 5, 7),
    ([9, 6], base(item(7), item(5), limit=2), [9, 7], 7, 9),
    ([9, 8, 6], base(item(7), limit=2), [9, 8], 8, 9),
    ([9], base(prev=4), [9], None, 9),
    ([9], base(item(7), limit=1), [9], 9, 9),
    ([9, 8], base(item(7), snapshot="40:40:"), [7], None, 7),
], ids=["in front", "by id", "once", "between", "behind", "floor", "limit",
        "limit of news", "none", "one", "known"])
def test_news_in_front_are_part_of_the_page(
        faked, path, fronts, stored, numbers, older, newer):
    stack, fake = faked
    data = b"".join(front(item(number)) for number in fronts) + stored
    fake.answers(value(data))
    with horizon(stack, "9@"):
        answer = stack.client.hit(path)
    assert [each["id"] for each in answer.json] == numbers
    links = [LIST % (f"before={older}", "next")] if older else []
    assert answer.headers["link"] == ", ".join(links + [LIST % (f"after={newer}", "prev")])
    assert_is(answer, read(data, 9))


@pytest.mark.parametrize("word,is_settled", [
    ("8@", True), ("1000@", True), ("7@", False), ("0@", False), ("@", False),
    ("-9@", False), ("9x@", False), ("9", False),
    ("99999999999999999999@", False), ("9@" + "x" * 80, False),
])
def test_what_is_ahead_of_the_horizon_is_a_workers(faked, path, word, is_settled):
    stack, fake = faked
    fake.answers(value(AHEAD))
    with horizon(stack, word):
        if is_settled:
            assert_is(stack.client.hit(path), read(AHEAD, 9))
        else:
            assert_is_a_workers(stack.client.get(path))
        fake.answers(value(front(item(6)) + SECOND))  # is not ahead
        assert_is(stack.client.hit(path), read(front(item(6)) + SECOND))
    fake.answers(value(AHEAD))
    assert_is_a_workers(stack.client.get(path))  # it is not said


def test_one_look_tells_the_database(faked, path):
    stack, fake = faked
    state = stack.run / "state"
    fake.answers(value(AHEAD))
    with horizon(stack, "9@other"):
        assert_is(stack.client.hit(path), read(AHEAD, 9))
        assert b"@other " in fake.commands[-1]
        with link(state / "database", "another"):  # which tells no horizon
            assert_is_a_workers(stack.client.get(path))
            assert b"@another " in fake.commands[-1]


def test_where_the_server_is_not_said_to_be_open_one_looks_for_its_sign(faked, path):
    stack, fake = faked
    state = stack.run / "state"
    [server] = stack.cache_names()
    fake.answers(value(PAGE))
    with horizon(stack, "9@"):
        (state / f"open-{server}").unlink()
        assert_is(stack.client.hit(path), read(PAGE))
        asked = len(fake.commands)
        sign = state / f"closed-{server}"
        sign.write_text("key")
        assert_is_a_workers(stack.client.get(path))
        with link(sign, sign.name):  # a loop: who cannot look
            assert_is_a_workers(stack.client.get(path))
        assert len(fake.commands) == asked


@pytest.mark.parametrize("answer", [
    b"EN\r\n", b"ERROR\r\n", b"SERVER_ERROR out of memory storing object\r\n",
    b"CLIENT_ERROR bad key\r\n", b"\r\n", b"\n", b"VA\r\n", b"VA \r\n\r\n",
    b"VA x c1\r\n\r\n", b"VA -1 c1\r\n\r\n", b"VA 99999999999999999999 c1\r\n",
    b"VA 5\r\nhello\r\n", b"VA 5  \r\nhello\r\n", b"HD c1\r\n", b"x" * 100_000,
    value(b""), value(b"", b"c18 k<key> Z"), value(b"L:0123456789abcdef"),
    value(PAGE, b"c17"), value(PAGE, b"c17 k<key>0"),
    value(PAGE, b"c17 k"), value(PAGE) + b"VA 1", value(PAGE * 3000)[:20],
    value(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]"),
    *map(value, (
        PAGE[:-1], PAGE[:40], PAGE + b"\n", PAGE + PAGE, b"\n" + PAGE, b"\r\n\r\n", b"[]",
        PAGE.replace(b"\n", b"\r\n"), PAGE.replace(b"\n[", b"\n\n["), b"\0" + PAGE,
        front(item(9)), front(item(9)) * 3000, PAGE + front(item(9)),
        front(item(9)) + b"L:0123456789abcdef", front(item(9))[:-1] + PAGE,
        front(item(6)).replace(b"+6", b"+5") + PAGE,
        front(item(9), snapshot="19:19:") + PAGE, base(item(7), item(7)),
        base(item(5), item(7)), base(item(7), item(5), limit=1), base(older=1),
        b"".join(front(item(number)) for number in range(9, 12)) + base(limit=1))),
    *(value(PAGE.replace(old, new, 1)) for old, new in (
        (b"=/", b"=//"), (b"=/", b"="), (b"=/", b"=/>"), (b"=/", b'=/"'), (b"=/", b"=/\xff"),
        (b"=/", b"=/\0"), (b"=/", b"=/" + b"x" * 300), (b" 50 ", b" 201 "), (b" 50 ", b" 050 "),
        (b" 50 ", b" 4294967346 "), (b" 1 7 ", b" 2 7 "), (b" 1 7 ", b" 1 -7 "),
        (b" 20:20: ", b" 20:19: "), (b" 20:20: ", b" 20:20:20 "), (b" 20:20: ", b" 20 "),
        (b": 1\n", b": 0\n"), (b": 1\n", b": 2\n"), (b": 1\n", b": 18446744073709551617\n"),
        (b"\n7 ", b"\n8 "), (b"\n7 ", b"\n07 "), (b'"id":7', b'"id":8'), (b'"id"', b'"is"'),
        (b"\n7 ", b"\n7 0"), (b"\n7 0", b"\n7 "), (b"\n7 0", b"\n7 A"), (b"}]", b"]]"),
        (b"}]", b"}}"), (b"\n[", b"\n{"))),
], ids=range(74))
def test_what_is_no_page_gets_a_workers_answer(faked, path, answer):
    stack, fake = faked
    for cut, closes in ((whole, True), (whole, False), (in_its_head, True)):
        fake.answers(answer, cut, closes)
        assert_is_a_workers(stack.client.get(path))
    fake.answers(value(PAGE))
    assert_is(stack.client.hit(path), read(PAGE))  # on a new connection


def test_a_server_that_says_nothing_costs_its_timeout(faked, path):
    stack, fake = faked
    fake.answers(b"VA 1000 c1 k<key>\r\n" + PAGE[:20])
    assert_is_a_workers(Client(stack.port, timeout=30).get(path))  # half of nginx's own


@pytest.mark.parametrize("answer", [
    value(PAGE)[:-6], value(PAGE)[:-1], value(LARGE)[:-6],
    value(PAGE).replace(b"\r\n=", b" \r\n=", 1)[:-2] + b"ab",
    *(b"VA %d c17 k<key>\r\n%s\r\n" % (len(PAGE) + lie, PAGE)
      for lie in (-100, -2, -1, 1, 2, 3, 1000, 2**20, 2**40)),
], ids=range(13))
@pytest.mark.parametrize("closes", [True, False])
def test_a_page_that_is_not_whole_gets_a_workers_answer(faked, path, answer, closes):
    stack, fake = faked
    fake.answers(answer, closes=closes)
    for _ in range(3):
        assert_is_a_workers(stack.client.get(path))
    fake.answers(value(PAGE))
    assert_is(stack.client.hit(path), read(PAGE))


def test_one_question_looks_and_takes_the_lease(faked):
    stack, fake = faked
    one = stack.client.add_participant()
    fake.commands.clear()
    fake.answers(value(PAGE))
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
    fake.answers(value(PAGE))
    answer = stack.client.request(method, f"/participant/{one}{path}", body=body)
    assert not fake.commands
    assert answer.status == 405 if method in ("POST", "DELETE") else answer.json == []


def test_connections_are_kept_after_every_kind_of_answer(faked, path):
    stack, fake = faked
    tag = {"If-None-Match": read(PAGE).etag}

    def are_kept(answer):  # unless nginx did not wait for one of them
        asked, askers = len(fake.commands), fake.askers
        fake.answers(answer)
        is_page = answer == value(PAGE)
        for _ in range(10):
            assert stack.client.get(path).status == 200
            if is_page:
                assert stack.client.request("HEAD", path).status == 200
                assert stack.client.get(path, headers=tag).status == 304
        assert len(fake.commands) == asked + 10 * (3 if is_page else 1)
        assert fake.askers <= askers + 4  # one or two for each process of nginx
        return True

    for answer in (value(PAGE), value(b"", b"c5 k<key> Z"), value(b"L:1"),
                   value(b""), b"EN\r\n", value(LARGE)):
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


def damaged(stored, choose):
    """One of many ways to spoil a stored page: numbers that lie, lines in
    another order or a thousand times, bytes changed, left out or put in."""
    numbers = list(re.finditer(rb"\d+|\Z", stored))
    number = choose.choice(numbers)
    truth, other = int(number[0] or 0), int(choose.choice(numbers)[0] or 0)
    lie = choose.choice([
        truth - 1, truth + 1, truth + 10, truth + 2**32, truth + 2**64, -truth, other, 0,
        2**31, 2**63, choose.randrange(100)])
    lines = stored.splitlines(keepends=True)
    some = slice(*sorted(choose.randrange(len(lines) + 1) for _ in "12"))
    at, end = sorted(choose.randrange(len(stored)) for _ in "12")
    byte = bytes([choose.choice([0, 10, 13, 32, 44, 48, 57, choose.randrange(256)])])
    return choose.choice([
        lambda: stored[:number.start()] + b"%d" % lie + stored[number.end():],
        lambda: b"".join(lines[:some.stop] + lines[some.start:]),
        lambda: b"".join(lines[:some.start] + lines[some.stop:]),
        lambda: b"".join(lines[:some.stop] + 1000 * lines[some] + lines[some.stop:])[:10**6],
        lambda: b"".join(choose.sample(lines, len(lines))),
        lambda: stored[:at],
        lambda: stored[at:],
        lambda: stored[:at] + stored[at + choose.randrange(1, 9):],
        lambda: stored[:at] + byte + stored[at + choose.randrange(2):],
        lambda: stored[:at] + stored[end:end + 1] + stored[at + 1:end]
        + stored[at:at + 1] + stored[end + 1:],
        lambda: stored[:at] + choose.randbytes(9) + stored[at:],
    ])()


def any_snapshot(choose):
    xmin = choose.randrange(20, 30)
    xmax = xmin + choose.randrange(5)
    xip = [xid for xid in range(xmin, xmax) if choose.randrange(2)]
    return f"{xmin}:{xmax}:" + ",".join(map(str, xip))


def any_page(choose):
    """With news in front; it may be one that is to be read anew."""
    numbers = sorted(choose.sample(range(1, 30), choose.randrange(5)), reverse=True)
    older = choose.randrange(2) if numbers else 0
    fronts = [front(item(choose.randrange(1, 30)), choose.randrange(19, 40), any_snapshot(choose))
              for _ in range(choose.randrange(6))]
    return b"".join(fronts) + base(
        *map(item, numbers), snapshot=any_snapshot(choose), prev=choose.randrange(30),
        limit=max(len(numbers), choose.randrange(6)), older=older)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_memcached_says_is_the_right_page_or_a_workers(faked, path, seed):
    """What is right is computed here once more, from the form's description."""
    stack, fake = faked
    choose = random.Random(seed)
    settled = {True: 0, False: 0}

    def get():  # what is stored may be no JSON: it is passed on as it is
        return stack.client.send("GET", path, None, {})

    def is_hit(page):
        answer = get()
        if x_cache(answer) == "HIT":
            assert_is(answer, page)
        return x_cache(answer) == "HIT"

    with horizon(stack, "25@"):
        for _ in range(500):
            stored = any_page(choose)
            for _ in range(choose.randrange(3)):
                stored = damaged(stored, choose) or b"?"
            fake.answers(value(stored))
            page = read(stored, 25)
            settled[page is not None] += 1
            if page:
                eventually(lambda: is_hit(page))
            else:
                assert_is_a_workers(get())
    assert min(settled.values()) > 50
    assert "exited on signal" not in stack.log("nginx")


KNOWN_HEADERS = {
    "server", "date", "content-type", "content-length", "connection", "etag", "link",
    "vary", "x-request-id", "x-content-type-options", "x-cache"}


@pytest.mark.parametrize("door", ["1", "0"], ids=["fastpath", "workers"])
def test_whatever_somebody_wrote_into_memcached_is_a_page_or_goes(make_stack, door):
    stack = make_stack(MEMCACHED="1", FASTPATH=door)
    author, reader = stack.client.friends_of_new()
    path = f"/participant/{reader}/inbound"
    [memcached] = stack.memcached_sockets()

    def stored():
        key = next(key for key in stack.cached_keys() if f":inbound:{reader}@" in key).encode()
        text = ask_memcached(memcached, b"get %s\r\n" % key, b"\r\nEND\r\n")
        return key, text.partition(b"\r\n")[2].removesuffix(b"\r\nEND\r\n")

    def known():
        return min(stack.horizons())

    for _ in range(51):
        stack.client.publish(author)
    eventually(stack.has_caught_up)
    eventually(lambda: stack.client.get(path) and stored()[1].startswith(b"="))
    last = [stack.client.publish(author) for _ in range(3)][-1]
    eventually(lambda: known() >= last)
    key, page = stored()
    assert page.startswith(b"+%d " % last)
    right = stack.client.get(path)
    expected = read(page, known())
    assert_is(right, expected)

    choose = random.Random(6)
    for _ in range(600):
        bad = damaged(page, choose)
        command = b"set %s 0 60 %d\r\n%s\r\n" % (key, len(bad), bad)
        ask_memcached(memcached, command, b"STORED\r\n")
        for _ in range(2):
            answer = stack.client.send("GET", path, None, {})
            names = {n for n in answer.headers if not n.startswith("access-control-")}
            assert names <= KNOWN_HEADERS, bad[:400]
            found = answer.status, answer.body, answer.headers["etag"], answer.headers.get("link")
            assert found in [(200, *page) for page in (expected, read(bad, known())) if page]
    assert "exited on signal" not in stack.log("nginx")


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
