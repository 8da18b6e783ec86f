"""t/run says what it ran, and no more; make help says what there is."""

import os
import subprocess

import pytest

from conftest import ROOT
from test_install import make


def run(word):
    """Output and exit code, for a kind that starts pytest."""
    environment = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
    result = subprocess.run(
        [ROOT / "t" / "run", "scripts"], env={**environment, "T": word},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=240)
    return result.stdout, result.returncode


def test_a_word_that_no_test_has_is_told_once():
    word = "no" + "such"
    assert run(word) == (f"There is no such test: T={word}\n0 passed, 0 failed\n", 1)


@pytest.mark.parametrize("word", ["a b", "a*", "or", "not"])
def test_what_is_no_word_is_refused(word):
    output, code = run(word)
    assert output.startswith(f"T={word}: it must be one word")
    assert code == 2


def test_help_names_the_variables():
    text = make("help")
    for name in ("PORT", "RUN", "T", "SANITIZE", "PREFIX"):
        assert f"{name}=" in text
