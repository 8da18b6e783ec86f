"""The specification itself: that it says what the contract says."""

import re

import spec

CONTRACT = {
    "addParticipant": ("POST", "/participant"),
    "getParticipant": ("GET", "/participant/{id}"),
    "renameParticipant": ("PATCH", "/participant/{id}"),
    "removeParticipant": ("DELETE", "/participant/{id}"),
    "addFriend": ("POST", "/participant/{id}/friends"),
    "getFriend": ("GET", "/participant/{id}/friends"),
    "removeFriend": ("DELETE", "/participant/{id}/friends/{friend}"),
    "addOutbound": ("POST", "/participant/{id}/outbound"),
    "getOutbound": ("GET", "/participant/{id}/outbound"),
    "getOutboundItem": ("GET", "/participant/{id}/outbound/{item}"),
    "removeOutbound": ("DELETE", "/participant/{id}/outbound/{item}"),
    "getInbound": ("GET", "/participant/{id}/inbound"),
    "searchOutbound": ("GET", "/outbound"),
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
