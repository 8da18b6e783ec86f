"""The protocol by which feeds stay warm, in every order of its steps: warm.pml
holds as it is, and no more without any one of its guards."""

import re
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("warm.pml")


def check(folder, *settings):
    """What spin found wrong, or None when it has been everywhere."""
    def run(*command):
        return subprocess.run(command, cwd=folder, check=True, timeout=280,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True).stdout

    run("spin", *(f"-D{setting}" for setting in settings), "-a", MODEL)
    run("gcc", "-O1", "-w", "-DSAFETY", "-DNOFAIR", "-DCOLLAPSE",
        "-o", "pan", "pan.c")
    output = run("./pan", "-E", "-m100000", "-w22")
    if found := re.search(r"assertion violated (.*) \(at depth", output):
        return found[1]
    assert "errors: 0" in output and "not completed" not in output \
        and "too small" not in output, output
    return None


# All five together take minutes: check(folder) without a CAST.
@pytest.mark.parametrize("settings", [
    ("CAST=A+B+UNFRIENDING+REMOVAL",),
    ("CAST=A+C+UNFRIENDING+REMOVAL",),
    ("CAST=A+B+C", "LIMIT_STORED=1"),
    ("CAST=A+B+UNFRIENDING", "READ_APART"),
    ("CAST=A+C+REMOVAL", "READ_APART"),
    ("CAST=A+UNFRIENDING+REMOVAL", "REPLICA"),
    ("CAST=C+UNFRIENDING", "REPLICA"),
    ("CAST=A+B", "REPLICA"),
], ids=",".join)
def test_it_holds(tmp_path, settings):
    assert check(tmp_path, *settings) is None


# Who it takes, and which promise breaks.
@pytest.mark.parametrize("guard, settings, promise", [
    ("CAS", ("CAST=A",), "missing"),
    ("CHANGE", ("CAST=A",), "missing"),
    ("FLOOR", ("CAST=A+B+C", "LIMIT_STORED=1"), "missing"),
    ("COVERS", ("CAST=A+UNFRIENDING",), "known"),
    ("ONCE", ("CAST=A",), "again"),
    ("REFUSED", ("CAST=A",), "missing"),
    ("COVERS", ("CAST=C+UNFRIENDING",), "known"),
    ("LISTED", ("CAST=A+UNFRIENDING",), "known"),
    ("LISTED", ("CAST=C+UNFRIENDING",), "known"),
    ("FRAMES_FIRST", ("CAST=A",), "missing"),
    ("FRAMES_FIRST", ("CAST=C",), "missing"),
    ("CONFIRMATION", ("CAST=A",), "missing"),
    ("TURN", ("CAST=C",), "missing"),
    ("FENCE", ("CAST=A",), "missing"),
    ("DROP", ("CAST=A+UNFRIENDING",), "known"),
    ("ORDER", ("CAST=A+UNFRIENDING",), "known"),
    ("FORMER", ("CAST=A+UNFRIENDING+REMOVAL",), "known"),
    ("CLAIM_FIRST", ("CAST=A+UNFRIENDING", "READ_APART"), "known"),
    ("SNAPSHOT_FIRST", ("CAST=A", "READ_APART"), "missing"),
    ("POSITION", ("CAST=A", "REPLICA"), "missing"),
    ("POSITION", ("CAST=A+UNFRIENDING", "REPLICA"), "known"),
    ("VAGUENESS", ("CAST=A+B", "REPLICA"), "missing"),
])
def test_each_guard_is_needed(tmp_path, guard, settings, promise):
    assert promise in str(check(tmp_path, f"WITHOUT_{guard}", *settings))


def test_frames_are_served(tmp_path):
    """Or nothing would have been shown about them."""
    assert "front" in str(check(tmp_path, "NEVER_WARM", "CAST=A"))


def test_a_frame_that_is_late_for_a_read_cools_nothing(tmp_path):
    """That is all what leaving out what the page's reader saw is for."""
    assert check(tmp_path, "ALWAYS_WARM", "CAST=A") is None
    assert check(tmp_path, "ALWAYS_WARM", "CAST=A", "WITHOUT_VISIBLE") == "0"
