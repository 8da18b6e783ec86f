/* Regular expressions that cannot take unbounded time; the only file that
 * knows PCRE2. */
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "buf.h"
#include "pattern.h"

enum {
    STEPS_MAX = 100000,  /* from one place in the text */
    HEAP_MAX = 16 << 10, /* KiB */
};

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

/* White space by ECMA-262 (WhiteSpace and LineTerminator) and all else, as the
 * inside of a class. PCRE2 counts others: with PCRE2_UCP U+0085 and U+180E, and
 * never U+FEFF. */
#define SPACE                                                           \
    "\\u0009-\\u000d\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029" \
    "\\u202f\\u205f\\u3000\\ufeff"
#define NO_SPACE                                                   \
    "\\u0000-\\u0008\\u000e-\\u001f\\u0021-\\u009f\\u00a1-\\u167f" \
    "\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e" \
    "\\u2060-\\u2fff\\u3001-\\ufefe\\uff00-" /* to U+10FFFF: */    \
    "\xF4\x8F\xBF\xBF"

/* Writes \s and \S out. */
static void translate(const char *text, struct buf *out)
{
    bool in_class = false;

    for (const char *p = text; *p; p++) {
        if (*p == '\\' && (p[1] == 's' || p[1] == 'S')) {
            const char *set = *++p == 's' ? SPACE : NO_SPACE;
            buf_printf(out, in_class ? "%s" : "[%s]", set);
            continue;
        }
        if (*p == '[')
            in_class = true;
        if (*p == ']')
            in_class = false;
        buf_add(out, p, *p == '\\' && p[1] ? 2 : 1);
        p += *p == '\\' && p[1];
    }
}

static pcre2_code *compile(
    const char *text, char reason[static PATTERN_REASON_MAX])
{
    PCRE2_UCHAR message[PATTERN_REASON_MAX - 32];
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
            PCRE2_ALLOW_EMPTY_CLASS,
        &error, &at, NULL);

    if (code)
        return code;
    pcre2_get_error_message(error, message, sizeof(message));
    snprintf(reason, PATTERN_REASON_MAX, "%s at character %zu", message,
        (size_t)at + 1);
    return NULL;
}

/* Once as it stands, for its faults to be where they are. */
static pcre2_code *compile_translated(
    const char *text, char reason[static PATTERN_REASON_MAX])
{
    pcre2_code *code = compile(text, reason);
    struct buf translated = {0};

    if (!code)
        return NULL;
    pcre2_code_free(code);
    code = NULL;
    translate(text, &translated);
    if (translated.failed)
        snprintf(reason, PATTERN_REASON_MAX, "no memory");
    else
        code = compile(buf_text(&translated), reason);
    buf_free(&translated);
    return code;
}

struct pattern *pattern_new(
    const char *text, char reason[static PATTERN_REASON_MAX])
{
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    if (!pattern)
        goto no_memory;

    pattern->code = compile_translated(text, reason);
    if (!pattern->code)
        goto failed;
    pattern->data = pcre2_match_data_create(1, NULL);
    pattern->limits = pcre2_match_context_create(NULL);
    if (!pattern->data || !pattern->limits)
        goto no_memory;
    pcre2_set_match_limit(pattern->limits, STEPS_MAX);
    pcre2_set_heap_limit(pattern->limits, HEAP_MAX);
    return pattern;

no_memory:
    snprintf(reason, PATTERN_REASON_MAX, "no memory");
failed:
    pattern_free(pattern);
    return NULL;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_match_data_free(pattern->data);
    pcre2_code_free(pattern->code);
    free(pattern);
}

bool pattern_matches(
    const struct pattern *pattern, const char *bytes, size_t len, bool *failed)
{
    int found = pcre2_match(pattern->code, (PCRE2_SPTR)bytes, len, 0, 0,
        pattern->data, pattern->limits);

    *failed |= found == PCRE2_ERROR_NOMEMORY;
    return found >= 0;
}
