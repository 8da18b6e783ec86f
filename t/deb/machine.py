"""A machine of its own for the packages: Debian in a folder, started by
systemd-nspawn with a network of its own, so that its services meet none of
those here."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def run(*command, **more):
    """What it printed."""
    result = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=600, **more)
    assert result.returncode == 0, f"{command}: {result.stdout}"
    return result.stdout


def eventually(check, within=60):
    """An AssertionError inside check means "not yet"."""
    end = time.monotonic() + within
    while True:
        try:
            if result := check():
                return result
            cause = "it never was"
        except AssertionError as error:
            cause = error
        assert time.monotonic() < end, cause
        time.sleep(0.05)


class Machine:
    def __init__(self, root):
        self.root = root
        self.boot = None

    def make(self):
        """In memory, where nothing waits for a disk."""
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root)
        run("debootstrap", "--variant=minbase", "--include=systemd-sysv,dbus,ca-certificates",
            "bookworm", self.root, MIRROR)
        if SOURCES.exists():
            shutil.copy(SOURCES, self.root / "etc/apt/sources.list.d")
            (self.root / "etc/apt/sources.list").write_text("")

    def fetch(self, *packages):
        """Beside its start, for it has no network then."""
        run("chroot", self.root, "apt-get", "-q", "update")
        run("chroot", self.root, "apt-get", "-q", "-y", "--no-install-recommends",
            "--download-only", "install", *packages)

    def start(self):
        self.boot = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
             "--private-network", "--console=pipe", "-D", self.root],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: self.do("systemctl", "is-system-running", "--wait"))

    @property
    def leader(self):
        children = Path(f"/proc/{self.boot.pid}/task/{self.boot.pid}/children").read_text()
        assert children, "it has not started"
        return children.split()[0]

    def inside(self, *command):
        return ["nsenter", "-t", self.leader, "-a", "--root", "--wd", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                "LANG=C.UTF-8", *map(str, command)]

    def do(self, *command):
        return run(*self.inside(*command))

    def fails(self, *command):
        """What it printed."""
        result = subprocess.run(
            self.inside(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=600)
        assert result.returncode != 0, result.stdout
        return result.stdout

    def apt(self, *arguments):
        return self.do("apt-get", "-q", "-y", "--no-install-recommends", *arguments)

    def take(self, files):
        """Into a folder of the machine's; their paths there."""
        folder = self.root / "srv" / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        return ["/srv/packages/" + Path(shutil.copy(file, folder)).name for file in files]

    def main_pid(self, unit="newsfeed"):
        return int(self.do("systemctl", "show", "-P", "MainPID", unit))

    def stop(self):
        if self.boot:
            with contextlib.suppress(AssertionError, OSError):
                os.kill(int(self.leader), signal.SIGKILL)
            self.boot.wait(60)
        run("umount", "--recursive", self.root)
        self.root.rmdir()
