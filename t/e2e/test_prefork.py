"""Workers die, retire, get stuck, are reloaded: nobody outside notices."""

import ctypes
import os
import re
import shutil
import signal
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import link
from load import Load
from monitor import Monitor
from spec import FILE as SPEC
from stack import alive
from waiting import eventually, one_of, pause

pytestmark = pytest.mark.xdist_group("prefork")

LISTENING = "00010000"  # in /proc/net/unix
PIDFD_GETFD = 438  # of every architecture; Python has no name for it


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="3")


def test_a_killed_worker_is_replaced(stack):
    before = stack.workers()
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(stack.workers()) == 3 and before[0] not in stack.workers())
    assert stack.client.add_participant()


def test_signals_without_a_meaning_do_nothing(stack):
    eventually(lambda: len(stack.children()) == 6)
    processes = [stack.pid("newsfeed"), *stack.children()]
    others = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE,
              signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR,
              signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMAX}
    for pid in processes:
        for number in others:
            os.kill(pid, number)
    for _ in range(12):
        assert stack.client.add_participant()
    assert [stack.pid("newsfeed"), *stack.children()] == processes
    assert all(map(alive, processes))


def test_all_workers_killed_at_once_are_replaced(stack):
    before = set(stack.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(set(stack.workers()) - before) == 3)
    eventually(lambda: stack.client.post("/participant", {"name": "A"}).status == 200)


def test_a_killed_dispatcher_is_replaced(stack):
    before = stack.dispatcher()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: len(stack.children()) == 6 and not alive(before))
    author = stack.client.add_participant()
    stack.client.publish(author, f"after{author}")
    eventually(lambda: stack.client.search(f"after{author}") == [link(author)])


def test_a_death_is_logged_with_its_signal(stack):
    victim = stack.workers()[0]
    os.kill(victim, signal.SIGABRT)
    eventually(lambda: re.search(rf"\[{victim}\] .*signal 6 ", stack.log()))
    eventually(lambda: len(stack.workers()) == 3)


def are_new(stack, before, count):
    now = stack.workers()
    return len(now) == count and not before & set(now)


def test_reloads_under_load_fail_no_request(stack):
    one = stack.client.add_participant()

    def work(number):
        path = link(one) if number % 2 else f"{link(one)}/inbound"
        return stack.client.get(path).status

    with Load(work, threads=6) as load:
        for _ in range(4):
            before = set(stack.workers())
            eventually(load.more(20))
            stack.kill("newsfeed", signal.SIGHUP)
            eventually(lambda: are_new(stack, before, 3))
        eventually(load.more(20))
    assert set(load.results) == {200}


def test_ps_tells_the_processes_apart(stack):
    def title(pid):
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()

    eventually(lambda: len(stack.children()) == 6)
    assert re.fullmatch(r"newsfeed: master /\S+\.conf", title(stack.pid("newsfeed")))
    for pid in stack.workers():
        assert re.fullmatch(r"newsfeed: worker \d+", title(pid))
    assert title(stack.dispatcher()) == "newsfeed: dispatcher"
    assert title(stack.children("streamer")[0]) == "newsfeed: streamer"


def test_a_reload_keeps_the_master(stack):
    master = stack.pid("newsfeed")
    before = set(stack.workers())
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: not before & set(stack.workers()))
    assert stack.pid("newsfeed") == master and alive(master)


def listening_socket(stack):
    """The very one that the processes share, as a descriptor of ours."""
    path = str(stack.run / "newsfeed.sock")
    [inode] = [line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()
               if line.endswith(path) and line.split()[3] == LISTENING]
    master = stack.pid("newsfeed")
    [number] = [int(fd.name) for fd in Path(f"/proc/{master}/fd").iterdir()
                if os.readlink(fd) == f"socket:[{inode}]"]
    process = os.pidfd_open(master)
    try:
        return ctypes.CDLL(None).syscall(PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)


@pytest.mark.skipif(os.getuid() != 0, reason="root alone reaches the socket")
def test_workers_end_though_somebody_made_their_socket_block(stack):
    """As systemd does when it runs ExecReload."""
    before = set(all_workers(stack, 3))
    killed = stack.log().count("no sign of life")
    listening = listening_socket(stack)
    os.set_blocking(listening, True)
    pause(1.5)  # who waits for a connection looks every second
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: not before & set(stack.workers()))
    assert stack.log().count("no sign of life") == killed
    os.close(listening)


def test_workers_that_retire_under_load_fail_no_request(make_stack):
    stack = make_stack(WORKERS="3", SETTINGS="worker.max_requests=20")
    one = stack.client.add_participant()
    before = set(stack.workers())
    with Load(lambda _: stack.client.get(link(one)).status, threads=6) as load:
        eventually(load.more(400), within=60)
    assert set(load.results) == {200}
    assert not before & set(stack.workers())


@pytest.fixture
def own_spec(make_stack, folder):
    """(stack, file): a stack that reads a specification of its own."""
    file = folder / "openapi.yaml"
    shutil.copy(SPEC, file)
    return make_stack(SETTINGS=f"service.spec={file}"), file


def all_workers(stack, count):
    """The first of them may answer before the last one is there."""
    eventually(lambda: len(stack.workers()) == count)
    return stack.workers()


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_changed_specification_holds_after_a_reload(own_spec):
    stack, file = own_spec
    change(file, "maxLength: 100\n", "maxLength: 5\n")
    six = {"name": "123456"}
    assert stack.client.post("/participant", six).status == 200
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: stack.client.post("/participant", six).status == 400)
    assert stack.client.post("/participant", {"name": "12345"}).status == 200


def test_a_broken_specification_is_refused_and_the_old_one_stays(own_spec):
    stack, file = own_spec
    before = all_workers(stack, 8)
    change(file, "maxLength: 100\n", "maxLenght: 5\n")
    line = 1 + next(
        n for n, text in enumerate(file.read_text().splitlines()) if "maxLenght" in text)
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: f"{file}:{line}" in stack.log() and "maxLenght" in stack.log())
    assert stack.workers() == before
    assert stack.client.post("/participant", {"name": "a" * 100}).status == 200
    assert stack.client.post("/participant", {"name": "a" * 101}).status == 400


def test_broken_settings_are_refused_and_the_old_ones_stay(make_stack, folder):
    # An own settings file, given beside the stack's own overrides.
    file = folder / "newsfeed.conf"
    file.write_text("[worker]\nqueue_timeout = 5000\n")
    stack = make_stack(CONFIG=str(file), WORKERS="2")
    before = all_workers(stack, 2)
    file.write_text("[worker]\n\nqueue_timeout = soon\n")
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: f"{file}:3" in stack.log())
    assert stack.workers() == before
    assert stack.client.add_participant()


def test_quit_drains_the_request_in_work(make_stack):
    stack = make_stack(WORKERS="2", SETTINGS="db.statement_timeout=20000")
    one, other = stack.client.add_participants(2)
    master = stack.pid("newsfeed")
    with ThreadPoolExecutor(1) as pool:
        with stack.holding_row(one):
            path = f"{link(other)}/friends"
            running = pool.submit(stack.client.post, path, {"to": one})
            eventually(lambda: stack.waits_for(one))
            os.kill(master, signal.SIGQUIT)
            eventually(lambda: len(stack.children()) == 1)  # the idle ones left
            assert alive(master)
        assert running.result().status == 200
    eventually(lambda: not alive(master))
    assert stack.client.get(link(one)).status == 503


def test_term_ends_the_service_at_once(make_stack):
    stack = make_stack(WORKERS="2", SETTINGS="db.statement_timeout=20000")
    one = stack.client.add_participant()
    master, children = stack.pid("newsfeed"), stack.children()
    with ThreadPoolExecutor(1) as pool:
        with stack.holding_row(one):
            running = pool.submit(stack.client.patch, link(one), {"name": "B"})
            eventually(lambda: stack.waits_for(one))
            os.kill(master, signal.SIGTERM)
            eventually(lambda: not any(map(alive, [master, *children])), within=15)
        assert running.result().status == 503


def test_a_killed_master_takes_its_children_along(make_stack):
    """Or they would hold the socket of the next one."""
    stack = make_stack(WORKERS="2")
    master, children = stack.pid("newsfeed"), stack.children()
    os.kill(master, signal.SIGKILL)
    eventually(lambda: not any(map(alive, children)))
    stack.down("newsfeed")
    stack.up("newsfeed")
    eventually(lambda: stack.client.post("/participant", {"name": "A"}).status == 200)


def test_without_workers_nginx_answers_503_and_cached_pages(make_stack):
    stack = make_stack(WORKERS="1")
    one = stack.client.add_participant()
    stack.client.hit(f"{link(one)}/inbound")
    stack.down("newsfeed")
    answer = stack.client.get(link(one), headers={"X-Request-Id": "nobody-there"})
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json["request_id"] == "nobody-there"
    stack.client.hit(f"{link(one)}/inbound")


def ends(stack):
    """How workers have ended, as the monitor tells it."""
    metrics = Monitor(stack).metrics()
    counts = {cause: metrics.sum("newsfeed_process_ends_total", process="worker", cause=cause)
              for cause in ("retired", "failed", "died", "stuck", "silent", "late")}
    return {cause: count for cause, count in counts.items() if count}


def test_a_stuck_worker_is_killed_replaced_and_named_in_the_log(make_stack):
    stack = make_stack(
        WORKERS="1", SETTINGS="worker.request_timeout=10000 db.statement_timeout=9000"
                              " db.connect_timeout=9000")
    one = stack.client.add_participant()
    (stuck,) = stack.workers()
    patient = stack.client.with_headers(X_Request_Id="stuck-request-1")
    with ThreadPoolExecutor(1) as pool:
        with stack.holding_row(one):
            start = time.monotonic()
            running = pool.submit(patient.patch, link(one), {"name": "B"})
            eventually(lambda: stack.waits_for(one))
            os.kill(stuck, signal.SIGSTOP)
            assert running.result().status == 503
            assert time.monotonic() - start < 30
            eventually(lambda: not alive(stuck))
    eventually(lambda: stack.workers() and stack.workers() != [stuck])
    lines = stack.log().splitlines()
    assert any("stuck-request-1" in line and str(stuck) in line for line in lines)
    assert stack.client.add_participant()
    assert ends(stack) == {"stuck": 1}


def test_idle_workers_that_stand_still_are_replaced_and_hold_no_request(make_stack):
    stack = make_stack(WORKERS="2")
    one = stack.client.add_participant()
    first, second = all_workers(stack, 2)
    pause(0.5)  # whoever has answered is idle by then
    os.kill(first, signal.SIGSTOP)
    for _ in range(8):  # the kernel wakes either of the two
        assert stack.client.get(link(one)).status == 200
    pause(0.5)
    os.kill(second, signal.SIGSTOP)
    eventually(lambda: not alive(first) and not alive(second), within=60)
    eventually(lambda: stack.client.get(link(one)).status == 200)
    for pid in first, second:
        assert re.search(rf"worker \d \[{pid}\] is killed: no sign of life", stack.log())
    assert ends(stack) == {"silent": 2}


def test_a_dispatcher_that_stands_still_is_replaced(stack):
    eventually(stack.has_caught_up)
    before = stack.dispatcher()
    os.kill(before, signal.SIGSTOP)
    eventually(lambda: not alive(before), within=100)  # it may have been at work
    assert re.search(rf"dispatcher \[{before}\] is killed", stack.log())
    author = stack.client.add_participant()
    stack.client.publish(author, f"again{author}")
    eventually(lambda: stack.client.search(f"again{author}") == [link(author)])


def test_a_service_that_stood_still_as_a_whole_goes_on(stack):
    """As after Ctrl-Z, or with the machine: nobody is to blame."""
    eventually(lambda: len(stack.children()) == 6)
    master, children = stack.pid("newsfeed"), stack.children()
    for pid in master, *children:
        os.kill(pid, signal.SIGSTOP)
    pause(17)
    for pid in master, *children:
        os.kill(pid, signal.SIGCONT)
    for _ in range(6):
        assert stack.client.add_participant()
    assert stack.children() == children


@pytest.fixture(scope="module")
def small(make_module_stack):
    """Two workers, of whom each is given a second for a request."""
    return make_module_stack(
        WORKERS="2", SETTINGS="worker.request_timeout=1000 db.statement_timeout=900"
                              " db.connect_timeout=900")


def fastcgi_peers(stack, count, data=b""):
    """Connections to the workers' own socket, past nginx."""
    peers = [socket.socket(socket.AF_UNIX) for _ in range(count)]
    for peer in peers:
        peer.connect(str(stack.run / "newsfeed.sock"))
        peer.sendall(data)
    return peers


def record(kind, content=b""):
    """Of FastCGI, for request 1."""
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


@pytest.mark.parametrize(
    "data",
    {
        "nothing": b"",
        "half a header": b"\x01\x01",
        "a request begun": record(1, b"\0\1\0\0\0\0\0\0"),
        "no FastCGI": b"GET / HTTP/1.1\r\n\r\n",
        "a huge parameter": record(1, b"\0\1\0\0\0\0\0\0") + record(4, b"\xff" * 16),
        "random": bytes(range(256)) * 40,
    }.items(),
    ids=lambda pair: pair[0],
)
def test_peers_that_do_not_speak_fastcgi_cannot_hold_the_service(small, data):
    peers = fastcgi_peers(small, 6, data[1])
    try:
        eventually(lambda: small.client.post("/participant", {"name": "A"}).status == 200)
    finally:
        for peer in peers:
            peer.close()
    eventually(lambda: len(small.workers()) == 2)


def test_a_silent_peer_holds_a_worker_for_a_second(make_stack):
    stack = make_stack(WORKERS="1")
    before = all_workers(stack, 1)

    def is_served_between():
        peers = fastcgi_peers(stack, 3)
        start = time.monotonic()
        assert stack.client.add_participant()
        took = time.monotonic() - start
        for peer in peers:
            peer.close()
        assert took < 5, f"{took} s"

    one_of(3, is_served_between)
    peers = fastcgi_peers(stack, 2, b"\x01\x01")  # half a header
    assert stack.client.add_participant()
    for peer in peers:
        peer.close()
    assert stack.workers() == before


def test_the_socket_of_the_workers_is_for_owner_and_group_alone(small):
    assert (small.run / "newsfeed.sock").stat().st_mode & 0o777 == 0o660


def test_requests_that_waited_too_long_are_503(make_stack):
    """The only worker is held; who comes meanwhile is not served hours later."""
    stack = make_stack(
        WORKERS="1", SETTINGS="worker.queue_timeout=2000 db.statement_timeout=20000")
    one = stack.client.add_participant()
    with ThreadPoolExecutor(5) as pool:
        with stack.holding_row(one):
            first = pool.submit(stack.client.patch, link(one), {"name": "B"})
            eventually(lambda: stack.waits_for(one))
            start = time.monotonic()
            late = [pool.submit(stack.client.get, link(one)) for _ in range(4)]
            eventually(lambda: time.monotonic() - start > 4)
        assert first.result().status == 200
        answers = [each.result() for each in late]
    assert {answer.status for answer in answers} == {503}
    assert all("waited too long" in answer.json["detail"] for answer in answers)
    assert all("retry-after" in answer.headers for answer in answers)
    assert stack.client.get(link(one)).status == 200
