/* monitor.c - the table of commands, and the commands that act or show memory. */
#include "debug/monitor.h"

#include "base/byteorder.h"
#include "base/names.h"
#include "debug/disasm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

enum {
    SHOWN_MOST = 4096, /* units of one x command */
    LINE_MOST = 1024,
};

void monitor_say(struct monitor *m, const char *fmt, ...)
{
    char text[LINE_MOST], *at = text, *end;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (; (end = strchr(at, '\n')); at = end + 1) { /* an error's way out */
        *end = 0;
        m->line(m->to, at);
    }
    m->line(m->to, at);
}

/* ---- numbers ---- */

/* One term: 0x hexadecimal, decimal, or $register. */
static bool term(struct monitor *m, const char **at, uint64_t *v)
{
    size_t n = 1;
    char *end;

    if (**at == '$') {
        while (((*at)[n] >= 'a' && (*at)[n] <= 'z') ||
               ((*at)[n] >= '0' && (*at)[n] <= '9'))
            n++;
        if (!monitor_register(m->cpu(m->owner, m->current), *at + 1, n - 1, v))
            return false;
        *at += n;
        return true;
    }
    if (**at < '0' || **at > '9')
        return false;
    *v = strtoull(*at, &end, (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x' ? 16 : 10);
    *at = end;
    return true;
}

bool monitor_number(struct monitor *m, const char *text, uint64_t *v)
{
    uint64_t next;

    if (!term(m, &text, v))
        return false;
    while (*text == '+' || *text == '-') {
        char sign = *text++;
        if (!term(m, &text, &next))
            return false;
        *v = sign == '+' ? *v + next : *v - next;
    }
    return !*text;
}

/* ---- memory ---- */

struct format {
    unsigned count, size;
    char letter; /* x d u o c i */
};

/* "/4xw": count, letter and size in any order behind the count. */
static bool parse_format(const char *text, struct format *f)
{
    *f = (struct format){1, 4, 'x'};
    if (!*text)
        return true;
    if (*text >= '0' && *text <= '9') {
        f->count = 0;
        for (; *text >= '0' && *text <= '9'; text++)
            if (f->count <= SHOWN_MOST)
                f->count = f->count * 10 + (unsigned)(*text - '0');
    }
    for (; *text; text++)
        switch (*text) {
        case 'b': f->size = 1; break;
        case 'h': f->size = 2; break;
        case 'w': f->size = 4; break;
        case 'g': f->size = 8; break;
        case 'c':
            f->size = 1;
            f->letter = 'c';
            break;
        case 'x':
        case 'd':
        case 'u':
        case 'o':
        case 'i': f->letter = *text; break;
        default: return false;
        }
    return f->count > 0;
}

/* n bytes at a linear or physical address; false where there is no memory. */
static bool look(struct monitor *m, bool linear, uint64_t at, uint8_t *to, unsigned n)
{
    struct cpu *c = m->cpu(m->owner, m->current);

    for (unsigned k = 0; k < n; k++) {
        uint64_t la = cpu_long_mode(c) ? at + k : (uint32_t)(at + k);
        paddr where = pa(at + k);
        if ((linear && !mmu_debug_translate(&c->mmu, la, &where)) ||
            !phys_read(m->phys, where, to + k, 1))
            return false;
    }
    return true;
}

static void show_unit(char *to, size_t room, const struct format *f,
                      const uint8_t *bytes)
{
    uint64_t v = f->size == 1   ? bytes[0]
                 : f->size == 2 ? load16(bytes)
                 : f->size == 4 ? load32(bytes)
                                : load64(bytes);
    int64_t sign = (int64_t)1 << (8 * f->size - 1 < 62 ? 8 * f->size - 1 : 62);

    switch (f->letter) {
    case 'd':
        if (f->size < 8 && v & (uint64_t)sign)
            snprintf(to, room, " -%llu", (ull)((1ull << 8 * f->size) - v));
        else if (f->size == 8 && v >> 63)
            snprintf(to, room, " -%llu", (ull)(0 - v));
        else
            snprintf(to, room, " %llu", (ull)v);
        break;
    case 'u': snprintf(to, room, " %llu", (ull)v); break;
    case 'o': snprintf(to, room, " 0%llo", (ull)v); break;
    case 'c': snprintf(to, room, " %c", v >= 32 && v < 127 ? (int)v : '.'); break;
    default: snprintf(to, room, " 0x%0*llx", (int)(2 * f->size), (ull)v);
    }
}

static void show_code(struct monitor *m, bool linear, uint64_t at, unsigned count)
{
    struct cpu *c = m->cpu(m->owner, m->current);

    while (count--) {
        uint8_t bytes[15];
        char text[128];
        unsigned n = 0;
        while (n < sizeof bytes && look(m, linear, at + n, bytes + n, 1))
            n++;
        if (!n) {
            monitor_say(m, "%016llx: no memory here", (ull)at);
            return;
        }
        n = disassemble(c->mode, bytes, n, at, text, sizeof text);
        monitor_say(m, "%016llx: %s", (ull)at, text);
        at += n;
    }
}

static void show_memory(struct monitor *m, bool linear, uint64_t at,
                        const struct format *f)
{
    unsigned row = f->letter == 'c' ? 32 : f->size == 8 ? 2 : f->size == 1 ? 8 : 4;
    uint8_t bytes[8];

    for (unsigned done = 0; done < f->count;) {
        char text[LINE_MOST];
        size_t used = (size_t)snprintf(text, sizeof text, "%016llx:", (ull)at);
        for (unsigned k = 0; k < row && done < f->count; k++, done++, at += f->size) {
            if (!look(m, linear, at, bytes, f->size)) {
                monitor_say(m, "%s no memory at %llx", text, (ull)at);
                return;
            }
            show_unit(text + used, sizeof text - used, f, bytes);
            used += strlen(text + used);
        }
        monitor_say(m, "%s", text);
    }
}

static void examine(struct monitor *m, bool linear, char *argument)
{
    struct format f;
    uint64_t at;
    char *address = argument;

    if (*argument == '/') {
        address = argument + strcspn(argument, " ");
        if (*address)
            *address++ = 0;
        address += strspn(address, " ");
        if (!parse_format(argument + 1, &f)) {
            monitor_say(m,
                        "'%s' is no format: /COUNT, one of x d u o c i, one of b h w g",
                        argument);
            return;
        }
    } else {
        parse_format("", &f);
    }
    if (f.count > SHOWN_MOST) {
        monitor_say(m, "at most %d at a time", SHOWN_MOST);
        return;
    }
    if (!monitor_number(m, address, &at)) {
        monitor_say(m, "'%s' is no address: 0x7c00, $rip, $rsp+8", address);
        return;
    }
    if (f.letter == 'i')
        show_code(m, linear, at, f.count);
    else
        show_memory(m, linear, at, &f);
}

/* ---- the commands ---- */

static void do_x(struct monitor *m, char *argument)
{
    examine(m, true, argument);
}

static void do_xp(struct monitor *m, char *argument)
{
    examine(m, false, argument);
}

static void do_info(struct monitor *m, char *argument)
{
    char *rest = argument + strcspn(argument, " ");

    if (*rest)
        *rest++ = 0;
    rest += strspn(rest, " ");
    for (const struct monitor_topic *t = monitor_topics; t->name; t++)
        if (!strcmp(t->name, argument)) {
            t->tell(m, rest);
            return;
        }
    if (*argument)
        monitor_say(m, "info knows no '%s'; it knows:", argument);
    for (const struct monitor_topic *t = monitor_topics; t->name; t++)
        monitor_say(m, "  info %-10s %-8s %s", t->name, t->argument, t->help);
}

static void do_cpu(struct monitor *m, char *argument)
{
    uint64_t n;

    if (!monitor_number(m, argument, &n) || n >= m->cpus)
        monitor_say(m, "there are CPUs 0 to %u", m->cpus - 1);
    else
        m->current = (unsigned)n;
}

static void do_stop(struct monitor *m, char *argument)
{
    (void)argument;
    m->stop(m->owner);
}

static void do_cont(struct monitor *m, char *argument)
{
    (void)argument;
    m->go_on(m->owner);
}

static void do_step(struct monitor *m, char *argument)
{
    struct cpu *c = m->cpu(m->owner, m->current);
    uint64_t n = 1;

    /* Half of all numbers are meant as negative ones. */
    if (*argument && (!monitor_number(m, argument, &n) || n == 0 || n > INT64_MAX)) {
        monitor_say(m, "step N: N is a number of ticks (instructions, or idle ones)");
        return;
    }
    m->step(m->owner, n);
    show_code(m, true, c->seg[CS].base + c->rip, 1);
}

static void do_file(struct monitor *m, const char *argument, const char *what,
                    bool (*act)(void *owner, const char *file, struct error *e))
{
    struct error e;

    if (!*argument)
        monitor_say(m, "%s FILE: the file's name is missing", what);
    else if (!act(m->owner, argument, &e))
        monitor_say(m, "%s", e.text);
    else
        monitor_say(m, "%s: done", what);
}

static void do_save(struct monitor *m, char *argument)
{
    do_file(m, argument, "save", m->save);
}

static void do_load(struct monitor *m, char *argument)
{
    do_file(m, argument, "load", m->load);
}

static void do_reset(struct monitor *m, char *argument)
{
    (void)argument;
    m->reset(m->owner);
}

static void do_quit(struct monitor *m, char *argument)
{
    (void)argument;
    m->quit(m->owner);
}

static void do_hash(struct monitor *m, char *argument)
{
    (void)argument;
    monitor_say(m, "%016llx", (ull)m->hash(m->owner));
}

static void do_log(struct monitor *m, char *argument)
{
    struct error e;

    if (!*argument)
        monitor_say(m, "log ITEM,...: info, debug or none");
    else if (!m->log(m->owner, argument, &e))
        monitor_say(m, "%s", e.text);
}

static void do_help(struct monitor *m, char *argument);

static const struct command {
    const char *names, *argument, *help;
    void (*act)(struct monitor *m, char *argument);
} commands[] = {
    {"help|?", "", "this list", do_help},
    {"info", "TOPIC", "show something; alone: the topics", do_info},
    {"x", "/FMT ADDR", "memory at a linear address: x/8xw 0x7c00, x/5i $rip", do_x},
    {"xp", "/FMT ADDR", "memory at a physical address", do_xp},
    {"cpu", "N", "the CPU that the others mean", do_cpu},
    {"stop|s", "", "stop the machine", do_stop},
    {"cont|c", "", "let it go on", do_cont},
    {"step", "[N]", "run N ticks, then be stopped", do_step},
    {"save|savevm", "FILE", "save a snapshot", do_save},
    {"load|loadvm", "FILE", "go on from a snapshot", do_load},
    {"screen", "", "what the screen shows, as text", monitor_screen},
    {"screendump", "FILE", "the screen's picture, as PNG", monitor_screendump},
    {"sendkey", "KEYS", "press keys together: sendkey ctrl-alt-delete", monitor_sendkey},
    {"type", "TEXT", "type it on a US keyboard; \\n is Return, \\t Tab", monitor_type},
    {"mouse_move", "DX DY [W]", "move the mouse right, down; turn its wheel",
     monitor_mouse_move},
    {"mouse_button", "N", "buttons down: 1 left, 2 right, 4 middle, or a sum",
     monitor_mouse_button},
    {"eject", "[-f] DRIVE", "take the medium out of a drive; -f: though it is locked",
     monitor_eject},
    {"change", "[-f] DRIVE FILE [FORMAT [read-only|read-write]]",
     "put another medium into a drive", monitor_change},
    {"system_reset", "", "reset the machine", do_reset},
    {"hash", "", "hash of RAM, registers and devices", do_hash},
    {"log", "ITEM", "how much is logged: none, info or debug", do_log},
    {"quit|q", "", "end the machine and Menura", do_quit},
};

static void do_help(struct monitor *m, char *argument)
{
    (void)argument;
    for (unsigned n = 0; n < ARRAY_SIZE(commands); n++)
        monitor_say(m, "%-14s %-10s %s", commands[n].names, commands[n].argument,
                    commands[n].help);
}

bool monitor_command(struct monitor *m, const char *line)
{
    char text[LINE_MOST];
    size_t n = strlen(line);

    while (n && (line[n - 1] == ' ' || line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    for (; n && *line == ' '; line++)
        n--;
    if (!n)
        return true;
    if (n >= sizeof text) {
        monitor_say(m, "a command has at most %d characters", LINE_MOST - 1);
        return false;
    }
    memcpy(text, line, n);
    text[n] = 0;
    n = strcspn(text, " /");
    for (unsigned k = 0; k < ARRAY_SIZE(commands); k++)
        if (name_is_one_of(commands[k].names, text, n)) {
            commands[k].act(m, text + n + strspn(text + n, " "));
            return true;
        }
    monitor_say(m, "there is no command '%.*s'; 'help' lists them", (int)n, text);
    return false;
}
