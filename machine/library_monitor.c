/* library_monitor.c - the monitor's hands on a machine, and where its commands come
 * from. */
#include "machine/library.h"

#include "host/chars.h"

#include <string.h>

static struct cpu *monitor_cpu(void *owner, unsigned n)
{
    return machine_cpu(((struct menura *)owner)->machine, n);
}

static struct device *monitor_device(void *owner, unsigned n)
{
    return machine_device(((struct menura *)owner)->machine, n);
}

static void monitor_stop(void *owner)
{
    ((struct menura *)owner)->running = false;
}

static void monitor_go_on(void *owner)
{
    struct menura *m = owner;
    m->running = true;
    machine_kick(m->machine); /* what came in meanwhile */
}

static bool monitor_running(void *owner)
{
    return ((struct menura *)owner)->running;
}

static void monitor_step(void *owner, uint64_t ticks)
{
    struct menura *m = owner;
    enum machine_end end;

    m->running = false;
    if (m->broken)
        return;
    end = machine_run(m->machine, ticks);
    if (end != END_TICKS && end != END_STOPPED)
        m->stepped = library_end(end);
}

static void monitor_reset(void *owner)
{
    ((struct menura *)owner)->machine->reset_wanted = true;
}

static void monitor_quit(void *owner)
{
    atomic_store(&((struct menura *)owner)->console.quit, true);
}

static bool monitor_save(void *owner, const char *file, struct error *e)
{
    return machine_save(((struct menura *)owner)->machine, file, e);
}

bool library_load(struct menura *m, const char *file, struct error *e)
{
    bool good = machine_load(m->machine, file, e);

    m->broken = m->machine->torn;
    if (m->broken)
        m->running = false;
    return good;
}

static bool monitor_load(void *owner, const char *file, struct error *e)
{
    return library_load(owner, file, e);
}

static uint64_t monitor_hash(void *owner)
{
    return machine_hash(((struct menura *)owner)->machine);
}

static bool monitor_log(void *owner, const char *items, struct error *e)
{
    struct log *log = &((struct menura *)owner)->machine->log;

    if (!strcmp(items, "none"))
        log->level = LOG_WARN;
    else if (!strcmp(items, "info"))
        log->level = LOG_INFO;
    else if (!strcmp(items, "debug"))
        log->level = LOG_DEBUG;
    else
        return error_set(e, "there are none, info and debug");
    log->lines_left = LOG_LINES;
    return true;
}

static const struct screen *monitor_screen_of(void *owner)
{
    return machine_screen(((struct menura *)owner)->machine);
}

static bool monitor_keys(void *owner, const char *keys)
{
    return menura_keys(owner, keys);
}

static size_t monitor_type_text(void *owner, const char *text, size_t n)
{
    return menura_type(owner, text, n);
}

static void monitor_mouse(void *owner, int dx, int dy, int wheel, unsigned buttons)
{
    menura_mouse(owner, dx, dy, wheel, buttons);
}

void library_make_monitor(struct menura *m)
{
    m->monitor = (struct monitor){.cpus = m->machine->config.cpus,
                                  .cpu = monitor_cpu,
                                  .device = monitor_device,
                                  .clock = &m->machine->clock,
                                  .phys = &m->machine->phys,
                                  .ports = &m->machine->ports,
                                  .mmio = &m->machine->mmio,
                                  .version = menura_version_text(),
                                  .features = menura_features_text(),
                                  .stop = monitor_stop,
                                  .go_on = monitor_go_on,
                                  .running = monitor_running,
                                  .step = monitor_step,
                                  .reset = monitor_reset,
                                  .quit = monitor_quit,
                                  .save = monitor_save,
                                  .load = monitor_load,
                                  .hash = monitor_hash,
                                  .log = monitor_log,
                                  .screen = monitor_screen_of,
                                  .keys = monitor_keys,
                                  .type = monitor_type_text,
                                  .mouse = monitor_mouse,
                                  .drive = library_drive,
                                  .insert = library_insert,
                                  .eject = library_eject,
                                  .owner = m};
}

bool menura_command(struct menura *m, const char *command,
                    void (*line)(void *to, const char *text), void *to)
{
    m->monitor.line = line;
    m->monitor.to = to;
    return monitor_command(&m->monitor, command);
}

static void print_line(void *to, const char *text)
{
    (void)to;
    puts(text);
    fflush(stdout);
}

/* Lines typed at the terminal. */
void library_obey_console(struct menura *m)
{
    const char *line;

    while ((line = console_line(&m->console))) {
        m->stdio->flush(m->stdio->owner); /* the guest's text first */
        menura_command(m, line, print_line, m);
        console_done(&m->console);
        console_prompt(&m->console);
    }
}

/* The next line of a script. At its end the machine goes on by itself. */
void library_obey_script(struct menura *m)
{
    char line[CONSOLE_LINE];
    unsigned n = 0;
    int byte = 0;

    while (n + 1 < sizeof line && (byte = m->stdio->get(m->stdio->owner)) >= 0 &&
           byte != '\n')
        line[n++] = (char)byte;
    line[n] = 0;
    if (n || byte == '\n')
        menura_command(m, line, print_line, m);
    if (byte < 0 && chars_ended(m->stdio)) {
        m->script = false;
        if (m->broken)
            monitor_quit(m);
        else
            monitor_go_on(m);
    }
}
