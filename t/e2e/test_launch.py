"""What the program refuses at launch, and how it says so; its other actions."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from spec import FILE as SPEC
from stack import PROGRAM, ROOT, as_account, children_of
from waiting import eventually


def run(*arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def check(spec=SPEC, *arguments):
    """--check with no database in reach."""
    return run("--set", f"service.spec={spec}", "--set", "db.conninfo=host=/nowhere",
               *arguments, "--check")


@pytest.fixture
def own_spec(folder):
    """change(old, new, ...) -> a copy of the specification, so changed."""
    def change(*pairs):
        text = SPEC.read_text()
        for old, new in zip(pairs[::2], pairs[1::2]):
            assert old in text, old
            text = text.replace(old, new, 1)
        file = folder / "openapi.yaml"
        file.write_text(text)
        return file
    return change


def line_of(file, text):
    lines = file.read_text().splitlines()
    return 1 + next(n for n, line in enumerate(lines) if text in line)


def test_help_and_version():
    assert "usage: newsfeed" in run("--help").stdout
    assert run("--version").stdout.strip()


@pytest.mark.parametrize("action", ["--help", "--version", "--print-config", "--cache-map"])
def test_what_could_not_be_printed_is_a_failure(action):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [PROGRAM, "--set", "cache.servers=unix:/nowhere", action],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and "No space left" in result.stderr


@pytest.mark.parametrize("setting", ["worker.request_timeout", "worker.queue_timeout"])
def test_workers_give_up_before_nginx_does(setting):
    text = (ROOT / "nginx" / "fastcgi.conf").read_text()
    limit = 1000 * int(re.search(r"^fastcgi_read_timeout (\d+)s;", text, re.M)[1])
    assert run("--set", f"{setting}={limit - 1}", "--print-config").returncode == 0
    result = run("--set", f"{setting}={limit}", "--print-config")
    assert result.returncode != 0
    assert setting in result.stderr and "fastcgi_read_timeout" in result.stderr


def test_an_unknown_option_is_refused():
    result = run("--nonsense")
    assert result.returncode != 0 and "nonsense" in result.stderr


def test_printed_settings_are_settings(folder):
    first = run("--print-config")
    assert first.returncode == 0
    file = folder / "printed.conf"
    file.write_text(first.stdout)
    assert run("-c", file, "--print-config").stdout == first.stdout


def test_all_faults_of_the_settings_are_told_each_with_its_line(folder):
    file = folder / "bad.conf"
    file.write_text(
        "[worker]\ncount = 0\ncuont = 3\n\n[wroker]\ncount = 3\n\n"
        "[cache]\nttl = 60\nttl = 61\n[dispatcher]\nenabled = maybe\n")
    result = run("-c", file, "--check")
    assert result.returncode != 0
    for line in (2, 3, 6, 10, 12):
        assert f"{file}:{line}: " in result.stderr, result.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "worker.count=none", "worker.count=257", "worker", "no.such=1", "worker.count",
        "cache.prefix=a b", "cache.servers=:",
    ],
)
def test_a_bad_override_is_named(setting):
    result = check(SPEC, "--set", setting)
    assert result.returncode != 0
    assert re.split("[.=]", setting)[0] in result.stderr


@pytest.mark.parametrize("folder", ["/nowhere/state", "/dev/null/state"])
def test_a_runtime_folder_that_cannot_be_written_is_named(folder):
    settings = ("--set", f"service.runtime_dir={folder}")
    result = check(SPEC, *settings, "--set", "cache.servers=127.0.0.1:1")
    assert result.returncode != 0
    assert "service.runtime_dir" in result.stderr and folder in result.stderr
    assert "service.runtime_dir" not in check(SPEC, *settings).stderr  # no cache


def test_a_missing_settings_file_is_named():
    result = run("-c", "/nowhere.conf", "--check")
    assert result.returncode != 0 and "/nowhere.conf" in result.stderr


def test_a_missing_specification_is_named():
    result = check("/nowhere.yaml")
    assert result.returncode != 0
    assert "/nowhere.yaml" in result.stderr and "service.spec" in result.stderr


def test_a_database_that_is_nowhere_is_named():
    result = check(SPEC, "--set", "db.conninfo=host=/nowhere")
    assert result.returncode != 0
    assert "/nowhere" in result.stderr and "db.conninfo" in result.stderr


def refused(file, *words, at=None):
    result = check(file)
    assert result.returncode != 0
    for word in words:
        assert word in result.stderr, result.stderr
    if at:
        assert f"{file}:{line_of(file, at)}" in result.stderr, result.stderr


def test_an_unknown_schema_keyword_is_refused(own_spec):
    refused(own_spec("maxLength: 100\n", "maxLenght: 100\n"), "maxLenght", at="maxLenght")


def test_a_keyword_that_is_not_honoured_is_refused(own_spec):
    more = "      maxLength: 100\n      contentEncoding: base64\n"
    refused(own_spec("      maxLength: 100\n", more), at="contentEncoding")


def test_an_operation_without_a_handler_is_refused(own_spec):
    refused(own_spec("operationId: getInbound", "operationId: getInbox"),
            "getInbox", "getInbound")


def test_an_operation_id_used_twice_is_refused(own_spec):
    refused(own_spec("operationId: getInbound", "operationId: getOutbound"), "getOutbound")


def test_a_handler_without_an_operation_is_refused(own_spec, folder):
    document = yaml.safe_load(SPEC.read_text())
    del document["paths"]["/outbound"]
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    refused(file, "searchOutbound")


def test_a_parameter_without_its_place_in_the_path_is_refused(own_spec):
    refused(own_spec("/participant/{id}/inbound:", "/participant/{who}/inbound:"), "who")


def test_what_is_no_yaml_is_refused(own_spec):
    file = own_spec("paths:", "paths: [")
    refused(file, str(file))


def test_all_faults_of_the_specification_are_told(own_spec):
    refused(own_spec("maxLength: 100\n", "maxLenght: 100\n",
                     "maxLength: 200\n", "maxLenhgt: 200\n"), "maxLenght", "maxLenhgt")


def test_without_a_socket_it_says_what_would_be_right():
    result = run("--set", f"service.spec={SPEC}", "--set", "db.conninfo=host=/nowhere")
    assert result.returncode != 0
    assert "--listen" in result.stderr


def listens(path):
    with socket.socket(socket.AF_UNIX) as peer:
        return peer.connect_ex(str(path)) == 0


@pytest.mark.xdist_group("launch")
class TestWithADatabase:
    @pytest.fixture(scope="class")
    def stack(self, make_module_stack):
        return make_module_stack(WORKERS="1")

    def command(self, stack, *more):
        conninfo = f"host={stack.run} dbname=newsfeed user=newsfeed"
        return [PROGRAM, "--set", f"service.spec={SPEC}",
                "--set", f"db.conninfo={conninfo}",
                "--set", "db.connect_timeout=10000", *more]

    def check(self, stack):
        return subprocess.run(
            as_account(self.command(stack, "--check")),
            capture_output=True, text=True, timeout=60)

    def test_the_first_line_of_the_log_has_the_version(self, stack):
        version = run("--version").stdout
        assert stack.log().splitlines(True)[0].endswith(f" launch: {version}")

    def test_check_says_ok(self, stack):
        result = self.check(stack)
        assert (result.returncode, result.stderr) == (0, "")
        assert "OK" in result.stdout

    def test_check_fails_where_it_cannot_say_so(self, stack):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                as_account(self.command(stack, "--check")), stdout=full,
                stderr=subprocess.PIPE, text=True, timeout=60)
        assert result.returncode == 1 and "No space left" in result.stderr

    def test_a_database_of_another_version_is_named_and_not_used(self, stack):
        stack.down("newsfeed")
        stack.sql("INSERT INTO migration (version, name, checksum, compatible)"
                  " VALUES (999, 'from_the_future', '', false)")
        try:
            result = self.check(stack)
            assert result.returncode != 0 and "999" in result.stderr
            started = stack.call("up", "newsfeed", check=False)
            assert started.returncode != 0
            eventually(lambda: "999" in stack.log())
        finally:
            stack.sql("DELETE FROM migration WHERE version = 999")
            stack.up("newsfeed")
        assert stack.client.add_participant()

    def test_a_database_without_a_schema_is_named(self, stack):
        stack.sql("ALTER TABLE migration RENAME TO elsewhere")
        try:
            result = self.check(stack)
            assert result.returncode != 0
            assert "sql/migrate" in result.stderr
        finally:
            stack.sql("ALTER TABLE elsewhere RENAME TO migration")
        assert self.check(stack).returncode == 0

    def test_the_service_role_has_no_more_rights_than_it_uses(self, stack):
        def as_service(text):
            command = stack.psql()
            command[command.index("postgres", command.index("-U"))] = "newsfeed"
            return subprocess.run(command, input=text, capture_output=True, text=True)

        for statement in (
            "CREATE TABLE mine ()", "DROP TABLE outbound", "TRUNCATE inbound",
            "UPDATE outbound SET occurred = now()", "ALTER TABLE participant ADD x int",
            "DELETE FROM migration", "INSERT INTO migration DEFAULT VALUES",
        ):
            result = as_service(statement + ";")
            assert result.returncode != 0, statement
            assert re.search("permission denied|must be owner", result.stderr)

    def test_a_socket_of_its_own_is_for_owner_and_group_alone(self, stack, folder):
        path = folder / "own.sock"
        command = self.command(stack, "--set", "worker.count=1", "--listen", str(path))
        with subprocess.Popen(as_account(command), stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                eventually(path.exists)
                eventually(lambda: path.stat().st_mode & 0o777 == 0o660)
                second = subprocess.run(as_account(command), stdin=subprocess.DEVNULL,
                                        capture_output=True, text=True, timeout=60)
                assert second.returncode != 0, "it took the socket of another"
                assert str(path) in second.stderr
                assert process.poll() is None and path.exists()
            finally:
                process.terminate()
                process.wait(60)

    @pytest.mark.parametrize("more, dumpable", [((), False),
                                                (("--set", "service.dumpable=on"), True)])
    def test_nobody_looks_into_its_processes_unless_a_setting_lets_them(
            self, stack, folder, more, dumpable):
        """The kernel gives root what lies in /proc of one that is not dumpable."""
        path = folder / "own.sock"
        command = self.command(stack, "--set", "worker.count=1", "--listen", str(path), *more)
        with subprocess.Popen(["prlimit", "--core=unlimited", *as_account(command)],
                              env={**os.environ, "ASAN_OPTIONS": "disable_coredump=0"},
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: len(children_of(process.pid)) == 2)
                for pid in process.pid, *children_of(process.pid):
                    limits = Path(f"/proc/{pid}/limits").read_text()
                    cores = re.search(r"Max core file size +(\w+)", limits)[1]
                    owner = os.stat(f"/proc/{pid}/environ").st_uid
                    assert (cores == "0") == (not dumpable)
                    assert (owner == 0) == (not dumpable)
            finally:
                process.terminate()
                process.wait(60)

    def test_a_socket_left_over_by_a_crash_is_taken(self, stack, folder):
        path = folder / "own.sock"
        command = self.command(stack, "--set", "worker.count=1", "--listen", str(path))
        for end in (lambda p: p.kill(), lambda p: p.terminate()):
            with subprocess.Popen(as_account(command), stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as process:
                try:
                    eventually(lambda: listens(path))
                    assert process.poll() is None
                finally:
                    end(process)
                    process.wait(60)
            eventually(lambda: not listens(path))  # nor a child of the killed one
