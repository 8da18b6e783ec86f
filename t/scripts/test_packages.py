"""contrib/install-packages, with a dpkg and an apt-get that the test plays."""

import os
import subprocess

import pytest

from conftest import ROOT

FAKES = {
    "sudo": 'shift; exec "$@"',
    "systemctl": "exit 0",
    "dpkg-query": "cat installed",
    # Two at once collide, as with apt's own lock; and what the first one of
    # them made to keep services from starting has to be there until its end.
    "apt-get": """
        mkdir lists || exit 100
        sleep 0.2
        [[ -e policy-rc.d && -e createcluster.d/newsfeed.conf ]] || exit 100
        [[ $1 == update ]] || printf 'installed %s\\n' "${@:5}" >>installed
        rmdir lists""",
}


@pytest.fixture
def install(folder):
    """Starts it in the folder, which it takes for the machine."""
    for name, text in FAKES.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "installed").write_text("installed gcc\n")
    text = (ROOT / "contrib" / "install-packages").read_text()
    for place in "/usr/sbin/", "/etc/postgresql-common/":
        assert f"={place}" in text
        text = text.replace(f"={place}", f"={folder}/")
    script = folder / "install-packages"
    script.write_text(text)
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return lambda *packages: subprocess.Popen(
        [script, *packages], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)


def succeeds(process):
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def test_what_is_there_is_left_alone(install):
    assert succeeds(install("gcc")) == ""


def test_several_at_once_wait_for_each_other(folder, install):
    """As the targets of make do, that need packages and run in parallel."""
    for process in [install("gcc", "nginx"), install("gcc", "nginx", "check"),
                    install("check", "memcached")]:
        succeeds(process)
    installed = (folder / "installed").read_text().split("\n")[:-1]
    assert sorted(installed) == [f"installed {name}" for name in (
        "check", "gcc", "memcached", "nginx")]
    assert not (folder / "policy-rc.d").exists()
    assert not (folder / "createcluster.d" / "newsfeed.conf").exists()
