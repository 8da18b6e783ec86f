"""The packages through their life in a clean Debian: built, looked through,
installed, used, upgraded, removed and purged, in this order."""

import json
import re
import subprocess

from machine import ROOT, guide, packages, run, version
from machine import SERVICES as NEEDED
from waiting import eventually

PACKAGES, NEXT = packages("deb"), packages("deb.next")
SERVICES = *NEEDED, "runit", "spawn-fcgi", "prometheus", "prometheus-alertmanager"
EXAMPLES = "/usr/share/doc/newsfeed/examples"


def state(machine):
    """All paths, but of what Debian itself writes down of what it does; the
    accounts and groups."""
    found = run("find", machine.root, "-xdev", "(", "-path", machine.root / "srv", "-o",
                "-path", machine.root / "tmp", "-o", "-path", machine.root / "var/lib/postgresql",
                "-o", "-path", machine.root / "var/cache", "-o",
                "-path", machine.root / "var/log/journal", ")", "-prune",
                "-o", "-printf", "%P\n").splitlines()
    return {path for path in found if not re.match(
        r"var/lib/(dpkg|systemd|nginx|prometheus)/|var/log/(postgresql|apt|dpkg)|"
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
    assert "newsfeed" not in machine.psql("SELECT rolname FROM pg_roles", "postgres")
    assert "newsfeed" not in machine.psql("SELECT datname FROM pg_database", "postgres")
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
    machine.set_up()
    status = machine.do("systemctl", "show", "-P", "StatusText", "newsfeed")
    assert status == "8 workers serve\n"


def test_it_serves(machine):
    machine.befriend()
    machine.curl("/participant/1/outbound", {"subject": "s", "story": "It works."})
    for _ in range(2):
        [item] = machine.curl("/participant/2/inbound")
        assert item["story"] == "It works."
    eventually(lambda: "X-Cache: HIT" in machine.do(
        "curl", "-sSfi", "http://127.0.0.1/participant/2/inbound"))


def test_a_reload_fails_no_request(machine):
    pid = machine.main_pid()
    with machine.load():
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
    assert machine.curl("/participant/1")["name"] == "Ann"
    machine.do("rm", "-r", "/run/systemd/system/newsfeed.service.d")
    machine.do("systemctl", "daemon-reload")


def test_an_alert_comes_and_goes(machine):
    """Of a Prometheus that is set up by the guide, but is in a hurry."""
    machine.do("mkdir", "/srv/checkout")
    machine.do("ln", "-s", EXAMPLES, "/srv/checkout/contrib")
    [lines] = guide("Alerts")
    print(machine.type(lines, "/srv/checkout"))
    machine.do("sed", "-i", "s/for: .*/for: 3s/", "/etc/prometheus/newsfeed.rules.yml")
    machine.do("sed", "-i", "s/15s/1s/", "/etc/prometheus/prometheus.yml")
    machine.do("systemctl", "restart", "prometheus")

    def is_watched():
        return json.loads(machine.do(
            "promtool", "query", "instant", "-o", "json", "http://127.0.0.1:9090",
            "newsfeed_ready == 1"))

    def alert():
        found = json.loads(machine.do(
            "amtool", "--alertmanager.url=http://127.0.0.1:9093", "-o", "json",
            "alert", "query", "NewsfeedNotReady"))
        return [(each["labels"]["severity"], each["annotations"]["summary"]) for each in found]

    eventually(lambda: is_watched() and alert() == [], 120)
    machine.do("systemctl", "stop", "postgresql")
    eventually(lambda: alert() == [("page", "127.0.0.1:9464 is not ready")], 120)
    ready = "newsfeed", "-c", "/etc/newsfeed/newsfeed.conf", "ready"
    assert "failed   database: " in machine.fails(*ready)
    machine.do("systemctl", "start", "postgresql")
    eventually(lambda: alert() == [], 120)
    machine.do(*ready)
    machine.do("systemctl", "stop", "prometheus", "prometheus-alertmanager")
    machine.do("rm", "/etc/prometheus/newsfeed.rules.yml")


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
    with machine.load():
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
    assert machine.curl("/participant/1")["name"] == "Ann"


def test_it_goes_on_where_the_database_is_not_fit(machine):
    pid = machine.main_pid()
    machine.psql("INSERT INTO migration (version, name, checksum, compatible)"
                  " VALUES (999, 'later', '', false)")
    output = machine.do("newsfeed-setup", "refresh")
    assert "newsfeed.service goes on as it was" in output and "version 999" in output
    assert machine.main_pid() == pid
    machine.psql("DELETE FROM migration WHERE version = 999")
    machine.do("newsfeed-setup", "refresh")
    assert machine.main_pid() != pid


def test_nginx_goes_on_where_its_settings_are_bad(machine):
    site = machine.root / "etc/nginx/sites-available/newsfeed"
    text = site.read_text()
    site.write_text(text.replace("server_name", "server_naam"))
    assert "nginx goes on as it was" in machine.fails("newsfeed-setup", "refresh")
    assert machine.curl("/participant/1")["name"] == "Ann"
    site.write_text(text)


# --- without systemd --------------------------------------------------------

def test_runit_can_run_it(machine):
    machine.do("systemctl", "stop", "newsfeed.socket", "newsfeed.service")
    machine.do("cp", "-r", f"{EXAMPLES}/runit", "/etc/sv/newsfeed")
    runsv = subprocess.Popen(machine.inside("runsv", "/etc/sv/newsfeed"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: machine.curl("/participant/1")["name"] == "Ann")
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
    machine.apt("autoremove", "--purge",  # though something else would like to have it
                *(f"-oAPT::AutoRemove::{what}Important=false" for what in ("Recommends", "Suggests")))
    paths, accounts, groups = state(machine)
    assert paths - machine.before[0] == set()
    assert (accounts, groups) == machine.before[1:]
    assert "newsfeed" not in machine.do("ls", "/run")
    machine.do("nginx", "-t")
