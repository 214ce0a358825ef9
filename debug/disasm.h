/* disasm.h - instructions as text for people, by Zydis where it is there. */
#ifndef DEBUG_DISASM_H
#define DEBUG_DISASM_H

#include "cpu/cpu.h"

/* The instruction at bytes (n available) in Intel syntax; rip for relative targets. mode
 * is MODE_*. Without Zydis, or for bytes that are no instruction: the bytes in hex.
 * Returns its length, at least 1. */
unsigned disassemble(uint32_t mode, const uint8_t *bytes, unsigned n, uint64_t rip,
                     char *text, size_t room);

/* Up to n bytes of code at RIP without any side effect; how many could be read. */
unsigned debug_code_bytes(struct cpu *c, uint64_t rip, uint8_t *bytes, unsigned n);

#endif
