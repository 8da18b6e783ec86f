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
import itertools
import random
import sys
import time
from collections import Counter
from functools import partial

from client import link
from kafka import ALL, NOT_LEADER, OPTIONS, PRODUCE, Broker
from listening import Crowd
from long_run import Place, Steady, Troublemaker, begin, choice, number, say
from stack import Stack, give_away
from trouble import TROUBLE
from waiting import eventually, pause

TOPIC = "newsfeed"
FRIENDS = 4   # of a listener
LINES = 10    # seconds between counts
AWAY = 120    # seconds until those who listen have heard the last post


class Writers(Steady):
    """An answer may be lost: the post is then there, or not."""

    def __init__(self, port, authors, rate, posts):
        self.answered = {author: [] for author in authors}
        self.lost = {author: [] for author in authors}
        super().__init__(port, authors, rate, posts)

    def act(self, connection, author, turn):
        subject = f"{author} {turn}"
        answer = self.ask(connection, "POST", f"{link(author)}/outbound",
                          {"subject": subject, "story": "It rained. " * 20})
        if answer:
            self.answered[author].append((answer["id"], subject))
        else:
            self.lost[author].append(subject)


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


def chosen_trouble():
    return choice("TROUBLE", [name for name in (*TROUBLE, "broker") if name != "nothing"])


def disturb_broker(broker):
    """One or all of the three are away for a moment, or say that another leads."""
    number = random.choice([1, 2, 3, ALL])
    broker.do("leader", TOPIC, random.randrange(4), random.randint(1, 3))
    broker.do("fail", PRODUCE, random.randint(1, 3), NOT_LEADER)
    broker.do("down", number)
    pause(random.uniform(0, 5))
    broker.do("up", number)


def all_trouble(stack, broker):
    return {**{name: partial(act, stack) for name, act in TROUBLE.items()},
            "broker": partial(disturb_broker, broker)}


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
    acts = all_trouble(stack, broker)
    trouble = Troublemaker({name: acts[name] for name in chosen_trouble()}, number("EVERY", 10))
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
    faults += writers.faults() + trouble.raised + crowd.faults + stack.faults()
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
    begin(__doc__)
    chosen_trouble()
    place = Place("soak")
    broker, topic = Broker(), Topic()
    stack = Stack(place.run, WORKERS="24", SETTINGS="stream.listeners=1000"
                  f" kafka.servers={broker.servers} kafka.topic={TOPIC}"
                  f" kafka.options_file={write_options(place.base / 'options')}")
    try:
        stack.start()
        with broker.reading(TOPIC, topic.take):
            place.is_right = soak(stack, broker, topic)
    finally:
        stack.destroy()
        broker.stop()
        code = place.leave()
    return code


if __name__ == "__main__":
    sys.exit(main())
