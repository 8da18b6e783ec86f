"""newsfeed events: all that happens, once and in order."""

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from stack import PROGRAM, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("events")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack()


def command(stack, *arguments):
    conninfo = f"host={stack.run} dbname=newsfeed user=newsfeed"
    return as_account([PROGRAM, "--set", f"db.conninfo={conninfo}", "events", *arguments])


def events(stack, *arguments):
    result = subprocess.run(command(stack, *arguments), capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def place(event):
    return tuple(map(int, event["id"].split(".")))


@pytest.fixture
def begin(stack):
    """The last event so far."""
    stack.client.add_participant()
    return events(stack)[-1]["id"]


def test_everything_is_told_in_its_order(stack, begin):
    client = stack.client
    one = client.ok("POST", "/participant", {"name": "One"})["id"]
    other = client.ok("POST", "/participant", {"name": "Other"})["id"]
    client.befriend(one, other)
    item = client.ok("POST", f"{link(one)}/outbound", {"subject": "S", "story": "T"})
    client.ok("PATCH", link(one), {"name": "Same"})
    edited = client.ok("PATCH", item["link"], {"story": "U"})
    gone = client.publish(one)
    client.delete(f"{link(one)}/outbound/{gone}")
    client.delete(f"{link(other)}/friends/{one}")
    third = client.add_participant()
    client.delete(link(third))

    found = events(stack, "--from", begin)
    assert [(e["type"], e["subject"], e["data"]) for e in found] == [
        ("newsfeed.participant.added", link(one), {"id": one, "name": "Same", "link": link(one)}),
        ("newsfeed.participant.added", link(other),
         {"id": other, "name": "Other", "link": link(other)}),
        ("newsfeed.friendship.made", link(one), {"from": link(one), "to": link(other)}),
        ("newsfeed.friendship.made", link(other), {"from": link(other), "to": link(one)}),
        ("newsfeed.post.made", link(one), edited),
        ("newsfeed.participant.renamed", link(one), {"id": one, "name": "Same", "link": link(one)}),
        ("newsfeed.post.changed", link(one), edited),
        ("newsfeed.post.removed", link(one),
         {"id": gone, "from": link(one), "link": f"{link(one)}/outbound/{gone}"}),
        ("newsfeed.friendship.ended", link(one), {"from": link(one), "to": link(other)}),
        ("newsfeed.friendship.ended", link(other), {"from": link(other), "to": link(one)}),
        ("newsfeed.participant.removed", link(third), {"id": third, "link": link(third)}),
    ]
    assert found[4]["time"] == item["occurred"]
    assert all(e["specversion"] == "1.0" and e["source"] == "/newsfeed"
               and e["datacontenttype"] == "application/json" for e in found)
    assert [place(e) for e in found] == sorted({place(e) for e in found})


def test_from_any_event_on(stack, begin):
    client = stack.client
    client.befriend(*client.add_participants(2))
    found = events(stack, "--from", begin)
    assert len(found) == 4
    for number, event in enumerate(found):
        assert events(stack, "--from", event["id"]) == found[number + 1:]
    both = found[2]["id"].split(".")[0]
    assert found[3]["id"].split(".")[0] == both
    assert events(stack, "--from", both) == []


@pytest.mark.parametrize("arguments, code, message", [
    (["--from", "x"], 64, "must be an event's id"), (["--from", ""], 64, "must be an event's id"),
    (["--from", "0"], 65, "kept no longer"), (["--nonsense"], 64, "newsfeed --help"),
    (["other"], 64, "is no command")])
def test_what_is_wrong_is_said(stack, begin, arguments, code, message):
    stack.sql("UPDATE event_floor SET id = greatest(id, 1)")
    result = subprocess.run(command(stack, *arguments), capture_output=True, text=True, timeout=60)
    assert result.returncode == code and message in result.stderr and result.stdout == ""


def test_without_a_database_it_says_so(stack):
    result = subprocess.run(
        as_account([PROGRAM, "--set", "db.conninfo=host=/nowhere", "events"]),
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 69 and "database" in result.stderr


def test_options_of_events_are_for_events_alone(stack):
    result = subprocess.run(as_account([PROGRAM, "--check", "--follow"]),
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 64 and "for events alone" in result.stderr


def test_what_is_not_there_yet_is_waited_for(stack, begin):
    """A transaction that has taken an id and not ended yet."""
    one = stack.client.add_participant()
    with stack.holding(f"UPDATE participant SET name = 'Late' WHERE id = {one}") as commit:
        other = stack.client.add_participant()
        process = subprocess.Popen(command(stack, "--from", begin), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        eventually(lambda: stack.one(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newsfeed'"
            " AND query = 'SELECT id FROM event_floor'") != "0")  # its last, in each look
        assert process.poll() is None
        commit()
    out, _ = process.communicate(timeout=60)
    found = [(e["type"].split(".")[-1], e["subject"]) for e in map(json.loads, out.splitlines())]
    assert found == [("added", link(one)), ("renamed", link(one)), ("added", link(other))]


def test_a_follower_sees_each_once_whatever_is_written_at_once(stack, begin):
    client = stack.client
    process = subprocess.Popen(command(stack, "--from", begin, "--follow"), text=True,
                               stdout=subprocess.PIPE)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        authors = client.add_participants(8)

        def write(author):
            made = []
            for number in range(25):
                made.append(client.publish(author))
                if number % 5 == 0:
                    client.ok("PATCH", f"{link(author)}/outbound/{made[-1]}", {"story": "New."})
            return made

        with ThreadPoolExecutor(8) as pool:
            posts = [item for made in pool.map(write, authors) for item in made]
        eventually(lambda: sum("post.made" in line for line in list(lines)) == len(posts))
        eventually(lambda: sum("post.changed" in line for line in list(lines)) == 40)
    finally:
        process.terminate()
        reader.join(60)
        process.wait(60)
    found = [json.loads(line) for line in lines]
    assert [place(e) for e in found] == sorted({place(e) for e in found})
    made = [e["data"]["id"] for e in found if e["type"] == "newsfeed.post.made"]
    assert made == sorted(posts)
    assert [place(e) for e in found] == [place(e) for e in events(stack, "--from", begin)]


def test_who_falls_behind_what_is_kept_is_told(stack, begin):
    process = subprocess.Popen(command(stack, "--from", begin, "--follow"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    new = stack.client.add_participant()
    assert link(new) in process.stdout.readline()
    floor = stack.one("SELECT id FROM event_floor")
    stack.sql("UPDATE event_floor SET id = id + 1000000")
    assert process.wait(60) == 65
    assert "kept no longer" in process.stderr.read()
    stack.sql(f"UPDATE event_floor SET id = {floor}")


def test_a_restored_database_ends_it(stack, begin):
    process = subprocess.Popen(command(stack, "--from", begin, "--follow"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    new = stack.client.add_participant()
    assert link(new) in process.stdout.readline()
    stack.sql("UPDATE incarnation SET id = gen_random_uuid()")
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              " WHERE usename = 'newsfeed'")
    assert process.wait(60) == 69
    assert "begin anew" in process.stderr.read()


def test_nobody_who_reads_ends_it(stack, begin):
    process = subprocess.Popen(command(stack, "--from", begin, "--follow"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    stack.client.add_participant()
    assert process.wait(60) == 69
    assert b"standard output" in process.stderr.read()
