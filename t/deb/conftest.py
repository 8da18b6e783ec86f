"""A machine for the tests of a file, which names its SERVICES, PACKAGES and the
NEXT ones."""

import os
import tempfile
from pathlib import Path

import pytest

from machine import Machine


@pytest.fixture(scope="module")
def machine(request):
    if os.getuid() != 0:
        pytest.skip("root alone makes machines")
    of = request.module
    folder = Path(tempfile.mkdtemp(prefix="nf-deb-", dir="/var/tmp"))
    folder.chmod(0o755)
    machine = Machine(folder)
    try:
        machine.make()
        machine.fetch(*of.SERVICES, "nginx")
        for packages in of.PACKAGES, of.NEXT:
            machine.fetch(*machine.take(packages))
        machine.start()
        yield machine
    finally:
        machine.stop()
