/* What this build is and where it is installed, as the makefile says. */
#ifndef NEWSFEED_RELEASE_H
#define NEWSFEED_RELEASE_H

/* "1.0.0", or between releases as git describes it: "1.0.0-14-g968c17e". */
extern const char release_version[];

/* The specification's file, where `make install` puts it. */
extern const char release_spec[];

#endif
