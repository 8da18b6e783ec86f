"""Bearer tokens: who may do what, and which tokens are none."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import spec
from client import Client, link
from tokens import KEY, claims, encode, print_token, sign, write_key
from waiting import eventually

pytestmark = pytest.mark.xdist_group("auth")


class Guarded:
    """A stack that wants credentials, and people of it."""

    def __init__(self, stack, file):
        self.stack, self.file = stack, file
        self.admin = self.bearing(print_token(file, 0, "--admin"))
        self.nobody = Client(stack.port)
        self.ann, self.ben, self.eve = self.admin.add_participants(3)
        self.admin.befriend(self.ann, self.ben)

    def bearing(self, token):
        return Client(self.stack.port, headers={"Authorization": f"Bearer {token}"})

    def acting_as(self, participant):
        return self.bearing(print_token(self.file, participant))


@pytest.fixture(scope="module", params=["1", "0"], ids=["fastpath", "workers"])
def guarded(request, make_module_stack, module_folder):
    file = write_key(module_folder, f"key{request.param}")
    stack = make_module_stack(
        FASTPATH=request.param, SETTINGS=f"auth.key_file={file}")
    return Guarded(stack, file)


POST = {"subject": "A", "story": "B"}


def every_request(guarded):
    """One of each operation, on things of Ann's."""
    ann, ben = guarded.ann, guarded.ben
    item = guarded.admin.publish(ann)
    return [
        ("POST", "/participant", {"name": "A"}),
        ("POST", "/participants", [{"name": "A"}]),
        ("GET", link(ann), None),
        ("PATCH", link(ann), {"name": "A"}),
        ("GET", f"{link(ann)}/friends", None),
        ("POST", f"{link(ann)}/friends", {"to": ben}),
        ("POST", f"{link(ann)}/friendships", [{"to": ben}]),
        ("GET", f"{link(ann)}/outbound", None),
        ("POST", f"{link(ann)}/outbound", POST),
        ("GET", f"{link(ann)}/outbound/{item}", None),
        ("PATCH", f"{link(ann)}/outbound/{item}", {"story": "C"}),
        ("DELETE", f"{link(ann)}/outbound/{item}", None),
        ("GET", f"{link(ann)}/inbound", None),
        ("GET", f"{link(ann)}/inbound?limit=5", None),
        ("GET", f"{link(ann)}/inbound/marker", None),
        ("PUT", f"{link(ann)}/inbound/marker", {"last_read": 0}),
        ("GET", "/outbound?keywords=a", None),
        ("GET", "/outbound/items?keywords=a", None),
        ("DELETE", f"{link(ann)}/friends/{ben}", None),
        ("POST", f"{link(ben)}/friends", {"to": ann}),  # as it was before
        ("DELETE", link(guarded.admin.add_participant()), None),
    ]


def test_every_operation_is_among_the_requests(guarded):
    asked = {spec.find(method, path)["operationId"]
             for method, path, _ in every_request(guarded)}
    # a stream, which does not end, is asked for in test_stream.py
    assert asked == {id for id, _, _ in spec.operations()} - {"getInboundStream"}


def ask(client, method, path, body):
    return client.request(method, path, **({} if body is None else {"json": body}))


def test_without_credentials_every_operation_is_401(guarded):
    for method, path, body in every_request(guarded):
        answer = ask(guarded.nobody, method, path, body)
        assert answer.status == 401, f"{method} {path}"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_admin_may_do_everything(guarded):
    for method, path, body in every_request(guarded):
        assert ask(guarded.admin, method, path, body).status in (200, 204), path


def test_a_participant_may_do_everything_of_its_own(guarded):
    me = guarded.acting_as(guarded.ann)
    for method, path, body in every_request(guarded):
        if path.startswith(link(guarded.ann)):
            assert ask(me, method, path, body).status in (200, 204), f"{method} {path}"


def test_a_participant_may_change_nothing_of_another(guarded):
    eve = guarded.acting_as(guarded.eve)
    for method, path, body in every_request(guarded):
        if method != "GET":
            assert ask(eve, method, path, body).status == 403, f"{method} {path}"


def test_a_participant_may_read_what_is_public_of_another(guarded):
    eve = guarded.acting_as(guarded.eve)
    for method, path, body in every_request(guarded):
        if method == "GET" and "inbound" not in path:
            assert eve.get(path).status == 200, path


def test_the_inbound_of_another_is_403(guarded):
    eve, ann = guarded.acting_as(guarded.eve), guarded.acting_as(guarded.ann)
    path = f"{link(guarded.ann)}/inbound"
    for _ in range(3):  # also while Ann's page is in the cache
        assert ann.get(path).status == 200
        assert eve.get(path).status == 403
        assert guarded.nobody.get(path).status == 401
        assert guarded.admin.get(path).status == 200


def test_a_verdict_for_one_is_not_used_for_another(guarded):
    """Where nginx keeps verdicts: by token and path, both whole."""
    ann, ben = guarded.acting_as(guarded.ann), guarded.acting_as(guarded.ben)
    for _ in range(2):
        for me, mine, other in (
            (ann, guarded.ann, guarded.ben),
            (ben, guarded.ben, guarded.ann),
        ):
            assert me.get(f"{link(mine)}/inbound").status == 200
            assert me.get(f"{link(other)}/inbound").status == 403


@pytest.mark.parametrize("lines", [
    "include newsfeed/fastpath.conf;",
    "satisfy any; allow all; include newsfeed/fastpath.conf; include newsfeed/auth.conf;",
], ids=["without auth.conf", "let in by something else"])
def test_a_server_that_asks_for_no_token_serves_no_cached_page(guarded, lines):
    """Although another server's include defines auth.conf's variable."""
    if guarded.stack.environment["FASTPATH"] == "0":
        pytest.skip("nginx has no pages")
    path = f"{link(guarded.ann)}/inbound"
    with guarded.stack.another_server(
            f"include newsfeed/server.conf; {lines}") as stranger:
        guarded.acting_as(guarded.ann).hit(path)
        for _ in range(3):  # one may find memcached slow
            answer = stranger.get(path)
            assert (answer.status, answer.headers["x-cache"]) == (401, "MISS")


def test_only_an_admin_adds_participants(guarded):
    ann = guarded.acting_as(guarded.ann)
    assert ann.post("/participant", {"name": "A"}).status == 403
    assert guarded.admin.post("/participant", {"name": "A"}).status == 200


def test_nobody_posts_for_another_by_from(guarded):
    ann = guarded.acting_as(guarded.ann)
    answer = ann.post(f"{link(guarded.ann)}/outbound", {**POST, "from": guarded.ben})
    assert answer.status == 400


def test_a_participant_may_remove_itself(guarded):
    one = guarded.admin.add_participant()
    assert guarded.acting_as(one).delete(link(one)).status == 204


def test_a_removed_participants_token_finds_nothing(guarded):
    one = guarded.admin.add_participant()
    me = guarded.acting_as(one)
    guarded.admin.delete(link(one))
    assert me.get(f"{link(one)}/inbound").status == 404


def test_what_does_not_exist_is_told_only_to_who_may_ask(guarded):
    path = "/participant/9223372036854775807"
    assert guarded.nobody.get(path).status == 401
    assert guarded.admin.get(path).status == 404


def test_a_token_made_by_the_book_is_accepted(guarded):
    """The control of the forgeries below."""
    ann = guarded.bearing(sign(claims(guarded.ann)))
    assert ann.get(f"{link(guarded.ann)}/inbound").status == 200


def forgeries(ann):
    good = sign(claims(ann))
    head, body, mac = good.split(".")
    now = int(time.time())
    nobody = {"alg": "none", "typ": "JWT"}
    return {
        "alg none without a mac": f"{encode(nobody)}.{body}.",
        "alg none with the mac": f"{encode(nobody)}.{body}.{mac}",
        "alg none signed": sign(claims(ann), header=nobody),
        "alg HS512": sign(claims(ann), header={"alg": "HS512"}),
        "alg RS256": sign(claims(ann), header={"alg": "RS256"}),
        "alg hs256": sign(claims(ann), header={"alg": "hs256"}),
        "no alg": sign(claims(ann), header={"typ": "JWT"}),
        "critical header": sign(claims(ann), header={"alg": "HS256", "crit": ["exp"]}),
        "another key": sign(claims(ann), key=KEY[::-1]),
        "empty key": sign(claims(ann), key=""),
        "expired": sign(claims(ann, exp=now - 3600)),
        "no expiry": sign({"sub": str(ann)}),
        "expiry as text": sign(claims(ann, exp=str(now + 600))),
        "not yet": sign(claims(ann, nbf=now + 3600)),
        "changed claims": f"{head}.{encode(claims(ann, admin=True))}.{mac}",
        "cut mac": f"{head}.{body}.{mac[:-2]}",
        "no mac": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{mac}",
        "padded": good + "=",
        "no sub": sign({"exp": now + 600}),
        "sub with a leading zero": sign(claims(f"0{ann}")),
        "sub is negative": sign(claims(-ann)),
        "sub with a space": sign(claims(f"{ann} ")),
        "claims are no object": sign([1]),
        "garbage": "x",
        "dots": "..",
        "not base64": "!!!.???.***",
        "very long": "x" * 6000,
    }


@pytest.mark.parametrize("name", forgeries(1))
def test_a_token_that_is_none_is_401(guarded, name):
    client = guarded.bearing(forgeries(guarded.ann)[name])
    for path in (f"{link(guarded.ann)}/inbound", link(guarded.ann)):
        answer = client.get(path)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "value",
    [
        "", "Bearer", "Bearer ", "Basic YTpi", "Token {}", "{}", "Bearer {} x",
        "Bearer {},",
    ],
)
def test_credentials_of_another_form_are_401(guarded, value):
    value = value.format(sign(claims(guarded.ann)))
    answer = guarded.nobody.get(link(guarded.ann), headers={"Authorization": value})
    assert answer.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_case_does_not_matter(guarded, scheme):
    value = f"{scheme} {sign(claims(guarded.ann))}"
    answer = guarded.nobody.get(link(guarded.ann), headers={"Authorization": value})
    assert answer.status == 200


def test_a_token_expires(guarded):
    """Also where nginx keeps the verdict, for 3 s. Clocks may differ by 30 s,
    so this one has four or five left."""
    me = guarded.bearing(sign(claims(guarded.ann, exp=int(time.time()) - 25)))
    path = f"{link(guarded.ann)}/inbound"
    assert me.get(path).status == 200
    eventually(lambda: me.get(path).status == 401, within=15)


def test_keys_do_not_mix_participants(guarded):
    """The same Idempotency-Key from two people is two requests."""
    same = {"Idempotency-Key": "shared-by-two"}
    for one in (guarded.ann, guarded.ben):
        me = guarded.acting_as(one)
        answer = me.post(f"{link(one)}/outbound", POST, headers=same)
        assert answer.status == 200
        assert answer.json["from"] == link(one)


def test_preflights_need_no_credentials(guarded):
    headers = {"Origin": "https://x.org", "Access-Control-Request-Method": "GET"}
    path = f"{link(guarded.ann)}/inbound"
    answer = guarded.nobody.request("OPTIONS", path, headers=headers)
    assert answer.status == 204


def test_many_at_once_get_their_own_answers(guarded):
    people = guarded.admin.add_participants(6)
    tokens = {one: guarded.acting_as(one) for one in people}

    def look(number):
        me, other = people[number % 6], people[number // 6 % 6]
        return (me == other, tokens[me].get(f"{link(other)}/inbound").status)

    with ThreadPoolExecutor(6) as pool:
        seen = set(pool.map(look, range(108)))
    assert seen == {(True, 200), (False, 403)}
