"""The language of the search, and the index built anew while it serves."""

import signal
import subprocess
import uuid
from urllib.parse import quote

import pytest

from client import link
from load import Load
from stack import PROGRAM, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("language")

OWNER = "user=postgres options=-crole=newsfeed_owner"
POSTS = 4000  # what takes a second or two


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(WORKERS="4")


def command(stack, *arguments, account=OWNER):
    conninfo = f"host={stack.run} dbname=newsfeed {account}"
    return as_account([PROGRAM, "--set", f"db.conninfo={conninfo}", "reindex", *arguments])


def reindex(stack, *arguments, code=0, **how):
    result = subprocess.run(command(stack, *arguments, **how), capture_output=True,
                            text=True, timeout=90)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout if code == 0 else result.stderr


def begin(stack, *arguments):
    return subprocess.Popen(command(stack, *arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def in_force(stack):
    return stack.one("SELECT language FROM search_language")


def is_building(stack):
    return stack.one("SELECT to_regclass('search_rebuild') IS NOT NULL") == "t"


def progress(stack):
    return int(stack.one("SELECT progress FROM search_rebuild"))


def let_go(stack):
    """As if some seconds had passed since somebody built."""
    stack.sql("UPDATE search_rebuild SET seen = seen - interval '5 s'")


def word():
    """Of letters that no stemmer takes for an ending."""
    return "".join(chr(ord("b") + int(c, 16)) for c in uuid.uuid4().hex) + "x"


def authors(client, keywords):
    """Asked of every worker, often enough."""
    answers = [client.search(keywords) for _ in range(12)]
    assert all(answer == answers[0] for answer in answers)
    return answers[0]


TEXTS = {
    "english": ("The houses were painted", ["house", "HOUSE painting"]),
    "german": ("Die Häuser der Straße", ["Haus", "häusern", "haus straßen", "strasse"]),
    "french": ("Les écoles ont été télévisées", ["école", "télévisé"]),
    "french+unaccent": ("Les écoles ont été télévisées", ["ecole", "École", "televisees", "ete"]),
    "simple+unaccent": ("Crème brûlée, Øl", ["creme BRULEE", "crème", "ol"]),
}


def test_words_are_found_as_they_are_at_first(stack):
    client = stack.client
    author, w = client.add_participant(), word()
    client.publish(author, f"{w} houses écoles")
    eventually(lambda: client.search(f"{w} houses") == [link(author)])
    for other in ("house", "ecoles", "école"):
        assert authors(client, f"{w} {other}") == []
    assert in_force(stack) == "simple"


@pytest.mark.parametrize("language", TEXTS)
def test_words_are_found_by_their_forms(stack, language):
    client = stack.client
    text, keywords = TEXTS[language]
    old, new = client.add_participants(2)
    w = word()
    client.publish(old, w, text)
    eventually(lambda: client.search(w) == [link(old)])

    assert f"the search is in {language}\n" in reindex(stack, "--language", language)

    for each in keywords:
        assert authors(client, f"{w} {each}") == [link(old)], each
        assert authors(client, f"{w} -{each.split()[0]}") == [], each
    for each in text.split():
        assert authors(client, f"{w} {each}") == [link(old)], "as it is, too"
    client.publish(new, w, text)
    for each in keywords:
        eventually(lambda: len(client.search(f"{w} {each}")) == 2)
    assert in_force(stack) == language
    eventually(lambda: f"the search is in {language}" in stack.log())


def test_what_is_found_is_highlighted(stack):
    client = stack.client
    author, w = client.add_participant(), word()
    client.publish(author, w, "Crème brûlées")
    eventually(lambda: client.search(w) == [link(author)])
    reindex(stack, "--language", "french+unaccent")
    found = client.ok("GET", f"/outbound/items?keywords={quote(w + ' creme brulee')}"
                             "&highlight=true")
    assert found[0]["highlights"] == {"subject": [[0, len(w)]], "story": [[0, 5], [6, 13]]}


def test_without_a_language_it_stays_and_all_is_new(stack):
    reindex(stack, "--language", "german")
    before = stack.one("SELECT 'search'::regclass::oid")
    reindex(stack)
    assert in_force(stack) == "german"
    assert stack.one("SELECT 'search'::regclass::oid") != before
    assert stack.one("SELECT pg_get_userbyid(relowner) FROM pg_class"
                     " WHERE relname = 'search'") == "newsfeed_owner"


@pytest.mark.parametrize("arguments, code, message", [
    (["--language", "klingon"], 64, "must be one of simple "),
    (["--language", "german+"], 64, "must be one of simple "),
    (["--language", "german", "--cancel"], 64, "do not go together"),
    (["--follow"], 64, "for events alone")])
def test_what_is_wrong_is_said(stack, arguments, code, message):
    assert message in reindex(stack, *arguments, code=code)


def test_who_does_not_own_the_tables_is_told(stack):
    said = reindex(stack, "--language", "german", code=69, account="user=newsfeed")
    assert "does not own the tables" in said and "newsfeed_owner" in said
    assert not is_building(stack)


def test_without_a_database_it_says_so(stack):
    result = subprocess.run(
        as_account([PROGRAM, "--set", "db.conninfo=host=/nowhere", "reindex"]),
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 69 and "database" in result.stderr


def test_only_one_builds_and_what_was_begun_can_be_given_up(stack):
    reindex(stack, "--language", "simple")
    with stack.holding("SELECT count(*) FROM search"):  # so that it cannot end
        first = begin(stack, "--language", "german")
        eventually(lambda: is_building(stack) and progress(stack) > 0)
        assert "another one is at it" in reindex(stack, code=75)
        assert "another one is at it" in reindex(stack, "--cancel", code=75)
        assert first.poll() is None
        eventually(lambda: "waiting" in first.stdout.readline())
        first.kill()
        first.wait(60)
    assert is_building(stack) and in_force(stack) == "simple"
    let_go(stack)
    reindex(stack, "--cancel")
    assert not is_building(stack) and in_force(stack) == "simple"
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'search'::regclass"
    assert stack.one(triggers) == "0"
    assert reindex(stack, "--cancel") == "the search is in simple\n"


def fill(stack, author, w):
    """Posts with a word of their own each, at once."""
    stack.sql(f"INSERT INTO outbound (participant_id, subject, story)"
              f" SELECT {author}, '{w}n' || n, 'the {w} houses ' || repeat('and more ', 50)"
              f" FROM generate_series(1, {POSTS}) n")
    eventually(stack.has_caught_up)


def test_nothing_is_lost_while_it_is_built_and_killed(make_stack):
    stack = make_stack(WORKERS="4")
    client = stack.client
    author, writer, w = client.add_participant(), client.add_participant(), word()
    fill(stack, author, w)
    # What the service does meanwhile: post, edit, remove, and find all of it.
    kept, edited, removed, missed = [], [], [], []

    def write(number):
        made = [client.publish(writer, f"{w}w{number}a{part}", "wrote horses") for part in range(3)]
        kept.append((made[0], number))
        item = f"{link(writer)}/outbound/{made[1]}"
        client.ok("PATCH", item, {"subject": f"{w}e{number}", "story": "edited mice"})
        edited.append((made[1], number))
        assert client.delete(f"{link(writer)}/outbound/{made[2]}").status == 204
        removed.append((made[2], number))

    def search(number):
        keywords = [f"{w} {w}n{number * 7919 % POSTS + 1}", f"{w} houses"][number % 2]
        if client.search(keywords) != [link(author)]:
            missed.append(keywords)

    with Load(write, threads=2), Load(search, threads=2) as searches:
        eventually(searches.more(20))
        for _ in range(2):
            process = begin(stack, "--language", "english")
            eventually(lambda: is_building(stack))
            before = progress(stack)
            eventually(lambda: progress(stack) > before, every=0.001)
            process.send_signal(signal.SIGKILL)
            process.wait(60)
            assert in_force(stack) == "simple" and is_building(stack)
            let_go(stack)
        at = progress(stack)
        assert 0 < at < int(stack.one("SELECT max(outbound_id) FROM search"))
        reindex(stack)  # what was begun
        eventually(searches.more(50))
    assert missed == []
    assert in_force(stack) == "english" and not is_building(stack)

    eventually(stack.has_caught_up)
    assert stack.one("SELECT count(*) FROM search FULL JOIN outbound ON id = outbound_id"
                     " WHERE (id IS NULL OR outbound_id IS NULL) AND outbound_id <> 0") == "0"
    assert stack.one("SELECT count(*) FROM search JOIN outbound ON id = outbound_id WHERE NOT"
                     " document @@ to_tsquery('english', CASE WHEN outbound.participant_id ="
                     f" {author} THEN 'house' WHEN edited IS NULL THEN 'horse'"
                     " ELSE 'edit & !horse' END)") == "0"
    for _, number in kept[::10]:
        assert client.search(f"{w}w{number}a0 horse") == [link(writer)]
    for _, number in edited[::10]:
        assert client.search(f"{w}e{number} editing") == [link(writer)]
        assert client.search(f"{w}w{number}a1") == []
    for _, number in removed[::10]:
        assert client.search(f"{w}w{number}a2") == []


def test_the_disk_is_free_again(stack):
    """Nothing is left of the index before."""
    reindex(stack, "--language", "german")
    names = "SELECT relname FROM pg_class WHERE relname LIKE 'search%' AND relkind = 'r'"
    assert sorted(row[0] for row in stack.sql(names)) == ["search", "search_language"]

