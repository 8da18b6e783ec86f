"""A running PostgreSQL, memcached, newsfeed and nginx, by contrib/stack."""

import contextlib
import fcntl
import functools
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import unquote

from client import Client
from waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "contrib" / "stack"
PROGRAM = os.environ.get("PROGRAM", str(ROOT / "build" / "newsfeed"))
PSQL = max(glob.glob("/usr/lib/postgresql/*/bin/psql"))  # not Debian's wrapper

# A busy machine is no fault of the service. Tests of its timeouts have others.
PATIENCE = ("db.connect_timeout=10000 db.statement_timeout=20000"
            " cache.timeout=5000 worker.queue_timeout=20000")
NO_PATIENCE = ""


@functools.cache
def account():
    """Who the stack's processes run as, if this is root: that, and what goes
    before a command. The script makes nothing in that folder, and the one
    beside it may have a name that it does not take."""
    result = subprocess.run([SCRIPT, "account", "head", "-c1", PROGRAM],
                            env={**os.environ, "RUN": "/tmp/newsfeed"},
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    name, *drop = result.stdout.split() or [None]
    return name, drop


def give_away(path):
    """Lets the account that the stack runs as write there."""
    name, _ = account()
    if name:
        shutil.chown(path, name, name)


def free_port():
    """One below the range that the kernel hands out by itself, and that no other
    of pytest's workers takes before it is in use."""
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    while True:
        port = random.randrange(10240 + mine, 32000, 32)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def as_account(command):
    """The command, run as the account that owns the stack's processes."""
    return account()[1] + command


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return sorted(int(child) for child in text.split() if alive(child))


def name_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


class Stack:
    seeds = None  # the folder of the one that all others begin with

    def __init__(self, run, port=None, patience=PATIENCE, SETTINGS="", **environment):
        """environment: what contrib/stack reads, such as FASTPATH="0". Tests
        kill processes, and never the machine, so nothing is synced."""
        self.run = Path(run)
        self.port = port or free_port()
        self.patience = patience
        self.environment = {"PROGRAM": PROGRAM, "POSTGRES": "fsync=off", **environment}
        self.configure(SETTINGS)
        self.client = Client(self.port)

    def configure(self, settings):
        """For the next start, in place of those that it was made with."""
        self.environment["SETTINGS"] = f"{self.patience} {settings}"

    def call(self, *arguments, check=True):
        """Runs contrib/stack; what it printed is in the result."""
        result = subprocess.run(
            [str(SCRIPT), *map(str, arguments)],
            env={
                **os.environ,
                **self.environment,
                "RUN": str(self.run),
                "PORT": str(self.port),
                "SEED": self.seed() if arguments[0] in ("start", "up") else "",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        if check:
            assert result.returncode == 0, f"{arguments}: {result.stdout}"
        return result

    def seed(self):
        """To make a database takes longer than most tests: it is made once."""
        with open(f"{Stack.seeds}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not Stack.seeds.exists():
                for command in "up", "down":
                    subprocess.run([SCRIPT, command, "postgres"], check=True,
                                   env={**os.environ, "RUN": str(Stack.seeds)})
        return str(Stack.seeds)

    def start(self):
        self.call("start")
        return self

    def stop(self):
        self.call("stop")

    def up(self, piece):
        self.call("up", piece)

    def down(self, piece, *by):
        """by: a signal's name, such as "KILL"."""
        self.call("down", piece, *by)

    def pid(self, piece):
        return int((self.run / f"{piece}.pid").read_text().split()[0])

    def kill(self, piece, by):
        """What is stopped stands still behind this."""
        pid = self.pid(piece)
        os.kill(pid, by)
        if by == signal.SIGSTOP:
            eventually(lambda: all(is_stopped(thread) for thread in
                                   Path(f"/proc/{pid}/task").iterdir()))

    def log(self, name="newsfeed"):
        with contextlib.suppress(FileNotFoundError):
            return (self.run / "log" / f"{name}.log").read_text(errors="replace")
        return ""

    @contextlib.contextmanager
    def another_server(self, lines, parameters=""):
        """A client of one more server block of nginx, with these lines, and
        parameters of its listen."""
        file, port = self.run / "nginx.conf", free_port()
        text = file.read_text()
        server = f"server {{ listen 127.0.0.1:{port}{parameters}; {lines} }}"
        client = Client(port)
        try:
            file.write_text(text.rstrip().removesuffix("}") + server + "}\n")
            self.kill("nginx", signal.SIGHUP)
            eventually(lambda: socket.create_connection(("127.0.0.1", port)).close() or True)
            yield client
        finally:
            file.write_text(text)
            self.kill("nginx", signal.SIGHUP)

    # Processes of the service.

    def children(self, name=""):
        """Of the master; each names itself, "worker 3" or "dispatcher"."""
        return [p for p in children_of(self.pid("newsfeed")) if name in name_of(p)]

    def workers(self):
        return self.children("worker")

    def dispatcher(self):
        return eventually(lambda: self.children("dispatcher"))[0]

    # PostgreSQL, as its superuser.

    def psql(self):
        return as_account(
            [PSQL, "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.run)]
            + ["-U", "postgres", "newsfeed"]
        )

    def sql(self, text):
        """The rows of the last statement, each a list of strings."""
        result = subprocess.run(
            self.psql(), input=text, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 0, result.stderr
        return [line.split("|") for line in result.stdout.splitlines()]

    def one(self, text):
        return self.sql(text)[0][0]

    def has_caught_up(self):
        """The dispatcher has nothing left to do."""
        return self.one(
            "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM follower_gap)"
            " + (SELECT sum(posts) FROM follower_backlog)") == "0"

    @contextlib.contextmanager
    def holding(self, statement):
        """A transaction that has run the statement and stays open, then fails,
        unless what is given is called: that commits it, behind another
        statement, if there is one."""
        with subprocess.Popen(
            self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as session:
            try:
                session.stdin.write(f"BEGIN;\n{statement};\n\\echo held\n")
                session.stdin.flush()
                for line in session.stdout:
                    if line == "held\n":
                        break
                else:
                    raise AssertionError(f"could not run: {statement}")
                yield lambda last="": session.communicate(
                    f"{last};\nCOMMIT;\n", timeout=60)
            finally:
                session.stdin.close()
                session.wait(60)

    def holding_row(self, participant):
        """Whoever befriends, renames or removes that participant waits."""
        return self.holding(
            f"SELECT {participant} FROM participant WHERE id = {participant} FOR UPDATE"
        )

    def waits_for(self, participant):
        """Whether a request of the service waits for holding_row."""
        holder = (
            "SELECT pid FROM pg_stat_activity"
            f" WHERE query LIKE 'SELECT {participant} FROM participant%FOR UPDATE%'"
        )
        return "0" != self.one(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
            f" AND pg_blocking_pids(pid) && array({holder})"
        )

    # memcached, as one who looks in from outside.

    def memcached_sockets(self):
        one = self.run / "memcached.sock"
        return [one] if one.exists() else sorted(self.run.glob("memcached.sock-*"))

    def cached_keys(self, path=None):
        """The keys of all servers, or of the one behind that socket."""
        keys = set()
        for each in [path] if path else self.memcached_sockets():
            text = eventually(lambda: dump_of(each))
            keys |= set(re.findall(r"key=(\S+)", unquote(text.decode())))
        return keys

    def horizons(self):
        """Of each server up to where posts have come to the pages there."""
        words = (os.readlink(path) for path in (self.run / "state").glob("database/horizon-*"))
        return [int(word.partition("@")[0]) for word in words]

    def cache_names(self):
        """What nginx calls the servers, in the order of cache.servers."""
        return re.findall(
            r"upstream newsfeed_cache_(\w+)", (self.run / "cache_map.conf").read_text())

    # Afterwards.

    def faults(self):
        """What must never be in a log, whatever was done to the stack."""
        bad = [
            line
            for line in self.log("access").splitlines()
            if re.search(r'" 500 ', line)
        ]
        words = r"AddressSanitizer|runtime error:|assertion|Assertion|corrupt"
        bad += [l for l in self.log().splitlines() if re.search(words, l)]
        return bad

    def destroy(self):
        """Stops everything, also what a test has killed half of."""
        for piece in ("postgres", "newsfeed", "nginx"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                self.kill(piece, signal.SIGCONT)
        self.call("stop", check=False)


def is_stopped(process):
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def make_friends(author, count):
    """The SQL that gives an author so many new friends: for speed."""
    return (
        "WITH friend AS (INSERT INTO participant (name) SELECT 'Friend'"
        f" FROM generate_series(1, {count}) RETURNING id),"
        " numbered AS (SELECT id, nextval('friendship_id_seq') AS n FROM friend)"
        " INSERT INTO friendship (participant_id, friend_id, id, since)"
        f" SELECT {author}, id, n, 0 FROM numbered"
        f" UNION ALL SELECT id, {author}, n, 0 FROM numbered"
    )


def dump_of(path):
    """None while memcached's crawler is at its own work."""
    text = ask_memcached(path, b"lru_crawler metadump all\r\n", b"\r\n")
    return text if text.endswith(b"END\r\n") else None


def ask_memcached(path, command, end):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(path))
        peer.sendall(command)
        text = b""
        while not text.endswith(end):
            more = peer.recv(65536)
            assert more, f"memcached closed after {text!r}"
            text += more
    return text
