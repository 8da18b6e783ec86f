"""A Kafka of three brokers that does what it is told (t/broker), and what is read
from it by kcat."""

import json
import subprocess
from pathlib import Path

from stack import PROGRAM

BROKER = Path(PROGRAM).parent / "broker"

# Of the protocol.
PRODUCE = 0
NOT_LEADER, TIMED_OUT, NOT_ENOUGH_REPLICAS, UNKNOWN_TOPIC = 6, 7, 19, 3
DISCONNECT = -195
ALL = -1


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

    def kcat(self, *arguments):
        result = subprocess.run(
            ["kcat", "-q", "-e", "-b", self.servers, "-X", "auto.offset.reset=earliest",
             "-f", "%k\t%h\t%s\n", *map(str, arguments)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return [Record(line) for line in result.stdout.split("\n")[:-1]]

    def read(self, topic):
        """All that is there: of each partition in its order."""
        return self.kcat("-C", "-t", topic, "-o", "beginning")

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
