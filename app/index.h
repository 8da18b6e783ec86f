/* The search index: follows the posts, and drops their readers' pages once
 * more. */
#ifndef NEWSFEED_INDEX_H
#define NEWSFEED_INDEX_H

#include "shift.h"

/* Whether there are posts that it does not know. */
bool index_is_behind(const struct shift *shift);

/* One transaction's worth; true: there is more. */
bool index_posts(const struct shift *shift);

/* Puts what was indexed in its place, if it is time for that. */
void index_flush(const struct shift *shift, bool more);

#endif
