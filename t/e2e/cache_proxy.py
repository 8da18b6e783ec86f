"""Stands between the service and memcached, and kills on a given moment."""

import os
import select
import signal
import socket
import struct
import threading


class CacheProxy:
    """Passes bytes both ways. Once armed with kill_before_delete, the first
    process of `victims()` that sends a delete dies before it goes any further;
    `killed` is its process id then."""

    def __init__(self, path, memcached):
        self.memcached = str(memcached)
        self.victims = None
        self.killed = None
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o777)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def kill_before_delete(self, victims):
        self.killed, self.victims = None, victims

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(peer,), daemon=True).start()

    def relay(self, peer):
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = struct.unpack("3i", credentials)[0]
        with peer, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(self.memcached)
                while self.pass_on(pid, peer, server):
                    pass
            except OSError:
                pass

    def pass_on(self, pid, peer, server):
        for source in select.select([peer, server], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return False
            if source is peer and b"delete " in data and self.strikes(pid):
                return False
            (server if source is peer else peer).sendall(data)
        return True

    def strikes(self, pid):
        with self.lock:
            if not self.victims or pid not in self.victims():
                return False
            self.victims, self.killed = None, pid
            os.kill(pid, signal.SIGKILL)
            return True
