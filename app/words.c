/* Words of texts, as documents and queries. */
#include <ctype.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "words.h"

enum {
    WORD_MAX = 2047, /* PostgreSQL's limits: MAXSTRLEN, */
    PLACE_MAX = 16383,
    PLACES_MAX = 255, /* and MAXNUMPOS, less one each */
    WEIGHT_A = 3 << 14,
};

/* --- characters --------------------------------------------------------- */

/* The character at `at`, and its bytes; of bytes that are none, U+FFFD. */
static size_t decode(const char *at, size_t left, ucs4_t *c)
{
    *c = (unsigned char)*at;
    if (*c < 0x80)
        return 1;
    return (size_t)u8_mbtouc(c, (const uint8_t *)at, left);
}

/* Begins a word. Both tests hold for the very characters that PostgreSQL's
 * parser takes for letters and digits, by glibc's tables. */
static bool is_letter(ucs4_t c)
{
    if (c < 0x80)
        return isalnum((int)c);
    return uc_is_property_alphabetic(c) ||
           uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Nd);
}

static bool is_mark(ucs4_t c)
{
    return c >= 0x300 && uc_is_general_category_withtable(
                             c, UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me);
}

/* A letter of a script without spaces. */
static bool stands_alone(ucs4_t c)
{
    static const struct {
        ucs4_t first, last;
    } scripts[] = {
        {0x0e00, 0x0eff},   /* Thai, Lao */
        {0x1000, 0x109f},   /* Myanmar */
        {0x1780, 0x17ff},   /* Khmer */
        {0x2e80, 0x30ff},   /* radicals, ideographs' signs, kana */
        {0x31f0, 0x31ff},   /* kana */
        {0x3400, 0x9fff},   /* ideographs */
        {0xa9e0, 0xa9ff},   /* Myanmar */
        {0xaa60, 0xaa7f},   /* Myanmar */
        {0xf900, 0xfaff},   /* ideographs */
        {0xff66, 0xff9f},   /* kana */
        {0x1b000, 0x1b16f}, /* kana */
        {0x20000, 0x3ffff}, /* ideographs */
    };

    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
        if (c <= scripts[i].last)
            return c >= scripts[i].first;
    return false;
}

/* --- runs of letters and digits ----------------------------------------- */

struct reader {
    const char *begin, *at, *end;
    struct buf text;     /* all runs so far, in lower case and composed */
    size_t run;          /* where in that the last one begins, */
    const char *started; /* and where in what is read */
    size_t number;       /* bytes that it begins with and that are a word */
    bool is_divided;     /* it has letters that are words by themselves */
};

static void begin(struct reader *reader, struct text text)
{
    reader->begin = text.data;
    reader->at = text.data;
    reader->end = text.data + text.len;
}

static size_t rest(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Bytes of an entity of HTML, such as "&amp;", "&#39;" or "&#x27;"; or 0. */
static size_t entity_size(const char *at, size_t left)
{
    const char *set = "0123456789.-:_abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t start = 1;

    if (at[0] != '&' || isdigit((unsigned char)at[1]) || at[1] == '.' ||
        at[1] == '-')
        return 0;
    if (at[1] == '#') {
        bool is_hexadecimal = at[2] == 'x' || at[2] == 'X';
        set = is_hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
        start = is_hexadecimal ? 3 : 2;
    }
    size_t size = strspn(at + start, set);
    bool is_entity = size > 0 && start + size < left && at[start + size] == ';';
    return is_entity ? start + size + 1 : 0;
}

static void skip_gap(struct reader *reader)
{
    ucs4_t c;

    while (rest(reader) > 0) {
        size_t size = entity_size(reader->at, rest(reader));
        if (size == 0) {
            size = decode(reader->at, rest(reader), &c);
            if (is_letter(c))
                return;
        }
        reader->at += size;
    }
}

static void take_ascii(struct reader *reader)
{
    const char *start = reader->at;

    while (rest(reader) > 0 && (unsigned char)*reader->at < 0x80 &&
           isalnum((unsigned char)*reader->at))
        reader->at++;
    size_t size = (size_t)(reader->at - start);
    buf_add(&reader->text, start, size);
    if (reader->text.failed)
        return;
    for (char *p = reader->text.data + reader->text.len - size; *p; p++)
        *p = (char)tolower((unsigned char)*p);
}

static void compose(struct reader *reader)
{
    size_t size;
    uint8_t *composed = u8_normalize(UNINORM_NFC,
        (const uint8_t *)reader->text.data + reader->run,
        reader->text.len - reader->run, NULL, &size);

    reader->text.len = reader->run;
    if (composed)
        buf_add(&reader->text, composed, size);
    else
        reader->text.failed = true;
    free(composed);
}

static void take_run(struct reader *reader)
{
    bool is_composed = true;
    uint8_t bytes[4];
    ucs4_t c;

    reader->run = reader->text.len;
    reader->is_divided = false;
    for (;;) {
        take_ascii(reader);
        size_t size = rest(reader) ? decode(reader->at, rest(reader), &c) : 0;
        if (size == 0 || (!is_letter(c) && !is_mark(c)))
            break;
        c = uc_tolower(c);
        is_composed &= c < 0x300; /* nothing below composes with another */
        reader->is_divided |= stands_alone(c);
        buf_add(
            &reader->text, bytes, (size_t)u8_uctomb(bytes, c, sizeof(bytes)));
        reader->at += size;
    }
    if (!is_composed && !reader->text.failed)
        compose(reader);
}

/* Whether what was taken, from `start` on, is the "http" of "http://". */
static bool is_scheme(const struct reader *reader, const char *start)
{
    if (rest(reader) < 3 || memcmp(reader->at, "://", 3) != 0 ||
        (start > reader->begin &&
            ((unsigned char)start[-1] >= 0x80 || strchr("-./@~", start[-1]))))
        return false;
    while (start < reader->at && (unsigned char)*start < 0x80 &&
           isalpha((unsigned char)*start))
        start++;
    return start == reader->at;
}

/* Bytes of a number that PostgreSQL parts from letters behind it, where it has
 * a sign, a dot or an exponent: "-5kg", "2.5kg", "1e5kg"; or 0. */
static size_t number_size(const struct reader *reader, const char *start)
{
    static const char digits[] = "0123456789";
    bool is_signed = start > reader->begin && strchr("-+.", start[-1]);
    size_t size = strspn(start, digits);
    size_t exponent = 0;

    if (size > 0 && (start[size] == 'e' || start[size] == 'E'))
        exponent = strspn(start + size + 1, digits);
    if (exponent > 0)
        return size + 1 + exponent;
    return is_signed ? size : 0;
}

static bool read_run(struct reader *reader)
{
    for (;;) {
        skip_gap(reader);
        if (rest(reader) == 0 || reader->text.failed)
            return false;
        const char *start = reader->at;
        reader->started = start;
        take_run(reader);
        reader->number = number_size(reader, start);
        if (!is_scheme(reader, start))
            return !reader->text.failed;
        reader->text.len = reader->run;
    }
}

/* A word of a run, from `at` in the text on: its bytes. */
static size_t word_size(const struct reader *reader, size_t at)
{
    const char *start = reader->text.data + at;
    size_t left = reader->text.len - at;
    ucs4_t c;

    if (at == reader->run && reader->number > 0)
        return reader->number;
    if (!reader->is_divided)
        return left;
    size_t size = decode(start, left, &c);
    bool is_alone = stands_alone(c);
    while (size < left) {
        size_t more = decode(start + size, left - size, &c);
        if (is_alone ? !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M)
                     : stands_alone(c))
            break;
        size += more;
    }
    return size;
}

/* --- documents ---------------------------------------------------------- */

/* A word in its place; key: its first bytes, which sort it for the most part.
 */
struct entry {
    uint64_t key;
    uint32_t start;
    uint16_t size;
    uint16_t place; /* with its weight */
};

struct document {
    const struct language *language;
    struct reader reader; /* behind the runs come the forms of their words */
    struct buf entries;
    struct buf forms; /* of one word */
    int places;
};

static void add_entry(
    struct document *document, size_t start, size_t size, int place, int weight)
{
    struct entry entry = {
        .start = (uint32_t)start,
        .size = (uint16_t)size,
        .place = (uint16_t)(weight | (place < PLACE_MAX ? place : PLACE_MAX)),
    };
    memcpy(&entry.key, document->reader.text.data + start,
        size < sizeof(entry.key) ? size : sizeof(entry.key));
    entry.key = be64toh(entry.key);
    buf_add(&document->entries, &entry, sizeof(entry));
}

static void add_form(struct document *document, const struct entry *word,
    const char *form, int weight)
{
    struct buf *text = &document->reader.text;
    size_t size = strlen(form);
    size_t start = text->len;

    if (size == word->size && memcmp(form, text->data + word->start, size) == 0)
        return;
    buf_add(text, form, size);
    if (size <= WORD_MAX && !text->failed)
        add_entry(document, start, size, word->place & PLACE_MAX, weight);
}

/* Of those words that were entered last, from the entry number `first` on. */
static void add_forms(struct document *document, size_t first, int weight)
{
    struct buf *forms = &document->forms;
    size_t end = document->entries.len / sizeof(struct entry);

    for (size_t i = first; i < end && !document->reader.text.failed; i++) {
        struct entry word = ((struct entry *)(void *)document->entries.data)[i];
        buf_reset(forms, forms->cap);
        language_forms(document->language,
            document->reader.text.data + word.start, word.size, forms);
        document->reader.text.failed |= forms->failed;
        const char *form = buf_text(forms);
        for (; form < forms->data + forms->len; form += strlen(form) + 1)
            add_form(document, &word, form, weight);
    }
}

static void add_text(struct document *document, struct text text, int weight)
{
    struct reader *reader = &document->reader;
    size_t size;

    begin(reader, text);
    while (read_run(reader)) {
        int first = document->places + 1;
        size_t first_entry = document->entries.len / sizeof(struct entry);
        for (size_t at = reader->run; at < reader->text.len; at += size) {
            size = word_size(reader, at);
            if (size <= WORD_MAX)
                add_entry(document, at, size, ++document->places, weight);
        }
        size = reader->text.len - reader->run;
        if (document->places > first && size <= WORD_MAX)
            add_entry(document, reader->run, size, first, weight);
        if (document->language != &language_simple)
            add_forms(document, first_entry, weight);
    }
}

static int compare_words(
    const struct entry *a, const struct entry *b, const char *text)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    size_t common = a->size < b->size ? a->size : b->size;
    int order = memcmp(text + a->start, text + b->start, common);
    return order ? order : a->size - b->size;
}

static int compare_entries(const void *a, const void *b, void *text)
{
    const struct entry *one = a, *other = b;
    int order = compare_words(one, other, text);

    return order ? order
                 : (one->place & PLACE_MAX) - (other->place & PLACE_MAX);
}

static void put16(char *at, int number)
{
    uint16_t bytes = htobe16((uint16_t)number);

    memcpy(at, &bytes, sizeof(bytes));
}

static void add16(struct buf *out, int number)
{
    char bytes[2];

    put16(bytes, number);
    buf_add(out, bytes, sizeof(bytes));
}

/* A word and its places, which stand first in `list`; how many they are. */
static size_t print_word(
    const struct entry *list, size_t count, const char *text, struct buf *out)
{
    size_t used = 0;
    int places = 0;
    int last = 0;

    buf_add(out, text + list->start, list->size);
    buf_add(out, "", 1);
    size_t head = out->len;
    add16(out, 0);
    for (; used < count && compare_words(list, list + used, text) == 0;
         used++) {
        int place = list[used].place & PLACE_MAX;
        if (place == last || places == PLACES_MAX)
            continue;
        add16(out, list[used].place);
        last = place;
        places++;
    }
    if (!out->failed)
        put16(out->data + head, places);
    return used;
}

static void print_vector(const struct document *document, struct buf *out)
{
    struct entry *list = (struct entry *)(void *)document->entries.data;
    size_t count = document->entries.len / sizeof(*list);
    char *text = document->reader.text.data;
    uint32_t words = 0;
    size_t head = out->len;

    buf_add(out, &words, sizeof(words));
    if (count > 0)
        qsort_r(list, count, sizeof(*list), compare_entries, text);
    for (size_t i = 0; i < count; words++)
        i += print_word(list + i, count - i, text, out);
    words = htobe32(words);
    if (!out->failed)
        memcpy(out->data + head, &words, sizeof(words));
}

void words_document(const struct language *language, struct text subject,
    struct text story, struct buf *out)
{
    struct document document = {.language = language};

    add_text(&document, subject, WEIGHT_A);
    add_text(&document, story, 0);
    if (document.reader.text.failed || document.entries.failed)
        out->failed = true;
    else
        print_vector(&document, out);
    buf_free(&document.reader.text);
    buf_free(&document.entries);
    buf_free(&document.forms);
}

/* --- queries ------------------------------------------------------------ */

/* What is left of keywords, and the part that was read last. */
struct query {
    const char *at, *end;
    struct text part;
    bool is_phrase;
    int negations;
};

static bool is_space(const char *at, size_t left, size_t *size)
{
    ucs4_t c;

    *size = decode(at, left, &c);
    return uc_is_space(c);
}

static bool is_operator(char c)
{
    return c && strchr("!&|()<", c);
}

static void skip_gap_of(struct query *query)
{
    size_t size;

    for (; query->at < query->end; query->at += size)
        if (!is_space(query->at, (size_t)(query->end - query->at), &size) &&
            !is_operator(*query->at))
            return;
}

/* Whether `or` stands there, as a word, and something behind it. */
static bool take_or(struct query *query)
{
    size_t size;
    ucs4_t c;

    skip_gap_of(query);
    const char *at = query->at + 2;
    if (query->end - query->at < 4 || strncasecmp(query->at, "or", 2) != 0)
        return false;
    decode(at, (size_t)(query->end - at), &c);
    if (c == '-' || c == '_' || is_letter(c))
        return false;
    do
        at += decode(at, (size_t)(query->end - at), &c);
    while (at < query->end && is_space(at, (size_t)(query->end - at), &size));
    if (at == query->end)
        return false;
    query->at += 2;
    return true;
}

/* At a colon as well, but not at that of "http://". */
static bool ends_part(const struct query *query, const char *at)
{
    size_t left = (size_t)(query->end - at);
    size_t size;

    if (query->is_phrase || *at == '"')
        return *at == '"';
    if (*at == ':')
        return left < 3 || at[1] != '/' || at[2] != '/';
    return is_operator(*at) || is_space(at, left, &size);
}

static bool take_part(struct query *query)
{
    query->negations = 0;
    for (skip_gap_of(query); query->at < query->end && *query->at == '-';
         skip_gap_of(query)) {
        query->negations++;
        query->at++;
    }
    if (query->at == query->end)
        return false;
    query->is_phrase = *query->at == '"';
    const char *start = query->at + query->is_phrase;
    const char *at = query->at + 1;
    while (at < query->end && !ends_part(query, at))
        at++;
    query->part = (struct text){start, (size_t)(at - start)};
    query->at = at < query->end && query->is_phrase ? at + 1 : at;
    return true;
}

/* A word, by any of its forms. */
static void print_word_of_query(const struct language *language,
    const char *word, size_t size, struct buf *out)
{
    struct buf forms = {0};

    language_forms(language, word, size, &forms);
    const char *end = forms.data + forms.len;
    const char *form = buf_text(&forms);
    bool is_alone = strlen(form) + 1 == forms.len;
    buf_puts(out, is_alone ? "" : "(");
    for (; form < end; form += strlen(form) + 1)
        buf_printf(out, "%s'%s'", form > forms.data ? " | " : "", form);
    buf_puts(out, is_alone ? "" : ")");
    out->failed |= forms.failed;
    buf_free(&forms);
}

/* The words of a part as a phrase; how many they are. */
static int print_phrase(
    const struct language *language, struct text part, struct buf *out)
{
    struct reader reader = {0};
    int count = 0;
    size_t size;

    begin(&reader, part);
    while (read_run(&reader))
        for (size_t at = reader.run; at < reader.text.len; at += size) {
            size = word_size(&reader, at);
            if (size > WORD_MAX)
                continue;
            buf_puts(out, count++ > 0 ? " <-> " : "");
            print_word_of_query(language, reader.text.data + at, size, out);
        }
    out->failed |= reader.text.failed;
    buf_free(&reader.text);
    return count;
}

static void print_raw(struct text part, struct buf *out)
{
    for (size_t i = 0; i < part.len; i++)
        buf_add(
            out, (unsigned char)part.data[i] < ' ' ? " " : part.data + i, 1);
}

/* --- places ------------------------------------------------------------- */

static void add_wanted(
    const struct language *language, struct text part, struct buf *wanted)
{
    struct reader reader = {0};
    size_t size;

    begin(&reader, part);
    while (read_run(&reader))
        for (size_t at = reader.run; at < reader.text.len; at += size) {
            size = word_size(&reader, at);
            language_forms(language, reader.text.data + at, size, wanted);
        }
    wanted->failed |= reader.text.failed;
    buf_free(&reader.text);
}

void words_wanted(
    const struct language *language, struct text keywords, struct buf *wanted)
{
    struct query query = {
        .at = keywords.data, .end = keywords.data + keywords.len};

    for (; take_part(&query); take_or(&query))
        if (query.negations % 2 == 0)
            add_wanted(language, query.part, wanted);
}

/* What a text is held against, and room for the forms of one word. */
struct search {
    const struct language *language;
    const struct buf *wanted;
    struct buf forms;
};

static bool has_form(const struct buf *forms, const char *word, size_t size)
{
    const char *end = forms->data + forms->len;

    for (const char *at = forms->data; at < end; at += strlen(at) + 1)
        if (strlen(at) == size && memcmp(at, word, size) == 0)
            return true;
    return false;
}

static bool is_wanted(struct search *search, const char *word, size_t size)
{
    struct buf *forms = &search->forms;

    if (has_form(search->wanted, word, size))
        return true;
    if (search->language == &language_simple)
        return false;
    buf_reset(forms, forms->cap);
    language_forms(search->language, word, size, forms);
    const char *form = buf_text(forms);
    for (; form < forms->data + forms->len; form += strlen(form) + 1)
        if (has_form(search->wanted, form, strlen(form)))
            return true;
    return false;
}

static int count_characters(const char *start, const char *end)
{
    int count = 0;

    for (; start < end; start++)
        count += ((unsigned char)*start & 0xc0) != 0x80;
    return count;
}

static int add_span(struct span *spans, int count, int from, int to)
{
    if (count > 0 && spans[count - 1].to >= from) {
        spans[count - 1].to = to;
        return count;
    }
    if (count < SPANS_MAX)
        spans[count++] = (struct span){from, to};
    return count;
}

/* Within a run a word has the places of its characters, unless composing took
 * some of them: then it is the whole run's. */
static int find_in_run(struct search *search, const struct reader *reader,
    int from, int to, struct span *spans, int count)
{
    const char *run = reader->text.data + reader->run;
    const char *end = reader->text.data + reader->text.len;
    bool is_same = count_characters(run, end) == to - from;
    size_t size;

    for (size_t at = reader->run; at < reader->text.len; at += size) {
        const char *word = reader->text.data + at;
        size = word_size(reader, at);
        if (!is_wanted(search, word, size))
            continue;
        int start = from + count_characters(run, word);
        count = is_same ? add_span(spans, count, start,
                              start + count_characters(word, word + size))
                        : add_span(spans, count, from, to);
    }
    return count;
}

int words_find(const struct language *language, const struct buf *wanted,
    struct text text, struct span spans[SPANS_MAX])
{
    struct search search = {.language = language, .wanted = wanted};
    struct reader reader = {0};
    const char *counted = text.data;
    int characters = 0;
    int count = 0;

    begin(&reader, text);
    while (read_run(&reader)) {
        characters += count_characters(counted, reader.started);
        int from = characters;
        characters += count_characters(reader.started, reader.at);
        counted = reader.at;
        count = find_in_run(&search, &reader, from, characters, spans, count);
        buf_reset(&reader.text, reader.text.cap);
    }
    buf_free(&reader.text);
    buf_free(&search.forms);
    return count;
}

/* --- queries, as PostgreSQL takes them ---------------------------------- */

bool words_query(const struct language *language, struct text keywords,
    struct buf *ours, struct buf *raw)
{
    struct query query = {
        .at = keywords.data, .end = keywords.data + keywords.len};
    struct buf phrase = {0};
    bool is_first = true;
    bool is_or = false;

    for (; take_part(&query); is_or |= take_or(&query)) {
        buf_reset(&phrase, phrase.cap);
        if (print_phrase(language, query.part, &phrase) == 0)
            continue;
        buf_puts(ours, is_first ? "" : is_or ? "\n | " : "\n & ");
        for (int i = 0; i < query.negations; i++)
            buf_puts(ours, "!");
        buf_printf(ours, "(%s", buf_text(&phrase));
        ours->failed |= phrase.failed;
        buf_puts(raw, is_first ? "" : "\n");
        print_raw(query.part, raw);
        is_first = is_or = false;
    }
    buf_free(&phrase);
    return !is_first;
}
