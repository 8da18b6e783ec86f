/* The text formats of JSON Schema that the service checks. */
#include <ctype.h>
#include <string.h>

#include "format.h"

/* What is left to read; a reader that fails leaves it anywhere. */
struct text {
    const char *at;
    size_t left;
};

static bool read_number(
    struct text *text, int digits, int low, int high, int *value)
{
    if (text->left < (size_t)digits)
        return false;
    *value = 0;
    for (int i = 0; i < digits; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return false;
        *value = *value * 10 + (text->at[i] - '0');
    }
    text->at += digits;
    text->left -= (size_t)digits;
    return *value >= low && *value <= high;
}

/* One character out of a choice. */
static bool read_one_of(struct text *text, const char *choice)
{
    if (text->left == 0 || *text->at == '\0' || !strchr(choice, *text->at))
        return false;
    text->at++;
    text->left--;
    return true;
}

static int count_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct text *text)
{
    int year, month, day;
    return read_number(text, 4, 0, 9999, &year) && read_one_of(text, "-") &&
           read_number(text, 2, 1, 12, &month) && read_one_of(text, "-") &&
           read_number(text, 2, 1, count_days(year, month), &day);
}

/* The offset from UTC in minutes. */
static bool read_offset(struct text *text, int *offset)
{
    int hour, minute;
    *offset = 0;
    if (read_one_of(text, "Zz"))
        return true;
    int sign = text->left > 0 && *text->at == '-' ? -1 : 1;
    if (!read_one_of(text, "+-") || !read_number(text, 2, 0, 23, &hour) ||
        !read_one_of(text, ":") || !read_number(text, 2, 0, 59, &minute))
        return false;
    *offset = sign * (hour * 60 + minute);
    return true;
}

/* A leap second stands only at the end of a day in UTC. */
static bool read_time(struct text *text)
{
    int hour, minute, second, offset, digit;
    if (!read_number(text, 2, 0, 23, &hour) || !read_one_of(text, ":") ||
        !read_number(text, 2, 0, 59, &minute) || !read_one_of(text, ":") ||
        !read_number(text, 2, 0, 60, &second))
        return false;
    if (read_one_of(text, ".")) {
        if (!read_number(text, 1, 0, 9, &digit))
            return false;
        while (read_one_of(text, "0123456789"))
            ;
    }
    if (!read_offset(text, &offset))
        return false;
    int utc = (hour * 60 + minute - offset + 2 * 1440) % 1440;
    return second < 60 || utc == 1439;
}

bool format_is_date(const char *bytes, size_t len)
{
    struct text text = {bytes, len};
    return read_date(&text) && text.left == 0;
}

bool format_is_date_time(const char *bytes, size_t len)
{
    struct text text = {bytes, len};
    return read_date(&text) && read_one_of(&text, "Tt") && read_time(&text) &&
           text.left == 0;
}

bool format_is_uri_reference(const char *bytes, size_t len)
{
    static const char others[] = "-._~:/?#[]@!$&'()*+,;=";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '%' && len - i > 2 && isxdigit((unsigned char)bytes[i + 1]) &&
            isxdigit((unsigned char)bytes[i + 2]))
            i += 2;
        else if (c == '\0' || c > 0x7E || (!isalnum(c) && !strchr(others, c)))
            return false;
    }
    return true;
}
