"""From the packages of a release of before (build-from) to those of this one,
by the lines of README.Debian, while the service is in use."""

import re

from machine import SERVICES, packages, version  # noqa: F401, of the machine
from waiting import eventually

PACKAGES, NEXT = packages("deb.from"), packages("deb.next")

# What was changed on both sides is kept as it is, and not asked about.
KEEP = "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"


def test_the_release_of_before_serves(machine):
    machine.apt("install", *SERVICES, "nginx")
    machine.apt("install", *machine.take(PACKAGES))
    machine.set_up()
    assert machine.do("newsfeed", "--version") == f"newsfeed {version(PACKAGES)}\n"
    machine.befriend()
    machine.curl("/participant/1/outbound", {"subject": "Of before", "story": "It rained."})
    with machine.load():
        machine.do("sleep", "3")


def test_it_is_upgraded_in_use(machine):
    pids = machine.main_pid(), machine.main_pid("nginx")
    with machine.load():
        output = machine.apt(*KEEP, "install", *machine.take(NEXT))
        print(output)
        if re.search("goes on as it was", output):
            machine.do("sleep", "3")
            print(machine.do("newsfeed-setup", "database"))
            print(machine.do("newsfeed-setup", "refresh"))
        eventually(lambda: machine.do("newsfeed", "-c", "/etc/newsfeed/newsfeed.conf", "ready"))
        machine.do("sleep", "3")
    assert not set(pids) & {machine.main_pid(), machine.main_pid("nginx")}
    assert version(NEXT) in machine.do("journalctl", "-o", "cat", f"_PID={machine.main_pid()}")


def test_what_was_there_is_there(machine):
    assert machine.curl("/participant/2")["name"] == "Ben"
    [found] = machine.curl("/outbound/items?keywords=before")
    assert found["subject"] == "Of before"
    assert machine.do("newsfeed", "-c", "/etc/newsfeed/newsfeed.conf", "ready")
    with machine.load():
        machine.do("sleep", "3")
