"""What a body must be before a field of it is looked at."""

import json

import pytest

from client import link


def post(client, body, **headers):
    return client.request("POST", "/participant", body=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    {
        "nothing": b"",
        "blanks": b" \n",
        "no JSON": b"name=Ada",
        "half": b'{"name":"A"',
        "trailing garbage": b'{"name":"A"} x',
        "two values": b'{"name":"A"}{}',
        "NUL after": b'{"name":"A"}\0',
        "trailing comma": b'{"name":"A",}',
        "single quotes": b"{'name':'A'}",
        "comment": b'{"name":"A"/* */}',
        "bare word": b"{name:1}",
        "capital": b'{"name":"A","z":TRUE}',
        "leading zero": b'{"name":"A","z":01}',
        "NaN": b'{"name":"A","z":NaN}',
        "Infinity": b'{"name":"A","z":-Infinity}',
        "number ends in a dot": b'{"name":"A","z":1.}',
        "plus": b'{"name":"A","z":+1}',
        "hex": b'{"name":"A","z":0x1}',
        "byte order mark": b'\xef\xbb\xbf{"name":"A"}',
        "UTF-16": '{"name":"A"}'.encode("utf-16-le"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_is_no_json_is_400(client, body):
    assert post(client, body[1]).status == 400


@pytest.mark.parametrize(
    "body",
    [b"[]", b'"A"', b"1", b"null", b"true", b'[{"name":"A"}]'],
)
def test_what_is_no_object_is_400(client, body):
    assert post(client, body).status == 400


@pytest.mark.parametrize(
    "bytes",
    {
        "lone continuation": b"\x80",
        "broken off": b"\xc3",
        "never valid": b"\xff",
        "overlong slash": b"\xc0\xaf",
        "overlong NUL": b"\xc0\x80",
        "overlong of three": b"\xe0\x80\xaf",
        "surrogate": b"\xed\xa0\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80",
        "Latin-1": "ä".encode("latin-1"),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_is_no_utf8_is_400(client, bytes):
    assert post(client, b'{"name":"A' + bytes[1] + b'"}').status == 400
    assert post(client, b'{"name":"A","z":"' + bytes[1] + b'"}').status == 400


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name":"A\u0000B"}', rb'{"name":"A","z\u0000":1}',
        rb'{"name":"A","z":["\u0000"]}',
    ],
)
def test_an_escaped_nul_is_400_wherever_it_stands(client, body):
    assert post(client, body).status == 400


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\n", b"\t", b"\x1f"])
def test_a_raw_control_character_in_a_string_is_400(client, byte):
    assert post(client, b'{"name":"A' + byte + b'"}').status == 400


@pytest.mark.parametrize(
    "escape",
    [rb"\ud800", rb"\udc00", rb"\ud800\u0041", rb"\x41", rb"\u12g4", rb"\'"],
)
def test_an_escape_that_means_no_character_is_400(client, escape):
    assert post(client, b'{"name":"A' + escape + b'"}').status == 400


def test_escapes_mean_their_characters(client):
    answer = post(client, rb'{"name":"\u0041\ud83e\udd94\\\/\"\n"}')
    assert (answer.status, answer.json["name"]) == (200, 'A🦔\\/"\n')


def test_a_doubled_backslash_is_no_escaped_nul(client):
    answer = post(client, rb'{"name":"\\u0000"}')
    assert (answer.status, answer.json["name"]) == (200, r"\u0000")


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"A","name":"B"}',
        b'{"name":"A","name":"A"}',
        rb'{"name":"A","\u006eame":"B"}',
        b'{"name":"A","z":{"a":1,"a":2}}',
        b'{"name":"A","z":[{"a":1,"a":2}]}',
    ],
)
def test_a_key_given_twice_is_400(client, body):
    assert post(client, body).status == 400


def test_the_same_key_in_two_objects_is_no_duplicate(client):
    body = b'{"name":"A","z":{"name":1},"y":[{"a":1},{"a":1}]}'
    assert post(client, body).status == 200


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
def test_bodies_nest_16_deep_and_no_deeper(client, opening, closing):
    def nested(depth):  # the outermost object counts
        inner = opening * (depth - 1) + b"1" + closing * (depth - 1)
        return b'{"name":"A","z":' + inner + b"}"

    assert post(client, nested(16)).status == 200
    assert post(client, nested(17)).status == 400
    assert post(client, nested(10000)).status == 400


@pytest.mark.parametrize("value, values", [("{}", 1), ("0", 1), ('{"a":null}', 2)])
def test_a_body_holds_5000_values_and_no_more(client, value, values):
    def crowded(count):  # the object, name, z and its list count
        return f'{{"name":"A","z":[{",".join([value] * (count // values))}]}}'.encode()

    assert post(client, crowded(4996)).status == 200
    answer = post(client, crowded(4998))
    assert answer.status == 400
    assert "at most 5000 values" in answer.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    "number",
    ["9223372036854775808", "18446744073709551616", "-9223372036854775809", "1" + "0" * 400,
     "1.5", "1e-1", "1e999", "-0", "0", "-1"],
)
def test_a_number_that_is_no_id_is_400(client, number):
    one = client.add_participant()
    body = f'{{"to":{number}}}'.encode()
    answer = client.request("POST", f"/participant/{one}/friends", body=body)
    assert answer.status == 400


@pytest.mark.parametrize("form", ["{}.0", "{}e0", "{}0e-1"])
def test_a_number_is_an_integer_by_its_value(client, form):
    """As JSON Schema has it, and as some languages print integers."""
    one, other = client.add_participants(2)
    body = f'{{"to":{form.format(other)}}}'.encode()
    answer = client.request("POST", f"/participant/{one}/friends", body=body)
    assert (answer.status, answer.json["to"]) == (200, link(other))


def test_the_largest_id_in_a_body_is_nobody_rather_than_a_fault(client):
    one = client.add_participant()
    for to in (9223372036854775807, "9223372036854775807"):
        answer = client.post(f"/participant/{one}/friends", {"to": to})
        assert answer.status == 404


def test_a_body_of_128_kib_is_read(client):
    """Read and refused for its field, not for its size."""
    answer = post(client, padded(131072))
    assert answer.status == 200


def test_a_body_over_128_kib_is_413(client):
    answer = post(client, padded(131073))
    assert answer.status == 413


def padded(size):
    empty = len(json.dumps({"name": "A", "z": ""}))
    body = json.dumps({"name": "A", "z": "x" * (size - empty)}).encode()
    assert len(body) == size
    return body


def test_a_body_far_over_the_limit_is_413_before_it_is_sent(client):
    head = (
        b"POST /participant HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{"
    )
    reply = client.raw(head, until=b"request_id")
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in reply


@pytest.mark.parametrize("size, status", [(131072, b"200"), (131073, b"413")])
def test_a_body_in_chunks_is_measured_as_well(client, size, status):
    head = (
        b"POST /participant HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (size, padded(size))
    reply = client.raw(head + chunks, until=b"}")
    assert reply.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/x-www-form-urlencoded", "application/jsonp",
        "application/json5", "", "multipart/form-data; boundary=x",
    ],
)
def test_a_body_that_is_not_announced_as_json_is_415(client, kind):
    answer = post(client, b'{"name":"A"}', **{"Content-Type": kind})
    assert answer.status == 415


@pytest.mark.parametrize(
    "kind",
    [
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
    ],
)
def test_json_may_be_announced_with_a_charset(client, kind):
    assert post(client, b'{"name":"A"}', **{"Content-Type": kind}).status == 200


def test_a_body_without_a_content_type_is_415(client):
    answer = client.send("POST", "/participant", b'{"name":"A"}', {})
    assert answer.status == 415


def test_nothing_is_written_by_a_refused_request(client):
    one = client.add_participant()
    for body in (b'{"subject":"A"}', b"x", b'{"subject":"A","story":"\xff"}'):
        path = f"{link(one)}/outbound"
        assert client.request("POST", path, body=body).status == 400
    assert client.outbound_ids(one) == []
