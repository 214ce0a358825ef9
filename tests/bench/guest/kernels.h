/* kernels.h - what the benchmark kernels share.
 *
 * Freestanding C, built for i386 and x86-64 from the same text, so that every emulator
 * does the same work. TIMES() scales the work: SCALE multiplies, DIVIDE (the quick build)
 * divides.
 */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef unsigned long uword; /* 4 bytes on i386, 8 on x86-64 */

#ifndef SCALE
#define SCALE 1
#endif
#ifndef DIVIDE
#define DIVIDE 1
#endif
#define TIMES(n) ((n) * SCALE / DIVIDE)

enum { ARENA_SIZE = 72 << 20 };
extern u8 *arena; /* page aligned */

#define BARRIER() __asm__ volatile("" ::: "memory")

/* Reads and writes of page tables: the entry of linear address la. */
#ifdef __x86_64__
typedef u64 pte;
#else
typedef u32 pte;
#endif
extern pte *pte_array;
extern volatile u32 pf_count, int80_count;

#define KERNEL(name, ...) u32 k_##name(void);
#include "kernels.def"
#undef KERNEL

#endif
