/* dispatch.h - how one record's handler gives way to the next.
 *
 * Two flavours of one source. With tail calls a handler jumps to the next one's and the
 * run loop sees control again only when a handler returns NULL. The plain loop (no
 * optimiser, sanitizers, coverage) returns the next record and is called again. The run
 * loop's `while (i) i = i->run(c, i)` serves both.
 */
#ifndef CPU_DISPATCH_H
#define CPU_DISPATCH_H

#include "cpu/cpu.h"

#if defined(MENURA_PLAIN_LOOP) || !defined(__OPTIMIZE__)
#define GOTO_INSN(c, i) return ((void)(c), (i))
#define TAIL(call) return (call)
#else
#if defined(__clang__)
#define TAIL(call) __attribute__((musttail)) return (call)
#else /* gcc makes these sibling calls at -O2 */
#define TAIL(call) return (call)
#endif
/* Has the compiler compute p in one register and forget how: else it loads p->run by way of
 * an older pointer and moves p to its place after that, two instructions more a record. */
#if defined(__GNUC__)
#define SETTLE(p) __asm__("" : "+r"(p))
#else
#define SETTLE(p) ((void)0)
#endif
#define GOTO_INSN(c, i)                                                                  \
    do {                                                                                 \
        const struct insn *to_ = (i);                                                    \
        SETTLE(to_);                                                                     \
        TAIL(to_->run((c), to_));                                                        \
    } while (0)
#endif

/* The next record of the block. */
#define NEXT(c, i) GOTO_INSN(c, (i) + 1)

#define HANDLER(name) const struct insn *name(struct cpu *c, const struct insn *i)

/* Runs the record's general handler and goes on with the block: for rows that neither
 * jump nor end the block. */
insn_fn run_general;

/* Where a fast handler goes when its probe missed: the first level is filled from the
 * second and the handler tried again, or the general handler runs. refill_read and
 * refill_write are for r/m, the others for the stack. */
insn_fn refill_read, refill_write, refill_pop, refill_push;
insn_fn run_slow; /* the general handler at once */

#endif
