/* Tests of json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <json-c/json.h>

#include "json.h"
#include "memory.h"
#include "runner.h"

static struct json_object *value;
static struct faults faults;
static struct buf out;

static void tear_down(void)
{
    json_free(value);
    value = NULL;
    faults_free(&faults);
    buf_free(&out);
}

/* From memory of just the size that json_parse asks for, so that a sanitizer
 * sees any look behind it. */
static bool parse_bytes(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    json_free(value);
    value = json_parse(copy, len, &faults);
    free(copy);
    ck_assert(!value || faults.count == 0);
    return faults.count == 0;
}

static bool parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

/* --- reading ------------------------------------------------------------ */

static const char *const accepted[] = {
    "{}",
    "[]",
    "\"\"",
    "7",
    "-0",
    "-1.5e+10",
    "1E5",
    "1e999",
    "true",
    "false",
    "null",
    " \t\r\n{ \"a\" : [ 1 , null ] } \t\r\n",
    "7\n",
    "[{\"a\":1},{\"a\":2}]",
    "{\"a\":{\"a\":{\"a\":1}}}",
    "{\"a\":1,\"A\":2,\"\":3}",
    "{\"a:b\":\":\",\"c\\\":\":\"d\\\\\",\":\":{\"e\":\"{\\\"f\\\":1}\"}}",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
    "\"\\\\u0000 \\\\ud800\"",
    "\"\\uD83D\\uDE00 \\ud83d\\ude00\"",
    "\"\\u0001\\uffff\"",
    "\"\x7f\"",
    "\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"",
    "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"",
    "{\"\xC3\xA4\":\"\xF0\x9F\x98\x80\"}",
};

START_TEST(json_is_accepted)
{
    ck_assert_msg(parse(accepted[_i]), "%s: %s", accepted[_i],
        faults.count ? faults.list[0].detail : "");
}
END_TEST

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *words; /* in the sentence that says why */
} refused[] = {
    {BYTES(""), "empty"},
    {BYTES(" \n"), "must be"},

    /* one value, and nothing else */
    {BYTES("{} {}"), "must be"},
    {BYTES("{}]"), "must be"},
    {BYTES("1 2"), "must be"},
    {BYTES("\"a\"\"b\""), "must be"},
    {BYTES("{}x"), "nothing more is expected, at byte 3"},
    {BYTES("{"), "must be JSON"},
    {BYTES("["), "must be JSON"},
    {BYTES("]"), "must be JSON"},
    {BYTES("\"a"), "must be JSON"},
    {BYTES("\"a\\"), "must be JSON"},
    {BYTES("\"a\\u00"), "must be JSON"},
    {BYTES("{\"a\""), "must be JSON"},
    {BYTES("{\"a\":"), "must be JSON"},
    {BYTES("{\"a\":}"), "must be JSON"},
    {BYTES("{\"a\" 1}"), "must be JSON"},
    {BYTES("{\"a\":1 \"b\":2}"), "must be JSON"},
    {BYTES("[1 2]"), "must be JSON"},
    {BYTES("[1,]"), "must be JSON"},
    {BYTES("[,1]"), "must be JSON"},
    {BYTES("{\"a\":1,}"), "must be JSON"},
    {BYTES("{,}"), "must be JSON"},
    {BYTES("{1:2}"), "must be JSON"},
    {BYTES("{a:1}"), "must be JSON"},
    {BYTES("{'a':1}"), "must be JSON"},
    {BYTES("'a'"), "must be JSON"},
    {BYTES("[1]//"), "must be JSON"},
    {BYTES("/**/[1]"), "must be JSON"},
    {BYTES("[\f1]"), "must be JSON"},
    {BYTES("\xEF\xBB\xBF{}"), "must be JSON"},
    {BYTES("\"\\x41\""), "must be JSON"},
    {BYTES("\"\\'\""), "must be JSON"},
    {BYTES("\"\\u12g4\""), "must be JSON"},

    /* literals and numbers */
    {BYTES("TRUE"), "must be JSON"},
    {BYTES("True"), "must be JSON"},
    {BYTES("NULL"), "must be JSON"},
    {BYTES("nul"), "must be JSON"},
    {BYTES("tru"), "must be JSON"},
    {BYTES("truefalse"), "must be"},
    {BYTES("[NaN]"), "must be JSON"},
    {BYTES("[Infinity]"), "must be JSON"},
    {BYTES("[-Infinity]"), "must be JSON"},
    {BYTES("[1.]"), "number"},
    {BYTES("[.5]"), "must be JSON"},
    {BYTES("[01]"), "number"},
    {BYTES("[-01]"), "number"},
    {BYTES("[+1]"), "must be JSON"},
    {BYTES("[-]"), "number"},
    {BYTES("[- 1]"), "number"},
    {BYTES("[1e]"), "number"},
    {BYTES("[1e+]"), "number"},
    {BYTES("[1.e5]"), "number"},
    {BYTES("[1.5.5]"), "must be JSON"},
    {BYTES("[0x10]"), "must be JSON"},
    {BYTES("[1-2]"), "must be JSON"},

    /* the same key twice, however it is spelled and wherever it stands */
    {BYTES("{\"a\":1,\"a\":2}"), "twice"},
    {BYTES("{\"a\":1,\"a\":1}"), "twice"},
    {BYTES("{\"a\":1,\"\\u0061\":2}"), "twice"},
    {BYTES("{\"\":1,\"\":2}"), "twice"},
    {BYTES("{\"/\":1,\"b\":2,\"\\/\":3}"), "twice"},
    {BYTES("{\"a\":{\"b\":1},\"a\":{\"c\":1}}"), "twice"},
    {BYTES("{\"a\":{\"b\":{\"c\":1,\"c\":2}}}"), "twice"},
    {BYTES("[[{\"a\":\":\"},{\"b\":1,\"b\":\"::\"}]]"), "twice"},
    {BYTES("{\"a\":null,\"a\":null}"), "twice"},

    /* NUL */
    {BYTES("{\"a\\u0000b\":1}"), "\\u0000"},
    {BYTES("\"x\\u0000y\""), "\\u0000"},
    {BYTES("\"\\\\\\u0000\""), "\\u0000"},
    {BYTES("{}\0junk"), "NUL"},
    {BYTES("{}\0"), "NUL"},
    {BYTES("\0{}"), "NUL"},
    {BYTES("\"a\0b\""), "NUL"},
    {BYTES("\"\\\0\""), "must"},

    /* half a character */
    {BYTES("\"\\ud800\""), "surrogate"},
    {BYTES("\"\\uDBFFx\""), "surrogate"},
    {BYTES("\"\\udc00\""), "surrogate"},
    {BYTES("\"\\uDFFF\\uD800\""), "surrogate"},
    {BYTES("\"\\ud83d\\u0041\""), "surrogate"},
    {BYTES("\"\\ud83d\\udbff\""), "surrogate"},
    {BYTES("\"\\ud83d\\ue000\""), "surrogate"},
    {BYTES("\"\\ud83d\\\\ude00\""), "surrogate"},
    {BYTES("\"\\ud83d\\n\""), "surrogate"},
    {BYTES("\"\\ud83d"), "surrogate"},
    {BYTES("\"\\ud83d\\u"), "surrogate"},
    {BYTES("{\"\\ud800\":1}"), "surrogate"},

    /* raw control characters */
    {BYTES("\"a\nb\""), "control"},
    {BYTES("\"a\tb\""), "control"},
    {BYTES("\"\x01\""), "control"},
    {BYTES("\"\x1f\""), "control"},
    {BYTES("{\"a\rb\":1}"), "control"},

    /* bytes that are no UTF-8 */
    {BYTES("\"\xFF\""), "UTF-8"},
    {BYTES("\"\x80\""), "UTF-8"},
    {BYTES("\"\xC0\x80\""), "UTF-8"},
    {BYTES("\"\xE0\x9F\xBF\""), "UTF-8"},
    {BYTES("\"\xED\xA0\x80\""), "UTF-8"},
    {BYTES("\"\xF0\x8F\xBF\xBF\""), "UTF-8"},
    {BYTES("\"\xF4\x90\x80\x80\""), "UTF-8"},
    {BYTES("\"\xE2\x82\""), "UTF-8"},
    {BYTES("{\"\xE2\x82\":1}"), "UTF-8"},
    {BYTES("{}\xE2"), "UTF-8"},
};

START_TEST(other_bytes_are_refused)
{
    const char *bytes = refused[_i].bytes;

    ck_assert_msg(!parse_bytes(bytes, refused[_i].len), "%s", bytes);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(faults.count, 1);
    ck_assert_str_eq(faults.list[0].pointer, "#");
    ck_assert_msg(strstr(faults.list[0].detail, refused[_i].words) != NULL,
        "%s: %s", bytes, faults.list[0].detail);
}
END_TEST

/* Faults of the query, say, are there already: they do not spoil the body. */
START_TEST(earlier_faults_do_not_matter)
{
    fault_add(&faults, "query:limit", "is there twice");
    value = json_parse(BYTES("{\"a\":1}"), &faults);
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(faults.count, 1);
}
END_TEST

static const struct {
    const char *open;
    const char *close;
    int levels; /* that one of these opens */
    const char *innermost;
} nestings[] = {
    {"[", "]", 1, ""}, {"[", "]", 1, "1"},
    {"[", "]", 1, "1,[],2"},                             /* a level more */
    {"{\"a\":", "}", 1, "1"}, {"{\"a\":", "}", 1, "{}"}, /* a level more */
    {"[{\"a\":", "}]", 2, "\"\""},
    {"[{\"a\":", "}]", 2, "[]"}, /* a level more */
};

/* A value that is this deep, or one deeper where the kind makes two levels. */
static int nest(int kind, int depth)
{
    int inner = strpbrk(nestings[kind].innermost, "[{") != NULL;
    int times =
        (depth - inner + nestings[kind].levels - 1) / nestings[kind].levels;

    buf_reset(&out, 0);
    for (int i = 0; i < times; i++)
        buf_puts(&out, nestings[kind].open);
    buf_puts(&out, nestings[kind].innermost);
    for (int i = 0; i < times; i++)
        buf_puts(&out, nestings[kind].close);
    return times * nestings[kind].levels + inner;
}

START_TEST(a_value_may_be_sixteen_levels_deep_and_no_deeper)
{
    for (int depth = 13; depth <= 40; depth++) {
        int actual = nest(_i, depth);
        ck_assert_msg(parse(buf_text(&out)) == (actual <= JSON_DEPTH_MAX),
            "%d levels: %s", actual, buf_text(&out));
        if (actual > JSON_DEPTH_MAX)
            ck_assert_msg(strstr(faults.list[0].detail, "deeper than 16"), "%s",
                faults.list[0].detail);
        faults_free(&faults);
    }
}
END_TEST

START_TEST(brackets_in_strings_are_no_levels)
{
    ck_assert(parse("\"[[[[[[[[[[[[[[[[[[[[{{{{{{{{{{{{{{{{{{{{\""));
}
END_TEST

static void list(const char *item, int count)
{
    buf_reset(&out, 0);
    buf_puts(&out, "[");
    for (int i = 0; i < count; i++) {
        buf_puts(&out, i > 0 ? "," : "");
        buf_puts(&out, item);
    }
    buf_puts(&out, "]");
}

static const struct {
    const char *item;
    int values; /* in one of them */
} crowds[] = {
    {"{}", 1}, {"[]", 1}, {"1", 1}, {"null", 1}, {"{\"a\":\"b\"}", 2}};

START_TEST(a_text_may_hold_5000_values_and_no_more)
{
    list(crowds[_i].item, (JSON_VALUES_MAX - 1) / crowds[_i].values);
    ck_assert_msg(parse(buf_text(&out)), "%s", faults.list[0].detail);
    list(crowds[_i].item, JSON_VALUES_MAX / crowds[_i].values);
    ck_assert(!parse(buf_text(&out)));
    ck_assert_ptr_nonnull(strstr(faults.list[0].detail, "at most 5000 values"));
}
END_TEST

#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char rich[] =
    "{\"a\":[1,-2,18446744073709551615,2.5,true,false,null,[],{}],"
    "\"" LONG LONG "\":\"" LONG "\\n" LONG "\\u00e4" LONG LONG LONG "\","
    "\"b\":{\"c\":{\"d\":\"" LONG LONG LONG LONG LONG "\"}}}";

static struct json_object *whole;

static void parse_with_little_memory(void)
{
    struct json_object *made = json_parse(rich, strlen(rich), &faults);

    memory_restore();
    ck_assert_int_eq(faults.count, 0);
    ck_assert_int_eq(made == NULL, faults.failed);
    ck_assert(!made || json_object_equal(made, whole));
    json_free(made);
    faults_free(&faults);
}

/* Half a value, or half of a string, would be taken for what was sent. */
START_TEST(without_memory_there_is_no_value_rather_than_half_of_it)
{
    whole = json_parse(rich, strlen(rich), &faults);
    ck_assert_ptr_nonnull(whole);
    ck_assert_int_gt(memory_try_each(parse_with_little_memory), 50);
    json_free(whole);
}
END_TEST

/* --- members ------------------------------------------------------------ */

START_TEST(a_member_is_found_by_name)
{
    ck_assert(parse("{\"a\":{\"b\":7},\"c\":null}"));
    struct json_object *a = json_member(value, "a");
    ck_assert_int_eq(json_int(json_member(a, "b")), 7);
    ck_assert_ptr_null(json_member(value, "b"));
    ck_assert_ptr_null(json_member(value, "c"));
}
END_TEST

START_TEST(what_is_no_object_has_no_members)
{
    ck_assert(parse("[\"a\"]"));
    ck_assert_ptr_null(json_member(value, "a"));
    ck_assert_ptr_null(json_member(NULL, "a"));
}
END_TEST

START_TEST(a_text_is_decoded)
{
    ck_assert(
        parse("{\"a\":\"\\u00e4\\n\\u20ac\\ud83d\\ude00\\ud836\\ude00\"}"));
    struct text text = json_text(value, "a");
    ck_assert_uint_eq(text.len, 14);
    ck_assert_str_eq(
        text.data, "\xC3\xA4\n\xE2\x82\xAC\xF0\x9F\x98\x80\xF0\x9D\xA8\x80");
}
END_TEST

START_TEST(what_is_no_string_is_an_empty_text)
{
    ck_assert(parse("{\"a\":1,\"b\":null,\"c\":[\"x\"]}"));
    for (const char *const *name =
             (const char *const[]){"a", "b", "c", "d", NULL};
         *name; name++) {
        ck_assert_str_eq(json_text(value, *name).data, "");
        ck_assert_uint_eq(json_text(value, *name).len, 0);
    }
}
END_TEST

static const struct {
    const char *json;
    bool names; /* x */
} names[] = {
    {"\"x\"", true},
    {"[\"y\",\"x\"]", true},
    {"\"xy\"", false},
    {"\"X\"", false},
    {"[]", false},
    {"[1,null,[\"x\"]]", false},
    {"{\"x\":\"x\"}", false},
    {"null", false},
};

START_TEST(a_string_or_a_list_names)
{
    ck_assert(parse(names[_i].json));
    ck_assert_msg(
        json_names(value, "x") == names[_i].names, "%s", names[_i].json);
}
END_TEST

static const struct {
    const char *json;
    int64_t number;
} numbers[] = {
    {"0", 0},
    {"7", 7},
    {"-7", -7},
    {"1099511627776", INT64_C(1099511627776)},
    {"9223372036854775807", INT64_MAX},
    {"-9223372036854775807", -INT64_MAX},
    {"7.0", 7},
    {"7e3", 7000},
    {"9007199254740992.0", INT64_C(9007199254740992)},
    {"7.5", 0}, /* not whole */
    {"-0.5", 0},
    {"1e300", 0}, /* past what 64 bits hold */
    {"-1e300", 0},
    {"1e999", 0},
    {"\"7\"", 0},
    {"true", 0},
    {"null", 0},
    {"[7]", 0},
};

START_TEST(a_whole_number_is_read_as_it_stands)
{
    ck_assert(parse(numbers[_i].json));
    ck_assert_int_eq(json_int(value), numbers[_i].number);
}
END_TEST

START_TEST(any_number_is_read)
{
    double number = 0;

    ck_assert(parse("{\"a\":7,\"b\":-7.5,\"c\":1e300,\"d\":\"7\","
                    "\"e\":null,\"f\":18446744073709551616}"));
    ck_assert(json_number(value, "a", &number));
    ck_assert_double_eq(number, 7);
    ck_assert(json_number(value, "b", &number));
    ck_assert_double_eq(number, -7.5);
    ck_assert(json_number(value, "c", &number));
    ck_assert_double_eq(number, 1e300);
    ck_assert(json_number(value, "f", &number));
    ck_assert_double_ge(number, 1e19);
    ck_assert(!json_number(value, "d", &number));
    ck_assert(!json_number(value, "e", &number));
    ck_assert(!json_number(value, "g", &number));
}
END_TEST

static const struct {
    const char *json;
    int64_t id; /* 0: refused */
} references[] = {
    {"7", 7},
    {"\"7\"", 7},
    {"\"/participant/7\"", 7},
    {"1.0", 1},
    {"9223372036854775807", INT64_MAX},
    {"\"9223372036854775807\"", INT64_MAX},
    {"\"/participant/9223372036854775807\"", INT64_MAX},
    {"9223372036854775808", 0},
    {"18446744073709551616", 0},
    {"\"9223372036854775808\"", 0},
    {"\"/participant/9223372036854775808\"", 0},
    {"0", 0},
    {"\"0\"", 0},
    {"-1", 0},
    {"\"-1\"", 0},
    {"-9223372036854775809", 0},
    {"1.5", 0},
    {"\"1.5\"", 0},
    {"\"1.0\"", 0},
    {"1e300", 0},
    {"\"007\"", 0},
    {"\"+7\"", 0},
    {"\" 7\"", 0},
    {"\"7 \"", 0},
    {"\"0x7\"", 0},
    {"\"\"", 0},
    {"\"seven\"", 0},
    {"\"/participant/\"", 0},
    {"\"/participant/7/\"", 0},
    {"\"/participant/07\"", 0},
    {"\"/participant/ 7\"", 0},
    {"\"/participant/-7\"", 0},
    {"\"/Participant/7\"", 0},
    {"\"participant/7\"", 0},
    {"\"http://host/participant/7\"", 0},
    {"\"/participant/7?x\"", 0},
    {"\"/participant//participant/7\"", 0},
    {"true", 0},
    {"null", 0},
    {"[7]", 0},
    {"{\"id\":7}", 0},
};

START_TEST(a_participant_is_named_by_link_or_number)
{
    int64_t id = 0;

    buf_printf(&out, "{\"to\":%s}", references[_i].json);
    ck_assert(parse(buf_text(&out)));
    bool named = json_reference(value, "to", &id);
    ck_assert_msg(named == (references[_i].id > 0), "%s", references[_i].json);
    if (named)
        ck_assert_int_eq(id, references[_i].id);
}
END_TEST

START_TEST(an_absent_member_names_nobody)
{
    int64_t id;

    ck_assert(parse("{}"));
    ck_assert(!json_reference(value, "to", &id));
}
END_TEST

/* --- printing ----------------------------------------------------------- */

static void assert_printed(const char *expected)
{
    ck_assert_str_eq(buf_text(&out), expected);
}

START_TEST(a_text_is_printed_with_short_escapes)
{
    json_print_text(&out, text_of("\b\f\n\r\t\"\\/\x01\x1f\x7f \xC3\xA4"));
    assert_printed("\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\\u001f\x7f \xC3\xA4\"");
}
END_TEST

START_TEST(an_empty_text_is_printed)
{
    json_print_text(&out, text_of(""));
    assert_printed("\"\"");
}
END_TEST

static void assert_round_trip(const char *bytes, size_t len)
{
    struct json_tokener *tokener = json_tokener_new();

    buf_reset(&out, 0);
    json_print_text(&out, (struct text){bytes, len});
    json_free(value);
    value = json_tokener_parse_ex(tokener, out.data, (int)out.len + 1);
    json_tokener_free(tokener);
    ck_assert(json_object_is_type(value, json_type_string));
    ck_assert_int_eq(json_object_get_string_len(value), (int)len);
    ck_assert_mem_eq(json_object_get_string(value), bytes, len);
}

START_TEST(every_ascii_character_comes_back)
{
    char text[] = {'a', (char)_i, (char)_i, 'b', (char)_i};

    assert_round_trip(text, sizeof(text));
    for (const char *p = buf_text(&out); *p; p++)
        ck_assert_int_ge(*p, 0x20);
}
END_TEST

/* Eight bytes are looked at in one go. */
START_TEST(every_ascii_character_comes_back_from_every_place)
{
    char text[19];

    for (size_t i = 0; i < sizeof(text); i++) {
        memset(text, i % 2 ? '~' : ' ', sizeof(text));
        text[i] = (char)_i;
        assert_round_trip(text, sizeof(text));
        ck_assert_uint_eq(strcspn(out.data, "\n\t\r"), out.len);
    }
}
END_TEST

START_TEST(what_looks_like_a_special_character_is_none)
{
    /* the same but for the high bit, or next to one below it */
    assert_round_trip(BYTES("\xC2\xA2\xC3\x9C\xC2\xA2\xC3\x9C\xC2\x80"));
    assert_round_trip(BYTES("!!!!!!!!####[[[[]]]]!!!!!!!!"));
    ck_assert_uint_eq(out.len, 28 + 2);
}
END_TEST

START_TEST(longer_characters_come_back)
{
    assert_round_trip(BYTES("\xC2\x80\xDF\xBF"));
    assert_round_trip(BYTES("\xE2\x80\xA8\xEF\xBF\xBF"));
    assert_round_trip(BYTES("\xF0\x90\x80\x80\n\xF4\x8F\xBF\xBF"));
}
END_TEST

START_TEST(a_participant_is_printed)
{
    json_print_participant(
        &out, &(struct participant){7, text_of("Ada \"the\" first")});
    assert_printed("{\"id\":7,\"name\":\"Ada \\\"the\\\" first\","
                   "\"link\":\"/participant/7\"}");
}
END_TEST

START_TEST(a_friendship_is_printed)
{
    json_print_friendship(&out, &(struct friendship){1, INT64_MAX, 3});
    assert_printed("{\"id\":1,\"from\":\"/participant/9223372036854775807\","
                   "\"to\":\"/participant/3\"}");
}
END_TEST

START_TEST(results_of_entries_have_a_status)
{
    json_print_added_participant(
        &out, &(struct participant){7, text_of("Ada")});
    assert_printed("{\"status\":200,\"id\":7,\"name\":\"Ada\","
                   "\"link\":\"/participant/7\"}");
    buf_reset(&out, 0);
    json_print_added_friendship(&out, &(struct friendship){1, 2, 3});
    assert_printed("{\"status\":200,\"id\":1,\"from\":\"/participant/2\","
                   "\"to\":\"/participant/3\"}");
    buf_reset(&out, 0);
    json_print_refusal(&out, 404, "no \"such\" thing");
    assert_printed("{\"status\":404,\"title\":\"Not Found\","
                   "\"detail\":\"no \\\"such\\\" thing\"}");
}
END_TEST

START_TEST(what_is_no_list_has_no_entries)
{
    ck_assert(parse_bytes("[7,[8]]", 7));
    ck_assert_uint_eq(json_count(value), 2);
    ck_assert_int_eq(json_int(json_entry(value, 0)), 7);
    ck_assert_uint_eq(json_count(json_entry(value, 1)), 1);
    ck_assert_uint_eq(json_count(json_entry(value, 0)), 0);
    ck_assert(parse_bytes("{\"a\":[]}", 8));
    ck_assert_uint_eq(json_count(value), 0);
    ck_assert_uint_eq(json_count(NULL), 0);
}
END_TEST

START_TEST(a_marker_is_printed)
{
    json_print_marker(&out, &(struct marker){INT64_MAX, 1000, true});
    assert_printed(
        "{\"last_read\":9223372036854775807,\"unread\":1000,\"more\":true}");
    buf_reset(&out, 0);
    json_print_marker(&out, &(struct marker){0, 0, false});
    assert_printed("{\"last_read\":0,\"unread\":0,\"more\":false}");
}
END_TEST

static struct item make_item(int64_t id, int64_t to, int64_t occurred)
{
    return (struct item){.id = id,
        .from = 7,
        .to = to,
        .occurred = occurred,
        .subject = text_of("s"),
        .story = text_of("a\nb")};
}

#define ITEM(id, to)                                               \
    "{\"id\":" id ",\"from\":\"/participant/7\"," to               \
    "\"occurred\":\"1970-01-01T00:00:00.000Z\",\"subject\":\"s\"," \
    "\"story\":\"a\\nb\",\"link\":\"/participant/7/outbound/" id "\"}"

START_TEST(an_outbound_item_is_printed)
{
    struct item item = make_item(12, 0, 0);

    json_print_item(&out, &item);
    assert_printed(ITEM("12", ""));
}
END_TEST

START_TEST(an_inbound_item_names_its_reader)
{
    struct item item = make_item(12, 9, 0);

    json_print_item(&out, &item);
    assert_printed(ITEM("12", "\"to\":\"/participant/9\","));
}
END_TEST

START_TEST(items_are_printed_as_a_list)
{
    struct item items[] = {make_item(12, 0, 0), make_item(3, 0, 0)};

    json_print_items(&out, items, 0);
    assert_printed("[]");
    buf_reset(&out, 0);
    json_print_items(&out, items, 1);
    assert_printed("[" ITEM("12", "") "]");
    buf_reset(&out, 0);
    json_print_items(&out, items, 2);
    assert_printed("[" ITEM("12", "") "," ITEM("3", "") "]");
}
END_TEST

static const struct {
    int64_t us;
    const char *printed;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {999, "1970-01-01T00:00:00.000Z"}, /* cut, not rounded */
    {1000, "1970-01-01T00:00:00.001Z"},
    {999999, "1970-01-01T00:00:00.999Z"},
    {1000000, "1970-01-01T00:00:01.000Z"},
    {INT64_C(951782400) * 1000000, "2000-02-29T00:00:00.000Z"},
    {INT64_C(2147483648) * 1000000, "2038-01-19T03:14:08.000Z"},
    {INT64_C(253402300799999999), "9999-12-31T23:59:59.999Z"},
};

START_TEST(a_time_is_printed_in_utc_with_milliseconds)
{
    struct item item = make_item(1, 0, times[_i].us);

    setenv("TZ", "Asia/Kathmandu", 1);
    json_print_item(&out, &item);
    ck_assert(parse(buf_text(&out)));
    ck_assert_str_eq(json_text(value, "occurred").data, times[_i].printed);
}
END_TEST

/* --- problems ----------------------------------------------------------- */

static const struct faults no_faults;

START_TEST(a_problem_is_printed)
{
    json_print_problem(&out, &(struct problem){.status = 404,
                                 .detail = "there is no \"participant\" 7",
                                 .instance = "/participant/7",
                                 .request_id = "abc",
                                 .faults = &no_faults});
    assert_printed("{\"type\":\"about:blank\",\"title\":\"Not Found\","
                   "\"status\":404,"
                   "\"detail\":\"there is no \\\"participant\\\" 7\","
                   "\"instance\":\"/participant/7\",\"request_id\":\"abc\"}");
}
END_TEST

START_TEST(a_problem_may_have_no_detail)
{
    json_print_problem(&out, &(struct problem){.status = 500,
                                 .instance = "/",
                                 .request_id = "-",
                                 .faults = &no_faults});
    assert_printed("{\"type\":\"about:blank\",\"title\":"
                   "\"Internal Server Error\",\"status\":500,"
                   "\"instance\":\"/\",\"request_id\":\"-\"}");
}
END_TEST

START_TEST(a_problem_lists_its_faults)
{
    fault_add(&faults, "#/subject", "is required");
    fault_add(&faults, "#/a\"b", "is not\nknown here");
    json_print_problem(&out, &(struct problem){.status = 400,
                                 .detail = "x",
                                 .instance = "/",
                                 .request_id = "-",
                                 .faults = &faults});
    assert_printed("{\"type\":\"about:blank\",\"title\":\"Bad Request\","
                   "\"status\":400,\"detail\":\"x\",\"instance\":\"/\","
                   "\"request_id\":\"-\",\"errors\":["
                   "{\"pointer\":\"#/subject\",\"detail\":\"is required\"},"
                   "{\"pointer\":\"#/a\\\"b\","
                   "\"detail\":\"is not\\nknown here\"}]}");
}
END_TEST

START_TEST(a_problem_lists_no_more_faults_than_are_kept)
{
    for (int i = 0; i < FAULTS_MAX + 3; i++)
        fault_add(&faults, "#", "fault %d", i);
    json_print_problem(&out, &(struct problem){.status = 400,
                                 .instance = "/",
                                 .request_id = "-",
                                 .faults = &faults});
    faults_free(&faults);
    ck_assert(parse(buf_text(&out)));
    ck_assert_uint_eq(
        json_object_array_length(json_member(value, "errors")), FAULTS_MAX);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void add_reading(TCase *tests)
{
    tcase_add_loop_test(tests, json_is_accepted, 0, COUNT(accepted));
    tcase_add_loop_test(tests, other_bytes_are_refused, 0, COUNT(refused));
    tcase_add_test(tests, earlier_faults_do_not_matter);
    tcase_add_loop_test(tests, a_value_may_be_sixteen_levels_deep_and_no_deeper,
        0, COUNT(nestings));
    tcase_add_test(tests, brackets_in_strings_are_no_levels);
    tcase_add_loop_test(
        tests, a_text_may_hold_5000_values_and_no_more, 0, COUNT(crowds));
    tcase_add_test(
        tests, without_memory_there_is_no_value_rather_than_half_of_it);
    tcase_add_test(tests, a_member_is_found_by_name);
    tcase_add_test(tests, what_is_no_object_has_no_members);
    tcase_add_test(tests, a_text_is_decoded);
    tcase_add_test(tests, what_is_no_string_is_an_empty_text);
    tcase_add_loop_test(tests, a_string_or_a_list_names, 0, COUNT(names));
    tcase_add_loop_test(
        tests, a_whole_number_is_read_as_it_stands, 0, COUNT(numbers));
    tcase_add_test(tests, any_number_is_read);
    tcase_add_loop_test(
        tests, a_participant_is_named_by_link_or_number, 0, COUNT(references));
    tcase_add_test(tests, an_absent_member_names_nobody);
}

static void add_printing(TCase *tests)
{
    tcase_add_test(tests, a_text_is_printed_with_short_escapes);
    tcase_add_test(tests, an_empty_text_is_printed);
    tcase_add_loop_test(tests, every_ascii_character_comes_back, 0, 128);
    tcase_add_loop_test(
        tests, every_ascii_character_comes_back_from_every_place, 0, 128);
    tcase_add_test(tests, what_looks_like_a_special_character_is_none);
    tcase_add_test(tests, longer_characters_come_back);
    tcase_add_test(tests, a_participant_is_printed);
    tcase_add_test(tests, a_friendship_is_printed);
    tcase_add_test(tests, results_of_entries_have_a_status);
    tcase_add_test(tests, what_is_no_list_has_no_entries);
    tcase_add_test(tests, a_marker_is_printed);
    tcase_add_test(tests, an_outbound_item_is_printed);
    tcase_add_test(tests, an_inbound_item_names_its_reader);
    tcase_add_test(tests, items_are_printed_as_a_list);
    tcase_add_loop_test(
        tests, a_time_is_printed_in_utc_with_milliseconds, 0, COUNT(times));
    tcase_add_test(tests, a_problem_is_printed);
    tcase_add_test(tests, a_problem_may_have_no_detail);
    tcase_add_test(tests, a_problem_lists_its_faults);
    tcase_add_test(tests, a_problem_lists_no_more_faults_than_are_kept);
}

void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    add_reading(tests);
    add_printing(tests);
}
