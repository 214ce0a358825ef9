/* simd_cpu.h - a CPU in 64-bit mode without paging, 64 KiB of RAM, and one instruction
 * at a time: what the tests of MMX and SSE run on.
 */
#ifndef TESTS_SIMD_CPU_H
#define TESTS_SIMD_CPU_H

#include "base/error.h"
#include "cpu/cpu.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/simd.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { RAM = 0x10000, DATA = 0x2000 };

struct rig {
    struct cpu cpu;
    struct cpu_model model;
    struct isa_table isa;
    struct phys phys;
    struct space mmio;
    struct clock clock;
    uint8_t ram[RAM];
    uint64_t code[RAM / PAGE];
};

static void rig_code_written(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    (void)owner;
    (void)page;
    (void)offset;
    (void)size;
}

static void rig_changed(void *owner)
{
    (void)owner;
}

static inline struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);
    struct cpu *c = &r->cpu;
    struct backing *b;

    if (!cpu_model_parse("max", &r->model, NULL))
        abort();
    /* Every row under test, whatever the models advertise yet. */
    r->model.features[0] = r->model.features[1] = UINT64_MAX;
    if (!isa_table_init(&r->isa, &r->model))
        abort();
    phys_init(&r->phys, &r->mmio, 40);
    r->phys.code = r->code;
    r->phys.code_written = rig_code_written;
    r->phys.changed = rig_changed;
    b = phys_back(&r->phys, "ram", r->ram, RAM);
    phys_map(&r->phys, 0, RAM, b, 0, WINDOW_READ | WINDOW_WRITE, 0);

    c->mmu.phys = &r->phys;
    c->model = &r->model;
    c->isa = &r->isa;
    c->clock = &r->clock;
    cpu_init(c, 0);
    c->cr0 = 1;
    c->cr4 = 3 << 9; /* OSFXSR, OSXMMEXCPT */
    c->efer = 1 << 10;
    c->mxcsr = 0x1f80;
    c->ftw = 0xff;
    for (unsigned s = 0; s < SREGS; s++) {
        c->seg[s].attr = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_DB | SEG_G;
        c->seg[s].limit = 0xffffffff;
        c->seg[s].usable = true;
    }
    c->seg[CS].attr |= SEG_CODE | SEG_L;
    c->seg[CS].attr &= (uint16_t)~SEG_DB;
    cpu_derive(c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
    return r;
}

static inline void rig_free(struct rig *r)
{
    isa_table_free(&r->isa);
    free(r);
}

/* Decodes and runs one instruction. The vector of the fault, or -1; c->event has the
 * rest. -2: not an instruction. */
static inline int rig_run(struct rig *r, const uint8_t *bytes, unsigned n)
{
    struct cpu *volatile c = &r->cpu;
    struct insn out[2];
    jmp_buf escape;
    int vector = -1;

    if (decode(&r->isa, c->mode, bytes, n, 0, out) != DECODE_OK || out[0].len != n)
        return -2;
    out[0].left = 1;
    c->at = out;
    c->escape = &escape;
    if (setjmp(escape) == 0)
        isa_rows[out[0].row].general(c, out);
    else
        vector = c->event.vector;
    c->escape = NULL;
    return vector;
}

#endif
