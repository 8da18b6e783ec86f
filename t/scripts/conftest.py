"""Folders that the account which runs the stack can use."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    """One below the range that the kernel hands out by itself: there, any
    connection of anybody's may have taken it before it is in use."""
    while True:
        port = random.randrange(10240, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


class Stack:
    """contrib/stack on a folder of its own."""

    def __init__(self, run, script=ROOT / "contrib" / "stack"):
        self.run = run
        self.script = script

    def call(self, *arguments, **settings):
        """Exit code and all that was printed."""
        result = subprocess.run(
            [self.script, *arguments],
            env={**os.environ, "RUN": str(self.run), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return result.returncode, result.stdout


@pytest.fixture
def folder():
    """Removed afterwards; short, as a socket's path has to be."""
    path = Path(tempfile.mkdtemp(prefix="nf-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stack(folder):
    stack = Stack(folder / "run")
    yield stack
    code, output = stack.call("reset")
    assert code == 0, output
