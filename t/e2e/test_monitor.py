"""The monitor tells how the service is, whatever of it is stuck or gone."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from client import link
from monitor import Connection, Monitor
from stack import PROGRAM, ROOT, children_of, free_port
from waiting import eventually

pytestmark = pytest.mark.xdist_group("monitor")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="3", SETTINGS="worker.max_requests=30")


@pytest.fixture(scope="module")
def monitor(stack):
    monitor = Monitor(stack)
    eventually(lambda: monitor.get("/readyz")[0] == 200)
    return monitor


def is_ready(monitor):
    return monitor.get("/readyz")[0] == 200


def at_once(monitor):
    """It lives, and tells its counters, within a moment."""
    start = time.monotonic()
    assert monitor.get("/livez") == (200, "ok\n")
    metrics = monitor.metrics()
    assert time.monotonic() - start < 1
    assert metrics.sum("newsfeed_requests_total") > 0
    return metrics


def command(stack, *arguments):
    line = shlex.split((stack.run / "newsfeed.command").read_text())
    return subprocess.run([*line, *arguments], capture_output=True, text=True, timeout=30)


def test_requests_are_counted_by_operation_and_status(stack, monitor):
    client = stack.client
    one, other = client.friends_of_new()
    before = monitor.metrics()
    for _ in range(3):
        client.publish(one)
    client.get(f"{link(one)}/outbound")
    tag = client.get(link(other)).headers["etag"]
    assert client.get(link(other), headers={"If-None-Match": tag}).status == 304
    assert client.get(link(10**12)).status == 404
    assert client.post("/participant", {"name": 7}).status == 400
    assert client.delete(f"{link(one)}/friends/{other}").status == 204
    assert client.get("/nowhere").status == 404
    now = monitor.metrics()
    expected = {
        ("addOutbound", 200): 3, ("getOutbound", 200): 1, ("getParticipant", 200): 1,
        ("getParticipant", 304): 1, ("getParticipant", 404): 1, ("addParticipant", 400): 1,
        ("removeFriend", 204): 1, ("none", 404): 1}
    assert now.since(before) == expected
    for name in "newsfeed_request_duration_seconds_count", "newsfeed_request_wait_seconds_count":
        assert now.sum(name) - before.sum(name) == sum(expected.values())
    times = now.sum("newsfeed_database_duration_seconds_count", process="worker")
    assert times - before.sum(
        "newsfeed_database_duration_seconds_count", process="worker") >= 7


def test_what_nginx_answers_is_counted(stack, monitor):
    client = stack.client
    one, other = client.friends_of_new()
    feed = f"{link(other)}/inbound"
    eventually(stack.has_caught_up)
    stack.down("nginx")  # which tells what it has counted, at the latest then
    before = monitor.metrics()
    stack.up("nginx")
    client.hit(feed)

    def more(metric, **labels):
        return monitor.metrics().sum(metric, **labels) - before.sum(metric, **labels)

    eventually(lambda: more("newsfeed_nginx_lookups_total", result="lease") == 1)
    assert more("newsfeed_cache_lookups_total", result="lease") == 1
    assert more("newsfeed_cache_pages_total", change="stored") == 1
    hits = more("newsfeed_nginx_lookups_total", result="hit")
    for _ in range(5):
        assert client.get(feed).headers["x-cache"] == "HIT"
    eventually(lambda: more("newsfeed_nginx_lookups_total", result="hit") == hits + 5)
    client.publish(one)
    assert more("newsfeed_cache_pages_total", change="put") == 1


def test_nobody_dies_of_counts_that_were_cut(stack, monitor):
    feed = f"{link(stack.client.add_participant())}/inbound"
    stack.client.hit(feed)
    processes = children_of(stack.pid("nginx")), stack.children("monitor")

    def hits():
        assert stack.client.get(feed).headers["x-cache"] == "HIT"
        return monitor.metrics().sum("newsfeed_nginx_lookups_total", result="hit")

    eventually(hits)
    os.truncate(stack.run / "state" / "nginx-hits", 0)
    assert eventually(lambda: not hits())
    assert processes == (children_of(stack.pid("nginx")), stack.children("monitor"))
    stack.kill("newsfeed", signal.SIGHUP)  # makes it anew
    eventually(hits)


def test_counters_never_go_back(stack, monitor):
    """Whether workers retire, which they do all the time here, die, or are
    replaced at a reload."""
    client = stack.client
    one = client.add_participant()

    def requests(count):
        before = monitor.metrics()
        for _ in range(count):
            client.ok("GET", link(one))
        now = monitor.metrics()
        assert now.since(before) == {("getParticipant", 200): count}
        for key, value in before.counters().items():
            assert now.values[key] >= value, key
        return now

    before = monitor.metrics()
    requests(200)
    for pid in stack.workers()[:2]:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(stack.workers()) == 3)
    requests(10)
    old = stack.children()
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: not set(old) & set(stack.children()) and len(stack.children()) == 6)
    now = requests(10)

    def ends(cause):
        return (now.sum("newsfeed_process_ends_total", process="worker", cause=cause)
                - before.sum("newsfeed_process_ends_total", process="worker", cause=cause))

    assert ends("retired") >= 3 + 3
    assert ends("died") == 2
    assert ends("stuck") == ends("silent") == ends("failed") == 0


def test_another_is_there_when_it_is_killed(stack, monitor):
    before = monitor.metrics()
    os.kill(stack.children("monitor")[0], signal.SIGKILL)
    eventually(lambda: is_ready(monitor))
    now = monitor.metrics()
    assert now.sum("newsfeed_process_ends_total", process="monitor", cause="died") == 1
    assert all(now.values[key] >= value for key, value in before.counters().items())


# --- what is stuck or gone ----------------------------------------------------

def test_it_answers_while_every_worker_is_busy(stack, monitor):
    one, *others = stack.client.add_participants(4)
    with ThreadPoolExecutor(3) as pool:
        with stack.holding_row(one):
            asked = [pool.submit(stack.client.post, f"{link(one)}/friends", {"to": other})
                     for other in others]
            eventually(lambda: monitor.metrics().sum("newsfeed_requests_in_flight") == 3)
            metrics = at_once(monitor)
            assert metrics.sum("newsfeed_workers", state="busy") == 3
            assert metrics.sum("newsfeed_workers", state="idle") == 0
            eventually(lambda: not is_ready(monitor))
            assert monitor.lines("failed") == ["workers: 0 of 3 are ready, 3 busy"]
            at_once(monitor)
        assert {each.result().status for each in asked} == {200}
    eventually(lambda: is_ready(monitor))
    assert monitor.metrics().sum("newsfeed_requests_in_flight") == 0


def test_it_answers_without_a_database(stack, monitor):
    stack.down("postgres")
    try:
        eventually(lambda: not is_ready(monitor))
        assert [line.split(":")[0] for line in monitor.lines("failed")] == ["database"]
        metrics = at_once(monitor)
        assert metrics.sum("newsfeed_database_up") == metrics.sum("newsfeed_ready") == 0
        assert not metrics.has("newsfeed_follower_lag_seconds")
        ready = command(stack, "ready")
        assert ready.returncode == 1 and "failed   database: " in ready.stdout
        assert stack.client.get(link(1)).status == 503
        now = monitor.metrics()
        assert now.sum("newsfeed_requests_refused_total", cause="no_database") == 1
        assert now.sum("newsfeed_database_faults_total", fault="no_database") > 0
    finally:
        stack.up("postgres")
    eventually(lambda: is_ready(monitor))
    assert monitor.metrics().sum("newsfeed_database_up") == 1
    assert command(stack, "ready").returncode == 0


def test_it_answers_where_the_database_does_not(stack, monitor):
    pids = [stack.pid("postgres"), *children(stack.pid("postgres"))]
    with standing_still(pids):
        eventually(lambda: not is_ready(monitor))
        assert monitor.lines("failed") == ["database: no answer in time"]
        at_once(monitor)
    eventually(lambda: is_ready(monitor))


def test_a_cache_that_is_gone_is_a_warning(stack, monitor):
    stack.down("memcached")
    try:
        eventually(lambda: monitor.lines("warning"))
        status, text = monitor.get("/readyz")
        assert status == 200 and "memcached.sock: it does not answer" in text
        assert at_once(monitor).sum("newsfeed_cache_up") == 0
    finally:
        stack.up("memcached")
    eventually(lambda: not monitor.lines("warning"))
    assert monitor.metrics().sum("newsfeed_cache_up") == 1


def test_it_answers_without_nginx(stack, monitor):
    before = monitor.metrics()
    stack.down("nginx")
    try:
        at_once(monitor)
        assert is_ready(monitor)
    finally:
        stack.up("nginx")
    now = monitor.metrics()
    hits = "newsfeed_nginx_lookups_total"
    assert now.sum(hits) >= before.sum(hits) > 0


def test_a_follower_that_lags_is_told(stack, monitor):
    author = stack.client.add_participant()
    with standing_still([stack.dispatcher()]):
        post = stack.client.publish(author)
        stack.sql("UPDATE outbound SET occurred = now() - interval '2 min'"
                  f" WHERE id = {post}")
        eventually(lambda: not is_ready(monitor))
        assert any(re.match(r"follower index: 12\d\.\d s behind, 60\.0 s", line)
                   for line in monitor.lines("failed"))
        metrics = monitor.metrics()
        assert metrics.sum("newsfeed_follower_lag_seconds", follower="index") >= 120
        assert metrics.sum("newsfeed_follower_posts", follower="index") == 1
    eventually(lambda: is_ready(monitor))
    eventually(lambda: monitor.metrics().sum("newsfeed_follower_posts") == 0)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


@contextlib.contextmanager
def standing_still(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)


# --- its forms ----------------------------------------------------------------

def test_promtool_finds_nothing(monitor):
    result = subprocess.run(["promtool", "check", "metrics"], input=monitor.get("/metrics")[1],
                            capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_who_asks_for_openmetrics_gets_it(monitor):
    _, headers, text = monitor.send(
        "GET", "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
    assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("\n# EOF\n")
    created = float(re.search(r"^newsfeed_stream_messages_created (\S+)$", text, re.M)[1])
    assert 0 < time.time() - created < 600
    _, headers, text = monitor.send("GET", "/metrics")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "_created" not in text and "EOF" not in text


def test_it_answers_nothing_else(monitor):
    assert monitor.get("/participant/1")[0] == 404
    status, headers, _ = monitor.send("POST", "/metrics")
    assert status == 405 and headers["Allow"] == "GET, HEAD"
    status, headers, text = monitor.send("HEAD", "/livez")
    assert (status, headers["Content-Length"], text) == (200, "3", "")


def test_who_is_slow_keeps_nobody_out(monitor):
    """As many as may be connected at a time send a byte now and then."""
    head = b"GET /livez HTTP/1.1\r\nHost: h\r\nX: "
    slow = [Connection(monitor.address) for _ in range(32)]

    def is_answered():
        for connection in slow:
            with contextlib.suppress(OSError):
                connection.sock.send(b"x")
        with contextlib.closing(Connection(monitor.address)) as other:
            other.timeout = 0.5
            other.request("GET", "/livez")
            return other.getresponse().status == 200

    for connection in slow:
        connection.connect()
        connection.sock.send(head)
    try:
        eventually(is_answered)
    finally:
        for connection in slow:
            connection.close()


def test_it_is_not_for_everybody(stack, monitor):
    assert stack.client.get("/metrics").status == 404
    assert os.stat(monitor.address).st_mode & 0o777 == 0o660


# --- for a person, and for scripts --------------------------------------------

def test_status_is_told_at_a_glance(stack, monitor):
    result = command(stack, "status")
    assert (result.returncode, result.stderr) == (0, "")
    for words in (r"^newsfeed \d", r"^ok +workers: 3 of 3 are ready", r"^ready$",
                  r"^requests +\d+ by workers", r"^ended +retired \d+", r"^times +99 of 100 .* up to [\d.e-]+ s$", r"^to do +\w"):
        assert re.search(words, result.stdout, re.M), result.stdout
    assert len(result.stdout.splitlines()) <= 24


def test_it_moves_and_ends_at_a_reload(make_stack, folder):
    own = folder / "newsfeed.conf"
    own.write_text("[monitor]\nlisten = one.sock\n")
    stack = make_stack(WORKERS="1", CONFIG=str(own))
    one, two = str(stack.run / "state" / "one.sock"), str(stack.run / "state" / "two.sock")

    def answers(path):
        monitor = Monitor(stack)
        monitor.address = path
        with contextlib.suppress(OSError):
            return monitor.get("/livez")[0] == 200
        return False

    def reload(listen):
        own.write_text(f"[monitor]\nlisten = {listen}\n")
        stack.kill("newsfeed", signal.SIGHUP)

    eventually(lambda: answers(one))
    reload("two.sock")
    eventually(lambda: answers(two) and not answers(one))
    reload("")
    eventually(lambda: not answers(two) and not stack.children("monitor"))
    reload("one.sock")
    eventually(lambda: answers(one))


def test_who_is_asked_and_does_not_run_is_told(folder):
    def ask(listen):
        return subprocess.run(
            [PROGRAM, "--set", f"service.runtime_dir={folder}", "--set",
             f"monitor.listen={listen}", "status"], capture_output=True, text=True)

    result = ask("monitor.sock")
    assert result.returncode == 69 and f"{folder}/monitor.sock: nobody listens" in result.stderr
    assert ask(f"127.0.0.1:{free_port()}").returncode == 69
    result = ask("")
    assert result.returncode == 69 and "monitor.listen: is empty" in result.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "example.com:9464", "127.0.0.1:0",
                                    "127.0.0.1:x", "[::]:9464", ":9464"])
def test_what_other_hosts_reach_is_refused(stack, listen):
    assert command(stack, "--set", "monitor.listen=/tmp/127.0.0.1:x", "--check").returncode == 0
    result = command(stack, "--set", f"monitor.listen={listen}", "--check")
    assert result.returncode == 1
    assert f'monitor.listen: is "{listen}", must be' in result.stderr


# --- a Prometheus ---------------------------------------------------------------

CONTRIB = ROOT / "contrib"
QUERIES = [target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")
           for panel in json.loads((CONTRIB / "grafana" / "newsfeed.json").read_text())["panels"]
           for target in panel["targets"]]


class Prometheus:
    def __init__(self, port):
        self.port = port

    def ask(self, path):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)["data"]

    def query(self, text):
        """The values of all series that it has for that."""
        found = self.ask(f"query?query={quote(text)}")["result"]
        return [float(series["value"][1]) for series in found]

    def unhealthy(self):
        """The rules that it cannot evaluate, or has not yet."""
        return [rule["name"] for group in self.ask("rules")["groups"]
                for rule in group["rules"] if rule["health"] != "ok"]


@contextlib.contextmanager
def prometheus(folder, target):
    port = free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
        f"rule_files: [{CONTRIB}/prometheus/newsfeed.rules.yml]\n"
        "scrape_configs:\n"
        f"- {{job_name: newsfeed, static_configs: [{{targets: ['{target}']}}]}}\n")
    with open(folder / "prometheus.log", "w") as log, subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log) as process:
        try:
            yield Prometheus(port)
        finally:
            process.terminate()


def test_a_prometheus_reads_it(make_stack, folder):
    port = free_port()
    stack = make_stack(WORKERS="2", SETTINGS=f"monitor.listen=127.0.0.1:{port}"
                       " kafka.servers=127.0.0.1:1")
    one, other = stack.client.friends_of_new()
    with prometheus(folder, f"127.0.0.1:{port}") as reader:
        eventually(lambda: reader.query("up") == [1])
        for _ in range(7):
            stack.client.ok("GET", link(one))
        stack.client.publish(one)
        stack.client.hit(f"{link(other)}/inbound")
        stack.client.inbound(other)
        eventually(lambda: reader.query(
            'newsfeed_requests_total{operation="getParticipant",status="200"}') == [7])
        assert reader.query("sum(newsfeed_request_duration_seconds_count)") == reader.query(
            "sum(newsfeed_requests_total)")
        assert reader.query("newsfeed_build_info") == reader.query("newsfeed_ready") == [1]
        for query in QUERIES:
            # No event has come to Kafka.
            eventually(lambda q=query: "newsfeed_events_total" in q or reader.query(q), within=5)
        eventually(lambda: not reader.unhealthy())
        assert reader.query('ALERTS{alertstate="firing"}') == []
