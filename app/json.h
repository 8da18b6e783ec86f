/* Model to JSON and back: strict parsing, and printing straight into a buffer
 * (12 us for a page of 13 KB, where building json-c objects takes 80 to 144).
 */
#ifndef NEWSFEED_JSON_H
#define NEWSFEED_JSON_H

#include <stdbool.h>

#include "buf.h"
#include "fault.h"
#include "model.h"

struct json_object;

/* Macros, to stand in a message. So many values, if all were empty objects,
 * take 4 MB; the longest request has some 3,000. */
#define JSON_DEPTH_MAX 16
#define JSON_VALUES_MAX 5000

/* Parses a body of strict JSON (RFC 8259) in strict UTF-8: one value, nested
 * at most JSON_DEPTH_MAX deep and holding at most JSON_VALUES_MAX, no \u0000,
 * no lone surrogates, no raw control characters, no key twice. New, freed with
 * json_free. NULL: it is null, or `faults` says what is wrong, at "#".
 * bytes[len] must be NUL. */
struct json_object *json_parse(
    const char *bytes, size_t len, struct faults *faults);
void json_free(struct json_object *value);

/* A string member, or the string itself; empty if it is absent or no string;
 * lives as long as the object. */
struct text json_text(struct json_object *object, const char *name);
struct text json_value_text(struct json_object *value);

bool json_has(struct json_object *object, const char *name);

/* How many entries an array has, 0 if it is none; and one of them, which lives
 * as long as the array. */
size_t json_count(struct json_object *array);
struct json_object *json_entry(struct json_object *array, size_t i);

/* Any member, NULL if it is absent or null; lives as long as the object. */
struct json_object *json_member(struct json_object *object, const char *name);

/* Whether a value is this string, or an array that holds it. */
bool json_names(struct json_object *value, const char *text);

/* A whole number as it stands; 0 if it is none. */
int64_t json_int(struct json_object *value);

/* A member that is any number; false if it is none. */
bool json_number(struct json_object *object, const char *name, double *number);

/* A member that names a participant: "/participant/7", 7 or "7". False unless
 * it is one, of 1 to INT64_MAX. */
bool json_reference(struct json_object *object, const char *name, int64_t *id);

/* Prints "text" with quotes and escapes; the text must be valid UTF-8. */
void json_print_text(struct buf *out, struct text text);
void json_print_string(struct buf *out, const char *string);

void json_print_participant(struct buf *out, const struct participant *p);
void json_print_friendship(struct buf *out, const struct friendship *f);

/* The same as results of entries, with a status; of one that could not be done,
 * why. */
void json_print_added_participant(struct buf *out, const struct participant *p);
void json_print_added_friendship(struct buf *out, const struct friendship *f);
void json_print_refusal(struct buf *out, int status, const char *detail);

void json_print_marker(struct buf *out, const struct marker *m);

/* A post with "to" if item->to is not 0. */
void json_print_item(struct buf *out, const struct item *item);

/* The same in parts, with "to" between: for each reader it is another one. */
void json_print_item_head(struct buf *out, const struct item *item);
void json_print_to(struct buf *out, int64_t to);
void json_print_item_tail(struct buf *out, const struct item *item);

/* RFC 3339 in UTC, with milliseconds; us since 1970. */
void json_print_time(struct buf *out, int64_t us);

void json_print_items(struct buf *out, const struct item *items, int count);

/* What left a feed: a post, or all of an author's, for a reason. */
void json_print_removed(struct buf *out, int64_t author, int64_t item);
void json_print_parted(struct buf *out, const char *reason, int64_t author);

/* RFC 9457: the members of a problem; detail may be NULL, faults may be empty.
 */
struct problem {
    int status;
    const char *detail;
    const char *instance;
    const char *request_id;
    const struct faults *faults;
};
void json_print_problem(struct buf *out, const struct problem *problem);

#endif
