"""Folders that the account which runs the stack can use."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
