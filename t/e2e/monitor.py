"""What the monitor says, and what a Prometheus would read of it."""

import http.client
import re
import socket
from collections import defaultdict


class Connection(http.client.HTTPConnection):
    """By a socket's path, or a port."""

    def __init__(self, address):
        super().__init__("localhost", timeout=10)
        self.address = address

    def connect(self):
        is_path = isinstance(self.address, str)
        self.sock = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.address)


class Monitor:
    def __init__(self, stack, port=None):
        self.address = ("127.0.0.1", port) if port else str(stack.run / "state" / "monitor.sock")

    def send(self, method, path, headers=None):
        connection = Connection(self.address)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode()
        finally:
            connection.close()

    def get(self, path):
        status, _, text = self.send("GET", path)
        return status, text

    def lines(self, verdict, path="/readyz"):
        """Of what is checked, those that are "ok", "failed" or "warning"."""
        return [line.split(None, 1)[1] for line in self.get(path)[1].splitlines()
                if line.startswith(verdict + " ")]

    def metrics(self):
        return Metrics(self.get("/metrics")[1])


class Metrics:
    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.values = {}
        for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.M):
            key = name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))
            assert key not in self.values, f"{key} is there twice"
            self.values[key] = float(value)

    def sum(self, metric, **labels):
        """Of all that have these labels, whatever others they have."""
        wanted = set(labels.items())
        return sum(value for (name, has), value in self.values.items()
                   if name == metric and wanted <= has)

    def has(self, metric):
        return any(name == metric for name, _ in self.values)

    def counters(self):
        ends = "_total", "_bucket", "_count", "_sum"
        return {key: value for key, value in self.values.items() if key[0].endswith(ends)}

    def since(self, before):
        """What the requests that workers answered were meanwhile:
        {(operation, status): how many}"""
        counts = defaultdict(int)
        for (name, labels), value in self.values.items():
            more = value - before.values.get((name, labels), 0)
            if name == "newsfeed_requests_total" and more:
                labels = dict(labels)
                counts[labels["operation"], int(labels["status"])] += int(more)
        return dict(counts)
