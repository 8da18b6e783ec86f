"""A long run: posts by many writers while many listen, and things happen to the
service all the while. Whoever listens has to hear of every post that there is,
once and in order, and every post that was answered 200 has to be there, and its
event in a topic of Kafka, where a double has the same id.

Half of those who listen are cut off every few seconds, and come again with the
id of the last event. Prints counts as it goes. Exit code 1: something was
missing, double or wrong; then everything is kept.

Settings, from the environment:

  SECONDS    how long (3600)
  POSTS      so many posts instead, however long they take
  RATE       posts a second (200)
  WRITERS    at a time, each with an author of its own (16)
  LISTENERS  at a time, each a friend of four of the authors (100)
  TROUBLE    what happens, a choice of trouble.py, and "broker" ("all": each of
             them)
  EVERY      seconds between two of these, about (10)
"""

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

from client import link
from kafka import ALL, NOT_LEADER, OPTIONS, PRODUCE, Broker
from listening import Crowd
from stack import Stack, give_away
from trouble import TROUBLE, disturb
from waiting import eventually, pause

TOPIC = "newsfeed"
FRIENDS = 4   # of a listener
LINES = 10    # seconds between counts
AWAY = 120    # seconds until those who listen have heard the last post


def number(name, default):
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        sys.exit(f"soak: {name}={text}: it must be a number")
    return int(text)


def chosen_trouble():
    names = os.environ.get("TROUBLE", "all").split()
    if names == ["all"]:
        names = [*TROUBLE, "broker"]
        names.remove("nothing")
    if unknown := set(names) - {*TROUBLE, "broker"}:
        sys.exit(f"soak: TROUBLE={' '.join(unknown)}: it must be of {' '.join(TROUBLE)} broker")
    return names


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Writers:
    """Each posts at its times, whether or not the one before was in time. An
    answer may be lost: the post is then there, or not."""

    def __init__(self, port, authors, rate, posts):
        self.port, self.rate, self.posts = port, rate, posts
        self.numbers = itertools.count()
        self.answered = {author: [] for author in authors}
        self.lost = {author: [] for author in authors}
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
                    if self.posts and turn >= self.posts:
                        return
                    pause(max(0, self.began + turn / self.rate - time.monotonic()))
                    self.write(connection, author, f"{author} {turn}")
        except BaseException as error:
            self.raised.append(repr(error))

    def write(self, connection, author, subject):
        try:
            connection.request("POST", f"{link(author)}/outbound",
                               json.dumps({"subject": subject, "story": "It rained. " * 20}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status, body = type(error).__name__, b""
        self.statuses[status] += 1
        if status == 200:
            self.answered[author].append((json.loads(body)["id"], subject))
        else:
            self.lost[author].append(subject)
            pause(0.05)

    def are_done(self):
        return not any(thread.is_alive() for thread in self.threads)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)


class Topic:
    """What comes into it."""

    def __init__(self):
        self.ids = {}  # of a participant: in the order in which each came first
        self.seen = set()
        self.doubles = 0

    def take(self, record):
        if record.id in self.seen:
            self.doubles += 1
            return
        self.seen.add(record.id)
        self.ids.setdefault(int(record.key), []).append(int(record.id.partition(".")[0]))


def disturb_broker(broker):
    """One or all of the three are away for a moment, or say that another leads."""
    number = random.choice([1, 2, 3, ALL])
    broker.do("leader", TOPIC, random.randrange(4), random.randint(1, 3))
    broker.do("fail", PRODUCE, random.randint(1, 3), NOT_LEADER)
    broker.do("down", number)
    pause(random.uniform(0, 5))
    broker.do("up", number)


class Troublemaker:
    """Something happens now and then, from a thread of its own."""

    def __init__(self, stack, broker, names, every):
        self.stack, self.broker, self.names, self.every = stack, broker, names, every
        self.done, self.raised = Counter(), []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stop.wait(random.uniform(0.5, 1.5) * self.every):
                what = random.choice(self.names)
                if what == "broker":
                    disturb_broker(self.broker)
                else:
                    disturb(self.stack, what)
                self.done[what] += 1
        except BaseException as error:
            self.raised.append(repr(error))

    def end(self):
        self.stop.set()
        self.thread.join(240)


def befriend(client, authors, readers):
    """The authors of each reader."""
    chosen = {}
    for place, reader in enumerate(readers):
        chosen[reader] = [authors[(place * 5 + n * 3) % len(authors)]
                          for n in range(min(FRIENDS, len(authors)))]
        for author in chosen[reader]:
            client.befriend(reader, author)
    return chosen


def counts(writers, crowd, topic, trouble):
    posts = sum(map(len, writers.answered.values()))
    lost = sum(map(len, writers.lost.values()))
    return (f"{posts} posts, {lost} without an answer {dict(writers.statuses)};"
            f" {crowd.heard} events; streams: {crowd.comes} came, {crowd.refused} refused,"
            f" {crowd.cuts} cut, {crowd.ends} ended; topic: {len(topic.seen)} events,"
            f" {topic.doubles} double; {dict(trouble.done)};"
            f" {len(crowd.faults)} faults")


def listen(crowd, writers, topic, trouble, seconds):
    """While the writers write."""
    end = time.monotonic() + seconds if seconds else None
    next_line = time.monotonic() + LINES
    victims = {ear: 0 for ear in crowd.ears[::2]}
    while not writers.are_done() and (end is None or time.monotonic() < end):
        crowd.turn(0.05)
        now = time.monotonic()
        for ear, due in victims.items():
            if now >= due:
                victims[ear] = now + random.uniform(1, 6)
                if due:
                    crowd.cut(ear)
        if now >= next_line:
            next_line += LINES
            say(counts(writers, crowd, topic, trouble))


def hear_the_last(crowd, last, chosen):
    """Of each author; False: somebody has not."""
    wanted = {reader: max(last[author] for author in authors)
              for reader, authors in chosen.items()}
    end = time.monotonic() + AWAY
    while time.monotonic() < end:
        crowd.turn(0.05)
        if all(ear.items and ear.items[-1] >= wanted[ear.reader] for ear in crowd.ears):
            return True
    return False


def publish_last(client, authors):
    def post(author):
        while True:
            with contextlib.suppress(OSError, AssertionError):
                return client.publish(author, f"{author} last")
            pause(0.2)

    return {author: post(author) for author in authors}


def check_topic(stack, topic):
    """Each participant's events, in the order of their ids."""
    wanted = {}
    for participant, event in stack.sql(
            "SELECT participant_id, id FROM outbound UNION"
            " SELECT participant_id, id FROM event ORDER BY 2"):
        wanted.setdefault(int(participant), []).append(int(event))
    for participant, ids in wanted.items():
        told = topic.ids.get(participant, [])
        if missing := set(ids) - set(told):
            yield (f"topic: {len(missing)} events of {participant} are missing,"
                   f" such as {sorted(missing)[:5]}")
        elif told != ids:
            yield f"topic: events of {participant} are out of order, or too many"


def check(stack, writers, crowd, chosen):
    """What is wrong, a line each."""
    there = {author: {int(item): subject for item, subject in stack.sql(
        f"SELECT id, subject FROM outbound WHERE participant_id = {author} ORDER BY id")}
        for author in writers.answered}
    for author, posts in there.items():
        subjects = Counter(posts.values())
        yield from (f"'{subject}' is there {count} times" for subject, count in subjects.items()
                    if count > 1 and not subject.endswith(" last"))
        yield from (f"post {item} '{subject}' was answered, and is not there"
                    for item, subject in writers.answered[author] if posts.get(item) != subject)
    lost = [subject for subjects in writers.lost.values() for subject in subjects]
    known = {subject for posts in there.values() for subject in posts.values()}
    say(f"{sum(map(len, there.values()))} posts are there, of {len(lost)} without an answer"
        f" {len(known.intersection(lost))}")
    for ear in crowd.ears:
        wanted = sorted(itertools.chain(*(there[author] for author in chosen[ear.reader])))
        heard = Counter(ear.items)
        missing = [item for item in wanted if item not in heard]
        more = heard - Counter(wanted)
        if missing or more:
            yield (f"reader {ear.reader}: {len(missing)} missing, such as {missing[:5]};"
                   f" {sum(more.values())} double or of nobody, such as {list(more)[:5]}")
        delivered = [int(item) for item, in stack.sql(
            f"SELECT outbound_id FROM inbound WHERE participant_id = {ear.reader} ORDER BY 1")]
        if delivered != wanted:
            yield f"reader {ear.reader}: {len(wanted)} posts, {len(delivered)} deliveries"


def soak(stack, broker, topic):
    seconds, posts = number("SECONDS", 3600), number("POSTS", 0)
    client = stack.client
    eventually(lambda: stack.sql("SELECT name FROM publisher"))  # which tells what is to come
    authors = client.add_participants(number("WRITERS", 16))
    readers = client.add_participants(number("LISTENERS", 100))
    chosen = befriend(client, authors, readers)
    crowd = Crowd(stack.port, readers)
    while any(ear.last is None for ear in crowd.ears):
        crowd.turn(0.05)
    say(f"{len(authors)} write, {len(readers)} listen, in {stack.run}")
    writers = Writers(stack.port, authors, number("RATE", 200), posts)
    trouble = Troublemaker(stack, broker, chosen_trouble(), number("EVERY", 10))
    try:
        listen(crowd, writers, topic, trouble, 0 if posts else seconds)
    finally:
        trouble.end()
        writers.end()
    took = time.monotonic() - writers.began
    faults = [] if hear_the_last(crowd, publish_last(client, authors), chosen) else [
        f"somebody has not heard the last post within {AWAY} s"]
    crowd.end()
    eventually(lambda: stack.one("SELECT events FROM publisher_backlog") == "0", within=AWAY)
    newest = int(stack.one("SELECT max(id) FROM outbound"))
    eventually(lambda: any(newest in ids for ids in topic.ids.values()), within=AWAY)
    say(counts(writers, crowd, topic, trouble))
    faults += [f"{count} answers were {status}" for status, count in writers.statuses.items()
               if isinstance(status, int) and status not in (200, 502, 503, 504)]
    faults += writers.raised + trouble.raised + crowd.faults + stack.faults()
    faults += [*check(stack, writers, crowd, chosen), *check_topic(stack, topic)]
    say(f"{took:.0f} s, {sum(map(len, writers.answered.values())) / took:.0f} posts/s,"
        f" {len(faults)} faults")
    for fault in faults[:50]:
        say(f"fault: {fault}")
    return not faults


def write_options(file):
    """See test_kafka.py."""
    file.write_text(OPTIONS)
    file.chmod(0o600)
    give_away(file)
    return file


def main():
    if sys.argv[1:]:
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    chosen_trouble()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stops what it started
    base = Path(tempfile.mkdtemp(prefix="nf-soak-", dir="/tmp"))
    base.chmod(0o755)
    give_away(base)
    Stack.seeds = base / "seed"
    run = base / "run"
    run.mkdir(0o755)
    give_away(run)
    broker, topic = Broker(), Topic()
    stack = Stack(run, WORKERS="24", SETTINGS="stream.listeners=1000"
                  f" kafka.servers={broker.servers} kafka.topic={TOPIC}"
                  f" kafka.options_file={write_options(base / 'options')}")
    is_right = False
    try:
        stack.start()
        with broker.reading(TOPIC, topic.take):
            is_right = soak(stack, broker, topic)
    finally:
        stack.destroy()
        broker.stop()
        if is_right:
            shutil.rmtree(base, ignore_errors=True)
        else:
            say(f"kept in {base}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
