/* What this build is and where it is installed, as the makefile says. */
#include "release.h"

const char release_version[] = NEWSFEED_VERSION;
const char release_spec[] = NEWSFEED_DATADIR "/openapi.yaml";
