"""The clients of contrib/clients: what they know of the specification, and what
they do with the service."""

import contextlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import spec
from stack import ROOT
from tokens import claims, sign, write_key
from waiting import SOON, eventually

CLIENTS = ROOT / "contrib" / "clients"
SCRIPT = CLIENTS / "newsfeed.js"
sys.path.append(str(CLIENTS))
from newsfeed import Newsfeed, Problem  # noqa: E402

pytestmark = pytest.mark.xdist_group("clients")

# What a method calls a header that a request may have.
HEADERS = {"Idempotency-Key": "key", "If-Match": "if_match", "Last-Event-ID": "after"}


def snake(name):
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def camel(name):
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def operations():
    """{operationId: (method, path, parameters of the path, of headers)}"""
    found = {}
    for path, entry in spec.document["paths"].items():
        for method in sorted(set(entry) & set(spec.METHODS)):
            operation = entry[method]
            parameters = [spec.resolve(p) for p in
                          entry.get("parameters", []) + operation.get("parameters", [])]
            headers = {p["name"] for p in parameters if p["in"] == "header"}
            found[operation["operationId"]] = (
                method.upper(), path, re.findall(r"\{(\w+)\}", path), headers)
    return found


OPERATIONS = operations()


class Asked(Exception):
    """In place of an answer."""


class Unanswered(Newsfeed):
    def _open(self, method, path, body=None, headers=None, timeout=None):
        raise Asked(method, path, headers or {})


def python_method(name):
    """Its parameters, and the (method, path, headers) that it asks for with
    numbers in the path: 1, 2, ..."""
    method = getattr(Unanswered(""), name)
    parameters = inspect.signature(method).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD]
    values = [*range(1, 1 + len(needed))]
    if re.match("add.*s$", name):
        values[-1] = ["x"]
    with pytest.raises(Asked) as asked:
        next(method(*values))
    return [p.name for p in parameters], asked.value.args


def node(program):
    result = subprocess.run(["node", "--input-type=module", "-e", program],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def javascript_methods():
    """{name: (parameters, (method, path, headers))}, as of python_method."""
    return node(f"""
        const {{Newsfeed}} = await import({json.dumps(SCRIPT.as_uri())});
        let asked;
        globalThis.fetch = async (path, {{method, headers}}) => {{
          asked = [method, path, headers];
          return new Response('{{}}', {{status: 404}});
        }};
        const found = {{}};
        for (const name of Object.getOwnPropertyNames(Newsfeed.prototype)) {{
          if (name === 'constructor') continue;
          const method = Newsfeed.prototype[name];
          const words = /\\((.*?)\\) \\{{/.exec(String(method))[1].match(/\\w+/g);
          const values = [1, 2, 3, 4].slice(0, method.length);
          if (/^add.*s$/.test(name)) values[method.length - 1] = ['x'];
          const result = method.apply(new Newsfeed(''), values);
          await (result.next?.() ?? result).catch(() => {{}});
          found[name] = [words, asked];
        }}
        console.log(JSON.stringify(found));""")


def holds(operation, parameters, asked, name_of):
    """The method has the operation's parameters, and asks for what it is."""
    method, path, in_path, headers = operation
    numbers = iter(range(1, 9))
    asked_path = asked[1].partition("?")[0]
    assert (asked[0], asked_path) == (
        method, re.sub(r"\{\w+\}", lambda _: str(next(numbers)), path))
    assert parameters[:len(in_path)] == in_path
    known = {header for header, name in HEADERS.items() if name_of(name) in parameters}
    assert known == headers
    assert ("Idempotency-Key" in asked[2]) == ("Idempotency-Key" in headers)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_a_method(name, javascript_methods):
    holds(OPERATIONS[name], *python_method(snake(name)), str)
    holds(OPERATIONS[name], *javascript_methods[name], camel)


def test_no_method_is_of_no_operation(javascript_methods):
    public = [name for name in vars(Newsfeed) if not name.startswith("_")]
    assert sorted(public) == sorted(map(snake, OPERATIONS))
    assert sorted(javascript_methods) == sorted(OPERATIONS)


# With the service.


@pytest.fixture(scope="module")
def stack(make_module_stack, module_folder):
    key = write_key(module_folder, "key")
    return make_module_stack(WORKERS="2", SETTINGS=f"auth.key_file={key}")


@pytest.fixture(scope="module")
def url(stack):
    return f"http://127.0.0.1:{stack.port}"


@pytest.fixture(scope="module")
def token():
    return sign(claims(0, scope="newsfeed:admin"))


@pytest.fixture(scope="module")
def feed(url, token):
    return Newsfeed(url + "/", lambda: token)


@contextlib.contextmanager
def refused(status):
    with pytest.raises(Problem) as caught:
        yield caught
    assert caught.value.status == status


def test_the_client_in_python(feed, url):
    ann, bob, tom = [each["id"] for each in feed.add_participants(["Ann", "Bob", "Tom"])]
    assert feed.add_participant("Eve", key=f"py-{ann}") == feed.add_participant(
        "Eve", key=f"py-{ann}")
    assert feed.rename_participant(ann, "Änn")["name"] == "Änn"
    assert feed.get_participant(ann)["name"] == "Änn"
    friendship = feed.add_friend(ann, bob)
    assert [each["status"] for each in feed.add_friends(ann, [bob, tom])] == [200, 200]
    assert feed.get_friend(ann)[-1] == friendship
    feed.remove_friend(ann, tom)

    posts = [feed.add_outbound(ann, f"py{ann}", "Story")["id"] for _ in range(5)][::-1]
    page = feed.get_inbound(bob, limit=2)
    older = page.next()
    assert [[p["id"] for p in each] for each in (page, older)] == [posts[:2], posts[2:4]]
    assert older.prev() == page and page.prev() == []
    assert [post["id"] for post in page.all()] == posts
    assert feed.get_outbound(ann).next() is None

    item = feed.get_outbound_item(ann, posts[0])
    edited = feed.edit_outbound(ann, posts[0], if_match=item.etag, story="Edited")
    assert (edited["story"], edited["subject"]) == ("Edited", f"py{ann}")
    with refused(412):
        feed.edit_outbound(ann, posts[0], if_match=item.etag, story="Late")
    assert feed.set_marker(bob, posts[1])["unread"] == 1
    assert feed.get_marker(bob)["last_read"] == posts[1]
    feed.remove_outbound(ann, posts[1])
    with refused(404):
        feed.get_outbound_item(ann, posts[1])

    eventually(lambda: len(feed.search_items(f'"py{ann}"', author=ann, highlight=True)) == 4,
               within=SOON)
    assert feed.search_outbound(f"py{ann}") == [f"/participant/{ann}"]

    with refused(400) as caught:
        feed.add_outbound(ann, "", "")
    assert [e["pointer"] for e in caught.value.members["errors"]] == ["#/subject", "#/story"]
    with refused(401):
        Newsfeed(url).get_inbound(bob)
    feed.remove_participant(bob)
    with refused(404):
        next(feed.get_inbound_stream(bob))


def test_the_client_in_javascript(url, token):
    result = subprocess.run(
        ["node", ROOT / "t" / "e2e" / "clients.mjs", SCRIPT.as_uri(), url, token],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


LISTENERS = {
    "python": [sys.executable, "-c", """
import sys, json
from newsfeed import Newsfeed
url, token, reader = sys.argv[1:]
for event in Newsfeed(url, token).get_inbound_stream(reader):
    print(json.dumps(event), flush=True)
"""],
    "javascript": ["node", "--input-type=module", "-e", """
const [url, token, reader] = process.argv.slice(1);
const {Newsfeed} = await import('./newsfeed.js');
for await (const {event, id, data} of new Newsfeed(url, token).getInboundStream(reader))
  console.log(JSON.stringify([event, id, data]));
"""],
}


@pytest.mark.parametrize("language", LISTENERS)
def test_a_stream_that_is_cut_goes_on_where_it_was(stack, feed, url, token, language):
    ann, bob = [each["id"] for each in feed.add_participants(["Ann", "Bob"])]
    feed.add_friend(ann, bob)
    command = [*LISTENERS[language], url, token, str(bob)]
    with subprocess.Popen(command, cwd=CLIENTS, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}) as listener:
        try:
            heard = lambda: json.loads(listener.stdout.readline())
            assert heard()[0] == "ready"
            posts = [feed.add_outbound(ann, "Before", "Tagü\n\n\u2028")["id"]]
            name, id, data = heard()
            assert (name, id, data["story"]) == ("item", str(posts[0]), "Tagü\n\n\u2028")
            streamer, = stack.children("streamer")
            os.kill(streamer, signal.SIGKILL)
            posts += [feed.add_outbound(ann, "After", "Story")["id"] for _ in range(3)]
            assert [heard()[2]["id"] for _ in range(3)] == posts[1:]
            feed.remove_outbound(ann, posts[0])
            assert heard()[0] == "removed"
        finally:
            listener.kill()


@pytest.mark.parametrize("language, command", [
    ("python", [sys.executable, "-c"]), ("javascript", ["node", "--input-type=module", "-e"])])
def test_the_example_of_the_readme(url, token, language, command):
    example, = re.findall(rf"```{language}\n(.*?)```", (CLIENTS / "README.md").read_text(), re.S)
    example = re.sub(r"""(['"])http://127.0.0.1:8080\1""", f"'{url}', '{token}'", example)
    result = subprocess.run([*command, example], cwd=CLIENTS, capture_output=True, text=True,
                            timeout=60, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert (result.stdout.split("\n"), result.stderr) == (["Good news", "400", "ready", ""], "")


# With one that fails.


@pytest.fixture
def stumbling():
    """Takes the first request without an answer, refuses the second, and answers
    the third: (address, the keys that came)."""
    keys = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            if len(keys) == 1:
                return
            body = b'{"id": 7}'
            self.send_response(503 if len(keys) == 2 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", keys
        server.shutdown()


def in_python(url):
    return Newsfeed(url).add_participant("Ann")["id"]


def in_javascript(url):
    return node(f"""
        const {{Newsfeed}} = await import({json.dumps(SCRIPT.as_uri())});
        console.log((await new Newsfeed('{url}').addParticipant('Ann')).id);""")


@pytest.mark.parametrize("add", [in_python, in_javascript])
def test_what_was_not_answered_is_repeated_with_its_key(stumbling, add):
    url, keys = stumbling
    assert add(url) == 7
    assert len(keys) == 3 and len(set(keys)) == 1 and keys[0]
