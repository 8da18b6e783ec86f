"""Pages of inbound out of memcached: hits, and never anything old."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import link
from load import Load
from waiting import eventually

pytestmark = pytest.mark.xdist_group("cache")


def inbound(reader):
    return f"/participant/{reader}/inbound"


def outbound(author):
    return f"/participant/{author}/outbound"


def x_cache(answers):
    return [answer.headers["x-cache"] for answer in answers]


@pytest.fixture
def cached(door):
    """Author and reader, whose inbound page is in the cache."""
    author, reader = door.client.friends_of_new()
    door.client.inbound(reader)
    return author, reader


def test_the_second_get_is_a_hit_in_nginx(fastpath):
    path = inbound(fastpath.client.add_participant())
    assert fastpath.client.get(path).headers["x-cache"] == "MISS"

    def two_hits():
        answers = [fastpath.client.get(path) for _ in range(2)]
        return answers if x_cache(answers) == ["HIT", "HIT"] else None

    first, second = eventually(two_hits)
    assert first.body == second.body
    assert first.headers["etag"] == second.headers["etag"]


def test_a_hit_has_the_headers_of_a_miss(fastpath):
    author, reader = fastpath.client.friends_of_new()
    for _ in range(51):  # so that there is a Link as well
        fastpath.client.publish(author)

    def miss_and_hit():  # anew, should the dispatcher have dropped the page again
        fastpath.client.publish(author)
        answers = [fastpath.client.get(inbound(reader)) for _ in range(2)]
        return answers if x_cache(answers) == ["MISS", "HIT"] else None

    miss, hit = eventually(miss_and_hit)
    for name in ("content-type", "content-length", "etag", "link", "vary"):
        assert miss.headers.get(name) == hit.headers.get(name), name
    assert miss.body == hit.body


def test_a_query_string_passes_the_fast_path_by(fastpath):
    author, reader = fastpath.client.friends_of_new()
    item = fastpath.client.publish(author)
    fastpath.client.inbound(reader)
    answer = fastpath.client.get(inbound(reader) + f"?before={item}")
    assert (answer.headers["x-cache"], answer.json) == ("BYPASS", [])
    assert fastpath.client.get(inbound(reader) + "?limitt=1").status == 400


def test_a_404_is_not_cached(client):
    one = client.add_participant()
    assert client.get(inbound(one + 100000)).status == 404
    assert client.get(inbound(one + 100000)).status == 404


def test_a_page_is_read_from_the_cache_by_workers_too(door):
    """What changes behind the service's back is not seen."""
    reader, author = door.client.add_participants(2)
    item = door.client.publish(author)
    assert door.client.inbound(reader) == []
    door.sql(
        "INSERT INTO friendship (participant_id, friend_id, id, since)"
        f" VALUES ({reader}, {author}, nextval('friendship_id_seq'), 0);"
        f"INSERT INTO inbound VALUES ({reader}, {item})")
    assert door.client.inbound(reader) == []
    assert door.client.inbound_ids(reader, "?limit=49") == [item]


def test_other_pages_are_not_cached(door):
    author, reader = door.client.friends_of_new()
    item = door.client.publish(author)
    for path in (inbound(reader) + "?limit=49", f"/participant/{author}/outbound"):
        door.client.get(path)
        door.sql(f"UPDATE outbound SET subject = '{path}' WHERE id = {item}")
        assert door.client.get(path).json[0]["subject"] == path


def test_a_get_after_a_post_sees_it(client, cached):
    author, reader = cached
    item = client.publish(author)
    assert client.inbound_ids(reader) == [item]


def test_a_get_after_the_removal_of_a_post_does_not_see_it(client, cached):
    author, reader = cached
    item = client.publish(author)
    client.inbound(reader)
    client.delete(f"/participant/{author}/outbound/{item}")
    assert client.inbound(reader) == []


def test_a_get_after_befriending_sees_what_was_filled_in(client, cached):
    _, reader = cached
    author = client.add_participant()
    item = client.publish(author)
    client.befriend(author, reader)
    assert client.inbound_ids(reader) == [item]


def test_a_get_after_unfriending_does_not_see_the_former_friend(client, cached):
    author, reader = cached
    client.publish(author)
    client.inbound(reader)
    client.delete(f"/participant/{author}/friends/{reader}")
    assert client.inbound(reader) == []


def test_a_get_after_the_removal_of_a_participant_sees_nothing_of_it(client, cached):
    author, reader = cached
    client.publish(author)
    client.inbound(reader)
    client.inbound(author)
    client.delete(link(author))
    assert client.inbound(reader) == []
    assert client.get(inbound(author)).status == 404


def test_every_get_after_a_200_sees_the_write_under_load(client):
    """Writers and readers of the same few feeds, all at once."""
    reader, *authors = client.add_participants(5)
    for author in authors:
        client.befriend(author, reader)

    def write_and_look(number):
        item = client.publish(authors[number % len(authors)])
        assert item in client.inbound_ids(reader)
        return item

    with Load(lambda _: client.inbound(reader), threads=3):
        with Load(write_and_look, threads=4) as writers:
            eventually(writers.more(150), within=60)
    expected = sorted(writers.results, reverse=True)
    assert client.inbound_ids(reader) == expected[:50]


def test_every_get_after_a_removal_is_without_it_under_load(client):
    reader, author = client.friends_of_new()

    def write_remove_and_look(_):
        item = client.publish(author)
        client.delete(f"/participant/{author}/outbound/{item}")
        assert item not in client.inbound_ids(reader)

    with Load(lambda _: client.inbound(reader), threads=3):
        with Load(write_remove_and_look, threads=3) as writers:
            eventually(writers.more(90), within=60)
    assert client.inbound(reader) == []


def test_befriending_and_posting_at_once_loses_nothing(client):
    """Whichever comes first, in the end the post is in the friend's feed."""

    def befriend_while_posting(_):
        author, reader = client.add_participants(2)
        items = []
        barrier = threading.Barrier(2)

        def publish():
            barrier.wait()
            items.append(client.publish(author))

        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(publish)
            barrier.wait()
            client.befriend(author, reader)
            posting.result()
        return eventually(lambda: client.inbound_ids(reader) == items)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(befriend_while_posting, range(12)))


def test_concurrent_misses_of_one_page_cost_few_queries(make_stack):
    stack = make_stack(FASTPATH="0")
    stack.sql("ALTER SYSTEM SET log_statement = 'all'")
    stack.sql("SELECT pg_reload_conf()")
    readers = stack.client.add_participants(5)

    def reads():
        return len([l for l in stack.log("postgres").splitlines()
                    if "execute inbound_swept" in l])

    before = reads()
    with ThreadPoolExecutor(16) as pool:
        for reader in readers:
            answers = list(pool.map(lambda _: stack.client.inbound(reader), range(40)))
            assert answers == [[]] * 40
    assert before < reads() <= before + 10 * len(readers)


def is_cached(door, reader):
    return any(f":inbound:{reader}@" in key for key in door.cached_keys())


def fill(door, reader):
    """The dispatcher may drop it once more, so this is for eventually."""
    door.client.inbound(reader)
    return is_cached(door, reader)


def test_a_page_is_refilled_after_a_write(door, cached):
    author, reader = cached
    item = door.client.publish(author)
    eventually(lambda: fill(door, reader))
    assert door.client.delete(f"{outbound(author)}/{item}").status == 204
    assert not is_cached(door, reader)
    eventually(lambda: fill(door, reader))


def test_a_page_stays_cached_when_something_is_posted(door, cached):
    author, reader = cached

    def publish():
        item = door.client.publish(author)
        stays = is_cached(door, reader)
        assert door.client.inbound(reader)[0]["id"] == item
        return stays

    eventually(lambda: fill(door, reader))
    eventually(publish)


def test_a_page_that_nobody_looks_at_does_not_grow(door, cached):
    author, reader = cached
    for _ in range(6):
        door.client.publish(author, story="x" * 5000)
    assert not is_cached(door, reader)


def test_a_page_with_news_is_the_page_that_a_worker_reads(door, cached):
    author, reader = cached
    for _ in range(30):
        door.client.publish(author)
        page = door.client.get(inbound(reader))
        read = door.client.get(f"{inbound(reader)}?limit={len(page.json)}")
        assert page.json == read.json
        assert page.links["prev"] == read.links["prev"].replace(
            f"limit={len(page.json)}&", "")


def test_a_page_with_news_has_the_tag_of_the_page_read_anew(door, cached):
    author, reader = cached
    door.client.publish(author)
    with_news = door.client.get(inbound(reader)).headers["etag"]
    someone = door.client.add_participant()
    door.client.befriend(reader, someone)  # drops the page
    assert door.client.get(inbound(reader)).headers["etag"] == with_news
