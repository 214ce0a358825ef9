/* run.c - runs one guest kernel in many ways, and requires the same end from all.
 *
 *   run [-smp N] [-cpu MODEL] [-end triple] [-once] [-events] [-keep] [-rows FILE] IMAGE
 *
 * A kernel ends by writing to isa-debug-exit: 0 passes, anything else is the line of
 * its source that found something wrong. Nothing a guest sees may depend on how the
 * emulator groups, caches or traces instructions, so each variant must retire as many
 * instructions and leave the machine in the same state, bit for bit. So must a machine
 * saved at any tick and restored into a new one, and one that a debugger stops at
 * breakpoints, watchpoints and single steps. -once tries the first way alone.
 * -rows runs it once too, and adds to FILE how often each row of isa.def was executed.
 * -events tells each event, -keep leaves the last state of each way as a snapshot: to
 * find where two ways part.
 */
#include "cpu/points.h"
#include "machine/machine.h"
#include "tests/isa/row_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM = 32 << 20, TICKS = 50 * 1000 * 1000, SAVES = 4 };

/* Text costs far more than the instruction it tells of: where the host itself is emulated,
 * longer kernels are traced without. */
#ifdef MENURA_EMULATED_HOST
static const uint64_t longest_text = 100 * 1000;
#else
static const uint64_t longest_text = UINT64_MAX;
#endif

struct way {
    const char *name;
    unsigned small_tlb;
    bool single, trace, text, points, rows;
    uint64_t drop;
    uint64_t save; /* at this tick; 0 never */
};

struct outcome {
    enum machine_end end;
    uint32_t value;
    uint64_t instructions, ticks, hash;
};

struct test {
    const char *image, *cpu;
    unsigned cpus;
    enum machine_end end;
    bool once, events, keep, verbose;
    const char *rows;
    uint64_t *executions; /* by row, with rows */
    uint64_t ticks; /* of the first way: where debugging stops it */
    char snapshot[512];
};

static const struct way ways[] = {
    {.name = "normal"},
    {.name = "again"},
    {.name = "one-instruction blocks", .single = true},
    {.name = "16-entry TLB", .small_tlb = 16},
    {.name = "caches dropped, seed 1", .drop = 1},
    {.name = "caches dropped, seed 2", .drop = 0x123456789abcdef},
    {.name = "caches dropped, one instruction", .drop = 77, .single = true},
    {.name = "traced", .trace = true, .text = true},
    {.name = "debugged", .points = true},
    {.name = "debugged, caches dropped", .points = true, .drop = 5},
    {.name = "debugged, one instruction", .points = true, .single = true},
};

static void put(void *owner, const uint8_t *bytes, size_t n)
{
    if (*(bool *)owner)
        fwrite(bytes, 1, n, stdout);
}

static int get(void *owner)
{
    (void)owner;
    return -1;
}

static void drop_line(void *to, const char *line)
{
    (void)to;
    (void)line;
}

static void drop_insn(struct cpu *c, const struct insn *i)
{
    (void)c;
    (void)i;
}

static void count_row(struct cpu *c, const struct insn *i)
{
    uint64_t *executions = c->tracer;
    executions[i->row]++;
}

static void tell(struct cpu *c, const struct cpu_event *e)
{
    fprintf(stderr, "cpu %u, %" PRIu64 ": vector %02x error %x at %04x:%" PRIx64 "\n",
            c->number, cpu_retired(c), e->vector, e->has_error ? e->error : 0, e->cs,
            e->rip);
}

static void tell_triple(void *to, struct cpu *c)
{
    (void)to;
    for (unsigned n = 0; n < c->fault_count && n < ARRAY_SIZE(c->faults); n++)
        tell(c, &c->faults[n]);
}

static struct machine *make(const struct test *t, const struct way *w,
                            struct chardev *console)
{
    struct error e = {""};
    struct machine_config config = {
        .ram = RAM,
        .cpus = t->cpus,
        .cpu = t->cpu,
        .kernel = t->image,
        .ips = 100000000,
        .tsc_hz = 1000000000,
        .seed = 1,
        .rtc_base = 1000000000,
        .debugcon = console,
        .debug_exit = true,
        .debug_exit_port = 0xf4,
        .debug_exit_size = 4,
        .no_reboot = true,
        .no_shutdown = false,
        .small_tlb = w->small_tlb,
        .one_instruction_blocks = w->single,
        .drop_caches = w->drop,
        .trace_exec = w->text,
        .trace_in_asm = w->text,
        .trace_cpu = w->text,
        .trace_int = w->text,
        .trace_line = drop_line,
        .told_triple_fault = t->events ? tell_triple : NULL,
    };
    struct machine *m = machine_new(&config, &e);

    if (!m) {
        fprintf(stderr, "%s\n", e.text);
        return NULL;
    }
    for (unsigned n = 0; n < t->cpus; n++) {
        struct cpu *c = machine_cpu(m, n);
        if (w->trace && !c->trace)
            c->trace = drop_insn;
        if (w->rows) {
            c->trace = count_row;
            c->tracer = t->executions;
        }
        if (t->events)
            c->told = tell;
        cpu_derive(c);
    }
    return m;
}

/* Continues in a new machine, from a file. */
static struct machine *move(const struct test *t, const struct way *w,
                            struct chardev *console, struct machine *from)
{
    struct error e = {""};
    struct machine *to = NULL;

    if (machine_save(from, t->snapshot, &e)) {
        to = make(t, w, console);
        if (to && !machine_load(to, t->snapshot, &e)) {
            machine_free(to);
            to = NULL;
        }
    }
    if (!to)
        fprintf(stderr, "%s\n", e.text);
    remove(t->snapshot);
    machine_free(from);
    return to;
}

/* Goes from stop to stop as a person with a debugger might. In each round some steps, a
 * breakpoint after each third, watchpoints on the stack, then from stop to stop, now and
 * then for a moment without points; and on without any to the next round, so that the
 * rounds reach over the whole run. */
static enum machine_end debug(const struct test *t, struct machine *m)
{
    enum { ROUNDS = 40, STEPS = 30, STOPS = 60 };
    static struct points points, none;
    struct cpu *cpus[MACHINE_CPUS], *c = machine_cpu(m, 0);
    enum machine_end end = END_POINT;
    uint64_t random = 1;

    for (unsigned n = 0; n < t->cpus; n++)
        cpus[n] = machine_cpu(m, n);
    for (unsigned round = 0; round < ROUNDS; round++) {
        points_clear(&points);
        for (unsigned stop = 0; stop < STEPS + STOPS && end == END_POINT; stop++) {
            bool step = stop < STEPS || stop % 7 == 0;
            if (stop < STEPS && stop % 3 == 0)
                points_add(&points, POINT_SOFT, points_pc(c), 1);
            if (stop < STEPS && stop % 10 == 9)
                points_add(&points, (enum point_kind)(POINT_WRITE + stop / 10),
                           c->gpr[RSP] - 8, 1 + stop);
            for (unsigned n = 0; n < t->cpus; n++)
                cpus[n]->step_wanted = step && cpus[n] == c;
            if (stop % 11 == 10) {
                points_apply(&none, cpus, t->cpus);
                end = machine_run(m, 3);
                if (end != END_TICKS && end != END_POINT)
                    return end;
            }
            points_apply(&points, cpus, t->cpus);
            end = machine_run(m, t->ticks / 10);
            c = machine_stopped_cpu(m);
        }
        if (end != END_TICKS && end != END_POINT)
            return end;
        for (unsigned n = 0; n < t->cpus; n++)
            cpus[n]->step_wanted = false;
        points_apply(&none, cpus, t->cpus);
        random = random * 6364136223846793005u + 1442695040888963407u;
        end = machine_run(m, 1 + (random >> 33) % (t->ticks / ROUNDS + 1));
        if (end != END_TICKS)
            return end;
        c = cpus[(random >> 20) % t->cpus];
        end = END_POINT;
    }
    return machine_run(m, TICKS);
}

static void keep(const struct test *t, const struct way *w, struct machine *m)
{
    struct error e = {""};
    char name[600];

    snprintf(name, sizeof name, "%s.%s", t->image, w->name);
    if (!machine_save(m, name, &e))
        fprintf(stderr, "%s\n", e.text);
}

static bool run(const struct test *t, const struct way *w, struct outcome *o)
{
    bool shown = t->verbose && w == ways;
    struct chardev console = {.owner = &shown, .put = put, .get = get};
    struct machine *m = make(t, w, &console);

    if (!m)
        return false;
    o->end = END_TICKS;
    if (w->save) {
        o->end = machine_run(m, w->save);
        if (o->end == END_TICKS) {
            m = move(t, w, &console, m);
            if (!m)
                return false;
        }
    }
    if (o->end == END_TICKS)
        o->end = w->points ? debug(t, m) : machine_run(m, TICKS);
    o->value = machine_exit_value(m);
    o->instructions = machine_instructions(m);
    o->ticks = machine_clock(m)->now;
    o->hash = machine_hash(m);
    if (t->keep)
        keep(t, w, m);
    machine_free(m);
    return true;
}

static void show(const char *name, const struct outcome *o)
{
    printf("%-32s end %d, exit %" PRIu32 ", %" PRIu64 " instructions, tick %" PRIu64
           ", hash %016" PRIx64 "\n",
           name, (int)o->end, o->value, o->instructions, o->ticks, o->hash);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->end == b->end && a->value == b->value &&
           a->instructions == b->instructions && a->ticks == b->ticks &&
           a->hash == b->hash;
}

static bool check(const struct test *t, const struct way *w,
                  const struct outcome *first)
{
    struct way now = *w;
    struct outcome o;

    if (w->text && first->instructions > longest_text) {
        printf("traced without text: this host is emulated\n");
        now.text = false;
    }
    if (!run(t, &now, &o))
        return false;
    if (same(&o, first))
        return true;
    show(w->name, &o);
    return false;
}

static bool run_all(struct test *t)
{
    struct outcome first;
    bool good = true;
    uint64_t random = 0x9e3779b97f4a7c15u;

    if (!run(t, &ways[0], &first))
        return false;
    show("normal", &first);
    if (first.end != t->end || (first.end == END_DEBUG_EXIT && first.value)) {
        if (first.end == END_DEBUG_EXIT)
            printf("failed: %s line %" PRIu32 "\n", t->image, first.value);
        return false;
    }
    if (t->once)
        return true;
    t->ticks = first.ticks;
    for (size_t n = 1; n < ARRAY_SIZE(ways); n++)
        good &= check(t, &ways[n], &first);
    for (unsigned n = 0; n < SAVES && first.ticks > 1; n++) {
        char name[64];
        struct way w = {.name = name};
        random = random * 6364136223846793005u + 1442695040888963407u;
        w.save = 1 + (random >> 16) % (first.ticks - 1);
        snprintf(name, sizeof name, "saved at tick %" PRIu64, w.save);
        good &= check(t, &w, &first);
    }
    return good;
}

static bool run_rows(struct test *t)
{
    static const struct way way = {.name = "rows", .trace = true, .rows = true};
    FILE *to = fopen(t->rows, "a");
    struct outcome o;
    bool good = false;

    t->executions = calloc(isa_row_count, sizeof *t->executions);
    if (to && t->executions && run(t, &way, &o)) {
        show(way.name, &o);
        for (unsigned n = 0; n < isa_row_count; n++)
            if (t->executions[n])
                fprintf(to, "%s %" PRIu64 "\n", row_name(&isa_rows[n]).text,
                        t->executions[n]);
        good = o.end == t->end && !o.value;
    }
    free(t->executions);
    return to && !fclose(to) && good;
}

int main(int argc, char **argv)
{
    struct test t = {.cpu = "max", .cpus = 1, .end = END_DEBUG_EXIT, .verbose = true};
    int n = 1;

    for (; n + 1 < argc && argv[n][0] == '-'; n++) {
        if (!strcmp(argv[n], "-once"))
            t.once = true;
        else if (!strcmp(argv[n], "-events"))
            t.events = true;
        else if (!strcmp(argv[n], "-keep"))
            t.keep = true;
        else if (!strcmp(argv[n], "-smp"))
            t.cpus = (unsigned)strtoul(argv[++n], NULL, 10);
        else if (!strcmp(argv[n], "-rows"))
            t.rows = argv[++n];
        else if (!strcmp(argv[n], "-cpu"))
            t.cpu = argv[++n];
        else if (!strcmp(argv[n], "-end") && !strcmp(argv[++n], "triple"))
            t.end = END_TRIPLE_FAULT;
        else
            break;
    }
    if (n + 1 != argc) {
        fprintf(stderr,
                "usage: %s [-smp N] [-cpu MODEL] [-end triple] [-once] [-events] "
                "[-keep] [-rows FILE] IMAGE\n",
                argv[0]);
        return 2;
    }
    t.image = argv[n];
    snprintf(t.snapshot, sizeof t.snapshot, "%s.%u.snapshot", t.image, t.cpus);
    return (t.rows ? run_rows(&t) : run_all(&t)) ? 0 : 1;
}
