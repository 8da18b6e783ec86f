/* Requests that were answered 503, told by cause, in one line. */
#include "report.h"
#include "buf.h"
#include "log.h"
#include "metrics.h"

static const char *describe(int error)
{
    switch (error) {
    case ERR_QUEUED:
        return "waited too long for a worker";
    case ERR_TIMEOUT:
        return "took the database too long";
    case ERR_LOCKED:
        return "met locks of others";
    case ERR_NO_DATABASE:
        return "had no database";
    case ERR_NO_SEARCH:
        return "had no database of the search";
    case ERR_UNKNOWN:
        return "may have been done";
    default:
        return "for other reasons";
    }
}

void report_tell(struct report *report)
{
    struct buf causes = {0};
    uint64_t total = 0;

    for (int error = 0; error <= ERR_INTERNAL; error++) {
        uint64_t count = metrics_value(METRIC_REFUSED, error, 0);
        uint64_t more = count - report->told[error];
        report->told[error] = count;
        total += more;
        if (more > 0)
            buf_printf(&causes, "%s%llu %s", causes.len > 0 ? ", " : "",
                (unsigned long long)more, describe(error));
    }
    if (total > 0)
        log_warn("report", "%llu requests were answered 503: %s",
            (unsigned long long)total, buf_text(&causes));
    buf_free(&causes);
}
