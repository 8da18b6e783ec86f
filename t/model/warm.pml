/* The protocol of feeds that stay warm (app/cache.h), for spin: every order in
 * which its steps can be taken by all who take part, and what is promised of
 * it. test_warm.py runs it, and runs it without each of its guards
 * (WITHOUT_...), which must make spin find a fault.
 *
 * For who knows C: a proctype is a process, and spin mixes the steps of all of
 * them in every possible way. What stands in atomic { } is one step: a command
 * of memcached, a statement's look at the data, a commit. `if` and `do` take
 * any branch whose first line is true, and spin tries all that are. Nobody ever
 * has to take a next step: so whoever dies at any point, or stalls for a year,
 * needs no words here.
 *
 * There is one feed, for feeds have nothing in common: what is done to others
 * lies between two steps of what is done to this one. */

/* --- PostgreSQL ---------------------------------------------------------- */

/* Transactions, a bit each, and those of posts are the posts' ids as well: the
 * larger is the newer, whichever commits first. The posts are by different
 * authors. C's has many friends: it is delivered later, by another transaction,
 * the piece of the delivery with this feed in it. (Who reads in between finds
 * it, by its order.) */
#define OLD 1
#define A 2
#define B 4
#define C 8
#define UNFRIENDING 16
#define REMOVAL 32
#define PIECE 64
#define POSTS (OLD | A | B | C)

/* The one that put a post into the feed. */
#define XID(post) ((post) == C -> PIECE : (post))

byte committed = OLD; /* whoever looks at it takes a snapshot */

/* Of those who read from a standby (app/replica.h): what is in the log, in which
 * a commit is before the primary shows it, and what of that has been replayed.
 * The log's order is that of the writing, so it is some time's all. */
#ifdef REPLICA
byte written = OLD;
byte replayed = OLD;
#define WRITE(transaction) written = written | (transaction);
#else
#define written committed
#define WRITE(transaction)
#endif

byte unfriended;      /* the post whose author is unfriended */
byte removed;         /* the post that is removed */

#define HIDDEN(seen) \
    (((seen) & UNFRIENDING -> unfriended : 0) | \
        ((seen) & REMOVAL -> removed : 0))

/* What is in the feed for who sees these transactions. */
#define FEED(seen) ((seen) & POSTS & ~HIDDEN(seen))

/* --- memcached ----------------------------------------------------------- */

/* LEASE: whatever is no page to be served. Who finds it may store in its place,
 * be it another's lease, who may be slow or gone, or something to take over. */
mtype = { ABSENT, LEASE, PAGE }

/* The value under the feed's key; the rest is a page's. */
mtype value = ABSENT;
byte front;    /* posts whose frames were put in front of it, and count */
byte page;     /* posts that were read */
bool older;    /* there is something below them */
byte snapshot; /* the trailer's: whatever its reader may have seen */
#ifdef REPLICA
byte sure;     /* and what it has seen for sure */
#else
#define sure snapshot
#endif
#ifdef WITHOUT_ONCE
byte again; /* posts whose frames are there twice */
#endif

/* Posts, each a key of its own. C is noted with its order, in the database. */
byte confirmed;

/* Two readers. One who has the number of the lease that lies there may store;
 * any other one has nothing to do but to begin anew. */
typedef reading {
    bool leased;
    byte seen; /* the snapshot for the trailer */
    byte read; /* the one of the read */
#ifdef REPLICA
    byte position; /* that the replica must have come to */
    byte sure;
#endif
}
reading readers[2];

inline forget(reader)
{
    reader.leased = false;
#ifndef WITHOUT_CLAIM_FIRST
    reader.seen = 0;
#endif
    reader.read = 0;
#ifdef REPLICA
    reader.position = 0;
    reader.sure = 0;
#endif
}

/* A change gives the value another CAS number. */
inline renumber()
{
    skip;
#ifndef WITHOUT_CAS
    forget(readers[0]);
    forget(readers[1]);
#endif
}

inline set(kind)
{
    d_step {
        value = kind;
        front = 0;
        page = 0;
        older = false;
        snapshot = 0;
#ifdef REPLICA
        sure = 0;
#endif
#ifdef WITHOUT_ONCE
        again = 0;
#endif
        renumber();
    }
}

#define drop() set(ABSENT)

/* --- what is promised ---------------------------------------------------- */

/* The changes that were answered, by 200 or 204, or that the dispatcher is
 * done with. */
byte known = OLD;

#define LOWEST(ids) ((ids) & -(ids))

/* An answer out of the cache: its posts, and whether it links to something
 * older. It is held against what is known now, which is more than was known
 * when the request began. */
inline check_answer(items, links)
{
    /* (a) every known post that is not hidden by now is there, down to where
     * the link leads on; (d) it is so with what the dispatcher knows, too. (A
     * replica may show what is being hidden before the primary does.) */
    missing = known & committed & FEED(written) & ~items;
    assert(missing == 0 || (links && missing < LOWEST(items)));

    /* (b) nothing is there twice */
#ifdef WITHOUT_ONCE
    assert((items & again) == 0);
#endif

    /* (c) nothing that is known to be removed, nor a former friend's */
    assert((items & HIDDEN(known)) == 0);

#ifdef NEVER_WARM
    assert(front == 0);
#endif
}

/* --- readers: nginx/module, cache_fetch, cache_store --------------------- */

/* Items, of who stores a page and of who makes an answer of it: these may be
 * of two releases, or have read two files. */
#ifndef LIMIT_STORED
#define LIMIT_STORED 2
#endif
#define LIMIT 2

#define COUNT(ids) \
    (((ids) & 1) + ((ids) >> 1 & 1) + ((ids) >> 2 & 1) + ((ids) >> 3 & 1))

/* Leaves the newest. */
inline cut(ids, limit, links)
{
    do
    :: COUNT(ids) > limit -> ids = ids - LOWEST(ids); links = true
    :: else -> break
    od
}

hidden byte items, links, missing;
#ifdef REPLICA
hidden byte sure_of_it;
#endif

inline answer()
{
    d_step {
        items = front | page;
        links = older;
        cut(items, LIMIT, links);
        check_answer(items, links);
        items = 0;
        links = 0;
        missing = 0;
    }
}

inline store(me)
{
    d_step {
        items = FEED(readers[me].read);
        links = false;
        cut(items, LIMIT_STORED, links);
        missing = readers[me].seen;
#ifdef REPLICA
        sure_of_it = readers[me].sure;
#endif
        set(PAGE);
        page = items;
        older = links;
        snapshot = missing;
#ifdef REPLICA
        sure = sure_of_it;
        sure_of_it = 0;
#endif
        items = 0;
        links = 0;
        missing = 0;
    }
}

#ifdef WITHOUT_CLAIM_FIRST
#define CLAIMED(me) true
#else
#define CLAIMED(me) readers[me].leased
#endif

#ifdef WITHOUT_SNAPSHOT_FIRST
#define SEEN(me) true
#else
#define SEEN(me) readers[me].seen
#endif

/* Each takes nginx's way, by which a lease is handed to a worker, as well as
 * that of a worker that looks by itself, and begins anew whenever it likes. A
 * worker's two commands, such as `get` and `cas`, are one step: the first has
 * no effect, and the second none either if something came between. What is
 * read on a miss is answered as well, and right by itself. */
proctype reader(byte me)
{
    do
    :: atomic { /* the module's `mg KEY v c N3`, a worker's look */
            value == PAGE -> answer()
        }
    :: atomic { /* the same command, a worker's `add` */
            value == ABSENT -> set(LEASE);
            readers[me].leased = true
        }
    :: atomic { /* a worker's `cas`: it has grown too long */
            value == PAGE -> set(LEASE);
            readers[me].leased = true
        }
    :: atomic { /* a worker's look */
            value == LEASE -> forget(readers[me]);
            readers[me].leased = true
        }
#ifdef REPLICA
    :: atomic { /* the primary is asked how far it is */
            readers[me].leased && readers[me].position == 0 ->
#ifdef WITHOUT_POSITION
            readers[me].position = OLD
#else
            readers[me].position = committed
#endif
        }
    :: atomic { /* and the replica reads that has come so far */
            readers[me].position && readers[me].read == 0 &&
                (readers[me].position & ~replayed) == 0 ->
            readers[me].seen = replayed;
            readers[me].read = replayed;
            if /* what is below the lowest that runs */
            :: readers[me].sure = 0
            :: readers[me].sure = replayed
#ifdef WITHOUT_VAGUENESS
            :: readers[me].sure = written /* what runs has a number, too */
#endif
            fi
        }
#else
#ifdef READ_APART
    :: atomic { /* a statement */
            CLAIMED(me) && readers[me].seen == 0 ->
            readers[me].seen = committed
        }
    :: atomic { /* another one, which reads */
            readers[me].leased && SEEN(me) && readers[me].read == 0 ->
            readers[me].read = committed
        }
#else
    :: atomic { /* the statement that reads tells its snapshot */
            readers[me].leased && readers[me].read == 0 ->
            readers[me].seen = committed;
            readers[me].read = committed
        }
#endif
#endif
    :: atomic { /* `cas` */
            readers[me].seen && readers[me].read -> store(me)
        }
    od
}

/* --- frames -------------------------------------------------------------- */

/* What is made of a frame in front of a page is known as soon as it is there,
 * for neither will change: so it is found out here once, not by each reader. */

#ifdef WITHOUT_FLOOR
#define IS_BELOW(post) false
#else
#define IS_BELOW(post) (older && (post) < LOWEST(page))
#endif

/* The page's reader saw the post: it is in the page, or was hidden. */
#ifdef WITHOUT_VISIBLE
#define IS_VISIBLE(post) false
#else
#define IS_VISIBLE(post) (sure & XID(post))
#endif

/* The post's writer saw, as it listed the friends, all that the page's reader
 * saw: so what hides the post, if anything, has not dropped this page yet. */
#ifdef WITHOUT_COVERS
#define COVERS(listed) true
#else
#define COVERS(listed) ((snapshot & ~(listed)) == 0)
#endif

inline put_in_front(post, listed)
{
    renumber();
    if
    :: IS_BELOW(post) || IS_VISIBLE(post)
    :: else ->
        if
        :: !COVERS(listed) ->
#ifdef ALWAYS_WARM
            assert(false);
#endif
            set(LEASE)
        :: else ->
#ifdef WITHOUT_ONCE
            again = again | (post & (front | page));
#endif
            front = front | post
        fi
    fi
}

/* "NS" where nothing is (as if a look had found that beforehand), and where there is no room for more: then what is
 * there is dropped. (Until that is done, it is as if nothing was.) */
inline prepend(post, listed)
{
    if
    :: value == ABSENT
#ifdef WITHOUT_REFUSED
    :: value != ABSENT
#else
    :: value != ABSENT -> drop()
#endif
#ifdef WITHOUT_CHANGE
    :: value == LEASE
#else
    :: value == LEASE -> renumber()
#endif
    :: value == PAGE -> put_in_front(post, listed)
    fi
}

/* --- writers ------------------------------------------------------------- */

/* As a transaction has put a post into the feed: the snapshot in which that saw
 * the friends, or 0 if this is the feed of none. */
#ifdef WITHOUT_LISTED
#define LISTED(post) (HIDDEN(listed) & (post) -> 0 : committed)
#else
#define LISTED(post) (HIDDEN(listed) & (post) -> 0 : listed)
#endif

/* The pages are given the post, and then it is known that they have it. */
inline put(post)
{
#ifdef WITHOUT_FRAMES_FIRST
    confirmed = confirmed | post;
#endif
    do
    :: atomic {
            prepend(post, listed);
            if
            :: break
            :: true /* the answer was lost, and it is put once more */
            fi
        }
    od;
    confirmed = confirmed | post
}

inline put_late(post)
{
    do
    :: atomic { /* by a connection that was given up */
            prepend(post, listed)
        }
    od
}

/* outbound_add */
proctype poster(byte post)
{
    byte listed;

    listed = committed;
    WRITE(post)
    atomic {
        committed = committed | post;
        listed = LISTED(post);
        if
        :: listed == 0 -> goto end /* to others */
        :: else
        fi;
#ifdef WITHOUT_FENCE
        known = known | post;
#endif
    }
    put(post);
    atomic {
        known = known | post; /* 200 */
        confirmed = confirmed & ~post /* nobody looks any more */
    }
    put_late(post);
end:
    skip
}

/* outbound_add for C, and job_deliver. */
proctype deliver()
{
    byte listed;

    WRITE(C)
    committed = committed | C;
    listed = committed;
    WRITE(PIECE)
    atomic {
        committed = committed | PIECE;
        listed = LISTED(C);
        if
        :: listed == 0 -> goto end
        :: else
        fi
    }
    put(C);
    known = known | C;
    put_late(C);
end:
    skip
}
/* friend_remove */
proctype unfriend()
{
    WRITE(UNFRIENDING)
    committed = committed | UNFRIENDING;
#ifdef WITHOUT_DROP
    known = known | UNFRIENDING;
#endif
    atomic {
        drop();
        known = known | UNFRIENDING /* 204 */
    }
}

/* outbound_remove: to be told are the friends, and former friends whose order,
 * 'f', is there still. */
proctype remove()
{
    bool is_told;

    atomic {
        committed & removed;
#ifdef WITHOUT_FORMER
        is_told = !(HIDDEN(committed) & removed)
#else
        is_told = true
#endif
    }
    WRITE(REMOVAL)
    committed = committed | REMOVAL;
    atomic {
        if
        :: is_told -> drop()
        :: else
        fi;
        is_told = false;
        known = known | REMOVAL /* 204 */
    }
}

/* --- the dispatcher ------------------------------------------------------ */

/* A turn is one step: whatever comes in between is as if it came before or
 * after, for a confirmation may always have gone, and a page too. A post that
 * was answered is as good as seen. */
#define IS_DUE(post) (committed & ~known & (post))

proctype follower_drop()
{
    byte post;

    do
    :: atomic {
            if
            :: IS_DUE(A) -> post = A
            :: IS_DUE(B) -> post = B
            fi;
            if
            :: (confirmed | HIDDEN(committed)) & post
#ifdef WITHOUT_CONFIRMATION
            :: true
#else
            :: true -> drop()
#endif
            fi;
            known = known | post;
            confirmed = confirmed & ~post;
            post = 0
        }
    od
}

/* The orders that a post by C, an unfriending and a removal leave behind. */
proctype job_work()
{
    do
    :: atomic { /* the turn behind the piece */
            committed & PIECE && IS_DUE(C) ->
#ifndef WITHOUT_TURN
            if
            :: confirmed & C
            :: else -> drop()
            fi;
#endif
            known = known | C
        }
    :: atomic {
            committed & ~known & (UNFRIENDING | REMOVAL);
#ifndef WITHOUT_ORDER
            drop();
#endif
            known = known | committed & (UNFRIENDING | REMOVAL)
        }
    od
}

#ifdef REPLICA
/* It may lag for as long as it likes. */
proctype standby()
{
    do
    :: atomic {
            replayed != written -> replayed = written
        }
    od
}
#endif

/* Whatever is kept may go at any time. */
proctype memcached()
{
    do
    :: atomic {
            value != ABSENT -> drop()
        }
    od
}

/* --- who takes part ------------------------------------------------------ */

#ifndef CAST
#define CAST A + B + C + UNFRIENDING + REMOVAL
#endif

init {
    atomic {
        if
        :: (CAST) & A -> unfriended = A
        :: (CAST) & B -> unfriended = B
        :: (CAST) & C -> unfriended = C
        fi;
        if
        :: (CAST) & A -> removed = A
        :: (CAST) & B -> removed = B
        :: (CAST) & C -> removed = C
        fi;
        if
        :: (CAST) & A -> run poster(A)
        :: else
        fi;
        if
        :: (CAST) & B -> run poster(B)
        :: else
        fi;
        if
        :: (CAST) & C -> run deliver()
        :: else
        fi;
        if
        :: (CAST) & UNFRIENDING -> run unfriend()
        :: else -> unfriended = 0
        fi;
        if
        :: (CAST) & REMOVAL -> run remove()
        :: else -> removed = 0
        fi;
        run reader(0);
        run reader(1);
        run follower_drop();
        run job_work();
        run memcached();
#ifdef REPLICA
        run standby();
#endif
    }
}
