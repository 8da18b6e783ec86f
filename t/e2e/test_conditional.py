"""HEAD, ETag and If-None-Match, on everything that can be got."""

import gzip

import pytest


@pytest.fixture(
    params=[
        "participant", "friends", "outbound", "item", "inbound", "inbound page",
        "marker", "search",
    ],
)
def path(request, client):
    one, other = client.friends_of_new()
    client.publish(one)
    item = client.publish(other)
    return {
        "participant": f"/participant/{one}",
        "friends": f"/participant/{one}/friends",
        "outbound": f"/participant/{other}/outbound",
        "item": f"/participant/{other}/outbound/{item}",
        "inbound": f"/participant/{one}/inbound",
        "inbound page": f"/participant/{one}/inbound?limit=3",
        "marker": f"/participant/{one}/inbound/marker",
        "search": "/outbound?keywords=neverfound",
    }[request.param]


def ask(client, path, tag, method="GET"):
    return client.request(method, path, headers={"If-None-Match": tag})


def test_head_is_get_without_the_body(client, path):
    for _ in range(3):  # by the worker, filling the page, out of the cache
        got, head = client.get(path), client.request("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        for name in ("content-type", "content-length", "etag", "link"):
            assert head.headers.get(name) == got.headers.get(name), name


def test_the_same_content_has_the_same_etag(client, path):
    tags = {client.get(path).headers["etag"] for _ in range(3)}
    assert len(tags) == 1
    assert tags.pop().lstrip("W/").startswith('"')


def test_if_none_match_with_the_etag_is_304(client, path):
    tag = client.get(path).headers["etag"]
    for _ in range(3):
        answer = ask(client, path, tag)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag


@pytest.mark.parametrize(
    "form",
    ["W/{}", '"other", {}', '{},"other"', "*", 'W/"a" , W/{}', '"a,b", {}'],
)
def test_if_none_match_is_a_list_compared_weakly_or_a_star(client, path, form):
    tag = client.get(path).headers["etag"].removeprefix("W/")
    assert ask(client, path, form.format(tag)).status == 304
    assert ask(client, path, form.format(tag)).status == 304


@pytest.mark.parametrize("form", ['"other"', 'W/"other"', '"{}', '""', "{}x"])
def test_if_none_match_with_another_tag_is_200(client, path, form):
    tag = client.get(path).headers["etag"].strip('W/"')
    for _ in range(2):
        answer = ask(client, path, form.format(tag))
        assert answer.status == 200
        assert answer.body


def test_head_with_the_etag_is_304_too(client, path):
    tag = client.get(path).headers["etag"]
    assert ask(client, path, tag, "HEAD").status == 304


def test_a_change_changes_the_etag(client):
    author, reader = client.friends_of_new()
    path = f"/participant/{reader}/inbound"
    tag = client.get(path).headers["etag"]
    assert ask(client, path, tag).status == 304
    client.publish(author)
    answer = ask(client, path, tag)
    assert answer.status == 200
    assert answer.headers["etag"] != tag


def test_if_none_match_has_no_effect_on_what_does_not_exist(client):
    assert ask(client, "/participant/9223372036854775807", "*").status == 404


def test_a_compressed_page_is_the_same_page(client):
    author, reader = client.friends_of_new()
    for _ in range(20):
        client.publish(author)
    path = f"/participant/{reader}/inbound"
    wish = {"Accept-Encoding": "gzip"}
    plain = client.get(path)
    for _ in range(3):  # also from the cache
        packed = client.send("GET", path, None, wish)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert "accept-encoding" in packed.headers["vary"].lower()
        tag = {"If-None-Match": packed.headers["etag"]}
        assert client.send("GET", path, None, tag).status == 304
        assert client.send("GET", path, None, {**wish, **tag}).status == 304
