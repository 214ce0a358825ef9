/* cpu.c - the boot processor's caches and local APIC.
 *
 * MTRRs: Intel SDM vol 3A 12.11; virtual wire mode: MultiProcessor
 * Specification 1.4, 3.6.2.2, local APIC: SDM vol 3A 11.4. The other processors stay as
 * reset left them, waiting for their start-up message.
 */
#include "post.h"

enum { HAS_MSR = 1 << 5, HAS_APIC = 1 << 9, HAS_MTRR = 1 << 12 };

/* CPUID.1 EDX, 0 on a CPU without it. */
static u32 features(void)
{
    u32 before, after, a = 1, b, c, d;

    /* CPUID is there when EFLAGS.ID can be changed (SDM vol 1, 20.1.2). */
    __asm__ volatile(
        "pushfl\n\tpopl %0\n\tmovl %0, %1\n\txorl $0x200000, %1\n\tpushl %1\n\t"
        "popfl\n\tpushfl\n\tpopl %1"
        : "=&r"(before), "=&r"(after));
    if (!((before ^ after) & 0x200000))
        return 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d;
}

static u32 physical_bits(void)
{
    u32 a = 0x80000000, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a < 0x80000008)
        return 36;
    a = 0x80000008;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a & 0xff;
}

static void write_msr(u32 n, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "A"(v));
}

static u64 read_msr(u32 n)
{
    u64 v;
    __asm__ volatile("rdmsr" : "=A"(v) : "c"(n));
    return v;
}

/* Write-back but for adapters below 1 MiB and PCI below 4 GiB. */
static void set_mtrrs(void)
{
    enum {
        CAP = 0xfe,
        BASE0 = 0x200,
        MASK0,
        FIX_64K = 0x250,
        FIX_16K = 0x258,
        FIX_4K = 0x268,
        DEFAULT = 0x2ff
    };
    const u64 back = 0x0606060606060606ull, protect = 0x0505050505050505ull;
    u64 cap, mask;
    u32 bits;

    cap = read_msr(CAP);
    bits = physical_bits();
    mask = ((1ull << bits) - 1) & ~0x1fffffffull;
    write_msr(DEFAULT, 0);
    if (cap & 0x100) {
        write_msr(FIX_64K, back);
        write_msr(FIX_16K, back);
        write_msr(FIX_16K + 1, 0);
        for (u32 n = 0; n < 8; n++)
            write_msr(FIX_4K + n, protect);
    }
    for (u32 n = 0; n < (cap & 0xff); n++)
        write_msr(MASK0 + n * 2, 0);
    write_msr(BASE0, 0xe0000000); /* 512 MiB, uncached */
    write_msr(MASK0, mask | 0x800);
    write_msr(DEFAULT, 0xc06);
}

/* The 8259s' interrupts reach the CPU through the local APIC's LINT0, NMI through
 * LINT1; both are masked after reset. */
static void set_up_apic(void)
{
    enum {
        BASE = 0x1b,
        GLOBAL_ENABLE = 0x800,
        SPURIOUS = 0xf0,
        LINT0 = 0x350,
        LINT1 = 0x360,
        EXT_INT = 0x700,
        NMI = 0x400,
        SOFTWARE_ENABLE = 0x100
    };
    u64 base = read_msr(BASE);
    volatile u32 *apic = (volatile u32 *)((u32)base & 0xfffff000);

    if (!(base & GLOBAL_ENABLE))
        return;
    apic[SPURIOUS / 4] = SOFTWARE_ENABLE | 0xff;
    apic[LINT0 / 4] = EXT_INT;
    apic[LINT1 / 4] = NMI;
}

bool cpu_has_apic(void)
{
    u32 f = features();
    return (f & (HAS_MSR | HAS_APIC)) == (HAS_MSR | HAS_APIC);
}

void set_up_cpu(void)
{
    u32 f = features();

    if ((f & (HAS_MSR | HAS_MTRR)) == (HAS_MSR | HAS_MTRR))
        set_mtrrs();
    if (cpu_has_apic())
        set_up_apic();
}
