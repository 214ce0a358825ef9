/* x87.h - the x87 register stack, its pending errors, and the MMX view of it.
 *
 * c->st[] are the physical registers R0 to R7; ST(i) is R((TOP + i) mod 8). c->ftw
 * holds one bit a register, set when it is empty; the two-bit tags that FSTENV stores
 * are computed from the contents (SDM vol 1 8.1.7).
 */
#ifndef CPU_X87_H
#define CPU_X87_H

#include "cpu/cpu.h"

enum fsw_bit {
    FSW_IE = 1 << 0,
    FSW_DE = 1 << 1,
    FSW_ZE = 1 << 2,
    FSW_OE = 1 << 3,
    FSW_UE = 1 << 4,
    FSW_PE = 1 << 5,
    FSW_SF = 1 << 6, /* stack fault: C1 says overflow (1) or underflow (0) */
    FSW_ES = 1 << 7, /* an unmasked exception is pending */
    FSW_C0 = 1 << 8,
    FSW_C1 = 1 << 9,
    FSW_C2 = 1 << 10,
    FSW_TOP = 7 << 11,
    FSW_C3 = 1 << 14,
    FSW_B = 1 << 15, /* mirrors ES since the 80387 */
    FSW_EXCEPTIONS = 0x3f,
};

enum { FCW_MASKS = 0x3f, FCW_RESERVED = 0x40 /* reads as one */ };

static inline unsigned x87_top(const struct cpu *c)
{
    return c->fsw >> 11 & 7;
}

static inline void x87_set_top(struct cpu *c, unsigned top)
{
    c->fsw = (uint16_t)((c->fsw & ~FSW_TOP) | (top & 7) << 11);
}

/* What every waiting x87 instruction and every MMX instruction does first: raises #MF
 * if an unmasked exception is pending and CR0.NE is set. With NE clear the error was
 * reported outside, through c->ferr, when it happened. */
void x87_wait(struct cpu *c);

/* FNINIT's effect, also that of INIT through XRSTOR: SDM vol 1 8.1.1. */
void x87_init(struct cpu *c);

/* Recomputes ES and B after fcw or fsw were loaded whole (FLDENV, FXRSTOR, XRSTOR).
 * A newly set ES with CR0.NE clear goes to c->ferr. */
void x87_summarise(struct cpu *c);

/* The two-bit tags, R0 lowest: 0 valid, 1 zero, 2 special, 3 empty; and back. */
uint16_t x87_full_tags(const struct cpu *c);
void x87_set_tags(struct cpu *c, uint16_t full);

/* ---- MMX: the low 64 bits of the physical registers (SDM vol 1 9.2, vol 3A 12.2) ----
 */

static ALWAYS_INLINE uint64_t mmx_get(const struct cpu *c, unsigned n)
{
    return c->st[n & 7].sig;
}

/* What every MMX instruction but EMMS does to the x87 state, as part of its commit. */
static ALWAYS_INLINE void mmx_enter(struct cpu *c)
{
    c->fsw &= (uint16_t)~FSW_TOP;
    c->ftw = 0;
}

/* Writes a register: sign and exponent become all ones. With mmx_enter(). */
static ALWAYS_INLINE void mmx_set(struct cpu *c, unsigned n, uint64_t v)
{
    c->st[n & 7].sig = v;
    c->st[n & 7].se = 0xffff;
}

#endif
