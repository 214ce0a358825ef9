/* error.c - a host's failure as text. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *e, const char *fmt, ...)
{
    va_list args;

    if (!e)
        return false;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return false;
}

bool error_hint(struct error *e, const char *fmt, ...)
{
    va_list args;
    size_t at;

    if (!e)
        return false;
    at = strlen(e->text);
    if (at + 2 >= sizeof e->text)
        return false;
    e->text[at++] = '\n';
    va_start(args, fmt);
    vsnprintf(e->text + at, sizeof e->text - at, fmt, args);
    va_end(args);
    return false;
}
