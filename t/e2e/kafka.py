"""A Kafka of three brokers that does what it is told (t/broker), and what is read
from it by kcat."""

import contextlib
import json
import subprocess
import threading
from pathlib import Path

from stack import PROGRAM

BROKER = Path(PROGRAM).parent / "broker"

# Of the protocol.
PRODUCE = 0
NOT_LEADER, TIMED_OUT, NOT_ENOUGH_REPLICAS, UNKNOWN_TOPIC = 6, 7, 19, 3
DISCONNECT = -195
ALL = -1


# A mock broker appends whatever comes; others know what they miss.
OPTIONS = "max.in.flight=1\ntopic.metadata.propagation.max.ms=100\n"


class Broker:
    def __init__(self):
        self.process = subprocess.Popen(
            [BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.servers = self.process.stdout.readline().strip()
        assert self.servers, "no broker: `make build/broker`"

    def do(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == "ok\n", f"{words}: {answer}"

    def stop(self):
        self.process.communicate(timeout=60)

    def command(self, *arguments):
        return ["kcat", "-q", "-b", self.servers, "-f", "%k\t%h\t%s\n", *map(str, arguments)]

    def kcat(self, *arguments):
        result = subprocess.run(
            self.command("-e", "-X", "auto.offset.reset=earliest", *arguments),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return [Record(line) for line in result.stdout.split("\n")[:-1]]

    def read(self, topic):
        """All that is there: of each partition in its order."""
        return self.kcat("-C", "-t", topic, "-o", "beginning")

    @contextlib.contextmanager
    def reading(self, topic, take):
        """Calls take(record) for each as it comes, from another thread."""
        process = subprocess.Popen(
            self.command("-C", "-E", "-u", "-t", topic, "-o", "beginning"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

        def read():
            for line in process.stdout:
                take(Record(line.removesuffix("\n")))

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield
        finally:
            process.terminate()
            thread.join(60)
            process.wait(60)

    def read_as(self, group, topic):
        """The same, as the only one of a group."""
        return self.kcat("-G", group, topic)


class Record:
    def __init__(self, line):
        self.key, self.headers, value = line.split("\t")
        self.event = json.loads(value)
        self.id = self.event["id"]


def told(records):
    """{key: ids in the order in which each came first}"""
    found = {}
    for record in records:
        ids = found.setdefault(record.key, [])
        if record.id not in ids:
            ids.append(record.id)
    return found
