/* Drops the pages of a post's readers once more, in case that whoever made it
 * did not live to do it. Large deliveries see to their own readers. */
#include "follower.h"
#include "job.h"

enum {
    LONGEST_POST = 60 /* s from a post's time to its commit, by far */
};

static enum error drop(
    const struct shift *shift, const struct buf *posts, int *count)
{
    /* Behind a long absence, those pages have expired by themselves. */
    static struct pg_statement statement = {
        .name = "post_readers",
        .sql = "SELECT participant_id, array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id LIMIT $2::bigint)"
               " FROM outbound o WHERE id = ANY ($1::bigint[])"
               " AND occurred > now() - $3::bigint * interval '1 s'",
    };
    struct pg_params params = {0};
    struct pg *pg = shift->pg;
    struct buf authors = {0};
    struct buf feeds = {0};

    (void)count;
    pg_add_ids(&params, posts);
    pg_add_int(&params, shift->config->feed_inline_friends);
    pg_add_int(&params, shift->config->cache_ttl + LONGEST_POST);
    enum error error = pg_exec(pg, &statement, &params);
    for (int i = 0; !error && i < pg_rows(pg); i++) {
        int64_t author = pg_int(pg, i, 0);
        buf_add(&authors, &author, sizeof(author));
        pg_ids(pg, i, 1, &feeds);
    }
    if (!error && (authors.failed || feeds.failed))
        error = ERR_INTERNAL;
    if (!error && !shift_drop(shift, &feeds))
        error = job_drop_later(shift, &authors);
    buf_free(&authors);
    buf_free(&feeds);
    return error;
}

struct follower follower_drop = {
    "drop", drop, .batch = 1000, .is_urgent = true};
