/* library.c - include/menura.h on top of machine.h: the configuration, the run loop with
 * its limits, and the serial ports' other ends.
 */
#include "menura.h"

#include "cpu/fault.h"
#include "debug/monitor.h"
#include "host/chars.h"
#include "host/host.h"
#include "machine/console.h"
#include "machine/internal.h"
#include "machine/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEND_MOST = 65536,    /* bytes that wait for a guest that does not read them */
    LOOKS = 20,           /* looks at the host's clock in a second of the guest's time */
    TOLD_FAULTS = 3,      /* triple faults that are explained: a guest can make many */
    LOG_LINES = 1000,     /* lines that a guest can cause */
};

/* A serial port's other end in the caller. */
struct port {
    struct chardev dev;
    void (*put)(void *to, const uint8_t *bytes, size_t n);
    void *to;
    uint8_t ring[SEND_MOST];
    size_t came, taken;
};

struct menura_config {
    struct options *options;
    struct error error;
    void (*say)(void *to, enum menura_level level, const char *part, const char *line);
    void *say_to;
    void (*put[MACHINE_SERIALS])(void *to, const uint8_t *bytes, size_t n);
    void *put_to[MACHINE_SERIALS];
};

struct menura {
    struct options *options;
    struct machine *machine;
    struct error error;
    struct log log;
    void (*say)(void *to, enum menura_level level, const char *part, const char *line);
    void *say_to;

    struct port *port[MACHINE_SERIALS];
    struct chardev *chars[MACHINE_SERIALS + 2]; /* opened here, freed here */
    unsigned chars_count;
    struct chardev *stdio;  /* one of them, or NULL */
    struct chardev forward; /* port E9h on a terminal that a serial port has */
    FILE *trace;
    bool trace_lost;
    unsigned told_faults;

    struct console console;
    bool typing;  /* a person can reach the monitor at the terminal */
    bool script;  /* the monitor's commands come from a pipe */
    struct monitor monitor;
    bool broken;  /* a load failed: nothing left to run */
    bool running; /* else stopped by the monitor */
    enum menura_end stepped; /* what ended a step of the monitor's; MENURA_END_COUNT: nothing */
    atomic_bool stop, wakeable;
    uint64_t started; /* host time of the first run, 0 before */
};

/* ---- versions and pages ---- */

const char *menura_version(void)
{
    return menura_version_text();
}

const char *menura_features(void)
{
    return menura_features_text();
}

bool menura_page(const char *page, void (*line)(void *to, const char *text), void *to)
{
    return options_page(page, line, to);
}

/* ---- configurations ---- */

struct menura_config *menura_config_new(void)
{
    struct menura_config *c = calloc(1, sizeof *c);

    if (c && !(c->options = options_new())) {
        free(c);
        return NULL;
    }
    return c;
}

void menura_config_free(struct menura_config *c)
{
    if (c)
        options_drop(c->options);
    free(c);
}

static enum menura_level level_of(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return MENURA_ERROR;
    case LOG_WARN: return MENURA_WARNING;
    case LOG_INFO: return MENURA_INFO;
    default: return MENURA_DEBUG;
    }
}

static void config_sink(void *to, const char *part, enum log_level level, const char *line)
{
    struct menura_config *c = to;
    c->say(c->say_to, level_of(level), part, line);
}

void menura_config_log(struct menura_config *c,
                       void (*say)(void *to, enum menura_level level, const char *part,
                                   const char *line),
                       void *to)
{
    c->say = say;
    c->say_to = to;
    c->options->log = (struct log){.sink = say ? config_sink : NULL, .to = c,
                                   .level = LOG_INFO, .lines_left = LOG_LINES};
}

bool menura_config_set(struct menura_config *c, const char *name, const char *value)
{
    return options_set(c->options, name, value, &c->error);
}

bool menura_config_arguments(struct menura_config *c, int count, char *const *word)
{
    return options_arguments(c->options, count, word, &c->error);
}

bool menura_config_read(struct menura_config *c, const char *file)
{
    return options_read(c->options, file, &c->error);
}

const char *menura_config_get(const struct menura_config *c, const char *name)
{
    return options_get(c->options, name);
}

const char *menura_config_error(const struct menura_config *c)
{
    return c->error.text;
}

const char *menura_config_answer(const struct menura_config *c)
{
    return c->options->answer;
}

bool menura_config_serial(struct menura_config *c, unsigned port,
                          void (*put)(void *to, const uint8_t *bytes, size_t n), void *to)
{
    if (port >= MACHINE_SERIALS)
        return error_set(&c->error, "there is no serial port %u", port);
    c->put[port] = put;
    c->put_to[port] = to;
    return true;
}

/* ---- what the machine tells ---- */

static void say(struct menura *m, enum menura_level level, const char *part,
                const char *line)
{
    if (m->say)
        m->say(m->say_to, level, part, line);
}

static void machine_sink(void *to, const char *part, enum log_level level, const char *line)
{
    say(to, level_of(level), part, line);
}

static void tell_user(void *to, const char *line)
{
    say(to, MENURA_WARNING, "host", line);
}

static void say_lines(struct menura *m, const char *part, char *text)
{
    for (char *end; *text; text = end) {
        end = text + strcspn(text, "\n");
        if (*end)
            *end++ = 0;
        say(m, MENURA_WARNING, part, text);
    }
}

static void told_triple_fault(void *to, struct cpu *c)
{
    struct menura *m = to;
    char text[4096];

    if (m->told_faults > TOLD_FAULTS)
        return;
    if (m->told_faults++ == TOLD_FAULTS) {
        say(m, MENURA_WARNING, "cpu", "further triple faults are not explained");
        return;
    }
    snprintf(text, sizeof text, "CPU %u: triple fault, after %llu instructions", c->number,
             (unsigned long long)cpu_retired(c));
    say(m, MENURA_WARNING, "cpu", text);
    for (unsigned n = 0; n < c->fault_count; n++) {
        fault_explain(c, &c->faults[n], text, sizeof text);
        say_lines(m, "cpu", text);
    }
}

static void trace_line(void *to, const char *line)
{
    struct menura *m = to;

    if (m->trace_lost)
        return;
    if (fputs(line, m->trace) >= 0 && fputc('\n', m->trace) >= 0)
        return;
    m->trace_lost = true;
    say(m, MENURA_WARNING, "trace", "the trace cannot be written; it ends here");
}

static bool open_trace(struct menura *m, struct machine_config *config, struct error *e)
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

static void close_trace(struct menura *m)
{
    if (m->trace && m->trace != stderr && fclose(m->trace) && !m->trace_lost)
        say(m, MENURA_WARNING, "trace", "the trace could not be written to its end");
    m->trace = NULL;
}

/* ---- the serial ports' other ends ---- */

static void port_put(void *owner, const uint8_t *bytes, size_t n)
{
    struct port *p = owner;
    p->put(p->to, bytes, n);
}

static int port_get(void *owner)
{
    struct port *p = owner;
    return p->taken == p->came ? -1 : p->ring[p->taken++ % SEND_MOST];
}

size_t menura_serial_send(struct menura *m, unsigned port, const uint8_t *bytes, size_t n)
{
    struct port *p = port < MACHINE_SERIALS ? m->port[port] : NULL;
    size_t done = 0;

    if (!p)
        return 0;
    while (done < n && p->came - p->taken < SEND_MOST)
        p->ring[p->came++ % SEND_MOST] = bytes[done++];
    machine_kick(m->machine);
    return done;
}

static struct chardev *make_port(struct menura *m, const struct menura_config *c, unsigned n)
{
    struct port *p = m->port[n] = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->put = c->put[n];
    p->to = c->put_to[n];
    p->dev = (struct chardev){.owner = p, .put = port_put, .get = port_get};
    return &p->dev;
}

static bool typed(void *to, uint8_t byte)
{
    struct menura *m = to;
    return console_typed(&m->console, byte);
}

static struct chardev *open_chars(struct menura *m, const char *name, struct error *e)
{
    struct chars_hooks hooks = {.to = m, .tell = tell_user, .typed = typed};
    struct chardev *d = chars_open(name, &hooks, e);

    if (d)
        m->chars[m->chars_count++] = d;
    if (d && !strcmp(name, "pty")) {
        char line[512];
        snprintf(line, sizeof line, "the pseudo-terminal is %.400s", chars_path(d));
        say(m, MENURA_INFO, "serial", line);
    }
    return d;
}

/* The terminal, for whoever wants it: one serial port reads it, others only write. */
static struct chardev *open_stdio(struct menura *m, struct error *e)
{
    if (!m->stdio)
        m->stdio = open_chars(m, "stdio", e);
    return m->stdio;
}

static void forward_put(void *owner, const uint8_t *bytes, size_t n)
{
    struct chardev *to = owner;
    to->put(to->owner, bytes, n);
}

static int forward_get(void *owner)
{
    (void)owner;
    return -1;
}

static bool open_serial(struct menura *m, const struct menura_config *c, unsigned n,
                        struct chardev **to, struct error *e)
{
    const char *name = m->options->serial[n];

    *to = NULL;
    if (c->put[n])
        *to = make_port(m, c, n);
    else if (!name || !strcmp(name, "none"))
        return true;
    else if (strcmp(name, "stdio"))
        *to = open_chars(m, name, e);
    else if (m->console.guest)
        return error_set(e, "-serial stdio: the terminal has the other serial port already");
    else if ((*to = open_stdio(m, e)))
        m->console.guest = true;
    return *to || (c->put[n] && error_set(e, "the host has no memory"));
}

static bool open_debugcon(struct menura *m, struct chardev **to, struct error *e)
{
    const char *name = m->options->debugcon;

    *to = NULL;
    if (!name)
        return true;
    if (strcmp(name, "stdio"))
        return (*to = open_chars(m, name, e)) != NULL;
    if (!open_stdio(m, e))
        return false;
    m->forward = (struct chardev){.owner = m->stdio, .put = forward_put, .get = forward_get};
    *to = &m->forward;
    return true;
}

static bool open_ends(struct menura *m, const struct menura_config *c,
                      struct machine_config *config, struct error *e)
{
    for (unsigned n = 0; n < MACHINE_SERIALS; n++)
        if (!open_serial(m, c, n, &config->serial[n], e))
            return false;
    if (!open_debugcon(m, &config->debugcon, e))
        return false;
    if (m->options->monitor_stdio && !open_stdio(m, e))
        return false;
    m->typing = m->stdio && chars_interactive(m->stdio);
    m->script = m->options->monitor_stdio && !m->typing;
    if (m->script && m->console.guest) {
        error_set(e, "standard input is no terminal: it cannot feed both the serial port "
                     "and the monitor");
        return error_hint(e, "give -serial none, or -serial file:PATH");
    }
    return true;
}

/* ---- the terminal ---- */

static void kick(void *machine)
{
    machine_kick(machine);
}

static void attention(void *to)
{
    struct menura *m = to;
    machine_stop(m->machine);
    chars_wake(m->stdio);
}

static void send_break(void *to)
{
    struct menura *m = to;
    chars_break(m->stdio);
}

static void print(void *to, const char *text)
{
    (void)to;
    fputs(text, stdout);
    fflush(stdout);
}

static void print_line(void *to, const char *text)
{
    print(to, text);
    print(to, "\n");
}

/* ---- the monitor ---- */

static enum menura_end end_of(enum machine_end end);

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
        m->stepped = end_of(end);
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

static bool load(struct menura *m, const char *file, struct error *e)
{
    m->broken = !machine_load(m->machine, file, e);
    if (m->broken)
        m->running = false;
    return !m->broken;
}

static bool monitor_load(void *owner, const char *file, struct error *e)
{
    return load(owner, file, e);
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

static void make_monitor(struct menura *m)
{
    m->monitor = (struct monitor){
        .cpus = m->machine->config.cpus, .cpu = monitor_cpu, .device = monitor_device,
        .clock = &m->machine->clock, .phys = &m->machine->phys,
        .ports = &m->machine->ports, .mmio = &m->machine->mmio,
        .version = menura_version_text(), .features = menura_features_text(),
        .stop = monitor_stop, .go_on = monitor_go_on, .running = monitor_running,
        .step = monitor_step, .reset = monitor_reset, .quit = monitor_quit,
        .save = monitor_save, .load = monitor_load, .hash = monitor_hash,
        .log = monitor_log, .owner = m};
}

bool menura_command(struct menura *m, const char *command,
                    void (*line)(void *to, const char *text), void *to)
{
    m->monitor.line = line;
    m->monitor.to = to;
    return monitor_command(&m->monitor, command);
}

/* Lines typed at the terminal. */
static void obey_console(struct menura *m)
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
static void obey_script(struct menura *m)
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

/* ---- machines ---- */

static bool build(struct menura *m, struct menura_config *c)
{
    struct machine_config config = m->options->machine;
    const char *snapshot = m->options->text[OPTION_load];

    config.log.sink = machine_sink;
    config.log.to = m;
    config.log.lines_left = LOG_LINES;
    config.trace_to = m;
    config.told_triple_fault = told_triple_fault;
    m->console.to = m;
    m->console.attention = attention;
    m->console.send_break = send_break;
    m->console.print = print;
    if (!open_ends(m, c, &config, &c->error) || !open_trace(m, &config, &c->error))
        return false;
    config.paced = m->options->time == TIME_REAL ||
                   (m->options->time == TIME_AUTO && m->typing);
    config.wait_for_ever = m->typing;
    m->machine = machine_new(&config, &c->error);
    if (!m->machine)
        return false;
    make_monitor(m);
    m->running = !m->script && !m->options->text[OPTION_stopped];
    if (snapshot && !load(m, snapshot, &c->error))
        return false;
    for (unsigned n = 0; n < m->chars_count; n++)
        if (!chars_listen(m->chars[n], kick, m->machine, &c->error))
            return false;
    return true;
}

struct menura *menura_new(struct menura_config *c)
{
    struct menura *m = calloc(1, sizeof *m);

    if (!m) {
        error_set(&c->error, "cannot make a machine: the host has no memory");
        return NULL;
    }
    options_hold(m->options = c->options);
    m->say = c->say;
    m->say_to = c->say_to;
    m->stepped = MENURA_END_COUNT;
    if (!build(m, c)) {
        menura_free(m);
        return NULL;
    }
    return m;
}

void menura_free(struct menura *m)
{
    if (!m)
        return;
    for (unsigned n = 0; n < m->chars_count; n++)
        chars_listen(m->chars[n], NULL, NULL, NULL);
    machine_free(m->machine);
    for (unsigned n = 0; n < m->chars_count; n++)
        chars_free(m->chars[n]);
    for (unsigned n = 0; n < MACHINE_SERIALS; n++)
        free(m->port[n]);
    close_trace(m);
    options_drop(m->options);
    free(m);
}

/* ---- running ---- */

static enum menura_end end_of(enum machine_end end)
{
    switch (end) {
    case END_POWER_OFF: return MENURA_END_POWER_OFF;
    case END_DEBUG_EXIT: return MENURA_END_DEBUG_EXIT;
    case END_TRIPLE_FAULT: return MENURA_END_TRIPLE_FAULT;
    case END_RESET: return MENURA_END_RESET;
    case END_IDLE_FOREVER: return MENURA_END_HALTED;
    default: return MENURA_END_COUNT;
    }
}

void menura_stop(struct menura *m)
{
    atomic_store(&m->stop, true);
    machine_stop(m->machine);
    for (unsigned n = 0; n < m->chars_count; n++)
        chars_wake(m->chars[n]);
}

static bool any_ready(const struct machine *m)
{
    for (unsigned n = 0; n < m->config.cpus; n++)
        if (cpu_ready(m->cpu[n]))
            return true;
    return false;
}

/* How many ticks may pass before `left` instructions are run: at least so many, more while
 * all CPUs are halted, since only the next timer can wake them. */
static uint64_t slice(const struct menura *m, uint64_t left)
{
    const struct machine *x = m->machine;
    uint64_t ticks = x->config.ips / LOOKS, next;

    if (left >= ticks)
        return ticks;
    next = clock_next(&x->clock);
    if (any_ready(x) || next <= x->clock.now)
        return left;
    next -= x->clock.now;
    return next < left ? left : next < ticks ? next : ticks;
}

/* Stopped: nothing but commands and menura_stop() matter. */
static void wait_for_command(struct menura *m)
{
    atomic_store(&m->machine->kicked, false);
    if (atomic_load(&m->stop) || atomic_load(&m->console.quit) || console_line(&m->console))
        return;
    if (m->stdio)
        m->stdio->flush(m->stdio->owner);
    host_wait_kick(&m->machine->kicked, host_now_ns() + 1000000000u);
}

/* The end that counts: with -no-shutdown a power-off only stops the machine. */
static bool ends_run(struct menura *m, enum menura_end end)
{
    if (end == MENURA_END_COUNT)
        return false;
    if (end != MENURA_END_POWER_OFF || !m->options->machine.no_shutdown)
        return true;
    m->running = false;
    say(m, MENURA_WARNING, "machine", "the guest switched off; the machine stays, stopped");
    return false;
}

static bool time_is_over(const struct menura *m)
{
    return m->options->max_ns != UINT64_MAX &&
           host_now_ns() - m->started >= m->options->max_ns;
}

/* Piped input is over: from now on an idle guest waits in real time, for whatever. */
static void watch_input(struct menura *m)
{
    if (m->options->time == TIME_AUTO && m->console.guest && !m->machine->config.paced &&
        chars_ended(m->stdio))
        m->machine->config.paced = true;
}

enum menura_end menura_run(struct menura *m, uint64_t instructions)
{
    uint64_t done = machine_instructions(m->machine), target = m->options->max_instructions;
    enum menura_end end;

    if (instructions < target - (done < target ? done : target))
        target = done + instructions;
    if (!m->started) {
        m->started = host_now_ns();
        if (m->options->monitor_stdio && m->typing)
            atomic_store(&m->console.monitor, true);
        console_prompt(&m->console);
    }
    for (;;) {
        if (atomic_exchange(&m->stop, false))
            return MENURA_END_STOPPED;
        obey_console(m);
        if (m->script && !m->running)
            obey_script(m);
        if (atomic_load(&m->console.quit))
            return MENURA_END_QUIT;
        end = m->stepped;
        m->stepped = MENURA_END_COUNT;
        if (ends_run(m, end))
            return end;
        done = machine_instructions(m->machine);
        if (done >= target)
            return target == m->options->max_instructions ? MENURA_END_INSTRUCTIONS
                                                          : MENURA_END_COUNT;
        if (time_is_over(m))
            return MENURA_END_SECONDS;
        if (!m->running) {
            if (!m->script)
                wait_for_command(m);
            continue;
        }
        end = end_of(machine_run(m->machine, slice(m, target - done)));
        if (ends_run(m, end))
            return end;
        watch_input(m);
    }
}

/* ---- looking in ---- */

uint64_t menura_instructions(const struct menura *m)
{
    return machine_instructions(m->machine);
}

uint64_t menura_hash(struct menura *m)
{
    return machine_hash(m->machine);
}

uint32_t menura_exit_value(const struct menura *m)
{
    return machine_exit_value(m->machine);
}

bool menura_save(struct menura *m, const char *file)
{
    return machine_save(m->machine, file, &m->error);
}

bool menura_load(struct menura *m, const char *file)
{
    return load(m, file, &m->error);
}

const char *menura_error(const struct menura *m)
{
    return m->error.text;
}

int menura_exit_code(const struct menura *m, enum menura_end end)
{
    uint32_t value;

    switch (end) {
    case MENURA_END_DEBUG_EXIT:
        value = menura_exit_value(m);
        return m->options->has_exit_zero && value == m->options->exit_zero
                   ? 0
                   : (int)((value << 1 | 1) & 0xff);
    case MENURA_END_COUNT:
    case MENURA_END_STOPPED: return 0;
#define END(id, code, text) case MENURA_END_##id: return code;
#include "machine/ends.def"
#undef END
    }
    return 0;
}

const char *menura_end_text(enum menura_end end)
{
    switch (end) {
    case MENURA_END_COUNT: return "the instructions asked for were run";
    case MENURA_END_STOPPED: return "it was stopped";
    case MENURA_END_DEBUG_EXIT: return "the guest wrote to isa-debug-exit";
#define END(id, code, text) case MENURA_END_##id: return text;
#include "machine/ends.def"
#undef END
    }
    return "unknown";
}
