/* int_bench.h - a CPU on a bench: registers, a little RAM, one instruction at a time.
 *
 * No run loop: bytes are decoded and their general handler is called.
 */
#ifndef TESTS_INT_BENCH_H
#define TESTS_INT_BENCH_H

#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/model.h"
#include "cpu/operand.h"
#include "mmu/phys.h"

#include <setjmp.h>
#include <stdlib.h>

enum { BENCH_RAM = 1 << 20, BENCH_RIP = 0x1000 };

struct bench {
    struct cpu *cpu;
    struct phys *phys;
    uint8_t *ram;
    struct space mmio, ports;
    struct clock clock;
    struct isa_table isa;
    struct cpu_model model;
    jmp_buf escape;
};

static inline struct segment bench_segment(uint16_t attr, uint64_t base, uint32_t limit)
{
    struct segment s = {.selector = 8, .attr = attr, .limit = limit, .base = base};
    s.usable = true;
    s.fast_read = s.fast_write = limit;
    return s;
}

/* All segments the same: base 0, the limit given; CS is as writable as the rest. */
static inline void bench_mode(struct bench *b, uint32_t mode, uint32_t limit)
{
    struct cpu *c = b->cpu;

    c->mode = mode;
    c->cpl = mode & MODE_USER ? 3 : 0;
    for (unsigned s = 0; s < SREGS; s++)
        c->seg[s] = bench_segment(SEG_P | SEG_S | SEG_WRITABLE | SEG_DB, 0, limit);
    mmu_select(&c->mmu, mode & MODE_USER ? VIEW_USER : VIEW_SUPERVISOR,
               (mode & MODE_USER) != 0, false);
}

enum {
    BENCH_64 = MODE_CODE64 | MODE_LONG | MODE_STACK32 | MODE_PROTECTED | MODE_RING0,
    BENCH_32 = MODE_CODE32 | MODE_STACK32 | MODE_PROTECTED | MODE_RING0,
    BENCH_16 = MODE_RING0
};

static inline void bench_dropped(void *owner, uint32_t page, unsigned offset,
                                 unsigned size)
{
    (void)owner, (void)page, (void)offset, (void)size;
}

static inline void bench_init(struct bench *b)
{
    struct backing *ram;

    memset(b, 0, sizeof *b);
    b->cpu = calloc(1, sizeof *b->cpu);
    b->phys = calloc(1, sizeof *b->phys);
    b->ram = calloc(1, BENCH_RAM);
    b->mmio.mmio = true;
    space_init(&b->mmio, true);
    space_init(&b->ports, false);
    phys_init(b->phys, &b->mmio, 40);
    b->phys->code = calloc(BENCH_RAM / PAGE, sizeof *b->phys->code);
    b->phys->code_written = bench_dropped;
    ram = phys_back(b->phys, "ram", b->ram, BENCH_RAM);
    phys_map(b->phys, 0, BENCH_RAM, ram, 0, WINDOW_READ | WINDOW_WRITE, 0);
    mmu_init(&b->cpu->mmu, b->phys);
    b->cpu->mmu.paging.phys_bits = 40;
    b->clock.ips = 1000000;
    b->cpu->clock = &b->clock;
    b->cpu->ports = &b->ports;
    b->cpu->escape = &b->escape;
    b->cpu->eflags = 2;
    b->model.features[0] = b->model.features[1] = ~0ull;
    b->model.phys_bits = 40;
    b->cpu->model = &b->model;
    isa_table_init(&b->isa, &b->model);
    bench_mode(b, BENCH_64, 0xffffffff);
}

static inline void bench_free(struct bench *b)
{
    isa_table_free(&b->isa);
    space_free(&b->mmio);
    space_free(&b->ports);
    free(b->phys->code);
    free(b->phys);
    free(b->ram);
    free(b->cpu);
}

static inline uint64_t bench_flags(const struct cpu *c)
{
    return (c->eflags & ~(uint32_t)FLAGS_ARITH) | lazy_get(&c->lazy);
}

static inline void bench_set_flags(struct cpu *c, uint64_t flags)
{
    lazy_put(&c->lazy, (uint32_t)flags);
    c->eflags = ((uint32_t)flags & ~(uint32_t)FLAGS_ARITH) | 2;
}

enum { BENCH_OK = -1, BENCH_UNDECODED = -2 };

/* Executes the bytes as one instruction at BENCH_RIP, with `budget` counts left after
 * its own. BENCH_OK, BENCH_UNDECODED, or the vector of the fault it raised. *row may be
 * NULL. */
static inline int bench_run(struct bench *b, const uint8_t *bytes, unsigned n,
                            int32_t budget, const struct isa_row **row)
{
    struct cpu *c = b->cpu;
    static struct insn out[2]; /* not on the stack: it outlives a longjmp */

    if (decode(&b->isa, c->mode, bytes, n, BENCH_RIP & (PAGE - 1), out) != DECODE_OK ||
        out[0].len != n)
        return BENCH_UNDECODED;
    if (row)
        *row = &isa_rows[out[0].row];
    c->page_rip = BENCH_RIP & ~(PAGE - 1);
    c->insn_rip = BENCH_RIP;
    c->rip = BENCH_RIP + n;
    c->budget = budget;
    c->slice = budget + 1;
    c->leave = false;
    out[0].left = 1;
    c->at = out;
    if (setjmp(b->escape))
        return c->event.vector;
    isa_rows[out[0].row].general(c, out);
    return BENCH_OK;
}

#define RUN(b, ...)                                                                    \
    bench_run(b, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}),     \
              1000000, NULL)

#endif
