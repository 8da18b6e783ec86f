"""Behind PgBouncer, which gives every transaction another connection."""

import contextlib
import re
import shutil
import subprocess

import pytest

from stack import ROOT, as_account
from waiting import eventually

pytestmark = pytest.mark.xdist_group("pooler")

# What etc/newsfeed.conf says to do.
LINES = re.findall(r"^# +(ALTER ROLE newsfeed SET .*;)$",
                   (ROOT / "etc" / "newsfeed.conf").read_text(), re.M)

# What the session that wrote a row had in force.
WITNESS = """
    CREATE TABLE witness (what text, name text, setting text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO witness SELECT TG_TABLE_NAME, name, setting FROM pg_settings
            WHERE name IN ('statement_timeout', 'lock_timeout', 'enable_seqscan', 'jit',
                'idle_in_transaction_session_timeout', 'gin_pending_list_limit');
        RETURN NULL;
    END $$;
    CREATE TRIGGER see AFTER INSERT ON outbound EXECUTE FUNCTION see();
    CREATE TRIGGER see AFTER INSERT ON search EXECUTE FUNCTION see();
    CREATE TRIGGER see AFTER DELETE ON idempotency EXECUTE FUNCTION see();
"""


@pytest.fixture(scope="module")
def stack(make_module_stack, module_folder):
    """Three sessions for three workers, the dispatcher and its flushes."""
    stack = make_module_stack(start=False, WORKERS="3", FASTPATH="0", SETTINGS=(
        f"db.prepare=off db.conninfo=postgresql://newsfeed@/newsfeed?host={module_folder}"))
    (module_folder / "users").write_text('"newsfeed" ""\n')
    (module_folder / "pgbouncer.ini").write_text(f"""
        [databases]
        newsfeed = host={stack.run} dbname=newsfeed user=newsfeed
        [pgbouncer]
        unix_socket_dir = {module_folder}
        listen_port = 5432
        auth_type = trust
        auth_file = {module_folder}/users
        pool_mode = transaction
        default_pool_size = 3
    """)
    stack.up("postgres")
    stack.sql("\n".join(LINES) + WITNESS)
    with contextlib.ExitStack() as stop:
        pooler = stop.enter_context(subprocess.Popen(
            as_account([shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"),
                        module_folder / "pgbouncer.ini"]),
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        stop.callback(pooler.kill)
        eventually((module_folder / ".s.PGSQL.5432").is_socket)
        stack.start()
        yield stack
        stack.stop()


def seen(stack, what):
    """What was in force whenever something was written there: {(name, value)}"""
    return {tuple(row) for row in stack.sql(
        f"SELECT DISTINCT name, setting FROM witness WHERE what = '{what}'")}


def test_everything_works(stack):
    one, other = stack.client.friends_of_new()
    item = stack.client.publish(one, f"pooled{one}")
    assert stack.client.outbound_ids(one) == stack.client.inbound_ids(other) == [item]
    eventually(lambda: stack.client.search(f"pooled{one}") == [f"/participant/{one}"])
    for _ in range(2):  # in a transaction, and answered again
        answer = stack.client.post(
            f"/participant/{one}/outbound", {"subject": "Once", "story": "Once"},
            headers={"Idempotency-Key": f"pooled{one}"})
        assert answer.status == 200
    assert len(stack.client.inbound_ids(other)) == 2
    eventually(stack.has_caught_up)
    assert stack.client.delete(f"/participant/{one}").status == 204


def test_a_statement_by_itself_has_what_its_role_has(stack):
    stack.sql("TRUNCATE witness")
    stack.client.publish(stack.client.add_participant())
    assert seen(stack, "outbound") > {
        ("statement_timeout", "800"), ("lock_timeout", "270"),
        ("enable_seqscan", "off"), ("jit", "off")}


def test_a_transaction_has_what_it_sets(stack):
    """Of the dispatcher: one that indexes, and one that flushes the index, for
    which it waits longer, and not for its answer."""
    eventually(stack.has_caught_up)
    stack.sql("TRUNCATE witness")
    stack.client.publish(stack.client.add_participant())
    eventually(lambda: seen(stack, "search") >= {
        ("statement_timeout", "10000"), ("lock_timeout", "3334"),
        ("enable_seqscan", "off"), ("jit", "off"),
        ("idle_in_transaction_session_timeout", "3000"),
        ("gin_pending_list_limit", str(1024 * 1024)),
        ("statement_timeout", "300000"), ("lock_timeout", "100001")})


def test_keys_expire_in_the_time_of_the_dispatcher(stack):
    """Ten thousand at a time, which may take longer than a request has; a
    dispatcher begins with it."""
    stack.down("newsfeed")
    stack.sql("TRUNCATE witness")
    stack.up("newsfeed")
    eventually(lambda: seen(stack, "idempotency") >= {
        ("statement_timeout", "10000"), ("lock_timeout", "3334")})
    assert ("statement_timeout", "800") not in seen(stack, "idempotency")


def test_a_session_is_left_as_it_was(stack):
    """What a transaction sets, no other client of the pooler finds."""
    stack.sql("TRUNCATE witness")
    author = stack.client.add_participant()
    for _ in range(20):
        stack.client.publish(author)
        eventually(stack.has_caught_up)
    assert {value for name, value in seen(stack, "outbound")
            if name == "statement_timeout"} == {"800"}
