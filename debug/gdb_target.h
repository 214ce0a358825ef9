/* gdb_target.h - what a gdb sees of a CPU: registers, memory, and their description.
 *
 * One description for all modes, of a 64-bit CPU, so that a session survives every mode
 * change. Outside 64-bit mode upper halves and R8 to R15 read as zero. "rip" is the linear
 * address of the next instruction: with the base of CS added, which is 0 in 64-bit mode
 * and in most 32-bit kernels, but not in real mode. So x/i $pc and breakpoints mean the
 * same address in every mode. The offset in CS is the register "ip".
 *
 * Looking at a CPU changes nothing. Byte order is the guest's.
 */
#ifndef DEBUG_GDB_TARGET_H
#define DEBUG_GDB_TARGET_H

#include "cpu/cpu.h"

enum { GDB_REGISTER_BYTES = 32 }; /* of the widest */

/* The description in XML (gdb manual, "Target Description Format"); its length. At most
 * room bytes are written, and a final 0. */
size_t gdb_target_description(char *to, size_t room);

/* Bytes of register n in the order of the description; 0 past the last. */
unsigned gdb_register_size(unsigned n);
void gdb_register_get(const struct cpu *c, unsigned n, uint8_t *bytes);

/* False: it cannot be changed to that, and has not. What it holds already it may always
 * be set to. Between runs. */
bool gdb_register_set(struct cpu *c, unsigned n, const uint8_t *bytes);

/* n bytes of memory at a linear (or with physical, a physical) address, as many as there
 * are up to the first without RAM or ROM: no devices, no TLB, no accessed bits. */
size_t gdb_memory_read(struct cpu *c, bool physical, uint64_t at, uint8_t *to, size_t n);

/* All n or none, whatever the page's rights; ROM too. */
bool gdb_memory_write(struct cpu *c, bool physical, uint64_t at, const uint8_t *from,
                      size_t n);

#endif
