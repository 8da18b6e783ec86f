/* The text formats of JSON Schema that the service checks. */
#ifndef NEWSFEED_FORMAT_H
#define NEWSFEED_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes need not end in a NUL. */
bool format_is_date(const char *text, size_t len);      /* RFC 3339 full-date */
bool format_is_date_time(const char *text, size_t len); /* RFC 3339 */
bool format_is_uri_reference(const char *text, size_t len); /* its characters */

#endif
