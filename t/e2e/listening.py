"""Clients of live feeds: server-sent events, WebSocket, and one that comes again
by itself, as a browser's EventSource does."""

import base64
import contextlib
import http.client
import json
import os
import re
import selectors
import socket
import struct
import threading
import time
from array import array
from dataclasses import dataclass

import spec
from client import link
from waiting import eventually, pause

INBOUND = {"$ref": "#/components/schemas/Inbound"}
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
EVENT = re.compile(rb"(?m)^event: (\w+)\nid: (\S+)\ndata: (.*)$")
ITEM = re.compile(rb'{"id":(\d+),')


@dataclass
class Event:
    name: str
    id: str
    data: dict

    def __post_init__(self):
        if self.name in ("item", "changed"):
            spec.fits(INBOUND, self.data)

    @property
    def item(self):
        return self.data["id"]


def path_of(reader, after=None):
    query = "" if after is None else f"?after={after}"
    return f"{link(reader)}/inbound/stream{query}"


class Stream:
    """The events of one request, as far as they have come."""

    def __init__(self, client, reader, after=None, last=None, path=None):
        self.events, self.comments, self.retry = [], 0, None
        self.is_over = threading.Event()
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", client.port, timeout=120, source_address=(client.source, 0))
        headers = dict(client.headers)
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", path or path_of(reader, after), headers=headers)
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.status = self.response.status
        if self.status != 200:
            self.problem = json.loads(self.response.read())
            self.connection.close()
            self.is_over.set()
            return
        assert self.response.getheader("Content-Type") == spec.STREAM
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        fields = {}
        try:
            while line := self.response.readline():
                fields = self.take(line.decode().rstrip("\n"), fields)
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass # it was cut
        finally:
            self.is_over.set()

    def take(self, line, fields):
        if line.startswith(":"):
            self.comments += 1
        elif line:
            name, _, value = line.partition(": ")
            if name == "retry":
                self.retry = int(value)
            return {**fields, name: value}
        elif "data" in fields:
            self.events.append(
                Event(fields["event"], fields["id"], json.loads(fields["data"])))
        return fields if line else {}

    def wait(self, count):
        """Its first events, so many."""
        eventually(lambda: len(self.events) >= count)
        return self.events[:count]

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.is_over.wait(30)
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def listen(client, reader, **where):
    """A stream that is in the picture."""
    stream = Stream(client, reader, **where)
    assert stream.status == 200
    if not where:
        assert stream.wait(1)[0].name == "ready"
        stream.events.clear()
    return stream


class WebSocket:
    """The same by RFC 6455: read by whoever asks."""

    def __init__(self, client, reader, after=None):
        self.socket = socket.create_connection(("127.0.0.1", client.port), 60)
        self.file = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path_of(reader, after)} HTTP/1.1", "Host: a",
                 "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in client.headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def receive(self):
        """(opcode, payload) of the next frame."""
        first, second = self.file.read(2)
        assert first & 0x80 and not second & 0x80, "whole, and not masked"
        size = second & 0x7f
        if size >= 126:
            size = struct.unpack(*((">H", self.file.read(2)) if size == 126
                                   else (">Q", self.file.read(8))))[0]
        return first & 0x0f, self.file.read(size)

    def event(self):
        while True:
            opcode, payload = self.receive()
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == TEXT:
                fields = json.loads(payload)
                assert set(fields) == {"event", "id", "data"}
                return Event(fields["event"], fields["id"], fields["data"])

    def send(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode, 0x80 | (size if size < 126 else 126)])
        if size >= 126:
            head += struct.pack(">H", size)
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + mask + body)

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Listener(threading.Thread):
    """Keeps what it hears, and comes again with the last id whenever its stream
    ends. A browser gives up where it is refused: this one does not."""

    def __init__(self, client, reader):
        super().__init__(daemon=True)
        self.client, self.reader = client, reader
        self.events, self.ends, self.raised = [], 0, None
        self.last = None
        self.is_asked_to_end = threading.Event()

    def run(self):
        try:
            while not self.is_asked_to_end.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException,
                                         json.JSONDecodeError):
                    self.listen()
                self.ends += 1
                pause(0.05)
        except BaseException as error:
            self.raised = error

    def listen(self):
        with Stream(self.client, self.reader, last=self.last) as stream:
            taken, is_over = 0, False
            while not is_over and not self.is_asked_to_end.is_set():
                is_over = stream.is_over.wait(0.02)
                new = stream.events[taken:]
                self.take(new)
                taken += len(new)

    def take(self, events):
        for event in events:
            self.last = event.id
            self.events.append(event)

    @property
    def items(self):
        return [event.item for event in self.events if event.name == "item"]

    def end(self):
        self.is_asked_to_end.set()
        self.join(60)
        assert not self.raised and not self.is_alive()


class Ear:
    """One of a crowd: its connection, and what it has heard."""

    def __init__(self, reader):
        self.reader = reader
        self.socket, self.text, self.is_told = None, b"", False
        self.last = None  # the id to go on behind
        self.items = array("q")
        self.next_try = 0


class Crowd:
    """Many that listen, in one thread: each keeps what it hears in few bytes, and
    comes again with the last id when its stream ends or is cut. What must never
    be is in faults."""

    def __init__(self, port, readers):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.ears = [Ear(reader) for reader in readers]
        self.heard, self.comes, self.refused, self.cuts, self.ends = 0, 0, 0, 0, 0
        self.faults = []

    def turn(self, seconds):
        """What comes within that time, or until something has come."""
        now = time.monotonic()
        for ear in self.ears:
            if not ear.socket and ear.next_try <= now:
                self.come(ear)
        for key, _ in self.selector.select(seconds):
            self.read(key.data)

    def come(self, ear):
        """By HTTP/1.0, whose answers come in one piece."""
        ear.next_try = time.monotonic() + 0.2
        last = "" if ear.last is None else f"Last-Event-ID: {ear.last}\r\n"
        with contextlib.suppress(OSError):
            ear.socket = socket.create_connection(("127.0.0.1", self.port), 5)
            ear.socket.sendall(f"GET {path_of(ear.reader)} HTTP/1.0\r\n"
                               f"Host: 127.0.0.1\r\n{last}\r\n".encode())
            ear.socket.setblocking(False)
            ear.text, ear.is_told = b"", False
            self.selector.register(ear.socket, selectors.EVENT_READ, ear)
            return
        self.leave(ear)

    def leave(self, ear):
        if ear.socket:
            with contextlib.suppress(KeyError):
                self.selector.unregister(ear.socket)
            ear.socket.close()
            ear.socket = None

    def cut(self, ear):
        self.cuts += ear.socket is not None
        self.leave(ear)

    def read(self, ear):
        data = b""
        with contextlib.suppress(ConnectionError):
            data = ear.socket.recv(262144)
        if not data:
            self.ends += ear.is_told
            self.refused += not ear.is_told
            self.leave(ear)
            return
        *whole, ear.text = (ear.text + data).split(b"\n\n")
        for text in whole:
            self.take(ear, text)

    def take(self, ear, text):
        """The head of the answer, ended by the first comment or event, a comment,
        or an event."""
        if not ear.is_told:
            head, _, text = text.partition(b"\r\n\r\n")
            ear.is_told = head.startswith(b"HTTP/1.1 200")
            self.comes += ear.is_told
        found = EVENT.search(text) if ear.is_told else None
        if not found:
            return
        name, ear.last, data = found[1].decode(), found[2].decode(), found[3]
        if name == "item":
            self.hear(ear, int(ITEM.match(data)[1]))
        elif name != "ready" or ear.items:
            self.faults.append(f"reader {ear.reader} was told: {name} {data[:200]}")

    def hear(self, ear, item):
        if ear.items and item <= ear.items[-1]:
            self.faults.append(f"reader {ear.reader} heard {item} behind {ear.items[-1]}")
        ear.items.append(item)
        self.heard += 1

    def end(self):
        for ear in self.ears:
            self.leave(ear)
