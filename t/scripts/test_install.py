"""make install: puts everything in its place, and keeps the settings there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

PROGRAM = Path(os.environ.get("PROGRAM", ROOT / "build" / "newsfeed"))
SCRIPT = ROOT / "contrib" / "install-settings"


def make(*arguments, root=ROOT):
    """What it printed. Its own variables are no business of a make above."""
    environment = {k: v for k, v in os.environ.items() if "MAKE" not in k}
    result = subprocess.run(
        ["make", "-C", root, *arguments], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture
def install(folder):
    """Installs below the folder, with an empty file for the program."""
    (folder / "newsfeed").touch()
    return lambda: make(
        "install", "--old-file=all", "--old-file=module", f"BUILD={folder}",
        f"DESTDIR={folder}", "PREFIX=/opt", "SYSCONFDIR=/etc")


@pytest.fixture
def build(folder):
    """What is built already, so that only what has to be is built anew."""
    copy = folder / "build"
    copy.mkdir()
    shutil.copy2(PROGRAM, copy)
    shutil.copy2(PROGRAM.parent / "flags", copy)
    shutil.copytree(PROGRAM.parent / "app", copy / "app")
    return copy


def test_all_is_in_its_place(folder, install):
    install()
    for path in (
        "opt/sbin/newsfeed", "opt/share/newsfeed/openapi.yaml",
        "opt/share/newsfeed/pages/index.html",
        "opt/share/newsfeed/docs/swagger-ui/manifest",
        "opt/share/newsfeed/sql/migrate", "opt/share/newsfeed/move-in",
        "opt/share/man/man8/newsfeed.8",
        "opt/share/man/man5/newsfeed.conf.5",
        "opt/share/bash-completion/completions/newsfeed",
        "opt/lib/systemd/system/newsfeed.socket",
        "etc/newsfeed/newsfeed.conf", "etc/nginx/newsfeed/http.conf",
        "etc/nginx/newsfeed/pages.conf",
    ):
        assert (folder / path).is_file(), path
    unit = folder / "opt/lib/systemd/system/newsfeed.service"
    assert "ExecStart=/opt/sbin/newsfeed -c /etc/newsfeed/" in unit.read_text()


def test_other_folders_are_in_all_that_names_folders(folder, build):
    make("install", f"BUILD={build}", f"DESTDIR={folder}/to", "PREFIX=/usr",
         "SYSCONFDIR=/srv/etc")
    program = folder / "to/usr/sbin/newsfeed"
    for file in (folder / "to").rglob("*"):
        if file.is_file() and not file.suffix == ".so" and file != program:
            found = re.findall(r"/usr/local.*|(?<!/srv)/etc/(?:nginx/)?newsfeed.*",
                               file.read_text())
            assert not found, file
    printed = subprocess.run([program, "--print-config"], capture_output=True, text=True)
    assert "\nspec = /usr/share/newsfeed/openapi.yaml\n" in printed.stdout
    assert b"/usr/local/share" not in program.read_bytes()


def test_gnus_names_of_folders_count(folder, build):
    names = {"sbindir": "/a/programs", "libdir": "/a/lib", "datadir": "/a/data",
             "mandir": "/a/man", "sysconfdir": "/a/settings",
             "systemdsystemunitdir": "/a/units"}
    make("install", f"BUILD={build}", f"DESTDIR={folder}/to", "prefix=/b",
         *(f"{name}={path}" for name, path in names.items()))
    to = folder / "to"
    assert [path.name for path in to.iterdir()] == ["a"]
    for path in ("programs/newsfeed", "data/newsfeed/openapi.yaml", "man/man8/newsfeed.8",
                 "settings/newsfeed/newsfeed.conf"):
        assert (to / "a" / path).is_file(), path
    unit = to / "a" / "units" / "newsfeed@.service"
    assert "ExecStart=/a/programs/newsfeed -c /a/settings/newsfeed/%N.conf\n" in unit.read_text()
    assert b"/a/data/newsfeed/openapi.yaml" in (to / "a/programs/newsfeed").read_bytes()


def test_uninstall_leaves_nothing_but_what_was_changed(folder, install):
    before = {path for path in folder.rglob("*") if path.is_file()}
    install()
    mine = folder / "etc" / "newsfeed" / "newsfeed.conf"
    mine.write_text("mine\n")
    other = folder / "opt" / "sbin" / "other"
    other.touch()
    assert f"{mine} is kept" in make(
        "uninstall", f"BUILD={folder}", f"DESTDIR={folder}", "PREFIX=/opt", "SYSCONFDIR=/etc")
    after = {path for path in folder.rglob("*") if path.is_file()}
    assert after - before == {mine, other}
    assert not (folder / "opt" / "share" / "newsfeed").exists()
    assert not (folder / "etc" / "nginx" / "newsfeed").exists()


def test_the_manual_has_the_version(folder, build):
    make("install", f"BUILD={build}", f"DESTDIR={folder}", "RELEASE=2.0.0")
    page = folder / "usr/local/share/man/man8/newsfeed.8"
    assert "\n.Os newsfeed 2.0.0\n" in page.read_text()


def test_another_prefix_or_commit_builds_one_object_anew(build):
    def built(*arguments):
        return re.findall(r"CC +\S+/(\w+\.o)", make(f"BUILD={build}", *arguments))

    built()
    assert built() == []
    assert built("PREFIX=/usr") == ["release.o"]
    assert built("PREFIX=/usr", "RELEASE=2.0.0") == ["release.o"]
    result = subprocess.run([build / "newsfeed", "--version"], capture_output=True)
    assert result.stdout == b"newsfeed 2.0.0\n"


# --- settings ---------------------------------------------------------------

class Settings:
    """A file of settings through its releases; None: there is none."""

    def __init__(self, folder):
        self.release = folder / "release"
        self.here = folder / "etc"

    def install(self, text):
        new = self.release.with_name("release.new") / "nginx" / "file"
        new.parent.mkdir(parents=True)
        new.write_text(text)
        result = subprocess.run([SCRIPT, self.release, self.here], check=True,
                                capture_output=True, text=True)
        return result.stdout

    def read(self, name="file"):
        path = self.here / "nginx" / name
        return path.read_text() if path.exists() else None

    def write(self, text):
        (self.here / "nginx" / "file").write_text(text)


@pytest.fixture
def settings(folder):
    settings = Settings(folder)
    assert settings.install("one") == ""
    return settings


def test_what_nobody_has_changed_follows_the_release(settings):
    assert "etc/nginx/file is" in settings.install("two")
    assert (settings.read(), settings.read("file.new")) == ("two", None)


def test_what_the_release_has_not_changed_brings_no_new_one(settings):
    settings.write("mine")
    assert settings.install("one") == ""
    assert (settings.read(), settings.read("file.new")) == ("mine", None)


def test_what_both_have_changed_is_kept_and_the_new_one_put_beside(settings):
    settings.write("mine")
    assert "etc/nginx/file.new" in settings.install("two")
    assert (settings.read(), settings.read("file.new")) == ("mine", "two")
    assert settings.install("two") == ""
    assert (settings.read(), settings.read("file.new")) == ("mine", "two")


def test_what_was_taken_over_needs_no_new_one(settings):
    settings.write("mine")
    settings.install("two")
    settings.write("two")
    settings.install("two")
    assert (settings.read(), settings.read("file.new")) == ("two", None)


def test_what_was_removed_comes_again(settings):
    (settings.here / "nginx" / "file").unlink()
    settings.install("one")
    assert settings.read() == "one"


def test_where_the_last_release_is_not_known_what_is_there_is_kept(settings):
    shutil.rmtree(settings.release)
    assert "etc/nginx/file.new" in settings.install("two")
    assert (settings.read(), settings.read("file.new")) == ("one", "two")


def test_install_keeps_what_was_changed(folder, install):
    install()
    file = folder / "etc/newsfeed/newsfeed.conf"
    file.write_text("mine\n")
    install()
    assert file.read_text() == "mine\n"
    assert sorted(file.parent.iterdir()) == [file, file.with_name("newsfeed.minimal.conf")]


def test_an_upgrade_names_the_next_step_of_nginx(folder, install):
    step = "--cache-map"
    assert step not in install()
    (folder / "etc/nginx/newsfeed/cache_map.conf").touch()
    output = install()
    assert "/opt/sbin/newsfeed -c /etc/newsfeed/newsfeed.conf --cache-map" in output
    assert "/etc/nginx/newsfeed/cache_map.conf" in output
    assert "nginx -t && service nginx upgrade" in output
