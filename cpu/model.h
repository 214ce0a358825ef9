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
    uint8_t phys_bits, linear_bits;
    uint32_t max_leaf, max_extended;
    uint64_t features[2]; /* bit per enum cpu_feature */
};

static inline bool cpu_model_has(const struct cpu_model *m, unsigned feature)
{
    return feature == CPUID_BASE || (m->features[feature / 64] >> (feature % 64) & 1);
}

/* The model called `name` with "+feature" and "-feature" changes after commas, as in
 * "nehalem,-sse4.2". Fills *m. False with e filled (known names listed) otherwise. */
bool cpu_model_parse(const char *text, struct cpu_model *m, struct error *e);

/* CPUID for leaf and subleaf: out is EAX, EBX, ECX, EDX. */
void cpu_cpuid(const struct cpu *c, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* The models in order, NULL past the end: for -cpu help. */
const struct cpu_model *cpu_model_at(unsigned index);

#endif
