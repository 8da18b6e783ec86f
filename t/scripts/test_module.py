"""nginx's module: where it is built, and for which nginx."""

import shutil
import subprocess

import pytest

from conftest import ROOT
from test_install import make

NAME = "ngx_http_newsfeed_module.so"

# As nginx's own: it knows no path with a space in it.
CONFIGURE = r"""#!/bin/sh
for option; do
    case $option in --add-dynamic-module=*) addon=${option#*=} ;; esac
done
for folder in $addon; do
    test -f "$folder/config" || { echo "no $folder/config was found"; exit 1; }
done
mkdir -p ../objs
printf 'modules:\n\techo built >../objs/%s\n' NAME >../objs/Makefile
""".replace("NAME", NAME)


@pytest.fixture
def source(folder):
    """What builds a module for the nginx that is installed, in no time."""
    version = subprocess.run(
        ["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    number = version.rsplit("/", 1)[1].split()[0]
    header = folder / "source" / "src" / "core" / "nginx.h"
    header.parent.mkdir(parents=True)
    header.write_text(f'#define NGINX_VERSION      "{number}"\n')
    configure = folder / "source" / "configure"
    configure.write_text(CONFIGURE)
    configure.chmod(0o755)
    return folder / "source"


def test_it_is_built_where_the_path_has_a_space(folder, source):
    shutil.copytree(ROOT / "nginx" / "module", folder / "a b" / "module")
    result = subprocess.run(
        [folder / "a b" / "module" / "build", folder / "a b" / "built"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NGINX_SOURCE": source},
        capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (folder / "a b" / "built" / NAME).read_text() == "built\n"


def test_one_for_another_nginx_is_not_installed(folder, source):
    built = folder / "nginx"
    built.mkdir()
    (built / "flags").write_text("nginx version: nginx/1.0.0\n")
    (built / NAME).write_text("old\n")
    (folder / "newsfeed").touch()
    make("install", "--old-file=all", f"BUILD={folder}", f"MODULE={built / NAME}",
         f"NGINX_SOURCE={source}", f"DESTDIR={folder}", "PREFIX=/opt")
    installed = folder / "opt" / "lib" / "newsfeed" / NAME
    assert installed.read_text() == "built\n"


def test_none_is_installed_where_none_was_built(folder):
    (folder / "newsfeed").touch()
    make("install", "--old-file=all", f"BUILD={folder}",
         f"MODULE={folder / 'nginx' / NAME}", f"DESTDIR={folder}", "PREFIX=/opt")
    assert not (folder / "opt" / "lib").joinpath("newsfeed").exists()
