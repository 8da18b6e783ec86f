/* Regular expressions that cannot take unbounded time; the only file that
 * knows PCRE2. */
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

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

struct pattern *pattern_new(
    const char *text, char reason[static PATTERN_REASON_MAX])
{
    int error;
    PCRE2_SIZE at;
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    if (!pattern)
        goto no_memory;

    pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
        PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX, &error,
        &at, NULL);
    if (!pattern->code) {
        PCRE2_UCHAR message[PATTERN_REASON_MAX - 32];
        pcre2_get_error_message(error, message, sizeof(message));
        snprintf(reason, PATTERN_REASON_MAX, "%s at character %zu", message,
            (size_t)at + 1);
        goto failed;
    }
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
