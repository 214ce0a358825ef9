/* op_interrupt.c - INT n and its kin, and who may change IF: CLI, STI, PUSHF, POPF.
 *
 * Intel SDM vol 2; vol 3A 20.2 (virtual-8086 mode) and 20.3, 20.4 (virtual interrupts:
 * CR4.VME and CR4.PVI put VIF in the place of IF).
 */
#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/transfer.h"

static unsigned iopl(const struct cpu *c)
{
    return (c->eflags & FLAG_IOPL) >> 12;
}

/* ---- software interrupts ---- */

/* Does the TSS's interrupt redirection bitmap keep this INT n in the 8086 program? It
 * ends where the I/O permission bitmap begins (20.3.3.4, Figure 20-5). */
static bool stays_in_vm86(struct cpu *c, uint8_t vector)
{
    enum { IOMAP_BASE = 0x66, BITMAP = 32 };
    uint32_t at;

    if ((c->tr.attr & SEG_TYPE) < SYS_TSS32 || c->tr.limit < IOMAP_BASE + 1)
        raise_fault(c, VEC_GP, 0, R_VME_BITMAP, vector, c->tr.limit, 0);
    at = (uint32_t)sys_load(c, c->tr.base + IOMAP_BASE, 2);
    if (at < BITMAP || at - BITMAP + vector / 8 > c->tr.limit)
        raise_fault(c, VEC_GP, 0, R_VME_BITMAP, vector, c->tr.limit, 0);
    return !(sys_load(c, c->tr.base + at - BITMAP + vector / 8, 1) >> (vector & 7) & 1);
}

/* INT n through the 8086 program's own interrupt table, at linear address 0. */
static void redirect(struct cpu *c, uint8_t vector)
{
    uint32_t target = (uint32_t)sys_load(c, vector * 4u, 4);
    uint64_t image = cpu_flags(c);
    bool virtual = iopl(c) < 3;
    struct frame f;

    if (virtual) {
        image = (image & ~(uint64_t)FLAG_IF) | FLAG_IOPL;
        image |= c->eflags & FLAG_VIF ? FLAG_IF : 0;
    }
    frame_here(c, &f, 16);
    frame_push(&f, image);
    frame_push(&f, c->seg[CS].selector);
    frame_push(&f, c->rip);
    frame_open(c, &f);

    frame_write(c, &f);
    set_sp(c, frame_sp(&f));
    seg_load_real(c, CS, (uint16_t)(target >> 16));
    c->rip = target & 0xffff;
    c->eflags &= ~(uint32_t)(FLAG_TF | (virtual ? FLAG_VIF : FLAG_IF));
    cpu_derive(c);
    c->leave = true;
    c->event = (struct cpu_event){.kind = EVENT_SOFTWARE, .vector = vector,
                                  .rip = f.value[2], .cs = (uint16_t)f.value[1]};
    if (c->told)
        c->told(c, &c->event);
}

void op_int(struct cpu *c, const struct insn *i)
{
    uint8_t vector = (uint8_t)i->imm;

    if (cpu_vm86(c)) {
        if ((c->cr4 & CR4_VME) && stays_in_vm86(c, vector)) {
            redirect(c, vector);
            return;
        }
        if (iopl(c) < 3)
            raise_fault(c, VEC_GP, 0, R_GP_VM86_IOPL, iopl(c), 0, 0);
    }
    event_software(c, vector);
}

/* INT3 and INTO are not IOPL-sensitive, nor redirected (20.3.3, Table 20-2). */
void op_int3(struct cpu *c, const struct insn *i)
{
    (void)i;
    event_software(c, VEC_BP);
}

void op_into(struct cpu *c, const struct insn *i)
{
    (void)i;
    if (lazy_of(&c->lazy))
        event_software(c, VEC_OF);
}

void op_int1(struct cpu *c, const struct insn *i)
{
    (void)i;
    event_int1(c);
}

/* ---- IF ---- */

/* Which flag CLI and STI act on: IF, VIF, or none (#GP). SDM vol 2, CLI, Table 3-7. */
static uint32_t interrupt_flag(const struct cpu *c)
{
    if (!(c->cr0 & CR0_PE) || c->cpl <= iopl(c))
        return FLAG_IF;
    if (cpu_vm86(c))
        return c->cr4 & CR4_VME ? FLAG_VIF : 0;
    return (c->cr4 & CR4_PVI) && c->cpl == 3 ? FLAG_VIF : 0;
}

NORETURN static void raise_iopl(struct cpu *c)
{
    if (cpu_vm86(c))
        raise_fault(c, VEC_GP, 0, R_GP_VM86_IOPL, iopl(c), 0, 0);
    raise_fault(c, VEC_GP, 0, R_GP_IOPL, c->cpl, iopl(c), 0);
}

void op_cli(struct cpu *c, const struct insn *i)
{
    uint32_t flag = interrupt_flag(c);

    (void)i;
    if (!flag)
        raise_iopl(c);
    c->eflags &= ~flag;
}

void op_sti(struct cpu *c, const struct insn *i)
{
    uint32_t flag = interrupt_flag(c);

    (void)i;
    if (!flag)
        raise_iopl(c);
    if (flag == FLAG_VIF && (c->eflags & FLAG_VIP))
        RAISE_GP0(c, R_VME_VIP);
    if (flag == FLAG_IF && !(c->eflags & FLAG_IF)) {
        /* Interrupts are held off for one more instruction (vol 2, STI). */
        c->shadow_end = cpu_retired(c) + 2;
        c->shadow_ss = false;
    }
    c->eflags |= flag;
    c->leave = true;
}

/* ---- PUSHF, POPF ---- */

void op_pushf(struct cpu *c, const struct insn *i)
{
    uint64_t image = cpu_flags(c) & ~(uint64_t)(FLAG_RF | FLAG_VM);

    if (cpu_vm86(c) && iopl(c) < 3) {
        if (!(c->cr4 & CR4_VME) || i->bits != 16)
            raise_iopl(c);
        image = (image & ~(uint64_t)FLAG_IF) | FLAG_IOPL;
        image |= c->eflags & FLAG_VIF ? FLAG_IF : 0;
    }
    push(c, i->bits, image);
}

/* SDM vol 2, POPF, Table 4-16. RF is cleared by every form; VM, VIP stay; VIF changes
 * only where it stands for IF. */
void op_popf(struct cpu *c, const struct insn *i)
{
    uint64_t image = stack_peek(c, i->bits, 0);
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF;

    if (i->bits != 16)
        mask |= FLAG_AC | FLAG_ID;
    image &= ~(uint64_t)FLAG_RF;
    if (cpu_vm86(c)) {
        if (iopl(c) == 3) {
            mask |= FLAG_IF;
        } else {
            if (!(c->cr4 & CR4_VME) || i->bits != 16)
                raise_iopl(c);
            if (image & FLAG_TF)
                RAISE_GP0(c, R_VME_TF);
            if ((image & FLAG_IF) && (c->eflags & FLAG_VIP))
                RAISE_GP0(c, R_VME_VIP);
            image = (image & ~(uint64_t)FLAG_VIF) | (image & FLAG_IF ? FLAG_VIF : 0);
            mask |= FLAG_VIF;
        }
    } else {
        if (!(c->cr0 & CR0_PE) || c->cpl <= iopl(c))
            mask |= FLAG_IF;
        if (!(c->cr0 & CR0_PE) || c->cpl == 0)
            mask |= FLAG_IOPL;
    }
    set_sp(c, c->gpr[RSP] + i->bits / 8u);
    cpu_set_flags(c, (cpu_flags(c) & ~(uint64_t)mask) | (image & mask));
    c->leave = true;
}
