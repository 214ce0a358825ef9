/* system.h - control registers, MSRs and extended state, for the parts of cpu/ that
 * need more than the instructions: task switches, reset, restore, CPUID.
 */
#ifndef CPU_SYSTEM_H
#define CPU_SYSTEM_H

#include "cpu/cpu.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/model.h"

/* The handlers, named by isa_system.def. */
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                   \
    general_fn op_##handler;
#include "cpu/isa_system.def"
#undef INSN

/* SDM vol 3A 2.5. */
#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)
#define CR0_PG (1ull << 31)

#define CR3_KEEP (1ull << 63) /* with PCIDE: do not invalidate */
#define CR3_PCID 0xfffull

#define CR4_VME (1ull << 0)
#define CR4_PVI (1ull << 1)
#define CR4_TSD (1ull << 2)
#define CR4_DE (1ull << 3)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_MCE (1ull << 6)
#define CR4_PGE (1ull << 7)
#define CR4_PCE (1ull << 8)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP (1ull << 11)
#define CR4_LA57 (1ull << 12)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_PCIDE (1ull << 17)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define CR4_PKE (1ull << 22)

/* SDM vol 3A 2.2.1. */
#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

#define DR6_BD (1ull << 13)
#define DR6_FIXED 0xffff0ff0ull /* bits that read as one */
#define DR6_STICKY 0xe00full    /* B0..B3, BD, BS, BT */
#define DR7_GD (1ull << 13)
#define DR7_FIXED 0x400ull
#define DR7_LEGAL 0xffff23ffull

/* IA32_MISC_ENABLE */
#define MISC_FAST_STRING (1ull << 0)
#define MISC_NO_BTS (1ull << 11)
#define MISC_NO_PEBS (1ull << 12)
#define MISC_MONITOR (1ull << 18)
#define MISC_LIMIT_CPUID (1ull << 22)
#define MISC_XD_DISABLE (1ull << 34)

/* Components of extended state (SDM vol 1 13.1). */
#define XSTATE_X87 (1ull << 0)
#define XSTATE_SSE (1ull << 1)
#define XSTATE_AVX (1ull << 2)
#define XSTATE_AVX_SSE (XSTATE_SSE | XSTATE_AVX)
/* Opmasks, bits 511:256 of ZMM0 to 15, ZMM16 to 31: all or none (vol 1 13.3). */
#define XSTATE_OPMASK (1ull << 5)
#define XSTATE_ZMM_HI256 (1ull << 6)
#define XSTATE_HI16_ZMM (1ull << 7)
#define XSTATE_AVX512 (XSTATE_OPMASK | XSTATE_ZMM_HI256 | XSTATE_HI16_ZMM)
#define XSTATE_PKRU (1ull << 9)
#define XCOMP_COMPACT (1ull << 63)

/* Does the CPU's model have the feature? */
static inline bool cpu_has(const struct cpu *c, enum cpu_feature f)
{
    return cpu_model_has(c->model, f);
}

/* Is la canonical in the current paging mode? And is it one this CPU could ever use, with
 * CR4.LA57 set or not: what writes of MSRs, segment bases and descriptor-table bases are
 * checked against (SDM vol 3A 4.5.2)? */
static inline bool la_canonical(const struct cpu *c, uint64_t la)
{
    return sign_extend(la, c->cr4 & CR4_LA57 ? 57 : 48) == la;
}
static inline bool la_canonical_max(const struct cpu *c, uint64_t la)
{
    return sign_extend(la, cpu_linear_bits(c->model)) == la;
}

/* Segment base plus offset as instructions add them, without any check. */
static inline uint64_t la_unchecked(const struct cpu *c, unsigned s, uint64_t offset)
{
    if (cpu_code64(c))
        return (s >= FS ? c->seg[s].base : 0) + offset;
    return (uint32_t)(c->seg[s].base + offset);
}

/* CR4 bits that the model has. */
uint64_t cr4_supported(const struct cpu *c);

/* CR3 as MOV and a task switch load it: reserved bits and PAE's PDPTEs are checked
 * (#GP) before anything changes; then the TLB entries go that must. Ends with
 * cpu_derive(). */
void cr3_load(struct cpu *c, uint64_t value);

/* With PAE paging, reads the four PDPTEs that CR3 points at; false when one has reserved
 * bits set. To be followed by cpu_derive(). */
bool pdptes_reload(struct cpu *c);

/* CR0 likewise: MOV, LMSW. */
void cr0_load(struct cpu *c, uint64_t value);
void cr4_load(struct cpu *c, uint64_t value);

/* Makes the MMU watch the pages that DR0..DR3 and DR7 name. To be called when
 * those changed other than by instructions. */
void debug_watch(struct cpu *c);

/* PKRU, with the translations that depended on it. */
void pkru_load(struct cpu *c, uint32_t value);

/* XCR0 bits that the model has; and the bytes of an XSAVE area that holds `components`.
 */
uint64_t xcr0_supported(const struct cpu *c);
/* May XCR0 be v? */
bool xcr0_valid(const struct cpu *c, uint64_t v);
uint32_t xsave_size(uint64_t components, bool compacted);
/* One extended component: its size, its place in the standard format and whether the
 * compacted format aligns it. False when there is none with that number. */
bool xsave_component(unsigned n, uint32_t *size, uint32_t *offset, bool *align);
/* Which components are not in their initial configuration (XINUSE). */
uint64_t xsave_in_use(const struct cpu *c);

/* MXCSR bits that may be set: MXCSR_MASK. */
uint32_t mxcsr_mask(const struct cpu *c);

/* The initial configuration of the x87, as FNINIT and XRSTOR give it. */
void x87_initial(struct cpu *c);

/* MSRs. R_NONE, or why RDMSR and WRMSR raise #GP: the reason's operands are the number,
 * the value and detail. A refused write has changed nothing. */
enum reason msr_read(struct cpu *c, uint32_t number, uint64_t *value);
enum reason msr_write(struct cpu *c, uint32_t number, uint64_t value, uint64_t *detail);
/* The name in the manual, or NULL. */
const char *msr_name(uint32_t number);
/* What IA32_MISC_ENABLE holds after reset. */
uint64_t misc_enable_reset(const struct cpu *c);

#endif
