/* smm.c - system-management mode: the SMI, the state save area, RSM.
 *
 * SDM vol 3 chapter 34. The save area's upper page has two forms: that of CPUs without
 * Intel 64 (Table 34-1; the descriptor caches, whose places Intel keeps to itself, stand
 * where other emulators have them), and for 64-bit ones that of AMD (APM vol 2 Table
 * 10-1), which is the one that firmware for virtual machines knows.
 *
 * SMM begins and ends between instructions. What the areas have no field for (interrupt
 * shadow, traps of the last instruction) delays the SMI instead.
 */
#include "cpu/smm.h"

#include "base/byteorder.h"
#include "cpu/system.h"

#include <string.h>

enum {
    SAVE_AREA = 0xfe00, /* from SMBASE; 512 bytes */
    SAVE_SIZE = 0x200,
    ENTRY_POINT = 0x8000,
};

/* Revision identifier: bit 17 SMBASE relocation, low word the form (34.9; APM 10.2.4).
 * Restarting I/O instructions (bit 16) is not offered: nothing here traps on one. */
enum { REVISION_32 = 0x20000, REVISION_64 = 0x20064 };

/* A field of the save area: offset from SMBASE + FE00h, bytes, member of struct cpu. */
struct saved {
    uint16_t at;
    uint8_t size;
    uint8_t member_size;
    uint16_t member;
};
#define SAVED(at, size, member)                                                          \
    {(at) - 0xfe00, size, sizeof(((struct cpu *)0)->member), offsetof(struct cpu, member)}
#define SAVED_SEGMENT_64(at, s)                                                          \
    SAVED(at, 2, s.selector), SAVED((at) + 2, 2, s.attr), SAVED((at) + 4, 4, s.limit),   \
        SAVED((at) + 8, 8, s.base)
#define SAVED_SEGMENT_32(selector_at, at, s)                                             \
    SAVED(selector_at, 2, s.selector), SAVED((at) + 8, 4, s.base),                       \
        SAVED((at) + 4, 4, s.limit), SAVED(at, 2, s.attr)

static const struct saved saved_64[] = {
    SAVED_SEGMENT_64(0xfe00, seg[ES]), SAVED_SEGMENT_64(0xfe10, seg[CS]),
    SAVED_SEGMENT_64(0xfe20, seg[SS]), SAVED_SEGMENT_64(0xfe30, seg[DS]),
    SAVED_SEGMENT_64(0xfe40, seg[FS]), SAVED_SEGMENT_64(0xfe50, seg[GS]),
    SAVED(0xfe64, 2, gdtr_limit), SAVED(0xfe68, 8, gdtr_base),
    SAVED_SEGMENT_64(0xfe70, ldtr),
    SAVED(0xfe84, 2, idtr_limit), SAVED(0xfe88, 8, idtr_base),
    SAVED_SEGMENT_64(0xfe90, tr),
    SAVED(0xfecb, 1, cpl), SAVED(0xfed0, 8, efer), SAVED(0xff00, 4, smbase),
    SAVED(0xff48, 8, cr4), SAVED(0xff50, 8, cr3), SAVED(0xff58, 8, cr0),
    SAVED(0xff60, 8, dr[7]), SAVED(0xff68, 8, dr[6]), SAVED(0xff78, 8, rip),
    SAVED(0xff80, 8, gpr[R15]), SAVED(0xff88, 8, gpr[R14]), SAVED(0xff90, 8, gpr[R13]),
    SAVED(0xff98, 8, gpr[R12]), SAVED(0xffa0, 8, gpr[R11]), SAVED(0xffa8, 8, gpr[R10]),
    SAVED(0xffb0, 8, gpr[R9]), SAVED(0xffb8, 8, gpr[R8]), SAVED(0xffc0, 8, gpr[RDI]),
    SAVED(0xffc8, 8, gpr[RSI]), SAVED(0xffd0, 8, gpr[RBP]), SAVED(0xffd8, 8, gpr[RSP]),
    SAVED(0xffe0, 8, gpr[RBX]), SAVED(0xffe8, 8, gpr[RDX]), SAVED(0xfff0, 8, gpr[RCX]),
    SAVED(0xfff8, 8, gpr[RAX]),
};

static const struct saved saved_32[] = {
    SAVED(0xfffc, 4, cr0), SAVED(0xfff8, 4, cr3), SAVED(0xfff0, 4, rip),
    SAVED(0xffec, 4, gpr[RDI]), SAVED(0xffe8, 4, gpr[RSI]), SAVED(0xffe4, 4, gpr[RBP]),
    SAVED(0xffe0, 4, gpr[RSP]), SAVED(0xffdc, 4, gpr[RBX]), SAVED(0xffd8, 4, gpr[RDX]),
    SAVED(0xffd4, 4, gpr[RCX]), SAVED(0xffd0, 4, gpr[RAX]), SAVED(0xffcc, 4, dr[6]),
    SAVED(0xffc8, 4, dr[7]),
    SAVED_SEGMENT_32(0xffc4, 0xff5c, tr), SAVED_SEGMENT_32(0xffc0, 0xff78, ldtr),
    SAVED(0xff74, 4, gdtr_base), SAVED(0xff70, 2, gdtr_limit),
    SAVED(0xff58, 4, idtr_base), SAVED(0xff54, 2, idtr_limit),
    SAVED_SEGMENT_32(0xffbc, 0xff44, seg[GS]), SAVED_SEGMENT_32(0xffb8, 0xff38, seg[FS]),
    SAVED_SEGMENT_32(0xffb4, 0xff2c, seg[DS]), SAVED_SEGMENT_32(0xffb0, 0xff9c, seg[SS]),
    SAVED_SEGMENT_32(0xffac, 0xff90, seg[CS]), SAVED_SEGMENT_32(0xffa8, 0xff84, seg[ES]),
    SAVED(0xff14, 4, cr4), SAVED(0xff10, 1, cpl), SAVED(0xfef8, 4, smbase),
};

/* Fields that are no plain members. */
struct form {
    const struct saved *field;
    unsigned fields;
    uint32_t revision;
    uint16_t flags, flags_size, halted;
};

static const struct form form_64 = {saved_64, ARRAY_SIZE(saved_64), REVISION_64,
                                    0x170, 8, 0xc9};
static const struct form form_32 = {saved_32, ARRAY_SIZE(saved_32), REVISION_32,
                                    0x1f4, 4, 0x102};
enum { REVISION_AT = 0xfc };

static const struct form *form_of(const struct cpu *c)
{
    return cpu_has(c, CPUID_LM) ? &form_64 : &form_32;
}

static uint64_t member_get(const struct cpu *c, const struct saved *f)
{
    const uint8_t *p = (const uint8_t *)c + f->member;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (f->member_size) {
    case 1: return *p;
    case 2: memcpy(&v16, p, 2); return v16;
    case 4: memcpy(&v32, p, 4); return v32;
    default: memcpy(&v64, p, 8); return v64;
    }
}

static void member_set(struct cpu *c, const struct saved *f, uint64_t v)
{
    uint8_t *p = (uint8_t *)c + f->member;
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;

    switch (f->member_size) {
    case 1: *p = (uint8_t)v; break;
    case 2: memcpy(p, &v16, 2); break;
    case 4: memcpy(p, &v32, 4); break;
    default: memcpy(p, &v, 8); break;
    }
}

/* ---- entry ---- */

/* A register holding a null selector is saved without its present bit. */
static void hide_unusable(struct cpu *c)
{
    for (unsigned s = 0; s < SREGS; s++)
        if (!c->seg[s].usable)
            c->seg[s].attr &= (uint16_t)~SEG_P;
    if (!c->ldtr.usable)
        c->ldtr.attr &= (uint16_t)~SEG_P;
    if (!c->tr.usable)
        c->tr.attr &= (uint16_t)~SEG_P;
}

static void save(struct cpu *c, bool halted)
{
    const struct form *form = form_of(c);
    uint8_t area[SAVE_SIZE] = {0};

    hide_unusable(c);
    for (unsigned n = 0; n < form->fields; n++) {
        const struct saved *f = &form->field[n];
        store_le(area + f->at, f->size, member_get(c, f));
    }
    store_le(area + form->flags, form->flags_size, cpu_flags(c));
    area[form->halted] = halted;
    store_le(area + REVISION_AT, 4, form->revision);
    /* Nothing there to write to: as on a bus, the bytes are lost. */
    phys_write(c->mmu.phys, pa((uint64_t)c->smbase + SAVE_AREA), area, sizeof area);
}

/* 34.5.1, Table 34-4. */
static void enter_handler(struct cpu *c)
{
    enum { DATA = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_G };

    c->cpl = 0;
    c->cr0 &= ~(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    c->cr4 = 0;
    c->efer = 0;
    c->dr[7] = DR7_FIXED;
    c->eflags = 2;
    lazy_put(&c->lazy, 0);
    for (unsigned s = 0; s < SREGS; s++)
        c->seg[s] = (struct segment){.limit = 0xffffffff, .attr = DATA, .usable = true};
    c->seg[CS].selector = (uint16_t)(c->smbase >> 4);
    c->seg[CS].base = c->smbase;
    c->rip = ENTRY_POINT;
}

bool smm_due(const struct cpu *c)
{
    return c->smi_pending && !c->in_smm && !c->pending_debug &&
           (c->activity == ACTIVITY_RUN || c->activity == ACTIVITY_HALT ||
            c->activity == ACTIVITY_MWAIT);
}

void smm_enter(struct cpu *c)
{
    bool halted = c->activity != ACTIVITY_RUN;

    c->smi_pending = false;
    c->activity = ACTIVITY_RUN;
    c->monitor_pa = UINT64_MAX;
    c->in_smm = true;
    c->smm_nmi_blocked = c->nmi_blocked;
    c->nmi_blocked = true;
    if (c->smm)
        c->smm(c->owner, true);
    save(c, halted);
    enter_handler(c);
    cpu_settle(c);
}

/* ---- RSM ---- */

static uint64_t saved_value(const struct form *form, const uint8_t *area, size_t member)
{
    for (unsigned n = 0; n < form->fields; n++)
        if (form->field[n].member == member)
            return load_le(area + form->field[n].at, form->field[n].size);
    return 0;
}

/* What RSM refuses (RSM in vol 2): the CPU then shuts down. */
static bool restorable(const struct cpu *c, const uint8_t *area)
{
    const struct form *form = form_of(c);
    uint64_t cr0 = saved_value(form, area, offsetof(struct cpu, cr0));
    uint64_t cr3 = saved_value(form, area, offsetof(struct cpu, cr3));
    uint64_t cr4 = saved_value(form, area, offsetof(struct cpu, cr4));
    uint64_t efer = saved_value(form, area, offsetof(struct cpu, efer));

    if (cr0 >> 32 || ((cr0 & CR0_PG) && !(cr0 & CR0_PE)) ||
        ((cr0 & CR0_NW) && !(cr0 & CR0_CD)))
        return false;
    if (cr4 & ~cr4_supported(c))
        return false;
    if (efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
        return false;
    if ((cr0 & CR0_PG) && (efer & EFER_LME) && !(cr4 & CR4_PAE))
        return false;
    return cr3 >> c->model->phys_bits == 0;
}

/* CPL and paging must not contradict each other, whatever the handler wrote. */
static void repair(struct cpu *c)
{
    bool lma = (c->cr0 & CR0_PG) && (c->efer & EFER_LME);

    c->cr0 |= CR0_ET;
    c->efer = (c->efer & ~EFER_LMA) | (lma ? EFER_LMA : 0);
    if (lma)
        c->eflags &= ~(uint32_t)FLAG_VM;
    if (!(c->cr0 & CR0_PE)) {
        c->cpl = 0;
        c->eflags &= ~(uint32_t)FLAG_VM;
    } else if (c->eflags & FLAG_VM) {
        c->cpl = 3;
    }
    c->cpl &= 3;
    c->dr[6] = (c->dr[6] & DR6_STICKY) | DR6_FIXED;
    c->dr[7] = (c->dr[7] & DR7_LEGAL) | DR7_FIXED;
    for (unsigned s = 0; s < SREGS; s++)
        c->seg[s].usable = c->seg[s].attr & SEG_P;
    c->ldtr.usable = c->ldtr.attr & SEG_P;
    c->tr.usable = c->tr.attr & SEG_P;
    if (!(c->cr0 & CR0_PE))
        for (unsigned s = 0; s < SREGS; s++)
            c->seg[s].usable = true;
}

static void restore(struct cpu *c, const uint8_t *area)
{
    enum { FLAGS_OTHERS = FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF |
                          FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID };
    const struct form *form = form_of(c);
    uint64_t flags = load_le(area + form->flags, form->flags_size);

    for (unsigned n = 0; n < form->fields; n++)
        member_set(c, &form->field[n], load_le(area + form->field[n].at, form->field[n].size));
    c->eflags = 2 | ((uint32_t)flags & FLAGS_OTHERS);
    lazy_put(&c->lazy, (uint32_t)flags & FLAGS_ARITH);
    if (flags & FLAG_RF)
        cpu_rf_set(c);
    repair(c);
    if (area[form->halted] & 1)
        c->activity = ACTIVITY_HALT;
}

void smm_leave(struct cpu *c)
{
    uint8_t area[SAVE_SIZE];

    if (!phys_read(c->mmu.phys, pa((uint64_t)c->smbase + SAVE_AREA), area, sizeof area))
        memset(area, 0xff, sizeof area);
    if (!restorable(c, area))
        enter_shutdown(c);
    restore(c, area);
    c->in_smm = false;
    c->nmi_blocked = c->smm_nmi_blocked;
    if (c->smm)
        c->smm(c->owner, false);
    if (!pdptes_reload(c))
        enter_shutdown(c);
    cpu_settle(c);
}
