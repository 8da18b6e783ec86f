"""The key file: read at start and on HUP, never by a worker."""

import os
import re
import signal

import pytest

from client import Client
from tokens import KEY, claims, sign, write_key
from waiting import eventually

pytestmark = pytest.mark.xdist_group("keys")

OTHER = KEY[::-1]
WORKERS = 2


@pytest.fixture(scope="module")
def stack(make_module_stack, module_folder):
    """Its workers are asked for everything, nginx keeps nothing."""
    file = write_key(module_folder, "key")
    stack = make_module_stack(
        FASTPATH="0", WORKERS=str(WORKERS), SETTINGS=f"auth.key_file={file}")
    stack.key = file
    return stack


def bearing(stack, key):
    token = sign(claims(0, scope="newsfeed:admin"), key=key)
    return Client(stack.port, headers={"Authorization": f"Bearer {token}"})


def replace_workers(stack):
    before = stack.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(set(stack.workers()) - set(before)) == WORKERS)


def only_key_that_holds(stack, key):
    """Asked so often that every worker has answered."""
    for _ in range(5 * WORKERS):
        for each in (KEY, OTHER):
            status = bearing(stack, each).get("/outbound?keywords=a").status
            if status != (200 if each == key else 401):
                return False
    return True


@pytest.fixture(scope="module")
def cached(make_module_stack, module_folder):
    """nginx keeps verdicts, and serves cached pages by them."""
    file = write_key(module_folder, "cached")
    stack = make_module_stack(SETTINGS=f"auth.key_file={file}")
    stack.key = file
    return stack


def test_a_reload_ends_what_nginx_knows_of_tokens_by_the_old_key(cached):
    """However often it was asked a moment ago; a verdict is kept for seconds."""
    for old, new in ((KEY, OTHER), (OTHER, KEY)):
        client = bearing(cached, old)
        path = f"/participant/{client.add_participant()}/inbound"
        client.hit(path)
        workers = set(cached.workers())
        write_key(cached.key.parent, cached.key.name, new)
        cached.kill("newsfeed", signal.SIGHUP)
        eventually(
            lambda: client.get(path).status
            and all(re.search(rf"\[{pid}\] ended", cached.log()) for pid in workers),
            every=0.001)
        assert client.get(path).status == 401
        assert bearing(cached, new).hit(path).status == 200


def test_a_key_that_changes_or_goes_concerns_nobody_until_a_reload(stack):
    write_key(stack.key.parent, stack.key.name, OTHER)
    replace_workers(stack)
    assert only_key_that_holds(stack, KEY)

    stack.key.unlink()
    replace_workers(stack)
    assert only_key_that_holds(stack, KEY)


def test_a_reload_without_a_key_is_refused(stack):
    stack.key.unlink(missing_ok=True)
    refusals = stack.log().count("the reload is refused")
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: stack.log().count("the reload is refused") > refusals)
    assert f"auth.key_file: cannot read {stack.key}" in stack.log()
    assert only_key_that_holds(stack, KEY)


def test_a_reload_takes_the_new_key(stack):
    write_key(stack.key.parent, stack.key.name, OTHER)
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: only_key_that_holds(stack, OTHER))
    replace_workers(stack)
    assert only_key_that_holds(stack, OTHER)


def test_a_reload_with_a_key_that_all_may_read_is_refused(stack):
    key = write_key(stack.key.parent, stack.key.name, KEY)
    key.chmod(0o644)
    refusals = stack.log().count("the reload is refused")
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: stack.log().count("the reload is refused") > refusals)
    assert f"`chmod o= {key}`" in stack.log()
    assert only_key_that_holds(stack, OTHER)


def test_a_line_at_start_says_when_requests_need_no_token(stack, door):
    line = "requests need no token"
    assert line in door.log() and line not in stack.log()
