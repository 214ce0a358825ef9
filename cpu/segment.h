/* segment.h - segment registers and descriptors (SDM vol 3A ch. 3 and 5). */
#ifndef CPU_SEGMENT_H
#define CPU_SEGMENT_H

#include "cpu/cpu.h"

/* Loads sreg from selector: MOV, POP, LDS ... in the current mode, all checks, reasons.
 * ES, SS, DS, FS, GS only. Ends with cpu_derive(). */
void seg_load(struct cpu *c, enum sreg s, uint16_t selector);

/* Real and virtual-8086 mode load: base is selector << 4; limit and attr kept in real
 * mode (unreal works), fixed in VM86. Also for CS. No derive. */
void seg_load_real(struct cpu *c, enum sreg s, uint16_t selector);

/* Recomputes fast_read and fast_write of one register. */
void seg_derive(struct cpu *c, enum sreg s);

/* A descriptor as read from the GDT or LDT. */
struct descriptor {
    uint16_t selector;
    uint16_t attr;
    uint32_t limit; /* bytes - 1, granularity applied */
    uint64_t base;
    uint64_t where; /* linear address of its first byte */
    uint64_t raw;   /* the first eight bytes */
    uint64_t high;  /* the second eight of a 16-byte system descriptor */
};

/* Reads the descriptor of selector (not null). False when it lies outside its table. */
bool descriptor_read(struct cpu *c, uint16_t selector, struct descriptor *d);
/* Unpacks raw eight (and for long-mode system segments sixteen) bytes. */
void descriptor_unpack(struct descriptor *d, uint64_t raw, uint64_t high);
/* Sets the accessed bit in memory if clear. */
void descriptor_touch(struct cpu *c, struct descriptor *d);
/* Puts d into a segment register's hidden part. No derive. */
void segment_set(struct segment *s, const struct descriptor *d);

#endif
