/* The long SQL texts: sql_NAME is what sql/statements/NAME.sql says, without
 * its comments. GNUmakefile embeds them all in one object, sql.o; the short
 * ones stand in the function that runs them. */
#ifndef NEWSFEED_SQL_H
#define NEWSFEED_SQL_H

extern const char sql_inbound_swept[];
extern const char sql_outbound_add[];
extern const char sql_outbound_remove[];
extern const char sql_search[];

#endif
