"""The pages that nginx serves: the client at / and the explorer at /docs/."""

import hashlib
import os
import re
import signal
from functools import partial
from pathlib import Path

import live
import pytest

from browser import DESK, PHONE, Driver, Window
from client import Client, link
from stack import ROOT
from tokens import print_token, write_key
from trouble import TROUBLE
from waiting import eventually

pytestmark = pytest.mark.xdist_group("pages")

PAGES = ROOT / "nginx" / "pages"
VENDORED = ROOT / "nginx" / "docs" / "swagger-ui"


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="3")


@pytest.fixture(scope="module")
def driver():
    driver = Driver()
    yield driver
    driver.end()


@pytest.fixture
def open_window(driver, stack):
    """Windows whose pages may have nothing to complain of, and ask nobody else."""
    windows = []

    def open_window(path="/", size=DESK, port=stack.port):
        window = Window(driver, port, size)
        windows.append(window)
        return window.open(path)

    yield open_window
    for window in windows:
        elsewhere = window.elsewhere()
        window.run("localStorage.clear()")
        window.close()
        assert not window.faults
        assert not elsewhere


# --- what nginx answers ---------------------------------------------------------

FILES = sorted(
    [f"/pages/{file.name}" for file in PAGES.iterdir()]
    + [f"/docs/{file.name}" for file in VENDORED.parent.glob("*.*")]
    + [f"/docs/swagger-ui/{file.name}" for file in VENDORED.glob("swagger-*")])

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
         ".txt": "text/plain; charset=utf-8"}


def fetch(client, path, method="GET", **headers):
    """Beside the API: it is not in the specification."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send(method, path, None, names)


@pytest.mark.parametrize("path", ["/", "/docs/", *FILES])
def test_a_page_says_what_it_is_and_what_it_may_do(stack, path):
    answer = fetch(stack.client, path)
    suffix = ".html" if path.endswith("/") else Path(path).suffix
    assert answer.status == 200
    assert answer.headers["content-type"] == TYPES[suffix]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert fetch(stack.client, path, "HEAD").body == b""


@pytest.mark.parametrize("path", ["/", "/docs/page.js", "/pages/main.js"])
def test_a_page_is_asked_for_again_at_no_cost(stack, path):
    first = fetch(stack.client, path)
    again = fetch(stack.client, path, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    packed = fetch(stack.client, path, Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(first.body)


@pytest.mark.parametrize("path", ["/", "/docs/", "/pages/main.js"])
def test_a_page_knows_no_other_methods(stack, path):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = fetch(stack.client, path, method)
        assert (answer.status, answer.json["status"]) == (405, 405)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    answer = fetch(stack.client, path, "OPTIONS")
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", [
    "/pages/", "/pages", "/pages/nothing.js", "/docs/nothing", "/docs/swagger-ui/",
    "/index.html", "/pages.conf", "/pages/../openapi.yaml/", "//", "/nothing",
])
def test_what_is_no_page_is_a_problem(stack, path):
    answer = fetch(stack.client, path)
    assert (answer.status, answer.json["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_docs_without_its_slash_leads_there(stack):
    answer = fetch(stack.client, "/docs")
    assert (answer.status, answer.headers["location"]) == (308, "/docs/")


def test_without_the_include_there_are_no_pages(stack):
    lines = f"root {stack.run}/public; include newsfeed/server.conf;"
    with stack.another_server(lines) as client:
        for path in ("/", "/docs/", "/pages/main.js"):
            answer = fetch(client, path)
            assert (answer.status, answer.json["status"]) == (404, 404)
        assert fetch(client, "/openapi.yaml").status == 200


def test_the_explorers_files_are_those_of_its_package():
    lines = (VENDORED / "manifest").read_text().splitlines()
    assert re.fullmatch(r"package swagger-ui-dist \d+\.\d+\.\d+", lines[0])
    assert re.fullmatch(r"integrity sha512-[A-Za-z0-9+/]{86}==", lines[1])
    listed = dict(reversed(line.split("  ")) for line in lines[2:])
    assert {"LICENSE", *listed} == {
        file.name for file in VENDORED.iterdir()} - {"manifest", ".gitattributes"}
    for name, digest in listed.items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest, name


def test_no_page_names_another_host():
    for file in [*PAGES.iterdir(), *VENDORED.parent.glob("*.*")]:
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", file.read_text())
        assert set(found) <= {"http://www.w3.org"}, file


# --- the walk --------------------------------------------------------------------

@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_walk_through_the_client(open_window, stack, size):
    ben = stack.client.add_participant("Ben Okafor")
    page = open_window(size=size)

    # Somebody new, who befriends.
    page.fill("Name", "Ada")
    page.click("Begin")
    page.sees("Nothing here yet", "Live")
    ada = int(page.run("return location.hash.slice(2)"))
    assert stack.client.get(link(ada)).json["name"] == "Ada"
    page.click("Friends")
    page.fill("Number or link of somebody", str(ben))
    page.click("Befriend")
    page.sees("You and Ben Okafor are friends")
    assert stack.client.friends(ada) == [ben]

    # A post comes by itself, as it is, and then as it is edited and taken back.
    page.click("Feed")
    evil = "<img src=x onerror=alert(1)> & more"
    item = stack.client.publish(ben, "It rained", evil)
    page.sees("Ben Okafor", "It rained", evil, "1 unread", "new")
    stack.client.patch(f"{link(ben)}/outbound/{item}", {"subject": "It poured"})
    page.sees("It poured", "edited")
    page.misses("It rained")
    page.click("Mark all as read")
    page.sees("All read")
    assert stack.client.ok("GET", f"{link(ada)}/inbound/marker")["last_read"] == item
    stack.client.delete(f"{link(ben)}/outbound/{item}")
    page.sees("Nothing here yet")

    # One's own: posted, edited, taken back.
    page.fill("Subject", "Good news")
    page.fill("Story", "All of it.\nAnd more.")
    page.click("Post to your friends")
    page.sees("Posted.")
    mine, = stack.client.inbound_ids(ben)
    page.click("Your posts")
    page.sees("Good news", "All of it.\nAnd more.")
    page.click("Edit")
    page.fill("Subject", "Better news", inside="//article")
    page.click("Save")
    page.sees("Better news", "edited", "Saved.")
    assert stack.client.inbound(ben)[0]["subject"] == "Better news"
    page.click("Take back")
    page.click("Keep it as it is")
    page.click("Take back")
    page.click("Take it back", inside="//dialog")
    page.sees("You have not posted yet")
    assert stack.client.get(f"{link(ada)}/outbound/{mine}").status == 404

    # The friendship ends.
    page.click("Friends")
    page.click("Ben Okafor")
    page.sees("has not posted yet")
    page.click("Unfriend")
    page.click("End it", inside="//dialog")
    page.button("Befriend")
    assert stack.client.friends(ada) == []
    fits(page)


def fits(page):
    """Nothing is wider than the page."""
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_two_windows_are_two_people(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    anns, bens = open_window(f"/#/{ann}"), open_window(f"/#/{ben}", PHONE)
    bens.sees("Nothing here yet", "Live")
    anns.fill("Subject", "From the other window")
    anns.fill("Story", "Here.")
    anns.click("Post to your friends")
    bens.sees("From the other window", "1 unread")
    anns.misses("From the other window")


def test_paging_unread_and_what_arrives_far_down(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    first, *_ = [stack.client.publish(ben, f"Post {n}", "Line.\n" * 3) for n in range(53)]
    stack.client.request("PUT", f"{link(ann)}/inbound/marker", json={"last_read": first})
    page = open_window(f"/#/{ann}", PHONE)
    page.sees("52 unread", "Post 52", "Post 3\n")
    assert page.run("return document.title") == "(52) Feed – newsfeed"
    page.click("Show older posts")
    page.sees("Post 0")
    assert page.run("return document.activeElement.innerText").count("Post 2")
    assert page.run("return document.querySelectorAll('.post').length") == 53
    assert page.run("return document.querySelectorAll('.unread').length") == 52

    where = page.run("scrollTo(0, 3000); return scrollY")
    for n in (53, 54):
        stack.client.publish(ben, f"Post {n}")
    page.button("2 new posts")
    assert page.run("return scrollY") == where
    page.misses("Post 54")
    page.click("2 new posts")
    page.sees("Post 53", "Post 54", "54 unread")
    assert page.run("return document.activeElement.innerText").count("Post 54") == 1
    assert page.run("return scrollY") < 300


def test_a_page_that_stays_open_does_not_grow(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    page = open_window(f"/#/{ann}")
    page.sees("Live")

    def publish(count):
        """At once; a post that is taken back drops what the cache has."""
        rows = stack.sql(
            "WITH post AS (INSERT INTO outbound (participant_id, subject, story)"
            f" SELECT {ben}, 'Post', 'Story' FROM generate_series(1, {count}) RETURNING id),"
            f" delivery AS (INSERT INTO inbound SELECT {ann}, id FROM post)"
            " SELECT id FROM post ORDER BY 1")
        stack.client.delete(f"{link(ben)}/outbound/{stack.client.publish(ben)}")
        return [int(id) for id, in rows]

    items = publish(260)
    page.sees("260 unread")
    page.wait(lambda: ids_on(page)[:1] == items[-1:], "the last one is not shown")
    assert page.run("return document.querySelectorAll('.post').length") <= 250
    page.click("Show older posts")
    page.wait(lambda: len(ids_on(page)) > 250, "no more posts")
    shown = ids_on(page)
    assert shown == items[:-len(shown) - 1:-1]

    # Nor while somebody reads.
    publish(210)
    page.button("Many new posts")
    assert ids_on(page) == shown
    page.click("Many new posts")
    page.wait(lambda: ids_on(page) == stack.client.inbound_ids(ann), "other posts are shown")
    new = stack.client.publish(ben, "And on")
    page.sees("1 new post", "471 unread")
    page.click("1 new post")
    assert ids_on(page)[0] == new


def test_what_is_unread_is_counted_right_however_late_answers_are(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    page = open_window(f"/#/{ann}")
    page.sees("Live")
    delay_answers(page, "GET", "/marker", 600)
    stack.client.publish(ben, "One")
    page.wait(lambda: page.run("return answered") == 1, "the marker was not asked for")
    stack.client.publish(ben, "Two")  # while the answer that knows one is under way
    page.sees("Two", "2 unread")
    stack.client.publish(ben, "Three")
    page.wait(lambda: page.run("return answered") == 3, "the marker was not asked for")
    page.click("Mark all as read")
    page.wait(lambda: page.run("return answered > 3 || !under_way"), "an answer is late")
    page.sees("All read")
    page.wait(lambda: page.run("return !under_way"), "an answer is late")
    page.sees("All read")


def delay_answers(page, method, words, milliseconds):
    """Of such requests, behind what they have done."""
    page.run("""
        const [method, words, milliseconds] = arguments;
        const send = fetch;
        window.answered = window.under_way = 0;
        window.fetch = async (path, options) => {
            const answer = await send(path, options);
            if (options.method === method && path.endsWith(words)) {
                answered++;
                under_way++;
                await new Promise(done => setTimeout(done, milliseconds));
                under_way--;
            }
            return answer;
        }""", method, words, milliseconds)


def ids_on(page):
    return page.run("return [...document.querySelectorAll('.post')].map(e => e.item.id)")


def test_search_finds_words_and_people(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    eve = stack.client.add_participant("Eve")
    stack.client.publish(ben, "🌦 weather", "A xylophone in the rain")
    stack.client.publish(eve, "Music", "The xylophone again")
    eventually(lambda: len(stack.client.search("xylophone")) == 2)
    page = open_window(f"/#/{ann}/search", PHONE)
    page.fill("Words in subject or story", "xylophone or weather")
    page.click("Search", inside="//form")
    page.sees("Who wrote of it", "Eve", "A xylophone in the rain", "The xylophone again")
    marks = page.run("return [...document.querySelectorAll('mark')].map(e => e.textContent)")
    assert marks == ["xylophone", "weather", "xylophone"]
    page.tick("Posts of my friends alone")
    page.click("Search", inside="//form")
    page.misses("The xylophone again")
    page.sees("A xylophone in the rain")
    page.open(f"/#/{ann}/search?keywords=xylophone")
    page.click("Eve")
    page.click("Befriend")
    page.sees("are friends")
    assert set(stack.client.friends(ann)) == {ben, eve}


def test_an_edit_that_came_first_is_not_lost(open_window, stack):
    ann = stack.client.add_participant("Ann")
    item = stack.client.publish(ann, "Mine", "One.")
    page = open_window(f"/#/{ann}/posts")
    page.click("Edit")
    page.fill("Story", "Two.", inside="//article")
    stack.client.patch(f"{link(ann)}/outbound/{item}", {"story": "Three."})
    page.click("Save")
    page.sees("edited elsewhere", "“Three.”")
    assert stack.client.get(f"{link(ann)}/outbound/{item}").json["story"] == "Three."
    page.click("Save")
    page.sees("Saved.")
    assert stack.client.get(f"{link(ann)}/outbound/{item}").json["story"] == "Two."
    expect_status(page, 412)


def test_what_the_service_refuses_is_told_at_the_field(open_window, stack):
    ann = stack.client.add_participant("Ann")
    page = open_window(f"/#/{ann}/posts")
    page.fill("Subject", "x" * 201)
    page.fill("Story", "Kept")
    page.click("Post to your friends")
    page.sees("Subject: must be at most 200 characters")
    assert page.run("return document.activeElement.name") == "subject"
    assert page.run("return document.activeElement.getAttribute('aria-invalid')") == "true"
    assert page.run("return document.querySelector('[name=story]').value") == "Kept"
    expect_status(page, 400)


def fields(page):
    return page.run("""
        const { subject, story } = document.querySelector('.compose').elements;
        return [subject.value, story.value]""")


def test_a_draft_is_not_lost(open_window, stack):
    ann = stack.client.add_participant("Ann")
    item = stack.client.publish(ann, "Mine", "One.")
    page = open_window(f"/#/{ann}")
    page.fill("Subject", "Half")
    page.fill("Story", "Not yet")

    # The view is left, and the page is read anew.
    page.click("Friends")
    page.click("Your posts")
    page.find("//h1[. = 'Your posts']")
    assert fields(page) == ["Half", "Not yet"]
    page.open(f"/#/{ann}").find("//h1[. = 'Feed']")
    assert fields(page) == ["Half", "Not yet"]

    # What is written while a post is under way is the next one's.
    delay_answers(page, "POST", "/outbound", 1500)
    page.click("Post to your friends")
    page.wait(lambda: page.run("return answered"), "it was not posted")
    page.fill("Story", "The next one")
    page.sees("Posted.")
    assert fields(page) == ["", "The next one"]
    page.fill("Story", "")

    # An edit, too; Escape is no way to lose it.
    page.click("Your posts")
    page.click("Edit", inside=f"//*[@id='post-{item}']")
    page.fill("Story", "Two.", inside="//article")
    page.press("Escape")
    page.click("Feed")
    page.click("Your posts")
    page.click("Edit", inside=f"//*[@id='post-{item}']")
    page.click("Save")
    page.sees("Saved.")
    assert stack.client.get(f"{link(ann)}/outbound/{item}").json["story"] == "Two."


def test_a_browser_that_keeps_nothing_is_enough(stack):
    driver = Driver({"profile.default_content_setting_values.cookies": 2})
    try:
        page = Window(driver, stack.port).open()
        page.fill("Name", "Ann")
        page.click("Begin")
        page.sees("Live")
        page.fill("Subject", "Kept by nobody")
        page.fill("Story", "But the service.")
        page.click("Friends")
        page.click("Your posts")
        page.click("Post to your friends")
        page.sees("Posted.", "Kept by nobody")
        page.run("""try { sessionStorage } catch { return }
                    throw new Error('this browser does keep something')""")
        assert not page.listen_to_log()
    finally:
        driver.end()


def test_who_is_gone_is_not_gone_back_to(open_window, stack):
    ann = stack.client.add_participant("Ann")
    page = open_window(f"/#/{ann}")
    page.sees("Live")
    stack.client.delete(link(ann))
    page.sees("Removed")
    page.open("/").sees(f"Participant {ann} does not exist.")
    page.click("Be somebody else")
    page.sees("Who is reading?")
    page.misses("From this browser")
    forgive(page, "status of 404")


def test_who_is_in_a_hurry_listens_once(open_window, stack):
    ann = stack.client.add_participant("Ann")
    page = open_window()
    page.sees("Who is reading?")
    page.run("location.hash = arguments[0]; location.hash = `${arguments[0]}/friends`",
             f"#/{ann}")
    page.sees("No friends yet.", "Live")
    page.listen_to_log()
    assert len([url for url in page.requests if url.endswith("/inbound/stream")]) == 1


def forgive(page, words):
    page.listen_to_log()
    page.faults = [fault for fault in page.faults if words not in fault]


def expect_status(page, status):
    """A browser writes every such answer into its log."""
    words = f"the server responded with a status of {status}"
    assert any(words in fault for fault in page.listen_to_log())
    forgive(page, words)


# --- the connection is cut -------------------------------------------------------

def is_cut(page):
    page.sees("Reconnecting…")
    return True


@pytest.fixture
def listening(open_window, stack):
    """A page that listens, and who writes for it."""
    ann, ben = stack.client.friends_of_new()
    page = open_window(f"/#/{ann}")
    page.sees("Live")
    stack.client.publish(ben, "Before")
    page.sees("Before")
    yield page, ben
    forgive(page, "network: ")  # requests that nobody answered


def comes(page, *subjects):
    page.sees("Live", *subjects)
    shown = page.run(
        "return [...document.querySelectorAll('.subject')].map(e => e.textContent)")
    assert shown == [*reversed(subjects), "Before"]


def test_nginx_was_away(listening, stack):
    page, ben = listening
    page.run("Math.random = () => 1000")  # by itself it waits for long
    stack.down("nginx")
    is_cut(page)
    stack.up("nginx")
    stack.client.publish(ben, "While nobody heard")
    page.click("Try now")
    comes(page, "While nobody heard")
    stack.client.publish(ben, "Behind it")
    comes(page, "While nobody heard", "Behind it")


def test_the_streamer_was_killed(listening, stack):
    page, ben = listening
    os.kill(eventually(lambda: stack.children("streamer"))[0], signal.SIGKILL)
    stack.client.publish(ben, "While nobody heard")
    comes(page, "While nobody heard")


def test_the_network_was_away(listening, stack):
    page, ben = listening
    page.cut(True)
    is_cut(page)
    stack.client.publish(ben, "While nobody heard")
    page.cut(False)
    comes(page, "While nobody heard")


def test_a_reset_leaves_who_reads_in_their_place(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    items = [stack.client.publish(ben, f"Post {n}", "Line.\n" * 3) for n in range(60)]
    page = open_window(f"/#/{ann}", PHONE)
    page.sees("Live")
    page.click("Show older posts")
    page.sees("Post 0")
    page.run("""
        window.mine = document.querySelector(`#post-${arguments[0]}`);
        mine.focus()""", items[5])
    where = page.run("return mine.getBoundingClientRect().top")
    assert 0 < where < PHONE[1]

    # Away for longer than the service remembers what has changed.
    page.cut(True)
    is_cut(page)
    stack.client.delete(f"{link(ben)}/outbound/{items[2]}")
    stack.client.delete(f"{link(ben)}/outbound/{items[55]}")
    stack.client.patch(f"{link(ben)}/outbound/{items[4]}", {"subject": "Another"})
    new = stack.client.publish(ben, "New")
    before = stack.one("SELECT id FROM event_floor")
    stack.sql(f"UPDATE event_floor SET id = {new}")
    try:
        page.cut(False)
        page.button("1 new post")
    finally:
        stack.sql(f"UPDATE event_floor SET id = {before}")
    page.sees("Live", "Another")
    assert page.run("return document.activeElement === mine")
    assert abs(page.run("return mine.getBoundingClientRect().top") - where) < 2
    assert ids_on(page) == [i for i in reversed(items) if i not in (items[2], items[55])]
    page.click("1 new post")
    assert ids_on(page)[0] == new
    forgive(page, "network: ")


def test_a_page_shows_all_that_comes(open_window, stack):
    """For a moment what `make check-live` does for an hour."""
    me, *others = stack.client.add_participants(5)
    for friend in others[:2]:
        stack.client.befriend(me, friend)
    page = open_window(f"/#/{me}")
    acts = {name: partial(TROUBLE[name], stack) for name in ("nginx", "kill")}
    assert live.follow(stack, page, me, (others[:2], 20), (others[2:], 20), 5, acts, 1) == []
    forgive(page, "network: ")


def test_without_the_network_a_phone_still_has_its_page(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    page = open_window(f"/#/{ann}", PHONE)
    page.sees("Live")
    page.cut(True)
    is_cut(page)
    fits(page)
    assert page.run("return document.querySelector('#me').getBoundingClientRect().right"
                    " <= innerWidth")
    page.click("Friends")
    page.sees("The service cannot be reached.")
    page.cut(False)
    page.sees("Number 1", f"no. {ben}", "Live")
    forgive(page, "network: ")


def test_what_was_out_of_reach_comes_later(open_window, stack):
    ann, ben = stack.client.friends_of_new()
    stack.client.publish(ben, "It is here")
    page = open_window()
    page.block("*/inbound/marker", f"*{link(ben)}")
    page.run("location.hash = arguments[0]", f"#/{ann}")
    page.sees("It is here", f"Participant {ben}")
    page.misses("All read")
    page.block()
    page.sees("It is here", "Number 1", "1 unread")
    forgive(page, "network: ")


def test_a_page_that_is_left_listens_no_more(listening, stack):
    """A browser keeps it, to go back to, and its connections with it."""
    page, _ = listening
    ended = stack.log("access").count("/inbound/stream ")
    page.do("POST", "/url", {"url": "about:blank"})
    eventually(lambda: stack.log("access").count("/inbound/stream ") > ended, within=20)
    page.do("POST", "/back")
    page.sees("Live", "Before")


def test_events_are_read_in_any_pieces(open_window):
    page = open_window()
    events = page.run_async("""
        const { Parser } = await import('/pages/stream.js');
        const text = [
            ': hello\\r', 'retry: 1500', '', 'event: item', 'id: 7', 'data: {"a":',
            'data:1}', '', 'data', '', 'id:8\\r', 'data: x: y\\r', '\\r',
            'event: nothing', '', 'data: never ended'].join('\\n');
        const of = size => {
            const parser = new Parser();
            const all = [];
            for (let i = 0; i < text.length; i += size)
                all.push(...parser.push(text.slice(i, i + size)));
            return JSON.stringify([parser.retry, all]);
        };
        const whole = of(1000);
        for (let size = 1; size < 60; size++)
            if (of(size) !== whole)
                return 'other in pieces of ' + size;
        return JSON.parse(whole)""")
    assert events == [1500, [
        {"name": "item", "id": "7", "data": '{"a":\n1}'},
        {"name": "message", "id": None, "data": ""},
        {"name": "message", "id": "8", "data": "x: y"},
    ]]


# --- credentials -----------------------------------------------------------------

def test_a_service_with_a_key_is_asked_with_a_token(open_window, make_stack, folder):
    file = write_key(folder, "key")
    stack = make_stack(WORKERS="2", SETTINGS=f"auth.key_file={file}")
    admin = Client(stack.port, headers={
        "Authorization": f"Bearer {print_token(file, 0, '--admin')}"})
    ann, ben = admin.friends_of_new()
    page = open_window(f"/#/{ann}", port=stack.port)
    page.sees("This service wants a token")
    page.fill("Bearer token", print_token(file, ann) + "\u2026")
    page.click("Use it")
    page.sees("Live", "Nothing here yet")
    admin.publish(ben, "For those who may")
    page.sees("For those who may")
    page.fill("Subject", "Mine")
    page.fill("Story", "Too")
    page.click("Post to your friends")
    page.sees("Posted.")
    expect_status(page, 401)
    page.open(f"/#/{ben}").sees("The token is another participant's.")
    page.click("Not now")
    page.sees("Not live", "The token is another participant's.")
    expect_status(page, 403)


# --- who uses no mouse, or no eyes ------------------------------------------------

def test_a_walk_by_keyboard_alone(open_window, stack):
    ben = stack.client.add_participant("Ben")
    page = open_window()
    page.find("//h1")
    page.press("Tab")
    assert page.focus() == "Skip to the content"
    page.tab_to("Name")
    page.type("Ada")
    page.press("Enter")
    page.sees("Live")
    page.tab_to("Friends")
    page.press("Enter")
    page.find("//h1[. = 'Friends']")
    assert page.focus() == "Friends"
    page.tab_to("Number or link of somebody")
    page.type(str(ben))
    page.press("Enter")
    page.sees("You and Ben are friends")
    page.tab_to("Your posts", "Shift+Tab")
    page.press("Enter")
    page.find("//h1[. = 'Your posts']")
    page.tab_to("Subject")
    page.type("By hand")
    page.press("Tab")
    page.type("No mouse.")
    page.press("Tab", "Enter")
    page.sees("Posted.", "By hand")
    page.tab_to("Edit")
    page.press("Enter")
    eventually(lambda: page.focus() == "Subject")
    page.press("Tab")
    page.type(" At all.")
    page.press("Control+Enter")
    page.sees("No mouse. At all.", "Saved.")
    eventually(lambda: page.focus() == "Edit")
    page.press("Tab", "Enter")
    eventually(lambda: page.focus() == "Keep it as it is")
    page.press("Escape")
    eventually(lambda: page.focus() == "Take back")
    eventually(lambda: page.run("return !document.querySelector('[aria-busy]')"))
    page.press("Enter")
    page.tab_to("Take it back")
    page.press("Enter")
    page.sees("You have not posted yet")
    assert page.focus() == "Your posts"


AUDIT = (Path(__file__).parent / "audit.js").read_text()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_view_can_be_used_by_all(open_window, stack, size):
    ann, ben = stack.client.friends_of_new()
    for who in ann, ben:
        stack.client.patch(link(who), {"name": "Elisabeth-Alexandra " * 5})
    stack.client.publish(ben, "A subject", "See https://example.org/a. " + "Long. " * 300)
    stack.client.publish(ann, "Audited", "Story")
    eventually(lambda: stack.client.search("audited"))
    page = open_window(f"/#/{ann}", size=size)
    for path, text in (
        ("", "A subject"), ("/posts", "Audited"), ("/friends", "Unfriend"),
        (f"/people/{ben}", "Read as this one"), ("/search?keywords=audited", "Who wrote"),
        (None, "Who is reading?"),
    ):
        page.run("location.hash = arguments[0]", "/" if path is None else f"/{ann}{path}")
        page.sees(text)
        if path == "/posts":
            page.click("Edit")
            page.button("Save")
        for scheme in ("light", "dark"):
            page.prefer(color_scheme=scheme, reduced_motion="reduce")
            assert page.run(AUDIT) == [], path
        fits(page)
        assert page.run("""
            const right = selector => document.querySelector(selector)
                .getBoundingClientRect().right;
            return right('#me') <= right('.top')"""), path


# --- the explorer ----------------------------------------------------------------

@pytest.mark.parametrize("size, operation", [
    (PHONE, "participant/getParticipant"), (DESK, "outbound/addOutbound"),
], ids=["phone", "desk"])
def test_the_explorer_tries_an_operation(open_window, stack, size, operation):
    ann = stack.client.add_participant("Ann of the explorer")
    page = open_window(f"/docs/#/{operation}", size)
    page.fill_in(page.find("//input[@placeholder='id']"), str(ann))

    def is_answered():
        """It takes what was typed a moment later."""
        page.click("Execute")
        return page.run("return !!document.querySelector('[class*=live-response]')")

    page.wait(is_answered, "there is no answer")
    page.find("//*[contains(@class, 'live-response')]//*[normalize-space()='200']")
    page.sees("Ann of the explorer" if size == PHONE else f"/participant/{ann}/outbound/")


def test_the_explorer_sends_nothing_that_nobody_asked_for(open_window):
    page = open_window("/docs/#/outbound/searchItems")
    page.find("//button[. = 'Execute']")
    filled = page.run("""
        return [...document.querySelectorAll('.parameters input, .parameters select')]
            .filter(e => e.value).map(e => e.value)""")
    assert filled == ['"good news" or weather -rain', "false", "50"]
