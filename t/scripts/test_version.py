"""The version: the specification has it, and git says what came since."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from test_install import PROGRAM, make

SPEC = ROOT / "etc" / "openapi.yaml"
VERSION = re.search(r"^  version: (\S+)$", SPEC.read_text(), re.M)[1]


@pytest.fixture
def tree(folder):
    """A release's files, unpacked, that say which they are."""
    (folder / "etc").mkdir()
    shutil.copy(SPEC, folder / "etc")
    shutil.copy(ROOT / "GNUmakefile", folder)
    return folder


def release(tree):
    return make("--no-print-directory", "--eval=tell:; @echo '$(RELEASE)'", "tell",
                root=tree).strip()


class Git:
    def __init__(self, tree):
        self.tree = tree
        self("init", "-q")
        self("add", ".")
        self.commit()

    def __call__(self, *arguments):
        # No settings of whoever runs this, nor of a commit that is under way.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        result = subprocess.run(
            ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments],
            cwd=self.tree, check=True, capture_output=True, text=True,
            env={**environment, "GIT_CONFIG_GLOBAL": "/dev/null"})
        return result.stdout.strip()

    def commit(self):
        self("commit", "-q", "--allow-empty", "-m", "x")
        return self("describe", "--always")


@pytest.fixture
def git(tree):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    return Git(tree)


def test_the_program_has_that_of_the_specification():
    result = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True)
    assert re.fullmatch(rf"newsfeed {re.escape(VERSION)}(-\S+)?\n", result.stdout)


def test_the_change_log_knows_it():
    headings = re.findall(r"^## \[(\S+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased" and headings[1] == VERSION


def test_what_was_unpacked_has_it_alone(tree):
    assert release(tree) == VERSION


def test_a_release_has_it_alone(tree, git):
    git("tag", f"v{VERSION}")
    assert release(tree) == VERSION


def test_a_commit_since_is_named(tree, git):
    git("tag", f"v{VERSION}")
    git.commit()
    assert release(tree) == git("describe", "--tags").lstrip("v")
    assert release(tree).startswith(f"{VERSION}-1-g")


def test_a_commit_before_the_release_is_named(tree, git):
    git("tag", "v0.0.1")
    commit = git.commit()
    assert release(tree) == f"{VERSION}-g{commit}"


def test_changes_that_are_in_no_commit_are_told(tree, git):
    git("tag", f"v{VERSION}")
    with (tree / "GNUmakefile").open("a") as file:
        file.write("# mine\n")
    assert release(tree) == f"{VERSION}-dirty"


@pytest.mark.skipif(os.getuid() != 0, reason="root alone may give files away")
def test_root_is_told_of_the_checkout_of_another(tree, git):
    commit = git.commit()
    for path in (tree, *tree.rglob("*")):
        shutil.chown(path, "nobody")
    assert release(tree) == f"{VERSION}-g{commit}"
