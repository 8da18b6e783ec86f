"""The search index in a database of its own, which may be behind, away, or wrong:
nothing is found that is not there, and nothing else suffers."""

import contextlib
import os
import signal
from pathlib import Path
from urllib.parse import quote

import pytest

from client import ids, link
from conftest import make_folder
from load import Load
from monitor import Monitor
from search_database import SearchDatabase
from stack import NO_PATIENCE, PATIENCE
from waiting import SOON, eventually

pytestmark = pytest.mark.xdist_group("search_apart")

words = (f"w{number}w" for number in range(10**9))


@pytest.fixture(scope="module")
def index(request):
    database = SearchDatabase(make_folder(request.config.base))
    try:
        yield database.start()
    finally:
        database.destroy()


class Service:
    """Begins with the index in its database, and moves to another and back."""

    def __init__(self, make, folder, index):
        self.file = folder / "newsfeed.conf"
        self.configure()
        self.file.chmod(0o644)
        self.stack = make(CONFIG=str(self.file), WORKERS="4", patience=NO_PATIENCE)
        self.index = index
        self.said, self.missed, self.made, self.last = [], [], [], None
        self.word = next(words)
        self.author = self.stack.client.add_participant()

    def configure(self, index=None, **settings):
        settings = {**dict(word.split("=") for word in PATIENCE.split()),
                    "search.conninfo": index.conninfo() if index else "", **settings}
        self.file.write_text("".join("[{}]\n{} = {}\n".format(*name.split("."), value)
                                     for name, value in settings.items()))

    def reload(self, index=None, **settings):
        before = self.stack.children("worker")
        self.configure(index, **settings)
        self.stack.kill("newsfeed", signal.SIGHUP)
        eventually(lambda: not set(before) & set(self.stack.children("worker")))

    def reindex(self, *arguments, **settings):
        self.said.append(self.index.reindex(self.stack, *arguments, **settings))

    def fill(self):
        self.stack.sql("INSERT INTO outbound (participant_id, subject, story) SELECT"
                       f" {self.author}, '{self.word}', '{self.word}n' || n"
                       " FROM generate_series(1, 1000) n")
        eventually(self.stack.has_caught_up)

    def search(self, number):
        if self.stack.client.search(f"{self.word}n{number % 1000 + 1}") != [link(self.author)]:
            self.missed.append(number)

    def write(self, number):
        self.made.append(self.stack.client.publish(self.author, f"{self.word}m{number}"))
        self.last = f"{self.word}m{number}"

    def loaded(self):
        return Load(self.search, threads=2), Load(self.write, threads=1)

    def finds_the_last(self):
        last = self.last
        eventually(lambda: self.stack.client.search(last) == [link(self.author)])


@pytest.fixture(scope="module")
def service(make_module_stack, module_folder, index):
    service = Service(make_module_stack, module_folder, index)
    service.fill()
    searches, writes = service.loaded()
    with searches, writes:
        eventually(writes.more(5))
        service.reindex()
        service.reload(index)
        service.reindex("--empty")
        eventually(writes.more(5))
        service.finds_the_last()
    return service


@pytest.fixture
def stack(service):
    return service.stack


def items(client, keywords, **parameters):
    extra = "".join(f"&{name}={quote(str(value))}" for name, value in parameters.items())
    return ids(client.ok("GET", f"/outbound/items?keywords={quote(keywords)}{extra}"))


def pages(client, path, read):
    """All pages of a list, by their links."""
    found = []
    while path:
        page = client.get(path)
        assert page.status == 200
        found.append(read(page.json))
        path = page.links.get("next")
    return found


def behind(index):
    """As if others were at it, who do not come further."""
    return index.holding("SELECT FROM follower WHERE name = 'index' FOR UPDATE")


def has_come(stack, index):
    """The index has all that there is."""
    return (index.one("SELECT done FROM follower")
            >= stack.one("SELECT greatest((SELECT max(id) FROM outbound),"
                         " (SELECT max(id) FROM event))"))


def entries(index):
    return index.one("SELECT count(*) FROM search WHERE outbound_id > 0")


def in_force(stack):
    return stack.one("SELECT language FROM search_language")


def state(index):
    return index.one("SELECT state FROM follower")


def test_moving_there_while_it_serves(service, index):
    filled, emptied = service.said
    assert "the index is filled" in filled and "the index of the database is empty" in emptied
    assert service.missed == []
    assert service.stack.one("SELECT count(*) FROM search") == "0"
    assert service.stack.one("SELECT count(*) FROM follower WHERE name = 'index'") == "0"
    eventually(lambda: has_come(service.stack, index))
    assert entries(index) == service.stack.one("SELECT count(*) FROM outbound")
    assert state(index) == "w"


def test_posts_are_found_there_and_not_in_the_other(stack, index):
    client, w = stack.client, next(words)
    author = client.add_participant()
    post = client.publish(author, w, "Crème brûlée")
    eventually(lambda: client.search(w) == [link(author)], within=SOON)
    found = client.ok("GET", f"/outbound/items?keywords={w}%20br%C3%BBl%C3%A9e&highlight=true")
    assert found[0]["highlights"] == {"subject": [[0, len(w)]], "story": [[6, 12]]}
    assert index.one(f"SELECT count(*) FROM search WHERE outbound_id = {post}") == "1"
    assert stack.one("SELECT count(*) FROM search") == "0"
    assert client.get("/outbound?keywords=-a").status == 400


def test_what_is_gone_or_changed_is_not_found_however_far_behind_it_is(stack, index):
    client, w = stack.client, next(words)
    kept, cut, gone, edited = client.add_participants(4)
    posts = {a: [client.publish(a, w, f"{w} {n}") for n in range(3)]
             for a in (kept, cut, gone, edited)}
    eventually(lambda: len(items(client, w)) == 12)

    with behind(index):
        client.delete(f"{link(cut)}/outbound/{posts[cut][2]}")
        client.delete(link(gone))
        for post in posts[edited]:
            client.ok("PATCH", f"{link(edited)}/outbound/{post}", {"subject": "other", "story": "x"})
        late = client.publish(kept, w)
        left = sorted(posts[kept] + posts[cut][:2], reverse=True)
        assert items(client, w) == left
        assert set(client.search(w)) == {link(kept), link(cut)}
        assert items(client, w, author=gone) == items(client, w, author=edited) == []
        # The pages are full, whatever lies between.
        path = f"/outbound/items?keywords={w}&limit="
        assert pages(client, path + "2", ids) == [left[:2], left[2:4], left[4:]]
        assert ids(client.get(f"{path}2&after={left[3]}").json) == left[1:3]
        assert "next" in client.get(f"{path}2&after={left[-1]}").links
        assert "next" not in client.get(f"{path}2&after={left[-1] - 1}").links
        authors = [page[0] for page in pages(
            client, f"/outbound?keywords={w}&limit=1", lambda json: json) if page]
        assert sorted(authors) == sorted([link(kept), link(cut)])
        lag = Monitor(stack).metrics()
        assert eventually(lambda: Monitor(stack).metrics().sum(
            "newsfeed_follower_posts", follower="index") == 1), lag.text

    eventually(lambda: late in items(client, w), within=SOON)
    assert client.search("other x") == [link(edited)]
    eventually(lambda: has_come(stack, index))
    assert index.one("SELECT count(*) FROM search WHERE participant_id ="
                     f" {gone} OR outbound_id = {posts[cut][2]}") == "0"


def test_authors_stand_where_what_is_left_puts_them_on_every_page(stack, index):
    client, w = stack.client, next(words)
    one, other, gone = client.add_participants(3)
    client.publish(one, f"{w} and very much else")
    client.publish(other, f"{w} {w}", "and else")
    best = [client.publish(one, f"{w} {w} {w}", f"{w} {w}") for _ in range(12)]
    client.publish(gone, f"{w} {w}")
    path = f"/outbound?keywords={w}&limit="
    eventually(lambda: len(items(client, w)) == 15)
    assert client.search(w)[0] == link(one)

    with behind(index):
        client.delete(link(gone))
        for post in best:
            client.delete(f"{link(one)}/outbound/{post}")
        both = [link(other), link(one)]
        assert client.search(w) == both
        assert pages(client, path + "1", list) == [[author] for author in both]
    eventually(lambda: has_come(stack, index))
    assert client.search(w) == both


def test_the_way_back_meets_what_was_edited_meanwhile(stack, index):
    client, w = stack.client, next(words)
    author = client.add_participant()
    posts = [client.publish(author, w, str(number)) for number in range(4)]
    eventually(lambda: len(items(client, w)) == 4)
    with behind(index):
        client.ok("PATCH", f"{link(author)}/outbound/{posts[2]}", {"story": "edited"})
        page = client.get(f"/outbound/items?keywords={w}&limit=2")
        assert ids(page.json) == [posts[3], posts[1]]
    eventually(lambda: has_come(stack, index))
    assert posts[2] in ids(client.get(page.links["prev"]).json)


def test_pages_are_full_though_much_is_gone(stack, index):
    client, w = stack.client, next(words)
    author, reader = client.friends_of_new()
    stranger = client.add_participant()
    first = client.publish(author, w)
    stack.sql("INSERT INTO outbound (participant_id, subject, story)"
              f" SELECT {stranger}, '{w}', 'n' FROM generate_series(1, 400)")
    eventually(lambda: len(items(client, w, limit=200, after=first)) == 200)
    assert items(client, w, friends_of=reader) == [first], "behind many others"
    with behind(index):
        stack.sql(f"DELETE FROM outbound WHERE participant_id = {stranger}")
        assert items(client, w) == [first]
        assert "next" not in client.get(f"/outbound/items?keywords={w}").links
    eventually(lambda: has_come(stack, index))


def test_nothing_is_lost_or_twice_when_who_fills_it_is_killed(stack, index):
    client = stack.client
    author, w = client.add_participant(), next(words)
    made = []

    def write(number):
        post = client.publish(author, f"{w} {w}n{number}")
        made.append(post)
        if number % 3 == 0:
            client.delete(f"{link(author)}/outbound/{post}")
        elif number % 3 == 1:
            client.ok("PATCH", f"{link(author)}/outbound/{post}", {"story": f"{w}e{number}"})

    with Load(write, threads=2) as load:
        for _ in range(6):
            eventually(load.more(8))
            for pid in stack.children("indexer"):
                os.kill(pid, signal.SIGKILL)
    eventually(lambda: has_come(stack, index))
    assert len(items(client, w, limit=200, author=author)) == min(
        200, int(stack.one(f"SELECT count(*) FROM outbound WHERE participant_id = {author}")))
    assert entries(index) == stack.one("SELECT count(*) FROM outbound")
    for number in range(1, len(made) - 2, 3):
        assert len(items(client, f"{w}e{number}")) == 1


def test_without_its_database_nothing_but_the_search_suffers(stack, index):
    client, w = stack.client, next(words)
    author, reader = client.friends_of_new()
    monitor = Monitor(stack)
    eventually(lambda: monitor.get("/readyz")[0] == 200)
    index.down("postgres", "KILL")
    try:
        answer = eventually(lambda: (a := client.get(f"/outbound?keywords={w}")).status == 503 and a)
        assert answer.json["detail"] == "the search is out of reach, all else goes on; try again"
        assert answer.headers["retry-after"] == "1"
        assert client.get(f"/outbound/items?keywords={w}").status == 503
        post = client.publish(author, w)
        assert client.inbound_ids(reader) == [post]
        eventually(lambda: any("search database: " in line for line in monitor.lines("warning")))
        assert monitor.get("/readyz")[0] == 200
        now = monitor.metrics()
        assert now.sum("newsfeed_search_up") == 0 and now.sum("newsfeed_database_up") == 1
        assert now.sum("newsfeed_requests_refused_total", cause="no_search") >= 2
        eventually(lambda: monitor.metrics().sum("newsfeed_follower_posts", follower="index") > 0)
    finally:
        index.up("postgres")
    eventually(lambda: client.search(w) == [link(author)])
    eventually(lambda: monitor.metrics().sum("newsfeed_search_up") == 1)
    assert "answers again" in stack.log()


@contextlib.contextmanager
def slow(index, seconds):
    """Each statement of a search takes so long at least."""
    index.sql("ALTER TABLE search_language RENAME TO search_kept;"
              "CREATE VIEW search_language AS SELECT language"
              f" FROM search_kept, pg_sleep({seconds});"
              "GRANT SELECT ON search_language TO newsfeed")
    try:
        yield
    finally:
        index.sql("DROP VIEW search_language;"
                  "ALTER TABLE search_kept RENAME TO search_language")


@contextlib.contextmanager
def hanging(index):
    """All of its server stands still."""
    server = index.pid("postgres")
    children = Path(f"/proc/{server}/task/{server}/children").read_text()
    stopped = [server, *map(int, children.split())]

    def tell_all(by):
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, by)

    tell_all(signal.SIGSTOP)
    try:
        yield
    finally:
        tell_all(signal.SIGCONT)


def test_a_search_takes_no_longer_than_two_statements_may(service, index):
    stack, client, w = service.stack, service.stack.client, next(words)
    author = client.add_participant()
    stack.sql("INSERT INTO outbound (participant_id, subject, story)"
              f" SELECT {author}, '{w}', 'n' FROM generate_series(1, 60)")
    eventually(lambda: len(items(client, w, limit=100)) == 60)
    posts = items(client, w, limit=100)
    page = f"/outbound/items?keywords={w}&limit=1&after={posts[30]}"
    service.reload(index, **{"db.statement_timeout": 1000})
    try:
        with behind(index):
            gone = ",".join(map(str, posts[1:-1]))
            stack.sql(f"DELETE FROM outbound WHERE id IN ({gone})")
            assert ids(client.ok("GET", page)) == [posts[0]]
            with slow(index, 0.7):
                assert client.get(page).status == 503
        with hanging(index):
            assert client.get(page).status == 503
            client.publish(author, w)
    finally:
        service.reload(index)
    eventually(lambda: has_come(stack, index))
    eventually(lambda: len(items(client, w)) == 3)


def test_it_is_built_anew_in_another_language_while_it_serves(stack, index):
    client, w = stack.client, next(words)
    author = client.add_participant()
    client.publish(author, w, "The houses were painted")
    eventually(lambda: client.search(w) == [link(author)])
    missed = []

    def search(number):
        if client.search(f"{w} houses") != [link(author)]:
            missed.append(number)

    with Load(search, threads=2):
        said = index.reindex(stack, "--language", "english")
        assert "the search is in english\n" in said
        late = client.publish(author, w, "Two more houses")
        eventually(lambda: late in items(client, f"{w} house"))
    assert missed == [] and len(items(client, f"{w} house painting")) == 1
    assert state(index) == "w"
    post = client.publish(author, w, "mice")
    eventually(lambda: client.ok("GET", f"/outbound/items?keywords={w}%20mice") != [])
    client.ok("PATCH", f"{link(author)}/outbound/{post}", {"story": "a painter"})
    eventually(lambda: items(client, f"{w} painters") == [post])


def break_sessions(stack):
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'newsfeed'")


def test_what_it_may_lack_is_told_and_mended(stack, index):
    client, w = stack.client, next(words)
    one, other = client.add_participants(2)
    posts = [client.publish(a, w, "restored") for a in (one, other)]
    eventually(lambda: len(items(client, w)) == 2)
    eventually(lambda: state(index) == "w")

    # As if it had come back from a backup: nobody was told what is different.
    stack.sql("ALTER TABLE outbound DISABLE TRIGGER USER;"
              f"UPDATE outbound SET story = 'before', edited = now() WHERE id = {posts[0]};"
              f"DELETE FROM outbound WHERE id = {posts[1]};"
              "ALTER TABLE outbound ENABLE TRIGGER USER;"
              "UPDATE incarnation SET id = gen_random_uuid()")
    break_sessions(stack)
    eventually(lambda: state(index) == "m")
    assert "the database is another one, was restored, or failed over" in stack.log()
    monitor = Monitor(stack)
    eventually(lambda: any("may lack" in line for line in monitor.lines("warning")))
    assert monitor.metrics().sum("newsfeed_search_whole") == 0
    assert items(client, w) == [] and client.search(w) == []

    index.sql("UPDATE follower SET state = 'r'")  # as if what mends it had died
    index.reindex(stack, "--cancel")
    assert state(index) == "m"
    index.reindex(stack)
    assert state(index) == "w"
    assert items(client, f"{w} before") == [posts[0]]
    assert items(client, w) == [posts[0]]
    assert entries(index) == stack.one("SELECT count(*) FROM outbound")
    eventually(lambda: monitor.metrics().sum("newsfeed_search_whole") == 1)


def test_a_failover_may_have_lost_what_is_in_it(stack, index):
    client, w = stack.client, next(words)
    author, other = client.add_participants(2)
    post = client.publish(author, w)
    eventually(lambda: items(client, w) == [post] and state(index) == "w")

    # As if a standby had been promoted that lacked the post, and the id was
    # given again: the incarnation is the same.
    stack.sql("ALTER TABLE outbound DISABLE TRIGGER USER;"
              f"UPDATE outbound SET participant_id = {other}, subject = '{w}new'"
              f" WHERE id = {post}; ALTER TABLE outbound ENABLE TRIGGER USER;"
              "DELETE FROM life")
    for pid in stack.children("indexer"):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: state(index) == "m")
    assert items(client, w, author=author) == client.search(w) == []
    index.reindex(stack)
    assert client.search(f"{w}new") == [link(other)] and state(index) == "w"


def test_events_that_were_not_kept_are_missed(stack, index):
    eventually(lambda: has_come(stack, index))
    with behind(index):
        last = stack.client.add_participant()
        stack.sql("UPDATE event_floor SET id = (SELECT max(id) FROM event)")
        eventually(lambda: "events were kept no longer" in stack.log())
    eventually(lambda: state(index) == "m")
    assert index.reindex(stack) and state(index) == "w"
    stack.client.delete(link(last))


def test_events_that_were_forgotten_under_its_eyes_are_missed(stack, index):
    author = stack.client.add_participant()
    eventually(lambda: has_come(stack, index) and state(index) == "w")
    stack.sql("WITH new AS (INSERT INTO outbound (participant_id, subject, story)"
              f" VALUES ({author}, 'a', 'a') RETURNING id)"
              " UPDATE event_floor SET id = (SELECT id FROM new)")
    eventually(lambda: state(index) == "m")
    assert index.reindex(stack) and state(index) == "w"


def test_a_new_one_that_lacks_something_is_not_called_filled(stack, index):
    eventually(lambda: has_come(stack, index) and state(index) == "w")
    stack.sql("DELETE FROM life")
    index.sql("UPDATE follower SET state = 'n'")
    said = index.reindex(stack)
    assert "is filled" not in said and state(index) == "w"


def test_a_post_that_the_index_does_not_take_holds_up_no_other(stack, index):
    client, w = stack.client, next(words)
    author = client.add_participant()

    # It takes none at all for a while: that is the fault of no post.
    failed = stack.log().count("index_apply: ")
    index.sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
              " $$ BEGIN RAISE 'not this one'; END $$;"
              "CREATE TRIGGER fail BEFORE UPDATE ON follower FOR EACH STATEMENT"
              " EXECUTE FUNCTION fail()")
    try:
        first = client.publish(author, f"{w}first")
        eventually(lambda: stack.log().count("index_apply: ") > failed + 12)
    finally:
        index.sql("DROP TRIGGER fail ON follower")
    eventually(lambda: items(client, f"{w}first") == [first])
    assert "is left out" not in stack.log()

    index.sql("CREATE TRIGGER fail BEFORE INSERT ON search FOR EACH ROW WHEN"
              f" (NEW.document @@ '{w}bad'::tsquery) EXECUTE FUNCTION fail()")
    try:
        with behind(index):
            posts = [client.publish(author, f"{w} {w}{kind}") for kind in ("one", "bad", "two")]
        eventually(lambda: items(client, w) == [posts[2], posts[0]])
        assert f"what has happened at {posts[1]} is left out" in stack.log()
        new = client.publish(author, w)
        eventually(lambda: new in items(client, w))
    finally:
        index.sql("DROP TRIGGER fail ON search; DROP FUNCTION fail")
    client.ok("PATCH", f"{link(author)}/outbound/{posts[1]}", {"story": "good"})
    eventually(lambda: posts[1] in items(client, w))


def test_what_is_not_its_database_is_refused(stack, index):
    wrong = f"postgresql:///newsfeed?host={stack.run}&user=newsfeed_owner"
    said = index.reindex(stack, code=69, **{"search.conninfo": wrong})
    assert "sql/migrate --search" in said
    said = index.reindex(stack, code=69, **{"search.conninfo": index.conninfo()})
    assert "does not own the tables" in said and "search.conninfo" in said
    said = index.reindex(stack, "--empty", code=69, **{"search.conninfo": ""})
    assert "the one that is in use" in said


def test_moving_back_while_it_serves(service, index):
    stack, client = service.stack, service.stack.client
    edited = service.made[0]
    searches, writes = service.loaded()
    with searches, writes:
        path = f"{link(service.author)}/outbound/{edited}"
        client.ok("PATCH", path, {"subject": f"{service.word}edited"})
        service.reindex("--language", in_force(index), **{"search.conninfo": ""})
        assert "the index is filled" in service.said[-1]
        service.reload()
        eventually(writes.more(5))
        service.finds_the_last()
    assert service.missed == []
    eventually(stack.has_caught_up)
    assert entries(stack) == stack.one("SELECT count(*) FROM outbound")
    assert items(client, f"{service.word}edited") == [edited]
    assert in_force(stack) == in_force(index)
