/* A text of strict JSON to a value, in one go over its bytes; what has no
 * memory is told from what is wrong. (json-c's own parser takes more than JSON,
 * and where memory ends it gives back half a value or a shortened string.) */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "json.h"
#include "utf8.h"

#define TEXT_OF(MACRO) TEXT(MACRO)
#define TEXT(WORDS) #WORDS
#define NO_JSON "must be JSON: "

/* A text on its way to a value. Whatever returns false has left in `fault` what
 * is wrong, or nothing if there was no memory. */
struct reader {
    const char *at; /* what comes next; a NUL stands behind the text */
    int depth;
    int values;
    struct buf text; /* of the string read last */
    const char *fault;
};

static bool refuse(struct reader *reader, const char *fault)
{
    reader->fault = fault;
    return false;
}

/* Whether this character comes next, behind any blanks. */
static bool sees(struct reader *reader, char c)
{
    reader->at += strspn(reader->at, " \t\r\n");
    return *reader->at == c;
}

static bool take(struct reader *reader, char c)
{
    bool is_there = sees(reader, c);

    reader->at += is_there;
    return is_there;
}

/* --- strings ------------------------------------------------------------ */

static int read_hex4(const char *p)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static void add_character(struct buf *text, int c)
{
    if (c < 0x80)
        buf_add(text, (char[]){(char)c}, 1);
    else if (c < 0x800)
        buf_add(
            text, (char[]){(char)(0xC0 | c >> 6), (char)(0x80 | (c & 63))}, 2);
    else if (c < 0x10000)
        buf_add(text,
            (char[]){(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                (char)(0x80 | (c & 63))},
            3);
    else
        buf_add(text,
            (char[]){(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))},
            4);
}

/* \uXXXX, or two of them that are one character (RFC 8259, 7). */
static bool read_unicode(struct reader *reader)
{
    const char *p = reader->at;
    int c = read_hex4(p + 2);

    if (c < 0)
        return refuse(reader, NO_JSON "\\u takes four hexadecimal digits");
    if (c == 0)
        return refuse(reader, "must not hold the character \\u0000");
    reader->at += 6;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int low =
            c < 0xDC00 && p[6] == '\\' && p[7] == 'u' ? read_hex4(p + 8) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return refuse(reader, "must not hold half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        reader->at += 6;
    }
    add_character(&reader->text, c);
    return true;
}

static bool read_escape(struct reader *reader)
{
    static const char escapes[] =
        "\"\"\\\\//b\bf\fn\nr\rt\t"; /* a letter, its character */
    char letter = reader->at[1];

    if (letter == 'u')
        return read_unicode(reader);
    for (const char *p = escapes; *p; p += 2)
        if (*p == letter) {
            buf_add(&reader->text, p + 1, 1);
            reader->at += 2;
            return true;
        }
    return refuse(reader, NO_JSON "there is no such escape");
}

static const char *skip_plain(const char *p)
{
    while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* From its opening quote to behind its closing one, into reader->text. */
static bool read_string(struct reader *reader)
{
    buf_reset(&reader->text, reader->text.cap);
    reader->at++;
    for (;;) {
        const char *plain = reader->at;
        reader->at = skip_plain(plain);
        buf_add(&reader->text, plain, (size_t)(reader->at - plain));
        if (*reader->at == '\0')
            return refuse(reader, NO_JSON "a string has no end");
        if (*reader->at != '"' && *reader->at != '\\')
            return refuse(reader,
                "must not hold a raw control character within a string; write "
                "it as an escape, like \\n");
        if (*reader->at == '"')
            break;
        if (!read_escape(reader))
            return false;
    }
    reader->at++;
    return !reader->text.failed;
}

/* --- values ------------------------------------------------------------- */

static bool read_value(struct reader *reader, struct json_object **value);

static size_t count_digits(const char *p)
{
    return strspn(p, "0123456789");
}

/* The length of the number that begins here (RFC 8259, 6), 0 if it is none. */
static size_t measure_number(const char *start, bool *is_integer)
{
    const char *p = start + (*start == '-');
    size_t digits = count_digits(p);

    if (digits == 0 || (*p == '0' && digits > 1))
        return 0;
    p += digits;
    *is_integer = *p != '.' && *p != 'e' && *p != 'E';
    if (*p == '.') {
        digits = count_digits(++p);
        if (digits == 0)
            return 0;
        p += digits;
    }
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        digits = count_digits(p);
        if (digits == 0)
            return 0;
        p += digits;
    }
    return (size_t)(p - start);
}

/* Integers past 64 bits become the nearest that they hold. */
static bool read_number(struct reader *reader, struct json_object **value)
{
    const char *p = reader->at;
    bool is_integer;
    size_t len = measure_number(p, &is_integer);

    if (len == 0)
        return refuse(reader, NO_JSON "this is no number");
    if (!is_integer)
        *value = json_object_new_double(strtod(p, NULL));
    else if (*p == '-')
        *value = json_object_new_int64(strtoll(p, NULL, 10));
    else
        *value = json_object_new_uint64(strtoull(p, NULL, 10));
    reader->at += len;
    return *value;
}

/* Makes nothing of null, which is json-c's null. */
static bool read_word(struct reader *reader, struct json_object **value)
{
    static const char *const words[] = {"false", "true", "null"};

    for (int i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(reader->at, words[i], len) != 0)
            continue;
        reader->at += len;
        if (i == 2)
            return true;
        *value = json_object_new_boolean(i);
        return *value;
    }
    return refuse(reader, NO_JSON "a value is expected");
}

static bool read_items(struct reader *reader, struct json_object *list)
{
    bool more = !take(reader, ']');

    while (more) {
        struct json_object *item = NULL;
        if (!read_value(reader, &item) ||
            json_object_array_add(list, item) != 0) {
            json_object_put(item);
            return false;
        }
        more = take(reader, ',');
        if (!more && !take(reader, ']'))
            return refuse(reader, NO_JSON "',' or ']' is expected");
    }
    return true;
}

/* The value of a key, which is in reader->text. */
static bool read_member(struct reader *reader, struct json_object *object)
{
    struct json_object *value = NULL;
    char *key = strdup(buf_text(&reader->text));
    bool is_read = key && read_value(reader, &value) &&
                   json_object_object_add_ex(
                       object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) == 0;

    if (!is_read)
        json_object_put(value);
    free(key);
    return is_read;
}

static bool read_members(struct reader *reader, struct json_object *object)
{
    bool more = !take(reader, '}');

    while (more) {
        if (!sees(reader, '"'))
            return refuse(reader, NO_JSON "a key in quotes is expected");
        if (!read_string(reader))
            return false;
        if (json_object_object_get_ex(object, buf_text(&reader->text), NULL))
            return refuse(
                reader, "must not hold the same key twice in an object");
        if (!take(reader, ':'))
            return refuse(reader, NO_JSON "':' is expected");
        if (!read_member(reader, object))
            return false;
        more = take(reader, ',');
        if (!more && !take(reader, '}'))
            return refuse(reader, NO_JSON "',' or '}' is expected");
    }
    return true;
}

static bool read_nested(struct reader *reader, struct json_object **value)
{
    bool is_object = *reader->at == '{';

    if (reader->depth == JSON_DEPTH_MAX)
        return refuse(
            reader, "must not nest deeper than " TEXT_OF(JSON_DEPTH_MAX));
    *value = is_object ? json_object_new_object() : json_object_new_array();
    if (!*value)
        return false;
    reader->at++;
    reader->depth++;
    bool is_read =
        is_object ? read_members(reader, *value) : read_items(reader, *value);
    reader->depth--;
    return is_read;
}

/* Whether it can be read or not: what was made of it is in *value. */
static bool read_value(struct reader *reader, struct json_object **value)
{
    if (++reader->values > JSON_VALUES_MAX)
        return refuse(reader,
            "must hold at most " TEXT_OF(JSON_VALUES_MAX) " values in all");
    reader->at += strspn(reader->at, " \t\r\n");
    switch (*reader->at) {
    case '{':
    case '[':
        return read_nested(reader, value);
    case '"':
        if (!read_string(reader))
            return false;
        *value = json_object_new_string_len(
            buf_text(&reader->text), (int)reader->text.len);
        return *value;
    case '-':
    case '0' ... '9':
        return read_number(reader, value);
    default:
        return read_word(reader, value);
    }
}

/* One value, and nothing behind it. */
static bool read_all(struct reader *reader, struct json_object **value)
{
    return read_value(reader, value) &&
           (sees(reader, '\0') ||
               refuse(reader, NO_JSON "nothing more is expected"));
}

struct json_object *json_parse(
    const char *bytes, size_t len, struct faults *faults)
{
    struct reader reader = {.at = bytes};
    struct json_object *value = NULL;

    if (len == 0) {
        fault_add(faults, "#", "must be a JSON value, and is empty");
        return NULL;
    }
    if (!utf8_is_valid(bytes, len)) {
        fault_add(faults, "#", "must be UTF-8");
        return NULL;
    }
    if (memchr(bytes, '\0', len)) {
        fault_add(faults, "#", "must not hold a NUL byte");
        return NULL;
    }
    bool is_read = read_all(&reader, &value);
    if (!is_read && reader.fault)
        fault_add(faults, "#", "%s, at byte %td", reader.fault,
            reader.at - bytes + 1);
    faults->failed |= !is_read && !reader.fault;
    buf_free(&reader.text);
    if (is_read)
        return value;
    json_object_put(value);
    return NULL;
}
