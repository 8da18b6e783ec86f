"""From what `make install` of a release of before put there to this one, by the
lines of the guide (etc/README.md), while the service is in use."""

import re

from machine import ROOT, guide, packages, run
from machine import SERVICES as NEEDED
from waiting import eventually

BEFORE = ROOT / "build" / "from"
PACKAGES, NEXT = [], []

# And what the programs load, which their packages name.
SERVICES = {*NEEDED, *(
    name for file in packages("deb.from") + packages("deb.next")
    for name in re.findall(r"(?:^|, )([\w.+-]+)", run("dpkg-deb", "-f", file, "Depends"))
    if "newsfeed" not in name)}


def make(tree, *arguments):
    """Not with what the make above tells."""
    run("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "-C", tree, *arguments)


def test_the_release_of_before_serves(machine):
    for tree in BEFORE, ROOT:
        make(tree, "-j2", "all", "module")
    machine.apt("install", *SERVICES, "nginx")
    make(BEFORE, "install", f"DESTDIR={machine.root}")
    for title in "Account and database", "memcached", "nginx", "The service, under systemd":
        machine.type(guide(title, BEFORE)[0])
    machine.befriend()
    with machine.load():
        machine.do("sleep", "3")


def test_it_is_upgraded_in_use(machine):
    pids = machine.main_pid(), machine.main_pid("nginx")
    with machine.load():
        make(ROOT, "install", f"DESTDIR={machine.root}")
        print(machine.type("".join(guide("Upgrades"))))
        eventually(lambda: machine.do("/usr/local/sbin/newsfeed", "-c",
                                      "/etc/newsfeed/newsfeed.conf", "ready"))
        machine.do("sleep", "3")
    assert not set(pids) & {machine.main_pid(), machine.main_pid("nginx")}
    assert machine.curl("/participant/2")["name"] == "Ben"
    with machine.load():
        machine.do("sleep", "3")
