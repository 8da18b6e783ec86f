"""Load on a service, through nginx, until standard input ends: two who post and
look at once whether a friend's feed has it, two who read, each request on a
connection of its own, and five who listen. Prints "ready" once all of these are
at it, and in the end, as JSON, how much they did and what was not as it has to
be: a request that failed; a post that is lost, double, late in the feed or not
told."""

import contextlib
import http.client
import itertools
import json
import sys
import threading
import time

from listening import Crowd
from waiting import pause

author, reader = sys.argv[1:]
OUTBOUND, INBOUND = f"/participant/{author}/outbound", f"/participant/{reader}/inbound"
done = threading.Event()
posts, reads, faults = {}, [], []


def ask(method, path, body=None):
    """What was answered, or None."""
    try:
        with contextlib.closing(
                http.client.HTTPConnection("127.0.0.1", 80, timeout=60)) as connection:
            connection.request(method, path, body and json.dumps(body),
                               {"Connection": "close", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status == 200:
            return json.loads(text)
        faults.append(f"{method} {path}: {answer.status} {text}")
    except Exception as error:  # whatever it is, a client met it
        faults.append(f"{method} {path}: {error!r}")


def post(writer):
    for turn in itertools.count():
        if done.is_set():
            return
        subject = f"{writer} {turn}"
        if item := ask("POST", OUTBOUND, {"subject": subject, "story": "It rained."}):
            posts[item["id"]] = subject
            page = ask("GET", INBOUND)
            if page is not None and item["id"] not in [each["id"] for each in page]:
                faults.append(f"{item['id']} is late in the feed")


def read(path):
    while not done.is_set():
        if ask("GET", path):
            reads.append(path)


def hear(crowd, is_enough, seconds):
    end = time.monotonic() + seconds
    while not is_enough() and time.monotonic() < end:
        crowd.turn(0.2)


def feed(behind):
    """(id, subject), oldest first."""
    found, before = [], ""
    while page := ask("GET", f"{INBOUND}?limit=200{before}"):
        found += [(each["id"], each["subject"]) for each in page if each["id"] > behind]
        if page[-1]["id"] <= behind:
            break
        before = f"&before={page[-1]['id']}"
    return found[::-1]


newest = max([each["id"] for each in ask("GET", INBOUND)], default=0)
crowd = Crowd(80, [reader] * 5)
hear(crowd, lambda: all(ear.last for ear in crowd.ears), 60)
assert all(ear.last for ear in crowd.ears), "not all who listen are let in"
threads = [threading.Thread(target=post, args=("a",)), threading.Thread(target=post, args=("b",)),
           threading.Thread(target=read, args=(INBOUND,)),
           threading.Thread(target=read, args=(INBOUND + "?limit=5",)),
           threading.Thread(target=hear, args=(crowd, done.is_set, 3600))]
for thread in threads:
    thread.start()
while not (len(posts) > 20 and len(reads) > 20) and not faults:
    pause(0.05)
print("ready", flush=True)
sys.stdin.read()
done.set()
for thread in threads:
    thread.join()
hear(crowd, lambda: all(len(ear.items) >= len(posts) for ear in crowd.ears), 30)
crowd.end()

if (found := feed(newest)) != sorted(posts.items()):
    faults.append(f"the feed is not what was posted: {set(found) ^ set(posts.items())}")
for ear in crowd.ears:
    if list(ear.items) != sorted(posts):
        faults.append(f"one who listens heard other than {set(posts) ^ set(ear.items)}")
print(json.dumps({"posts": len(posts), "reads": len(reads), "streams ended": crowd.ends,
                  "streams refused": crowd.refused, "faults": faults + crowd.faults}))
