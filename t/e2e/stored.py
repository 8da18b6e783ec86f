"""The form of a page in memcached, once more, from what app/stored.h says."""

import collections
import json
import re

Item = collections.namedtuple("Item", "id tag text")
Snapshot = collections.namedtuple("Snapshot", "xmin xmax xip")
Page = collections.namedtuple("Page", "body etag link")

STORED_MAX = 2**20 - 1024
INT64_MAX = 2**63 - 1

NUMBER = rb"(0|[1-9][0-9]*)"
SNAPSHOT = rb"((?:0|[1-9][0-9]*):(?:0|[1-9][0-9]*):(?:[1-9][0-9]*(?:,[1-9][0-9]*)*)?)"
TAG = rb"([0-9a-f]{16})"
PATH = rb"(/(?!/)[!#-;=?-\[\]-~]{1,199})"

FRONT = re.compile(b" ".join([rb"\+" + NUMBER, NUMBER, SNAPSHOT, TAG, NUMBER]) + b"\n")
BASE = re.compile(b" ".join([b"=" + PATH, NUMBER, b"([01])", NUMBER, SNAPSHOT, NUMBER]) + b"\n")
LINE = re.compile(b" ".join([NUMBER, TAG, NUMBER]) + b"\n")

# --- to write one ---


def item(number, story="A story.", reader=2):
    text = json.dumps(
        {"id": number, "from": "/participant/1", "to": f"/participant/{reader}",
         "occurred": "2026-01-02T03:04:05.678Z", "subject": "Stored", "story": story,
         "link": f"/participant/1/outbound/{number}"}, separators=(",", ":")).encode()
    return Item(number, number * 0x123456789ab % 2**64, text)


def front(item, xid=30, snapshot="30:30:"):
    return b"+%d %d %s %016x %d\n%s\n" % (
        item.id, xid, snapshot.encode(), item.tag, len(item.text), item.text)


def base(*items, limit=50, older=0, prev=None, snapshot="20:20:", path="/participant/2/inbound"):
    if prev is None:
        prev = items[0].id if items else 0
    lines = [b"%d %016x %d\n" % (i.id, i.tag, len(i.text)) for i in items]
    return b"=%s %d %d %d %s %d\n%s[%s]" % (
        path.encode(), limit, older, prev, snapshot.encode(), len(items), b"".join(lines),
        b",".join(i.text for i in items))


# --- to read one ---


class NoPage(Exception):
    pass


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, pattern):
        """The groups of what has to come next."""
        match = re.compile(pattern).match(self.data, self.at)
        if not match:
            raise NoPage
        self.at = match.end()
        return match.groups()

    def has(self, start):
        return self.data.startswith(start, self.at)

    def text(self, number, tag, length):
        text = self.data[self.at:self.at + at_most(length, STORED_MAX)]
        self.at += int(length)
        is_right = text.startswith(b'{"id":%s,' % number) and text.endswith(b"}")
        if len(text) != int(length) or not is_right or number == b"0":
            raise NoPage
        return Item(at_most(number, INT64_MAX), int(tag, 16), text)


def at_most(number, most):
    if int(number) > most:
        raise NoPage
    return int(number)


def snapshot_of(text):
    xmin, xmax, xip = text.split(b":")
    xip = [int(xid) for xid in xip.split(b",") if xid]
    one = Snapshot(at_most(xmin, INT64_MAX), at_most(xmax, INT64_MAX), xip)
    is_right = 0 < one.xmin <= one.xmax and xip == sorted(set(xip))
    if not is_right or any(not one.xmin <= xid < one.xmax for xid in xip):
        raise NoPage
    return one


def sees(snapshot, xid):
    return xid < snapshot.xmax and xid not in snapshot.xip


def covers(one, other):
    return one.xmax >= other.xmax and not any(sees(other, xid) for xid in one.xip)


def take_front(data):
    number, xid, snapshot, tag, length = data.take(FRONT)
    item = data.text(number, tag, length)
    data.take(b"\n")
    return item, at_most(xid, INT64_MAX), snapshot_of(snapshot)


def take_items(data, count):
    lines = [data.take(LINE) for _ in range(count)]
    items = []
    data.take(rb"\[")
    for line in lines:
        data.take(b"," if items else b"")
        items.append(data.text(*line))
    data.take(rb"\]\Z")
    numbers = [item.id for item in items]
    if numbers != sorted(set(numbers), reverse=True):
        raise NoPage
    return items


def etag_of(older, prev, items):
    total = 0xcbf29ce484222325
    for value in [older, prev] + [item.tag for item in items]:
        total = (total ^ value) * 0x100000001b3 % 2**64
    return f'"{total:016x}"'


def read_page(data, horizon):
    fronts = []
    while data.has(b"+"):
        fronts.append(take_front(data))
    path, limit, older, prev, snapshot, count = data.take(BASE)
    limit, older, prev = at_most(limit, 200), int(older), at_most(prev, INT64_MAX)
    known = snapshot_of(snapshot)
    items = take_items(data, at_most(count, limit))
    if older and not items:
        raise NoPage

    floor = items[-1].id if older else 0
    newest = items[0].id if items else 0
    for item, xid, snapshot in fronts:
        if item.id < floor or sees(known, xid):
            continue
        if not covers(snapshot, known) or len(items) >= 2 * limit:
            raise NoPage
        if item.id not in [other.id for other in items]:
            items.append(item)
    items.sort(key=lambda item: -item.id)
    if items and items[0].id > newest:
        prev = at_most(items[0].id, horizon + 1)
    if len(items) > limit:
        items, older = items[:limit], 1

    path = path.decode()
    links = [f'<{path}?before={items[-1].id}>; rel="next"'] if older else []
    links += [f'<{path}?after={prev}>; rel="prev"'] if prev else []
    return Page(b"[%s]" % b",".join(item.text for item in items),
                etag_of(older, prev, items), ", ".join(links) or None)


def read(value, horizon=0):
    """The page that nginx and the workers are to make of it; None: it is none,
    or is to be read anew."""
    try:
        return read_page(Bytes(value), horizon)
    except NoPage:
        return None
