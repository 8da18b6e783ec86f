"""A feed that is followed for long in a real browser's page, while friends and
strangers post, edit and take back, and things happen to the service, to the
browser's network and by the hand of who reads. At the end the page shows what
the API gives, and it has shown every post of a friend. Its memory may not grow
with what has come.

Prints a line a minute, and how long posts took from their 200 to the page.
Exit code 1: something was wrong; then everything is kept.

Settings, from the environment:

  MINUTES    how long (60)
  RATE       acts a second, in all (50)
  FRIENDS    of these by friends (5)
  TROUBLE    what happens, a choice of trouble.py ("nginx kill reload worker
             memcached postgres")
  EVERY      seconds between two of these, about, and between two things that
             who reads does (30)
"""

import json
import random
import sys
import time
from functools import partial

from browser import Driver, Window
from client import link
from long_run import Place, Steady, Troublemaker, begin, choice, number, say
from stack import Stack
from trouble import TROUBLE
from waiting import eventually, pause

SETTLED = 5          # seconds after trouble in which it is still felt
RECENT = 50          # posts of an author: one of these is edited or taken back
GROWTH = 8 << 20     # bytes: more than garbage and names come to
HABITS = ["scroll", "scroll", "leave", "mark", "network"]

WATCH = """
    window.shown = [];
    const tell = post => shown.push([post.item.id,
        performance.timeOrigin + performance.now()]);
    new MutationObserver(records => {
        for (const { addedNodes } of records)
            for (const node of addedNodes)
                if (node.nodeType === 1)
                    node.querySelectorAll('.post').forEach(tell);
    }).observe(document.querySelector('#view'), { childList: true, subtree: true });
    document.querySelectorAll('.post').forEach(tell)"""

POSTS = """
    const text = (e, name) => e.querySelector(name).textContent;
    return [...document.querySelectorAll('.post')].map(e =>
        [e.item.id, text(e, '.subject'), text(e, '.story'),
         !e.querySelector('.edited').hidden, e.classList.contains('unread')])"""


class Writers(Steady):
    """Of ten acts eight are posts, one is an edit and one takes a post back."""

    def __init__(self, port, authors, rate):
        self.answered = {}  # id: when
        self.removed = set()
        self.recent = {author: [] for author in authors}
        super().__init__(port, authors, rate)

    def act(self, connection, author, turn):
        outbound, recent = f"{link(author)}/outbound", self.recent[author]
        what = random.randrange(10) if recent else 9
        if what > 1:
            item = self.ask(connection, "POST", outbound, {
                "subject": f"{author} {turn}", "story": "It rained. " * random.randint(1, 60)})
            if item:
                self.answered[item["id"]] = time.time()
                recent[:] = [*recent[-RECENT:], item["id"]]
            return
        post = recent.pop(random.randrange(len(recent)))
        if what:
            self.ask(connection, "PATCH", f"{outbound}/{post}", {"story": f"Edited at {turn}."})
            recent.append(post)
        else:
            self.removed.add(post)  # also where the answer is lost
            self.ask(connection, "DELETE", f"{outbound}/{post}")


class Reader:
    """Who has the page open, and what it has shown: {id: when, first}."""

    def __init__(self, window):
        self.window, self.shown = window, {}
        self.heaps = []
        window.sees("Live")
        window.run(WATCH)
        self.times = []  # [when something was done in it, until when]
        self.done = dict.fromkeys(HABITS, 0)

    def look(self):
        for item, when in self.window.run("return shown.splice(0)"):
            self.shown.setdefault(item, when / 1000)

    def do(self, what):
        began = time.time()
        getattr(self, what)()
        self.times.append([began, time.time()])
        self.done[what] += 1

    def scroll(self):
        """Down, where new posts are held, and back by the button."""
        self.window.run("scrollTo(0, 2000)")
        pause(random.uniform(0, 5))
        self.go_up()

    def leave(self):
        """To another view, and back."""
        self.window.run("location.hash += '/friends'")
        self.is_at("Friends")
        pause(random.uniform(0, 5))
        self.window.run("location.hash = location.hash.replace('/friends', '')")
        self.is_at("Feed")

    def is_at(self, title):
        """Nothing that the driver finds ever leaves the browser's memory, nor
        does what it is a part of."""
        eventually(lambda: self.window.run("return document.querySelector('h1').textContent")
                   == title)

    def mark(self):
        self.window.run("document.querySelector('.mark-read').click()")

    def network(self):
        self.window.cut(True)
        pause(random.uniform(0, 5))
        self.window.cut(False)

    def go_up(self):
        self.window.run("""
            document.querySelector('.arrivals:not([hidden])')?.click();
            document.activeElement.blur();
            scrollTo(0, 0)""")

    def measure(self):
        """Bytes that are in use, and nodes of the document."""
        self.window.protocol("HeapProfiler.collectGarbage")
        self.window.protocol("Performance.enable")
        metrics = {each["name"]: each["value"] for each in
                   self.window.protocol("Performance.getMetrics")["metrics"]}
        self.heaps.append(metrics["JSHeapUsedSize"])
        return f"{metrics['JSHeapUsedSize'] / 1e6:.1f} MB, {metrics['Nodes']:.0f} nodes"

    def posts(self):
        return self.window.run(POSTS)


def delays(friends, reader, unrest):
    """In milliseconds, sorted: all, and those without trouble."""
    unrest = [(began - SETTLED, over + SETTLED) for began, over in unrest]
    found = [(reader.shown[item] - when, when) for item, when in list(friends.answered.items())
             if item in reader.shown]
    calm = [delay for delay, when in found
            if not any(began < when < over for began, over in unrest)]
    return [sorted(max(0, delay) * 1000 for delay in each)
            for each in ([delay for delay, _ in found], calm)]


def tell_delays(sizes):
    if not sizes:
        return "none"
    return (f"p50 {sizes[len(sizes) // 2]:.0f} ms, p99 {sizes[len(sizes) * 99 // 100]:.0f} ms"
            f" of {len(sizes)}")


def follow(stack, window, me, friends, strangers, seconds, acts, every):
    """For so long; what is wrong, a line each. acts: of trouble, by name."""
    reader = Reader(window)
    trouble = Troublemaker(acts, every)
    groups = [Writers(stack.port, authors, rate) for authors, rate in (friends, strangers)]
    began, next_act, next_line = time.monotonic(), every, 60

    def tell():
        every_delay, calm = delays(groups[0], reader, trouble.times + reader.times)
        say(f"{(time.monotonic() - began) / 60:.0f} min: posts of friends"
            f" {len(groups[0].answered)}, of others {len(groups[1].answered)};"
            f" on the page {len(reader.posts())}; {reader.measure()};"
            f" delays {tell_delays(every_delay)}, without trouble {tell_delays(calm)};"
            f" {dict(trouble.done)} {reader.done}")

    try:
        while (passed := time.monotonic() - began) < seconds:
            pause(0.5)
            reader.look()
            if passed >= next_act:
                next_act = passed + random.uniform(0.5, 1.5) * every
                reader.do(random.choice(HABITS))
            if passed >= next_line:
                next_line += 60
                tell()
    finally:
        trouble.end()
        for group in groups:
            group.end()
    faults = [*check(stack.client, reader, me, groups[0])]
    tell()
    return faults + trouble.raised + groups[0].faults() + groups[1].faults()


def read_feed(client, me, count):
    path, items = f"{link(me)}/inbound?limit=200", []
    while path and len(items) < count:
        answer = client.get(path)
        items += answer.json
        path = answer.links.get("next")
    return items[:count]


def check(client, reader, me, friends):
    """What is wrong with the page, once it has come to rest."""
    window = reader.window
    marker = {}

    def is_right():
        marker.update(client.ok("GET", f"{link(me)}/inbound/marker"))
        shown = reader.posts()
        assert shown == [
            [item["id"], item["subject"], item["story"], "edited" in item,
             item["id"] > marker["last_read"]] for item in read_feed(client, me, len(shown))]
        return len(shown) >= min(50, len(client.inbound(me)))

    try:
        window.sees("Live")
        reader.go_up()
        eventually(is_right, within=60, every=0.5)
    except AssertionError as error:
        yield f"the page is not the feed: {str(error)[:1000]}"
    count = f"{marker['unread']:,}{' or more' if marker['more'] else ''} unread"
    try:
        window.sees(count if marker["unread"] else "All read")
    except AssertionError as error:
        yield f"{count}: {str(error)[:300]}"
    reader.look()
    missing = set(friends.answered) - friends.removed - set(reader.shown)
    window.listen_to_log()
    reads = len([url for url in window.requests if url.endswith("/inbound")])
    if missing and reads == 1:
        yield f"{len(missing)} posts were never shown, such as {sorted(missing)[:5]}"
    say(f"{len(reader.shown)} posts were shown, {len(missing)} were not; the feed was read"
        f" {reads} times")
    for fault in window.faults:
        if not fault.startswith("network: "):  # what nobody answered
            yield f"the browser's console: {fault}"
    reader.measure()
    if len(reader.heaps) > 2 and reader.heaps[-1] > reader.heaps[1] + GROWTH:
        yield f"memory grew: {json.dumps(reader.heaps)}"


def live(stack, driver, chosen):
    client = stack.client
    me = client.add_participant("Who reads")
    friends, strangers = client.add_participants(8), client.add_participants(16)
    for friend in friends:
        client.befriend(me, friend)
    window = Window(driver, stack.port).open(f"/#/{me}")
    say(f"participant {me} reads, at http://127.0.0.1:{stack.port}/#/{me}, in {stack.run}")
    rate, of_friends = number("RATE", 50), number("FRIENDS", 5)
    faults = follow(stack, window, me, (friends, of_friends), (strangers, rate - of_friends),
                    number("MINUTES", 60) * 60,
                    {name: partial(TROUBLE[name], stack) for name in chosen}, number("EVERY", 30))
    faults += stack.faults()
    say(f"{len(faults)} faults")
    for fault in faults[:50]:
        say(f"fault: {fault}")
    return not faults


def main():
    begin(__doc__)
    chosen = choice("TROUBLE", TROUBLE, "nginx kill reload worker memcached postgres")
    place = Place("live")
    stack = Stack(place.run, WORKERS="8")
    driver = Driver()
    try:
        stack.start()
        place.is_right = live(stack, driver, chosen)
    finally:
        driver.end()
        stack.destroy()
        code = place.leave()
    return code


if __name__ == "__main__":
    sys.exit(main())
