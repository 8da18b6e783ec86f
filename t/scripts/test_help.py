"""What newsfeed --help names, the manual and the completion in bash name too."""

import os
import re
import subprocess

import pytest

from conftest import ROOT

PROGRAM = os.environ.get("PROGRAM", ROOT / "build" / "newsfeed")
COMPLETION = ROOT / "contrib" / "completion" / "newsfeed"

HELP = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=60).stdout


def named():
    """{what may stand first: [what belongs to it alone]}, options and commands."""
    found = {}
    for indent, words in re.findall(r"^( {2}| {6})((?:-c, )?(?:--)?[a-z][a-z-]+)(?: |$)", HELP, re.M):
        for word in words.split(", "):
            if len(indent) == 2:
                last = found[word] = []
            else:
                last.append(word)
    del found["newsfeed"]  # the examples
    return found


NAMED = named()
OPTIONS = ["-c", "--config", "--set", "--listen"]
COMMANDS = [word for word in NAMED if word not in OPTIONS]


def complete(line, program=PROGRAM, cwd=None):
    """What bash offers with the cursor behind the line."""
    result = subprocess.run(
        ["bash", "-c", 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _newsfeed "$3";'
         ' printf "%s\\n" "${COMPREPLY[@]}"', "bash", COMPLETION, line, program],
        capture_output=True, text=True, timeout=60, cwd=cwd)
    assert result.returncode == 0 and result.stderr == ""
    return result.stdout.split()


def test_help_is_understood():
    assert set(NAMED) > {*OPTIONS, "--check", "events", "--help", "--version"}
    assert NAMED["events"] == ["--from", "--follow"]
    assert all(len(line) < 80 for line in HELP.splitlines())


def test_help_names_every_option_that_there_is():
    text = (ROOT / "app" / "main.c").read_text()
    known = re.findall(r'^ +\{"([a-z-]+)", (?:no|required)_argument', text, re.M)
    words = {word for first, more in NAMED.items() for word in [first, *more]}
    assert {f"--{name}" for name in known} == {w for w in words if w.startswith("--")}


def test_the_manual_describes_all_of_it():
    text = (ROOT / "app" / "newsfeed.8").read_text().replace("\\-", "-")
    items = re.findall(r"^\.It ((?:Fl|Cm) .*)$", text, re.M)
    found = {}
    for item in items:
        words = ["-" * (mark == "Fl") + word for mark, word in
                 re.findall(r"(Fl|Cm) ([a-z-]+)", re.sub(r"Fl c ,", "", item))]
        found[words[0]] = words[1:]
    assert found == {word: more for word, more in NAMED.items() if word != "-c"}
    assert [w for w in found if w in COMMANDS[:-2]] == COMMANDS[:-2]


def test_each_command_has_an_example():
    text = (ROOT / "app" / "newsfeed.8").read_text().split("\n.Sh COMMANDS\n")[1]
    entries = re.split(r"^\.It ", text.split("\n.Sh ")[0], flags=re.M)[1:]
    for entry in entries:
        name = re.match(r"(?:Fl \\-|Cm )([a-z-]+)", entry)[1]
        assert re.search(rf"newsfeed -c .*(?:--| ){name}\b", entry), name


def test_options_and_commands_are_offered():
    assert complete("newsfeed ") == list(NAMED)
    assert complete("newsfeed --c") == ["--config", "--check", "--cache-map"]
    assert complete("newsfeed -c my.conf st") == ["status"]


@pytest.mark.parametrize("command", COMMANDS)
def test_behind_a_command_its_own_are_offered(command):
    argument = " 7" if command == "--token" else ""
    assert complete(f"newsfeed {command}{argument} ") == NAMED[command]


def test_files_are_offered(folder):
    (folder / "my.conf").touch()
    assert complete("newsfeed -c m", cwd=folder) == ["my.conf"]
    assert complete("newsfeed --config=m", cwd=folder) == ["my.conf"]
    assert complete(f"newsfeed --listen {folder}/m") == [f"{folder}/my.conf"]


def test_settings_are_offered_as_the_program_tells_them():
    printed = subprocess.run([PROGRAM, "--print-config"], capture_output=True, text=True).stdout
    keys = re.findall(r"^(\w+) = ", printed, re.M)
    offered = complete("newsfeed --set ")
    assert [word.split(".")[1] for word in offered] == [f"{key}=" for key in keys]
    assert complete("newsfeed --set worker.c") == ["worker.count="]
    assert complete("newsfeed -c a --set=cache.p") == ["cache.prefix="]
    assert complete("newsfeed --set ", program="/no/newsfeed") == []


@pytest.mark.parametrize("line, offered", [
    ("db.prepare=", ["on", "off"]), ("service.dumpable=of", ["off"]), ("worker.count=", []),
    ("no.such=", [])])
def test_of_a_switch_its_values_are_offered(line, offered):
    assert complete(f"newsfeed --set {line}") == offered


@pytest.mark.parametrize("line", ["--token ", "--token 7 --ttl ", "events --from "])
def test_what_nobody_knows_is_not_offered(line):
    assert complete(f"newsfeed {line}") == []


def test_bash_uses_it():
    result = subprocess.run(["bash", "-c", f'source "{COMPLETION}" && complete -p newsfeed'],
                            capture_output=True, text=True)
    assert result.stdout == "complete -F _newsfeed newsfeed\n"
