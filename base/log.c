/* log.c - lines for the user, counted where a guest can cause them. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 1024 };

/* A line may quote what a guest chose: control characters would reach the user's
 * terminal as commands. */
static void defuse(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = *line == '\t' ? ' ' : '?';
}

static bool wanted(const struct log *l, enum log_level level)
{
    return l && l->sink && level <= l->level;
}

static void say(struct log *l, const char *part, enum log_level level, const char *fmt,
                va_list args) PRINTF_LIKE(4, 0);

static void say(struct log *l, const char *part, enum log_level level, const char *fmt,
                va_list args)
{
    char text[LINE_BYTES];
    char *line = text;

    vsnprintf(text, sizeof text, fmt, args);
    for (char *p = text;; p++) {
        bool last = !*p;

        if (!last && *p != '\n')
            continue;
        *p = 0;
        defuse(line);
        if (*line || line == text)
            l->sink(l->to, part, level, line);
        if (last)
            break;
        line = p + 1;
    }
}

void log_say(struct log *l, const char *part, enum log_level level, const char *fmt,
             ...)
{
    va_list args;

    if (!wanted(l, level))
        return;
    va_start(args, fmt);
    say(l, part, level, fmt, args);
    va_end(args);
}

static void say_counted(struct log *l, const char *part, enum log_level level,
                        const char *fmt, va_list args)
{
    if (!wanted(l, level) || !l->lines_left)
        return;
    say(l, part, level, fmt, args);
    if (--l->lines_left == 0)
        l->sink(l->to, part, level,
                "the guest caused many messages: more of them are not shown");
}

void log_guest(struct log *l, const char *part, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_counted(l, part, LOG_WARN, fmt, args);
    va_end(args);
}

void log_probe(struct log *l, const char *part, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_counted(l, part, LOG_INFO, fmt, args);
    va_end(args);
}

void log_unimplemented(struct log *l, const char *part, bool *said, const char *what)
{
    if (*said)
        return;
    *said = true;
    log_guest(l, part, "unimplemented: %s", what);
}
