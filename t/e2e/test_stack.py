"""contrib/stack: what starts and stops all of this, here and for `make run`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile

import pytest

from stack import SCRIPT, alive, children_of, name_of
from waiting import eventually

pytestmark = pytest.mark.xdist_group("stack")

PIECES = ("postgres", "memcached", "newsfeed", "nginx")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="1")


def test_status_names_every_piece(stack):
    result = stack.call("status")
    assert all(piece in result.stdout for piece in PIECES)


def test_a_start_prints_commands_that_work_as_they_are(make_stack):
    stack = make_stack(start=False, WORKERS="1")
    printed = stack.call("start").stdout
    assert printed.splitlines()[0].endswith(f" http://127.0.0.1:{stack.port}/")
    commands = "\n".join(line for line in printed.splitlines() if line.startswith("  curl "))
    result = subprocess.run(
        ["bash", "-e", "-c", commands], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    [ann, ben], friendship, post = map(json.loads, result.stdout.splitlines())
    assert (ann["name"], ben["name"]) == ("Ann", "Ben")
    assert friendship["to"] == "/participant/2"
    assert f"http://127.0.0.1:{stack.port}/participant/2/inbound" in printed
    item, = stack.client.inbound(2)
    assert (item["id"], item["subject"], item["story"]) == (post["id"], "Hello", "It works.")


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone hands over to an account")
def test_root_runs_it_below_a_folder_of_its_own(make_stack, request):
    closed = tempfile.mkdtemp(prefix="c", dir=request.config.base)
    assert os.stat(closed).st_mode & 0o077 == 0
    stack = make_stack(run=f"{closed}/run", WORKERS="1", FASTPATH="1")
    reader = stack.client.add_participant()
    stack.client.hit(f"/participant/{reader}/inbound")


def test_data_is_kept_from_one_run_to_the_next(stack):
    one = stack.client.add_participant("Kept")
    stack.stop()
    assert stack.call("status", check=False).returncode != 0
    stack.start()
    assert stack.client.get(f"/participant/{one}").json["name"] == "Kept"


def test_a_second_stack_in_the_same_folder_is_refused(stack, make_stack):
    pids = [stack.pid(piece) for piece in PIECES]
    second = make_stack(start=False, run=stack.run)
    result = second.call("start", check=False)
    assert result.returncode != 0
    assert str(stack.run) in result.stdout
    assert [stack.pid(piece) for piece in PIECES] == pids
    assert stack.client.add_participant()
    second.run = stack.run / "nothing"  # not to be destroyed with the test


def test_a_taken_port_is_named_and_nothing_is_left_running(make_stack):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stack = make_stack(start=False, port=port)
        result = stack.call("start", check=False)
    assert result.returncode != 0
    assert str(port) in result.stdout
    assert stack.call("status", check=False).returncode != 0
    assert not list(stack.run.glob("*.pid"))


def test_two_stacks_run_side_by_side(stack, make_stack):
    other = make_stack(WORKERS="1")
    stack.client.add_participant("Here")
    there = other.client.add_participant("There")
    other.stop()
    assert there == 1
    assert stack.client.add_participant() > there


def test_pieces_go_down_and_up_one_by_one(stack):
    for piece in PIECES:
        pid = stack.pid(piece)
        stack.down(piece)
        assert not alive(pid)
        stack.up(piece)
        eventually(lambda: stack.client.post("/participant", {"name": "A"}).status == 200)


def test_start_after_everything_was_killed(stack):
    for piece in PIECES:
        os.kill(stack.pid(piece), signal.SIGKILL)
    stack.call("stop")
    stack.start()
    assert stack.client.add_participant()


def test_without_the_program_it_says_what_to_do(make_stack):
    stack = make_stack(start=False, PROGRAM="/nowhere/newsfeed")
    result = stack.call("start", check=False)
    assert result.returncode != 0
    assert "/nowhere/newsfeed" in result.stdout and "make" in result.stdout


def test_a_folder_that_is_not_its_own_is_left_alone(folder, make_stack):
    (folder / "precious").write_text("mine")
    stack = make_stack(start=False, run=folder)
    for command in ("start", "reset"):
        assert stack.call(command, check=False).returncode != 0
    assert [entry.name for entry in folder.iterdir()] == ["precious"]


def test_reset_removes_the_data(make_stack):
    stack = make_stack(WORKERS="1")
    stack.client.add_participants(2)
    stack.call("reset")
    assert not stack.run.exists()
    stack.start()
    assert stack.client.add_participant() == 1


@pytest.fixture
def run_in_foreground(make_stack):
    """A stack and the script that runs it, once that has said that it does."""
    @contextlib.contextmanager
    def run():
        stack = make_stack(start=False, WORKERS="1")
        environment = {**os.environ, **stack.environment,
                       "RUN": str(stack.run), "PORT": str(stack.port)}
        with subprocess.Popen(
            [str(SCRIPT), "run"], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:
            try:
                assert any("The logs:" in line for line in process.stdout)
                yield stack, process
            finally:
                process.kill()
    return run


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_run_in_the_foreground_ends_wholly_on_a_signal(run_in_foreground, by):
    with run_in_foreground() as (stack, process):
        assert stack.client.add_participant()
        pids = [stack.pid(piece) for piece in PIECES] + stack.children()
        process.send_signal(by)
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert not any(map(alive, pids))


def test_a_run_that_is_killed_lets_go_of_its_output(run_in_foreground):
    with run_in_foreground() as (_, process):
        eventually(lambda: "tail" in map(name_of, children_of(process.pid)))
        process.kill()
        process.communicate(timeout=60)


def test_the_run_leaves_an_ended_piece_down_and_the_rest_up(make_stack):
    """Started again by hand; the service meanwhile does what it can."""
    stack = make_stack(WORKERS="1")
    stack.kill("memcached", signal.SIGKILL)
    assert stack.client.add_participant()
    assert stack.call("status", check=False).returncode == 3
    stack.up("memcached")
    assert stack.call("status").returncode == 0
