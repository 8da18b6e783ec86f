/* Which keys an OpenAPI 3.1 file may have, where, and what stands at them. */
#ifndef NEWSFEED_SPEC_SHAPE_H
#define NEWSFEED_SPEC_SHAPE_H

#include "schema_build.h"

/* Walks the whole file, documentation too: refuses every key that the program
 * would not honour, values of another type and references to nothing, and
 * builds every schema. What finds no fault here has all that is required. */
void spec_shape_check(struct node_file *file, struct schema_set *schemas);

#endif
