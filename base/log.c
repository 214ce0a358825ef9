/* log.c - lines to whoever made the machine. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE = 512 };

static void say(struct log *l, const char *part, enum log_level level, const char *fmt,
                va_list args)
{
    char line[LINE];
    vsnprintf(line, sizeof line, fmt, args);
    l->sink(l->to, part, level, line);
}

void log_say(struct log *l, const char *part, enum log_level level, const char *fmt, ...)
{
    va_list args;
    if (!l || !l->sink || level > l->level)
        return;
    va_start(args, fmt);
    say(l, part, level, fmt, args);
    va_end(args);
}

void log_guest(struct log *l, const char *part, const char *fmt, ...)
{
    va_list args;
    if (!l || !l->sink || l->level < LOG_WARN || !l->lines_left)
        return;
    va_start(args, fmt);
    say(l, part, LOG_WARN, fmt, args);
    va_end(args);
    if (--l->lines_left == 0)
        l->sink(l->to, part, LOG_WARN, "the guest causes too many messages; no more follow");
}

void log_unimplemented(struct log *l, const char *part, bool *said, const char *what)
{
    if (*said)
        return;
    *said = true;
    log_say(l, part, LOG_WARN, "unimplemented: %s", what);
}
