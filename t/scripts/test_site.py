"""The sample as a site of Debian's nginx, set up as etc/README.md says."""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import socket
import ssl
import subprocess
import warnings
from pathlib import Path

import pytest

from conftest import ROOT, free_port

PROGRAM = os.environ.get("PROGRAM", str(ROOT / "build" / "newsfeed"))
MODULE = ROOT / "build" / "nginx" / "ngx_http_newsfeed_module.so"
GUIDE = (ROOT / "etc" / "README.md").read_text()


class Site:
    def __init__(self, folder):
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self.etc = folder / "etc" / "nginx"
        for name in ("etc/nginx/modules-enabled", "etc/nginx/conf.d", "etc/ssl", "run",
                     "var/log/nginx", "var/cache", "share/newsfeed"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "nginx", self.etc / "newsfeed")
        shutil.copy("/etc/nginx/mime.types", self.etc)
        shutil.copy(ROOT / "etc" / "openapi.yaml", folder / "share" / "newsfeed")
        self.put("nginx.conf", Path("/etc/nginx/nginx.conf").read_text())
        command = re.search(r"sed -i ('[^']*') (?:\\\n +)?/etc/nginx/nginx.conf", GUIDE)[1]
        subprocess.run(f"sed -i {command} {self.etc}/nginx.conf", shell=True, check=True)
        top = re.search(r"echo '(load_module [^']*)' >/etc/nginx/modules-enabled", GUIDE)[1]
        self.put("modules-enabled/60-newsfeed.conf",
                 top.replace("/usr/local/lib/newsfeed/" + MODULE.name, str(MODULE)))
        self.put("conf.d/temp.conf", "\n".join(
            f"{kind}_temp_path {folder}/var/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")))

    def put(self, name, text):
        """A file of nginx's, with this folder in place of the root."""
        text = text.replace("/usr/local/", f"{self.folder}/")
        text = re.sub(r"(?<![\w.])/(etc|run|var)/", rf"{self.folder}/\1/", text)
        (self.etc / name).write_text(text)

    def set_up(self, sample, *settings):
        text = sample.replace("80;", f"{self.port};").replace("443 ", f"{self.tls_port} ")
        self.put("conf.d/newsfeed.conf", text)
        result = subprocess.run(
            [PROGRAM, "--set", "cache.servers=127.0.0.1:11211", *settings, "--cache-map"],
            capture_output=True, text=True, timeout=30)
        assert result.returncode == 0, result.stderr
        (self.etc / "newsfeed" / "cache_map.conf").write_text(result.stdout)

    def command(self, *options):
        return ["nginx", "-c", f"{self.etc}/nginx.conf", "-e", f"{self.folder}/error.log",
                *options]

    def check(self):
        result = subprocess.run(
            self.command("-t"), capture_output=True, text=True, timeout=60)
        return result.returncode == 0, result.stderr


@pytest.fixture
def site(folder):
    return Site(folder)


SAMPLE = (ROOT / "nginx" / "newsfeed.conf.sample").read_text()
LINES = re.findall(r"^ *#(\S.*[;}])(?: #.*)?$", SAMPLE, re.M)


def with_lines(*lines):
    """The sample, with the # taken from these."""
    text = SAMPLE
    for line in lines:
        text = text.replace("#" + line, line, 1)
    return text


def test_the_sample_is_a_site(site):
    site.set_up(SAMPLE)
    assert site.check()[0], site.check()[1]


HSTS = "\r\nStrict-Transport-Security: max-age=31536000\r\n"
TLS = ["http2", "ssl_", "$https", "hsts"]


def make_certificate(folder):
    for name in ("certs", "private"):
        (folder / "etc" / "ssl" / name).mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=a", "-keyout",
         f"{folder}/etc/ssl/private/feed.example.com.key",
         "-out", f"{folder}/etc/ssl/certs/feed.example.com.pem"],
        check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("words", [
    TLS, ["fastcgi_cache_path", "auth.conf"], ["real_ip"], [""],
], ids=["tls", "tokens", "proxy", "all"])
def test_its_lines_in_comments_work(site, words):
    make_certificate(site.folder)
    lines = [line for line in LINES if any(word in line for word in words)]
    assert len(lines) > 1
    (site.folder / "key").write_text("a key of thirty-two bytes and more")
    (site.folder / "key").chmod(0o600)
    has_tokens = any("auth.conf" in line for line in lines)
    site.set_up(with_lines(*lines),
                *(["--set", f"auth.key_file={site.folder}/key"] if has_tokens else []))
    assert site.check()[0], site.check()[1]


def test_its_tls_is_of_today_and_who_comes_without_is_sent_there(site):
    make_certificate(site.folder)
    site.set_up(with_lines(*(line for line in LINES if any(word in line for word in TLS))))

    def plain():
        return socket.create_connection(("127.0.0.1", site.port), 10)

    def tls(version, ciphers="DEFAULT:@SECLEVEL=0", protocols=("http/1.1",)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers(ciphers)
        context.set_alpn_protocols(protocols)
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", site.tls_port), 10))

    def shakes_hands(*how):
        """With what protocol of HTTP; None if not at all."""
        with contextlib.suppress(ssl.SSLError, ConnectionError), \
                tls(*how, protocols=("h2", "http/1.1")) as peer:
            return peer.selected_alpn_protocol()

    def ask(connection, path):
        """All that is answered."""
        with connection as peer:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: peer.recv(4096), b"")).decode()

    with running(site):
        versions = ssl.TLSVersion
        assert shakes_hands(versions.TLSv1_3) == shakes_hands(versions.TLSv1_2) == "h2"
        assert shakes_hands(versions.TLSv1_1) is None
        for old in ("ECDHE+AES:!AESGCM:!AESCCM", "kRSA"):
            assert shakes_hands(versions.TLSv1_2, f"{old}:@SECLEVEL=0") is None
        answer = ask(plain(), "/participant/1?a=b")
        assert answer.startswith("HTTP/1.1 308 ")
        assert "\r\nLocation: https://a/participant/1?a=b\r\n" in answer
        assert HSTS not in answer
        for path in "/", "/openapi.yaml", "/participant/1/inbound":
            assert HSTS in ask(tls(versions.TLSv1_3), path), path


def test_tokens_without_their_include_are_refused(site):
    (site.folder / "key").write_text("a key of thirty-two bytes and more")
    (site.folder / "key").chmod(0o600)
    site.set_up(SAMPLE, "--set", f"auth.key_file={site.folder}/key")
    good, error = site.check()
    assert not good and "newsfeed_authorized" in error


@contextlib.contextmanager
def running(site):
    """nginx as a daemon: it listens when its command has ended."""
    subprocess.run(site.command(), check=True, stderr=subprocess.DEVNULL, timeout=60)
    nginx = os.pidfd_open(int((site.folder / "run" / "nginx.pid").read_text()))
    try:
        yield
    finally:
        signal.pidfd_send_signal(nginx, signal.SIGTERM)
        select.select([nginx], [], [], 60)
        os.close(nginx)


def test_unfinished_heads_of_one_address_leave_room_for_others(site):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    site.set_up(SAMPLE)

    def connect():
        return socket.create_connection(("127.0.0.1", site.port), 10)

    def is_answered():
        with connect() as peer:
            peer.sendall(b"GET /openapi.yaml HTTP/1.0\r\n\r\n")
            return peer.recv(15) == b"HTTP/1.1 200 OK"

    with running(site), contextlib.ExitStack() as stack:
        for _ in range(1600):
            stack.enter_context(connect()).sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX")
        assert all(is_answered() for _ in range(20))
