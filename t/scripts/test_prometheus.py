"""What contrib has for a Prometheus, tried by its own tool."""

import json
import re
import subprocess

from conftest import ROOT

FOLDER = ROOT / "contrib" / "prometheus"
RULES = (FOLDER / "newsfeed.rules.yml").read_text()


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], cwd=FOLDER,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_settings_hold():
    promtool("check", "config", "prometheus.yml")


def test_alerts_come_when_they_should_and_not_otherwise():
    promtool("test", "rules", "newsfeed.rules.test.yml")


def test_each_alert_is_tried():
    tried = (FOLDER / "newsfeed.rules.test.yml").read_text()
    for alert in re.findall(r"- alert: (\w+)", RULES):
        assert re.search(rf"alertname: {alert}\b", tried), alert


def test_the_guide_says_what_to_do_at_each_alert():
    guide = (ROOT / "etc" / "README.md").read_text()
    for alert, severity in re.findall(r"- alert: Newsfeed(\w+)$.*?severity: (\w+)", RULES, re.M | re.S):
        mark = " page" if severity == "page" else ""
        assert re.search(rf"^\| `{alert}`{mark} \| .+ \| .+ \|$", guide, re.M), alert


def test_the_dashboard_has_room_for_each_panel():
    dashboard = json.loads((ROOT / "contrib" / "grafana" / "newsfeed.json").read_text())
    taken, ids = set(), set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        assert panel["id"] not in ids and panel["targets"]
        taken |= cells
        ids.add(panel["id"])


def test_all_that_is_asked_for_is_explained():
    text = RULES + (ROOT / "contrib" / "grafana" / "newsfeed.json").read_text()
    explained = (ROOT / "etc" / "README.md").read_text()
    names = set(re.findall(r"newsfeed_(\w+?)(?:_bucket)?(?=[\[{ )\"\\,]|$)", text, re.M))
    assert len(names) > 20
    for name in names:
        assert f"`{name}`" in explained, name
