"""The image, compose file and manifests, as far as they can be looked at where
no container runs: what they name of each other, and of this checkout."""

import re
import shlex
import shutil
import subprocess

import yaml

from conftest import ROOT
from test_site import MODULE, PROGRAM

CONTAINERS = ROOT / "contrib" / "containers"
IMAGE = (CONTAINERS / "Containerfile").read_text()
COMPOSE = yaml.safe_load((CONTAINERS / "compose.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((ROOT / "contrib/kubernetes/newsfeed.yaml").read_text()))
ROLES = set(re.findall(r"^(\w+)\)$", (CONTAINERS / "entry").read_text(), re.M))
PORTS = {int(port) for port in re.search(r"^EXPOSE (.*)$", IMAGE, re.M)[1].split()}


def of_kind(kind):
    return {one["metadata"]["name"]: one for one in MANIFESTS if one["kind"] == kind}


def pods():
    return [one["spec"]["template"] for one in MANIFESTS if "template" in one.get("spec", {})]


def containers():
    return [container for pod in pods() for container in pod["spec"]["containers"]]


def is_known(command):
    """A command of the program that the image has settings for."""
    assert command[:3] == ["newsfeed", "-c", "/etc/newsfeed/newsfeed.conf"]
    shown = subprocess.run([PROGRAM, "--help"], check=True, capture_output=True, text=True).stdout
    assert re.search(rf"^  {command[3]} ", shown, re.M)
    return True


def test_the_image_is_made_of_what_is_there():
    for line in re.findall(r"^COPY (.*)$", IMAGE, re.M):
        for path in shlex.split(line)[:-1]:
            assert (ROOT / path).exists(), path


def test_its_settings_are_settings():
    result = subprocess.run(
        [PROGRAM, "-c", CONTAINERS / "newsfeed.conf", "--print-config"], capture_output=True)
    assert result.returncode == 0, result.stderr


def test_its_nginx_takes_its_settings(folder):
    shutil.copytree(ROOT / "nginx", folder / "newsfeed")
    shutil.copy("/etc/nginx/mime.types", folder)
    printed = subprocess.run(
        [PROGRAM, "-c", CONTAINERS / "newsfeed.conf", "--set", "cache.servers=127.0.0.1:11211",
         "--cache-map"], check=True, capture_output=True, text=True).stdout
    (folder / "cache_map.conf").write_text(printed)
    (folder / "proxies.conf").write_text("set_real_ip_from 10.1.2.0/24;\n")
    text = (CONTAINERS / "nginx.conf").read_text()
    text = text.replace("modules/ngx_http_newsfeed_module.so", str(MODULE))
    (folder / "nginx.conf").write_text(text.replace("/var/lib/newsfeed", str(folder)))
    result = subprocess.run(["nginx", "-t", "-c", folder / "nginx.conf"],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert {int(port) for port in re.findall(r"listen (\d+);", text)} == PORTS


def test_a_composition_is_whole():
    services = COMPOSE["services"]
    for service in services.values():
        if service["image"] == "newsfeed":
            assert service["command"][0] in ROLES
            assert (CONTAINERS / service["build"]["context"]).resolve() == ROOT
        for other in service.get("depends_on", ()):
            assert other in services
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    assert is_known(services["newsfeed"]["healthcheck"]["test"][1:])
    [port] = services["nginx"]["ports"]
    assert int(port.split(":")[-1]) in PORTS
    assert "memcached" in services  # as the image's settings call it


def test_manifests_name_what_there_is():
    secrets = {name: set(one["stringData"]) for name, one in of_kind("Secret").items()}
    for pod in pods():
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())}
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes
            for variable in container.get("env", ()):
                key = variable["valueFrom"]["secretKeyRef"]
                assert key["key"] in secrets[key["name"]]
            if container["image"] == "newsfeed":
                assert container["args"][0] in ROLES
    assert "memcached" in of_kind("Service")


def test_manifests_choose_pods_by_labels_that_these_have():
    labels = [pod["metadata"]["labels"].items() for pod in pods()]

    def finds(selector):
        return [one for one in labels if selector.items() <= one]

    for one in MANIFESTS:
        spec = one.get("spec", {})
        for selector in (spec.get("selector"), spec.get("podSelector")):
            if selector:
                assert len(finds(selector.get("matchLabels", selector))) == 1, one["metadata"]


def test_probes_ask_where_somebody_answers():
    nginx = (CONTAINERS / "nginx.conf").read_text()
    asked = set()
    for container in containers():
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        for name, probe in container.items():
            if not name.endswith("Probe"):
                continue
            if "exec" in probe:
                assert is_known(probe["exec"]["command"])
            else:
                ask = probe.get("httpGet") or probe["tcpSocket"]
                assert ask["port"] in ports
                asked.add(ask.get("path"))
            if container["image"] == "newsfeed":
                assert set(ports.values()) <= PORTS
    assert asked == {"/livez", "/readyz", None}
    served = re.search(r"location ~ \^/\(([a-z|]+)\)\$", nginx)[1].split("|")
    assert {"livez", "readyz"} <= set(served)
