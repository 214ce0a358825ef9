/* model.c - the rows of models.def, and "-cpu name,+feature,-feature". */
#include "cpu/model.h"

#include "base/error.h"

#include <string.h>

/* What this emulator can do. A model never has more than that: CPUID must not advertise
 * what would raise #UD. Whoever implements a feature adds its name here. */
#define IMPLEMENTED(_)                                                                   \
    _(I486) _(I586) _(I686) _(CORE2) _(NEHALEM) _(FPU) _(VME) _(DE) _(PSE) _(TSC) _(MSR) \
    _(PAE) _(MCE) _(CX8) _(APIC) _(SEP) _(MTRR) _(PGE) _(MCA) _(CMOV) _(PAT) _(PSE36)    \
    _(CLFSH) _(MMX) _(FXSR) _(SSE) _(SSE2) _(SS) _(HTT) _(SSE3) _(MONITOR) _(SSSE3)      \
    _(CX16) _(PCID) _(SSE41) _(SSE42) _(X2APIC) _(MOVBE) _(POPCNT) _(TSC_DEADLINE)       \
    _(XSAVE) _(RDRAND) _(ARAT) _(FSGSBASE) _(TSC_ADJUST) _(SMEP) _(ERMS) _(INVPCID)      \
    _(RDSEED) _(SMAP) _(CLFLUSHOPT) _(CLWB) _(UMIP) _(PKU) _(RDPID) _(SPEC_CTRL)         \
    _(STIBP) _(L1D_FLUSH) _(ARCH_CAPABILITIES) _(SSBD) _(XSAVEOPT) _(XSAVEC)             \
    _(XGETBV1) _(XSAVES) _(LAHF64) _(PREFETCHW) _(SYSCALL) _(NX) _(PDPE1GB) _(RDTSCP)    \
    _(LM) _(INVTSC) _(LA57) _(AVX) _(AVX2) _(FMA) _(F16C) _(BMI1) _(BMI2) _(LZCNT)       \
    _(ADX) _(AES) _(PCLMULQDQ) _(SHA) _(GFNI) _(VAES) _(VPCLMULQDQ) _(SSE4A)        \
    _(PREFETCHWT1) _(AVX512F) _(AVX512DQ) _(AVX512_IFMA) _(AVX512CD) _(AVX512BW)         \
    _(AVX512VL) _(AVX512_VBMI) _(AVX512_VBMI2) _(AVX512_VNNI) _(AVX512_BITALG)           \
    _(AVX512_VPOPCNTDQ) _(AVX512_BF16)

_Static_assert(CPU_FEATURES <= 128, "struct cpu_model has 128 feature bits");

#define LOW_BIT(f) | (CPUID_##f < 64 ? 1ull << (CPUID_##f & 63) : 0)
#define HIGH_BIT(f) | (CPUID_##f >= 64 ? 1ull << (CPUID_##f & 63) : 0)
#define HAVE_LOW (0 IMPLEMENTED(LOW_BIT))
#define HAVE_HIGH (0 IMPLEMENTED(HIGH_BIT))
/* HYPERVISOR says that this is a virtual machine: possible with all, on in none. */
#define MAY_LOW (HAVE_LOW LOW_BIT(HYPERVISOR))
#define MAY_HIGH (HAVE_HIGH HIGH_BIT(HYPERVISOR))

#define DESCRIPTORS(a, b, c, d) {a, b, c, d}
#define MODEL(id, about, says, cpuid_1, physical, leaf, extended, revision, leaf_2, has) \
    {.name = #id,                                                                        \
     .title = about,                                                                     \
     .vendor = "GenuineIntel",                                                           \
     .brand = says,                                                                      \
     .signature = cpuid_1,                                                               \
     .phys_bits = physical,                                                              \
     .max_leaf = leaf,                                                                   \
     .max_extended = extended,                                                           \
     .microcode = revision,                                                              \
     .descriptors = leaf_2,                                                              \
     .features = {(0 has(LOW_BIT)) & HAVE_LOW, (0 has(HIGH_BIT)) & HAVE_HIGH},           \
     .wished = {0 has(LOW_BIT), 0 has(HIGH_BIT)}},

static const struct cpu_model models[] = {
#include "cpu/models.def"
};

static const char *const names[CPU_FEATURES] = {
    "base",
#define FEATURE(name, leaf, subleaf, reg, bit) #name,
#include "cpu/cpuid.def"
#undef FEATURE
};

/* What makes no sense without what. Checked in this order, so chains stand in order. */
static const struct {
    uint8_t feature, needs;
} needs[] = {
    {CPUID_FXSR, CPUID_FPU},         {CPUID_MMX, CPUID_FPU},
    {CPUID_SSE, CPUID_FXSR},         {CPUID_SSE, CPUID_MMX},
    {CPUID_SSE2, CPUID_SSE},
    {CPUID_SSE3, CPUID_SSE2},        {CPUID_SSSE3, CPUID_SSE3},
    {CPUID_SSE41, CPUID_SSSE3},      {CPUID_SSE42, CPUID_SSE41},
    {CPUID_AES, CPUID_SSE2},         {CPUID_PCLMULQDQ, CPUID_SSE2},
    {CPUID_SHA, CPUID_SSSE3},        {CPUID_XSAVE, CPUID_FXSR},
    {CPUID_AVX, CPUID_XSAVE},        {CPUID_AVX, CPUID_SSE42},
    {CPUID_F16C, CPUID_AVX},         {CPUID_FMA, CPUID_AVX},
    {CPUID_AVX2, CPUID_AVX},         {CPUID_VAES, CPUID_AVX},
    {CPUID_VAES, CPUID_AES},         {CPUID_VPCLMULQDQ, CPUID_AVX},
    {CPUID_VPCLMULQDQ, CPUID_PCLMULQDQ},
    {CPUID_GFNI, CPUID_SSE2},        {CPUID_SSE4A, CPUID_SSE3},
    {CPUID_AVX512F, CPUID_AVX2},     {CPUID_AVX512F, CPUID_FMA},
    {CPUID_AVX512F, CPUID_F16C},     {CPUID_AVX512DQ, CPUID_AVX512F},
    {CPUID_AVX512_IFMA, CPUID_AVX512F},
    {CPUID_AVX512CD, CPUID_AVX512F}, {CPUID_AVX512BW, CPUID_AVX512F},
    {CPUID_AVX512VL, CPUID_AVX512F}, {CPUID_AVX512_VBMI, CPUID_AVX512BW},
    {CPUID_AVX512_VBMI2, CPUID_AVX512BW},
    {CPUID_AVX512_VNNI, CPUID_AVX512F},
    {CPUID_AVX512_BITALG, CPUID_AVX512BW},
    {CPUID_AVX512_VPOPCNTDQ, CPUID_AVX512F},
    {CPUID_AVX512_BF16, CPUID_AVX512BW},
    {CPUID_XSAVEOPT, CPUID_XSAVE},
    {CPUID_XSAVEC, CPUID_XSAVE},     {CPUID_XGETBV1, CPUID_XSAVE},
    {CPUID_XSAVES, CPUID_XSAVEC},    {CPUID_PAE, CPUID_PSE},
    {CPUID_NX, CPUID_PAE},           {CPUID_LM, CPUID_PAE},
    {CPUID_LM, CPUID_CX8},           {CPUID_LM, CPUID_NX},
    {CPUID_LM, CPUID_SSE2},          {CPUID_LM, CPUID_MSR},
    {CPUID_SYSCALL, CPUID_LM},       {CPUID_LAHF64, CPUID_LM},
    {CPUID_CX16, CPUID_LM},          {CPUID_PDPE1GB, CPUID_LM},
    {CPUID_PCID, CPUID_LM},          {CPUID_FSGSBASE, CPUID_LM},
    {CPUID_PKU, CPUID_LM},           {CPUID_LA57, CPUID_LM},
    {CPUID_INVPCID, CPUID_PCID},     {CPUID_APIC, CPUID_MSR},
    {CPUID_X2APIC, CPUID_APIC},      {CPUID_TSC_DEADLINE, CPUID_APIC},
    {CPUID_TSC_DEADLINE, CPUID_TSC}, {CPUID_TSC_ADJUST, CPUID_TSC},
    {CPUID_RDTSCP, CPUID_TSC},       {CPUID_INVTSC, CPUID_TSC},
    {CPUID_MTRR, CPUID_MSR},         {CPUID_PAT, CPUID_MTRR},
    {CPUID_SEP, CPUID_MSR},          {CPUID_SPEC_CTRL, CPUID_MSR},
    {CPUID_STIBP, CPUID_SPEC_CTRL},  {CPUID_SSBD, CPUID_SPEC_CTRL},
    {CPUID_L1D_FLUSH, CPUID_MSR},    {CPUID_ARCH_CAPABILITIES, CPUID_MSR},
    {CPUID_MCA, CPUID_MCE},
};

const struct cpu_model *cpu_model_at(unsigned index)
{
    return index < ARRAY_SIZE(models) ? &models[index] : NULL;
}

const char *cpu_feature_name(unsigned feature)
{
    return feature < CPU_FEATURES ? names[feature] : NULL;
}

bool cpu_feature_implemented(unsigned feature)
{
    const uint64_t may[2] = {MAY_LOW, MAY_HIGH};
    return feature == CPUID_BASE ||
           (feature < CPU_FEATURES && (may[feature / 64] >> (feature % 64) & 1));
}

static void feature_set(struct cpu_model *m, unsigned f, bool on)
{
    uint64_t bit = 1ull << (f % 64);
    if (on)
        m->features[f / 64] |= bit;
    else
        m->features[f / 64] &= ~bit;
}

static char plain(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Names are compared without case and punctuation: "SSE4.2", "sse4_2" and "sse42" are
 * one. */
static bool same_name(const char *name, const char *text, size_t n)
{
    size_t at = 0;
    for (; *name; name++) {
        if (*name == '_' || *name == '-')
            continue;
        while (at < n && (text[at] == '.' || text[at] == '-' || text[at] == '_'))
            at++;
        if (at >= n || plain(text[at]) != plain(*name))
            return false;
        at++;
    }
    return at == n;
}

static unsigned feature_named(const char *text, size_t n)
{
    for (unsigned f = 1; f < CPU_FEATURES; f++)
        if (same_name(names[f], text, n))
            return f;
    return CPU_FEATURES;
}

static const struct cpu_model *model_named(const char *text, size_t n)
{
    for (unsigned k = 0; k < ARRAY_SIZE(models); k++)
        if (same_name(models[k].name, text, n))
            return &models[k];
    return NULL;
}

static bool unknown_model(struct error *e, const char *text, size_t n)
{
    char list[160] = "";
    size_t used = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(models); k++) {
        size_t more = strlen(models[k].name);
        if (used + more + 2 > sizeof list)
            break;
        list[used++] = ' ';
        memcpy(list + used, models[k].name, more + 1);
        used += more;
    }
    error_set(e, "no CPU model is called '%.*s'", (int)(n < 60 ? n : 60), text);
    return error_hint(e, "there are:%s", list);
}

static bool change(struct cpu_model *m, const char *text, size_t n, bool asked[],
                   struct error *e)
{
    int shown = (int)(n < 60 ? n : 60);
    bool on = text[0] == '+';
    unsigned f;

    if (n == 0 || (!on && text[0] != '-')) {
        error_set(e, "CPU feature '%.*s' does not begin with + or -", shown, text);
        return error_hint(e, "for example: -cpu %s,-sse4.2", m->name);
    }
    f = feature_named(text + 1, n - 1);
    if (f == CPU_FEATURES)
        return error_set(e, "no CPU feature is called '%.*s'", shown - 1, text + 1);
    if (on && !cpu_feature_implemented(f)) {
        error_set(e, "CPU feature %s is not implemented", names[f]);
        return error_hint(e, "leave '+%.*s' out", shown - 1, text + 1);
    }
    feature_set(m, f, on);
    asked[f] = on;
    return true;
}

/* Drops what lacks what it needs; refuses that for a feature that was asked for. */
static bool consistent(struct cpu_model *m, const bool asked[], struct error *e)
{
    bool changed;
    do {
        changed = false;
        for (unsigned k = 0; k < ARRAY_SIZE(needs); k++) {
            unsigned f = needs[k].feature, other = needs[k].needs;
            if (!cpu_model_has(m, f) || cpu_model_has(m, other))
                continue;
            if (asked[f]) {
                error_set(e, "CPU feature %s needs %s, which this model lacks",
                          names[f], names[other]);
                return error_hint(e, "add '+%s', or leave %s out", names[other],
                                  names[f]);
            }
            feature_set(m, f, false);
            changed = true;
        }
    } while (changed);
    return true;
}

bool cpu_model_parse(const char *text, struct cpu_model *m, struct error *e)
{
    const struct cpu_model *base = &models[0];
    bool asked[CPU_FEATURES] = {false};

    if (text && *text) {
        size_t n = strcspn(text, ",");
        base = model_named(text, n);
        if (!base)
            return unknown_model(e, text, n);
        text += n;
    }
    *m = *base;
    while (text && *text == ',') {
        size_t n = strcspn(++text, ",");
        if (!change(m, text, n, asked, e))
            return false;
        text += n;
    }
    return consistent(m, asked, e);
}
