"""What nginx's files and the documents repeat of app/contract.h."""

import random
import re

import pytest

from conftest import ROOT

NGINX = {file.name: file.read_text() for file in (ROOT / "nginx").glob("*.conf*")}


def macro(name):
    text = (ROOT / "app" / "contract.h").read_text()
    return re.search(rf"^#define CONTRACT_{name} (.*)$", text, re.M)[1]


def number(name):
    return int(macro(name))


def directive(name):
    """All values of it, in whichever of nginx's files."""
    found = [value for text in NGINX.values()
             for value in re.findall(rf"^\s*{name} (.*?);", text, re.M)]
    assert found
    return found


def cases(variable):
    """Of the map that makes the variable: [(pattern, value)]"""
    text = re.search(rf"^map \S+ \${variable} \{{(.*?)^\}}", NGINX["http.conf"], re.M | re.S)[1]
    found = re.findall(r'^\s*"~(.*?)"\s+(\S+);', text, re.M)
    return [(re.compile(p.replace("(?<", "(?P<")), value.lstrip("$")) for p, value in found]


def test_a_body_may_have_so_many_bytes():
    size = number("BODY_MAX")
    assert size % 1024 == 0
    limits = [value for value in directive("client_max_body_size") if value != "0"]
    assert limits == directive("client_body_buffer_size") == [f"{size // 1024}k"]
    assert f'413 "The body is over the limit of {size} bytes."' in NGINX["http.conf"]
    assert f"more than {size // 1024} KiB" in (ROOT / "etc" / "openapi.yaml").read_text()


def test_nginx_waits_so_long():
    seconds, rest = divmod(number("TIMEOUT"), 1000)
    assert rest == 0
    assert directive("fastcgi_read_timeout") == [f"{seconds}s"]
    settings = (ROOT / "etc" / "newsfeed.conf").read_text()
    assert f"less than the {seconds} seconds" in settings.replace("\n#", "")


@pytest.mark.parametrize("id", [1, 9, 10, 99, 100, 999, 1000, 1001, 1010, 1100, 2050, 2**63 - 1,
                                *random.Random(1).sample(range(1, 2**63), 50)])
def test_a_feed_has_its_group(id):
    [(feed, feed_value)] = cases("newsfeed_feed")
    [(bucket, bucket_value)] = cases("newsfeed_bucket")
    assert feed.search(f"/participant/{id}/inbound")[feed_value] == str(id)
    assert int(bucket.search(str(id))[bucket_value]) == id % number("GROUPS")


def test_a_lease_lives_as_long_as_the_module_says():
    """Which is told in words, and not by the macro alone."""
    module = (ROOT / "nginx" / "module" / "ngx_http_newsfeed_module.c").read_text()
    assert f"v c k N{number('LEASE_TTL')}`" in module
    assert '#include "../../app/contract.h"' in module


def test_a_worker_reads_what_nginx_sends():
    read = set(re.findall(r'\b(?:get\(fcgi, |FCGX_GetParam\()"([A-Z_]+)"',
                          (ROOT / "app" / "fcgi.c").read_text()))
    sent = {value.split()[0] for value in directive("fastcgi_param")}
    assert sent == read


def test_nginx_finds_the_streamer():
    path, socket = macro("STREAM_PATH").strip('"'), macro("STREAM_SOCKET").strip('"')
    assert f"location {path} {{" in NGINX["stream.conf"]
    assert f"/{socket} max_fails=0;" in NGINX["newsfeed.conf.sample"]
    seconds, rest = divmod(number("STREAM_TIMEOUT"), 1000)
    assert rest == 0
    assert directive("proxy_read_timeout") == [f"{seconds}s"]
