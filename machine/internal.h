/* internal.h - struct machine, for the conductor, the board and the snapshot code. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "cpu/block.h"
#include "cpu/isa.h"
#include "debug/trace.h"
#include "machine/machine.h"
#include "machine/typing.h"

#include <stdatomic.h>

enum { MACHINE_DEVICES = 160 };

struct machine {
    struct machine_config config;
    struct log log;
    struct clock clock;
    struct space ports, mmio;
    struct phys phys;
    struct bus bus;
    struct isa_table isa;
    struct cpu_model model;
    struct code_cache *cache;
    struct cpu *cpu[MACHINE_CPUS];
    struct intc *intc[MACHINE_CPUS];
    struct device *device[MACHINE_DEVICES];
    unsigned devices;
    uint8_t *ram;
    void *board; /* board_pc.c's own */

    struct trace trace;
    struct trace_cpu trace_cpu[MACHINE_CPUS];

    struct typing typing;

    /* The conductor. */
    unsigned turn;          /* whose turn comes next: saved */
    uint64_t turn_left;     /* ticks left of it: saved */
    uint64_t random;        /* drop_caches' own generator: not part of the machine */
    struct cpu *running;
    enum machine_end end;
    uint32_t exit_value;
    atomic_bool kicked, stopped;
    /* Pacing: at paced_host, host ns, the guest's clock stood at paced_tick and was
     * paced_lag ns behind. paced_host 0: not yet. */
    uint64_t paced_tick, paced_host, paced_lag;
    bool reset_wanted;
    bool kernel_wanted; /* never between runs */
    bool held[MACHINE_CPUS]; /* by a debugger */
    bool torn; /* a load failed half way: only another load makes it whole */
    struct cpu *stopped_cpu; /* that ended the last run with END_POINT */
};

/* board_pc.c: makes all chips and wires them; frees its own part. */
bool board_init(struct machine *m, struct error *e);
void board_free(struct machine *m);
/* RESET: devices, then CPUs, then what a direct boot needs. */
bool board_reset(struct machine *m, struct error *e);
/* The kernel that the firmware asked for: the boot processor goes on in it. */
void board_enter_kernel(struct machine *m);
/* Before CPU n's turn: whose local APIC the FEE00000h page is. */
void board_turn(struct machine *m, unsigned n);
/* Takes what came from outside: called between instructions. */
void board_outside(struct machine *m);
/* Sends out what the guest wrote, before sleeping and at the end. */
void board_flush(struct machine *m);

/* What people look at and touch. */
const struct screen *board_screen(struct machine *m);
struct device *board_keyboard(struct machine *m);
struct device *board_mouse(struct machine *m);

/* Some CPU could take a turn: else only a timer or the outside goes on. */
bool machine_any_ready(const struct machine *m);
/* Ends machine_run() after the current instruction. */
void machine_end(struct machine *m, enum machine_end why);
/* board_enter_kernel() after the current instruction. */
void machine_enter_kernel(struct machine *m);


#endif
