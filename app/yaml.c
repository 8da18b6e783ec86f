/* A YAML file as a tree of nodes that know their lines; the only file that
 * knows libyaml. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "yaml.h"

struct node_block {
    struct node_block *next;
    _Alignas(max_align_t) char bytes[];
};

struct reader {
    struct node_file *file;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, owned */
    bool broken;        /* cannot be read any further; noted */
};

void *node_alloc(struct node_file *file, size_t size)
{
    struct node_block *block = calloc(1, sizeof(*block) + size);
    if (!block) {
        node_fault(file, 0, "no memory");
        return NULL;
    }
    block->next = file->blocks;
    file->blocks = block;
    return block->bytes;
}

void node_free(struct node_file *file)
{
    while (file->blocks) {
        struct node_block *block = file->blocks;
        file->blocks = block->next;
        free(block);
    }
    file->root = NULL;
}

void node_fault(struct node_file *file, int line, const char *format, ...)
{
    file->fault_count++;
    buf_puts(file->faults, file->name);
    if (line > 0)
        buf_printf(file->faults, ":%d", line);
    buf_puts(file->faults, ": ");

    va_list args;
    va_start(args, format);
    buf_vprintf(file->faults, format, args);
    va_end(args);
    buf_puts(file->faults, "\n");
}

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static void break_off(struct reader *reader, int line, const char *reason)
{
    reader->broken = true;
    node_fault(reader->file, line, "%s", reason);
}

/* Moves on to the next event; false once nothing more can be read. */
static bool next(struct reader *reader)
{
    if (reader->broken)
        return false;
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event))
        return true;

    const char *problem = reader->parser.problem;
    break_off(reader, (int)reader->parser.problem_mark.line + 1,
        problem ? problem : "cannot be read as YAML");
    return false;
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* A number as JSON writes it (RFC 8259, section 6), else a string. */
static enum node_type type_number(const char *text)
{
    const char *p = text + (*text == '-');
    size_t digits = count_digits(p);
    if (digits == 0 || (*p == '0' && digits > 1))
        return NODE_STRING;
    p += digits;
    if (*p == '\0')
        return NODE_INTEGER;

    if (*p == '.') {
        digits = count_digits(++p);
        if (digits == 0)
            return NODE_STRING;
        p += digits;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        digits = count_digits(p);
        if (digits == 0)
            return NODE_STRING;
        p += digits;
    }
    return *p == '\0' ? NODE_NUMBER : NODE_STRING;
}

static enum node_type type_scalar(const char *text, bool plain)
{
    if (!plain)
        return NODE_STRING;
    if (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)
        return NODE_NULL;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return NODE_BOOLEAN;
    return type_number(text);
}

/* The text of the current event, a scalar. */
static char *copy_scalar(struct reader *reader)
{
    const char *value = (const char *)reader->event.data.scalar.value;
    size_t len = reader->event.data.scalar.length;
    char *text = node_alloc(reader->file, len + 1);

    if (!text) {
        reader->broken = true;
        return NULL;
    }
    memcpy(text, value, len);
    if (strlen(text) < len)
        node_fault(reader->file, line_of(&reader->event),
            "must not hold the character NUL");
    return text;
}

static void refuse_extras(
    struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        node_fault(reader->file, line_of(&reader->event),
            "anchors (&%s) are not supported: use $ref", anchor);
    if (tag)
        node_fault(reader->file, line_of(&reader->event),
            "tags (%s) are not supported: quote what is a string", tag);
}

/* Moves on to a key and copies it, then on to its value. */
static char *read_key(struct reader *reader)
{
    int line = line_of(&reader->event);
    if (reader->event.type != YAML_SCALAR_EVENT) {
        break_off(reader, line, "a key must be text");
        return NULL;
    }
    refuse_extras(reader, reader->event.data.scalar.anchor,
        reader->event.data.scalar.tag);
    char *key = copy_scalar(reader);
    return key && next(reader) ? key : NULL;
}

static struct node *read_node(struct reader *reader, int depth);

/* Whether the map has this key already; if so, only the first is kept. */
static bool is_twin(
    struct reader *reader, const struct node *map, const struct node *child)
{
    const struct node *first = node_get(map, child->key);
    if (first)
        node_fault(reader->file, child->line,
            "the key \"%s\" stands here twice, first in line %d", child->key,
            first->line);
    return first != NULL;
}

static bool ends(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_END_EVENT ||
           event->type == YAML_MAPPING_END_EVENT;
}

static void read_children(struct reader *reader, struct node *parent, int depth)
{
    struct node **end = &parent->first;

    if (depth > NODE_DEPTH_MAX)
        break_off(reader, parent->line, "is nested too deep");
    while (next(reader) && !ends(&reader->event)) {
        int line = line_of(&reader->event);
        char *key = NULL;
        if (parent->type == NODE_MAP && !(key = read_key(reader)))
            return;
        struct node *child = read_node(reader, depth);
        if (!child)
            return;
        if (key) {
            child->key = key;
            child->line = line;
            if (is_twin(reader, parent, child))
                continue;
        }
        *end = child;
        end = &child->next;
    }
}

/* The node that begins with the current event; leaves its last one current.
 * NULL: no memory. */
static struct node *read_node(struct reader *reader, int depth)
{
    const yaml_event_t *event = &reader->event;
    struct node *node = node_alloc(reader->file, sizeof(*node));
    if (!node) {
        reader->broken = true;
        return NULL;
    }

    node->line = line_of(event);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        refuse_extras(
            reader, event->data.scalar.anchor, event->data.scalar.tag);
        node->text = copy_scalar(reader);
        if (node->text)
            node->type = type_scalar(node->text,
                event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(reader, event->data.sequence_start.anchor,
            event->data.sequence_start.tag);
        node->type = NODE_LIST;
        read_children(reader, node, depth + 1);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(reader, event->data.mapping_start.anchor,
            event->data.mapping_start.tag);
        node->type = NODE_MAP;
        read_children(reader, node, depth + 1);
        break;
    default: /* YAML_ALIAS_EVENT */
        break_off(
            reader, node->line, "aliases (*) are not supported: use $ref");
    }
    return node;
}

static void parse(struct node_file *file, const struct buf *bytes)
{
    struct reader reader = {.file = file};

    if (!yaml_parser_initialize(&reader.parser)) {
        node_fault(file, 0, "no memory");
        return;
    }
    yaml_parser_set_input_string(
        &reader.parser, (const unsigned char *)buf_text(bytes), bytes->len);

    struct node *root = NULL;
    /* The start of the stream, of the document, of its root. */
    if (next(&reader) && next(&reader) &&
        reader.event.type == YAML_DOCUMENT_START_EVENT && next(&reader))
        root = read_node(&reader, 0);
    else if (!reader.broken)
        node_fault(file, 0, "holds nothing");
    /* The end of the document, of the stream. */
    if (root && next(&reader) && next(&reader) &&
        reader.event.type != YAML_STREAM_END_EVENT)
        node_fault(file, line_of(&reader.event),
            "a second document begins here: there must be one");
    if (!reader.broken)
        file->root = root;

    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
}

void node_read(struct node_file *file)
{
    struct buf bytes = {0};
    char piece[4096];
    size_t len;
    FILE *stream = fopen(file->name, "re");

    if (!stream) {
        node_fault(file, 0, "cannot be opened: %s", strerror(errno));
        return;
    }
    while (bytes.len <= NODE_FILE_MAX &&
           (len = fread(piece, 1, sizeof(piece), stream)) > 0)
        buf_add(&bytes, piece, len);

    if (ferror(stream))
        node_fault(file, 0, "cannot be read: %s", strerror(errno));
    else if (bytes.len > NODE_FILE_MAX)
        node_fault(file, 0, "must be at most %d bytes", NODE_FILE_MAX);
    else if (bytes.failed)
        node_fault(file, 0, "no memory");
    else
        parse(file, &bytes);
    buf_free(&bytes);
    fclose(stream);
}

struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->type != NODE_MAP)
        return NULL;
    for (struct node *node = map->first; node; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    return NULL;
}

char *node_text(const struct node *node)
{
    return node && node->type == NODE_STRING ? node->text : NULL;
}

struct node *node_find(
    struct node_file *file, const struct node *ref, const char *section)
{
    static const char root[] = "#/components/";
    const char *text = node_text(ref);
    size_t len = strlen(section);

    if (!text || strncmp(text, root, strlen(root)) != 0 ||
        strncmp(text + strlen(root), section, len) != 0 ||
        text[strlen(root) + len] != '/') {
        node_fault(file, ref->line, "$ref must be \"%s%s/<name>\", is \"%s\"",
            root, section, text ? text : "");
        return NULL;
    }
    struct node *components = node_get(file->root, "components");
    struct node *target =
        node_get(node_get(components, section), text + strlen(root) + len + 1);
    if (!target)
        node_fault(
            file, ref->line, "$ref names \"%s\", which does not exist", text);
    return target;
}

struct node *node_follow(
    struct node_file *file, struct node *node, const char *section)
{
    enum {
        HOPS_MAX = 16
    };
    int line = node->line;

    for (int hops = 0; node && hops < HOPS_MAX; hops++) {
        const struct node *ref = node_get(node, "$ref");
        if (!ref)
            return node;
        node = node_find(file, ref, section);
    }
    if (node)
        node_fault(file, line, "$ref leads in a circle");
    return NULL;
}
