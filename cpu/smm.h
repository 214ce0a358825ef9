/* smm.h - system-management mode (SDM vol 3 chapter 34). */
#ifndef CPU_SMM_H
#define CPU_SMM_H

#include "cpu/cpu.h"

/* Is an SMI to be taken before the next instruction? */
bool smm_due(const struct cpu *c);
void smm_enter(struct cpu *c);
/* RSM: does not return when the save area holds what cannot be (shutdown). */
void smm_leave(struct cpu *c);

#endif
