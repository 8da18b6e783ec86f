"""The news feed as a Flask service; uWSGI runs it."""

import os

import psycopg2
import uwsgi
from flask import Flask, Response, abort, request
from psycopg2.errors import ForeignKeyViolation
from pymemcache.client.base import Client
from ujson import dumps, loads
from werkzeug.exceptions import HTTPException

# psycopg2 knows no prepared statements; these are, in every session.
STATEMENTS = """
SET TIME ZONE 'UTC';
PREPARE add_participant (text) AS
INSERT INTO participant (name) VALUES ($1) RETURNING id;

PREPARE participant (bigint) AS
SELECT name FROM participant WHERE id = $1;

PREPARE befriend (bigint, bigint) AS
INSERT INTO friendship (participant_id, friend_id)
VALUES ($1, $2), ($2, $1) ON CONFLICT DO NOTHING;

PREPARE post (bigint, text, text) AS
WITH post AS (
    INSERT INTO outbound (participant_id, subject, story)
    VALUES ($1, $2, $3) RETURNING id, occurred
), delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
    SELECT friend_id, post.id FROM post, friendship
    WHERE participant_id = $1 RETURNING participant_id
)
SELECT id, occurred, array(SELECT participant_id FROM delivery) FROM post;

PREPARE inbound (bigint) AS
SELECT o.id, o.participant_id, o.occurred, o.subject, o.story
FROM inbound i JOIN outbound o ON o.id = i.outbound_id
WHERE i.participant_id = $1 ORDER BY i.outbound_id DESC LIMIT 50;

PREPARE search (text) AS
SELECT participant_id
FROM outbound, websearch_to_tsquery('simple', $1) words
WHERE document @@ words GROUP BY participant_id
ORDER BY max(ts_rank(document, words)) DESC, participant_id DESC LIMIT 50;
"""

MAX_ID = 2**63 - 1
PARTICIPANT = f"/participant/<int(min=1, max={MAX_ID}):reader>"
LIFETIME = 3600

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 128 << 10

db = cursor = cache = None


def connect():
    global db, cursor
    db = psycopg2.connect("")
    db.autocommit = True
    cursor = db.cursor()
    cursor.execute(STATEMENTS)


# A process has its own connections, so they are made after the fork.
def start():
    global cache
    connect()
    cache = Client(os.environ["MEMCACHED_SOCKET"], timeout=1, ignore_exc=True)


uwsgi.post_fork_hook = start

# What is out of reach ends the start here, where uWSGI loads this.
psycopg2.connect("").close()
Client(os.environ["MEMCACHED_SOCKET"]).version()


def run(statement, *values):
    if db.closed:
        connect()
    places = ", ".join(["%s"] * len(values))
    cursor.execute(f"EXECUTE {statement} ({places})", values)


def query(statement, *values):
    run(statement, *values)
    return cursor.fetchall()


def encode(value):
    return dumps(value, ensure_ascii=False, escape_forward_slashes=False)


def answer(text, status=200, mimetype="application/json"):
    return Response(text, status, mimetype=mimetype)


def link(participant):
    return f"/participant/{participant}"


def key(reader):
    return f"flask:inbound:{reader}"


# The session is in UTC, and the column has milliseconds.
def stamp(occurred):
    return occurred.isoformat(timespec="milliseconds")[:23] + "Z"


def body():
    fields = loads(request.get_data(cache=False))
    if not isinstance(fields, dict):
        abort(400)
    return fields


def text(fields, name, most):
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        abort(400)
    return value


@app.post("/participant")
def add_participant():
    name = text(body(), "name", 100)
    (number,), = query("add_participant", name)
    return answer(encode({"id": number, "name": name, "link": link(number)}))


@app.get(PARTICIPANT)
def participant(reader):
    rows = query("participant", reader)
    if not rows:
        abort(404)
    return answer(encode(
        {"id": reader, "name": rows[0][0], "link": link(reader)}))


@app.post(PARTICIPANT + "/friends")
def befriend(reader):
    friend = int(str(body().get("to")).removeprefix("/participant/"))
    if not 1 <= friend <= MAX_ID or friend == reader:
        abort(400)
    run("befriend", reader, friend)
    return answer(encode(
        {"id": friend, "from": link(reader), "to": link(friend)}))


@app.post(PARTICIPANT + "/outbound")
def post(reader):
    fields = body()
    subject = text(fields, "subject", 200)
    story = text(fields, "story", 20000)
    (number, occurred, readers), = query("post", reader, subject, story)
    cache.delete_many([key(friend) for friend in readers], noreply=False)
    author = link(reader)
    return answer(encode({
        "id": number, "from": author, "occurred": stamp(occurred),
        "subject": subject, "story": story,
        "link": f"{author}/outbound/{number}"}))


@app.get(PARTICIPANT + "/inbound")
def inbound(reader):
    page = cache.get(key(reader))
    if page is None:
        rows = query("inbound", reader)
        if not rows and not query("participant", reader):
            abort(404)
        to = link(reader)
        page = encode([{
            "id": number, "from": link(author), "to": to,
            "occurred": stamp(occurred), "subject": subject, "story": story,
            "link": f"/participant/{author}/outbound/{number}"}
            for number, author, occurred, subject, story in rows]).encode()
        cache.set(key(reader), page, LIFETIME, noreply=False)
    return answer(page)


@app.get("/outbound")
def search():
    keywords = request.args.get("keywords", "")
    if not 1 <= len(keywords) <= 500:
        abort(400)
    return answer(encode(
        [link(author) for author, in query("search", keywords)]))


def problem(status, title):
    return answer(encode(
        {"type": "about:blank", "title": title, "status": status}),
        status, "application/problem+json")


@app.errorhandler(HTTPException)
def refused(fault):
    if fault.code == 405:
        return problem(404, "Not Found")
    return problem(fault.code, fault.name)


@app.errorhandler(ForeignKeyViolation)
def unknown(_):
    return problem(404, "Not Found")


# No JSON, no number, or what PostgreSQL takes in no text, such as U+0000.
@app.errorhandler(ValueError)
def malformed(_):
    return problem(400, "Bad Request")
