"""contrib/load: what it reports is what the database holds."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from stack import PROGRAM, free_port
from waiting import eventually

pytestmark = pytest.mark.xdist_group("load")

LOAD = str(Path(PROGRAM).with_name("load"))
INVITERS = 3  # of whoever posts
COUNTS = ("SELECT (SELECT count(*) FROM participant), (SELECT count(*) FROM friendship),"
          " (SELECT count(*) FROM outbound), (SELECT count(*) FROM inbound)")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="2")


def load(*arguments, proxy=None):
    environment = {**os.environ, **({"http_proxy": proxy} if proxy else {})}
    return subprocess.run([LOAD, *arguments], env=environment, capture_output=True,
                          text=True, timeout=60)


def load_until(condition, *arguments):
    """Interrupts it when it has done so much; its report."""
    with subprocess.Popen([LOAD, *arguments, "--seconds", "600"],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            eventually(condition)
            process.send_signal(signal.SIGINT)
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    return text


def url_of(stack):
    return f"http://127.0.0.1:{stack.port}"


def rows(stack):
    return [int(count) for count in stack.sql(COUNTS)[0]]


def last_post(stack):
    return int(stack.one("SELECT coalesce(max(id), 0) FROM outbound"))


def operations(report):
    return {(each["entity"], each["operation"]): each for each in report["operations"]}


def check_against_rows(report, before, after):
    participants, friendships, posts, deliveries = (
        new - old for new, old in zip(after, before))
    found = {name: each["count"] for name, each in operations(report).items()}
    assert found["participant", "add"] == participants > 0
    assert found["friend", "add"] * 2 == friendships > 0
    assert found["outbound", "add"] == posts > 0
    assert posts * INVITERS == deliveries
    return found


def test_the_report_agrees_with_the_database(stack):
    before = rows(stack)  # with this seed, the first user begins with a search
    result = load("--url", url_of(stack) + "/", "--users", "3", "--seconds", "3",
                  "--seed", "8", "--searchers", "30", "--reads", "2", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout)
    found = check_against_rows(report, before, rows(stack))
    assert report["errors"] == 0 and report["faults"] == []
    assert report["requests"] == sum(found.values())
    assert 3 <= report["seconds"] < 30
    assert report["posts_per_minute"] == pytest.approx(
        found["outbound", "add"] * 60 / report["seconds"], rel=0.01)
    # The end may have come between a post and its reads, for every user.
    missing = found["outbound", "add"] * 2 - found["inbound", "get"]
    assert 0 <= missing <= 3 * 2
    assert found["outbound", "search"] > 0
    for each in report["operations"]:
        assert 0 < each["p50_ms"] <= each["p95_ms"] <= each["p99_ms"] <= each["max_ms"]
        assert each["p50_ms"] <= each["max_ms"] <= report["seconds"] * 1000
        assert 0 < each["mean_ms"] <= each["max_ms"]


def feeds_logged(stack):
    return [line for line in stack.log("access").splitlines() if "/inbound HTTP" in line]


def test_it_tells_how_many_feeds_came_from_the_cache(make_stack):
    stack = make_stack(WORKERS="2")
    reads = "--url", url_of(stack), "--seconds", "2", "--searchers", "0", "--reads", "5"
    report = json.loads(load(*reads, "--json").stdout)
    count = operations(report)["inbound", "get"]["count"]
    lines = eventually(lambda: len(feeds_logged(stack)) == count and feeds_logged(stack))
    hits = sum(" cache=HIT " in line for line in lines)
    assert 0 < hits < count
    assert report["feed_hits_percent"] == pytest.approx(100 * hits / count, abs=0.01)
    assert re.search(r"^Of \d+ feeds, \d+\.\d % came from the cache\.$",
                     load(*reads).stdout, re.M)


def test_without_the_fast_path_it_does_not_know(make_stack):
    stack = make_stack(WORKERS="2", FASTPATH="0")
    reads = "--url", url_of(stack), "--seconds", "1", "--searchers", "0", "--reads", "5"
    report = json.loads(load(*reads, "--json").stdout)
    assert operations(report)["inbound", "get"]["count"] > 0
    assert "feed_hits_percent" not in report


def test_it_posts_what_it_says(stack):
    made = f"FROM outbound WHERE id > {last_post(stack)}"
    enough = (f"SELECT max(count) >= 10 AND sum(count) >= 200 FROM"
              f" (SELECT count(*) {made} GROUP BY participant_id) authors")
    load_until(lambda: stack.one(enough) == "t",
               "--url", url_of(stack), "--searchers", "0")
    posts = stack.sql(f"SELECT subject, story {made} ORDER BY id DESC LIMIT 200")
    words = [(subject.split(" "), story.split(" ")) for subject, story in posts]
    assert {(len(subject), len(story)) for subject, story in words} == {(5, 150)}
    numbers = {int(word) for subject, story in words for word in subject + story}
    assert max(numbers) < 40000 and len(numbers) > 5000
    authors = stack.sql("SELECT count(*) FROM outbound GROUP BY participant_id")
    assert max(int(count) for count, in authors) == 10
    friends = stack.sql("SELECT count(*) FROM friendship f WHERE EXISTS (SELECT FROM"
                        " outbound o WHERE o.participant_id = f.participant_id)"
                        " GROUP BY participant_id")
    assert {int(count) for count, in friends} == {INVITERS}


def test_the_same_seed_posts_the_same(stack):
    def stories(seed):
        made = f"FROM outbound WHERE id > {last_post(stack)}"
        load_until(lambda: int(stack.one(f"SELECT count(*) {made}")) >= 5,
                   "--url", url_of(stack), "--users", "1", "--seed", seed)
        return stack.sql(f"SELECT story {made} ORDER BY id LIMIT 5")

    first = stories("7")
    assert len(first) == 5
    assert stories("7") == first
    assert stories("8") != first


def test_only_searchers_add_nothing(stack):
    before = rows(stack)
    result = load("--url", url_of(stack), "--seconds", "1", "--searchers", "100", "--json")
    assert result.returncode == 0
    assert rows(stack) == before
    found = operations(json.loads(result.stdout))
    assert found["outbound", "search"]["count"] == json.loads(result.stdout)["requests"] > 0


def test_the_table_has_a_row_for_each_operation(stack):
    before = rows(stack)
    result = load("--url", url_of(stack), "--seconds", "1", "--users", "1",
                  "--searchers", "0")
    assert result.returncode == 0
    added = rows(stack)[0] - before[0]
    line = rf"participant +add +{added} +\d+( +\d+\.\d\d){{5}} +0"
    assert re.search(f"^{line}$", result.stdout, re.M), result.stdout
    for name in ("friend +add", "outbound +add", "outbound +search", "inbound +get"):
        assert re.search(f"^{name} +\\d", result.stdout, re.M)
    assert "Errors" not in result.stdout


def test_an_interrupt_ends_it_early_with_the_report(stack):
    before = rows(stack)
    report = json.loads(load_until(
        lambda: rows(stack)[2] > before[2],
        "--url", url_of(stack), "--searchers", "0", "--json"))
    assert report["seconds"] < 300
    check_against_rows(report, before, rows(stack))


def test_without_workers_it_reports_errors(stack):
    before = rows(stack)
    stack.down("newsfeed")
    try:
        result = load("--url", url_of(stack), "--seconds", "1", "--searchers", "50",
                      "--users", "5", "--json")
        words = load("--url", url_of(stack), "--seconds", "1", "--searchers", "0")
    finally:
        stack.up("newsfeed")
    assert result.returncode == 1
    assert words.returncode == 1
    assert rows(stack) == before
    report = json.loads(result.stdout)
    assert all(each["count"] == 0 for each in report["operations"])
    assert report["errors"] == report["requests"] > 0
    assert sum(each["count"] for each in report["faults"]) == report["errors"]
    assert {each["kind"] for each in report["faults"]} == {"status 503"}
    assert all(each["first"] for each in report["faults"])
    assert re.search(r"^ +[1-9]\d*  participant add: status 503; the first: \w",
                     words.stdout, re.M), words.stdout


def test_a_dead_connection_is_an_error_of_its_own_kind(make_stack):
    stack = make_stack(WORKERS="1")
    with subprocess.Popen([LOAD, "--url", url_of(stack), "--seconds", "60", "--json"],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: rows(stack)[0] > 0)
            stack.down("nginx", "KILL")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            process.send_signal(signal.SIGTERM)
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    kinds = {each["kind"] for each in json.loads(text)["faults"]}
    assert "no connection" in kinds
    assert kinds <= {"no connection", "broken connection"}


def test_an_unreachable_service_is_named_with_a_remedy():
    url = f"http://127.0.0.1:{free_port()}"
    result = load("--url", url)
    assert result.returncode == 1
    assert result.stdout == ""
    assert url in result.stderr and "make start" in result.stderr
    assert "--url" in result.stderr


def test_a_proxy_of_the_environment_is_not_asked(stack):
    result = load("--url", url_of(stack), "--seconds", "1",
                  proxy=f"http://127.0.0.1:{free_port()}")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("option, value, right", [
    ("--users", "0", "1 to 1000"),
    ("--users", "1001", "1 to 1000"),
    ("--users", "three", "1 to 1000"),
    ("--users", "3x", "1 to 1000"),
    ("--users", "", "1 to 1000"),
    ("--seconds", "0", "1 to 3600"),
    ("--seconds", "1.5", "1 to 3600"),
    ("--searchers", "101", "0 to 100"),
    ("--searchers", "-1", "0 to 100"),
    ("--reads", "101", "0 to 100"),
    ("--seed", "99999999999999999999", "0 to 9223372036854775807"),
    ("--url", "", "http://127.0.0.1:8080"),
    ("--url", "127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("--url", "ftp://127.0.0.1", "http://127.0.0.1:8080"),
    ("--url", "http://", "http://127.0.0.1:8080"),
    ("--url", "http://127.0.0.1/?a=b", "http://127.0.0.1:8080"),
])
def test_bad_values_are_refused_with_what_would_be_right(option, value, right):
    result = load(option, value)
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"{option} {value}: must be" in result.stderr
    assert right in result.stderr


@pytest.mark.parametrize("arguments, named", [
    (["--nothing"], "--nothing"), (["--users"], "--users"), (["fast"], '"fast"')])
def test_what_is_no_option_is_refused(arguments, named):
    result = load(*arguments)
    assert result.returncode == 2
    assert named in result.stderr and "load --help" in result.stderr


def test_help_names_every_option():
    result = load("--help")
    assert result.returncode == 0
    for name in ("users", "seconds", "url", "searchers", "reads", "seed", "json"):
        assert f"--{name} " in result.stdout
