/* control_world.h - one CPU over 1 MiB of RAM, for the tests of segments, gates, tasks
 * and interrupts. Instructions are decoded and their general handlers called; the run
 * loop's part is step().
 */
#ifndef TESTS_CONTROL_WORLD_H
#define TESTS_CONTROL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/model.h"
#include "cpu/operand.h"
#include "cpu/segment.h"
#include "cpu/transfer.h"

#include <stdlib.h>
#include <string.h>

enum { RAM_SIZE = 1 << 20 };

/* Where things stand, and the selectors of the GDT. */
enum {
    GDT = 0x1000, IDT = 0x2000, TSS = 0x3000, TSS2 = 0x3200, LDT = 0x3800, CODE = 0x8000,
    HANDLER = 0x9000, STACK0 = 0xa000, STACK3 = 0xb000, PML4 = 0x70000,
};
enum {
    K_CODE = 0x08, K_DATA = 0x10, U_CODE = 0x1b, U_DATA = 0x23, S_TSS = 0x28,
    K_CODE64 = 0x38, U_CODE64 = 0x43, S_TSS2 = 0x48, S_GATE = 0x50, S_SPARE = 0x58,
    S_CONFORMING = 0x60, K_CODE16 = 0x68, K_DATA16 = 0x70, S_LDT = 0x78,
    GDT_LIMIT = 0xff,
};

struct world {
    struct cpu cpu;
    struct phys phys;
    struct space mmio;
    struct clock clock;
    struct cpu_model model;
    struct isa_table isa;
    uint64_t code[RAM_SIZE / PAGE];
    uint8_t ram[RAM_SIZE];
    jmp_buf escape;
    unsigned triple_faults, told_count;
    uint8_t told[4];
};

static inline void triple(void *owner, struct cpu *c)
{
    struct world *w = owner;
    (void)c;
    w->triple_faults++;
}

static inline void ignore_code(void *owner, uint32_t page, unsigned at, unsigned size)
{
    (void)owner, (void)page, (void)at, (void)size;
}

static inline uint64_t desc(uint32_t base, uint32_t limit, uint16_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(attr & 0xf0ff) << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
           (uint64_t)(base >> 24) << 56;
}

static inline void gdt_set(struct world *w, unsigned selector, uint64_t raw)
{
    store64(w->ram + GDT + (selector & ~7u), raw);
}

static inline uint64_t gate(uint16_t selector, uint32_t offset, unsigned attr)
{
    return (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)attr << 40 |
           (uint64_t)(offset >> 16) << 48;
}

/* attr: P, DPL, type: 8Eh is a 32-bit interrupt gate of DPL 0. */
static inline void idt_set(struct world *w, unsigned vector, uint16_t selector,
                           uint32_t offset, unsigned attr)
{
    store64(w->ram + IDT + vector * 8, gate(selector, offset, attr));
}

static inline void idt_set64(struct world *w, unsigned vector, uint16_t selector,
                             uint64_t offset, unsigned attr, unsigned ist)
{
    store64(w->ram + IDT + vector * 16,
            gate(selector, (uint32_t)offset, attr) | (uint64_t)ist << 32);
    store64(w->ram + IDT + vector * 16 + 8, offset >> 32);
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    struct cpu *c = &w->cpu;

    assert_non_null(w);
    w->model = (struct cpu_model){.name = "test", .vendor = "GenuineIntel",
                                  .phys_bits = 40};
    w->model.features[0] = w->model.features[1] = UINT64_MAX;
    assert_true(space_init(&w->mmio, true));
    phys_init(&w->phys, &w->mmio, 40);
    w->phys.code = w->code;
    w->phys.code_written = ignore_code;
    assert_true(phys_map(&w->phys, 0, RAM_SIZE,
                         phys_back(&w->phys, "ram", w->ram, RAM_SIZE), 0,
                         WINDOW_READ | WINDOW_WRITE, 0) >= 0);
    c->mmu.phys = &w->phys;
    c->model = &w->model;
    c->clock = &w->clock;
    c->triple_fault = triple;
    c->owner = w;
    assert_true(isa_table_init(&w->isa, &w->model));
    c->isa = &w->isa;
    mmu_init(&c->mmu, &w->phys);
    for (unsigned n = 0; n < 4; n++)
        c->mmu.watched[n] = NO_TAG;
    c->eflags = 2;
    c->dr[6] = 0xffff0ff0;
    c->dr[7] = 0x400;
    lazy_put(&c->lazy, 0);
    for (unsigned n = 0; n < SREGS; n++)
        c->seg[n] = (struct segment){.attr = 0x93, .limit = 0xffff, .usable = true};
    c->tr = (struct segment){.attr = 0x8b, .limit = 0xffff, .usable = true};
    c->ldtr = (struct segment){.attr = 0x82, .limit = 0xffff, .usable = true};
    c->idtr_limit = c->gdtr_limit = 0xffff;
    c->gpr[RSP] = STACK0;
    c->rip = CODE;
    cpu_derive(c);
    for (unsigned n = 0; n < SREGS; n++)
        seg_derive(c, n);
    return w;
}

static inline void world_free(struct world *w)
{
    isa_table_free(&w->isa);
    space_free(&w->mmio);
    free(w);
}

/* Forces a segment register to a GDT entry, unchecked. */
static inline void force(struct world *w, enum sreg n, unsigned selector)
{
    struct descriptor d = {.selector = (uint16_t)selector};
    descriptor_unpack(&d, load64(w->ram + GDT + (selector & ~7u)), 0);
    segment_set(&w->cpu.seg[n], &d);
}

static inline void rederive(struct world *w)
{
    cpu_derive(&w->cpu);
    for (unsigned n = 0; n < SREGS; n++)
        seg_derive(&w->cpu, n);
}

/* Code at this level, flat segments. */
static inline void at_level(struct world *w, unsigned cpl)
{
    struct cpu *c = &w->cpu;
    force(w, CS, cpl ? U_CODE : K_CODE);
    for (unsigned n = 0; n < SREGS; n++)
        if (n != CS)
            force(w, n, cpl ? U_DATA : K_DATA);
    c->cpl = (uint8_t)cpl;
    c->gpr[RSP] = cpl ? STACK3 : STACK0;
    rederive(w);
}

/* 32-bit protected mode at CPL 0 with a TSS whose level-0 stack is STACK0. */
static inline struct world *world_protected(void)
{
    struct world *w = world_new();
    struct cpu *c = &w->cpu;
    struct descriptor d = {.selector = S_TSS};

    gdt_set(w, K_CODE, desc(0, 0xfffff, 0xc09a));
    gdt_set(w, K_DATA, desc(0, 0xfffff, 0xc092));
    gdt_set(w, U_CODE, desc(0, 0xfffff, 0xc0fa));
    gdt_set(w, U_DATA, desc(0, 0xfffff, 0xc0f2));
    gdt_set(w, S_TSS, desc(TSS, 0x67, 0x8b));
    gdt_set(w, S_TSS2, desc(TSS2, 0x67, 0x89));
    gdt_set(w, K_CODE64, desc(0, 0xfffff, 0xa09a));
    gdt_set(w, U_CODE64, desc(0, 0xfffff, 0xa0fa));
    gdt_set(w, S_CONFORMING, desc(0, 0xfffff, 0xc09e));
    gdt_set(w, K_CODE16, desc(0, 0xffff, 0x009a));
    gdt_set(w, K_DATA16, desc(0, 0xffff, 0x0092));
    gdt_set(w, S_LDT, desc(LDT, 0x1f, 0x82));
    c->gdtr_base = GDT;
    c->gdtr_limit = GDT_LIMIT;
    c->idtr_base = IDT;
    c->idtr_limit = 0x7ff;
    store32(w->ram + TSS + 4, STACK0);
    store16(w->ram + TSS + 8, K_DATA);
    c->cr0 |= CR0_PE;
    descriptor_unpack(&d, desc(TSS, 0x67, 0x8b), 0);
    segment_set(&c->tr, &d);
    cpu_derive(c);
    at_level(w, 0);
    for (unsigned v = 0; v < 32; v++)
        idt_set(w, v, K_CODE, HANDLER + v * 16, 0x8e);
    return w;
}

/* 64-bit mode at CPL 0: identity paging with one writable user 2 MiB page. */
static inline struct world *world_long(void)
{
    struct world *w = world_protected();
    struct cpu *c = &w->cpu;

    store64(w->ram + PML4, (PML4 + 0x1000) | 7);
    store64(w->ram + PML4 + 0x1000, (PML4 + 0x2000) | 7);
    store64(w->ram + PML4 + 0x2000, 0x87);
    c->cr3 = PML4;
    c->cr4 |= CR4_PAE;
    c->efer = EFER_LME | EFER_LMA;
    c->cr0 |= CR0_PG;
    c->idtr_limit = 0xfff;
    memset(w->ram + TSS, 0, 0x68);
    store64(w->ram + TSS + 4, STACK0);       /* RSP0 */
    store64(w->ram + TSS + 36, 0xc000 + 8);  /* IST1, misaligned on purpose */
    cpu_derive(c);
    at_level(w, 0);
    force(w, CS, K_CODE64);
    rederive(w);
    memset(w->ram + IDT, 0, 0x1000);
    for (unsigned v = 0; v < 32; v++)
        idt_set64(w, v, K_CODE64, HANDLER + v * 16, 0x8e, 0);
    return w;
}

/* To CPL 3 in 64-bit mode. */
static inline void user64(struct world *w)
{
    at_level(w, 3);
    force(w, CS, U_CODE64);
    rederive(w);
}

static inline void code(struct world *w, const char *bytes, size_t n)
{
    struct cpu *c = &w->cpu;
    memcpy(w->ram + (cpu_code64(c) ? 0 : c->seg[CS].base) + c->rip, bytes, n);
}
#define CODE_BYTES(w, ...)                                                               \
    code(w, (const char *)(const uint8_t[]){__VA_ARGS__},                                \
         sizeof((const uint8_t[]){__VA_ARGS__}))

/* Delivers what is pending, or executes one instruction. False when it raised. */
static inline bool step(struct world *w)
{
    struct cpu *c = &w->cpu;
    struct insn i[2];
    uint64_t la;

    c->escape = &w->escape;
    c->at = NULL;
    if (setjmp(w->escape))
        return false;
    c->insn_rip = c->rip;
    if (c->raised) {
        event_deliver(c);
        return true;
    }
    la = (cpu_code64(c) ? 0 : c->seg[CS].base) + c->rip;
    assert_true(la < RAM_SIZE - 16);
    assert_int_equal(decode(c->isa, c->mode, w->ram + la, 15, 0, i), DECODE_OK);
    c->rip = (c->rip + i->len) & c->rip_mask;
    isa_rows[i->row].general(c, i);
    return true;
}

/* Executes the instruction and expects this fault. */
static inline void expect_fault(struct world *w, unsigned vector, unsigned error,
                                unsigned reason)
{
    uint64_t rip = w->cpu.rip;
    assert_false(step(w));
    assert_true(w->cpu.raised);
    assert_int_equal(w->cpu.event.vector, vector);
    assert_int_equal(w->cpu.event.reason, reason);
    assert_int_equal(w->cpu.event.error, error);
    assert_int_equal(w->cpu.rip, rip);
    w->cpu.raised = false;
}

static inline uint32_t stack32(struct world *w, unsigned n)
{
    return load32(w->ram + w->cpu.gpr[RSP] + 4 * n);
}

static inline uint64_t stack64(struct world *w, unsigned n)
{
    return load64(w->ram + w->cpu.gpr[RSP] + 8 * n);
}

#endif
