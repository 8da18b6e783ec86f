"""A log that nobody reads stops nothing."""

import contextlib
import os
import re
import signal

import pytest

from client import link
from stack import alive, give_away
from waiting import eventually

pytestmark = pytest.mark.xdist_group("log")


class Pipe:
    """What the service's log goes into, and its reader, who need not read."""

    def __init__(self, path):
        path.unlink()
        os.mkfifo(path)
        give_away(path)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.text = ""

    def fill(self):
        for size in 4096, 1:
            with contextlib.suppress(BlockingIOError):
                while os.write(self.fd, b"\n" * size):
                    pass

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.text += os.read(self.fd, 65536).decode()
        return self.text


@pytest.fixture
def stack(make_stack):
    return make_stack(WORKERS="2")


@pytest.fixture
def pipe(stack):
    path = stack.run / "log" / "newsfeed.log"
    stack.down("newsfeed")
    pipe = Pipe(path)
    pipe.fill()
    stack.up("newsfeed")
    yield pipe
    pipe.read()
    path.unlink()


def replace_workers(stack):
    before = set(stack.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(set(stack.workers()) - before) == 2)
    return before


def test_a_log_that_nobody_reads_stops_nothing(stack, pipe):
    one = stack.client.add_participant()
    for _ in range(3):
        replace_workers(stack)
        for _ in range(6):
            assert stack.client.get(link(one)).status == 200
    replace_workers(stack)

    pipe.read()
    eventually(lambda: re.search(r" log: [1-9][0-9]* lines were lost", pipe.read()))
    lines = [line for line in pipe.text.splitlines() if line]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\S+Z \w+ [^[]+\[\d+\] ", line) for line in lines)
    killed = replace_workers(stack)
    eventually(lambda: all(f"[{pid}] died of signal 9" in pipe.read() for pid in killed))


def test_a_service_whose_log_nobody_reads_obeys(stack, pipe):
    master, children = stack.pid("newsfeed"), stack.children()
    os.kill(master, signal.SIGTERM)
    eventually(lambda: not any(map(alive, [master, *children])))
