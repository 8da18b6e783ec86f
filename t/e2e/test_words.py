"""What PostgreSQL finds by its own parser (websearch_to_tsquery 'simple'), the
search finds too: in documents of this release, and in those that PostgreSQL
made by to_tsvector for an earlier one."""

from concurrent.futures import ThreadPoolExecutor
from unicodedata import is_normalized
from urllib.parse import quote

import pytest

from waiting import eventually

pytestmark = pytest.mark.xdist_group("words")

TEXTS = [
    # English: apostrophes, hyphens, addresses
    "The cat can't sleep; it's O’Reilly's well-known, state-of-the-art bed.",
    "Write to Ann.Lee@mail.example.com or see http://example.com/news?id=7&x=2.",
    "Our site (https://www.example.org/a-b/c_d.html) and ftp://files.example.net/pub/",
    "Look at example.com/path or foo-bar.example.com:8080 and /usr/local/bin/tool.",
    "Tom &amp; Jerry don&#39;t mind: C++, C#, .NET, node.js and a_b = $x_1!",
    "Release 1.2.3-rc1 of 2026-11-29 at 12:30, e.g. in the U.S.A. or COVID-19 news",
    "Commit 1e5ab7 costs $3.14, 1,000.50 or -12 (+5%): 1e5 times 2.5kg, 10-12h, ½ or ² of it",
    "and/or either/or, black&white, rock'n'roll, a.b..c, \"quoted words\" 100% #tag @me",
    # German, French, Vietnamese (decomposed)
    "Ärger in der STRASSE und der Straße: Übergrößen-Träger, Müller-Lüdenscheidt's 3,5kg",
    "L’été dernier, c'est-à-dire aujourd'hui, à l'Œuvre: «déjà vu» n'a rien coûté",
    "Tie\u0302\u0301ng Vie\u0323\u0302t co\u0301 da\u0302\u0301u, e\u0301te\u0301 nai\u0308ve",
    # Russian, Greek, Turkish
    "Всё-таки Мир и Труд: ёлка на e-mail иван@пример.рф, 5-й этаж, COVID-19",
    "ΣΊΣΥΦΟΣ και Σίσυφος· ο Οδυσσέας της Ιθάκης, 2,5 ευρώ",
    "İstanbul'da ILIK ve ılık bir gün, IĞDIR’a 3. kez",
    # Arabic, Hebrew, Persian, Hindi, Bengali, Tamil
    "مَرْحَبًا بالعالم، هذا نصّ عربي فيه ١٢٣ رقمًا وكتاب.",
    "שָׁלוֹם לעולם, צה\"ל וד\"ר ב-2026",
    "می‌خواهم کتاب‌ها را بخوانم، ۱۲ روز",
    "नमस्ते दुनिया, यह हिन्दी का क़िला और पाठ है। विद्या-मंदिर १२",
    "আমার সোনার বাংলা, আমি তোমায় ভালোবাসি। தமிழ் மொழி",
    # Korean: precomposed, and in its letters
    "한국어 텍스트를 검색합니다. 서울-부산 3시간 걸려요",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165 검색",
    # Japanese, Chinese, Thai, Lao, Khmer, Myanmar
    "東京都の天気は晴れです。カタカナーとひらがな、iPhone15を買う",
    "今天天气很好，我们去北京大学。手机iPhone15发布 中文 文字",
    "สวัสดีครับ ภาษาไทยไม่มีช่องว่าง ๑๒ วัน",
    "ພາສາລາວ ສະບາຍດີ ខ្មែរ សួស្តី မြန်မာစာ မင်္ဂလာပါ",
    # signs
    "good😀morning 👨‍👩‍👧 Ⅷ Ⓐ ① ａｂｃ ﬁne 𝐀𝐁 x×y m² 5€ C♯",
]

# What PostgreSQL makes of parts of these, and of them without what it leaves out.
MORE = [
    '"Tom Jerry"', "don't", '"don\'t mind"', '"Mail.example.com or see example.com"',
    '"see example.com/news"', "2.5", "kg", '"times 2.5"', '"2.5 kg in"', "10-12", "h", "1e5",
    "ab7", "nothere or foo-bar.example.com", "2.5kg or nothere",
    "http://nothere.example.com or 文字", "Straße or нигде Мир"]


def quoted(words):
    return '"' + " ".join(words).replace('"', " ") + '"'


def bare(word):
    return word.strip('.,;:!?()"«»，。、؛،')


def queries_of(text):
    """Each part of a text, each two and three that stand together as a phrase,
    and the first and last of them as words. None of what must not be there: of
    that more is found, too, so less is left."""
    words = text.split()
    plain = [word for word in words if word[0] != "-"]
    for i in range(len(words)):
        yield from (quoted(words[i:i + size]) for size in (1, 2, 3))
    for i, word in enumerate(plain):
        yield word
        yield f"{word} {plain[-1 - i]}"
        yield word.swapcase()
        yield bare(word)


class Words:
    """Two authors of each text: one with a document of each kind."""

    def __init__(self, stack):
        self.stack = stack
        self.new, self.old = (
            stack.client.add_participants(len(TEXTS)) for _ in range(2))
        for author, text in zip(self.new + self.old, TEXTS * 2):
            stack.client.publish(author, text[:60], text)
        eventually(stack.has_caught_up)
        stack.sql(
            "UPDATE search SET document = setweight(to_tsvector('simple', subject),"
            " 'A') || to_tsvector('simple', story) FROM outbound"
            f" WHERE id = outbound_id AND search.participant_id >= {self.old[0]}")

    def found_by_postgres(self, queries, authors):
        """Those of the authors that it finds by itself, for each query that asks
        for a word."""
        values = ",".join(
            "({}, '{}')".format(i, query.replace("'", "''"))
            for i, query in enumerate(queries))
        found = [set() for _ in queries]
        for i, author in self.stack.sql(
                f"SELECT i, participant_id FROM (VALUES {values}) v (i, query)"
                " JOIN search ON document @@ websearch_to_tsquery('simple', query)"
                " AND querytree(websearch_to_tsquery('simple', query)) <> 'T'"
                f" WHERE participant_id BETWEEN {authors[0]} AND {authors[-1]}"):
            found[int(i)].add(int(author))
        return found

    def lost(self, queries):
        """Each query with the kind of document that it does not find."""
        twin = dict(zip(self.old, self.new))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(self.search, queries))
        for query, answer, found in zip(
                queries, answers, self.found_by_postgres(queries, self.old)):
            yield from ((query, "old") for old in found if old not in answer)
            yield from ((query, "new") for old in found if twin[old] not in answer)

    def search(self, keywords):
        """Authors; none where there is no word."""
        answer = self.stack.client.get(
            f"/outbound?keywords={quote(keywords)}&limit=200")
        assert answer.status in (200, 400)
        if answer.status == 400:
            return set()
        return {int(author.rsplit("/")[-1]) for author in answer.json}


@pytest.fixture(scope="module")
def words(make_module_stack):
    return Words(make_module_stack())


def test_nothing_is_lost_that_postgres_finds(words):
    queries = sorted({query for text in TEXTS for query in queries_of(text)})
    assert len(queries) > 1000
    assert list(words.lost(MORE + queries)) == []


def test_an_earlier_release_finds_plain_words_in_new_documents(words):
    """Decomposed ones excepted."""
    plain = sorted({
        bare(word) for text in TEXTS for word in text.split()
        if bare(word).isalnum() and is_normalized("NFC", word)})
    assert len(plain) > 80
    found = words.found_by_postgres(plain, words.new)
    twin = dict(zip(words.old, words.new))
    for word, old, new in zip(plain, words.found_by_postgres(plain, words.old), found):
        assert {twin[author] for author in old} <= new, word


@pytest.mark.parametrize("keywords", [
    "example", "Ann.Lee@mail", '"example com path"', "http://example.com/path",
    "1.2", "天气", "北京", '"北京大学"', "iPhone15", "東京", "ひらがな", "ไทย", "ພາສາ",
    "été", "naïve", "한국어"])
def test_parts_are_found_that_postgres_did_not_find(words, keywords):
    assert words.search(keywords) & set(words.new)


def test_a_compound_is_ruled_out_of_both_kinds(words):
    pair = {words.old[3], words.new[3]}
    assert pair <= words.search("look at")
    assert not words.search("look at -example.com/path") & pair
    assert pair <= words.search("look at -example.com/other")
