"""The stacks that tests talk to: two shared ones, and their own on request.

The first test that needs a shared stack starts it, whichever xdist worker it
runs in; the session that began it all stops what is left at its end.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from pytest import ExitCode

from stack import Stack, free_port, give_away

DOORS = {"fastpath": "1", "workers": "0"}


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group: tests of one worker")
    if hasattr(config, "workerinput"):
        config.base = Path(config.workerinput["base"])
    else:
        config.base = Path(tempfile.mkdtemp(prefix="nf-", dir="/tmp"))
        config.base.chmod(0o755)
        give_away(config.base)
    Stack.seeds = config.base / "seed"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The long ones first, which have stacks of their own: with xdist, the
    many short ones then fill what time is left."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["base"] = str(node.config.base)


def pytest_sessionfinish(session, exitstatus):
    config = session.config
    if hasattr(config, "workerinput"):
        return
    config.log_faults = []
    for run in sorted(config.base.iterdir()):
        if (run / "log").is_dir():
            stack = Stack(run, port=1)
            stack.destroy()
            config.log_faults += [f"{run}: {line}" for line in stack.faults()]
    if config.log_faults and exitstatus == 0:
        session.exitstatus = 1
    failed = session.exitstatus in (ExitCode.TESTS_FAILED, ExitCode.INTERNAL_ERROR)
    if not failed and not os.environ.get("KEEP"):
        shutil.rmtree(config.base, ignore_errors=True)


def pytest_terminal_summary(terminalreporter, config):
    for line in getattr(config, "log_faults", []):
        terminalreporter.write_line(f"never to be in a log: {line}", red=True)
    if config.base.exists():
        terminalreporter.write_line(f"logs are kept in {config.base}")


def shared(base, name, fastpath):
    """Starts the stack unless somebody did."""
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = base / f"{name}.port"
        if known.exists():
            port = known.read_text()
            if not port:
                pytest.fail(f"the stack {name} did not start", pytrace=False)
            return Stack(base / name, int(port))
        known.touch()
        stack = Stack(base / name, free_port(), FASTPATH=fastpath).start()
        known.write_text(str(stack.port))
        return stack


@pytest.fixture(scope="session", params=list(DOORS))
def door(request):
    """A shared stack, once with nginx's fast path and once without. Tests may
    add to it, and must neither stop nor reconfigure anything in it."""
    return shared(request.config.base, request.param, DOORS[request.param])


@pytest.fixture
def client(door):
    return door.client


@pytest.fixture(scope="session")
def fastpath(request):
    """The shared stack with the fast path alone."""
    return shared(request.config.base, "fastpath", "1")


@contextlib.contextmanager
def stacks_under(base):
    """make(SETTINGS=..., MEMCACHED=...) starts a stack; all are destroyed."""
    made = []

    def make(start=True, run=None, port=None, **environment):
        if run is None:
            run = tempfile.mkdtemp(prefix="s", dir=base)
            os.chmod(run, 0o755)
            give_away(run)
        stack = Stack(run, port, **environment)
        made.append(stack)
        return stack.start() if start else stack

    try:
        yield make
    finally:
        for stack in made:
            stack.destroy()
    bad = [line for stack in made for line in stack.faults()]
    assert not bad, "\n".join(bad)


@pytest.fixture
def make_stack(request):
    """Stacks of one test alone."""
    with stacks_under(request.config.base) as make:
        yield make


@pytest.fixture(scope="module")
def make_module_stack(request):
    """Stacks that the tests of one file share."""
    with stacks_under(request.config.base) as make:
        yield make


def make_folder(base):
    path = tempfile.mkdtemp(prefix="f", dir=base)
    os.chmod(path, 0o755)
    give_away(path)
    return Path(path)


@pytest.fixture
def folder(request):
    """A folder that the stack's account can read and write."""
    return make_folder(request.config.base)


@pytest.fixture(scope="module")
def module_folder(request):
    """The same for the tests of one file together."""
    return make_folder(request.config.base)
