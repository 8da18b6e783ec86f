"""Threads that keep a service busy while a test does something to it."""

import itertools
import threading


class Load:
    """Calls work(number) from several threads, again and again, until the
    `with` block ends. What a call returned is in results, in no order; what
    one raised ends its thread and is raised at the end of the block."""

    def __init__(self, work, threads=4):
        self.work = work
        self.results = []
        self.raised = []
        self.numbers = itertools.count()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        try:
            while not self.stop.is_set():
                self.results.append(self.work(next(self.numbers)))
        except BaseException as error:
            self.raised.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        if self.raised and kind is None:
            raise self.raised[0]

    def more(self, count):
        """A condition to wait for: so many more results than now."""
        target = len(self.results) + count
        return lambda: self.raised or len(self.results) >= target
