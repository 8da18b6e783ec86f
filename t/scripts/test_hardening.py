"""What the program and nginx's module are built with against memory faults."""

import os
import platform
import re
import subprocess

import pytest

from conftest import ROOT
from test_install import PROGRAM

MODULE = ROOT / "build" / "nginx" / "ngx_http_newsfeed_module.so"

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("SANITIZE")), reason="sanitizers are built in instead")


def readelf(option, file):
    return subprocess.run(
        ["readelf", "-W", option, file], check=True, capture_output=True, text=True).stdout


@pytest.fixture(params=[PROGRAM, MODULE], ids=lambda file: file.name)
def binary(request):
    if not request.param.exists():
        pytest.skip("it is not built")
    return request.param


def test_it_is_loaded_anywhere(binary):
    assert "DYN" in readelf("-h", binary)
    if binary == PROGRAM:
        assert re.search(r"FLAGS_1.* PIE", readelf("-d", binary))


def test_what_the_loader_wrote_cannot_be_written_again(binary):
    assert "GNU_RELRO" in readelf("-l", binary)
    assert "BIND_NOW" in readelf("-d", binary)


def test_its_stack_cannot_be_run(binary):
    assert re.search(r"GNU_STACK .* RW ", readelf("-l", binary))


def test_its_stack_and_its_buffers_are_guarded(binary):
    names = readelf("--dyn-syms", binary)
    assert "__stack_chk_fail" in names
    if binary == PROGRAM:
        assert re.search(r"__\w+_chk\b(?!_fail)", names)


def test_jumps_end_where_they_may(binary):
    """The note stands in our objects. It is in no program of Debian 12, since
    what the C library adds to each has none."""
    if platform.machine() != "x86_64":
        pytest.skip("of x86 alone")
    for file in (PROGRAM.parent / "app").glob("*.o"):
        assert "IBT, SHSTK" in readelf("-n", file), file
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", binary],
                          check=True, capture_output=True, text=True).stdout
    assert code.count("endbr64") > 10


def test_the_compiler_is_asked_for_the_most_it_has():
    def takes(flag):
        command = ["gcc", "-O2", "-Werror", flag, "-include", "string.h", "-c",
                   "-x", "c", "-o", "/dev/null", "/dev/null"]
        return subprocess.run(command, capture_output=True).returncode == 0

    flags = (PROGRAM.parent / "flags").read_text().split()
    for flag in ("-fcf-protection", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=3"):
        assert (flag in flags) == takes(flag) or flags[0] != "gcc", flag
