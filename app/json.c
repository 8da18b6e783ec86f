/* JSON to model and back: looking into values, and printing straight into a
 * buffer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "error.h"
#include "json.h"

#define BYTES UINT64_C(0x0101010101010101) /* times c: eight of c */

/* --- reading ------------------------------------------------------------ */

void json_free(struct json_object *value)
{
    json_object_put(value);
}

bool json_has(struct json_object *object, const char *name)
{
    return json_object_object_get_ex(object, name, NULL);
}

struct json_object *json_member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

size_t json_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array)
               ? json_object_array_length(array)
               : 0;
}

struct json_object *json_entry(struct json_object *array, size_t i)
{
    return json_object_array_get_idx(array, i);
}

static bool is_text(struct json_object *value, const char *text)
{
    return json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), text) == 0;
}

bool json_names(struct json_object *value, const char *text)
{
    if (!json_object_is_type(value, json_type_array))
        return is_text(value, text);
    for (size_t i = 0; i < json_object_array_length(value); i++)
        if (is_text(json_object_array_get_idx(value, i), text))
            return true;
    return false;
}

struct text json_text(struct json_object *object, const char *name)
{
    return json_value_text(json_member(object, name));
}

struct text json_value_text(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return (struct text){.data = "", .len = 0};
    return (struct text){
        .data = json_object_get_string(value),
        .len = (size_t)json_object_get_string_len(value),
    };
}

int64_t json_int(struct json_object *value)
{
    if (json_object_is_type(value, json_type_int)) {
        int64_t number = json_object_get_int64(value);
        bool saturated =
            number == INT64_MAX && json_object_get_uint64(value) != INT64_MAX;
        return saturated ? 0 : number;
    }
    double number = json_object_is_type(value, json_type_double)
                        ? json_object_get_double(value)
                        : 0;
    bool exact = number >= -9007199254740992.0 &&
                 number <= 9007199254740992.0 &&
                 (double)(int64_t)number == number;
    return exact ? (int64_t)number : 0;
}

bool json_number(struct json_object *object, const char *name, double *number)
{
    struct json_object *value = json_member(object, name);

    *number = json_object_get_double(value);
    return json_object_is_type(value, json_type_int) ||
           json_object_is_type(value, json_type_double);
}

static bool parse_id(const char *text, int64_t *id)
{
    char *end;

    if (*text < '1' || *text > '9')
        return false;
    errno = 0;
    *id = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

bool json_reference(struct json_object *object, const char *name, int64_t *id)
{
    static const char link[] = "/participant/";
    struct json_object *value = json_member(object, name);

    if (!json_object_is_type(value, json_type_string)) {
        *id = json_int(value);
        return *id > 0;
    }
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value))
        return false;
    if (strncmp(text, link, sizeof(link) - 1) == 0)
        text += sizeof(link) - 1;
    return parse_id(text, id);
}

/* --- printing ----------------------------------------------------------- */

static void print_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[] =
        "\"\"\\\\\bb\ff\nn\rr\tt"; /* char, its letter */

    for (size_t i = 0; i + 1 < sizeof(names); i += 2)
        if ((unsigned char)names[i] == c) {
            buf_add(out, (char[]){'\\', names[i + 1]}, 2);
            return;
        }
    buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* The high bit of some byte is set if any of the eight is below n, which is at
 * most 128 (hasless in Anderson, Bit Twiddling Hacks). */
static uint64_t find_below(uint64_t word, uint64_t n)
{
    return (word - BYTES * n) & ~word & BYTES << 7;
}

/* The same of eight bytes at once. */
static bool are_plain(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return !(find_below(word, 0x20) | find_below(word ^ BYTES * '"', 1) |
             find_below(word ^ BYTES * '\\', 1));
}

void json_print_text(struct buf *out, struct text text)
{
    const char *end = text.data + text.len;
    const char *plain = text.data; /* what is not printed yet */
    const char *p = text.data;

    buf_add(out, "\"", 1);
    while (p < end) {
        if (end - p >= 8 && are_plain(p)) {
            p += 8;
            continue;
        }
        if (!is_plain((unsigned char)*p)) {
            buf_add(out, plain, (size_t)(p - plain));
            print_escape(out, (unsigned char)*p);
            plain = p + 1;
        }
        p++;
    }
    buf_add(out, plain, (size_t)(end - plain));
    buf_add(out, "\"", 1);
}

void json_print_string(struct buf *out, const char *string)
{
    json_print_text(out, (struct text){.data = string, .len = strlen(string)});
}

static void print_link(struct buf *out, const char *name, int64_t id)
{
    buf_puts(out, ",\"");
    buf_puts(out, name);
    buf_puts(out, "\":\"/participant/");
    buf_int(out, id);
    buf_puts(out, "\"");
}

#define ADDED "{\"status\":200,"

static void print_participant(
    struct buf *out, const char *opening, const struct participant *p)
{
    buf_puts(out, opening);
    buf_puts(out, "\"id\":");
    buf_int(out, p->id);
    buf_puts(out, ",\"name\":");
    json_print_text(out, p->name);
    print_link(out, "link", p->id);
    buf_puts(out, "}");
}

void json_print_participant(struct buf *out, const struct participant *p)
{
    print_participant(out, "{", p);
}

void json_print_added_participant(struct buf *out, const struct participant *p)
{
    print_participant(out, ADDED, p);
}

static void print_friendship(
    struct buf *out, const char *opening, const struct friendship *f)
{
    buf_puts(out, opening);
    buf_puts(out, "\"id\":");
    buf_int(out, f->id);
    print_link(out, "from", f->from);
    print_link(out, "to", f->to);
    buf_puts(out, "}");
}

void json_print_friendship(struct buf *out, const struct friendship *f)
{
    print_friendship(out, "{", f);
}

void json_print_added_friendship(struct buf *out, const struct friendship *f)
{
    print_friendship(out, ADDED, f);
}

void json_print_refusal(struct buf *out, int status, const char *detail)
{
    buf_printf(out, "{\"status\":%d,\"title\":\"%s\",\"detail\":", status,
        error_title(status));
    json_print_string(out, detail);
    buf_puts(out, "}");
}

void json_print_marker(struct buf *out, const struct marker *m)
{
    buf_puts(out, "{\"last_read\":");
    buf_int(out, m->last_read);
    buf_puts(out, ",\"unread\":");
    buf_int(out, m->unread);
    buf_puts(out, ",\"more\":");
    buf_puts(out, m->more ? "true}" : "false}");
}

/* Prints the number into the digits in front of `end`, right to left. */
static void put_digits(char *end, int count, int number)
{
    for (; count > 0; count--, number /= 10)
        *--end = (char)('0' + number % 10);
}

/* By hand: printf's way takes as long as all the rest of an item. */
void json_print_time(struct buf *out, int64_t us)
{
    char text[] = "\"0000-00-00T00:00:00.000Z\"";
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    put_digits(text + 5, 4, tm.tm_year + 1900);
    put_digits(text + 8, 2, tm.tm_mon + 1);
    put_digits(text + 11, 2, tm.tm_mday);
    put_digits(text + 14, 2, tm.tm_hour);
    put_digits(text + 17, 2, tm.tm_min);
    put_digits(text + 20, 2, tm.tm_sec);
    put_digits(text + 24, 3, (int)(us % 1000000 / 1000));
    buf_add(out, text, sizeof(text) - 1);
}

void json_print_item_head(struct buf *out, const struct item *item)
{
    buf_puts(out, "{\"id\":");
    buf_int(out, item->id);
    print_link(out, "from", item->from);
}

void json_print_to(struct buf *out, int64_t to)
{
    print_link(out, "to", to);
}

static void print_item_link(struct buf *out, int64_t author, int64_t item)
{
    buf_puts(out, ",\"link\":\"/participant/");
    buf_int(out, author);
    buf_puts(out, "/outbound/");
    buf_int(out, item);
    buf_puts(out, "\"}");
}

void json_print_item_tail(struct buf *out, const struct item *item)
{
    buf_puts(out, ",\"occurred\":");
    json_print_time(out, item->occurred);
    if (item->edited) {
        buf_puts(out, ",\"edited\":");
        json_print_time(out, item->edited);
    }
    buf_puts(out, ",\"subject\":");
    json_print_text(out, item->subject);
    buf_puts(out, ",\"story\":");
    json_print_text(out, item->story);
    print_item_link(out, item->from, item->id);
}

void json_print_item(struct buf *out, const struct item *item)
{
    json_print_item_head(out, item);
    if (item->to)
        json_print_to(out, item->to);
    json_print_item_tail(out, item);
}

void json_print_items(struct buf *out, const struct item *items, int count)
{
    buf_puts(out, "[");
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_puts(out, ",");
        json_print_item(out, &items[i]);
    }
    buf_puts(out, "]");
}

void json_print_removed(struct buf *out, int64_t author, int64_t item)
{
    buf_puts(out, "{\"reason\":\"removed\",\"id\":");
    buf_int(out, item);
    print_item_link(out, author, item);
}

void json_print_parted(struct buf *out, const char *reason, int64_t author)
{
    buf_puts(out, "{\"reason\":\"");
    buf_puts(out, reason);
    buf_puts(out, "\"");
    print_link(out, "from", author);
    buf_puts(out, "}");
}

static void print_faults(struct buf *out, const struct faults *faults)
{
    for (int i = 0; i < faults->count && i < FAULTS_MAX; i++) {
        buf_puts(out, i == 0 ? ",\"errors\":[{" : ",{");
        buf_puts(out, "\"pointer\":");
        json_print_string(out, faults->list[i].pointer);
        buf_puts(out, ",\"detail\":");
        json_print_string(out, faults->list[i].detail);
        buf_puts(out, "}");
    }
    if (faults->count > 0)
        buf_puts(out, "]");
}

void json_print_problem(struct buf *out, const struct problem *problem)
{
    buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d",
        error_title(problem->status), problem->status);
    if (problem->detail) {
        buf_puts(out, ",\"detail\":");
        json_print_string(out, problem->detail);
    }
    buf_puts(out, ",\"instance\":");
    json_print_string(out, problem->instance);
    buf_puts(out, ",\"request_id\":");
    json_print_string(out, problem->request_id);
    print_faults(out, problem->faults);
    buf_puts(out, "}");
}
