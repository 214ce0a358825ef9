/* model.h - CPU models: which features a -cpu name has, and what CPUID says. */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include "base/types.h"

enum cpu_feature {
    CPUID_BASE, /* the 8086 to 80386 instruction set: every model */
#define FEATURE(name, leaf, subleaf, reg, bit) CPUID_##name,
#include "cpu/cpuid.def"
#undef FEATURE
    CPU_FEATURES,
};

enum cpuid_register { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

struct cpu;
struct error;

struct cpu_model {
    const char *name;  /* as after -cpu */
    const char *title;
    const char *vendor; /* 12 characters: GenuineIntel */
    const char *brand;  /* at most 47 characters, or NULL */
    uint32_t signature; /* CPUID.1:EAX */
    uint8_t phys_bits;
    uint32_t max_leaf, max_extended;
    uint32_t microcode;      /* revision, IA32_BIOS_SIGN_ID bits 63:32 */
    uint32_t descriptors[4]; /* CPUID.2: caches and TLBs, EAX EBX ECX EDX */
    uint64_t features[2];    /* bit per enum cpu_feature */
    uint64_t wished[2];      /* what the real one has: features, and what is missing here */
};

/* The core crystal clock that CPUID.15h tells of; the local APIC's timer counts it too
 * (SDM vol 3A 10.5.4), so the board must give the LAPIC this frequency. OVMF does not ask:
 * it takes 1 GHz, which is QEMU's. */
enum { CRYSTAL_HZ = 1000000000 };

static inline bool cpu_model_has(const struct cpu_model *m, unsigned feature)
{
    return feature == CPUID_BASE || (m->features[feature / 64] >> (feature % 64) & 1);
}

/* Bits of a linear address that the model could ever use. */
static inline unsigned cpu_linear_bits(const struct cpu_model *m)
{
    return cpu_model_has(m, CPUID_LA57) ? 57 : 48;
}

/* The model called `name` with "+feature" and "-feature" changes after commas, as in
 * "nehalem,-sse4.2". Fills *m. False with e filled (known names listed) otherwise. */
bool cpu_model_parse(const char *text, struct cpu_model *m, struct error *e);

/* CPUID for leaf and subleaf: out is EAX, EBX, ECX, EDX. */
void cpu_cpuid(const struct cpu *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* The models in order, the default first, NULL past the end: for -cpu help. */
const struct cpu_model *cpu_model_at(unsigned index);

/* The feature's name as -cpu takes it: "sse42". NULL past the end. */
const char *cpu_feature_name(unsigned feature);

/* Is the feature implemented here: may a model have it? */
bool cpu_feature_implemented(unsigned feature);

#endif
