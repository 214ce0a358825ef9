/* library.c - include/menura.h: configurations, and the life of a machine. */
#include "machine/library.h"

#include "host/chars.h"
#include "machine/script_run.h"

#include <stdlib.h>
#include <string.h>

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

static void config_sink(void *to, const char *part, enum log_level level,
                        const char *line)
{
    struct menura_config *c = to;
    c->say(c->say_to, library_level(level), part, line);
}

void menura_config_log(struct menura_config *c,
                       void (*say)(void *to, enum menura_level level, const char *part,
                                   const char *line),
                       void *to)
{
    c->say = say;
    c->say_to = to;
    c->options->log = (struct log){.sink = say ? config_sink : NULL,
                                   .to = c,
                                   .level = LOG_INFO,
                                   .lines_left = LOG_LINES};
}

void menura_config_frame(struct menura_config *c, unsigned hz,
                         void (*frame)(void *to, struct menura *m), void *to)
{
    c->frame = frame;
    c->frame_to = to;
    c->frame_hz = hz < 1 ? 1 : hz > 1000 ? 1000 : hz;
}

void menura_config_script(struct menura_config *c,
                          void (*print)(void *to, const char *line), void *to)
{
    c->print = print;
    c->print_to = to;
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

bool menura_config_runs(const struct menura_config *c)
{
    const struct options *o = c->options;

    return o->machine.kernel || o->machine.bios || o->machine.drives ||
           o->text[OPTION_load];
}

const char *menura_config_answer(const struct menura_config *c)
{
    return c->options->answer;
}

bool menura_config_serial(struct menura_config *c, unsigned port,
                          void (*put)(void *to, const uint8_t *bytes, size_t n),
                          void *to)
{
    if (port >= MACHINE_SERIALS)
        return error_set(&c->error, "there is no serial port %u", port);
    c->put[port] = put;
    c->put_to[port] = to;
    return true;
}

/* ---- machines ---- */

static void kick(void *machine)
{
    machine_kick(machine);
}

/* A PC has firmware and a graphics card. A kernel that is given starts without, and sooner,
 * unless one of the two is asked for. */
static void complete(const struct options *o, struct machine_config *config)
{
    bool asked = config->vga || config->bios;

    for (unsigned n = 0; n < config->drives; n++)
        asked |= config->drive[n].interface == DRIVE_PFLASH;
    if (config->kernel && !asked)
        return;
    config->firmware = true;
    if (!o->text[OPTION_vga])
        config->vga = true;
}

/* Before the machine is made. */
static bool prepare_script(struct menura *m, const struct menura_config *c,
                           struct machine_config *config, struct error *e)
{
    const struct script *s = m->options->script;
    const char *where = m->options->serial[0];

    if (!s)
        return true;
    if (!config->serial[0] && script_uses_serial(s)) {
        error_set(e, "script '%.300s' uses COM1, and nothing is plugged in there",
                  s->name);
        return error_hint(e, "give -serial null, stdio or file:PATH");
    }
    m->play = script_run_new(m, s, c->print, c->print_to);
    if (!m->play)
        return error_set(e, "cannot run a script: the host has no memory");
    if (config->serial[0])
        config->serial[0] =
            script_run_port(m->play, config->serial[0], where && !strcmp(where, "stdio"));
    return true;
}

static bool build(struct menura *m, struct menura_config *c)
{
    struct machine_config config = m->options->machine;
    const char *snapshot = m->options->text[OPTION_load];
    bool watched;

    complete(m->options, &config);
    library_listen(m, &config);
    if (!library_open_ends(m, c, &config, &c->error) ||
        !library_open_trace(m, &config, &c->error) ||
        !prepare_script(m, c, &config, &c->error))
        return false;
    /* Under a script the guest has no other user. */
    watched = (m->typing || m->frame) && !m->play;
    config.paced = m->options->time == TIME_REAL ||
                   (m->options->time == TIME_AUTO && watched);
    config.wait_for_ever = watched;
    m->machine = machine_new(&config, &c->error);
    if (!m->machine)
        return false;
    if (m->play)
        script_run_start(m->play);
    library_make_monitor(m);
    if (m->options->gdb && !library_listen_gdb(m, &c->error))
        return false;
    m->running = !m->script && !m->options->text[OPTION_stopped];
    if (snapshot && !library_load(m, snapshot, &c->error))
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
    m->frame = c->frame;
    m->frame_to = c->frame_to;
    m->frame_ns = c->frame ? 1000000000u / c->frame_hz : 0;
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
    library_free_gdb(m);
    script_run_free(m->play);
    machine_free(m->machine);
    for (unsigned n = 0; n < m->chars_count; n++)
        chars_free(m->chars[n]);
    for (unsigned n = 0; n < MACHINE_SERIALS; n++)
        free(m->port[n]);
    library_close_trace(m);
    library_free_view(m);
    options_drop(m->options);
    free(m);
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
    return library_load(m, file, &m->error);
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
    case MENURA_END_SCRIPT: return script_run_code(m->play);
    case MENURA_END_COUNT:
    case MENURA_END_STOPPED: return 0;
#define END(id, code, text)                                                            \
    case MENURA_END_##id:                                                              \
        return code;
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
    case MENURA_END_SCRIPT: return "the script came to its end";
    case MENURA_END_DEBUG_EXIT: return "the guest wrote to isa-debug-exit";
#define END(id, code, text)                                                            \
    case MENURA_END_##id:                                                              \
        return text;
#include "machine/ends.def"
#undef END
    }
    return "unknown";
}
