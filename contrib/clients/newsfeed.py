"""A client of newsfeed, of Python's standard library alone. Each operation of
etc/openapi.yaml is a method of Newsfeed, which that file describes; what it
answers is what the method returns, and whatever is no success is a Problem."""

import http.client
import json
import re
import time
import uuid
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

TRIES = 3
AGAIN = (409, 429, 503)  # where the same request may succeed later
SILENCE = 60  # seconds without a sign of life, of which a stream has one in 15
LOST = (OSError, http.client.HTTPException)


class Problem(Exception):
    """An answer that is no success. `members` has those of RFC 9457, such as
    detail, errors and request_id."""

    def __init__(self, error):
        text = error.read()
        is_problem = error.headers.get_content_type() == "application/problem+json"
        self.members = json.loads(text) if is_problem else {"title": error.reason}
        self.status = error.code
        wait = error.headers.get("Retry-After", "")
        self.retry_after = int(wait) if wait.isdecimal() else 1  # seconds
        super().__init__(f"{self.status}: {self.members.get('detail', error.reason)}")


class Object(dict):
    etag = None  # which if_match takes


class Page(list):
    """Entries of a list, newest first; Link leads on from it."""

    etag, links, follow = None, {}, None

    def next(self):
        """The older page, or None."""
        return self.follow(self.links["next"]) if "next" in self.links else None

    def prev(self):
        """The newer page, empty when there is none yet."""
        return self.follow(self.links["prev"]) if "prev" in self.links else None

    def all(self):
        """These entries and all older ones."""
        page = self
        while page is not None:
            yield from page
            page = page.next()


class Event(NamedTuple):
    event: str
    id: str  # where a stream goes on, as `after`
    data: dict


class Newsfeed:
    def __init__(self, url, token=None, timeout=30):
        """token: a text, or a function that gives one that still holds."""
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout

    def _open(self, method, path, body=None, headers=None, timeout=None):
        token = self._token() if callable(self._token) else self._token
        all_headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            all_headers["Authorization"] = f"Bearer {token}"
        request = Request(
            self._url + path, None if body is None else json.dumps(body).encode(),
            {**all_headers, **(headers or {})}, method=method)
        try:
            return urlopen(request, timeout=timeout or self._timeout)
        except HTTPError as error:
            with error:
                raise Problem(error) from None

    def _call(self, method, path, body=None, headers=None, tries=1):
        while True:
            tries -= 1
            try:
                with self._open(method, path, body, headers) as answer:
                    return self._read(answer)
            except LOST:
                if tries <= 0:
                    raise
                time.sleep(1)
            except Problem as problem:
                if tries <= 0 or problem.status not in AGAIN:
                    raise
                time.sleep(problem.retry_after)

    def _read(self, answer):
        text = answer.read()
        if not text:
            return None
        value = json.loads(text)
        value = Page(value) if isinstance(value, list) else Object(value)
        value.etag = answer.headers["ETag"]
        if isinstance(value, Page):
            links = re.findall(r'<([^>]*)>; *rel="(\w+)"', answer.headers["Link"] or "")
            value.links, value.follow = {rel: path for path, rel in links}, self._get
        return value

    def _get(self, path, **query):
        words = {name: str(value).lower() if isinstance(value, bool) else value
                 for name, value in query.items()}
        return self._call("GET", path + ("?" + urlencode(words, quote_via=quote) if words else ""),
                          tries=TRIES)

    def _post(self, path, body, key):
        """Takes effect once, however often it is tried: by its key."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._call("POST", path, body, headers, TRIES)

    # Participants and friends.

    def add_participant(self, name, key=None):
        return self._post("/participant", {"name": name}, key)

    def add_participants(self, names, key=None):
        return self._post("/participants", [{"name": name} for name in names], key)

    def get_participant(self, id):
        return self._get(f"/participant/{id}")

    def rename_participant(self, id, name):
        return self._call("PATCH", f"/participant/{id}", {"name": name})

    def remove_participant(self, id):
        self._call("DELETE", f"/participant/{id}")

    def add_friend(self, id, to, key=None):
        return self._post(f"/participant/{id}/friends", {"to": to}, key)

    def add_friends(self, id, to, key=None):
        """to: several of them."""
        return self._post(f"/participant/{id}/friendships", [{"to": each} for each in to], key)

    def get_friend(self, id, **query):
        return self._get(f"/participant/{id}/friends", **query)

    def remove_friend(self, id, friend):
        self._call("DELETE", f"/participant/{id}/friends/{friend}")

    # Posts.

    def add_outbound(self, id, subject, story, key=None):
        body = {"subject": subject, "story": story}
        return self._post(f"/participant/{id}/outbound", body, key)

    def get_outbound(self, id, **query):
        return self._get(f"/participant/{id}/outbound", **query)

    def get_outbound_item(self, id, item):
        return self._get(f"/participant/{id}/outbound/{item}")

    def edit_outbound(self, id, item, if_match=None, **changes):
        """changes: subject, story or both."""
        headers = {"If-Match": if_match} if if_match else None
        return self._call("PATCH", f"/participant/{id}/outbound/{item}", changes, headers)

    def remove_outbound(self, id, item):
        self._call("DELETE", f"/participant/{id}/outbound/{item}")

    def search_outbound(self, keywords, **query):
        return self._get("/outbound", keywords=keywords, **query)

    def search_items(self, keywords, **query):
        return self._get("/outbound/items", keywords=keywords, **query)

    # Feeds.

    def get_inbound(self, id, **query):
        return self._get(f"/participant/{id}/inbound", **query)

    def get_marker(self, id):
        return self._get(f"/participant/{id}/inbound/marker")

    def set_marker(self, id, last_read):
        body = {"last_read": last_read}
        return self._call("PUT", f"/participant/{id}/inbound/marker", body, tries=TRIES)

    def get_inbound_stream(self, id, after=None):
        """Each Event as it comes, behind the one with the id `after`. Goes on
        where it was when it is cut, for as long as the service lets it."""
        wait, has_begun = 1.0, False
        while True:
            headers = {"Last-Event-ID": str(after)} if after is not None else None
            try:
                with self._open("GET", f"/participant/{id}/inbound/stream", None, headers,
                                SILENCE) as lines:
                    has_begun = True
                    for fields in read_fields(lines):
                        if "retry" in fields:
                            wait = int(fields["retry"]) / 1000
                        if "data" in fields:
                            after = fields["id"]
                            yield Event(fields["event"], after, json.loads(fields["data"]))
            except LOST:
                if not has_begun:
                    raise
            except Problem as problem:
                if not has_begun or problem.status not in AGAIN:
                    raise
            time.sleep(wait)


def read_fields(lines):
    """The fields of each server-sent event."""
    fields = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif line.strip() == b"":
            yield fields
            fields = {}
