"""What can happen to a running service, by a word each."""

import contextlib
import os
import signal
from random import choice


def kill_one(stack, name):
    """One of these processes, unless none is there just now."""
    found = stack.children(name)
    with contextlib.suppress(ProcessLookupError):
        if found:
            os.kill(choice(found), signal.SIGKILL)


def restart(stack, piece, by="INT"):
    stack.down(piece, by)
    stack.up(piece)


TROUBLE = {
    "nothing": lambda stack: None,
    "reload": lambda stack: stack.kill("newsfeed", signal.SIGHUP),
    "nginx": lambda stack: stack.kill("nginx", signal.SIGHUP),
    "kill": lambda stack: kill_one(stack, "streamer"),
    "worker": lambda stack: kill_one(stack, "worker"),
    "publisher": lambda stack: kill_one(stack, "publisher"),
    "dispatcher": lambda stack: kill_one(stack, "dispatcher"),
    "memcached": lambda stack: restart(stack, "memcached", "KILL"),
    "postgres": lambda stack: restart(stack, "postgres"),
    "crash": lambda stack: restart(stack, "postgres", "QUIT"),
}


def disturb(stack, what):
    TROUBLE[what](stack)
