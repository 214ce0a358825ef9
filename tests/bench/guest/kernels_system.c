/* kernels_system.c - faults, interrupts, ports, changing code, TLB flushes, string scans.
 * Machine code of pfault and intiret fixed: see kernels.c. */
#include "kernels.h"

static inline void out8(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline u8 in8(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* Marks a page not present and touches it: the #PF handler marks it present. */
u32 k_pfault(void)
{
    u32 s = 0;
    for (u32 i = 0; i < TIMES(1500000u); i++) {
        u8 *p = arena + (64u << 20) + ((i * 37) & 255) * 4096;
        ((volatile pte *)pte_array)[(uword)p >> 12] &= ~(pte)1;
        __asm__ volatile("invlpg (%0)" ::"r"(p) : "memory");
        *(volatile u8 *)p = (u8)i;
        s += *(volatile u8 *)p;
    }
    return s + pf_count;
}

u32 k_intiret(void)
{
    for (u32 i = 0; i < TIMES(6000000u); i++)
        __asm__ volatile("int $0x80" ::: "memory");
    return int80_count;
}

/* Writes the immediate of an instruction, then calls it. */
u32 k_smc(void)
{
    static const u8 code[] = {0xb8, 0, 0, 0, 0,       /* mov eax, imm32 */
                              0x35, 0x55, 0xaa, 0, 0, /* xor eax, imm32 */
                              0xc3};                  /* ret */
    u32 (*f)(void) = (u32(*)(void))arena;
    u32 sum = 0;

    for (u32 i = 0; i < sizeof code; i++)
        arena[i] = code[i];
    for (u32 i = 0; i < TIMES(400000u); i++) {
        *(volatile u32 *)(arena + 1) = i;
        BARRIER();
        sum += f();
    }
    return sum;
}

/* The POST port and an 8259A's mask, with a little work between them. */
u32 k_portio(void)
{
    u32 sum = 0;

    out8(0x21, 0xff);
    for (u32 i = 0; i < TIMES(2400000u); i++) {
        out8(0x80, (u8)i);
        sum = (sum ^ i) + in8(0x21);
    }
    return sum;
}

/* Loads CR3 and touches 16 pages again, with an INVLPG among them. */
u32 k_tlbflush(void)
{
    u32 sum = 0;

    for (u32 i = 0; i < 16 * 4096; i++)
        arena[i] = (u8)i;
    for (u32 i = 0; i < TIMES(400000u); i++) {
        uword cr3;
        __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
        for (u32 k = 0; k < 16; k++) {
            volatile u32 *p = (volatile u32 *)(arena + k * 4096 + 8 * k);
            *p += k;
            sum += *p;
        }
        __asm__ volatile("invlpg (%0)" ::"r"(arena) : "memory");
        sum += arena[0];
    }
    return sum;
}

/* REP CMPS and SCAS: equal strings, and the end of one. */
u32 k_repscan(void)
{
    u8 *a = arena, *b = arena + (1 << 20);
    u32 sum = 0;

    for (u32 i = 0; i < 16384; i++)
        a[i] = b[i] = (u8)(i % 251 + 1);
    a[16383] = 0;
    b[16383] = 1;
    for (u32 r = 0; r < TIMES(6000u); r++) {
        const u8 *s = a, *d = b;
        uword c = 16384;
        __asm__ volatile("repe cmpsb" : "+S"(s), "+D"(d), "+c"(c) : : "memory", "cc");
        sum += (u32)c + (u32)(s - a);
        d = a;
        c = 16384;
        __asm__ volatile("repne scasb" : "+D"(d), "+c"(c) : "a"(0) : "memory", "cc");
        sum += (u32)c + (u32)(d - a);
    }
    return sum;
}
