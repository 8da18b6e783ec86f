"""contrib/move-in: what the reference service's databases write comes in once,
whatever it is ended by, and is there for readers."""

import datetime
import shutil
import signal
import subprocess
import uuid
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest

from stack import ROOT, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("move_in")

PROGRAM = ROOT / "contrib" / "move-in"
START = datetime.datetime(2016, 2, 1, 10, 53, tzinfo=datetime.timezone.utc)
TRAPS = ['a "quoted" word', "a line\nand another\r\nmore", "C:\\new\\table", "tab\there",
         "it's", "a, b", "\\N", "\\.", "grüße 🎉", "ends in \\", '\\"', "''", "\\\\n", ";),("]


def load_program():
    loader = SourceFileLoader("move_in", str(PROGRAM))
    module = module_from_spec(spec_from_loader("move_in", loader))
    loader.exec_module(module)
    return module


def timeuuid(moment):
    ticks = int((moment - datetime.datetime(1582, 10, 15, tzinfo=datetime.timezone.utc))
                / datetime.timedelta(microseconds=1)) * 10
    fields = ticks & 0xffffffff, ticks >> 32 & 0xffff, ticks >> 48, 0, 0, 0x1234
    return str(uuid.UUID(fields=fields, version=1))


# --- files as databases write them --------------------------------------------

def mysql(rows):
    def field(value):
        if value is None:
            return "\\N"
        text = str(value).replace("\\", "\\\\").replace("\0", "\\0")
        return text.replace("\t", "\\\t").replace("\n", "\\\n")
    return "".join("\t".join(map(field, row)) + "\n" for row in rows)


def mysqldump(rows, table="Friends"):
    def field(value):
        if value is None or isinstance(value, int):
            return "NULL" if value is None else str(value)
        for char, name in zip("\\'\"\n\r\0", "\\'\"nr0"):
            value = value.replace(char, "\\" + name)
        return f"'{value}'"
    values = ",".join(f"({','.join(map(field, row))})" for row in rows)
    return ("-- a dump\nINSERT INTO `Other` VALUES (1,'x');\n"
            f"/*!40000 ALTER TABLE `{table}` */;\nINSERT INTO `{table}` VALUES {values};\n")


def cqlsh(rows, header, twice=False):
    """csv.writer's, of what cqlsh makes of a text: repr's escapes, in place of
    NULL nothing, and the columns in its own order."""
    order = [0, 1, 3, 2] if len(header) == 4 else range(len(header))

    def field(value):
        text = "" if value is None else str(value).replace("\\", "\\\\")
        for char, name in zip("\n\r\t\x1b", ("\\n", "\\r", "\\t", "\\x1b")):
            text = text.replace(char, name)
        if twice:
            text = text.replace("\\", "\\\\")
        return f'"{text}"'.replace('"', '\\"')[1:-2] + '"' if set('",') & set(text) else text
    return "".join(",".join(field(row[i]) for i in order) + "\r\n" for row in [header, *rows])


POST_COLUMNS = ["participantid", "occurred", "subject", "story"]


def quoted(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def copied(stack, rows, options):
    """PostgreSQL's own."""
    values = ", ".join(f"({', '.join(map(quoted, row))})" for row in rows)
    result = subprocess.run(
        stack.psql(), input=f"COPY (VALUES {values}) TO STDOUT {options};".encode(),
        capture_output=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode()


# --- the data -----------------------------------------------------------------

PEOPLE = range(1, 41)
NAMES = {n: TRAPS[n - 1].replace("\r", "") if n <= len(TRAPS) else f"Person {n}" for n in PEOPLE}
PARTICIPANTS = [(n, NAMES[n]) for n in PEOPLE if n not in (20, 21)] + [(20, None), (21, "  ")]
PAIRS = sorted({(n, m) for n in PEOPLE for m in (n + 1, n * 2, n + 7) if n < m <= 40})
FRIENDS = [(100 + i, *(pair if i % 2 else pair[::-1])) for i, pair in enumerate(PAIRS)]
BAD_FRIENDS = [(901, *PAIRS[0]), (902, *PAIRS[0][::-1]), (903, 5, 5), (904, 5, 999)]


def made_posts():
    posts = []
    for i in range(600):
        moment = START + datetime.timedelta(seconds=i, microseconds=i)
        text = TRAPS[i % len(TRAPS)]
        occurred = timeuuid(moment) if i % 3 else moment.isoformat(" ", "microseconds")
        posts.append((i % 40 + 1, occurred, f"{i}: {text}", f"{text} of {i}", moment))
    return posts


POSTS = made_posts()
BAD_POSTS = [(7, timeuuid(START), " ", None), (999, timeuuid(START), "nobody's", "story"),
             POSTS[3][:4]]
ODD_POSTS = [(39, "2015-01-01 00:00:00.5", "no zone", "x" * 30000),
             (39, "2015-01-01 01:00:00+0300", "é" * 300, "before it, by its zone"),
             (39, "1420070402000", None, "first line\nsecond"),
             (39, "2015-01-01T00:00:03Z", "no story", "")]
ALL_POSTS = [post[:4] for post in reversed(POSTS)] + BAD_POSTS + ODD_POSTS


class Mover:
    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder
        shutil.copy(PROGRAM, folder)  # which the account can read

    def write(self, **files):
        for name, text in files.items():
            (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def command(self, *arguments):
        conninfo = f"host={self.stack.run} dbname=newsfeed user=newsfeed_owner"
        named = [a.replace("@", f"{self.folder}/") for a in arguments]
        return as_account([str(self.folder / PROGRAM.name), "-d", conninfo, "--report",
                           f"{self.folder}/report", *named])

    def run(self, *arguments, expect=0):
        result = subprocess.run(self.command(*arguments), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=60)
        assert result.returncode == expect, result.stdout
        return result.stdout

    def run_until_it_waits(self, *arguments):
        """Killed while its next piece waits for somebody's lock."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        query = ("SELECT pid FROM pg_stat_activity WHERE application_name = 'move-in'"
                 " AND wait_event_type = 'Lock'")
        eventually(lambda: process.poll() is not None or self.stack.sql(query))
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.communicate()


@pytest.fixture(scope="module")
def mover(make_module_stack, module_folder):
    return Mover(make_module_stack(WORKERS="2"), module_folder)


FIRST = "participants:mysql:@people", "friends:mysqldump:@friends", "posts:cqlsh:@posts"


@pytest.fixture(scope="module")
def moved(mover):
    """All of it, killed twice, while the service runs."""
    mover.write(people=mysql(PARTICIPANTS), friends=mysqldump(FRIENDS + BAD_FRIENDS),
                posts=cqlsh(ALL_POSTS, POST_COLUMNS))
    assert mover.stack.one("SELECT count(*) FROM participant") == "0"
    with mover.stack.holding("LOCK TABLE outbound IN SHARE ROW EXCLUSIVE MODE"):
        mover.run_until_it_waits(*FIRST)
    for reader in PEOPLE:  # its page is cached, and empty
        assert mover.stack.client.inbound(reader) == []
    with mover.stack.holding_row(40):
        mover.run_until_it_waits(*FIRST)
    mover.output = mover.run(*FIRST)
    return mover


def feeds(stack, reader):
    found, path = [], f"/participant/{reader}/inbound?limit=200"
    while path:
        answer = stack.client.get(path)
        found += answer.json
        path = answer.links.get("next")
    return found


def expected_feed(reader):
    friends = {a + b - reader for a, b in PAIRS if reader in (a, b)}
    return [(a, s, t) for a, _, s, t, _ in reversed(POSTS) if a in friends]


def shown(items):
    return [(int(item["from"].split("/")[2]), item["subject"], item["story"]) for item in items]


def test_feeds_hold_what_friends_posted_in_order_of_time(moved):
    for reader in (1, 2, 17, 30):
        assert eventually(lambda: shown(feeds(moved.stack, reader))[:len(expected_feed(reader))]
                          == expected_feed(reader))


def test_nothing_is_there_twice_and_nothing_is_missing(moved):
    assert moved.stack.sql(
        "SELECT (SELECT count(*) FROM participant), (SELECT count(*) FROM outbound),"
        " (SELECT count(*) FROM friendship), (SELECT count(*) FROM inbound)"
    ) == [[str(n) for n in (len(PARTICIPANTS), len(POSTS) + len(ODD_POSTS), 2 * len(PAIRS), sum(
        len([p for p in POSTS if p[0] == author]) + len(ODD_POSTS) * (author == 39)
        for pair in PAIRS for author in pair))]]


def test_times_and_names_are_kept(moved):
    client = moved.stack.client
    for i in (1, 9):
        item = client.get(f"/participant/{POSTS[i][0]}/outbound?limit=200").json[-1]
        expected = POSTS[i][4].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert item["occurred"] == expected
    for n in PEOPLE:
        name = client.get(f"/participant/{n}").json["name"]
        assert name == (f"participant {n}" if n in (20, 21) else NAMES[n])


def test_what_does_not_fit_is_cut_or_filled_and_told(moved):
    items = [(subject, story) for _, subject, story in
             shown(moved.stack.client.get("/participant/39/outbound?limit=200").json)
             if not subject[0].isdigit()]
    assert items == [
        ("no story", "no story"), ("first line", "first line\nsecond"),
        ("no zone", "x" * 19999 + "…"), ("é" * 199 + "…", "before it, by its zone")]
    report = (moved.folder / "report").read_text()
    assert report.startswith(
        f"participants: {len(PARTICIPANTS)} read, {len(PARTICIPANTS)} moved, 0 skipped, 2 changed\n"
        f"posts: {len(ALL_POSTS)} read, {len(POSTS) + 4} moved, 3 skipped, 4 changed\n"
        f"friends: {len(FRIENDS) + 4} read, {len(PAIRS)} moved, 4 skipped, 0 changed\n"
        "participants have the ids that they had\n")
    for told in ("posts:602: skipped: subject and story are blank",
                 "posts:603: skipped: there is no participant 999",
                 "posts:604: skipped: it stood there before",
                 "posts:605: changed: story cut to 20000 of 30000 characters",
                 "friends:4: skipped: it is a friendship with oneself",
                 "people:41: changed: a blank name became that"):
        assert f"/{told}\n" in report, report


def test_posts_are_found_by_search_and_others_go_on(moved):
    client = moved.stack.client
    assert eventually(lambda: client.search("grüße 260")) == ["/participant/21"]
    assert client.add_participant("Somebody new") > max(PEOPLE)
    assert client.publish(1) == eventually(lambda: client.inbound_ids(2)[0])
    eventually(moved.stack.has_caught_up)


def counts(output):
    return [line for line in output.split("\n") if " read, " in line]


def test_once_more_changes_nothing_and_says_the_same(moved):
    before = moved.stack.sql("SELECT max(id), count(*) FROM outbound")
    assert counts(moved.run(*FIRST)) == counts(moved.output) != []
    assert moved.stack.sql("SELECT max(id), count(*) FROM outbound") == before


def test_feeds_are_compared(moved):
    rows = [(1, timeuuid(START), 2, "s", "t")] * 3 + [(40, timeuuid(START), 2, "s", "t")] * 500
    moved.write(inbound=cqlsh(rows, ["participantid", "occurred", "fromparticipantid", "story",
                                     "subject"]))
    output = moved.run("--compare", "inbound:cqlsh:@inbound", expect=1)
    assert "participant 40 (here 40): 500 items there" in output
    assert "503 items in 2 feeds there; 1 of them have fewer here" in output


def test_other_files_are_refused_while_those_are_there(moved):
    moved.write(other=mysql(PARTICIPANTS[:3]))
    assert "DROP SCHEMA move_in" in moved.run("participants:mysql:@other", expect=1)


def test_beside_others_all_have_new_ids(moved):
    stack = moved.stack
    stack.sql("DROP SCHEMA move_in CASCADE")
    moved.write(people=copied(stack, PARTICIPANTS, ""),
                friends=copied(stack, FRIENDS, "(FORMAT csv)"),
                posts=cqlsh([post[:4] for post in POSTS], POST_COLUMNS, twice=True))
    output = moved.run("participants:pgcopy:@people", "friends:csv:@friends",
                       "posts:cqlsh2:@posts", "--feed", "3")
    assert "participants have new ids" in output
    new = {int(a): int(b) for a, b in stack.sql("SELECT id, new_id FROM move_in.participant")}
    assert min(new.values()) > max(PEOPLE)
    friends = {a + b - 17 for a, b in PAIRS if 17 in (a, b)}
    newest = [p for f in friends for p in [p for p in POSTS if p[0] == f][-3:]]
    assert shown(stack.client.get(f"/participant/{new[17]}/inbound?limit=200").json) == [
        (new[a], s, t) for a, _, s, t, m in sorted(newest, key=lambda p: p[4], reverse=True)]
    eventually(stack.has_caught_up)


@pytest.mark.parametrize("form", ["mysql", "mysqldump", "pgcopy", "csv", "cqlsh", "cqlsh2"])
def test_each_form_is_read_as_it_is_written(mover, form):
    rows = [[str(n), "2020-01-01", text, text * 2] for n, text in enumerate(TRAPS, 1)]
    text = {"mysql": lambda: mysql(rows), "mysqldump": lambda: mysqldump(rows, "Outbound"),
            "pgcopy": lambda: copied(mover.stack, rows, ""),
            "csv": lambda: copied(mover.stack, rows, "(FORMAT csv)"),
            "cqlsh": lambda: cqlsh(rows, POST_COLUMNS),
            "cqlsh2": lambda: cqlsh(rows, POST_COLUMNS, twice=True)}[form]()
    mover.write(trial=text)
    program = load_program()
    found = list(program.Source(f"posts:{form}:{mover.folder}/trial").fields())
    assert [fields for _, fields in found] == rows


@pytest.mark.parametrize("source, text, told", [
    ("participants:mysql", "1\tAnn\n2\n", "2: there are 1 columns, not 2: is the form mysql"),
    ("participants:mysql", "1\tAnn\n-2\tBob\n", "2: ParticipantID is '-2': it has to be a number"),
    ("participants:mysql", b"1\tAnn\n2\t\xff\n", "2: byte 3 is not UTF-8: write the file anew"),
    ("participants:mysql", "1\tAnn\n2\tBob\\", "2: the record that begins here does not end"),
    ("participants:csv", '1,Ann\n2,"Bob\n3,C\n', "2: the record that begins here does not end"),
    ("participants:csv", '1,Ann\n2,"Bob"x\n', "2: ',' expected after '\"'"),
    ("participants:mysqldump", "INSERT INTO `Participant` VALUES (1,'Ann'),(2,'B\n",
     "1: character 47: no value of a dump"),
    ("participants:cqlsh", "1,Ann\n", "1: the first line does not name the columns"),
    ("participants:cqlsh2", "id,name\n1,A\\n\n", "2: a backslash stands by itself"),
    ("participants:cqlsh", "id,name\n1,A\n2,B \\ud800\n", "3: \\ud800 is no character, which"),
    ("participants:cqlsh2", "id,name\n1,\\\\U00110000\n", "2: \\U00110000 is no character"),
    ("posts:csv", "1,yesterday,a,b\n", "1: Occurred is 'yesterday': it has to be a timeuuid"),
])
def test_a_fault_has_its_place_and_its_remedy(mover, source, text, told):
    mover.write(bad=text, good="1\tAnn\n")
    more = [] if source.startswith("participants") else ["participants:mysql:@good"]
    output = mover.run("--check", f"{source}:@bad", *more, expect=1)
    assert f"{mover.folder}/bad:{told}" in output
