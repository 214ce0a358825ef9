/* cpuid.c - what CPUID answers: the model's features, seen through live state.
 *
 * Intel SDM vol 2, CPUID. Leaves above the highest answer like the highest basic one,
 * as on Intel processors.
 */
#include "base/byteorder.h"
#include "cpu/system.h"

#include <string.h>

struct feature {
    uint32_t leaf;
    uint8_t subleaf, reg, bit;
};

static const struct feature feature[CPU_FEATURES] = {
    {0},
#define FEATURE(name, leaf, subleaf, reg, bit) {leaf, subleaf, reg, bit},
#include "cpu/cpuid.def"
#undef FEATURE
};

static void features(const struct cpu *c, uint32_t leaf, uint32_t subleaf,
                     uint32_t out[4])
{
    for (unsigned f = 1; f < CPU_FEATURES; f++)
        if (feature[f].leaf == leaf && feature[f].subleaf == subleaf &&
            cpu_model_has(c->model, f))
            out[feature[f].reg] |= 1u << feature[f].bit;
}

static void set_bit(uint32_t *word, unsigned bit, bool on)
{
    *word = on ? *word | 1u << bit : *word & ~(1u << bit);
}

/* How many bits of an APIC id tell `count` apart. */
static unsigned id_bits(unsigned count)
{
    unsigned bits = 0;
    while (bits < 31 && 1u << bits < count)
        bits++;
    return bits;
}

static unsigned package_cpus(const struct cpu *c)
{
    return c->cpus ? c->cpus : 1;
}

static unsigned core_threads(const struct cpu *c)
{
    return c->threads_per_core ? c->threads_per_core : 1;
}

static bool apic_enabled(const struct cpu *c)
{
    return c->intc && c->intc->base_get(c->intc->owner) >> 11 & 1;
}

static void leaf_vendor(const struct cpu *c, uint32_t max, uint32_t out[4])
{
    const char *v = c->model->vendor;
    out[REG_EAX] = max;
    out[REG_EBX] = load32(v);
    out[REG_EDX] = load32(v + 4);
    out[REG_ECX] = load32(v + 8);
}

static void leaf_1(const struct cpu *c, uint32_t out[4])
{
    const struct cpu_model *m = c->model;
    unsigned cpus = package_cpus(c);

    features(c, 1, 0, out);
    out[REG_EAX] = m->signature;
    if (cpu_has(c, CPUID_APIC))
        out[REG_EBX] = (uint32_t)(c->number & 0xff) << 24;
    if (cpu_has(c, CPUID_HTT) && cpus > 1)
        out[REG_EBX] |= (1u << id_bits(cpus < 128 ? cpus : 128)) << 16;
    if (cpu_has(c, CPUID_CLFSH))
        out[REG_EBX] |= 64 / 8 << 8;

    set_bit(&out[REG_EDX], 28, cpu_has(c, CPUID_HTT) && cpus > 1);
    if (!apic_enabled(c))
        set_bit(&out[REG_EDX], 9, false);
    if (!c->intc) {
        set_bit(&out[REG_ECX], 21, false);
        set_bit(&out[REG_ECX], 24, false);
    }
    if (!(c->misc_enable & MISC_MONITOR))
        set_bit(&out[REG_ECX], 3, false);
    set_bit(&out[REG_ECX], 27, c->cr4 & CR4_OSXSAVE);
}

/* Deterministic cache parameters: nothing is cached, but software sizes its loops. */
static void leaf_4(const struct cpu *c, uint32_t subleaf, uint32_t out[4])
{
    enum { DATA = 1, CODE = 2, UNIFIED = 3 };
    static const struct {
        uint8_t type, level, ways;
        uint16_t sets;
        bool shared;
    } caches[] = {
        {DATA, 1, 8, 64, false},
        {CODE, 1, 4, 128, false},
        {UNIFIED, 2, 8, 512, false},
        {UNIFIED, 3, 16, 8192, true},
    };
    unsigned have = cpu_has(c, CPUID_NEHALEM) ? 4 : 3, cpus, threads;
    if (subleaf >= have)
        return;
    cpus = 1u << id_bits(package_cpus(c));
    threads = 1u << id_bits(core_threads(c));
    out[REG_EAX] = caches[subleaf].type | (uint32_t)caches[subleaf].level << 5 |
                   1u << 8 | ((caches[subleaf].shared ? cpus : threads) - 1) << 14 |
                   ((cpus / threads ? cpus / threads : 1) - 1) << 26;
    out[REG_EBX] = (64 - 1) | (caches[subleaf].ways - 1u) << 22;
    out[REG_ECX] = caches[subleaf].sets - 1u;
}

static void leaf_5(const struct cpu *c, uint32_t out[4])
{
    if (!cpu_has(c, CPUID_MONITOR))
        return;
    out[REG_EAX] = 64;
    out[REG_EBX] = 64;
    out[REG_ECX] = 1 | 2; /* extensions listed; INTR may end MWAIT with IF = 0 */
    out[REG_EDX] = 1 << 4; /* C1 has one sub-state */
}

static void leaf_7(const struct cpu *c, uint32_t subleaf, uint32_t out[4])
{
    if (subleaf == 1) {
        features(c, 7, 1, out);
        return;
    }
    if (subleaf != 0)
        return;
    features(c, 7, 0, out);
    out[REG_EAX] = cpu_has(c, CPUID_AVX512_BF16) ? 1 : 0; /* the last subleaf */
    set_bit(&out[REG_ECX], 4, c->cr4 & CR4_PKE); /* OSPKE */
}

/* Extended topology: level 0 threads of a core, level 1 cores of the package. */
static void leaf_b(const struct cpu *c, uint32_t subleaf, uint32_t out[4])
{
    enum { THREAD = 1, CORE = 2 };
    out[REG_ECX] = subleaf & 0xff;
    out[REG_EDX] = c->number;
    if (subleaf == 0) {
        out[REG_EAX] = id_bits(core_threads(c));
        out[REG_EBX] = core_threads(c);
        out[REG_ECX] |= THREAD << 8;
    } else if (subleaf == 1) {
        out[REG_EAX] = id_bits(package_cpus(c));
        out[REG_EBX] = package_cpus(c);
        out[REG_ECX] |= CORE << 8;
    }
}

static void leaf_d(const struct cpu *c, uint32_t subleaf, uint32_t out[4])
{
    uint64_t all = xcr0_supported(c);
    uint32_t size, offset;
    bool align;

    if (!cpu_has(c, CPUID_XSAVE))
        return;
    if (subleaf == 0) {
        out[REG_EAX] = (uint32_t)all;
        out[REG_EBX] = xsave_size(c->xcr0, false);
        out[REG_ECX] = xsave_size(all, false);
        out[REG_EDX] = (uint32_t)(all >> 32);
    } else if (subleaf == 1) {
        features(c, 0xd, 1, out);
        if (cpu_has(c, CPUID_XSAVEC))
            out[REG_EBX] = xsave_size(c->xcr0 | c->xss, true);
    } else if (subleaf < 63 && (all >> subleaf & 1) &&
               xsave_component(subleaf, &size, &offset, &align)) {
        out[REG_EAX] = size;
        out[REG_EBX] = offset;
        out[REG_ECX] = align ? 2 : 0;
    }
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* TSC and core crystal: TSC Hz = ECX * EBX / EAX, exactly. */
static void leaf_15(const struct cpu *c, uint32_t out[4])
{
    uint32_t d;
    if (!c->tsc_hz)
        return;
    d = common_divisor(c->tsc_hz, CRYSTAL_HZ);
    out[REG_EAX] = CRYSTAL_HZ / d;
    out[REG_EBX] = c->tsc_hz / d;
    out[REG_ECX] = CRYSTAL_HZ;
}

static void leaf_16(const struct cpu *c, uint32_t out[4])
{
    out[REG_EAX] = c->tsc_hz / 1000000 & 0xffff;
    out[REG_EBX] = out[REG_EAX];
    out[REG_ECX] = 100; /* bus MHz: PLATFORM_INFO's ratio counts in it */
}

static void leaf_brand(const struct cpu *c, unsigned part, uint32_t out[4])
{
    char text[48] = {0};
    size_t n = c->model->brand ? strlen(c->model->brand) : 0;
    memcpy(text, c->model->brand ? c->model->brand : "", n < 47 ? n : 47);
    for (unsigned k = 0; k < 4; k++)
        out[k] = load32(text + 16 * part + 4 * k);
}

static void leaf_80000001(const struct cpu *c, uint32_t out[4])
{
    features(c, 0x80000001, 0, out);
    /* Intel: SYSCALL shows only to 64-bit code; XD only while MISC_ENABLE allows it. */
    if (!cpu_code64(c))
        set_bit(&out[REG_EDX], 11, false);
    if (c->misc_enable & MISC_XD_DISABLE)
        set_bit(&out[REG_EDX], 20, false);
}

static void extended(const struct cpu *c, uint32_t leaf, uint32_t out[4])
{
    const struct cpu_model *m = c->model;
    switch (leaf) {
    case 0x80000000: out[REG_EAX] = m->max_extended; break;
    case 0x80000001: leaf_80000001(c, out); break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: leaf_brand(c, leaf - 0x80000002, out); break;
    case 0x80000006:
        out[REG_ECX] = 256 << 16 | 6 << 12 | 64; /* L2: KiB, 8 ways, line */
        break;
    case 0x80000007: features(c, 0x80000007, 0, out); break;
    case 0x80000008: out[REG_EAX] = m->phys_bits | cpu_linear_bits(m) << 8; break;
    }
}

void cpu_cpuid(const struct cpu *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct cpu_model *m = c->model;
    uint32_t max = m->max_leaf;

    memset(out, 0, 4 * sizeof *out);
    if (m->max_extended && leaf >= 0x80000000 && leaf <= m->max_extended) {
        extended(c, leaf, out);
        return;
    }
    /* Old systems fail when the highest leaf is above 3 (NT 4): it can be limited. */
    if ((c->misc_enable & MISC_LIMIT_CPUID) && max > 2)
        max = 2;
    if (leaf > max)
        leaf = max;
    switch (leaf) {
    case 0: leaf_vendor(c, max, out); break;
    case 1: leaf_1(c, out); break;
    case 2: memcpy(out, m->descriptors, sizeof m->descriptors); break;
    case 4: leaf_4(c, subleaf, out); break;
    case 5: leaf_5(c, out); break;
    case 6: features(c, 6, 0, out); break;
    case 7: leaf_7(c, subleaf, out); break;
    case 0xb: leaf_b(c, subleaf, out); break;
    case 0xd: leaf_d(c, subleaf, out); break;
    case 0x15: leaf_15(c, out); break;
    case 0x16: leaf_16(c, out); break;
    default: break; /* 3: no serial number; 0Ah: no performance counters; reserved */
    }
}
