"""An endpoint of webhooks: takes what is posted to it, or does not, as a test
says, and holds each request against the specification and its signature."""

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spec
from stack import free_port


def make_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret, identity, timestamp, body):
    """By the convention of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    text = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class Request:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body
        self.at = time.monotonic()
        self.event = json.loads(body)
        self.id = headers["webhook-id"]
        self.participant = int(self.event["subject"].rsplit("/")[-1])
        self.signatures = headers["webhook-signature"].split()

    @property
    def place(self):
        return tuple(map(int, self.event["id"].split(".")))

    def signed_by(self, secret):
        return sign(secret, self.id, self.headers["webhook-timestamp"],
                    self.body) in self.signatures

    def check(self, secret):
        assert self.headers["content-type"] == "application/cloudevents+json"
        assert self.id == "newsfeed-" + self.event["id"].replace(".", "-")
        assert abs(int(self.headers["webhook-timestamp"]) - time.time()) < 30
        assert self.signed_by(secret), "the signature does not hold"
        spec.check_event(self.event)
        spec.check_event_headers(self.event["type"], self.headers)


class Endpoint:
    """`answer(request)` gives a status, or a status and headers, or None for no
    answer at all. It may wait."""

    def __init__(self, secret, context=None):
        self.secret = secret
        self.context = context
        self.port = free_port()
        self.origin = f"http{'s' if context else ''}://localhost:{self.port}"
        self.lock = threading.Lock()
        self.reset()
        self.start()

    def reset(self):
        self.answer = lambda request: 200
        self.requests = []
        self.taken = []
        self.faults = []
        self.now = self.most = 0  # requests at once

    def start(self):
        endpoint = self
        self.connections = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                endpoint.connections.append(self.connection)

            def do_POST(self):
                endpoint.handle(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # whoever is killed goes without a word

        self.server = Server(("127.0.0.1", self.port), Handler)
        if self.context:
            self.server.socket = self.context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in handler.headers.items()}
        try:
            request = Request(handler.path, headers, body)
            request.check(self.secret)
        except Exception as error:
            self.faults.append(f"{error!r}: {headers} {body}")
            return
        with self.lock:
            self.requests.append(request)
            self.now += 1
            self.most = max(self.most, self.now)
        answer = self.answer(request)
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        with self.lock:
            self.now -= 1
            if status and 200 <= status < 300:
                self.taken.append(request)
        if status is None:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **more}.items():
            handler.send_header(name, value)
        handler.end_headers()

    # What was taken, first of all: doubles come with the same id.

    def events(self, *participants):
        """Each once, in the order in which they came."""
        with self.lock:
            found = {r.id: r.event for r in self.taken
                     if not participants or r.participant in participants}
        return list(found.values())

    def places(self, participant):
        with self.lock:
            return list(dict.fromkeys(
                r.place for r in self.taken if r.participant == participant))


def make_certificates(folder):
    """A context of a server on localhost, and the file of who vouches for it."""
    authority, key, certificate = (folder / f for f in ("ca.pem", "key.pem", "cert.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-days", "2"],
        check=True, capture_output=True)
    authority.write_bytes(certificate.read_bytes())
    authority.chmod(0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, authority
