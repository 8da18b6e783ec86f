"""The packages through their life in a clean Debian: built, looked through,
installed, used, upgraded, removed and purged, in this order."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from machine import Machine, eventually, run

ROOT = Path(__file__).resolve().parents[2]
LOAD = Path(__file__).with_name("load.py")
PACKAGES, NEXT = (
    [file for file in sorted((ROOT / "build" / name).glob("*.deb")) if "dbgsym" not in file.name]
    for name in ("deb", "deb.next"))
SERVICES = "postgresql", "memcached", "curl", "runit", "spawn-fcgi"

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="root alone makes machines")


@pytest.fixture(scope="module")
def machine():
    folder = Path(tempfile.mkdtemp(prefix="nf-deb-", dir="/var/tmp"))
    folder.chmod(0o755)
    machine = Machine(folder)
    try:
        machine.make()
        machine.fetch(*SERVICES, *machine.take(PACKAGES))
        machine.start()
        yield machine
    finally:
        machine.stop()


def version(files):
    return re.search(r"/newsfeed_(.+)_", str(files))[1]


def curl(machine, path, body=None):
    post = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body else []
    return json.loads(machine.do("curl", "-sSf", *post, f"http://127.0.0.1{path}"))


def psql(machine, text, database="newsfeed"):
    return machine.do("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v",
                      "ON_ERROR_STOP=1", "-d", database, "-c", text).strip()


@contextlib.contextmanager
def load(machine):
    """Under it, no request fails."""
    clients = subprocess.Popen(
        ["nsenter", "-t", machine.leader, "-n", sys.executable, LOAD, "1", "2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield
    output, _ = clients.communicate(timeout=120)
    result = json.loads(output)
    print(result)
    assert result["bad"] == []
    assert result["posts"] > 100 and result["reads"] > 100


def state(machine):
    """All paths, but of what Debian itself writes down of what it does; the
    accounts and groups."""
    found = run("find", machine.root, "-xdev", "(", "-path", machine.root / "srv", "-o",
                "-path", machine.root / "tmp", "-o", "-path", machine.root / "var/lib/postgresql",
                "-o", "-path", machine.root / "var/cache", "-o",
                "-path", machine.root / "var/log/journal", ")", "-prune",
                "-o", "-printf", "%P\n").splitlines()
    return {path for path in found if not re.match(
        r"var/lib/(dpkg|systemd|nginx)/|var/log/(postgresql|apt|dpkg)|"
        r"etc/(group|passwd|shadow|gshadow)-$", path)}, *(
            (machine.root / "etc" / name).read_text() for name in ("passwd", "group"))


# --- before it is installed -------------------------------------------------

def test_the_packages_have_no_fault():
    [changes] = ROOT.glob("build/deb/*.changes")
    print(run("lintian", "--info", "--allow-root", "--fail-on", "error,warning", changes))


def test_the_module_needs_the_nginx_it_was_built_for():
    [module] = [file for file in PACKAGES if file.name.startswith("libnginx-mod")]
    provided = run("dpkg-query", "-W", "-f", "${Provides}", "nginx")
    [abi] = re.findall(r"nginx-abi-[0-9.-]+", provided)
    assert abi in run("dpkg-deb", "-f", module, "Depends")


# --- installed --------------------------------------------------------------

def test_it_is_installed_and_touches_nothing_unasked(machine):
    machine.apt("install", *SERVICES)
    machine.apt("install", "nginx")
    machine.before = state(machine)
    print(machine.apt("install", *machine.take(PACKAGES)))
    assert "newsfeed" not in psql(machine, "SELECT rolname FROM pg_roles", "postgres")
    assert "newsfeed" not in psql(machine, "SELECT datname FROM pg_database", "postgres")
    assert machine.fails("systemctl", "is-enabled", "newsfeed.service").strip() == "disabled"
    assert machine.fails("systemctl", "is-active", "newsfeed.socket").strip() == "inactive"
    assert "www-data" in machine.do("id", "-nG", "newsfeed")
    assert machine.do("newsfeed", "--version") == f"newsfeed {version(PACKAGES)}\n"
    machine.do("nginx", "-t")


def test_its_units_are_sound(machine):
    for unit in "newsfeed.service", "newsfeed.socket", "newsfeed@a.service", "newsfeed@a.socket":
        assert machine.do("systemd-analyze", "--man=no", "verify", unit) == ""


def test_it_says_what_is_missing(machine):
    machine.do("systemctl", "stop", "postgresql")
    assert "pg_createcluster" in machine.fails("newsfeed-setup", "database")
    machine.do("systemctl", "start", "postgresql")
    assert "usage" in machine.fails("newsfeed-setup", "nonsense")


def test_it_is_set_up(machine):
    machine.do("newsfeed-setup", "database")
    machine.do("newsfeed-setup", "database")
    machine.do("systemctl", "enable", "--now", "newsfeed.socket", "newsfeed.service")
    status = machine.do("systemctl", "show", "-P", "StatusText", "newsfeed")
    assert status == "8 workers serve\n"
    site = machine.root / "etc/nginx/sites-available/newsfeed"
    site.write_text(site.read_text().replace("feed.example.com", "127.0.0.1"))
    machine.do("newsfeed-setup", "nginx")


def test_it_serves(machine):
    for id, name in enumerate(("Ann", "Ben"), 1):
        assert curl(machine, "/participant", {"name": name})["id"] == id
    curl(machine, "/participant/1/friends", {"to": 2})
    curl(machine, "/participant/1/outbound", {"subject": "s", "story": "It works."})
    for _ in range(2):
        [item] = curl(machine, "/participant/2/inbound")
        assert item["story"] == "It works."
    answer = machine.do("curl", "-sSfi", "http://127.0.0.1/participant/2/inbound")
    assert "X-Cache: HIT" in answer


def test_a_reload_fails_no_request(machine):
    pid = machine.main_pid()
    with load(machine):
        for _ in range(3):
            machine.do("systemctl", "reload", "newsfeed")
            eventually(lambda: machine.do(
                "systemctl", "show", "-P", "ActiveState", "newsfeed") == "active\n")
        machine.do("sleep", "2")
    assert machine.main_pid() == pid


def test_a_master_that_hangs_is_replaced(machine):
    folder = machine.root / "run/systemd/system/newsfeed.service.d"
    machine.do("mkdir", "-p", "/run/systemd/system/newsfeed.service.d")
    machine.do("sh", "-c", "printf '[Service]\\nWatchdogSec=3\\n' "
               f">/{folder.relative_to(machine.root)}/test.conf")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "newsfeed")
    pid = machine.main_pid()
    machine.do("sleep", "4")
    assert machine.main_pid() == pid
    machine.do("kill", "-STOP", pid)
    eventually(lambda: machine.main_pid() not in (0, pid))
    eventually(lambda: machine.do("systemctl", "is-active", "newsfeed"))
    assert curl(machine, "/participant/1")["name"] == "Ann"
    machine.do("rm", "-r", "/run/systemd/system/newsfeed.service.d")
    machine.do("systemctl", "daemon-reload")


def test_a_second_one_runs_beside_it(machine):
    settings = machine.root / "etc/newsfeed/newsfeed@two.conf"
    settings.write_text(
        "[service]\nruntime_dir = /run/newsfeed@two/state\n"
        "[db]\nconninfo = host=/run/postgresql dbname=two user=newsfeed\n"
        "[cache]\nservers = 127.0.0.1:11211\n")
    machine.do("runuser", "-u", "postgres", "--", "psql", "-q", "-v", "database=two",
               "-f", "/usr/share/newsfeed/sql/database.sql")
    machine.do("runuser", "-u", "postgres", "--", "/usr/share/newsfeed/sql/migrate",
               "dbname=two options=-crole=newsfeed_owner")
    machine.do("systemctl", "start", "newsfeed@two.socket", "newsfeed@two.service")
    machine.do("systemctl", "is-active", "newsfeed@two.service", "newsfeed.service")
    machine.do("test", "-S", "/run/newsfeed@two/state/stream.sock")


# --- upgraded ---------------------------------------------------------------

def test_an_upgrade_fails_no_request_and_keeps_settings(machine):
    settings = machine.root / "etc/newsfeed/newsfeed.conf"
    settings.write_text(settings.read_text().replace("#count = 8", "count = 3"))
    site = (machine.root / "etc/nginx/sites-available/newsfeed").read_text()
    pids = machine.main_pid(), machine.main_pid("newsfeed@two"), machine.main_pid("nginx")
    with load(machine):
        print(machine.apt("install", *machine.take(NEXT)))
        machine.do("sleep", "1")
    assert machine.do("newsfeed", "--version") == f"newsfeed {version(NEXT)}\n"
    assert "\ncount = 3\n" in settings.read_text()
    assert (machine.root / "etc/nginx/sites-available/newsfeed").read_text() == site
    now = machine.main_pid(), machine.main_pid("newsfeed@two"), machine.main_pid("nginx")
    assert not set(pids) & set(now)
    log = machine.do("journalctl", "-o", "cat", f"_PID={now[0]}")
    assert version(NEXT) in log
    assert machine.do("systemctl", "show", "-P", "StatusText", "newsfeed") == "3 workers serve\n"
    assert curl(machine, "/participant/1")["name"] == "Ann"


def test_it_goes_on_where_the_database_is_not_fit(machine):
    pid = machine.main_pid()
    psql(machine, "INSERT INTO migration (version, name, checksum, compatible)"
                  " VALUES (999, 'later', '', false)")
    output = machine.do("newsfeed-setup", "refresh")
    assert "newsfeed.service goes on as it was" in output and "version 999" in output
    assert machine.main_pid() == pid
    psql(machine, "DELETE FROM migration WHERE version = 999")
    machine.do("newsfeed-setup", "refresh")
    assert machine.main_pid() != pid


def test_nginx_goes_on_where_its_settings_are_bad(machine):
    site = machine.root / "etc/nginx/sites-available/newsfeed"
    text = site.read_text()
    site.write_text(text.replace("server_name", "server_naam"))
    assert "nginx goes on as it was" in machine.fails("newsfeed-setup", "refresh")
    assert curl(machine, "/participant/1")["name"] == "Ann"
    site.write_text(text)


# --- without systemd --------------------------------------------------------

def test_runit_can_run_it(machine):
    machine.do("systemctl", "stop", "newsfeed.socket", "newsfeed.service")
    machine.do("cp", "-r", "/usr/share/doc/newsfeed/examples/runit", "/etc/sv/newsfeed")
    runsv = subprocess.Popen(machine.inside("runsv", "/etc/sv/newsfeed"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: curl(machine, "/participant/1")["name"] == "Ann")
        machine.do("sv", "hup", "/etc/sv/newsfeed")
        machine.do("sv", "status", "/etc/sv/newsfeed")
    finally:
        machine.do("sv", "exit", "/etc/sv/newsfeed")
        runsv.wait(60)
    machine.do("rm", "-r", "/etc/sv/newsfeed")
    machine.do("systemctl", "start", "newsfeed.socket", "newsfeed.service")


# --- removed ----------------------------------------------------------------

def test_removed_it_leaves_its_settings_and_nginx_goes_on(machine):
    print(machine.apt("remove", "newsfeed", "libnginx-mod-http-newsfeed"))
    machine.do("nginx", "-t")
    machine.do("systemctl", "is-active", "nginx")
    eventually(lambda: "404" in machine.fails("curl", "-sSf", "http://127.0.0.1/participant/1"))
    assert (machine.root / "etc/newsfeed/newsfeed.conf").exists()
    assert machine.do("systemctl", "list-units", "--plain", "--no-legend", "newsfeed*") == ""


def test_installed_again_it_has_them(machine):
    machine.apt("install", *machine.take(NEXT))
    assert "\ncount = 3\n" in (machine.root / "etc/newsfeed/newsfeed.conf").read_text()
    machine.do("systemctl", "is-enabled", "newsfeed.service")


def test_purged_it_leaves_nothing(machine):
    print(machine.apt("purge", "newsfeed", "libnginx-mod-http-newsfeed"))
    machine.apt("autoremove", "--purge")
    paths, accounts, groups = state(machine)
    assert paths - machine.before[0] == set()
    assert (accounts, groups) == machine.before[1:]
    assert "newsfeed" not in machine.do("ls", "/run")
    machine.do("nginx", "-t")
