"""What the program's settings are, its manual and the sample say as well."""

import os
import re
import subprocess

import pytest

from conftest import ROOT

PROGRAM = os.environ.get("PROGRAM", ROOT / "build" / "newsfeed")
SPEC = "share/newsfeed/openapi.yaml"
UNITS = {"number", "milliseconds", "seconds", "hours"}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


def read_settings(text, pattern):
    """{"section.key": what the pattern's other groups hold}, in order. A line
    that it does not fit begins no setting."""
    found, section = {}, None
    for line in text.splitlines():
        if start := re.fullmatch(r"(?:\.Ss )?\[(\w+)\]", line):
            section = start[1]
        elif match := re.fullmatch(pattern, line):
            key, *rest = match.groups()
            assert f"{section}.{key}" not in found
            found[f"{section}.{key}"] = tuple(rest)
    return found


@pytest.fixture(scope="module")
def defaults():
    """{"section.key": default}"""
    printed = read_settings(run("--print-config").stdout, r"(\w+) = (.*)")
    assert len(printed) > 30
    return {name: value for name, (value,) in printed.items()}


@pytest.fixture(scope="module")
def refusals(defaults):
    """{"section.key": what its value must be}, from the program's own words."""
    bad = [word for name in defaults for word in ("--set", f"{name}=\x01")]
    found = re.findall(r'^--set: (\S+) is "\x01", must be (.*)$', run(*bad).stderr, re.M)
    assert [name for name, _ in found] == list(defaults)
    return dict(found)


@pytest.fixture(scope="module")
def manual(defaults):
    """{"section.key": (kind, range, default)}, without mdoc's marks."""
    prefix = defaults["service.spec"].removesuffix(SPEC)
    text = (ROOT / "app" / "newsfeed.conf.5").read_text().replace("/usr/local/", prefix)
    text = re.sub(r"\\&", "", text)
    found = read_settings(
        text, r"\.It Ic (\w+) No = (.*) Pq (?:(.*), )?default(?: Pa)? (.*)")
    assert text.count("\n.It Ic ") == len(found), "a setting in another form"
    return {name: (re.sub(r"\b(Ar|Cm) ", "", kind), limits, value)
            for name, (kind, limits, value) in found.items()}


def described(must):
    """What the manual has as kind and range for what a refusal says; None:
    whatever names a text."""
    if limits := re.match(r"a whole number from (\d+) to (\d+)\b", must):
        return UNITS, "{} to {}".format(*limits.groups())
    if must.startswith("text without control characters"):
        return None, None
    if must.startswith("stderr, or the path"):
        return {"stderr | socket"}, None
    if re.fullmatch(r"\w+(, \w+)* or \w+", must):
        return {" | ".join(re.split(", | or ", must))}, None
    return {"name"}, must


def test_the_manual_has_every_setting_in_order(defaults, manual):
    assert list(manual) == list(defaults)


def test_the_manual_has_their_defaults(defaults, manual):
    assert {name: entry[2] for name, entry in manual.items()} == {
        name: value or "empty" for name, value in defaults.items()}


def test_the_manual_has_their_kinds_and_ranges(refusals, manual):
    for name, must in refusals.items():
        kinds, limits = described(must)
        kind = manual[name][0]
        assert manual[name][1] == limits, name
        assert kind in kinds if kinds else re.fullmatch(r"[a-z]+", kind) and kind not in UNITS, name


def test_units_are_those_that_names_tell(manual):
    for name, (kind, _, _) in manual.items():
        told = re.search(r"_(hours|seconds)$", name)
        assert not told or kind == told[1], name


def test_the_range_of_a_text_is_that_of_the_refusal(refusals, manual):
    most = re.search(r"of less than (\d+) characters", refusals["service.log_output"])[1]
    assert f"by a path of less than {most} bytes" in " ".join(
        (ROOT / "app" / "newsfeed.conf.5").read_text().split())


def test_the_sample_has_every_setting_in_order(defaults):
    """A line that is a comment has the default."""
    text = (ROOT / "etc" / "newsfeed.conf").read_text()
    text = text.replace("/usr/local/", defaults["service.spec"].removesuffix(SPEC))
    sample = read_settings(text, r"#?(\w+) =(?: (.*))?")
    assert list(sample) == list(defaults)
    commented = read_settings(text, r"#(\w+) =(?: (.*))?")
    assert len(commented) > len(sample) / 2
    assert {name: value or "" for name, (value,) in commented.items()} == {
        name: defaults[name] for name in commented}


@pytest.mark.parametrize("file", sorted((ROOT / "etc").glob("*.conf")), ids=lambda f: f.name)
def test_the_samples_are_accepted(file):
    result = run("-c", file, "--print-config")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", ["newsfeed.8", "newsfeed.conf.5"])
def test_manuals_name_no_setting_that_there_is_not(defaults, page):
    sections = "|".join({name.split(".")[0] for name in defaults})
    text = (ROOT / "app" / page).read_text()
    named = re.findall(rf"^\.(?:Ar|Cm|Ql) ((?:{sections})\.\w+)\b", text, re.M)
    assert len(named) > 5 and set(named) <= set(defaults)
