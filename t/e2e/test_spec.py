"""The specification itself: that it says what the contract says, that nginx
says the same, and that everybody can have it."""

import re

import pytest

import spec
from stack import ROOT

CONTRACT = {
    "addParticipant": ("POST", "/participant"),
    "addParticipants": ("POST", "/participants"),
    "getParticipant": ("GET", "/participant/{id}"),
    "renameParticipant": ("PATCH", "/participant/{id}"),
    "removeParticipant": ("DELETE", "/participant/{id}"),
    "addFriend": ("POST", "/participant/{id}/friends"),
    "addFriends": ("POST", "/participant/{id}/friendships"),
    "getFriend": ("GET", "/participant/{id}/friends"),
    "removeFriend": ("DELETE", "/participant/{id}/friends/{friend}"),
    "addOutbound": ("POST", "/participant/{id}/outbound"),
    "getOutbound": ("GET", "/participant/{id}/outbound"),
    "getOutboundItem": ("GET", "/participant/{id}/outbound/{item}"),
    "editOutbound": ("PATCH", "/participant/{id}/outbound/{item}"),
    "removeOutbound": ("DELETE", "/participant/{id}/outbound/{item}"),
    "getInbound": ("GET", "/participant/{id}/inbound"),
    "getInboundStream": ("GET", "/participant/{id}/inbound/stream"),
    "getMarker": ("GET", "/participant/{id}/inbound/marker"),
    "setMarker": ("PUT", "/participant/{id}/inbound/marker"),
    "searchOutbound": ("GET", "/outbound"),
    "searchItems": ("GET", "/outbound/items"),
}


def test_the_operations_are_those_of_the_contract():
    found = {id: (method, template) for id, method, template in spec.operations()}
    assert found == CONTRACT


def test_it_is_openapi_3_1():
    assert re.fullmatch(r"3\.1\.\d+", spec.document["openapi"])


def test_every_schema_is_one():
    for name, schema in spec.document["components"]["schemas"].items():
        spec.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                spec.resolver.resolve(node["$ref"])
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(spec.document)


def test_every_operation_tells_its_errors():
    for id, method, template in spec.operations():
        responses = spec.document["paths"][template][method.lower()]["responses"]
        assert "default" in responses or {"400", "503"} <= set(responses), id


def methods_by_spec():
    """The lines that nginx needs, by pattern, for this file and the pages too."""
    files = (r"/openapi\.yaml", "/(docs/)?", "/(pages|docs)/[^?]*[^/?]")
    found = {rf"~^{file}(\?|$)": "GET, HEAD, OPTIONS" for file in files}
    for template, item in spec.document["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/?]+", template)
        names = [m.upper() for m in spec.METHODS if m in item]
        allow = ", ".join([*names, "OPTIONS"]).replace("GET", "GET, HEAD")
        found[rf"~^{pattern}(\?|$)"] = allow
    return found


def test_nginx_allows_the_methods_of_each_path():
    file = ROOT / "nginx" / "http.conf"
    block = re.search(r"map \$request_uri \$newsfeed_allow \{(.*?)\n\}", file.read_text(), re.S)
    found = dict(re.findall(r'"(~[^"]*)" "([^"]*)";', block[1]))
    expected = methods_by_spec()
    for pattern in found.keys() - expected.keys():
        pytest.fail(f"{file}: no path of {spec.FILE} is matched by {pattern}")
    for pattern, allow in expected.items():
        assert found.get(pattern) == allow, (
            f'{file}: in the map $newsfeed_allow, write: "{pattern}" "{allow}";')


def test_everybody_can_have_the_file_that_the_workers_read(client):
    answer = client.get("/openapi.yaml", headers={"Origin": "https://example.org"})
    assert answer.status == 200
    assert answer.body == spec.FILE.read_bytes()
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.headers["access-control-allow-origin"] == "*"
    tag = {"If-None-Match": answer.headers["etag"]}
    assert client.get("/openapi.yaml", headers=tag).status == 304
    head = client.request("HEAD", "/openapi.yaml")
    assert head.headers["content-length"] == str(len(answer.body))
    options = client.request("OPTIONS", "/openapi.yaml")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_the_file_can_only_be_read(client, method):
    answer = client.request(method, "/openapi.yaml", body=b"x" * 1000)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_it_is_the_file_that_the_settings_name(make_stack, folder):
    file = folder / "other.yaml"
    file.write_text(spec.FILE.read_text() + "# Ours.\n")
    file.chmod(0o644)
    stack = make_stack(WORKERS="1", SETTINGS=f"service.spec={file}")
    assert stack.client.get("/openapi.yaml").body.endswith(b"# Ours.\n")


def test_a_page_is_as_large_as_the_file_says_by_default(make_stack, folder):
    file = folder / "openapi.yaml"
    text = spec.FILE.read_text()
    assert text.count("default: 50\n") == 1
    file.write_text(text.replace("default: 50\n", "default: 2\n"))
    file.chmod(0o644)
    client = make_stack(WORKERS="1", SETTINGS=f"service.spec={file}").client
    author = client.add_participant()
    _, second, third = [client.publish(author) for _ in range(3)]
    path = f"/participant/{author}/outbound"
    for query in ("", "?limit=2"):
        assert client.outbound_ids(author, query) == [third, second]
        assert client.get(path + query).headers["link"] == (
            f'<{path}?before={second}>; rel="next", <{path}?after={third}>; rel="prev"')
    assert len(client.outbound_ids(author, "?limit=3")) == 3
    assert f"limit=3&after={third}" in client.get(path + "?limit=3").headers["link"]


@pytest.mark.parametrize("path", ["/http.conf", "/openapi.yaml/", "/openapi"])
def test_nothing_else_of_its_folder_is_served(client, path):
    assert client.get(path).status == 404
