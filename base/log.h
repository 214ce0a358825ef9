/* log.h - what a part has to say to its user, by part and level.
 *
 * A machine owns one struct log. Parts never print: they call log_say(), and whoever
 * made the machine decides where the lines go.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
    /* Called once per line, without newline. NULL drops everything. */
    void (*sink)(void *to, const char *part, enum log_level level, const char *line);
    void *to;
    enum log_level level;   /* lines above it are dropped */
    uint32_t lines_left;    /* guest-caused lines still allowed before a notice ends them */
};

void log_say(struct log *l, const char *part, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Like log_say() at LOG_WARN, for things a guest can cause at will: counted against
 * lines_left, so that a guest cannot flood the host. */
void log_guest(struct log *l, const char *part, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same at LOG_INFO, for what guests do on purpose to see what is there. */
void log_probe(struct log *l, const char *part, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Says "unimplemented: <what>" the first time `*said` is false, then sets it. */
void log_unimplemented(struct log *l, const char *part, bool *said, const char *what);

#endif
