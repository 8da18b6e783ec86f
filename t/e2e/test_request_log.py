"""The service's lines about requests, and what they share with nginx's."""

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from waiting import eventually

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(
        WORKERS="2", SETTINGS="service.log_format=json service.log_requests=on"
        " service.log_slow=200 service.server_timing=on db.statement_timeout=5000")


def lines(stack):
    return [json.loads(line) for line in stack.log().splitlines() if line.startswith("{")]


def line_of(stack, id):
    [found] = eventually(lambda: [
        l for l in lines(stack) if l.get("request_id") == id and "status" in l])
    return found


def ask(stack, method, path, **headers):
    id = uuid.uuid4().hex
    body = {"name": "Anna"} if method in ("POST", "PATCH") else None
    answer = stack.client.request(
        method, path, body, headers={"X-Request-Id": id, **headers})
    return answer, line_of(stack, id)


def test_every_line_is_an_object(stack):
    text = [l for l in stack.log().splitlines() if not l.startswith(("contrib", "=="))]
    assert text and all({"time", "level", "process", "pid", "subject"} <= set(json.loads(l))
                        for l in text)


def test_a_request_has_its_line(stack):
    answer, line = ask(stack, "POST", "/participant")
    assert (line["level"], line["subject"], line["operation"]) == (
        "info", "request", "addParticipant")
    assert (line["method"], line["path"], line["status"]) == ("POST", "/participant", 200)
    assert line["bytes"] == int(answer.headers["content-length"])
    assert (line["statements"], line["slowest"]) == (1, "participant_add")
    assert 0 < line["slowest_ms"] <= line["database_ms"] <= line["ms"]
    assert "participant" not in line and "traceparent" not in line


def test_a_line_names_the_participant_and_the_cache(stack):
    path = link(stack.client.add_participant()) + "/inbound"
    _, line = ask(stack, "GET", path)
    assert f"/participant/{line['participant']}/inbound" == line["path"] == path
    assert line["cache_ms"] > 0 or line["queue_ms"] > 0


def test_what_no_operation_is_has_its_line_too(stack):
    _, line = ask(stack, "GET", "/nothing")
    assert line["status"] == 404 and "operation" not in line and line["statements"] == 0


def test_a_trace_is_in_both_logs(stack):
    _, line = ask(stack, "GET", "/nothing", traceparent=TRACE)
    assert line["traceparent"] == TRACE
    [own] = eventually(lambda: [
        l for l in stack.log("access").splitlines() if line["request_id"] in l])
    assert own.endswith(f" trace={TRACE}")


@pytest.mark.parametrize("trace", [
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff" + TRACE[2:], TRACE.upper(), TRACE + "-more", "x"])
def test_what_is_no_trace_is_in_neither(stack, trace):
    _, line = ask(stack, "GET", "/nothing", traceparent=trace)
    assert "traceparent" not in line
    [own] = eventually(lambda: [
        l for l in stack.log("access").splitlines() if line["request_id"] in l])
    assert own.endswith(" trace=-")


def test_slow_requests_name_their_statement(stack):
    path = f"/participant/{stack.client.add_participant()}"
    id = int(path.rpartition("/")[2])
    with ThreadPoolExecutor(1) as pool, stack.holding_row(id) as commit:
        asked = pool.submit(ask, stack, "PATCH", path)
        eventually(lambda: stack.waits_for(id))
        eventually(lambda: stack.one(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
            " AND wait_event_type = 'Lock'"
            " AND clock_timestamp() - query_start > '250 ms'") != "0")
        commit()
        answer, line = asked.result()
    assert answer.status == 200
    assert (line["level"], line["subject"]) == ("warn", "slow request")
    assert line["slowest"] == "participant_rename"
    assert 250 <= line["slowest_ms"] <= line["database_ms"] <= line["ms"]


def test_clients_are_told_what_took_how_long(stack):
    answer, line = ask(stack, "GET", f"/participant/{stack.client.add_participant()}")
    times = dict(re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["server-timing"]))
    assert float(times["db"]) == pytest.approx(line["database_ms"], abs=0.002)
    assert float(times["total"]) == pytest.approx(line["ms"], abs=0.002)
    assert set(times) == {"queue", "db", "cache", "total"}


def test_nobody_asked_for_any_of_it(fastpath):
    id = uuid.uuid4().hex
    answer = fastpath.client.request("GET", "/nothing", headers={"X-Request-Id": id})
    assert answer.status == 404 and "server-timing" not in answer.headers
    assert id not in fastpath.log()
