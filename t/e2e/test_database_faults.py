"""PostgreSQL stopped, killed, stalled: 503 at once, and back by itself."""

import contextlib
import os
import re
import signal
import time

import pytest

from client import link
from load import Load
from stack import NO_PATIENCE, children_of
from waiting import SOON, eventually, one_of, pause

pytestmark = pytest.mark.xdist_group("database_faults")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(patience=NO_PATIENCE)


@pytest.fixture(scope="module")
def patient(make_module_stack):
    return make_module_stack()


def stop_fast(stack):
    stack.down("postgres", "INT")


def stop_immediately(stack):
    stack.down("postgres", "QUIT")


def kill(stack):
    stack.down("postgres", "KILL")


def stall(stack):
    """Every process of it: connections are there and answer nothing."""
    postmaster = stack.pid("postgres")
    for pid in [postmaster, *children_of(postmaster)]:
        with contextlib.suppress(ProcessLookupError):  # such as autovacuum's
            os.kill(pid, signal.SIGSTOP)


def bring_back(stack):
    with contextlib.suppress(OSError):  # it was not stalled, it is gone
        postmaster = stack.pid("postgres")
        for pid in [*children_of(postmaster), postmaster]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    stack.up("postgres")
    assert stack.one("SELECT 1") == "1"


@pytest.fixture
def loner(stack):
    """A participant whose page nothing drops from the cache."""
    return stack.client.add_participant()


def settle(stack):
    """Until workers and dispatcher are connected and have nothing to do."""
    eventually(lambda: stack.client.publish(stack.client.add_participant()))
    eventually(stack.has_caught_up)


def keep_busy(work):
    """Lets every worker have a part of it, though few would do."""
    with Load(work, threads=10) as load:
        eventually(load.more(100))
    return load.results


@pytest.fixture(
    params=[stop_fast, stop_immediately, kill, stall],
    ids=lambda f: f.__name__,
)
def take_away(request):
    return request.param


@pytest.fixture
def without_database(take_away, stack, loner):
    """(one, other): friends. The database is out of reach until bring_back,
    at the latest at the test's end."""
    one, other = stack.client.friends_of_new()
    stack.client.hit(f"{link(loner)}/inbound")
    take_away(stack)
    yield one, other
    bring_back(stack)
    keep_busy(lambda _: eventually(lambda: stack.client.get(link(one)).status == 200))


def test_requests_are_503_with_retry_after_within_a_second(stack, without_database):
    one, other = without_database
    body = {"subject": "A", "story": "B"}
    requests = [
        ("GET", link(one), {}),
        ("GET", f"{link(other)}/inbound", {}),
        ("GET", "/outbound?keywords=a", {}),
        ("POST", "/participant", {"json": {"name": "A"}}),
        ("POST", f"{link(one)}/outbound", {"json": body}),
        ("DELETE", f"{link(one)}/friends/{other}", {}),
    ]
    for method, path, kw in requests:
        took = []
        for _ in range(3):  # so that most workers are asked
            start = time.monotonic()
            answer = stack.client.request(method, path, **kw)
            took.append(time.monotonic() - start)
            assert answer.status == 503, path
            assert int(answer.headers["retry-after"]) >= 1
        # what else the machine does may be in one of them
        assert min(took) < 1 and max(took) < 5, f"{method} {path} took {took} s"


def test_the_answer_says_that_there_is_no_database(stack, without_database):
    one, _ = without_database
    eventually(lambda: "without its database"
               in stack.client.get(link(one)).json["detail"])


def test_cached_pages_are_served_all_the_same(stack, without_database, loner):
    answer = stack.client.hit(f"{link(loner)}/inbound")
    assert (answer.status, answer.json) == (200, [])


def test_faulty_requests_are_told_so_all_the_same(stack, without_database):
    one, _ = without_database
    assert stack.client.post("/participant", {"name": ""}).status == 400
    assert stack.client.get("/participant/x").status == 400
    assert stack.client.get("/nothing").status == 404


def test_service_is_back_within_a_second_and_without_restarts(
    stack, without_database, take_away
):
    one, other = without_database
    workers = stack.workers()

    def is_back():
        take_away(stack)
        for _ in range(20):
            assert stack.client.get(link(one)).status == 503
        bring_back(stack)
        for _ in range(21):
            eventually(lambda: stack.client.get(link(one)).status == 200, within=1)

    one_of(3, is_back)
    item = stack.client.publish(other)
    assert stack.client.inbound_ids(one)[0] == item
    assert stack.workers() == workers


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(stack):
    settle(stack)
    before = len(stack.log())
    one = stack.client.add_participant()

    def told():
        return [line for line in stack.log()[before:].splitlines() if " pg: database: " in line]

    stop_fast(stack)
    try:
        for _ in range(40):
            assert stack.client.get(link(one)).status == 503
            pause(0.05)
    finally:
        bring_back(stack)
    eventually(lambda: stack.client.get(link(one)).status == 200)
    eventually(lambda: told()[-1].endswith("answers again"))
    begins = [line for line in told() if "answers again" not in line]
    # a server that comes back may refuse somebody once more
    assert 1 <= len(begins) <= 3 and len(told()) == 2 * len(begins), told()


def refused(stack, since):
    """How many 503s the log tells of, by their cause."""
    counts = {}
    for line in stack.log()[since:].splitlines():
        total, _, causes = line.partition(" report: ")[2].partition(
            " requests were answered 503: ")
        for cause in filter(None, causes.split(", ")):
            count, _, words = cause.partition(" ")
            counts[words] = counts.get(words, 0) + int(count)
        if causes:
            assert int(total) == sum(int(c.split()[0]) for c in causes.split(", "))
    return counts


def test_what_was_answered_503_is_counted_in_the_log(stack):
    settle(stack)
    one = stack.client.add_participant()
    before = len(stack.log())

    def count_timeouts():  # an outage of before may still be told of
        counts = refused(stack, before)
        counts.pop("had no database", None)
        return sum(counts.values())

    with stack.holding_row(one):
        answers = [stack.client.patch(link(one), {"name": "B"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [503] * 3
    assert any("took too long" in answer.json["detail"] for answer in answers)
    eventually(lambda: count_timeouts() == 3)

    before = len(stack.log())
    stop_fast(stack)
    try:
        for _ in range(12):
            assert stack.client.get(link(one)).status == 503
        for pid in stack.workers():  # what they counted stays
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: refused(stack, before) == {"had no database": 12})
    finally:
        bring_back(stack)
    eventually(lambda: stack.client.get(link(one)).status == 200)


def test_workers_without_a_connection_leave_requests_to_those_with_one(make_stack):
    """The database allows five connections: the dispatcher has up to two."""
    stack = make_stack(WORKERS="8")
    one = stack.client.add_participant()
    stack.sql("ALTER ROLE newsfeed CONNECTION LIMIT 5")
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              " WHERE usename = 'newsfeed'")
    eventually(lambda: stack.client.get(link(one)).status == 200)
    eventually(lambda: stack.one(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'") == "5")

    def all_are_served():  # once each has found out that its connection is gone
        with Load(lambda _: stack.client.get(link(one)).status, threads=6) as load:
            eventually(load.more(300))
        return set(load.results) == {200}

    eventually(all_are_served)
    stack.sql("ALTER ROLE newsfeed CONNECTION LIMIT -1")
    eventually(lambda: stack.one(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'") in ("9", "10"))


def test_a_restart_in_the_background_is_hardly_noticed(stack):
    """Connections are gone, the database is not: a request may be 503 while it
    is away, and no longer; nothing answered 200 is lost."""
    one, other = stack.client.friends_of_new()
    body = {"subject": "A", "story": "B"}

    def post(_):
        return stack.client.post(f"{link(one)}/outbound", body)

    with Load(post) as load:
        eventually(load.more(20))
        stack.down("postgres", "INT")
        stack.up("postgres")
        eventually(lambda: stack.client.get(link(one)).status == 200)
        eventually(load.more(20))
    assert {answer.status for answer in load.results} <= {200, 503}
    done = {answer.json["id"] for answer in load.results if answer.status == 200}
    kept = {int(row[0]) for row in stack.sql(
        f"SELECT outbound_id FROM inbound WHERE participant_id = {other}")}
    assert done <= kept


def test_connections_cut_by_the_server_are_opened_anew_without_a_fault(patient):
    """As after an idle timeout or a failover: the first use finds it dead."""
    settle(patient)
    one = patient.client.add_participant()
    for _ in range(3):
        patient.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'newsfeed'")
        answers = [patient.client.get(link(one)) for _ in range(20)]
        assert {answer.status for answer in answers} == {200}


def test_writes_do_not_fail_once_a_restarted_database_is_back(patient):
    """Each worker finds its idle connection dead at its next request, however
    long after: nothing was sent over it, so it can be sent over a new one."""
    settle(patient)
    people = patient.client.add_participants(10)

    def rename(number):
        one = people[number % len(people)]
        return patient.client.patch(link(one), {"name": f"Number {number}"}).status

    keep_busy(rename)
    patient.down("postgres", "INT")
    patient.up("postgres")
    eventually(lambda: rename(0) == 200)
    assert set(keep_busy(rename)) == {200}


def test_a_statement_that_waits_too_long_is_503_and_leaves_no_trace(stack):
    one = stack.client.add_participant()
    marked = stack.client.with_headers(X_Request_Id=f"waited-for-{one}")

    def is_503_in_time():
        start = time.monotonic()
        assert marked.patch(link(one), {"name": "Late"}).status == 503
        assert time.monotonic() - start < 1.5

    with stack.holding_row(one):
        one_of(3, is_503_in_time)
    line = rf"worker \d+\[\d+\] waited-for-{one} "
    assert re.search(line, stack.log()), "the log does not name the request"
    assert stack.client.get(link(one)).json["name"] == "Somebody"
    assert stack.client.patch(link(one), {"name": "New"}).status == 200


def test_every_line_of_the_log_has_its_form(stack):
    """After all that was done to it above, and more: no library speaks."""
    stop_immediately(stack)
    stack.client.get("/participant/1")
    bring_back(stack)
    form = re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) "
        r"(master|worker \d+|dispatcher|monitor|newsfeed)\[\d+\]( [A-Za-z0-9._-]{1,64})? [a-z -]+: \S.*")
    others = [line for line in stack.log().splitlines() if not form.fullmatch(line)]
    assert others == []


def test_started_without_a_database_the_service_waits_for_it(stack):
    settle(stack)
    one = stack.client.add_participant()
    stack.down("newsfeed")
    stack.down("postgres", "INT")
    stack.up("newsfeed")
    try:
        assert stack.client.get(link(one)).status == 503
    finally:
        bring_back(stack)
    eventually(lambda: stack.client.get(link(one)).status == 200, within=SOON)
