"""A client of the service that holds every answer against the specification."""

import http.client
import json as jsonlib
import re
import socket
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

import spec
from waiting import eventually

NOTHING = object()


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @cached_property
    def json(self):
        return jsonlib.loads(self.body)

    @property
    def pointers(self):
        """Where the faults of a problem are."""
        return sorted(fault["pointer"] for fault in self.json.get("errors", []))

    @property
    def links(self):
        """{"next": path and query, "prev": ...} of the Link header."""
        text = self.headers.get("link", "")
        return {rel: url for url, rel in re.findall(r'<([^>]*)>; *rel="(\w+)"', text)}


class Client:
    def __init__(self, port, source="127.0.0.1", headers=None, timeout=60):
        self.port = port
        self.source = source
        self.headers = headers or {}
        self.timeout = timeout

    def with_headers(self, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.port, self.source, {**self.headers, **more}, self.timeout)

    def request(self, method, path, json=NOTHING, body=None, headers=None):
        all_headers = dict(self.headers)
        if json is not NOTHING:
            body = jsonlib.dumps(json, ensure_ascii=False).encode()
        if body is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        answer = self.send(method, path, body, all_headers)
        spec.check_answer(method, path, answer)
        return answer

    def send(self, method, path, body, headers):
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.port,
            timeout=self.timeout,
            source_address=(self.source, 0),
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            names = {k.lower(): v for k, v in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def raw(self, data, until=b""):
        """Sends bytes as they are; what comes back until those bytes, or the
        end, have come."""
        reply = b""
        with socket.create_connection(
            ("127.0.0.1", self.port), self.timeout, (self.source, 0)) as peer:
            peer.sendall(data)
            while not until or until not in reply:
                more = peer.recv(65536)
                if not more:
                    break
                reply += more
        return reply

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, json=NOTHING, **kw):
        return self.request("POST", path, json=json, **kw)

    def patch(self, path, json=NOTHING, **kw):
        return self.request("PATCH", path, json=json, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    # What tests do all the time; each insists on success.

    def ok(self, method, path, json=NOTHING):
        answer = self.request(method, path, json=json)
        assert answer.status == 200, f"{method} {path}: {answer.body[:500]}"
        return answer.json

    def add_participant(self, name="Somebody"):
        return self.ok("POST", "/participant", {"name": name})["id"]

    def add_participants(self, count):
        return [self.add_participant(f"Number {i}") for i in range(count)]

    def befriend(self, one, other):
        return self.ok("POST", f"/participant/{one}/friends", {"to": other})["id"]

    def friends_of_new(self):
        """Two new participants who are friends."""
        one, other = self.add_participants(2)
        self.befriend(one, other)
        return one, other

    def publish(self, author, subject="A subject", story="A story."):
        body = {"subject": subject, "story": story}
        return self.ok("POST", f"/participant/{author}/outbound", body)["id"]

    def inbound(self, reader, query=""):
        return self.ok("GET", f"/participant/{reader}/inbound{query}")

    def hit(self, path):
        """The answer that nginx has from the cache. A page is stored without
        waiting for it, so it may be there only a moment after its reader's."""
        def look():
            answer = self.get(path)
            assert "x-cache" in answer.headers, (
                "nginx has no fast path; `make module` builds its module")
            return answer if answer.headers["x-cache"] == "HIT" else None

        return eventually(look)

    def inbound_ids(self, reader, query=""):
        return ids(self.inbound(reader, query))

    def outbound_ids(self, author, query=""):
        return ids(self.ok("GET", f"/participant/{author}/outbound{query}"))

    def friends(self, participant, query=""):
        found = self.ok("GET", f"/participant/{participant}/friends{query}")
        return [int(f["to"].rsplit("/")[-1]) for f in found]

    def search(self, keywords, query=""):
        return self.ok("GET", f"/outbound?keywords={quote(keywords)}{query}")


def ids(items):
    return [item["id"] for item in items]


def link(participant):
    return f"/participant/{participant}"
