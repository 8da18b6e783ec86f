"""A machine of its own for the packages: Debian in a folder, started by
systemd-nspawn with a network of its own, so that its services meet none of
those here."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
LOAD = Path(__file__).with_name("load.py")
SERVICES = "postgresql", "memcached", "curl"
MIRROR = "http://deb.debian.org/debian"
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def run(*command, **more):
    """What it printed."""
    result = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=1800, **more)
    assert result.returncode == 0, f"{command}: {result.stdout}"
    return result.stdout


def packages(folder):
    """Those that contrib/debian/build put there."""
    return [file for file in sorted((ROOT / "build" / folder).glob("*.deb"))
            if "dbgsym" not in file.name]


def version(files):
    return re.search(r"/newsfeed_(.+)_", str(files))[1]


def guide(title, tree=ROOT):
    """What is to be typed, of a section of etc/README.md: its blocks."""
    text = (tree / "etc" / "README.md").read_text()
    section = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", text, re.M | re.S)[1]
    return re.findall(r"(?:^    .*\n)+", section, re.M)


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
        eventually(lambda: self.do("systemctl", "is-system-running", "--wait"), 60)

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

    def type(self, lines, folder="/"):
        """One after another, until one fails."""
        return self.do("bash", "-ec", f"cd {folder}\n{lines}")

    def apt(self, *arguments):
        return self.do("apt-get", "-q", "-y", "--no-install-recommends", *arguments)

    def take(self, files):
        """Into a folder of the machine's; their paths there."""
        folder = self.root / "srv" / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        return ["/srv/packages/" + Path(shutil.copy(file, folder)).name for file in files]

    def set_up(self):
        """As README.Debian has it."""
        self.do("newsfeed-setup", "database")
        self.do("systemctl", "enable", "--now", "newsfeed.socket", "newsfeed.service")
        site = self.root / "etc/nginx/sites-available/newsfeed"
        site.write_text(site.read_text().replace("feed.example.com", "127.0.0.1"))
        self.do("newsfeed-setup", "nginx")

    def curl(self, path, body=None):
        post = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body else []
        return json.loads(self.do("curl", "-sSf", *post, f"http://127.0.0.1{path}"))

    def psql(self, text, database="newsfeed"):
        return self.do("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v",
                       "ON_ERROR_STOP=1", "-d", database, "-c", text).strip()

    def befriend(self):
        """Participants 1 and 2."""
        for id, name in enumerate(("Ann", "Ben"), 1):
            assert self.curl("/participant", {"name": name})["id"] == id
        self.curl("/participant/1/friends", {"to": 2})

    @contextlib.contextmanager
    def load(self):
        """Of participant 1, whose friend is 2: under it, all is as it has to be."""
        clients = subprocess.Popen(
            ["nsenter", "-t", self.leader, "-n", sys.executable, LOAD, "1", "2"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "t" / "e2e")})
        assert clients.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            output, _ = clients.communicate(timeout=180)
        print(output)
        assert json.loads(output)["faults"] == []

    def main_pid(self, unit="newsfeed"):
        return int(self.do("systemctl", "show", "-P", "MainPID", unit))

    def stop(self):
        if self.boot:
            with contextlib.suppress(AssertionError, OSError):
                os.kill(int(self.leader), signal.SIGKILL)
            self.boot.wait(60)
        # Lazy: what was still at making it may take a moment to end.
        run("umount", "--recursive", "--lazy", self.root)
        self.root.rmdir()
