"""Stands between the service and memcached, and acts at a given moment."""

import contextlib
import os
import select
import signal
import socket
import struct
import threading


class UnixServer:
    """Serves each connection to a Unix socket in a thread of its own."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o777)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()


class CacheProxy(UnixServer):
    """Passes bytes both ways. A trap springs once: when a process that it is
    meant for sends its command, before the command goes any further."""

    def __init__(self, path, memcached):
        self.memcached = str(memcached)
        self.trap = None  # (command, is_meant(pid), spring(pid): may it pass?)
        self.passed_on = threading.Event()
        self.passed = []  # what was asked, in pieces
        self.lock = threading.Lock()
        self.is_thawed = threading.Event()
        self.is_thawed.set()
        super().__init__(path)

    def kill_before(self, command, victims):
        """The first of the processes victims() to send the command dies of it.
        Returns a list that will hold its process id."""
        killed = []

        def spring(pid):
            killed.append(pid)  # before its client can get an answer
            os.kill(pid, signal.SIGKILL)
            return False

        self.trap = (command, lambda pid: pid in victims(), spring)
        return killed

    @contextlib.contextmanager
    def holding(self, command):
        """The first such command waits until the block's end. Yields what
        tells whether one waits; at the end it has been passed on."""
        held, release = threading.Event(), threading.Event()

        def spring(_):
            held.set()
            return release.wait(10)

        self.trap = (command, lambda _: True, spring)
        self.passed_on.clear()
        yield held.is_set
        release.set()
        assert self.passed_on.wait(5)

    @contextlib.contextmanager
    def frozen(self):
        """Nothing passes, and what was sent meanwhile is lost for good, with the
        connection that it came on: as if memcached hung, and went on without."""
        self.is_thawed.clear()
        try:
            yield
        finally:
            self.is_thawed.set()

    def serve(self, peer):
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = struct.unpack("3i", credentials)[0]
        with peer, socket.socket(socket.AF_UNIX) as server:
            with contextlib.suppress(OSError):
                server.connect(self.memcached)
                while self.pass_on(pid, peer, server):
                    pass

    def pass_on(self, pid, peer, server):
        for source in select.select([peer, server], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return False
            if not self.is_thawed.is_set():
                self.is_thawed.wait(60)
                return False
            if source is server:
                peer.sendall(data)
                continue
            spring = self.take_trap(pid, data)
            if spring and not spring(pid):
                return False
            server.sendall(data)
            self.passed.append(data)
            if spring:
                self.passed_on.set()
        return True

    def take_trap(self, pid, data):
        with self.lock:
            if self.trap and self.trap[0] in data and self.trap[1](pid):
                spring, self.trap = self.trap[2], None
                return spring
        return None


@contextlib.contextmanager
def behind_a_proxy(base, stack, settings=""):
    """Starts a stack whose every access to memcached passes a proxy: both."""
    path = base / f"proxy-{stack.port}.sock"
    stack.configure(f"cache.servers=unix:{path} {settings}")
    proxy = CacheProxy(path, stack.run / "memcached.sock")
    stack.start()
    yield stack, proxy
    proxy.close()
