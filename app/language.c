/* Languages of the search: by which forms a word is found. The only file that
 * knows libstemmer. */
#include <stdlib.h>
#include <string.h>

#include <libstemmer.h>
#include <uninorm.h>
#include <unistr.h>

#include "language.h"

static const char unaccent[] = "+unaccent";

struct language {
    const char *name;
    struct sb_stemmer *stemmer; /* NULL: words stay whole */
    bool unaccents;
    struct language *next;
};

const struct language language_simple = {.name = "simple"};

/* --- which there are ---------------------------------------------------- */

static bool make_stemmer(const char *name, struct sb_stemmer **stemmer)
{
    *stemmer = NULL;
    if (strcmp(name, language_simple.name) == 0)
        return true;
    for (const char **known = sb_stemmer_list(); *known; known++)
        if (strcmp(*known, name) == 0) /* and none of their short names */
            *stemmer = sb_stemmer_new(name, "UTF_8");
    return *stemmer != NULL;
}

static struct language *make(const char *name)
{
    struct language *language = calloc(1, sizeof(*language));
    char *copy = strdup(name);
    char *base = strdup(name);
    bool is_made = false;

    if (language && copy && base) {
        char *end = strchr(base, '+');
        language->name = copy;
        language->unaccents = end && strcmp(end, unaccent) == 0;
        if (language->unaccents)
            *end = '\0';
        is_made = make_stemmer(base, &language->stemmer);
    }
    free(base);
    if (is_made)
        return language;
    free(copy);
    free(language);
    return NULL;
}

const struct language *language_find(const char *name)
{
    static struct language *all;
    struct language *language = all;

    if (strcmp(name, language_simple.name) == 0)
        return &language_simple;
    while (language && strcmp(language->name, name) != 0)
        language = language->next;
    if (language)
        return language;
    language = make(name);
    if (language) {
        language->next = all;
        all = language;
    }
    return language;
}

const char *language_name(const struct language *language)
{
    return language->name;
}

void language_print_all(struct buf *names)
{
    buf_puts(names, language_simple.name);
    for (const char **known = sb_stemmer_list(); *known; known++)
        buf_printf(names, " %s", *known);
}

/* --- accents ------------------------------------------------------------ */

/* Accents of Latin, Greek and Cyrillic letters, points of Hebrew and Arabic
 * ones. Marks of other scripts make another letter. */
static bool is_accent(ucs4_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x591 && c <= 0x5c7) ||
           (c >= 0x610 && c <= 0x61a) || (c >= 0x64b && c <= 0x65f) ||
           c == 0x670;
}

/* What letters that have no parts are written as where they cannot be typed;
 * NULL: this is none. */
static const char *plain_letters(ucs4_t c)
{
    static const struct {
        ucs4_t c;
        const char *letters;
    } table[] = {
        {0xdf, "ss"}, /* ß */
        {0xe6, "ae"}, /* æ */
        {0xf0, "d"},  /* ð */
        {0xf8, "o"},  /* ø */
        {0xfe, "th"}, /* þ */
        {0x111, "d"}, /* đ */
        {0x127, "h"}, /* ħ */
        {0x131, "i"}, /* ı */
        {0x142, "l"}, /* ł */
        {0x153, "oe"} /* œ */
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].c == c)
            return table[i].letters;
    return NULL;
}

static void drop_accents(const uint8_t *parts, size_t size, struct buf *out)
{
    ucs4_t c;

    for (size_t at = 0; at < size;) {
        size_t bytes = (size_t)u8_mbtouc(&c, parts + at, size - at);
        const char *letters = plain_letters(c);
        if (letters)
            buf_puts(out, letters);
        else if (!is_accent(c))
            buf_add(out, parts + at, bytes);
        at += bytes;
    }
}

/* Appends a word without its accents; one of nothing else stays. */
static void fold(const char *word, size_t size, struct buf *out)
{
    struct buf bare = {0};
    size_t parts_size, folded_size;
    uint8_t *parts = u8_normalize(
        UNINORM_NFD, (const uint8_t *)word, size, NULL, &parts_size);

    if (parts)
        drop_accents(parts, parts_size, &bare);
    if (bare.len == 0)
        buf_add(&bare, word, size);
    uint8_t *folded = u8_normalize(UNINORM_NFC,
        (const uint8_t *)buf_text(&bare), bare.len, NULL, &folded_size);
    if (parts && folded && !bare.failed)
        buf_add(out, folded, folded_size);
    else
        out->failed = true;
    free(parts);
    free(folded);
    buf_free(&bare);
}

static bool is_ascii(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)word[i] >= 0x80)
            return false;
    return true;
}

/* --- forms -------------------------------------------------------------- */

/* Appends a word's stem; one that has none stays. */
static void stem(const struct language *language, const char *word, size_t size,
    struct buf *out)
{
    struct sb_stemmer *stemmer = language->stemmer;
    const sb_symbol *stemmed =
        stemmer ? sb_stemmer_stem(stemmer, (const sb_symbol *)word, (int)size)
                : NULL;

    if (stemmed && sb_stemmer_length(stemmer) > 0)
        buf_add(out, stemmed, (size_t)sb_stemmer_length(stemmer));
    else
        buf_add(out, word, size);
    out->failed |= stemmer && !stemmed;
}

/* With accents both ways: who writes them gets the better stem, "télévisé" for
 * "télévisée", and who does not, the stem of what was typed. */
void language_forms(const struct language *language, const char *word,
    size_t size, struct buf *forms)
{
    struct buf made = {0};
    size_t first = forms->len;

    stem(language, word, size, &made);
    if (!language->unaccents || is_ascii(word, size)) {
        buf_add(forms, buf_text(&made), made.len + 1);
    } else {
        fold(buf_text(&made), made.len, forms);
        buf_add(forms, "", 1);
        size_t second = forms->len;
        buf_reset(&made, made.cap);
        fold(word, size, &made);
        stem(language, buf_text(&made), made.len, forms);
        buf_add(forms, "", 1);
        if (!forms->failed &&
            strcmp(forms->data + first, forms->data + second) == 0)
            forms->len = second;
    }
    forms->failed |= made.failed;
    buf_free(&made);
}
