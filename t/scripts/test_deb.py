"""Debian's packages, as far as their files alone can be looked at; make
check-deb tries them."""

import re
import subprocess

import pytest

from conftest import ROOT
from test_install import make

DEBIAN = ROOT / "contrib" / "debian"
CONTROL = (DEBIAN / "control").read_text()
SOURCES = re.search(r"SOURCES=\((.*?)\)", (DEBIAN / "build").read_text(), re.S)[1].split()


def field(name, package):
    """Of the stanza that begins so: the packages in it."""
    stanza = next(part for part in CONTROL.split("\n\n") if part.startswith(package))
    text = re.search(rf"^{name}:(.*(?:\n .*)*)", stanza, re.M)[1]
    return {part.split()[0] for part in text.split(",")}


def packages(list):
    text = (ROOT / "GNUmakefile").read_text()
    return set(re.search(rf"^{list} = ((?:.*\\\n)*.*)", text, re.M)[1].replace("\\", "").split())


def test_they_are_built_with_what_the_program_is():
    assert {name for name in packages("PACKAGES_BUILD") if name.endswith("-dev")} \
        - {"libc6-dev"} == field("Build-Depends", "Source") & packages("PACKAGES_BUILD") \
        - {"pkgconf"}


def test_they_bring_what_the_program_loads():
    plugins = {name for name in packages("PACKAGES_RUN") if name.startswith("lib")}
    assert plugins <= field("Depends", "Package: newsfeed\n")


@pytest.mark.parametrize("release, version", [
    ("1.0.0", "1.0.0"), ("1.0.0-18-g9778cf1", "1.0.0+18.g9778cf1"),
    ("1.0.0-g9778cf1-dirty", "1.0.0+g9778cf1.dirty")])
def test_a_release_has_a_version_of_debians(release, version):
    text = (DEBIAN / "build").read_text()
    function = re.search(r"^debian_version\(\).*?^}", text, re.M | re.S)[0]
    printed = subprocess.run(["bash", "-c", f'{function}; debian_version "$1"', "-", release],
                             check=True, capture_output=True, text=True).stdout.strip()
    assert printed == version
    subprocess.run(["dpkg", "--validate-version", version], check=True)
    subprocess.run(["dpkg", "--compare-versions", "1.0.0~", "lt", version], check=True)
    subprocess.run(["dpkg", "--compare-versions", version, "lt", "1.0.1"], check=True)


def test_the_next_ones_are_an_upgrade_of_any():
    [release] = set(re.findall(r"'\$\(VERSION\)-(\S+)'", (ROOT / "GNUmakefile").read_text()))
    later = "1.0.0+" + release.replace("-", ".")
    for version in "1.0.0", "1.0.0+18.g9778cf1", "1.0.0+gf778cf1.dirty":
        subprocess.run(["dpkg", "--compare-versions", version, "lt", later], check=True)


def test_what_the_packages_are_made_of_is_there():
    for path in SOURCES:
        assert (ROOT / path).exists(), path


def test_they_are_made_of_all_that_is_installed():
    rules = (ROOT / "GNUmakefile").read_text()
    paths = set(re.findall(r"call \$\(1\),(?:\$\(wildcard )?([a-z]+/[\w/.-]+)", rules))
    for name in "docs", "examples", "install":
        paths |= {line.split()[0] for line in (DEBIAN / f"newsfeed.{name}").read_text().splitlines()
                  if not line.startswith("debian/")}
    assert {"sql/migrate", "contrib/move-in", "contrib/prometheus", "README.md"} <= paths
    for path in paths:
        assert any(path == source or path.startswith(source + "/") for source in SOURCES), path


def test_the_units_are_sound_as_installed(folder):
    (folder / "newsfeed").write_text("#!/bin/sh\n")
    (folder / "newsfeed").chmod(0o755)
    make("install", "--old-file=all", "--old-file=module", f"BUILD={folder}",
         f"MODULE={folder}/none", f"prefix={folder}/usr", f"sysconfdir={folder}/etc")
    units = folder / "usr" / "lib" / "systemd" / "system"
    names = [name + kind for name in ("newsfeed", "newsfeed@two")
             for kind in (".service", ".socket")]
    result = subprocess.run(
        ["systemd-analyze", "--man=no", "verify", *names], capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"})
    ours = [line for line in result.stderr.splitlines() if "newsfeed" in line]
    assert ours == [] and result.returncode == 0, result.stderr
