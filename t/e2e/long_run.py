"""What long runs share: settings from the environment, threads that write at a
steady rate, trouble now and then, and a folder that is kept if something is
wrong."""

import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from stack import Stack, give_away
from waiting import pause


def number(name, default):
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        sys.exit(f"{name}={text}: it must be a number")
    return int(text)


def choice(name, known, default="all"):
    """Words; "all": each that is known."""
    words = (os.environ.get(name) or default).split()
    if words == ["all"]:
        return list(known)
    if unknown := set(words) - set(known):
        sys.exit(f"{name}={' '.join(unknown)}: it must be of {' '.join(known)}")
    return words


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def ask(connection, method, path, body=None):
    """(status, what was answered); status is the fault's name where there was no
    answer, and the request may have taken effect."""
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {} if body is None else {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == 200 else None
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__, None


class Steady:
    """Threads, one for each author, that act at their times, so many in a second
    in all, whether or not the act before was in time."""

    def __init__(self, port, authors, rate, most=0):
        self.port, self.rate, self.most = port, rate, most
        self.numbers = itertools.count()
        self.statuses, self.raised = Counter(), []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(author,)) for author in authors]
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()

    def run(self, author):
        try:
            with contextlib.closing(http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=60)) as connection:
                while not self.stop.is_set():
                    turn = next(self.numbers)
                    if self.most and turn >= self.most:
                        return
                    if not self.stop.wait(
                            max(0, self.began + turn / self.rate - time.monotonic())):
                        self.act(connection, author, turn)
        except BaseException as error:
            self.raised.append(repr(error))

    def ask(self, connection, method, path, body=None):
        """Its answer, or None."""
        status, answer = ask(connection, method, path, body)
        self.statuses[status] += 1
        if status not in (200, 204):
            pause(0.05)
        return answer

    def faults(self):
        """Answers that nothing excuses."""
        return self.raised + [
            f"{count} answers were {status}" for status, count in self.statuses.items()
            if isinstance(status, int) and status not in (200, 204, 502, 503, 504)]

    def are_done(self):
        return not any(thread.is_alive() for thread in self.threads)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)


class Troublemaker:
    """One of the acts now and then, from a thread of its own."""

    def __init__(self, acts, every):
        self.acts, self.every = acts, every
        self.done, self.raised = Counter(), []
        self.times = []  # [when it began, when it was over]
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while self.acts and not self.stop.wait(random.uniform(0.5, 1.5) * self.every):
                name = random.choice(list(self.acts))
                began = time.time()
                self.acts[name]()
                self.times.append([began, time.time()])
                self.done[name] += 1
        except BaseException as error:
            self.raised.append(repr(error))

    def end(self):
        self.stop.set()
        self.thread.join(240)


class Place:
    """The folder of a run, and whether all was right in it."""

    def __init__(self, name):
        self.base = Path(tempfile.mkdtemp(prefix=f"nf-{name}-", dir="/tmp"))
        self.run = self.base / "run"
        self.is_right = False
        self.base.chmod(0o755)
        self.run.mkdir(0o755)
        for folder in self.base, self.run:
            give_away(folder)
        Stack.seeds = self.base / "seed"

    def leave(self):
        if self.is_right:
            shutil.rmtree(self.base, ignore_errors=True)
        else:
            say(f"kept in {self.base}")
        return 0 if self.is_right else 1


def begin(doc):
    """Takes no arguments, and SIGTERM ends it in order."""
    if sys.argv[1:]:
        print(doc.strip())
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
