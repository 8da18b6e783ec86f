"""A standby of a PostgreSQL, in a folder of its own."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from stack import PSQL, as_account, is_stopped
from waiting import eventually

TOOLS = Path(PSQL).parent


def run(command):
    result = subprocess.run(as_account([str(word) for word in command]),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=120)
    assert result.returncode == 0, result.stdout
    return result.stdout


class Standby:
    """Made from the server with that folder of sockets, as it is now, and follows
    it once it is started: asynchronously, unless that is told otherwise."""

    def __init__(self, server, folder, name="standby"):
        self.name = name
        self.folder = Path(folder)
        self.data = self.folder / name
        self.sockets = self.folder / f"{name}.sockets"
        run(["mkdir", self.sockets])
        run([TOOLS / "pg_basebackup", "-h", server, "-U", "postgres", "-D", self.data,
             "-c", "fast", "--no-sync", "-R", "-X", "stream"])
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write(f"cluster_name = '{name}'\n")
        self.process = None

    def start(self):
        log = (self.folder / f"{self.name}.log").open("a")
        self.process = subprocess.Popen(
            as_account([str(TOOLS / "postgres"), "-D", str(self.data), "-k", str(self.sockets),
                        "-h", "", "-N", "300", "-c", "fsync=off",
                        "-c", "wal_retrieve_retry_interval=100ms"]),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(lambda: self.one("SELECT pg_is_in_recovery()"))
        return self

    def one(self, text):
        result = subprocess.run(
            as_account([PSQL, "-XAtq", "-h", str(self.sockets), "-U", "postgres", "newsfeed",
                        "-c", text]),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def leave(self):
        """It follows nobody any more, and stays what it is."""
        self.one("ALTER SYSTEM SET primary_conninfo = ''")
        self.one("SELECT pg_reload_conf()")
        eventually(lambda: self.one("SELECT count(*) FROM pg_stat_wal_receiver") == "0")

    def promote(self):
        self.one("SELECT pg_promote()")
        eventually(lambda: self.one("SELECT pg_is_in_recovery()") == "f")

    @property
    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def processes(self):
        """The server and all of its sessions."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]

    @contextlib.contextmanager
    def hanging(self):
        """All of it stands still; connections are taken by the kernel alone."""
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: all(is_stopped(Path(f"/proc/{pid}")) for pid in stopped))
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def stop(self, by=signal.SIGQUIT):
        if self.process and self.process.poll() is None:
            for pid in self.processes():
                os.kill(pid, signal.SIGCONT)
            os.kill(self.pid, by)
            self.process.wait(60)
