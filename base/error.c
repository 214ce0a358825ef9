/* error.c - filling struct error. */
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
    size_t used;
    if (!e)
        return false;
    used = strlen(e->text);
    if (used + 2 >= sizeof e->text)
        return false;
    e->text[used++] = '\n';
    va_start(args, fmt);
    vsnprintf(e->text + used, sizeof e->text - used, fmt, args);
    va_end(args);
    return false;
}
