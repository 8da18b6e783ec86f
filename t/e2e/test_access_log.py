"""The access log: a line for each request, which says who answered it."""

import re
import uuid

import pytest

from client import link
from waiting import eventually

LINE = re.compile(
    r'\S+T\S+ (?P<address>\S+) "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+)B'
    r" (?P<time>[0-9.]+)s id=(?P<id>\S+)"
    r" cache=(?P<cache>HIT|MISS|FAILED|BYPASS|-) worker=(?P<worker>\d{3}/[0-9.]+s|-)"
    r" trace=(?P<trace>\S+)")


def logged(stack, method, path, status):
    """(cache, worker) of the line about one request."""
    id = uuid.uuid4().hex
    answer = stack.client.request(method, path, headers={"X-Request-Id": id})
    assert answer.status == status
    lines = eventually(lambda: [l for l in stack.log("access").splitlines() if id in l])
    [found] = [LINE.fullmatch(line) for line in lines]
    assert found, lines
    assert (found["id"], int(found["status"])) == (id, status)
    assert found["request"] == f"{method} {path} HTTP/1.1"
    return found["cache"], found["worker"].partition("/")[0]


@pytest.fixture
def inbound(fastpath):
    return link(fastpath.client.add_participant()) + "/inbound"


def test_a_page_from_the_cache_needs_no_worker(fastpath, inbound):
    fastpath.client.hit(inbound)
    eventually(lambda: logged(fastpath, "GET", inbound, 200) == ("HIT", "-"))


def test_a_page_that_was_not_there_came_from_a_worker(fastpath):
    def look():
        path = link(fastpath.client.add_participant()) + "/inbound"
        return logged(fastpath, "GET", path, 200) == ("MISS", "200")

    eventually(look)  # memcached may have been slow


def test_a_page_that_is_never_cached_is_a_bypass(fastpath, inbound):
    assert logged(fastpath, "GET", inbound + "?limit=3", 200) == ("BYPASS", "200")


@pytest.mark.parametrize("method, path, status, worker", [
    ("GET", "/participant/{}", 200, "200"), ("GET", "/nothing", 404, "404"),
    ("OPTIONS", "/participant", 204, "-"), ("TRACE", "/participant", 405, "-"),
])
def test_beside_the_cache_there_is_no_word_of_it(fastpath, method, path, status, worker):
    path = path.format(fastpath.client.add_participant())
    assert logged(fastpath, method, path, status) == ("-", worker)


def test_without_memcached_the_cache_has_failed(make_stack):
    stack = make_stack(WORKERS="1")
    path = link(stack.client.add_participant()) + "/inbound"
    stack.down("memcached")
    assert logged(stack, "GET", path, 200) == ("FAILED", "200")


def test_without_workers_none_has_answered(make_stack):
    stack = make_stack(WORKERS="1")
    path = link(stack.client.add_participant())
    stack.down("newsfeed")
    assert logged(stack, "GET", path, 503) == ("-", "502")
    assert logged(stack, "GET", path + "/inbound", 503) == ("-", "502")
