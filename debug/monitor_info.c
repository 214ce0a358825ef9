/* monitor_info.c - the topics of "info": registers, devices, timers, maps of I/O. */
#include "debug/monitor.h"

#include "cpu/model.h"
#include "debug/postmortem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

/* ---- registers ---- */

static const char gpr_names[16][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                      "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                      "r12", "r13", "r14", "r15"};
static const char sreg_names[SREGS][3] = {"es", "cs", "ss", "ds", "fs", "gs"};

static bool is(const char *name, size_t n, const char *what)
{
    return strlen(what) == n && !memcmp(name, what, n);
}

bool monitor_register(const struct cpu *c, const char *name, size_t n, uint64_t *value)
{
    for (unsigned k = 0; k < 16; k++) {
        if (is(name, n, gpr_names[k])) {
            *value = c->gpr[k];
            return true;
        }
        if (k < 8 && n == 3 && name[0] == 'e' &&
            !memcmp(name + 1, gpr_names[k] + 1, 2)) {
            *value = (uint32_t)c->gpr[k];
            return true;
        }
        if (k < 8 && is(name, n, gpr_names[k] + 1)) {
            *value = (uint16_t)c->gpr[k];
            return true;
        }
    }
    for (unsigned k = 0; k < SREGS; k++)
        if (is(name, n, sreg_names[k])) {
            *value = c->seg[k].selector;
            return true;
        }
    if (is(name, n, "rip") || is(name, n, "eip") || is(name, n, "ip"))
        *value = c->rip;
    else if (is(name, n, "pc")) /* the linear address of the next instruction */
        *value = c->seg[CS].base + c->rip;
    else if (is(name, n, "rflags") || is(name, n, "eflags") || is(name, n, "flags"))
        *value = cpu_flags(c);
    else if (is(name, n, "cr0"))
        *value = c->cr0;
    else if (is(name, n, "cr2"))
        *value = c->cr2;
    else if (is(name, n, "cr3"))
        *value = c->cr3;
    else if (is(name, n, "cr4"))
        *value = c->cr4;
    else if (is(name, n, "efer"))
        *value = c->efer;
    else
        return false;
    return true;
}

static const char *activity(const struct cpu *c)
{
    switch (c->activity) {
    case ACTIVITY_HALT: return "halted";
    case ACTIVITY_MWAIT: return "in MWAIT";
    case ACTIVITY_SHUTDOWN: return "shut down";
    case ACTIVITY_WAIT_SIPI: return "waiting for a start-up IPI";
    default: return "running";
    }
}

static const char *mode_name(const struct cpu *c)
{
    return cpu_code64(c)           ? "64-bit mode"
           : cpu_long_mode(c)      ? "compatibility mode"
           : cpu_vm86(c)           ? "virtual-8086 mode"
           : !cpu_protected(c)     ? "real mode"
           : c->mode & MODE_CODE32 ? "32-bit protected mode"
                                   : "16-bit protected mode";
}

static void show_flags(struct monitor *m, uint64_t flags)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } names[] = {{0, "CF"},  {2, "PF"},   {4, "AF"},   {6, "ZF"},
                 {7, "SF"},  {8, "TF"},   {9, "IF"},   {10, "DF"},
                 {11, "OF"}, {14, "NT"},  {16, "RF"},  {17, "VM"},
                 {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}};
    char text[128];
    size_t used = 0;

    text[0] = 0;
    for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
        if (flags >> names[n].bit & 1)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, " %s", names[n].name);
    monitor_say(m, "rflags %08llx IOPL=%u%s", (ull)flags, (unsigned)(flags >> 12 & 3),
                text);
}

static void show_segment(struct monitor *m, const char *name, const struct segment *s)
{
    monitor_say(m, "%-4s %04x base %016llx limit %08x attr %04x DPL %u%s%s%s", name,
                s->selector, (ull)s->base, s->limit, s->attr, s->attr >> 5 & 3,
                s->attr & SEG_L ? " L" : "", s->attr & SEG_DB ? " D/B" : "",
                s->usable ? "" : " null");
}

static void show_registers(struct monitor *m, const struct cpu *c)
{
    monitor_say(m, "CPU %u: %s, CPL %u, %s, %llu instructions", c->number, mode_name(c),
                (unsigned)c->cpl, activity(c), (ull)c->retired);
    for (unsigned n = 0; n < 16; n += 4)
        monitor_say(m, "%-3s %016llx  %-3s %016llx  %-3s %016llx  %-3s %016llx",
                    gpr_names[n], (ull)c->gpr[n], gpr_names[n + 1], (ull)c->gpr[n + 1],
                    gpr_names[n + 2], (ull)c->gpr[n + 2], gpr_names[n + 3],
                    (ull)c->gpr[n + 3]);
    monitor_say(m, "rip %016llx", (ull)c->rip);
    show_flags(m, cpu_flags(c));
    for (unsigned n = 0; n < SREGS; n++)
        show_segment(m, sreg_names[n], &c->seg[n]);
    show_segment(m, "ldtr", &c->ldtr);
    show_segment(m, "tr", &c->tr);
    monitor_say(m, "gdtr base %016llx limit %04x", (ull)c->gdtr_base, c->gdtr_limit);
    monitor_say(m, "idtr base %016llx limit %04x", (ull)c->idtr_base, c->idtr_limit);
    monitor_say(m, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %04llx",
                (ull)c->cr0, (ull)c->cr2, (ull)c->cr3, (ull)c->cr4, (ull)c->efer);
    monitor_say(m, "dr0 %016llx  dr1 %016llx  dr2 %016llx  dr3 %016llx", (ull)c->dr[0],
                (ull)c->dr[1], (ull)c->dr[2], (ull)c->dr[3]);
    monitor_say(m, "dr6 %016llx  dr7 %016llx  xcr0 %04llx  mxcsr %04x", (ull)c->dr[6],
                (ull)c->dr[7], (ull)c->xcr0, c->mxcsr);
    monitor_say(m, "fcw %04x  fsw %04x  empty %02x", c->fcw, c->fsw, c->ftw);
}

/* Rows of a field table, in the order of the table. Arrays of more than 64 are cut. */
static void show_fields(struct monitor *m, const struct field *fields,
                        const void *object, const char *prefix)
{
    enum { MOST = 64 };

    for (const struct field *f = fields; f->name; f++) {
        unsigned count = f->count < MOST ? f->count : MOST;
        char text[900];
        size_t used = 0;
        if (f->kind == FIELD_SUB) {
            for (unsigned n = 0; n < count; n++) {
                char name[96];
                snprintf(name, sizeof name, "%.60s%.24s[%u].", prefix, f->name, n);
                show_fields(m, f->sub, (const char *)object + f->offset + n * f->size,
                            name);
            }
            continue;
        }
        if (f->kind == FIELD_TIMER) {
            struct timer t;
            memcpy(&t, (const char *)object + f->offset, sizeof t);
            if (t.armed)
                monitor_say(m, "  %s%-20s due at tick %llu", prefix, f->name,
                            (ull)t.when);
            else
                monitor_say(m, "  %s%-20s not armed", prefix, f->name);
            continue;
        }
        if (f->kind == FIELD_BULK)
            continue;
        text[0] = 0;
        for (unsigned n = 0; n < count && used + 20 < sizeof text; n++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%0*llx",
                                     n ? " " : "", (int)(2 * f->size),
                                     (ull)field_get(f, object, n));
        monitor_say(m, "  %s%-20s %s%s  %s", prefix, f->name, text,
                    count < f->count ? " ..." : "", f->meaning);
    }
}

static void tell_registers(struct monitor *m, const char *argument)
{
    bool all = !strcmp(argument, "all");
    unsigned first = m->current, last = m->current;

    if (all) {
        show_fields(m, cpu_fields, m->cpu(m->owner, m->current), "");
        return;
    }
    if (!strcmp(argument, "-a")) {
        first = 0;
        last = m->cpus - 1;
    } else if (*argument) {
        uint64_t n;
        if (!monitor_number(m, argument, &n) || n >= m->cpus) {
            monitor_say(m,
                        "there are CPUs 0 to %u; -a shows all, 'all' every row of one",
                        m->cpus - 1);
            return;
        }
        first = last = (unsigned)n;
    }
    for (unsigned n = first; n <= last; n++)
        show_registers(m, m->cpu(m->owner, n));
}

/* ---- devices ---- */

static void tell_devices(struct monitor *m, const char *argument)
{
    struct device *d;
    bool found = false;

    for (unsigned n = 0; (d = m->device(m->owner, n)); n++) {
        if (*argument && strcmp(argument, d->name))
            continue;
        found = true;
        monitor_say(m, "%-16s %s", d->name, d->class->title);
        if (!*argument)
            continue;
        if (d->class->info) {
            char text[4096] = "";
            d->class->info(d->state, text, sizeof text);
            for (char *at = text, *end; *at; at = end) {
                end = at + strcspn(at, "\n");
                monitor_say(m, "  %.*s", (int)(end - at), at);
                end += *end == '\n';
            }
        }
        if (d->class->fields)
            show_fields(m, d->class->fields, d->state, "");
    }
    if (!found)
        monitor_say(m, "there is no device '%s'; 'info devices' lists them", argument);
}

/* ---- timers ---- */

/* The device and row that a timer is, by where it lies. */
static bool name_in(const struct field *fields, const char *object,
                    const struct timer *t, char *name, size_t room)
{
    for (const struct field *f = fields; f && f->name; f++) {
        if (f->kind == FIELD_TIMER && object + f->offset == (const char *)t) {
            snprintf(name, room, "%s", f->name);
            return true;
        }
        if (f->kind == FIELD_SUB)
            for (unsigned n = 0; n < f->count; n++) {
                char inner[64];
                if (name_in(f->sub, object + f->offset + n * f->size, t, inner,
                            sizeof inner)) {
                    snprintf(name, room, "%s[%u].%s", f->name, n, inner);
                    return true;
                }
            }
    }
    return false;
}

static int by_deadline(const void *a, const void *b)
{
    const struct timer *const *x = a, *const *y = b;

    return (*x)->when < (*y)->when     ? -1
           : (*x)->when > (*y)->when   ? 1
           : (*x)->order < (*y)->order ? -1
                                       : 1;
}

static void tell_timers(struct monitor *m, const char *argument)
{
    struct clock *c = m->clock;
    struct timer **sorted = malloc((c->count + 1) * sizeof *sorted);

    (void)argument;
    monitor_say(m, "tick %llu, %llu ns since power-on, %u ticks a second", (ull)c->now,
                (ull)clock_now_ns(c), c->ips);
    if (!sorted) {
        monitor_say(m, "the host has no memory");
        return;
    }
    if (c->count)
        memcpy(sorted, c->heap, c->count * sizeof *sorted);
    qsort(sorted, c->count, sizeof *sorted, by_deadline);
    for (unsigned n = 0; n < c->count; n++) {
        const struct timer *t = sorted[n];
        uint64_t left = t->when > c->now ? t->when - c->now : 0;
        struct device *d;
        char name[128] = "?";
        const char *owner = "";
        for (unsigned k = 0; (d = m->device(m->owner, k)); k++)
            if (name_in(d->class->fields, d->state, t, name, sizeof name)) {
                owner = d->name;
                break;
            }
        monitor_say(m, "%-16s %-24s due in %llu ticks, %llu us", owner, name, (ull)left,
                    (ull)clock_to_hz(c, left, 1000000));
    }
    free(sorted);
}

/* ---- I/O ---- */

static void tell_space(struct monitor *m, const char *what, struct space *s)
{
    monitor_say(m, "%s (answered in place, by the device; unclaimed: %llu)", what,
                (ull)s->unclaimed);
    for (unsigned n = 0; n < SPACE_MAPPINGS; n++) {
        const struct mapping *p = &s->maps[n];
        if (p->used)
            monitor_say(m, "  %0*llx-%0*llx %-20s %llu %llu", s->mmio ? 10 : 4,
                        (ull)p->base, s->mmio ? 10 : 4, (ull)(p->base + p->length - 1),
                        p->region->name, (ull)p->peeked, (ull)p->accessed);
    }
}

static void tell_io(struct monitor *m, const char *argument)
{
    (void)argument;
    tell_space(m, "ports", m->ports);
    tell_space(m, "memory-mapped", m->mmio);
}

/* ---- the rest ---- */

static void tell_status(struct monitor *m, const char *argument)
{
    (void)argument;
    monitor_say(m, "%s, tick %llu", m->running(m->owner) ? "running" : "stopped",
                (ull)m->clock->now);
    for (unsigned n = 0; n < m->cpus; n++) {
        const struct cpu *c = m->cpu(m->owner, n);
        monitor_say(m, "CPU %u%s: %s at %04x:%llx, %s", n, n == m->current ? "*" : "",
                    activity(c), c->seg[CS].selector, (ull)c->rip, mode_name(c));
    }
}

static void tell_version(struct monitor *m, const char *argument)
{
    (void)argument;
    monitor_say(m, "%s", m->version);
    monitor_say(m, "%s", m->features);
}

static void say_line(void *to, const char *line)
{
    monitor_say(to, "%s", line);
}

/* The last faults that came in a row, explained. */
static void tell_faults(struct monitor *m, const char *argument)
{
    const struct cpu *c = m->cpu(m->owner, m->current);

    (void)argument;
    if (!c->fault_count)
        monitor_say(m, "CPU %u has had no fault", c->number);
    postmortem_chain(c, say_line, m);
}

const struct monitor_topic monitor_topics[] = {
    {"registers", "[N|-a|all]", "registers of a CPU, of all, or every row of one",
     tell_registers},
    {"devices", "[NAME]", "the devices, or one's state", tell_devices},
    {"timers", "", "what happens when", tell_timers},
    {"block", "", "the drives, and the media in them", monitor_drives},
    {"io", "", "who answers at ports and memory-mapped addresses, and how often",
     tell_io},
    {"mem", "", "linear addresses that the page tables map", monitor_linear_map},
    {"memory", "", "physical addresses that memory stands behind",
     monitor_physical_map},
    {"faults", "", "the CPU's last faults, explained", tell_faults},
    {"status", "", "running or stopped, and where the CPUs are", tell_status},
    {"version", "", "version and features", tell_version},
    {0},
};
