/* runner.c - starts a kernel on a machine and prints what it prints: the bench's own way
 * into the library, so that a measurement needs no front end.
 *
 *   runner [-m MiB] [-cpu MODEL] [-initrd FILE] [-append TEXT] [-ips N] [-serial] [-marks]
 *          [-max MILLIONS] KERNEL
 *
 * The debug port's bytes go to stdout; with -serial COM1's do, and stdin goes to the guest.
 * -marks writes, after each line, "# instructions N cpu NS": retired by the guest, and
 * nanoseconds of this thread's CPU time. Under callgrind, costs are collected between
 * lines that begin with BEGIN and END, and dumped at each END.
 * Exit status: 0 the guest switched off, 3 it did not, 2 usage, 1 host error.
 */
#include "cpu/cpu.h"
#include "cpu/fault.h"
#include "host/host.h"
#include "machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_DUMP_STATS_AT
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#define CALLGRIND_TOGGLE_COLLECT ((void)0)
#endif

struct watch {
    struct machine *machine;
    bool marks;
    size_t used;
    char line[256]; /* the current one, as far as it fits */
};

static void line_done(struct watch *w)
{
    bool end = !strncmp(w->line, "END ", 4);

    if (end || !strncmp(w->line, "BEGIN ", 6)) {
        CALLGRIND_TOGGLE_COLLECT;
        if (end)
            CALLGRIND_DUMP_STATS_AT(w->line);
    }
    if (w->marks)
        printf("# instructions %" PRIu64 " cpu %" PRIu64 "\n",
               cpu_retired(machine_cpu(w->machine, 0)), host_cpu_ns());
    fflush(stdout);
}

static void put(void *owner, const uint8_t *bytes, size_t n)
{
    struct watch *w = owner;

    for (size_t k = 0; k < n; k++) {
        putchar(bytes[k]);
        if (bytes[k] == '\n') {
            w->line[w->used] = 0;
            w->used = 0;
            line_done(w);
        } else if (w->used < sizeof w->line - 1) {
            w->line[w->used++] = (char)bytes[k];
        }
    }
    if (!w->marks)
        fflush(stdout);
}

static int get_none(void *owner)
{
    (void)owner;
    return -1;
}

static int get_stdin(void *owner)
{
    (void)owner;
    return getchar();
}

static void triple_fault(void *to, struct cpu *c)
{
    char text[1024];

    (void)to;
    fputs("runner: triple fault:\n", stderr);
    for (unsigned k = 0; k < c->fault_count && k < ARRAY_SIZE(c->faults); k++) {
        fault_explain(c, &c->faults[k], text, sizeof text);
        fprintf(stderr, "  %s\n", text);
    }
}

static int usage(void)
{
    fputs("usage: runner [-m MiB] [-cpu MODEL] [-initrd FILE] [-append TEXT] [-ips N]\n"
          "              [-serial] [-marks] [-max MILLIONS] KERNEL\n",
          stderr);
    return 2;
}

struct options {
    struct machine_config config;
    uint64_t max;
    bool serial, marks;
};

static bool options_read(struct options *o, int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        const char *a = argv[k], *value = k + 1 < argc ? argv[k + 1] : NULL;
        if (!strcmp(a, "-serial")) {
            o->serial = true;
        } else if (!strcmp(a, "-marks")) {
            o->marks = true;
        } else if (a[0] != '-') {
            o->config.kernel = a;
        } else if (!value) {
            return false;
        } else {
            if (!strcmp(a, "-m"))
                o->config.ram = strtoull(value, NULL, 0) << 20;
            else if (!strcmp(a, "-cpu"))
                o->config.cpu = value;
            else if (!strcmp(a, "-initrd"))
                o->config.initrd = value;
            else if (!strcmp(a, "-append"))
                o->config.append = value;
            else if (!strcmp(a, "-ips"))
                o->config.ips = (uint32_t)strtoul(value, NULL, 0);
            else if (!strcmp(a, "-max"))
                o->max = strtoull(value, NULL, 0) * 1000000;
            else
                return false;
            k++;
        }
    }
    return o->config.kernel != NULL;
}

int main(int argc, char **argv)
{
    static struct watch watch;
    struct chardev port = {.owner = &watch, .put = put, .get = get_none};
    struct options o = {.config = {.ram = 256u << 20,
                                   .cpus = 1,
                                   .ips = 200000000,
                                   .tsc_hz = 1000000000,
                                   .seed = 1,
                                   .rtc_base = 1700000000,
                                   .debug_exit = true,
                                   .debug_exit_port = 0x501,
                                   .debug_exit_size = 4,
                                   .no_reboot = true,
                                   .told_triple_fault = triple_fault},
                        .max = UINT64_MAX};
    struct error e = {{0}};
    enum machine_end end;

    if (!options_read(&o, argc, argv))
        return usage();
    if (o.serial) {
        port.get = get_stdin;
        o.config.serial[0] = &port;
    } else {
        o.config.debugcon = &port;
    }
    watch.marks = o.marks;
    watch.machine = machine_new(&o.config, &e);
    if (!watch.machine) {
        fprintf(stderr, "runner: %s\n", e.text);
        return 1;
    }
    end = machine_run(watch.machine, o.max);
    fflush(stdout);
    fprintf(stderr, "# end %d instructions %" PRIu64 " cpu %" PRIu64 "\n", (int)end,
            machine_instructions(watch.machine), host_cpu_ns());
    machine_free(watch.machine);
    return end == END_POWER_OFF || end == END_DEBUG_EXIT ? 0 : 3;
}
