"""make install: puts everything in its place, and keeps the settings there."""

import os
import subprocess

import pytest

from conftest import ROOT


@pytest.fixture
def install(folder):
    """Installs below the folder, with an empty file for the program."""
    (folder / "newsfeed").touch()

    def install():
        environment = {k: v for k, v in os.environ.items() if "MAKE" not in k}
        result = subprocess.run(
            ["make", "-C", ROOT, "install", "--old-file=all", f"BUILD={folder}",
             f"DESTDIR={folder}", "PREFIX=/opt", "SYSCONFDIR=/etc"],
            env=environment, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return [line for line in result.stdout.splitlines() if "is kept" in line]

    return install


def test_all_is_in_its_place(folder, install):
    assert install() == []
    for path in (
        "opt/sbin/newsfeed", "opt/share/newsfeed/openapi.yaml",
        "opt/share/newsfeed/sql/migrate", "opt/lib/systemd/system/newsfeed.socket",
        "etc/newsfeed/newsfeed.conf", "etc/nginx/newsfeed/http.conf",
    ):
        assert (folder / path).is_file(), path
    unit = folder / "opt/lib/systemd/system/newsfeed.service"
    assert "ExecStart=/opt/sbin/newsfeed -c /etc/newsfeed/" in unit.read_text()


@pytest.mark.parametrize("name", ["newsfeed/newsfeed.conf", "nginx/newsfeed/http.conf"])
def test_settings_are_kept_and_the_new_ones_put_beside(folder, install, name):
    install()
    file = folder / "etc" / name
    original = file.read_text()
    file.write_text("mine\n")
    (line,) = install()
    assert str(file) in line and f"{file}.new" in line
    assert file.read_text() == "mine\n"
    assert (file.parent / f"{file.name}.new").read_text() == original
