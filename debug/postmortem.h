/* postmortem.h - what led to a fault that could not be told: the chain of faults in
 * words, and the instructions before it.
 */
#ifndef DEBUG_POSTMORTEM_H
#define DEBUG_POSTMORTEM_H

#include "cpu/cpu.h"

typedef void postmortem_line(void *to, const char *line); /* without newline */

/* Each event of c->faults, explained, and how it followed from the ones before.
 * Explained from today's descriptor tables: exact only until the guest goes on. */
void postmortem_chain(const struct cpu *c, postmortem_line *say, void *to);

/* The instructions that led to c->faults[0]: where blocks were entered, then the last
 * block up to the fault. To be called from cpu->triple_fault(). Exact where code runs
 * one instruction per block; else blocks that lead to each other without the run loop
 * are missing between those shown. Changes nothing. */
void postmortem_path(struct cpu *c, postmortem_line *say, void *to);

#endif
