/* A YAML file as a tree of nodes that know their lines, and the memory of
 * what is made from it. Names begin with node_: yaml_ is libyaml's. */
#ifndef NEWSFEED_YAML_H
#define NEWSFEED_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum {
    NODE_FILE_MAX = 1 << 20, /* bytes */
    NODE_DEPTH_MAX = 64,
};

/* Of an unquoted scalar by YAML 1.2's JSON schema (true, null, ~, nothing,
 * numbers as JSON writes them), of all others a string: so yes, no, on, 0x1F
 * and 3.1.0 are strings. */
enum node_type {
    NODE_NULL,
    NODE_BOOLEAN,
    NODE_INTEGER,
    NODE_NUMBER, /* with a fraction or an exponent */
    NODE_STRING,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_type type;
    int line;           /* of its key, if it has one */
    char *key;          /* in a map, else NULL */
    char *text;         /* of a scalar, without quotes; NULL for others */
    struct node *first; /* of a list or map */
    struct node *next;  /* in the same list or map */
};

struct node_block; /* one piece of memory */

/* name and faults are the caller's and outlive it; all else starts as zeros. */
struct node_file {
    const char *name;
    struct buf *faults; /* a line each: "name:line: reason" */
    int fault_count;
    struct node *root; /* NULL if the file could not be read */
    struct node_block *blocks;
};

/* Reads file->name into file->root; node_free is due whether it can or not.
 * Refused: aliases, anchors, tags, a second document, a key used twice. */
void node_read(struct node_file *file);
void node_free(struct node_file *file);

/* Zeroed memory that lives until node_free; NULL (a fault is noted) if there
 * is none left. */
void *node_alloc(struct node_file *file, size_t size);

/* Notes a fault at a line; 0: of the file as a whole. */
void node_fault(struct node_file *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value of a key, NULL if the map has none or is none (or NULL). */
struct node *node_get(const struct node *map, const char *key);

/* The text of a string; NULL for all else and for NULL. */
char *node_text(const struct node *node);

/* What a $ref, "#/components/<section>/<name>", names. NULL, with a fault
 * noted: it is of another form or section, or names nothing. */
struct node *node_find(
    struct node_file *file, const struct node *ref, const char *section);

/* Follows the $ref of a node, if it has one, to a node without. NULL, with a
 * fault noted: as for node_find, or they lead in a circle. */
struct node *node_follow(
    struct node_file *file, struct node *node, const char *section);

#endif
