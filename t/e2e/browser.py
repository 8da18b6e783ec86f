"""A real browser: chromium without a screen, by the W3C's WebDriver protocol."""

import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile

from stack import free_port
from waiting import eventually

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008",
        "Control": "\ue009"}
PHONE, DESK = (390, 844), (1280, 900)

OPTIONS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]


class Refused(AssertionError):
    """By the driver, such as a click on what is not there yet."""


class Driver:
    """chromium-driver and one chromium, whose windows the tests share.
    preferences: of chromium's own."""

    def __init__(self, preferences=None):
        for program, package in (("chromedriver", "chromium-driver"),
                                 ("chromium", "chromium")):
            assert shutil.which(program), f"Debian's {package}: run 'make packages'"
        self.port = free_port()
        self.profile = tempfile.mkdtemp(prefix="nf-browser-")
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: self.call("GET", "/status")["ready"])
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {
                "args": [*OPTIONS, f"--user-data-dir={self.profile}"],
                "prefs": preferences or {}},
        }}})
        self.base = f"/session/{session['sessionId']}"
        self.home = self.current = self.call("GET", f"{self.base}/window")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = None if method == "GET" else json.dumps(body or {})
            connection.request(method, path, data, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise Refused(f"{value['error']}: {value['message'][:300]}")
        return value

    def end(self):
        try:
            self.call("DELETE", self.base)
        finally:
            self.process.terminate()
            self.process.wait(30)
            shutil.rmtree(self.profile, ignore_errors=True)


class Window:
    """A window of its own size."""

    def __init__(self, driver, port, size=DESK):
        self.driver, self.origin = driver, f"http://127.0.0.1:{port}"
        self.handle = self.ask("POST", "/window/new", {"type": "window"})["handle"]
        self.resize(size)
        self.requests, self.faults = [], []

    def ask(self, method, path, body=None):
        return self.driver.call(method, self.driver.base + path, body)

    def do(self, method, path, body=None):
        if self.driver.current != self.handle:
            self.ask("POST", "/window", {"handle": self.handle})
            self.driver.current = self.handle
        return self.ask(method, path, body)

    def protocol(self, command, **parameters):
        """Of DevTools, for what WebDriver has no word for."""
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, size):
        width, height = size
        self.protocol("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=size == PHONE)

    def prefer(self, **features):
        """color_scheme="dark" and the like."""
        self.protocol("Emulation.setEmulatedMedia", features=[
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()])

    def cut(self, is_cut):
        self.protocol("Network.enable")
        self.protocol("Network.emulateNetworkConditions", offline=is_cut, latency=0,
                      downloadThroughput=-1, uploadThroughput=-1)

    def block(self, *patterns):
        """Requests to these addresses alone fail."""
        self.protocol("Network.enable")
        self.protocol("Network.setBlockedURLs", urls=patterns)

    def open(self, path="/"):
        """A page anew, even where # alone is another."""
        self.do("POST", "/url", {"url": "about:blank"})
        self.do("POST", "/url", {"url": self.origin + path})
        return self

    def run(self, script, *arguments):
        return self.do("POST", "/execute/sync", {"script": script, "args": arguments})

    def run_async(self, script, *arguments):
        """What a function's body that may await returns."""
        return self.do("POST", "/execute/async", {
            "script": "const done = arguments[arguments.length - 1];"
                      "(async () => {" + script + "})().then(done, e => done(String(e)))",
            "args": arguments})

    # What is on the page. All of these wait for it.

    def find(self, xpath):
        """The element that is shown."""
        def look():
            found = self.do("POST", "/elements", {"using": "xpath", "value": xpath})
            for element in found:
                if self.do("GET", f"/element/{element[ELEMENT]}/displayed"):
                    return f"/element/{element[ELEMENT]}"
            return None

        return self.wait(look, f"there is no {xpath}")

    def button(self, name, inside=""):
        return self.find(f"{inside}//*[self::button or self::a][normalize-space()={quoted(name)}]")

    def field(self, label, inside=""):
        return self.find(f"{inside}//*[@id = //label[normalize-space()={quoted(label)}]/@for]")

    def click(self, name, inside=""):
        """What moves meanwhile is tried again."""
        def try_to():
            self.press_on(self.button(name, inside))
            return True

        eventually(try_to)

    def press_on(self, element):
        """In the middle, where nothing that stays in its place lies over it."""
        self.run("arguments[0].scrollIntoView({block: 'center'})",
                 {ELEMENT: element.rpartition("/")[2]})
        self.do("POST", element + "/click")

    def tick(self, label):
        self.press_on(self.field(label))

    def fill(self, label, text, inside=""):
        self.fill_in(self.field(label, inside), text)

    def fill_in(self, element, text):
        self.do("POST", element + "/clear")
        self.do("POST", element + "/value", {"text": text})

    def text(self):
        """All that is shown, and not what is only said."""
        return self.run("""
            return [...document.body.children]
                .filter(e => e.checkVisibility() && !e.matches('.unseen'))
                .map(e => e.innerText).join('\\n')""")

    def wait(self, look, what):
        """More patient than others: each look, and each page, keeps a browser
        busy for long."""
        try:
            return eventually(look, within=60, every=0.1)
        except AssertionError as error:
            raise AssertionError(f"{what}: {self.text()[:2000]}") from error

    def sees(self, *texts):
        def look():
            shown = self.text()
            return all(text in shown for text in texts)

        self.wait(look, f"not all of {texts} is shown")
        return self

    def misses(self, text):
        self.wait(lambda: text not in self.text(), f"{text} is shown")

    # The keyboard.

    def press(self, *keys):
        """One after another; "Shift+Tab" holds the first."""
        actions = []
        for key in keys:
            parts = [KEYS.get(part, part) for part in key.split("+")]
            actions += [{"type": "keyDown", "value": part} for part in parts]
            actions += [{"type": "keyUp", "value": part} for part in reversed(parts)]
        self.do("POST", "/actions", {
            "actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def type(self, text):
        self.press(*text)

    def focus(self):
        """What a screen reader calls the element that has the focus."""
        return self.run("""
            const e = document.activeElement;
            return e.ariaLabel || (e.labels && e.labels[0] || e).textContent.trim()""")

    def tab_to(self, name, key="Tab", most=60):
        passed = []
        for _ in range(most):
            self.press(key)
            passed.append(self.focus())
            if passed[-1] == name:
                return
        raise AssertionError(f"{key} does not come to {name}: {passed}")

    # What it told and asked for.

    def listen_to_log(self):
        for entry in self.do("POST", "/se/log", {"type": "browser"}):
            if entry["level"] in ("WARNING", "SEVERE"):
                self.faults.append(f"{entry['source']}: {entry['message']}")
        for entry in self.do("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
        return self.faults

    def elsewhere(self):
        """Requests to anybody but its server."""
        self.listen_to_log()
        return [url for url in self.requests
                if not re.match(rf"({self.origin}/|data:|about:|blob:|chrome:)", url)]

    def screenshot(self, file):
        picture = self.protocol("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(picture))

    def close(self):
        self.do("DELETE", "/window")
        self.driver.current = self.driver.home
        self.ask("POST", "/window", {"handle": self.driver.home})


def quoted(text):
    """As XPath has it, which knows no escapes."""
    return f'"{text}"' if "'" in text else f"'{text}'"
