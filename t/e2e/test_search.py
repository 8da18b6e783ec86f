"""searchOutbound."""

import uuid
from urllib.parse import quote

import pytest

from client import link
from waiting import SOON, eventually, one_of


def word():
    """One that no other test uses."""
    return "w" + uuid.uuid4().hex


def finds(client, keywords, *authors, within=SOON):
    expected = [link(author) for author in authors]
    return eventually(lambda: client.search(keywords) == expected, within=within)


def test_a_post_is_found_within_a_second_by_subject_and_by_story(client):
    def is_found():
        author, subject, story = client.add_participant(), word(), word()
        client.publish(author, f"About {subject}", f"And {story}, too.")
        assert finds(client, subject, author, within=1)
        assert finds(client, story, author, within=1)

    one_of(5, is_found)


def test_case_is_folded(client):
    author, w = client.add_participant(), word()
    client.publish(author, f"{w.upper()} Ärger")
    assert finds(client, w, author)
    assert finds(client, f"{w.title()} ÄRGER", author)


def test_every_word_is_needed_wherever_it_stands(client):
    author, a, b = client.add_participant(), word(), word()
    client.publish(author, a, f"Something {b}")
    assert finds(client, f"{b} {a}", author)
    assert client.search(f"{a} {word()}") == []


def test_the_words_must_be_in_one_post(client):
    author, a, b = client.add_participant(), word(), word()
    client.publish(author, a)
    client.publish(author, b)
    assert finds(client, a, author) and finds(client, b, author)
    assert client.search(f"{a} {b}") == []


def test_small_words_count_as_well(client):
    author, w = client.add_participant(), word()
    client.publish(author, f"{w} to be or not to be")
    assert finds(client, f"{w} be", author)
    assert client.search(f"{w} the") == []


def test_a_phrase_stands_together_in_order(client):
    straight, crooked = client.add_participants(2)
    a, b = word(), word()
    client.publish(crooked, f"{b} {a}")
    client.publish(straight, f"{a} {b}")
    assert finds(client, f'"{a} {b}"', straight)


def test_or_needs_one_of_both(client):
    one, other = client.add_participants(2)
    a, b = word(), word()
    client.publish(one, a)
    client.publish(other, b)
    assert eventually(
        lambda: set(client.search(f"{a} or {b}")) == {link(one), link(other)}, within=SOON
    )


def test_minus_excludes(client):
    one, other = client.add_participants(2)
    common, extra = word(), word()
    client.publish(one, common)
    client.publish(other, f"{common} {extra}")
    assert eventually(lambda: len(client.search(common)) == 2, within=SOON)
    assert client.search(f"{common} -{extra}") == [link(one)]


def test_each_author_is_named_once(client):
    author, w = client.add_participant(), word()
    for _ in range(3):
        client.publish(author, w)
    assert finds(client, w, author)
    assert eventually(lambda: client.search(w) == [link(author)])


def test_a_text_of_one_endless_word_holds_up_no_other(client):
    """PostgreSQL indexes no word of more than 2 KB."""
    author, w = client.add_participant(), word()
    client.publish(author, "A subject", "x" * 20000)
    client.publish(author, w, "\U0001f994" * 20000)
    client.publish(author, "A subject", " ".join(f"w{n}" for n in range(3000)))
    assert finds(client, w, author)


def test_the_best_match_is_first(client):
    weak, strong = client.add_participants(2)
    w = word()
    client.publish(strong, f"{w} {w}", f"{w} and {w} once more {w}")
    client.publish(weak, "Something else", f"{'Much else. ' * 50} {w}")
    assert finds(client, w, strong, weak)


def test_a_removed_post_is_not_found(client):
    author, w = client.add_participant(), word()
    item = client.publish(author, w)
    assert finds(client, w, author)
    client.delete(f"/participant/{author}/outbound/{item}")
    assert client.search(w) == []


def test_a_post_removed_at_once_is_never_found(client):
    author, w, marker = client.add_participant(), word(), word()
    item = client.publish(author, w)
    client.delete(f"/participant/{author}/outbound/{item}")
    client.publish(author, marker)
    assert finds(client, marker, author)
    assert client.search(w) == []


def test_posts_of_a_removed_participant_are_not_found(client):
    author, w = client.add_participant(), word()
    client.publish(author, w)
    assert finds(client, w, author)
    client.delete(link(author))
    assert client.search(w) == []


def test_nothing_found_is_an_empty_list(client):
    answer = client.get(f"/outbound?keywords={word()}")
    assert (answer.status, answer.body) == (200, b"[]")


@pytest.mark.parametrize(
    "query",
    ["", "?", "?keywords=", "?keywords=%20", "?keywords=+%09", "?keywords"],
)
def test_missing_or_blank_keywords_are_400(client, query):
    answer = client.get("/outbound" + query)
    assert (answer.status, answer.pointers) == (400, ["query:keywords"])


@pytest.mark.parametrize("keywords", ['"', '""', '" "', "'", "-", "!!!", "( & )", '-a "'])
def test_keywords_without_a_word_are_400(client, keywords):
    answer = client.get(f"/outbound?keywords={quote(keywords)}")
    assert (answer.status, answer.pointers) == (400, ["query:keywords"])


@pytest.mark.parametrize(
    "keywords",
    [
        '"', "-", "or", '"" or -', "a & b", "a | !b", "a:*", "(a", "'", "\\", "%",
        "a <-> b", "or or or", "--", '-"', "\U0001f994", "\u0301", ";drop", "$1", "a\tb",
        "a" * 500, "a or " * 700 + "b", '"a' * 1500, "-a " * 1000,
    ],
    ids=lambda keywords: keywords[:10],
)
def test_odd_syntax_is_searched_for_or_refused_and_no_more(client, keywords):
    answer = client.get(f"/outbound?keywords={quote(keywords)}")
    assert answer.status in (200, 400)


@pytest.mark.parametrize(
    "query",
    [
        "keywords=%ff", "keywords=a%00b", "keywords=%c0%80", "keywords=%ed%a0%80",
        "keywords=%zz", "keywords=%",
    ],
)
def test_keywords_that_are_no_text_are_400(client, query):
    answer = client.get(f"/outbound?{query}")
    assert (answer.status, answer.pointers) == (400, ["query:keywords"])


def test_plus_and_percent_20_are_spaces(client):
    author, a, b = client.add_participant(), word(), word()
    client.publish(author, f"{a} {b}")
    assert finds(client, f"{a} {b}", author)
    assert client.ok("GET", f"/outbound?keywords={a}+{b}") == [link(author)]


def test_a_parameter_given_twice_is_400(client):
    assert client.get("/outbound?keywords=a&keywords=b").status == 400


def test_an_unknown_parameter_is_400(client):
    answer = client.get("/outbound?keywords=a&limitt=3")
    assert (answer.status, answer.pointers) == (400, ["query:limitt"])
