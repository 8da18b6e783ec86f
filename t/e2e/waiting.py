"""Waiting for a condition, never for the clock."""

import threading
import time

# What the service does in a fraction of a second, unless the machine is slow;
# far less than the hour after which all pages expire.
SOON = 4.0


def pause(seconds):
    """The only place that lets time pass: between two looks, or to be late."""
    threading.Event().wait(seconds)


def one_of(attempts, attempt):
    """One of so many must be right, a time limit included: what the service
    does wrong shows in each of them, what else a machine does in some."""
    for left in reversed(range(attempts)):
        try:
            return attempt()
        except AssertionError:
            if not left:
                raise


def eventually(check, within=30.0, every=0.02):
    """Calls check until it returns something true, and returns that. The
    default is how long a test that fails takes, and says nothing else.

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
