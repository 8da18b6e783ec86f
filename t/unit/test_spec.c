/* spec: what a specification gives, what is refused and how that is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../app/spec.h"
#include "runner.h"

static char file[] = "/tmp/test_spec_XXXXXX";
static struct spec *spec;
static struct buf faults;

/* Loads a text as a file; false: `faults`, where the file is called FILE. */
static bool load_bytes(const char *yaml, size_t len)
{
    strcpy(file + strlen(file) - 6, "XXXXXX");
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, len), (int)len);
    close(fd);

    struct buf raw = {0};
    bool loaded = spec_load(file, &spec, &raw);
    unlink(file);
    ck_assert_int_eq(loaded, spec != NULL);
    ck_assert_int_eq(loaded, raw.len == 0);
    for (const char *at = buf_text(&raw); *at;) {
        bool here = strncmp(at, file, strlen(file)) == 0;
        buf_add(&faults, here ? "FILE" : at, here ? 4 : 1);
        at += here ? strlen(file) : 1;
    }
    buf_free(&raw);
    return loaded;
}

static bool load(const char *yaml)
{
    return load_bytes(yaml, strlen(yaml));
}

static void drop(void)
{
    spec_free(spec);
    buf_free(&faults);
}

#define HEAD           \
    "openapi: 3.1.0\n" \
    "info: {title: t, version: 1.2.3}\n"
#define OK_RESPONSE "{'200': {description: d}}"
#define OPERATION(id) "{operationId: " id ", responses: " OK_RESPONSE "}"

static const char full[] = HEAD
    "security: [{bearer: []}]\n"
    "paths:\n"
    "  /a/{id}/b:\n"
    "    parameters:\n"
    "      - {name: id, in: path, required: true, schema: {type: integer}}\n"
    "    post:\n"
    "      operationId: addB\n"
    "      parameters:\n"
    "        - $ref: '#/components/parameters/Key'\n"
    "        - {name: q, in: query, required: true, schema: {type: string}}\n"
    "        - {name: r, in: query, schema: {$ref: '#/components/schemas/R'}}\n"
    "      requestBody:\n"
    "        $ref: '#/components/requestBodies/B'\n"
    "      responses: " OK_RESPONSE "\n"
    "    get: {operationId: getB, security: [], responses: " OK_RESPONSE "}\n"
    "  /: {delete: " OPERATION(
        "removeAll") "}\n"
                     "components:\n"
                     "  securitySchemes: {bearer: {type: http, scheme: "
                     "bearer}}\n"
                     "  parameters:\n"
                     "    Key: {name: idempotency-key, in: header, schema: "
                     "{type: string}}\n"
                     "  schemas: {R: {type: integer, default: 7}}\n"
                     "  requestBodies:\n"
                     "    B: {required: true, content: {application/json: "
                     "{schema: {}}}}\n";

START_TEST(reads_info)
{
    ck_assert_msg(load(full), "%s", buf_text(&faults));
    ck_assert_str_eq(spec->title, "t");
    ck_assert_str_eq(spec->version, "1.2.3");
    drop();
}
END_TEST

START_TEST(reads_paths)
{
    ck_assert(load(full));
    ck_assert_int_eq(spec->path_count, 2);
    const struct spec_path *path = &spec->paths[0];
    ck_assert_str_eq(path->template, "/a/{id}/b");
    ck_assert_int_eq(path->segment_count, 3);
    ck_assert_str_eq(path->segments[0].text, "a");
    ck_assert(!path->segments[0].is_parameter);
    ck_assert_str_eq(path->segments[1].text, "id");
    ck_assert(path->segments[1].is_parameter);
    ck_assert_str_eq(path->segments[2].text, "b");

    ck_assert_int_eq(spec->paths[1].segment_count, 1);
    ck_assert_str_eq(spec->paths[1].segments[0].text, "");
    drop();
}
END_TEST

START_TEST(reads_operations)
{
    ck_assert(load(full));
    const struct spec_path *path = &spec->paths[0];
    ck_assert_int_eq(path->operation_count, 2);
    ck_assert_str_eq(path->operations[0].method, "GET");
    ck_assert_str_eq(path->operations[0].id, "getB");
    ck_assert_int_eq(path->operations[0].line, 17);
    ck_assert_str_eq(path->operations[1].method, "POST");
    ck_assert_str_eq(path->operations[1].id, "addB");
    ck_assert_int_eq(path->operations[1].line, 8);
    drop();
}
END_TEST

START_TEST(reads_parameters)
{
    ck_assert(load(full));
    const struct spec_operation *op = spec_find(spec, "addB");
    ck_assert_int_eq(op->parameter_count, 4);
    ck_assert_str_eq(op->parameters[0].name, "id");
    ck_assert_int_eq(op->parameters[0].in, SPEC_IN_PATH);
    ck_assert_str_eq(op->parameters[1].name, "idempotency-key");
    ck_assert_int_eq(op->parameters[1].in, SPEC_IN_HEADER);
    ck_assert_str_eq(op->parameters[2].name, "q");
    ck_assert_int_eq(op->parameters[2].in, SPEC_IN_QUERY);
    ck_assert(op->parameters[2].required);
    ck_assert_ptr_null(op->parameters[2].by_default);
    ck_assert(!op->parameters[3].required);
    ck_assert_ptr_nonnull(op->parameters[3].schema);
    ck_assert_str_eq(op->parameters[3].by_default, "7");
    ck_assert_int_eq(spec_find(spec, "getB")->parameter_count, 1);
    drop();
}
END_TEST

/* A header has its name in any case, the others as they are written. */
START_TEST(finds_parameters)
{
    ck_assert(load(full));
    const struct spec_operation *op = spec_find(spec, "addB");
    ck_assert_ptr_eq(spec_find_parameter(op, "Idempotency-Key", SPEC_IN_HEADER),
        &op->parameters[1]);
    ck_assert_ptr_eq(
        spec_find_parameter(op, "q", SPEC_IN_QUERY), &op->parameters[2]);
    ck_assert_ptr_null(spec_find_parameter(op, "Q", SPEC_IN_QUERY));
    ck_assert_ptr_null(spec_find_parameter(op, "q", SPEC_IN_HEADER));
    ck_assert_ptr_null(spec_find_parameter(
        spec_find(spec, "getB"), "Idempotency-Key", SPEC_IN_HEADER));
    drop();
}
END_TEST

START_TEST(reads_body_and_security)
{
    ck_assert(load(full));
    const struct spec_operation *post = spec_find(spec, "addB");
    ck_assert_ptr_nonnull(post->body);
    ck_assert(post->body_required);
    ck_assert(post->secured);
    const struct spec_operation *get = spec_find(spec, "getB");
    ck_assert_ptr_null(get->body);
    ck_assert(!get->secured);
    drop();
}
END_TEST

START_TEST(is_not_secured_unless_it_says_so)
{
    ck_assert(load(HEAD "paths: {/a: {get: " OPERATION("a") "}}\n"));
    ck_assert(!spec_find(spec, "a")->secured);
    drop();
}
END_TEST

START_TEST(finds_operations_by_id)
{
    ck_assert(load(full));
    ck_assert_str_eq(spec_find(spec, "removeAll")->method, "DELETE");
    ck_assert_ptr_null(spec_find(spec, "removeall"));
    drop();
}
END_TEST

START_TEST(accepts_documentation)
{
    ck_assert_msg(
        load("openapi: 3.1.1\n"
             "x-root: 1\n"
             "info: {title: t, version: v, x-info: 1, summary: s, description: "
             "d, contact: {name: n, url: u, email: e}, license: {name: n}}\n"
             "servers: [{url: /, description: d}]\n"
             "tags: [{name: a, description: d}]\n"
             "externalDocs: {url: u}\n"
             "paths:\n"
             "  /a:\n"
             "    get:\n"
             "      operationId: a\n"
             "      tags: [a]\n"
             "      deprecated: true\n"
             "      responses:\n"
             "        '200':\n"
             "          description: d\n"
             "          headers: {Link: {$ref: '#/components/headers/L'}}\n"
             "          content: {text/html: {schema: {}, examples: {a: "
             "{value: [1]}}}}\n"
             "        4XX: {$ref: '#/components/responses/R'}\n"
             "        default: {description: d}\n"
             "components:\n"
             "  headers: {L: {schema: {type: string}, example: x}}\n"
             "  responses: {R: {description: d}}\n"
             "  examples: {E: {value: null, summary: s}}\n"),
        "%s", buf_text(&faults));
    drop();
}
END_TEST

/* They are no operations of the service, and may have what is none's. */
START_TEST(accepts_webhooks)
{
    ck_assert_msg(
        load(HEAD
            "paths: {}\n"
            "webhooks:\n"
            "  a.b:\n"
            "    post:\n"
            "      summary: s\n"
            "      security: []\n"
            "      parameters: [{$ref: '#/components/parameters/X'}]\n"
            "      requestBody: {content: {a/b: {schema: {type: object}}}}\n"
            "      responses: {2XX: {description: d}}\n"
            "components:\n"
            "  parameters: {X: {name: X-A, in: header, schema: {}}}\n"),
        "%s", buf_text(&faults));
    ck_assert_int_eq(spec->path_count, 0);
    drop();
}
END_TEST

static const struct {
    const char *yaml;
    const char *fault;
} refused[] = {
    /* YAML */
    {"", "FILE: holds nothing\n"},
    {"a: [\n", "FILE:2: did not find expected node content\n"},
    {HEAD "info: {title: u, version: v}\npaths: {}\n",
        "FILE:3: the key \"info\" stands here twice, first in line 2\n"},
    {HEAD "paths: {}\nx-a: &a 1\n",
        "FILE:4: anchors (&a) are not supported: use $ref\n"},
    {HEAD "paths: {}\nx-a: *a\n",
        "FILE:4: aliases (*) are not supported: use $ref\n"},
    {HEAD "paths: {}\nx-a: !!str 1\n",
        "FILE:4: tags (tag:yaml.org,2002:str) are not supported: quote what "
        "is a string\n"},
    {HEAD "paths: {}\nx-a: \"\\0\"\n",
        "FILE:4: must not hold the character NUL\n"},
    {HEAD "paths: {}\n? [a]\n: b\n", "FILE:4: a key must be text\n"},
    {HEAD "paths: {}\n---\na: b\n",
        "FILE:4: a second document begins here: there must be one\n"},
    /* Keys and types */
    {"[]\n", "FILE:1: the file must be a map\n"},
    {"info: {title: t, version: v}\npaths: {}\n",
        "FILE:1: the file must have openapi\n"},
    {"openapi: 3.0.3\ninfo: {title: t, version: v}\npaths: {}\n",
        "FILE:1: openapi must be 3.1.x\n"},
    {"openapi: 3.1.0\ninfo: {title: t, version: 1.0}\npaths: {}\n",
        "FILE:2: version must be a string: put it in quotes\n"},
    {"openapi: 3.1.0\ninfo: {title: t}\npaths: {}\n",
        "FILE:2: info must have version\n"},
    {HEAD "paths: {}\nhooks: {}\n",
        "FILE:4: hooks is no key of the file that this program honours\n"},
    {HEAD "paths: []\n", "FILE:3: paths must be a map\n"},
    {HEAD "paths: {}\ntags: {}\n", "FILE:4: tags must be a list\n"},
    {HEAD "paths:\n  /a:\n    head: " OPERATION("a") "\n",
        "FILE:5: head is no key of a path that this program honours\n"},
    {HEAD "paths:\n  /a:\n    get:\n      callbacks: {}\n      operationId: "
          "a\n      responses: " OK_RESPONSE "\n",
        "FILE:6: callbacks is no key of an operation that this program "
        "honours\n"},
    {HEAD "paths:\n  /a:\n    get: {responses: " OK_RESPONSE "}\n",
        "FILE:5: an operation must have operationId\n"},
    {HEAD "paths:\n  /a:\n    get: {operationId: a, responses: {}}\n",
        "FILE:5: responses must be a map of at least one response\n"},
    {HEAD "paths:\n  /a:\n    get: {operationId: a, responses: {ok: "
          "{description: d}}}\n",
        "FILE:5: the key of a response must be a status such as \"200\" or "
        "\"4XX\", or default, is \"ok\"\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      tags: [1]\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:7: each item must be a string: put it in quotes\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      deprecated: "
          "'true'\n      responses: " OK_RESPONSE "\n",
        "FILE:7: deprecated must be true or false\n"},
    /* Documentation is looked at as well */
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      responses:\n"
          "        '200':\n          description: d\n          content:\n"
          "            application/json: {schema: {maxLenght: 1}}\n",
        "FILE:11: maxLenght is no schema keyword that this program honours\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      responses:\n"
          "        '200': {$ref: '#/components/responses/No'}\n",
        "FILE:8: $ref names \"#/components/responses/No\", which does not "
        "exist\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      responses:\n"
          "        '200': {$ref: '#/components/schemas/No'}\n",
        "FILE:8: $ref must be \"#/components/responses/<name>\", is "
        "\"#/components/schemas/No\"\n"},
    {HEAD "paths: {}\ncomponents:\n  responses:\n    A: {$ref: "
          "'#/components/responses/B'}\n    B: {$ref: "
          "'#/components/responses/A'}\n",
        "FILE:6: $ref leads in a circle\nFILE:7: $ref leads in a circle\n"},
    {HEAD "paths: {}\ncomponents:\n  schemas:\n    A: {pattern: '['}\n",
        "FILE:6: pattern is no regular expression: missing terminating ] for "
        "character class at character 2\n"},
    /* Parameters */
    {HEAD "paths: {}\ncomponents:\n  parameters:\n    A: {name: a, in: cookie, "
          "schema: {type: string}}\n",
        "FILE:6: in must be path, query or header, is cookie\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: X-A, in: header, schema: {type: string}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: the header X-A is none that an operation of this program "
        "reads\n"},
    {HEAD "paths: {}\ncomponents:\n  parameters:\n    A: {name: a, in: path, "
          "schema: {type: string}}\n",
        "FILE:6: a path parameter must have required: true\n"},
    {HEAD "paths: {}\ncomponents:\n  parameters:\n    A:\n      name: a\n"
          "      in: query\n      style: pipeDelimited\n      schema: {}\n",
        "FILE:9: style is no key of a parameter that this program honours\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: q, in: query, schema: {type: integer, maximum: 9,\n"
          "            default: 10}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: the default of a parameter must fit its schema\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: q, in: query,\n"
          "            schema: {type: integer, default: '7'}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: the default of a parameter must fit its schema\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: q, in: query,\n"
          "            schema: {type: integer, default: [7]}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: the default of a parameter must fit its schema\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: Idempotency-Key, in: header,\n"
          "            schema: {type: string, default: a}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: of parameters, those of the query alone may have a default\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: Idempotency-Key, in: header, schema: {type: "
          "string}}\n"
          "        - {name: idempotency-key, in: header, schema: {type: "
          "string}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:9: the parameter idempotency-key must stand once, with the path "
        "or with the operation\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: q, in: query, schema: {type: array}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:8: the schema of a parameter must be of type string or "
        "integer\n"},
    {HEAD "paths:\n  /a:\n    get:\n      operationId: a\n      parameters:\n"
          "        - {name: q, in: query, schema: {type: string}}\n"
          "        - {name: q, in: query, schema: {type: string}}\n"
          "      responses: " OK_RESPONSE "\n",
        "FILE:9: the parameter q must stand once, with the path or with the "
        "operation\n"},
    {HEAD "paths:\n  /a/{id}:\n    get: " OPERATION("a") "\n",
        "FILE:5: {id} of /a/{id} must be among the parameters, in: path\n"},
    {HEAD "paths:\n  /a:\n    parameters: [{name: id, in: path, required: "
          "true, schema: {type: string}}]\n    get: " OPERATION("a") "\n",
        "FILE:6: the parameter id must stand in the path, as {id}\n"},
    /* Paths */
    {HEAD "paths:\n  a: {get: " OPERATION("a") "}\n",
        "FILE:4: a path must begin with /, is \"a\"\n"},
    {HEAD "paths:\n  /a/: {get: " OPERATION("a") "}\n",
        "FILE:4: a path must have no empty segments\n"},
    {HEAD "paths:\n  /a.{x}: {}\n",
        "FILE:4: a {parameter} must have a name and fill its segment of the "
        "path\n"},
    {HEAD "paths:\n  /{}: {}\n",
        "FILE:4: a {parameter} must have a name and fill its segment of the "
        "path\n"},
    {HEAD "paths:\n  /{a}/{a}: {}\n",
        "FILE:4: {a} must stand once in a path\n"},
    {HEAD "paths:\n  /1/2/3/4/5/6/7/8/9: {}\n",
        "FILE:4: a path must have at most 8 segments\n"},
    {HEAD "paths:\n  /a/{x}: {}\n  /a/{y}: {}\n",
        "FILE:5: /a/{y} matches the same requests as /a/{x}\n"},
    {HEAD "paths:\n  /a:\n    get: " OPERATION("a") "\n    put: " OPERATION(
         "a") "\n",
        "FILE:6: the operationId a is used twice, first in line 5\n"},
    /* Bodies */
    {HEAD "paths: {}\ncomponents:\n  requestBodies:\n    A: {content: "
          "{text/plain: {schema: {}}}}\n",
        "FILE:6: content of a request must be \"application/json\" alone\n"},
    /* Security */
    {HEAD "paths: {}\nsecurity: [{no: []}]\n",
        "FILE:4: security names \"no\", which components/securitySchemes does "
        "not have\n"},
    {HEAD "paths: {}\nsecurity: [{}]\n",
        "FILE:4: security must name one scheme: optional credentials, and two "
        "kinds at once, are not supported\n"},
    {HEAD "paths: {}\nsecurity: [{}, {}]\n",
        "FILE:4: security must be a list of one requirement, or [] for "
        "none\n"},
    /* Webhooks */
    {HEAD "paths: {}\nwebhooks: []\n", "FILE:4: webhooks must be a map\n"},
    {HEAD "paths: {}\nwebhooks:\n  a: {get: " OPERATION("a") "}\n",
        "FILE:5: get is no key of a webhook that this program honours\n"
        "FILE:5: a webhook must have post\n"},
    {HEAD "paths: {}\nwebhooks:\n  a: {post: {responses: " OK_RESPONSE "}}\n",
        "FILE:5: a webhook's operation must have requestBody\n"},
    {HEAD "paths: {}\nwebhooks:\n  a:\n    post:\n      responses: " OK_RESPONSE
          "\n      requestBody: {content: {a/b: {schema: {typo: 1}}}}\n",
        "FILE:8: typo is no schema keyword that this program honours\n"},
    {HEAD "paths: {}\nsecurity: [{b: [x]}]\ncomponents: {securitySchemes: {b: "
          "{type: http, scheme: bearer}}}\n",
        "FILE:4: b must be []: scopes are not supported\n"},
    {HEAD "paths: {}\ncomponents:\n  securitySchemes:\n    b: {type: http, "
          "scheme: basic}\n",
        "FILE:6: a security scheme must have type: http and scheme: bearer\n"},
};

START_TEST(refuses)
{
    ck_assert(!load(refused[_i].yaml));
    ck_assert_str_eq(buf_text(&faults), refused[_i].fault);
    drop();
}
END_TEST

START_TEST(collects_faults)
{
    ck_assert(!load("openapi: '3.0'\ninfo: {}\npaths: {}\ntypo: 1\n"));
    ck_assert_str_eq(buf_text(&faults),
        "FILE:1: openapi must be 3.1.x\n"
        "FILE:2: info must have title\n"
        "FILE:2: info must have version\n"
        "FILE:4: typo is no key of the file that this program honours\n");
    drop();
}
END_TEST

START_TEST(refuses_a_file_that_is_not_there)
{
    ck_assert(!spec_load("/nowhere/openapi.yaml", &spec, &faults));
    ck_assert_ptr_null(spec);
    ck_assert_str_eq(buf_text(&faults),
        "/nowhere/openapi.yaml: cannot be opened: No such file or "
        "directory\n");
    drop();
}
END_TEST

START_TEST(refuses_a_folder)
{
    ck_assert(!spec_load("/tmp", &spec, &faults));
    ck_assert_str_eq(
        buf_text(&faults), "/tmp: cannot be read: Is a directory\n");
    drop();
}
END_TEST

START_TEST(refuses_a_huge_file)
{
    size_t len = (1 << 20) + 1;
    char *yaml = malloc(len);
    memset(yaml, '#', len);
    ck_assert(!load_bytes(yaml, len));
    ck_assert_str_eq(
        buf_text(&faults), "FILE: must be at most 1048576 bytes\n");
    free(yaml);
    drop();
}
END_TEST

START_TEST(refuses_deep_nesting)
{
    char yaml[200];
    memset(yaml, '[', sizeof(yaml));
    ck_assert(!load_bytes(yaml, sizeof(yaml)));
    ck_assert_str_eq(buf_text(&faults), "FILE:1: is nested too deep\n");
    drop();
}
END_TEST

START_TEST(refuses_too_many_paths)
{
    struct buf yaml = {0};
    buf_puts(&yaml, HEAD "paths:\n");
    for (int i = 0; i <= SPEC_PATHS_MAX; i++)
        buf_printf(&yaml, "  /p%d: {}\n", i);
    ck_assert(!load(buf_text(&yaml)));
    ck_assert_str_eq(buf_text(&faults),
        "FILE:68: there must be at most 64 paths, this is one more\n");
    buf_free(&yaml);
    drop();
}
END_TEST

START_TEST(refuses_too_many_parameters)
{
    struct buf yaml = {0};
    buf_puts(&yaml, HEAD "paths:\n  /a:\n    get:\n      operationId: a\n"
                         "      responses: " OK_RESPONSE "\n"
                         "      parameters:\n");
    for (int i = 0; i <= SPEC_PARAMETERS_MAX; i++)
        buf_printf(&yaml,
            "        - {name: p%d, in: query, schema: {type: string}}\n", i);
    ck_assert(!load(buf_text(&yaml)));
    ck_assert_str_eq(buf_text(&faults),
        "FILE:5: an operation must have at most 12 parameters\n");
    buf_free(&yaml);
    drop();
}
END_TEST

/* Cut off anywhere, a file is refused or loads, and nothing worse. */
START_TEST(survives_every_cut)
{
    for (size_t len = 0; len < sizeof(full); len++) {
        load_bytes(full, len);
        drop();
    }
}
END_TEST

START_TEST(frees_nothing)
{
    spec_free(NULL);
}
END_TEST

/* Run from the top of the repository. */
START_TEST(loads_our_own)
{
    int count = 0;
    ck_assert_msg(
        spec_load("etc/openapi.yaml", &spec, &faults), "%s", buf_text(&faults));
    for (int i = 0; i < spec->path_count; i++)
        for (int j = 0; j < spec->paths[i].operation_count; j++, count++) {
            const struct spec_operation *op = &spec->paths[i].operations[j];
            const char *method = op->method;
            bool posts = strcmp(method, "POST") == 0;
            bool writes = posts || strcmp(method, "PATCH") == 0 ||
                          strcmp(method, "PUT") == 0;
            ck_assert_ptr_eq(spec_find(spec, op->id), op);
            ck_assert_int_eq(op->body && op->body_required, writes);
            ck_assert(posts == (spec_find_parameter(op, "Idempotency-Key",
                                    SPEC_IN_HEADER) != NULL));
        }
    ck_assert_int_gt(count, 0);
    drop();
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*list))

void add_tests(TCase *tests)
{
    tcase_add_test(tests, reads_info);
    tcase_add_test(tests, reads_paths);
    tcase_add_test(tests, reads_operations);
    tcase_add_test(tests, reads_parameters);
    tcase_add_test(tests, finds_parameters);
    tcase_add_test(tests, reads_body_and_security);
    tcase_add_test(tests, is_not_secured_unless_it_says_so);
    tcase_add_test(tests, finds_operations_by_id);
    tcase_add_test(tests, accepts_documentation);
    tcase_add_test(tests, accepts_webhooks);
    tcase_add_loop_test(tests, refuses, 0, COUNT(refused));
    tcase_add_test(tests, collects_faults);
    tcase_add_test(tests, refuses_a_file_that_is_not_there);
    tcase_add_test(tests, refuses_a_folder);
    tcase_add_test(tests, refuses_a_huge_file);
    tcase_add_test(tests, refuses_deep_nesting);
    tcase_add_test(tests, refuses_too_many_paths);
    tcase_add_test(tests, refuses_too_many_parameters);
    tcase_add_test(tests, survives_every_cut);
    tcase_add_test(tests, frees_nothing);
    tcase_add_test(tests, loads_our_own);
}
