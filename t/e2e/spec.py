"""Holds live answers against etc/openapi.yaml, independently of the service."""

import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, RefResolver

FILE = Path(__file__).resolve().parents[2] / "etc" / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

document = yaml.safe_load(FILE.read_text())
resolver = RefResolver("", document)

STREAM = "text/event-stream"

# Statuses that an operation's own entry must name, if it gives them.
NAMED = {200, 204, 304, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503}

# Headers of a response that it need not have.
OPTIONAL = {"Link", "Idempotent-Replayed"}

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer"},
        "detail": {"type": "string", "minLength": 1},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "minLength": 1},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"pattern": "^(#|query:|path:|header:)"},
                    "detail": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}


def resolve(node):
    while "$ref" in node:
        node = resolver.resolve(node["$ref"])[1]
    return node


def operations():
    """(operationId, METHOD, template) of every operation of the file."""
    return [
        (operation["operationId"], method.upper(), template)
        for template, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def find(method, path):
    """The operation of a request, as the file describes it, or None."""
    path = path.split("?")[0]
    method = "GET" if method == "HEAD" else method
    for operation_id, its_method, template in operations():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if its_method == method and re.fullmatch(pattern, path):
            return document["paths"][template][method.lower()]
    return None


def fits(schema, value):
    """Fails with every place at which the value does not fit the schema."""
    faults = [
        f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
        for e in Draft202012Validator(schema, resolver=resolver).iter_errors(value)
    ]
    assert not faults, "\n".join(faults)


def check_answer(method, path, answer):
    """What every client may rely on, for whatever the answer is."""
    what = f"{method} {path[:200]} -> {answer.status}"
    assert answer.status != 500, f"{what}: {answer.body[:500]}"
    assert answer.headers.get("x-request-id"), f"{what}: no X-Request-Id"

    if answer.status >= 400:
        check_problem(method, what, answer)
    elif answer.headers.get("content-type") == STREAM:
        assert "etag" not in answer.headers, what
    elif answer.status == 200 and method in ("GET", "HEAD"):
        assert answer.headers.get("etag"), f"{what}: no ETag"
    elif answer.status in (204, 304):
        assert answer.body == b"", what

    operation = find(method, path)
    if operation and method != "OPTIONS":
        check_documented(method, what, operation, answer)


def check_problem(method, what, answer):
    assert answer.headers.get("content-type") == "application/problem+json", what
    if method == "HEAD":
        assert answer.body == b"", what
        return
    fits(PROBLEM, answer.json)
    assert answer.json["status"] == answer.status, what
    assert answer.json["request_id"] == answer.headers["x-request-id"], what


def check_documented(method, what, operation, answer):
    responses = operation["responses"]
    status = str(answer.status)
    for key in (status, status[0] + "XX", "default"):
        if key in responses:
            break
    else:
        raise AssertionError(f"{what}: status not documented")
    assert key == status or answer.status not in NAMED, f"{what}: only as {key}"
    response = resolve(responses[key])
    check_headers(what, response.get("headers", {}), answer)
    content = response.get("content")
    if not content:
        assert answer.body == b"", f"{what}: documented without a body"
    elif method != "HEAD":
        kind = answer.headers.get("content-type")
        assert kind in content, f"{what}: {kind!r} not documented"
        fits(content[kind]["schema"], answer.json)


def check_headers(what, documented, answer):
    for name, header in documented.items():
        value = answer.headers.get(name.lower())
        if value is None:
            assert name in OPTIONAL, f"{what}: no {name}"
            continue
        schema = resolve(header)["schema"]
        fits(schema, int(value) if schema["type"] == "integer" else value)


def check_event(event):
    """Whether it is what the file describes for its type."""
    operation = document["webhooks"][event["type"]]["post"]
    content = operation["requestBody"]["content"]["application/cloudevents+json"]
    fits(content["schema"], event)


def check_event_headers(kind, headers):
    for parameter in map(resolve, document["webhooks"][kind]["post"]["parameters"]):
        schema, value = parameter["schema"], headers[parameter["name"]]
        fits(schema, int(value) if schema["type"] == "integer" else value)
