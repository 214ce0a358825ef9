/* fault.h - raising exceptions, each with its reason.
 *
 * raise_event() never returns: it stores the event in c->event and longjmps to the run
 * loop, which delivers it (cpu/event.c). A raise without a reason does not compile.
 */
#ifndef CPU_FAULT_H
#define CPU_FAULT_H

#include "cpu/cpu.h"

enum vector {
    VEC_DE = 0, VEC_DB = 1, VEC_NMI = 2, VEC_BP = 3, VEC_OF = 4, VEC_BR = 5, VEC_UD = 6,
    VEC_NM = 7, VEC_DF = 8, VEC_TS = 10, VEC_NP = 11, VEC_SS = 12, VEC_GP = 13,
    VEC_PF = 14, VEC_MF = 16, VEC_AC = 17, VEC_MC = 18, VEC_XM = 19,
};

enum reason {
#define REASON(name, section, sentence) R_##name,
#include "cpu/reasons.def"
#undef REASON
    REASONS
};

#define NORETURN _Noreturn

/* A fault (RIP of the instruction is pushed). The error code is used for vectors that have
 * one. Operands fill the reason's sentence, in order. */
NORETURN void raise_fault(struct cpu *c, enum vector v, uint32_t error, enum reason why,
                          uint64_t a, uint64_t b, uint64_t d);

/* A trap: the next instruction's RIP (c->rip) is pushed. Between instructions, for #DB. */
NORETURN void raise_trap(struct cpu *c, enum vector v, enum reason why, uint64_t a);

/* The common ones. */
#define RAISE_UD(c, why) raise_fault(c, VEC_UD, 0, why, 0, 0, 0)
#define RAISE_GP0(c, why) raise_fault(c, VEC_GP, 0, why, 0, 0, 0)

/* #PF for la from c->mmu.walk; sets CR2 when delivered. */
NORETURN void raise_page_fault(struct cpu *c, uint64_t la);

/* The shutdown state, after a triple fault or a bad RSM: the board resets or stops. */
NORETURN void enter_shutdown(struct cpu *c);

/* Delivers c->event through the IDT or IVT and clears c->raised. Called by the run loop
 * with its escape set, whenever c->raised is: a fault during delivery replaces c->event
 * (by itself, or by #DF), leaves c->raised set and jumps to the escape; nothing else has
 * changed. A triple fault clears c->raised and puts the CPU into shutdown. */
void event_deliver(struct cpu *c);

/* Take an external interrupt, an NMI, between instructions (RIP is c->rip); also wake a
 * halted CPU. They deliver at once, with the escape set as above. */
void event_interrupt(struct cpu *c, uint8_t vector);
void event_nmi(struct cpu *c);
/* INT n, INT3, INTO: inside the instruction at c->insn_rip; c->rip is the return address. */
void event_software(struct cpu *c, uint8_t vector);
/* INT1: #DB like a trap, whatever the gate's DPL. */
void event_int1(struct cpu *c);

/* The text "#GP(0010h) at 0010:00101a2f: ..." with its explanation; at most room bytes. */
void fault_explain(const struct cpu *c, const struct cpu_event *e, char *text, size_t room);

#endif
