"""Events are posted to endpoints: each at least once, those of a participant in
their order, whatever endpoints and processes do."""

import base64
import hmac
import random
import re
import signal
import subprocess
import textwrap
import threading
import time

import pytest

import spec
from client import link
from endpoint import Endpoint, make_certificates, make_secret, sign
from monitor import Monitor
from stack import PROGRAM, ROOT, as_account, give_away
from test_events import events, place
from waiting import eventually, pause

pytestmark = pytest.mark.xdist_group("webhooks")


class Hooks:
    """A stack whose settings a test may change."""

    def __init__(self, make, folder):
        self.secret = make_secret()
        self.secret_file = folder / "secrets"
        self.file = folder / "newsfeed.conf"
        self.endpoint = Endpoint(self.secret)
        self.write_secrets(self.secret)
        self.write()
        self.stack = make(CONFIG=str(self.file), WORKERS="2")
        self.client = self.stack.client
        eventually(lambda: self.began(self.endpoint.origin + "/"))

    def write_secrets(self, *secrets):
        self.secret_file.write_text("".join(f"{s}\n" for s in secrets))
        self.secret_file.chmod(0o600)
        give_away(self.secret_file)

    def write(self, urls=None, **settings):
        self.urls = urls or [f"{self.endpoint.origin}/"]
        values = {"secret_file": self.secret_file, "private_addresses": "on", "timeout": 1000,
                  "retry": 40, "urls": " ".join(self.urls), **settings}
        self.file.write_text(
            "[webhook]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()))

    def reload(self, urls=None, **settings):
        """Behind it, those with other settings are at work, and no more others."""
        before = set(self.publishers())
        self.write(urls, **settings)
        self.stack.kill("newsfeed", signal.SIGHUP)
        eventually(lambda: len(self.publishers()) == len(self.urls)
                   and not before & set(self.publishers()))
        eventually(lambda: all(map(self.began, self.urls)))

    def publishers(self):
        return self.stack.children("publisher")

    def began(self, url):
        return self.stack.one("SELECT count(*) FROM publisher WHERE name ="
                              f" 'webhook {url}' AND held_until > now()") == "1"

    def last(self):
        """The last event so far, when all are posted."""
        self.client.add_participant()
        last = events(self.stack)[-1]
        eventually(lambda: last in self.endpoint.events())
        return last["id"]

    def waiting(self):
        """The participants who wait; 0 is all of them."""
        rows = self.stack.sql(
            "SELECT participant_id FROM webhook_waiting"
            f" WHERE publisher = 'webhook {self.endpoint.origin}/' ORDER BY 1")
        return [int(row[0]) for row in rows]

    def log_since(self, mark):
        return self.stack.log()[mark:]


@pytest.fixture(scope="module")
def hooks(make_module_stack, module_folder):
    hooks = Hooks(make_module_stack, module_folder)
    yield hooks
    hooks.endpoint.stop()


@pytest.fixture
def endpoint(hooks):
    endpoint = hooks.endpoint
    endpoint.reset()
    yield endpoint
    endpoint.answer = lambda request: 200
    assert endpoint.faults == []
    eventually(lambda: hooks.waiting() == [])


@pytest.fixture
def mark(hooks):
    """Where the log stands."""
    return len(hooks.stack.log())


def told(hooks, begin, *participants):
    """What `newsfeed events` prints since then."""
    return [e for e in events(hooks.stack, "--from", begin)
            if not participants or int(e["subject"].rsplit("/")[-1]) in participants]


def places_of(found):
    return [place(e) for e in found]


def heads_of(found):
    """But for what they tell, which is as it is by then."""
    return [(e["id"], e["type"], e["subject"], e["time"]) for e in found]


def make_all_kinds(client):
    one, other, third = client.add_participants(3)
    client.befriend(one, other)
    client.befriend(one, third)
    client.ok("PATCH", link(one), {"name": "Ä \"new\" name"})
    kept, gone = client.publish(one, story="ä\u2028\\\"<>"), client.publish(one)
    client.ok("PATCH", f"{link(one)}/outbound/{kept}", {"story": "Edited."})
    client.delete(f"{link(one)}/outbound/{gone}")
    client.delete(f"{link(one)}/friends/{other}")
    client.delete(link(third))
    return one, other, third


# --- what is posted -----------------------------------------------------------


def test_all_that_happens_is_posted_as_it_is_printed(hooks, endpoint):
    begin = hooks.last()
    make_all_kinds(hooks.client)
    expected = heads_of(told(hooks, begin))
    eventually(lambda: set(expected) <= set(heads_of(endpoint.events())))
    found = heads_of(sorted(endpoint.events(), key=place))
    assert [head for head in found if head in expected] == expected
    assert {r.path for r in endpoint.requests} == {"/"}
    assert all(r.headers["user-agent"].startswith("newsfeed/") for r in endpoint.requests)
    assert len({r.id for r in endpoint.requests}) == len(endpoint.requests)


def test_events_of_all_kinds_fit_the_specification(hooks, endpoint):
    begin = hooks.last()
    make_all_kinds(hooks.client)
    eventually(lambda: hooks.stack.one(
        "SELECT string_agg(DISTINCT kind::text, '' ORDER BY kind::text) FROM event"
        f" WHERE id > {begin.split('.')[0]}") == "acfglnru")  # and p, which is a post
    found = told(hooks, begin)
    for event in found:
        spec.check_event(event)
    assert {e["type"] for e in found} == set(spec.document["webhooks"])
    broken = {**found[0], "data": {}}
    with pytest.raises(AssertionError):
        spec.check_event(broken)


def test_a_signature_holds_as_operators_are_told(hooks, endpoint):
    text = (ROOT / "etc" / "README.md").read_text()
    lines = re.search(r"(?m)^    def holds\(.*(?:\n     .*)+", text)[0]
    names = {"base64": base64, "hmac": hmac, "time": time}
    exec(textwrap.dedent(lines), names)
    hooks.last()
    request = endpoint.requests[-1]
    assert names["holds"](hooks.secret, request.headers, request.body)
    assert not names["holds"](make_secret(), request.headers, request.body)
    assert not names["holds"](hooks.secret, request.headers, request.body + b" ")
    late = {**request.headers, "webhook-timestamp": str(int(time.time()) - 400)}
    late["webhook-signature"] = sign(hooks.secret, request.id, late["webhook-timestamp"],
                                     request.body)
    assert not names["holds"](hooks.secret, late, request.body)


# --- order, and several at once -------------------------------------------------


def test_each_participants_events_come_in_their_order(hooks, endpoint):
    dice = random.Random(1)

    def answer(request):
        pause(dice.uniform(0, 0.01))
        return 503 if dice.random() < 0.1 else 200

    begin = hooks.last()
    endpoint.answer = answer
    authors = hooks.client.add_participants(6)
    for _ in range(15):
        for author in authors:
            hooks.client.publish(author)
    expected = told(hooks, begin, *authors)
    assert len(expected) == 6 * 16
    eventually(lambda: len(endpoint.events(*authors)) == len(expected))
    for author in authors:
        assert endpoint.places(author) == places_of(told(hooks, begin, author))
    assert 2 <= endpoint.most <= 16


def test_those_of_one_participant_are_never_there_at_once(hooks, endpoint):
    begin = hooks.last()
    endpoint.reset()
    endpoint.answer = lambda request: pause(0.01) or 200
    author = hooks.client.add_participant()
    for _ in range(10):
        hooks.client.publish(author)
    eventually(lambda: len(endpoint.events(author)) == 11)
    assert endpoint.most == 1
    assert endpoint.places(author) == places_of(told(hooks, begin, author))


def is_refused(request):
    return request.event["data"].get("subject") == "Refused"


# --- what an endpoint does not take ----------------------------------------------


@pytest.mark.parametrize("status", [422, 500, 404])
def test_an_event_that_is_refused_holds_up_its_participant_alone(hooks, endpoint, mark, status):
    is_mended = threading.Event()
    one, other = hooks.client.add_participants(2)
    begin = hooks.last()
    endpoint.answer = lambda request: (
        status if is_refused(request) and not is_mended.is_set() else 200)
    refused = hooks.client.publish(one, subject="Refused")
    second = hooks.client.publish(one)
    others = [hooks.client.publish(other) for _ in range(5)]
    eventually(lambda: hooks.waiting() == [one])
    third = hooks.client.publish(one)
    others += [hooks.client.publish(other) for _ in range(70)]
    expected = told(hooks, begin, other)
    eventually(lambda: endpoint.places(other)[-len(others):] == places_of(expected))
    assert (refused, one) not in endpoint.places(one)
    assert not {(second, one), (third, one)} & {r.place for r in endpoint.requests}
    assert f"does not take event {refused}.{one}: status {status}; participant {one} waits" in (
        hooks.log_since(mark))
    eventually(lambda: Monitor(hooks.stack).metrics().sum(
        "newsfeed_outlet_participants_waiting", outlet="webhook 1") == 1)
    is_mended.set()
    eventually(lambda: hooks.waiting() == [])
    assert endpoint.places(one)[-3:] == [(n, one) for n in (refused, second, third)]
    assert f"participant {one} waits no more" in hooks.log_since(mark)


def go_elsewhere(request):
    return 307, {"Location": "/elsewhere"}


@pytest.mark.parametrize("answer, words", [
    (lambda request: 503, "status 503"), (lambda request: 401, "status 401"),
    (lambda request: None, "Server returned nothing"),
    (go_elsewhere, "status 307, redirects are not followed")],
    ids=["503", "401", "nothing", "redirect"])
def test_an_endpoint_that_takes_nothing_is_waited_for(hooks, endpoint, mark, answer, words):
    begin = hooks.last()
    endpoint.answer = answer
    authors = hooks.client.add_participants(3)
    for author in authors:
        hooks.client.publish(author)
    eventually(lambda: 0 in hooks.waiting())
    eventually(lambda: len(endpoint.requests) > 12)
    assert endpoint.events(*authors) == []
    assert {r.path for r in endpoint.requests} == {"/"}
    assert f"takes no events, so that all wait: {words}" in hooks.log_since(mark)
    endpoint.answer = lambda request: 200
    eventually(lambda: len(endpoint.events(*authors)) == 6)
    for author in authors:
        assert endpoint.places(author) == places_of(told(hooks, begin, author))
    eventually(lambda: hooks.waiting() == [])
    assert "takes events again" in hooks.log_since(mark)


def test_an_endpoint_that_is_not_there_is_waited_for(hooks, endpoint, mark):
    hooks.last()
    endpoint.stop()
    authors = hooks.client.add_participants(30)
    eventually(lambda: len(hooks.waiting()) == 1 + 16)  # all, and to find out who
    assert "connect" in hooks.log_since(mark)
    endpoint.start()
    eventually(lambda: len(endpoint.events(*authors)) == 30)


def test_pauses_grow(hooks, endpoint):
    """Of 40 ms, a quarter less or more, each twice as long as the one before."""
    hooks.last()
    endpoint.answer = lambda request: 503
    author = hooks.client.add_participant()
    times = []

    def tries():
        times[:] = [r.at for r in endpoint.requests if r.participant == author]
        return len(times) > 5

    eventually(tries)
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert all(gap >= 0.03 * 2 ** n for n, gap in enumerate(gaps))
    assert gaps[4] < 10


def test_what_asks_for_a_pause_has_it(hooks, endpoint):
    hooks.last()
    endpoint.reset()
    answers = iter([(429, {"Retry-After": "1"})])
    endpoint.answer = lambda request: next(answers, 200)
    author = hooks.client.add_participant()
    eventually(lambda: author in {r.participant for r in endpoint.taken})
    first, second = [r.at for r in endpoint.requests if r.participant == author]
    assert second - first >= 1


def test_an_endpoint_that_is_slow_is_tried_again(hooks, endpoint, mark):
    hooks.last()
    is_first = threading.Event()

    def answer(request):
        if not is_first.is_set():
            is_first.set()
            pause(1.3)
        return 200

    endpoint.answer = answer
    author = hooks.client.add_participant()
    eventually(lambda: len([r for r in endpoint.requests if r.participant == author]) == 2)
    eventually(lambda: len(endpoint.events(author)) == 1)


# --- what is given up -------------------------------------------------------------


def test_what_was_not_taken_for_long_is_set_aside(hooks, endpoint, mark):
    hooks.reload(give_up=1)
    one, other = hooks.client.add_participants(2)
    hooks.last()
    endpoint.answer = lambda request: 422 if is_refused(request) else 200
    refused = hooks.client.publish(one, subject="Refused")
    later = hooks.client.publish(one)
    eventually(lambda: (later, one) in endpoint.places(one))
    assert (refused, one) not in endpoint.places(one)
    words = f"1 events are set aside, {refused}.{one} to {refused}.{one}"
    assert words in hooks.log_since(mark)
    hooks.reload()


def test_of_an_endpoint_that_takes_nothing_what_is_old_is_set_aside(hooks, endpoint, mark):
    hooks.reload(give_up=1)
    hooks.last()
    endpoint.answer = lambda request: 503
    authors = hooks.client.add_participants(24)
    eventually(lambda: "events are set aside" in hooks.log_since(mark))
    eventually(lambda: hooks.stack.one(
        f"SELECT pos >= {places_of(events(hooks.stack))[-1][0]} FROM publisher"
        f" WHERE name = 'webhook {endpoint.origin}/'") == "t")
    eventually(lambda: hooks.waiting() == [0])
    endpoint.answer = lambda request: 200
    new = hooks.client.add_participant()
    eventually(lambda: len(endpoint.events(new)) == 1)
    assert endpoint.events(*authors) == []
    hooks.reload()


def test_nothing_is_set_aside_that_nobody_tried(hooks, endpoint):
    """However long the service was down: it begins to wait anew."""
    one = hooks.client.add_participant()
    hooks.last()
    fails = threading.Event()
    fails.set()
    endpoint.answer = lambda request: (
        422 if fails.is_set() and is_refused(request) else 200)
    refused = hooks.client.publish(one, subject="Refused")
    eventually(lambda: hooks.waiting() == [one])
    hooks.stack.down("newsfeed")
    hooks.stack.sql("UPDATE webhook_waiting SET since = now() - interval '3 days',"
                    " due = now() - interval '2 days'")
    hooks.stack.sql(f"UPDATE outbound SET occurred = now() - interval '3 days'"
                    f" WHERE id = {refused}")
    before = len(endpoint.requests)
    hooks.stack.up("newsfeed")
    eventually(lambda: len([r for r in endpoint.requests[before:]
                            if r.place == (refused, one)]) > 1)
    fails.clear()
    eventually(lambda: hooks.waiting() == [])
    assert (refused, one) in endpoint.places(one)


# --- where nothing is posted ---------------------------------------------------------


def test_private_addresses_are_refused_whatever_name_they_have(hooks, endpoint, mark):
    begin = hooks.last()
    hooks.reload(private_addresses="off")
    endpoint.reset()
    author = hooks.client.add_participant()
    eventually(lambda: "its address is private (webhook.private_addresses)"
               in hooks.log_since(mark))
    assert endpoint.requests == []
    hooks.reload()
    eventually(lambda: len(endpoint.events(author)) == 1)
    assert endpoint.places(author) == places_of(told(hooks, begin, author))


def test_what_is_wrong_is_said_at_launch(hooks, endpoint):
    result = subprocess.run(
        as_account([PROGRAM, "--check", "--set", "webhook.urls=http://10.0.0.1/ nonsense",
                    "--set", "webhook.secret_file="]),
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    for words in ("webhook.urls: URL 1: its address is private",
                  "webhook.urls: URL 2: it must begin with",
                  "webhook.secret_file: must name the file"):
        assert words in result.stdout + result.stderr


def test_https_is_believed_for_a_reason(hooks, endpoint, mark, module_folder):
    context, authority = make_certificates(module_folder)
    secure = Endpoint(hooks.secret, context)
    try:
        hooks.reload([f"{secure.origin}/x"])
        author = hooks.client.add_participant()
        eventually(lambda: "SSL peer certificate" in hooks.log_since(mark))
        assert secure.requests == []
        hooks.reload([f"{secure.origin}/x"], ca_file=authority)
        eventually(lambda: len(secure.events(author)) == 1)
        assert secure.faults == []
    finally:
        hooks.reload()
        secure.stop()


# --- secrets, several endpoints, and processes that die --------------------------------


def test_secrets_are_changed_while_all_goes_on(hooks, endpoint):
    hooks.last()
    new = make_secret()
    hooks.write_secrets(new, hooks.secret)
    hooks.reload()
    endpoint.reset()
    author = hooks.client.add_participant()
    request, = eventually(lambda: endpoint.requests)
    assert request.participant == author and len(request.signatures) == 2
    assert request.signed_by(new) and request.signed_by(hooks.secret)
    assert not request.signed_by(make_secret())
    hooks.write_secrets(hooks.secret)
    hooks.reload()


def test_an_endpoint_that_fails_holds_up_no_other(hooks, endpoint):
    other = Endpoint(hooks.secret)
    try:
        hooks.reload([f"{endpoint.origin}/", f"{other.origin}/path?a=b"])
        other.answer = lambda request: pause(0.9) or 503
        hooks.last()
        authors = hooks.client.add_participants(5)
        eventually(lambda: len(endpoint.events(*authors)) == 5)
        assert other.events() == []
        other.answer = lambda request: 200
        eventually(lambda: len(other.events(*authors)) == 5)
        assert {r.path for r in other.requests} == {"/path?a=b"} and other.faults == []
    finally:
        hooks.reload()
        other.stop()


def test_nothing_is_lost_by_whoever_dies(hooks, endpoint):
    dice = random.Random(2)
    begin = hooks.last()

    def answer(request):
        pause(dice.uniform(0, 0.02))
        return dice.choice([200, 200, 200, 200, 200, 503, 422])

    endpoint.answer = answer
    authors = hooks.client.add_participants(5)
    ends = time.monotonic() + 3

    def kill():
        while time.monotonic() < ends:
            pause(dice.uniform(0.05, 0.5))
            for pid in hooks.publishers():
                subprocess.run(["kill", "-9", str(pid)], check=False)

    killer = threading.Thread(target=kill)
    killer.start()
    while time.monotonic() < ends:
        hooks.client.publish(dice.choice(authors))
    killer.join()
    endpoint.answer = lambda request: 200
    expected = told(hooks, begin, *authors)
    eventually(lambda: len(endpoint.events(*authors)) == len(expected))
    for author in authors:
        assert endpoint.places(author) == places_of(told(hooks, begin, author))
    bodies = {}
    for request in endpoint.requests:
        assert bodies.setdefault(request.id, request.body) == request.body
