/* The long SQL texts: sql_NAME is what sql/statements/NAME.sql says, without
 * its comments. GNUmakefile embeds them all in one object, sql.o; the short
 * ones stand in the function that runs them. */
#ifndef NEWSFEED_SQL_H
#define NEWSFEED_SQL_H

extern const char sql_arrival[];
extern const char sql_deliver[];
extern const char sql_drop_later[];
extern const char sql_events[];
extern const char sql_expire_events[];
extern const char sql_expire_keys[];
extern const char sql_figures[];
extern const char sql_follower_close_gaps[];
extern const char sql_follower_pass[];
extern const char sql_follower_take[];
extern const char sql_friends_add[];
extern const char sql_friends_lock[];
extern const char sql_inbound_swept[];
extern const char sql_index_apply[];
extern const char sql_index_next[];
extern const char sql_index_posts[];
extern const char sql_life[];
extern const char sql_life_begin[];
extern const char sql_live_catch_up[];
extern const char sql_live_posts[];
extern const char sql_live_touched[];
extern const char sql_look[];
extern const char sql_marker_get[];
extern const char sql_marker_set[];
extern const char sql_outbound_add[];
extern const char sql_outbound_edit[];
extern const char sql_outbound_remove[];
extern const char sql_participant_remove[];
extern const char sql_participants_add[];
extern const char sql_publisher_hold[];
extern const char sql_publisher_note[];
extern const char sql_rebuild_begin[];
extern const char sql_rebuild_switch[];
extern const char sql_rebuild_take[];
extern const char sql_reconcile[];
extern const char sql_search[];
extern const char sql_search_apart[];
extern const char sql_search_apart_check[];
extern const char sql_search_apart_items[];
extern const char sql_search_apart_match[];
extern const char sql_search_apart_posts[];
extern const char sql_search_items[];
extern const char sql_sweep_friends[];
extern const char sql_sweep_post[];
extern const char sql_take[];
extern const char sql_webhook_due[];

#endif
