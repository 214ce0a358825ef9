/* cpu_bench.h - one CPU over 2 MiB of RAM, for tests that run single instructions.
 *
 * run() decodes bytes and calls the general handler as a block would, so that the rows
 * of isa.def are under test too.
 */
#ifndef TESTS_CPU_BENCH_H
#define TESTS_CPU_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/system.h"

enum { BENCH_RAM = 2 << 20, PML4_AT = 0x1000, PDPT_AT = 0x2000, PD_AT = 0x3000,
       PT_AT = 0x4000, CODE_AT = 0x10000, DATA_AT = 0x20000 };
enum { DONE = -1, NOT_DECODED = -2 };

struct bench {
    struct cpu c; /* first: handlers may look around it */
    struct cpu_model model;
    struct phys phys;
    struct clock clock;
    struct isa_table isa;
    struct intc intc;
    uint64_t apic_base;
    uint8_t cr8;
    uint8_t *ram;
    jmp_buf escape;
};

static uint8_t bench_tpr_get(void *owner)
{
    return ((struct bench *)owner)->cr8;
}

static void bench_tpr_set(void *owner, uint8_t v)
{
    ((struct bench *)owner)->cr8 = v;
}

static uint64_t bench_base_get(void *owner)
{
    return ((struct bench *)owner)->apic_base;
}

static bool bench_base_set(void *owner, uint64_t v)
{
    ((struct bench *)owner)->apic_base = v;
    return true;
}

static bool bench_msr_get(void *owner, uint32_t n, uint64_t *v)
{
    (void)owner;
    *v = 0;
    return n == 0x6e0;
}

static bool bench_msr_set(void *owner, uint32_t n, uint64_t v)
{
    (void)owner, (void)v;
    return n == 0x6e0;
}

static inline struct bench *bench_new(const char *model)
{
    struct bench *b = calloc(1, sizeof *b);
    struct error e;

    assert_non_null(b);
    b->ram = calloc(1, BENCH_RAM);
    assert_true(cpu_model_parse(model, &b->model, &e));
    phys_init(&b->phys, NULL, b->model.phys_bits);
    b->phys.code = calloc(BENCH_RAM / PAGE, sizeof *b->phys.code);
    phys_map(&b->phys, 0, BENCH_RAM, phys_back(&b->phys, "ram", b->ram, BENCH_RAM), 0,
             WINDOW_READ | WINDOW_WRITE, 0);
    b->clock.ips = 1000000000;
    b->apic_base = 0xfee00900;
    b->intc = (struct intc){b, NULL, bench_tpr_get, bench_tpr_set, bench_base_get,
                            bench_base_set, bench_msr_get, bench_msr_set};
    b->c.mmu.phys = &b->phys;
    b->c.clock = &b->clock;
    b->c.intc = &b->intc;
    b->c.model = &b->model;
    b->c.tsc_hz = 3000000000u;
    b->c.cpus = b->c.threads_per_core = 1;
    b->c.escape = &b->escape;
    assert_true(isa_table_init(&b->isa, &b->model));
    b->c.isa = &b->isa;
    cpu_init(&b->c, 0);
    cpu_reset(&b->c);
    return b;
}

static inline void bench_free(struct bench *b)
{
    cpu_free(&b->c);
    isa_table_free(&b->isa);
    free(b->phys.code);
    free(b->ram);
    free(b);
}

static inline void poke(struct bench *b, unsigned at, uint64_t v)
{
    store64(b->ram + at, v);
}

/* Runs one instruction: DONE, NOT_DECODED, or the vector raised (c.event says more). */
static inline int run_bytes(struct bench *b, const void *bytes, unsigned n)
{
    struct cpu *c = &b->c;
    struct insn out[2];
    const struct isa_row *r;
    uint8_t room[16] = {0};

    memcpy(room, bytes, n);
    if (decode(&b->isa, c->mode, room, n, 0, out) != DECODE_OK || out[0].len != n)
        return NOT_DECODED;
    r = &isa_rows[out[0].row];
    out[0].left = 1;
    c->insn_rip = c->rip;
    if (_setjmp(b->escape)) {
        c->at = NULL;
        c->rip = c->insn_rip;
        return c->event.vector;
    }
    if ((r->traits & T_CPL0) && c->cpl != 0)
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    c->rip += n;
    r->general(c, out);
    return DONE;
}

#define RUN(b, ...)                                                                    \
    run_bytes((b), (const uint8_t[]){__VA_ARGS__},                                     \
              sizeof((const uint8_t[]){__VA_ARGS__}))

/* The instruction raised this vector for this reason. */
#define ASSERT_RAISES(vec, why, b, ...)                                                  \
    do {                                                                                 \
        assert_int_equal(RUN(b, __VA_ARGS__), vec);                                      \
        assert_int_equal((b)->c.event.reason, why);                                      \
    } while (0)

static inline void flat_segments(struct bench *b, unsigned code_bits, unsigned cpl)
{
    for (unsigned s = 0; s < SREGS; s++) {
        struct segment *g = &b->c.seg[s];
        g->selector = (uint16_t)(8 * (s + 1) + cpl);
        g->base = 0;
        g->limit = 0xffffffff;
        g->attr = (uint16_t)(SEG_P | SEG_S | SEG_G | SEG_DB | SEG_WRITABLE |
                             SEG_ACCESSED | cpl << 5);
        g->usable = true;
    }
    b->c.seg[CS].attr |= SEG_CODE;
    if (code_bits == 64)
        b->c.seg[CS].attr = (uint16_t)((b->c.seg[CS].attr & ~SEG_DB) | SEG_L);
    b->c.cpl = (uint8_t)cpl;
}

static inline void derive_all(struct bench *b)
{
    mmu_flush_all(&b->c.mmu);
    cpu_derive(&b->c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(&b->c, (enum sreg)s);
}

static inline void be_protected32(struct bench *b, unsigned cpl)
{
    flat_segments(b, 32, cpl);
    b->c.cr0 = CR0_PE | CR0_ET | CR0_NE;
    b->c.rip = CODE_AT;
    derive_all(b);
}

/* 4-level paging, 4 KiB pages, the first 2 MiB as they are, for users too. */
static inline void be_long64(struct bench *b, unsigned cpl)
{
    poke(b, PML4_AT, PDPT_AT | 7);
    poke(b, PDPT_AT, PD_AT | 7);
    poke(b, PD_AT, PT_AT | 7);
    for (unsigned n = 0; n < 512; n++)
        poke(b, PT_AT + 8 * n, n * PAGE | 7);
    flat_segments(b, 64, cpl);
    b->c.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG | CR0_WP;
    b->c.cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR;
    b->c.efer = EFER_LME | EFER_LMA | EFER_SCE;
    b->c.cr3 = PML4_AT;
    b->c.rip = CODE_AT;
    derive_all(b);
}

#endif
