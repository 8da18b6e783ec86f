/* The text that a Prometheus reads, in its own format (0.0.4) or that of
 * OpenMetrics 1.0. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exposition.h"

static const char *const types[] = {
    [EXPOSITION_COUNTER] = "counter",
    [EXPOSITION_GAUGE] = "gauge",
    [EXPOSITION_HISTOGRAM] = "histogram",
    [EXPOSITION_INFO] = "info",
};

/* Of a name in both formats; in the older one it is the whole metric's, too. */
static const char *ending(enum exposition_type type)
{
    return type == EXPOSITION_COUNTER ? "_total"
           : type == EXPOSITION_INFO  ? "_info"
                                      : "";
}

void exposition_begin(struct exposition *e, enum exposition_type type,
    const char *name, const char *unit, const char *help)
{
    const char *end = e->is_openmetrics ? "" : ending(type);
    const char *word = types[type];

    if (type == EXPOSITION_INFO && !e->is_openmetrics)
        word = types[EXPOSITION_GAUGE];
    e->type = type;
    e->name = name;
    buf_printf(e->out, "# HELP %s%s %s\n", name, end, help);
    buf_printf(e->out, "# TYPE %s%s %s\n", name, end, word);
    if (unit && e->is_openmetrics)
        buf_printf(e->out, "# UNIT %s %s\n", name, unit);
}

static void print_value(struct buf *out, const char *value)
{
    for (; *value; value++)
        if (*value == '\n')
            buf_puts(out, "\\n");
        else {
            if (*value == '"' || *value == '\\')
                buf_puts(out, "\\");
            buf_add(out, value, 1);
        }
}

/* bound: of a bucket; NULL: it is none. */
static void print_name(struct exposition *e, const char *end,
    const struct exposition_label *labels, const char *bound)
{
    const char *before = "{";

    buf_printf(e->out, "%s%s", e->name, end);
    for (int i = 0; labels && i < EXPOSITION_LABELS && labels[i].name; i++) {
        buf_printf(e->out, "%s%s=\"", before, labels[i].name);
        print_value(e->out, labels[i].value);
        buf_puts(e->out, "\"");
        before = ",";
    }
    if (bound)
        buf_printf(e->out, "%sle=\"%s\"", before, bound);
    buf_puts(e->out, bound || *before == ',' ? "} " : " ");
}

static void print_count(struct exposition *e, const char *end,
    const struct exposition_label *labels, const char *bound, uint64_t count)
{
    print_name(e, end, labels, bound);
    buf_printf(e->out, "%" PRIu64 "\n", count);
}

static void print_number(struct exposition *e, const char *end,
    const struct exposition_label *labels, double value)
{
    char text[32];

    print_name(e, end, labels, NULL);
    snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) == value) /* 2.9, not 2.8999999999999999 */
        buf_printf(e->out, "%s\n", text);
    else
        buf_printf(e->out, "%.17g\n", value);
}

static void print_created(
    struct exposition *e, const struct exposition_label *labels)
{
    if (!e->is_openmetrics)
        return;
    print_name(e, "_created", labels, NULL);
    buf_printf(e->out, "%.3f\n", e->created);
}

void exposition_count(
    struct exposition *e, const struct exposition_label *labels, uint64_t count)
{
    print_count(e, ending(e->type), labels, NULL, count);
    print_created(e, labels);
}

void exposition_gauge(
    struct exposition *e, const struct exposition_label *labels, double value)
{
    print_number(e, "", labels, value);
}

void exposition_info(
    struct exposition *e, const struct exposition_label *labels)
{
    print_count(e, ending(e->type), labels, NULL, 1);
}

void exposition_histogram(struct exposition *e,
    const struct exposition_label *labels, const char *const *bounds,
    const uint64_t *counts, int buckets, double sum)
{
    uint64_t count = 0;

    for (int i = 0; i < buckets; i++) {
        count += counts[i];
        print_count(
            e, "_bucket", labels, i < buckets - 1 ? bounds[i] : "+Inf", count);
    }
    print_number(e, "_sum", labels, sum);
    print_count(e, "_count", labels, NULL, count);
    print_created(e, labels);
}

void exposition_end(struct exposition *e)
{
    if (e->is_openmetrics)
        buf_puts(e->out, "# EOF\n");
}

/* --- which of the two --------------------------------------------------- */

/* How much one entry of an Accept is wanted (RFC 9110, 12.4.2). */
static double weight_of(const char *entry, size_t len)
{
    const char *end = entry + len;

    for (const char *p = entry; p < end; p++)
        if (*p == ';') {
            p += 1 + strspn(p + 1, " \t");
            if (end - p > 2 && strncasecmp(p, "q=", 2) == 0)
                return strtod(p + 2, NULL);
        }
    return 1;
}

static double weight(const char *accept, const char *type)
{
    double most = 0;

    for (size_t len; *accept; accept += len + (accept[len] == ',')) {
        len = strcspn(accept, ",");
        const char *entry = accept + strspn(accept, " \t");
        if (strncasecmp(entry, type, strlen(type)) == 0 &&
            strchr(" \t;,", entry[strlen(type)])) {
            double w = weight_of(entry, (size_t)(accept + len - entry));
            most = w > most ? w : most;
        }
    }
    return most;
}

bool exposition_wants_openmetrics(const char *accept)
{
    double open = accept ? weight(accept, "application/openmetrics-text") : 0;

    return open > 0 && open >= weight(accept, "text/plain");
}

const char *exposition_content_type(bool is_openmetrics)
{
    return is_openmetrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
