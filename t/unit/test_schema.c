/* schema: each keyword both ways, and where and how its faults are named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>
#include <json-c/json.h>

#include "../../app/schema_build.h"
#include "runner.h"

static struct node_file file;
static struct schema_set set;
static struct buf file_faults;

/* The schema that a YAML text stands for; its components may be referred to.
 * NULL: file_faults says why. */
static struct schema *build(const char *yaml)
{
    char name[] = "/tmp/test_schema_XXXXXX";
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (int)strlen(yaml));
    close(fd);

    file = (struct node_file){.name = name, .faults = &file_faults};
    set = (struct schema_set){.file = &file};
    node_read(&file);
    unlink(name);
    file.name = "test.yaml";
    struct node *node = node_get(file.root, "schema");
    struct schema *schema = node ? schema_build(&set, node) : NULL;
    schema_build_finish(&set);
    return file.fault_count == 0 ? schema : NULL;
}

static void drop(void)
{
    schema_build_free(&set);
    node_free(&file);
    buf_free(&file_faults);
}

/* What a JSON text gets, "#/place: detail\n" for every fault. A schema given
 * as one line of flow YAML. */
static const char *check_at(
    const char *place, const char *schema_text, const char *json)
{
    static struct buf out;
    struct buf yaml = {0};
    struct faults faults = {0};
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *value =
        json_tokener_parse_ex(tokener, json, (int)strlen(json) + 1);
    ck_assert_msg(
        json_tokener_get_error(tokener) == json_tokener_success, "%s", json);
    json_tokener_free(tokener);

    buf_printf(&yaml, "schema: %s\n", schema_text);
    const struct schema *schema = build(buf_text(&yaml));
    ck_assert_msg(schema != NULL, "%s", buf_text(&file_faults));
    schema_check(schema, value, place, &faults);

    buf_reset(&out, 1 << 16);
    for (int i = 0; i < faults.count && i < FAULTS_MAX; i++)
        buf_printf(
            &out, "%s: %s\n", faults.list[i].pointer, faults.list[i].detail);
    faults_free(&faults);
    json_object_put(value);
    buf_free(&yaml);
    drop();
    return buf_text(&out);
}

#define ASSERT_FITS(schema, json) \
    ck_assert_str_eq(check_at("#", schema, json), "")
#define ASSERT_FAULTS(schema, json, faults) \
    ck_assert_str_eq(check_at("#", schema, json), faults)

START_TEST(type)
{
    static const char *const names[] = {
        "'null'", "boolean", "integer", "number", "string", "array", "object"};
    static const struct {
        const char *json;
        const char *fits; /* a letter for each name */
    } cases[] = {
        {"null", "1000000"},
        {"true", "0100000"},
        {"1", "0011000"},
        {"1.0", "0011000"},
        {"-1e3", "0011000"},
        {"1.5", "0001000"},
        {"\"1\"", "0000100"},
        {"[]", "0000010"},
        {"{}", "0000001"},
        {"NaN", "0000000"},
        {"1e999", "0000000"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (int j = 0; j < 7; j++) {
            char schema[32];
            snprintf(schema, sizeof(schema), "{type: %s}", names[j]);
            const char *faults = check_at("#", schema, cases[i].json);
            ck_assert_msg((*faults == '\0') == (cases[i].fits[j] == '1'),
                "%s as %s: %s", cases[i].json, names[j], faults);
        }
}
END_TEST

START_TEST(type_says_what_is_right)
{
    ASSERT_FAULTS(
        "{type: string}", "7", "#: must be a string, is an integer\n");
    ASSERT_FAULTS(
        "{type: integer}", "1.5", "#: must be an integer, is a number\n");
    ASSERT_FAULTS(
        "{type: object}", "true", "#: must be an object, is a boolean\n");
}
END_TEST

START_TEST(type_list)
{
    ASSERT_FITS("{type: [string, 'null']}", "null");
    ASSERT_FITS("{type: [string, 'null']}", "\"a\"");
    ASSERT_FAULTS("{type: [string, 'null']}", "[]",
        "#: must be null or a string, is a list\n");
}
END_TEST

START_TEST(wrong_type_is_the_only_fault)
{
    ASSERT_FAULTS("{type: string, enum: [a], minLength: 3, minimum: 5}", "1",
        "#: must be a string, is an integer\n");
}
END_TEST

START_TEST(required)
{
    ASSERT_FITS("{required: [a]}", "{\"a\": null}");
    ASSERT_FITS("{required: [a]}", "7");
    ASSERT_FAULTS("{required: [subject, story]}", "{}",
        "#/subject: is required\n#/story: is required\n");
}
END_TEST

START_TEST(properties)
{
    ASSERT_FITS("{properties: {a: {type: string}}}", "{\"a\": \"x\"}");
    ASSERT_FITS("{properties: {a: {type: string}}}", "{\"b\": 1}");
    ASSERT_FAULTS("{properties: {a: {properties: {b: {type: string}}}}}",
        "{\"a\": {\"b\": 1}}", "#/a/b: must be a string, is an integer\n");
}
END_TEST

START_TEST(pointer_escapes)
{
    ASSERT_FAULTS("{properties: {'a/b~c d%\"': {type: string}}}",
        "{\"a/b~c d%\\\"\": 1}",
        "#/a~1b~0c d%\": must be a string, is an integer\n");
    ASSERT_FAULTS("{required: ['']}", "{}", "#/: is required\n");
}
END_TEST

START_TEST(additional_properties)
{
    ASSERT_FITS("{additionalProperties: true}", "{\"b\": 1}");
    ASSERT_FITS(
        "{properties: {a: {}}, additionalProperties: false}", "{\"a\": 1}");
    ASSERT_FAULTS("{properties: {a: {}}, additionalProperties: false}",
        "{\"a\": 1, \"b\": 1, \"c\": 1}",
        "#/b: is not known here\n#/c: is not known here\n");
}
END_TEST

START_TEST(items)
{
    ASSERT_FITS("{items: {type: string}}", "[]");
    ASSERT_FITS("{items: {type: string}}", "[\"a\"]");
    ASSERT_FAULTS("{items: {type: string}}", "[\"a\", 1, null]",
        "#/1: must be a string, is an integer\n"
        "#/2: must be a string, is null\n");
}
END_TEST

START_TEST(item_counts)
{
    ASSERT_FITS("{minItems: 1, maxItems: 2}", "[1]");
    ASSERT_FITS("{minItems: 1, maxItems: 2}", "[1, 2]");
    ASSERT_FAULTS("{minItems: 1, maxItems: 2}", "[]",
        "#: must be at least 1 item, has 0\n");
    ASSERT_FAULTS("{minItems: 1, maxItems: 2}", "[1, 2, 3]",
        "#: must be at most 2 items, has 3\n");
}
END_TEST

START_TEST(lengths)
{
    ASSERT_FITS("{minLength: 1, maxLength: 2}", "\"a\"");
    ASSERT_FITS("{minLength: 1, maxLength: 2}", "\"ab\"");
    ASSERT_FITS("{minLength: 1}", "[]");
    ASSERT_FAULTS(
        "{minLength: 1}", "\"\"", "#: must be at least 1 character, has 0\n");
    ASSERT_FAULTS("{minLength: 1, pattern: x, format: date}", "\"\"",
        "#: must be at least 1 character, has 0\n");
    ASSERT_FAULTS("{maxLength: 2}", "\"abc\"",
        "#: must be at most 2 characters, has 3\n");
}
END_TEST

/* Four code points, thirteen bytes. */
START_TEST(lengths_are_code_points)
{
    static const char text[] = "\"\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA4"
                               "\xF0\x9F\x98\x80\"";
    ASSERT_FITS("{minLength: 4, maxLength: 4}", text);
    ASSERT_FAULTS(
        "{maxLength: 3}", text, "#: must be at most 3 characters, has 4\n");
    ASSERT_FAULTS(
        "{minLength: 5}", text, "#: must be at least 5 characters, has 4\n");
}
END_TEST

START_TEST(pattern)
{
    ASSERT_FITS("{pattern: '^[a-z]+$'}", "\"abc\"");
    ASSERT_FITS("{pattern: b}", "\"abc\"");
    ASSERT_FITS("{pattern: b}", "7");
    ASSERT_FAULTS("{pattern: '^[a-z]+$'}", "\"aBc\"",
        "#: must match the pattern ^[a-z]+$\n");
    ASSERT_FAULTS("{pattern: '^[a-z]+$'}", "\"abc\\n\"",
        "#: must match the pattern ^[a-z]+$\n");
}
END_TEST

START_TEST(pattern_says_the_title)
{
    ASSERT_FAULTS("{pattern: '\\S', title: more than white space}", "\" \\t\"",
        "#: must be more than white space\n");
}
END_TEST

START_TEST(pattern_knows_unicode)
{
    ASSERT_FITS("{pattern: '^.$'}", "\"\xF0\x9F\x98\x80\"");
    ASSERT_FITS("{pattern: '\\S'}", "\"\xE2\x82\xAC\"");
    /* No-break space, em space, ideographic space. */
    ASSERT_FAULTS("{pattern: '\\S'}", "\"\xC2\xA0\xE2\x80\x83\xE3\x80\x80\"",
        "#: must match the pattern \\S\n");
}
END_TEST

/* 2^40 ways to try; must come back at once, and not as a fit. */
START_TEST(pattern_gives_up)
{
    ASSERT_FAULTS("{pattern: '^(a+)+$'}",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
        "#: must match the pattern ^(a+)+$\n");
}
END_TEST

START_TEST(pattern_takes_a_long_text)
{
    struct buf json = {0};
    buf_puts(&json, "\"");
    for (int i = 0; i < 10000; i++)
        buf_puts(&json, "ab");
    buf_puts(&json, "\"");
    ASSERT_FITS("{pattern: '^(a|b)*$'}", buf_text(&json));
    buf_free(&json);
}
END_TEST

START_TEST(bounds)
{
    ASSERT_FITS("{minimum: 1, maximum: 200}", "1");
    ASSERT_FITS("{minimum: 1, maximum: 200}", "200");
    ASSERT_FITS("{minimum: 1}", "\"0\"");
    ASSERT_FAULTS("{minimum: 1}", "0", "#: must be at least 1\n");
    ASSERT_FAULTS("{minimum: 1}", "0.99", "#: must be at least 1\n");
    ASSERT_FAULTS("{maximum: 200}", "201", "#: must be at most 200\n");
    ASSERT_FAULTS("{maximum: -1.5}", "-1.4", "#: must be at most -1.5\n");
}
END_TEST

START_TEST(exclusive_bounds)
{
    ASSERT_FITS("{exclusiveMinimum: 0, exclusiveMaximum: 2}", "0.5");
    ASSERT_FAULTS("{exclusiveMinimum: 0}", "0", "#: must be more than 0\n");
    ASSERT_FAULTS("{exclusiveMaximum: 2}", "2", "#: must be less than 2\n");
}
END_TEST

#define INT64_SCHEMA "{type: integer, maximum: 9223372036854775807}"

START_TEST(int64_upper_edge)
{
    static const char fault[] = "#: must be at most 9223372036854775807\n";
    ASSERT_FITS(INT64_SCHEMA, "9223372036854775807");
    ASSERT_FAULTS(INT64_SCHEMA, "9223372036854775808", fault);
    ASSERT_FAULTS(INT64_SCHEMA, "18446744073709551615", fault);
    ASSERT_FAULTS(INT64_SCHEMA, "18446744073709551616", fault);
    ASSERT_FAULTS(INT64_SCHEMA, "99999999999999999999999", fault);
    ASSERT_FAULTS(INT64_SCHEMA, "9223372036854775808.0", fault);
    ASSERT_FAULTS(INT64_SCHEMA, "1e300", fault);
}
END_TEST

/* json-c makes the nearest number of one past 64 bits: none may pass. */
START_TEST(integers_past_64_bits_never_fit)
{
    static const char fault[] =
        "#: must be from -9223372036854775807 to 9223372036854775807\n";
    static const char *const schemas[] = {
        "{type: integer}", "{format: int64}", "{type: integer, format: int64}"};
    for (int i = 0; i < 3; i++) {
        ASSERT_FITS(schemas[i], "9223372036854775807");
        ASSERT_FITS(schemas[i], "-9223372036854775807");
        ASSERT_FAULTS(schemas[i], "9223372036854775808", fault);
        ASSERT_FAULTS(schemas[i], "18446744073709551616", fault);
        ASSERT_FAULTS(schemas[i], "-9223372036854775809", fault);
        ASSERT_FAULTS(schemas[i], "-99999999999999999999", fault);
        ASSERT_FAULTS(schemas[i], "1e19", fault);
    }
    ASSERT_FITS("{type: number}", "1e19");
}
END_TEST

START_TEST(choices)
{
    ASSERT_FITS("{enum: [a, 1, 1.5, true, null]}", "\"a\"");
    ASSERT_FITS("{enum: [a, 1, 1.5, true, null]}", "1.0");
    ASSERT_FITS("{enum: [a, 1, 1.5, true, null]}", "1.5");
    ASSERT_FITS("{enum: [a, 1, 1.5, true, null]}", "true");
    ASSERT_FITS("{enum: [a, 1, 1.5, true, null]}", "null");
    ASSERT_FAULTS("{enum: [a, '1', 1.5, true, null]}", "1",
        "#: must be one of \"a\", \"1\", 1.5, true, null\n");
    ASSERT_FAULTS("{enum: [a]}", "\"a\\u0000\"", "#: must be \"a\"\n");
    ASSERT_FAULTS("{enum: [a]}", "{}", "#: must be \"a\"\n");
}
END_TEST

START_TEST(constant)
{
    ASSERT_FITS("{const: 9223372036854775807}", "9223372036854775807");
    ASSERT_FITS("{const: null}", "null");
    ASSERT_FITS("{const: false}", "false");
    ASSERT_FAULTS("{const: 9223372036854775807}", "9223372036854775806",
        "#: must be 9223372036854775807\n");
    ASSERT_FAULTS("{const: false}", "true", "#: must be false\n");
    ASSERT_FAULTS("{const: null}", "0", "#: must be null\n");
}
END_TEST

START_TEST(any_of)
{
    ASSERT_FITS("{anyOf: [{type: string}, {type: integer}]}", "7");
    ASSERT_FITS("{anyOf: [{minimum: 1}, {minimum: 2}]}", "7");
    ASSERT_FAULTS("{anyOf: [{type: string}, {type: integer}]}", "[]",
        "#: has none of the forms that are allowed here\n");
    ASSERT_FAULTS("{description: a name or an id, anyOf: [{type: string}]}",
        "[]", "#: must be a name or an id\n");
    ASSERT_FAULTS("{title: 'a participant: \"/participant/7\", 7 or \"7\"', "
                  "description: long, anyOf: [{type: string}]}",
        "[]", "#: must be a participant: \"/participant/7\", 7 or \"7\"\n");
}
END_TEST

START_TEST(one_of)
{
    ASSERT_FITS("{oneOf: [{minimum: 5}, {maximum: 3}]}", "7");
    ASSERT_FAULTS("{title: far out, oneOf: [{minimum: 5}, {maximum: 3}]}", "4",
        "#: must be far out\n");
    ASSERT_FAULTS("{oneOf: [{minimum: 1}, {minimum: 2}]}", "7",
        "#: has 2 forms at once, must have one\n");
}
END_TEST

START_TEST(all_of)
{
    ASSERT_FITS("{allOf: [{minimum: 5}, {maximum: 9}]}", "7");
    ASSERT_FAULTS("{allOf: [{required: [a]}, {required: [b]}]}", "{}",
        "#/a: is required\n#/b: is required\n");
}
END_TEST

START_TEST(any_of_within)
{
    ASSERT_FAULTS("{properties: {to: {title: an id, anyOf: [{properties: "
                  "{a: {type: string}}, type: object}]}}}",
        "{\"to\": {\"a\": 1}}", "#/to: must be an id\n");
}
END_TEST

#define CHECK_TEXTS(format, texts, fits)                                   \
    do {                                                                   \
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {      \
            char json[64];                                                 \
            snprintf(json, sizeof(json), "\"%s\"", texts[i]);              \
            ck_assert_msg((*check_at("#", "{format: " format "}", json) == \
                              '\0') == fits,                               \
                "%s", texts[i]);                                           \
        }                                                                  \
    } while (0)

START_TEST(date)
{
    static const char *const right[] = {"2026-11-20", "2024-02-29",
        "2000-02-29", "0000-01-01", "9999-12-31", "2026-04-30"};
    static const char *const wrong[] = {"", "2026-02-29", "1900-02-29",
        "2026-04-31", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32",
        "2026-1-1", "26-01-01", "2026-11-20 ", " 2026-11-20", "2026/11/20",
        "20261120", "2026-11-20T", "2026-11-2x", "+026-11-20", "2026-11",
        "2026-11-20\\u0000"};
    CHECK_TEXTS("date", right, true);
    CHECK_TEXTS("date", wrong, false);
    ASSERT_FAULTS("{format: date}", "\"today\"",
        "#: must be a date such as 2026-11-20\n");
    ASSERT_FITS("{format: date}", "7");
}
END_TEST

START_TEST(date_time)
{
    static const char *const right[] = {"2026-11-20T10:53:00Z",
        "2026-11-20t10:53:00z", "2026-11-20T10:53:00.123Z",
        "2026-11-20T10:53:00.1234567890123+23:59", "2024-02-29T00:00:00-00:00",
        "2016-12-31T23:59:60Z", "2016-12-31T15:59:60-08:00",
        "2017-01-01T05:29:60+05:30"};
    static const char *const wrong[] = {"", "2026-11-20", "2026-11-20T10:53:00",
        "2026-11-20 10:53:00Z", "2026-11-20T24:00:00Z", "2026-11-20T10:60:00Z",
        "2026-11-20T10:53:61Z", "2026-11-20T10:53:60Z",
        "2026-11-20T23:59:60+01:00", "2026-11-20T10:53Z",
        "2026-11-20T10:53:00.Z", "2026-11-20T10:53:00,1Z",
        "2026-11-20T10:53:00+24:00", "2026-11-20T10:53:00+01:60",
        "2026-11-20T10:53:00+0100", "2026-11-20T10:53:00+01",
        "2026-11-20T10:53:00ZZ", "2026-02-29T10:53:00Z", "10:53:00Z"};
    CHECK_TEXTS("date-time", right, true);
    CHECK_TEXTS("date-time", wrong, false);
    ASSERT_FAULTS("{format: date-time}", "\"now\"",
        "#: must be a date-time such as 2026-11-20T10:53:00Z\n");
}
END_TEST

START_TEST(uri_reference)
{
    static const char *const right[] = {
        "", "/participant/7", "about:blank", "?a=b#c", "/a%20b"};
    static const char *const wrong[] = {
        "a b", "/%2", "/%zz", "<a>", "\xC3\xA4", "a\\u0000b", "a\\nb"};
    CHECK_TEXTS("uri-reference", right, true);
    CHECK_TEXTS("uri-reference", wrong, false);
}
END_TEST

START_TEST(annotations_check_nothing)
{
    ASSERT_FITS("{default: 1, description: a, title: b, examples: [1], "
                "example: 2, deprecated: true, readOnly: true, x-more: {a: 1}}",
        "\"anything\"");
}
END_TEST

START_TEST(all_faults_at_once)
{
    ASSERT_FAULTS(
        "{type: object, required: [c], properties: {a: {maxLength: 1, type: "
        "string}, b: {type: array, items: {minimum: 1}}}}",
        "{\"a\": \"xy\", \"b\": [0, 1, -1]}",
        "#/c: is required\n"
        "#/a: must be at most 1 character, has 2\n"
        "#/b/0: must be at least 1\n"
        "#/b/2: must be at least 1\n");
}
END_TEST

START_TEST(parameter_has_its_place)
{
    ck_assert_str_eq(check_at("query:limit", "{maximum: 200}", "201"),
        "query:limit: must be at most 200\n");
    ck_assert_str_eq(check_at("path:id", "{type: integer}", "\"x\""),
        "path:id: must be an integer\n");
}
END_TEST

START_TEST(counts_faults_past_the_list)
{
    struct faults faults = {0};
    struct json_object *list = json_object_new_array();
    for (int i = 0; i < 100; i++)
        json_object_array_add(list, json_object_new_int(i));
    struct schema *schema = build("schema: {items: {type: string}}");
    schema_check(schema, list, "#", &faults);
    ck_assert_int_eq(faults.count, 100);
    ck_assert_str_eq(faults.list[FAULTS_MAX - 1].pointer, "#/31");
    faults_free(&faults);
    json_object_put(list);
    drop();
}
END_TEST

START_TEST(follows_a_reference)
{
    struct faults faults = {0};
    struct json_object *value = json_tokener_parse("{\"a\": {\"a\": {}}}");
    /* It contains itself, one property further down. */
    const struct schema *schema =
        build("schema: {$ref: '#/components/schemas/Tree', maxItems: 1}\n"
              "components: {schemas: {Tree: {required: [b], properties: {a: "
              "{$ref: '#/components/schemas/Tree'}}}}}\n");
    ck_assert_ptr_nonnull(schema);
    schema_check(schema, value, "#", &faults);
    ck_assert_int_eq(faults.count, 3);
    ck_assert_str_eq(faults.list[0].pointer, "#/b");
    ck_assert_str_eq(faults.list[2].pointer, "#/a/a/b");
    faults_free(&faults);
    json_object_put(value);
    drop();
}
END_TEST

static const struct {
    const char *yaml;
    const char *fault;
} refused[] = {
    {"schema:\n  maxLenght: 5\n",
        "test.yaml:2: maxLenght is no schema keyword that this program "
        "honours\n"},
    {"schema:\n  not: {}\n",
        "test.yaml:2: not is no schema keyword that this program honours\n"},
    {"schema: []\n", "test.yaml:1: a schema must be a map\n"},
    {"schema:\n  type: text\n",
        "test.yaml:2: type must be \"null\" (in quotes), boolean, integer, "
        "number, string, array, object, or a list of these\n"},
    {"schema:\n  format: email\n",
        "test.yaml:2: format must be date, date-time, int64 or "
        "uri-reference\n"},
    {"schema:\n  maxLength: '5'\n",
        "test.yaml:2: maxLength must be an integer, 0 or more\n"},
    {"schema:\n  minItems: -1\n",
        "test.yaml:2: minItems must be an integer, 0 or more\n"},
    {"schema:\n  minimum: one\n", "test.yaml:2: minimum must be a number\n"},
    {"schema:\n  maximum: 1e400\n",
        "test.yaml:2: maximum must be a number that a double can hold\n"},
    {"schema:\n  type: string\n  pattern: '('\n",
        "test.yaml:3: pattern is no regular expression: missing closing "
        "parenthesis at character 2\n"},
    {"schema:\n  pattern: 5\n", "test.yaml:2: pattern must be a string\n"},
    {"schema:\n  enum: []\n",
        "test.yaml:2: enum must be a list of at least one value\n"},
    {"schema:\n  enum: [[1]]\n",
        "test.yaml:2: enum must be made of values that are no lists and no "
        "maps\n"},
    {"schema:\n  const: {}\n",
        "test.yaml:2: const must be a value that is no list and no map\n"},
    {"schema:\n  required: a\n",
        "test.yaml:2: required must be a list of names\n"},
    {"schema:\n  required: [1]\n",
        "test.yaml:2: required must be a list of names, each a string\n"},
    {"schema:\n  properties: [a]\n",
        "test.yaml:2: properties must be a map of schemas\n"},
    {"schema:\n  additionalProperties: {}\n",
        "test.yaml:2: additionalProperties must be true or false\n"},
    {"schema:\n  anyOf: []\n",
        "test.yaml:2: anyOf must be a list of at least one schema\n"},
    {"schema:\n  readOnly: yes\n",
        "test.yaml:2: readOnly must be true or false\n"},
    {"schema:\n  description: [a]\n",
        "test.yaml:2: description must be a string\n"},
    {"schema:\n  examples: a\n", "test.yaml:2: examples must be a list\n"},
    {"schema:\n  $ref: '#/components/schemas/No'\n",
        "test.yaml:2: $ref names \"#/components/schemas/No\", which does not "
        "exist\n"},
    {"schema:\n  $ref: other.yaml#/a\n",
        "test.yaml:2: $ref must be \"#/components/schemas/<name>\", is "
        "\"other.yaml#/a\"\n"},
    {"schema:\n  $ref: '#/components/schemas/A'\n"
     "components:\n  schemas:\n    A:\n      $ref: '#/components/schemas/A'\n",
        "test.yaml:5: this schema contains itself without going down into a "
        "property or an item\n"},
    {"schema:\n  items: {typo: 1}\n  oops: 1\n",
        "test.yaml:2: typo is no schema keyword that this program honours\n"
        "test.yaml:3: oops is no schema keyword that this program honours\n"},
};

START_TEST(refuses_what_it_would_not_honour)
{
    ck_assert_ptr_null(build(refused[_i].yaml));
    ck_assert_str_eq(buf_text(&file_faults), refused[_i].fault);
    drop();
}
END_TEST

/* Circles of several schemas are found as well, and none loops for ever. */
START_TEST(refuses_a_circle_of_three)
{
    ck_assert_ptr_null(build("schema: {$ref: '#/components/schemas/A'}\n"
                             "components:\n  schemas:\n"
                             "    A: {anyOf: [{$ref: "
                             "'#/components/schemas/B'}]}\n"
                             "    B: {oneOf: [{type: string}, {$ref: "
                             "'#/components/schemas/C'}]}\n"
                             "    C: {allOf: [{$ref: "
                             "'#/components/schemas/A'}]}\n"));
    ck_assert_int_eq(file.fault_count, 1);
    drop();
}
END_TEST

static const struct {
    const char *schema;
    const char *text;
    const char *json;
} parameters[] = {
    {"{type: integer}", "0", "0"},
    {"{type: integer}", "17", "17"},
    {"{type: integer}", "-17", "-17"},
    {"{type: integer}", "9223372036854775807", "9223372036854775807"},
    {"{type: integer}", "9223372036854775808", "9223372036854775808"},
    {"{type: integer}", "99999999999999999999", "18446744073709551615"},
    {"{type: integer}", "-99999999999999999999", "-9223372036854775808"},
    {"{type: integer}", "", "\"\""},
    {"{type: integer}", "-", "\"-\""},
    {"{type: integer}", "-0", "\"-0\""},
    {"{type: integer}", "+1", "\"+1\""},
    {"{type: integer}", "01", "\"01\""},
    {"{type: integer}", " 1", "\" 1\""},
    {"{type: integer}", "1 ", "\"1 \""},
    {"{type: integer}", "1.0", "\"1.0\""},
    {"{type: integer}", "0x1", "\"0x1\""},
    {"{type: string}", "17", "\"17\""},
    {"{allOf: [{type: integer}]}", "17", "17"},
    {"{anyOf: [{type: string}, {type: integer}]}", "17", "17"},
    {"{enum: ['1']}", "1", "\"1\""},
};

START_TEST(parses_a_parameter)
{
    struct buf yaml = {0};
    buf_printf(&yaml, "schema: %s\n", parameters[_i].schema);
    struct json_object *value =
        schema_parse_text(build(buf_text(&yaml)), parameters[_i].text);
    ck_assert_str_eq(
        json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
        parameters[_i].json);
    json_object_put(value);
    buf_free(&yaml);
    drop();
}
END_TEST

static bool takes_text(const char *yaml)
{
    bool takes = schema_takes_text(build(yaml));
    drop();
    return takes;
}

START_TEST(knows_what_a_parameter_can_be)
{
    ck_assert(takes_text("schema: {type: integer}"));
    ck_assert(takes_text("schema: {type: [string, integer]}"));
    ck_assert(takes_text("schema: {allOf: [{type: string}]}"));
    ck_assert(!takes_text("schema: {type: array}"));
    ck_assert(!takes_text("schema: {type: [string, 'null']}"));
    ck_assert(!takes_text("schema: {minLength: 1}"));
    ck_assert(!takes_text("schema: {anyOf: [{type: string}, {type: object}]}"));
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*list))

void add_tests(TCase *tests)
{
    tcase_add_test(tests, type);
    tcase_add_test(tests, type_says_what_is_right);
    tcase_add_test(tests, type_list);
    tcase_add_test(tests, wrong_type_is_the_only_fault);
    tcase_add_test(tests, required);
    tcase_add_test(tests, properties);
    tcase_add_test(tests, pointer_escapes);
    tcase_add_test(tests, additional_properties);
    tcase_add_test(tests, items);
    tcase_add_test(tests, item_counts);
    tcase_add_test(tests, lengths);
    tcase_add_test(tests, lengths_are_code_points);
    tcase_add_test(tests, pattern);
    tcase_add_test(tests, pattern_says_the_title);
    tcase_add_test(tests, pattern_knows_unicode);
    tcase_add_test(tests, pattern_gives_up);
    tcase_add_test(tests, pattern_takes_a_long_text);
    tcase_add_test(tests, bounds);
    tcase_add_test(tests, exclusive_bounds);
    tcase_add_test(tests, int64_upper_edge);
    tcase_add_test(tests, integers_past_64_bits_never_fit);
    tcase_add_test(tests, choices);
    tcase_add_test(tests, constant);
    tcase_add_test(tests, any_of);
    tcase_add_test(tests, one_of);
    tcase_add_test(tests, all_of);
    tcase_add_test(tests, any_of_within);
    tcase_add_test(tests, date);
    tcase_add_test(tests, date_time);
    tcase_add_test(tests, uri_reference);
    tcase_add_test(tests, annotations_check_nothing);
    tcase_add_test(tests, all_faults_at_once);
    tcase_add_test(tests, parameter_has_its_place);
    tcase_add_test(tests, counts_faults_past_the_list);
    tcase_add_test(tests, follows_a_reference);
    tcase_add_loop_test(
        tests, refuses_what_it_would_not_honour, 0, COUNT(refused));
    tcase_add_test(tests, refuses_a_circle_of_three);
    tcase_add_loop_test(tests, parses_a_parameter, 0, COUNT(parameters));
    tcase_add_test(tests, knows_what_a_parameter_can_be);
}
