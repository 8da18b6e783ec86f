"""Waiting for a condition, never for the clock."""

import threading
import time


def pause(seconds):
    """The interval of a poll; the only place that lets time pass."""
    threading.Event().wait(seconds)


def eventually(check, within=5.0, every=0.02):
    """Calls check until it returns something true, and returns that.

    An AssertionError or OSError inside check means "not yet".
    """
    deadline = time.monotonic() + within
    while True:
        cause = None
        try:
            result = check()
            if result:
                return result
        except (AssertionError, OSError) as error:
            cause = error
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not so within {within} s (last: {cause or result!r})"
            ) from cause
        pause(every)
