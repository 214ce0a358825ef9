/* library_tell.c - what goes to the user: messages, triple faults, traces. */
#include "machine/library.h"

#include "debug/postmortem.h"

#include <errno.h>
#include <string.h>

enum { TOLD_FAULTS = 3 }; /* triple faults that are explained: a guest can make many */

enum menura_level library_level(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return MENURA_ERROR;
    case LOG_WARN: return MENURA_WARNING;
    case LOG_INFO: return MENURA_INFO;
    default: return MENURA_DEBUG;
    }
}

void library_say(struct menura *m, enum menura_level level, const char *part,
                 const char *line)
{
    if (m->say)
        m->say(m->say_to, level, part, line);
}

static void machine_sink(void *to, const char *part, enum log_level level,
                         const char *line)
{
    library_say(to, library_level(level), part, line);
}

static void say_line(void *to, const char *line)
{
    library_say(to, MENURA_WARNING, "cpu", line);
}

static void told_triple_fault(void *to, struct cpu *c)
{
    struct menura *m = to;
    char text[128];

    if (m->told_faults > TOLD_FAULTS)
        return;
    if (m->told_faults++ == TOLD_FAULTS) {
        library_say(m, MENURA_WARNING, "cpu",
                    "further triple faults are not explained");
        return;
    }
    snprintf(text, sizeof text, "CPU %u: triple fault, after %llu instructions",
             c->number, (unsigned long long)cpu_retired(c));
    library_say(m, MENURA_WARNING, "cpu", text);
    postmortem_chain(c, say_line, m);
    postmortem_path(c, say_line, m);
}

/* The looks at the host's clock are counted in ticks (library_run.c). */
static void told_reset(void *to)
{
    struct menura *m = to;

    if (m->machine && library_time_is_over(m))
        machine_stop(m->machine);
}

static void trace_line(void *to, const char *line)
{
    struct menura *m = to;

    if (m->trace_lost)
        return;
    if (fputs(line, m->trace) >= 0 && fputc('\n', m->trace) >= 0)
        return;
    m->trace_lost = true;
    library_say(m, MENURA_WARNING, "trace",
                "the trace cannot be written; it ends here");
}

bool library_open_trace(struct menura *m, struct machine_config *config,
                        struct error *e)
{
    const char *file = m->options->text[OPTION_logfile];

    m->trace = stderr;
    if (file && !(m->trace = fopen(file, "w"))) {
        error_set(e, "cannot write '%.300s': %s", file, strerror(errno));
        return error_hint(e, "name another file with -D, or leave -D out");
    }
    config->trace_line = trace_line;
    return true;
}

void library_close_trace(struct menura *m)
{
    if (m->trace && m->trace != stderr && fclose(m->trace) && !m->trace_lost)
        library_say(m, MENURA_WARNING, "trace",
                    "the trace could not be written to its end");
    m->trace = NULL;
}

void library_listen(struct menura *m, struct machine_config *config)
{
    config->log.sink = machine_sink;
    config->log.to = m;
    config->log.lines_left = LOG_LINES;
    config->trace_to = m;
    config->told_triple_fault = told_triple_fault;
    config->told_reset = told_reset;
}
