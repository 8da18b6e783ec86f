/* Tests of the table of jobs and of a transaction's worth of one, with the
 * outbox and the cache played by the test. */
#include <string.h>

#include "batch.h"
#include "job.h"
#include "runner.h"
#include "transaction.h"

/* --- an outbox of orders, the first of which is number 1 ----------------- */

static struct {
    int due;
    int64_t bad;  /* an order whose pages or turn make a statement fail */
    int rows;     /* of a turn */
    bool waits;   /* a turn */
    bool unready; /* all orders */
    cache_servers failed; /* to be told */
    int64_t took_ms;      /* a turn */

    int taken; /* the last time */
    int turns;
    int shown; /* commits until then; 0: it was not */
    int64_t delayed;
    int delay;
    char deleted[200];
    char postponed[200];
    char noted[200];
} db;

/* One row, of a piece: how many it had. */
enum error pg_exec(
    struct pg *pg, struct pg_statement *statement, struct pg_params *params)
{
    (void)pg;
    (void)statement;
    ck_assert_int_eq(params->count, 5);
    return OK;
}

int pg_rows(const struct pg *pg)
{
    (void)pg;
    return 0;
}

int64_t pg_int(const struct pg *pg, int row, int column)
{
    (void)pg;
    (void)row;
    (void)column;
    return 3;
}

void pg_ids(const struct pg *pg, int row, int column, struct buf *ids)
{
    (void)pg;
    (void)row;
    (void)column;
    (void)ids;
}

cache_servers shift_drop(
    const struct shift *shift, const struct buf *feeds, cache_servers servers)
{
    (void)shift;
    (void)feeds;
    ck_assert_uint_eq(servers, CACHE_EVERYWHERE);
    return db.failed;
}

enum error outbox_take(struct pg *pg, char kind, int limit, bool settles,
    struct order orders[OUTBOX_BATCH_MAX], int *count)
{
    (void)pg;
    (void)settles;
    ck_assert_int_eq(kind, 't');
    *count = db.taken = limit < db.due ? limit : db.due;
    for (int i = 0; i < *count; i++)
        orders[i] = (struct order){.id = i + 1,
            .participant = 100 + i,
            .other = 200 + i,
            .ready = !db.unready};
    return OK;
}

enum error outbox_postpone(struct pg *pg, const struct buf *orders, int ms)
{
    (void)pg;
    ck_assert_int_gt(ms, 0);
    print_ids(orders, db.postponed, sizeof(db.postponed));
    return OK;
}

enum error outbox_delay(struct pg *pg, int64_t order, int ms)
{
    (void)pg;
    db.delayed = order;
    db.delay = ms;
    return OK;
}

enum error outbox_delete(struct pg *pg, const struct buf *orders)
{
    (void)pg;
    print_ids(orders, db.deleted, sizeof(db.deleted));
    return OK;
}

/* --- a job --------------------------------------------------------------- */

enum error job_drop_later(const struct shift *shift,
    const struct buf *participants, cache_servers servers)
{
    (void)shift;
    ck_assert_uint_eq(servers, 4);
    print_ids(participants, db.noted, sizeof(db.noted));
    return OK;
}

static enum error turn(struct turn *turn)
{
    db.turns++;
    transaction.now += db.took_ms;
    if (turn->order->id == db.bad)
        return ERR_INTERNAL;
    turn->rows = db.rows;
    turn->waits = db.waits;
    return OK;
}

static enum error turn_of_a_piece(struct turn *turn)
{
    static struct pg_statement piece = {.name = "piece"};

    return job_piece(turn, &piece);
}

static void show(const struct shift *shift)
{
    (void)shift;
    db.shown = transaction.commits;
}

/* Fails for as long as the bad order is among those it is asked for. */
static enum error readers(struct pg *pg, const struct buf *orders)
{
    const int64_t *ids = (const int64_t *)(const void *)orders->data;

    (void)pg;
    for (size_t i = 0; i < orders->len / sizeof(*ids); i++)
        if (ids[i] == db.bad)
            return ERR_INTERNAL;
    return OK;
}

static struct config config = {.dispatcher_piece = 1000};
static const struct shift shift = {.config = &config};

static struct job make_job(void)
{
    return (struct job){
        .letter = 't', .name = "test", .turn = turn, .batch = 8};
}

static void play(void)
{
    memset(&db, 0, sizeof(db));
    memset(&transaction, 0, sizeof(transaction));
    db.due = 3;
}

/* --- tests: the table ---------------------------------------------------- */

static void assert_fault(struct job *const *table, const char *sentence)
{
    struct buf faults = {0};

    ck_assert(!job_check(table, &faults));
    ck_assert_str_eq(buf_text(&faults), sentence);
    buf_free(&faults);
}

START_TEST(a_table_that_holds_is_told_by_its_letters)
{
    struct job one = make_job(), two = make_job();
    struct job *const table[] = {&one, &two, NULL};
    struct buf faults = {0};
    struct buf letters = {0};

    two.letter = 'u';
    ck_assert_msg(job_check(table, &faults), "%s", buf_text(&faults));
    job_letters(table, &letters);
    ck_assert_str_eq(buf_text(&letters), "tu");
    buf_free(&letters);
}
END_TEST

START_TEST(a_letter_that_is_twice_is_refused)
{
    struct job one = make_job(), two = make_job(), three = make_job();

    two.letter = 'u';
    assert_fault((struct job *[]){&one, &two, &three, NULL},
        "job 't': the letter is twice\n");
}
END_TEST

START_TEST(a_job_without_its_function_is_refused)
{
    struct job job = make_job();

    job.turn = NULL;
    assert_fault((struct job *[]){&job, NULL}, "job 't': it has no turn\n");
}
END_TEST

START_TEST(a_letter_that_is_none_is_refused)
{
    struct job job = make_job();
    struct job *const table[] = {&job, NULL};

    job.letter = 'T';
    assert_fault(table, "job 'T': its letter must be a to z, not x\n");
    job.letter = 'x'; /* what is set aside is nobody's */
    assert_fault(table, "job 'x': its letter must be a to z, not x\n");
}
END_TEST

START_TEST(a_batch_that_cannot_be_taken_is_refused)
{
    struct job job = make_job();
    struct job *const table[] = {&job, NULL};

    job.batch = OUTBOX_BATCH_MAX + 1;
    assert_fault(table, "job 't': its batch must be 1 to 500\n");
    job.batch = 0;
    assert_fault(table, "job 't': its batch must be 1 to 500\n");
}
END_TEST

START_TEST(a_job_without_a_name_is_refused)
{
    struct job job = make_job();

    job.name = "";
    assert_fault((struct job *[]){&job, NULL}, "job 't': it has no name\n");
}
END_TEST

/* --- tests: a transaction's worth ----------------------------------------- */

START_TEST(orders_with_nothing_left_to_do_go)
{
    struct job job = make_job();

    play();
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(db.turns, 3);
    ck_assert_str_eq(db.deleted, "{1,2,3}");
    ck_assert_int_eq(transaction.commits, 1);
}
END_TEST

START_TEST(orders_with_more_to_do_stay)
{
    struct job job = make_job();

    play();
    db.rows = 5;
    ck_assert(job_work(&shift, &job));
    ck_assert_str_eq(db.deleted, "");
    ck_assert_str_eq(db.postponed, "");
    ck_assert_int_eq(transaction.commits, 1);
}
END_TEST

START_TEST(where_no_order_is_due_there_is_nothing_more)
{
    struct job job = make_job();

    play();
    db.due = 0;
    ck_assert(!job_work(&shift, &job));
    ck_assert_int_eq(transaction.commits, 0);
    ck_assert_int_eq(job.size, 0);
}
END_TEST

START_TEST(orders_that_are_not_ready_are_put_off_without_a_turn)
{
    struct job job = make_job();

    play();
    db.unready = true;
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(db.turns, 0);
    ck_assert_str_eq(db.postponed, "{1,2,3}");
    ck_assert_str_eq(db.deleted, "");
}
END_TEST

START_TEST(orders_that_wait_are_put_off_and_do_not_keep_it_busy)
{
    struct job job = make_job();

    play();
    db.waits = true;
    ck_assert(!job_work(&shift, &job));
    ck_assert_str_eq(db.postponed, "{1,2,3}");
    ck_assert_str_eq(db.deleted, "");
}
END_TEST

START_TEST(a_piece_of_rows_ends_the_transaction)
{
    struct job job = make_job();

    play();
    db.rows = 500;
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(db.turns, 2);
}
END_TEST

START_TEST(time_ends_the_transaction_and_the_next_is_smaller)
{
    struct job job = make_job();

    play();
    db.took_ms = BATCH_MS;
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(db.turns, 1);
    db.took_ms = BATCH_MS * 4;
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(job.size, 2);
}
END_TEST

START_TEST(an_order_that_fails_in_its_turn_is_put_off_at_once)
{
    struct job job = make_job();

    play();
    db.bad = 2;
    ck_assert(!job_work(&shift, &job));
    ck_assert_int_eq(db.delayed, 2);
    ck_assert_int_eq(db.delay, OUTBOX_PAUSE_MAX);
    ck_assert_int_eq(transaction.commits, 0);
    ck_assert_str_eq(db.deleted, "");
}
END_TEST

START_TEST(a_batch_that_fails_is_halved_until_one_order_stands_alone)
{
    struct job job = make_job();
    int sizes[4];

    play();
    job.readers = readers;
    db.due = 8;
    db.bad = 1;
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(db.delayed, 0);
        ck_assert(!job_work(&shift, &job));
        sizes[i] = db.taken;
    }
    ck_assert_int_eq(sizes[0], 8);
    ck_assert_int_eq(sizes[1], 4);
    ck_assert_int_eq(sizes[2], 2);
    ck_assert_int_eq(sizes[3], 1);
    ck_assert_int_eq(db.delayed, 1);
    ck_assert_int_eq(db.turns, 0);

    db.bad = 0; /* others are the next, and the batch grows again */
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(job.size, 2);
}
END_TEST

START_TEST(a_piece_with_rows_leaves_its_order)
{
    struct job job = make_job();

    play();
    job.turn = turn_of_a_piece;
    ck_assert(job_work(&shift, &job));
    ck_assert_str_eq(db.deleted, "");
}
END_TEST

START_TEST(what_turns_changed_is_shown_behind_the_commit)
{
    struct job job = make_job();

    play();
    job.show = show;
    ck_assert(job_work(&shift, &job));
    ck_assert_int_eq(db.shown, 1);
}
END_TEST

START_TEST(where_nothing_was_committed_nothing_is_shown)
{
    struct job job = make_job();

    play();
    job.show = show;
    db.shown = -1;
    db.bad = 2;
    ck_assert(!job_work(&shift, &job));
    db.bad = 0;
    db.due = 0;
    ck_assert(!job_work(&shift, &job));
    ck_assert_int_eq(db.shown, -1);
}
END_TEST

START_TEST(pages_that_could_not_be_dropped_are_written_down)
{
    struct job job = make_job();

    play();
    db.failed = 4;
    job.readers = readers;
    ck_assert(job_work(&shift, &job));
    ck_assert_str_eq(db.noted, "{100,101,102}");
    ck_assert_str_eq(db.deleted, "{1,2,3}");

    play();
    db.failed = 4;
    job.names_two = true;
    ck_assert(job_work(&shift, &job));
    ck_assert_str_eq(db.noted, "{100,200,101,201,102,202}");
}
END_TEST

static bool work(const struct shift *given)
{
    ck_assert_ptr_eq(given, &shift);
    return db.due > 0;
}

START_TEST(a_job_may_take_orders_by_itself)
{
    struct job job = {.letter = 't', .name = "test", .work = work};
    struct job *const table[] = {&job, NULL};
    struct buf faults = {0};

    ck_assert_msg(job_check(table, &faults), "%s", buf_text(&faults));
    play();
    ck_assert(job_work(&shift, &job));
    db.due = 0;
    ck_assert(!job_work(&shift, &job));
    ck_assert_int_eq(db.taken, 0);
}
END_TEST

void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_table_that_holds_is_told_by_its_letters);
    tcase_add_test(tests, a_letter_that_is_twice_is_refused);
    tcase_add_test(tests, a_job_without_its_function_is_refused);
    tcase_add_test(tests, a_letter_that_is_none_is_refused);
    tcase_add_test(tests, a_batch_that_cannot_be_taken_is_refused);
    tcase_add_test(tests, a_job_without_a_name_is_refused);
    tcase_add_test(tests, orders_with_nothing_left_to_do_go);
    tcase_add_test(tests, orders_with_more_to_do_stay);
    tcase_add_test(tests, where_no_order_is_due_there_is_nothing_more);
    tcase_add_test(tests, orders_that_are_not_ready_are_put_off_without_a_turn);
    tcase_add_test(tests, orders_that_wait_are_put_off_and_do_not_keep_it_busy);
    tcase_add_test(tests, a_piece_of_rows_ends_the_transaction);
    tcase_add_test(tests, time_ends_the_transaction_and_the_next_is_smaller);
    tcase_add_test(tests, an_order_that_fails_in_its_turn_is_put_off_at_once);
    tcase_add_test(
        tests, a_batch_that_fails_is_halved_until_one_order_stands_alone);
    tcase_add_test(tests, a_piece_with_rows_leaves_its_order);
    tcase_add_test(tests, what_turns_changed_is_shown_behind_the_commit);
    tcase_add_test(tests, where_nothing_was_committed_nothing_is_shown);
    tcase_add_test(tests, pages_that_could_not_be_dropped_are_written_down);
    tcase_add_test(tests, a_job_may_take_orders_by_itself);
}
