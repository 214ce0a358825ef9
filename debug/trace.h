/* trace.h - what a CPU does, as lines of text: QEMU's -d int, exec, in_asm, cpu.
 *
 * exec and cpu select one-instruction blocks, exec the empty first-level view too; int and
 * in_asm cost nothing but their lines. The guest sees no difference.
 */
#ifndef DEBUG_TRACE_H
#define DEBUG_TRACE_H

#include "cpu/cpu.h"

struct trace {
    void (*line)(void *to, const char *line); /* one line, without newline */
    void *to;
    bool exec;       /* each instruction that runs, with its memory accesses */
    bool in_asm;     /* each block of code when it is decoded */
    bool registers;  /* what each instruction changed */
    bool interrupts; /* each event delivered, explained */
};

/* Per CPU: what it held before the instruction. */
struct trace_cpu {
    struct trace *trace;
    struct cpu *cpu;
    bool ran; /* an instruction was shown; its changes were not yet */
    uint64_t gpr[16], flags, cr0, cr2, cr3, cr4, mxcsr;
    uint16_t selector[SREGS];
    struct vec v[32];
    uint64_t k[8];
};

/* Starts tracing c as t says; t lives as long as c. Before the CPU first runs, or
 * between two runs. */
void trace_attach(struct cpu *c, struct trace *t, struct trace_cpu *state);

#endif
