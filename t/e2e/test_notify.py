"""What the service tells whoever supervises it, as systemd with Type=notify."""

import signal
import socket
import subprocess

import pytest

from spec import FILE as SPEC
from stack import PROGRAM


class Supervised:
    """A service without a database, as its supervisor sees it."""

    def __init__(self, folder, messages):
        self.messages = messages
        self.settings = folder / "newsfeed.conf"
        self.set()
        self.process = subprocess.Popen(
            [PROGRAM, "-c", self.settings, "--listen", folder / "s"],
            env={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "30000000"},
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def set(self, more=""):
        folder = self.settings.parent
        self.settings.write_text(
            f"[service]\nspec = {SPEC}\nruntime_dir = {folder}/state\n"
            f"[db]\nconninfo = host={folder}\n[cache]\nservers =\n"
            f"[worker]\ncount = 2\n{more}\n")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def hears(self, first):
        """The next message, but for signs of life that are not waited for."""
        text = self.messages.recv(1000).decode()
        while text == "WATCHDOG=1" and first != text:
            text = self.messages.recv(1000).decode()
        assert text.split("\n")[0] == first
        return text


@pytest.fixture
def service(folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
        messages.bind(str(folder / "notify"))
        messages.settimeout(60)
        service = Supervised(folder, messages)
        try:
            yield service
        finally:
            service.process.kill()
            service.process.wait(60)


def test_it_says_how_it_is_from_its_start_to_its_end(service):
    assert "2 workers serve" in service.hears("READY=1")
    service.hears("WATCHDOG=1")

    service.set("max_requests = 5")
    service.reload()
    service.hears("RELOADING=1")
    assert "2 workers serve" in service.hears("READY=1")

    service.set("count = none")
    service.reload()
    service.hears("RELOADING=1")
    assert "refused" in service.hears("READY=1")

    service.process.send_signal(signal.SIGQUIT)
    service.hears("STOPPING=1")
    assert service.process.wait(60) == 0


def test_an_end_at_once_is_told_too(service):
    service.hears("READY=1")
    service.process.terminate()
    service.hears("STOPPING=1")
    assert service.process.wait(60) == 0
