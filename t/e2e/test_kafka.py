"""What happens is told to Kafka: all of it, in order for each participant,
whatever becomes of brokers, of the database and of the process that tells it."""

import json
import os
import random
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from kafka import (
    ALL, DISCONNECT, NOT_ENOUGH_REPLICAS, NOT_LEADER, OPTIONS, PRODUCE, TIMED_OUT, UNKNOWN_TOPIC,
    Broker, told)
from load import Load
from spec import FILE as SPEC
from stack import PROGRAM, as_account, children_of, give_away, name_of
from waiting import SOON, eventually, pause

pytestmark = pytest.mark.xdist_group("kafka")

TOPIC = "newsfeed"
FAILS, WORKS = "no event is taken", "events are taken again"


@pytest.fixture(scope="module")
def broker():
    broker = Broker()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def settings(broker, module_folder):
    """The file with them, which a reload reads."""
    options, file = module_folder / "options", module_folder / "newsfeed.conf"
    options.write_text(OPTIONS)
    options.chmod(0o600)
    give_away(options)
    file.write_text(
        f"[kafka]\nservers = {broker.servers}\ntopic = {TOPIC}\noptions_file = {options}\n")
    return file


@pytest.fixture(scope="module")
def stack(make_module_stack, settings):
    return make_module_stack(CONFIG=str(settings), WORKERS="4")


@pytest.fixture(autouse=True)
def begin(stack):
    """It is at it when a test begins."""
    eventually(lambda: stack.sql("SELECT name FROM publisher WHERE held_until > now()"))


def publisher(stack):
    return eventually(lambda: stack.children("publisher"))[0]


def holder(stack):
    return stack.sql("SELECT holder FROM publisher WHERE held_until > now()")


def backlog(stack):
    return int(stack.one("SELECT events FROM publisher_backlog"))


def said(stack, words):
    return len(re.findall(words, stack.log()))


def events(stack):
    """{participant: ids}, as `newsfeed events` prints them."""
    conninfo = f"host={stack.run} dbname=newsfeed user=newsfeed"
    result = subprocess.run(
        as_account([PROGRAM, "--set", f"db.conninfo={conninfo}", "events"]),
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    found = {}
    for line in result.stdout.split("\n")[:-1]:
        event = json.loads(line)
        found.setdefault(event["subject"].rpartition("/")[2], []).append(event["id"])
    return found


def all_is_told(stack, broker):
    """Each one's in order, by when it came first. Of posts that are gone by now,
    more was told."""
    eventually(lambda: backlog(stack) == 0)
    records = broker.read(TOPIC)
    found = told(records)
    for participant, ids in events(stack).items():
        assert [i for i in found.get(participant, []) if i in ids] == ids
    return records


def new_records(stack, broker, participants):
    return [r for r in all_is_told(stack, broker) if int(r.key) in participants]


def doubles(records):
    return len(records) - len({record.id for record in records})


def posting(stack):
    """A load of posts of new participants, whether or not they are taken."""
    authors = stack.client.add_participants(4)
    return Load(lambda number: stack.client.post(
        f"{link(authors[number % 4])}/outbound",
        {"subject": str(number), "story": "s"}).status)


# --- what is told -----------------------------------------------------------


def test_events_arrive(stack, broker):
    one, other = stack.client.friends_of_new()
    item = stack.client.publish(one, story='"Grüße"\n\u2028' + 19000 * "\U0001f600")
    stack.client.patch(f"{link(one)}/outbound/{item}", {"story": "Changed"})
    gone = stack.client.publish(other)
    eventually(lambda: backlog(stack) == 0)
    stack.client.delete(f"{link(other)}/outbound/{gone}")
    records = new_records(stack, broker, {one, other})
    assert {r.headers for r in records} == {"content-type=application/cloudevents+json"}
    assert all(r.event["subject"] == link(r.key) for r in records)
    assert [r.event["type"] for r in records if r.key == str(other)] == [
        f"newsfeed.{what}" for what in (
            "participant.added", "friendship.made", "post.made", "post.removed")]
    assert doubles(records) == 0


def test_each_group_reads_all_of_it(stack, broker):
    stack.client.add_participant()
    expected = sorted(r.id for r in all_is_told(stack, broker))
    with ThreadPoolExecutor() as pool:
        for records in pool.map(lambda group: broker.read_as(group, TOPIC), ["one", "other"]):
            assert sorted(r.id for r in records) == expected


# --- brokers ----------------------------------------------------------------


def test_brokers_that_are_away_hold_up_nothing_else(stack, broker):
    author = stack.client.add_participant()
    broker.do("down", ALL)
    try:
        for _ in range(20):
            stack.client.publish(author)
        assert backlog(stack) >= 20
        eventually(lambda: said(stack, FAILS) == 1)
        pause(1)
        assert said(stack, FAILS) == 1
        stack.client.publish(author)
    finally:
        broker.do("up", ALL)
    assert len(new_records(stack, broker, {author})) == 22
    assert said(stack, FAILS) == said(stack, WORKS) == 1


def test_brokers_that_fail_are_asked_again(stack, broker):
    with posting(stack) as load:
        for turn in range(12):
            error = (NOT_LEADER, DISCONNECT, NOT_ENOUGH_REPLICAS, TIMED_OUT)[turn % 4]
            broker.do("fail", PRODUCE, random.randint(1, 4), error)
            broker.do("delay", 1 + turn % 3, random.randint(0, 100))
            broker.do("leader", TOPIC, turn % 4, random.randint(1, 3))
            broker.do("down" if turn % 3 == 0 else "up", 1 + turn // 3 % 3)
            pause(0.2)
        for number in 1, 2, 3:
            broker.do("up", number)
            broker.do("delay", number, 0)
        eventually(load.more(50))
    assert doubles(all_is_told(stack, broker)) == 0


def test_a_topic_that_is_not_there_is_waited_for(stack, broker):
    before = said(stack, f"{FAILS}: .*nknown topic"), said(stack, WORKS)
    broker.do("refuse", TOPIC, UNKNOWN_TOPIC)
    os.kill(publisher(stack), signal.SIGKILL)
    author = stack.client.add_participant()
    eventually(lambda: said(stack, f"{FAILS}: .*nknown topic") > before[0])
    broker.do("refuse", TOPIC, 0)
    assert len(new_records(stack, broker, {author})) == 1
    assert (said(stack, f"{FAILS}: .*nknown topic"), said(stack, WORKS)) == (
        before[0] + 1, before[1] + 1)


# --- processes --------------------------------------------------------------


def test_nothing_is_lost_whoever_dies(stack, broker):
    with posting(stack) as load:
        for turn in range(6):
            pause(random.uniform(0, 0.3))
            os.kill(publisher(stack), signal.SIGKILL)
            if turn == 3:
                stack.down("postgres", "INT")
                stack.up("postgres")
            eventually(load.more(20))
    assert 200 in load.results
    all_is_told(stack, broker)


@pytest.fixture
def another_host(stack, settings, folder):
    """A service on the same database."""
    process = subprocess.Popen(as_account(
        [PROGRAM, "-c", settings, "--listen", folder / "socket",
         "--set", f"service.spec={SPEC}", "--set", f"service.runtime_dir={folder}/state",
         "--set", "worker.count=1", "--set", "cache.servers=",
         "--set", f"db.conninfo=host={stack.run} dbname=newsfeed user=newsfeed"]),
        stderr=(folder / "log").open("w"))
    eventually(lambda: [p for p in children_of(process.pid) if "publisher" in name_of(p)])
    yield process
    process.terminate()
    process.wait(60)


def test_one_host_at_a_time_tells(stack, broker, another_host):
    one, other = stack.client.friends_of_new()
    first = holder(stack)
    for _ in range(20):
        stack.client.publish(one)
    records = new_records(stack, broker, {one, other})
    assert doubles(records) == 0
    assert len(records) == 24

    # One that stands still for too long has lost it, and sees that.
    still = publisher(stack)
    os.kill(still, signal.SIGSTOP)
    stack.sql("UPDATE publisher SET held_until = now() - interval '1 s'")
    stack.client.publish(one)
    second = eventually(lambda: holder(stack) != first and holder(stack))
    new_records(stack, broker, {one, other})
    os.kill(still, signal.SIGCONT)
    stack.client.publish(one)
    new_records(stack, broker, {one, other})
    assert holder(stack) == second

    # One that ends lets go of it.
    another_host.terminate()
    eventually(lambda: holder(stack) == first, within=SOON)
    stack.client.publish(one)
    assert len(told(new_records(stack, broker, {one}))[str(one)]) == 25


def test_a_place_that_is_set_back_tells_all_behind_it_again(stack, broker):
    author = stack.client.add_participant()
    posts = [stack.client.publish(author) for _ in range(3)]
    all_is_told(stack, broker)
    stack.sql(f"UPDATE publisher SET pos = {posts[0]}, sub = 0")
    expected = [f"{post}.{author}" for post in (*posts, *posts[1:])]
    eventually(lambda: [r.id for r in new_records(stack, broker, {author})][1:] == expected)


# --- settings ---------------------------------------------------------------


def reload(stack, text, settings):
    settings.write_text(text)
    before = said(stack, "workers are ready")
    stack.kill("newsfeed", signal.SIGHUP)
    eventually(lambda: said(stack, "workers are ready") > before)


def test_a_reload_loses_nothing(stack, broker, settings):
    text = settings.read_text()
    old = publisher(stack)
    with posting(stack) as load:
        reload(stack, text, settings)
        eventually(load.more(20))
        eventually(lambda: old not in stack.children("publisher"))
        eventually(load.more(20))
    all_is_told(stack, broker)

    reload(stack, text.replace(f"topic = {TOPIC}", "topic = next"), settings)
    author = stack.client.add_participant()
    eventually(lambda: [r.key for r in broker.read("next")] == [str(author)])
    reload(stack, text.replace("servers", "#servers"), settings)
    eventually(lambda: stack.children("publisher") == [])
    reload(stack, text, settings)
    post = stack.client.publish(author)
    eventually(lambda: f"{post}.{author}" in told(broker.read(TOPIC)).get(str(author), []))


@pytest.mark.parametrize("text, fault", [
    ("linger.ms=5\nlinger.msec=5\n", ':2: No such configuration property: "linger.msec"'),
    ("acks=1\n", ":1: acks: the service sets it to all"),
])
def test_options_that_are_wrong_are_refused(folder, text, fault):
    file = folder / "options"
    file.write_text(text)
    file.chmod(0o600)
    arguments = ["--set", f"service.spec={SPEC}", "--set", "kafka.servers=localhost",
                 "--set", f"kafka.options_file={file}"]
    for action, code in ("--check", 1), (f"--listen={folder}/socket", 78):
        result = subprocess.run(
            [PROGRAM, *arguments, action], capture_output=True, text=True, timeout=60)
        assert result.returncode == code
        assert f"kafka.options_file: {file}{fault}" in result.stderr
