/* oracle_accept_bochs.c - where Bochs 2.7 differs, and why we do not follow it. What is
 * in oracle_accept.c holds for it, too. "AMD" are the answers of tests/isa/answers.
 */
#include "tests/isa/oracle.h"

#include "cpu/fault.h"

#include <string.h>

enum {
    MXCSR_DE = 1 << 1,
    MXCSR_UE = 1 << 4,
    MXCSR_PE = 1 << 5,
    MXCSR_FLAGS = 0x3f,
    MXCSR_UM = 1 << 11,
    MXCSR_FTZ = 1 << 15,
    VECTOR_BYTES = 64
};

static bool named(const struct judged *j, const char *mnemonic)
{
    const char *name = j->e->row->mnemonic;
    return strcmp(name + (*name == 'V'), mnemonic) == 0;
}

static bool starts(const struct judged *j, const char *mnemonic)
{
    const char *name = j->e->row->mnemonic;
    return strncmp(name + (*name == 'V'), mnemonic, strlen(mnemonic)) == 0;
}

static bool only(const struct judged *j, unsigned differs)
{
    return (j->differs & ~differs) == 0;
}

static bool is_access_fault(int vector)
{
    return vector == VEC_SS || vector == VEC_GP || vector == VEC_PF || vector == VEC_AC;
}

static bool in_memory(const struct judged *j)
{
    return j->e->insn[0].form & FORM_MEM;
}

static bool no_alignment_check(const struct judged *j)
{
    return (j->q->in.flags & FLAG_AC) && j->menura->vector == VEC_AC &&
           j->native->vector != VEC_AC &&
           (j->e->row->traits & (T_SSE | T_AVX | T_EVEX)) && in_memory(j);
}

/* Which element of a masked access faults first. */
static bool other_element_first(const struct judged *j)
{
    return only(j, D_EVENT) && in_memory(j) && is_access_fault(j->native->vector) &&
           is_access_fault(j->menura->vector) &&
           ((j->e->row->enc & EVEX) || starts(j, "MASKMOV") || starts(j, "PMASKMOV"));
}

static bool is_gather(const struct judged *j)
{
    return starts(j, "PGATHER") || starts(j, "GATHER");
}

/* With TF: the trap of the elements that were done, and not the fault of the next (SDM
 * vol 2, VGATHERDPS). */
static bool trap_not_fault(const struct judged *j)
{
    return j->menura->vector == VEC_DB && is_access_fault(j->native->vector) &&
           j->menura->out.rip == j->q->in.rip;
}

static bool gather_trap(const struct judged *j)
{
    return (is_gather(j) || starts(j, "PSCATTER") || starts(j, "SCATTER")) &&
           trap_not_fault(j) && only(j, D_EVENT | D_FLAGS);
}

/* VEX: the mask is a vector; Bochs first makes each of its elements all ones or zero.
 */
static bool gather_mask(const struct judged *j)
{
    unsigned mask = INSN_VVVV(&j->e->insn[0]);
    const uint64_t *n = j->native->out.zmm[mask], *m = j->menura->out.zmm[mask];
    uint64_t top = j->e->row->enc & W1 ? 1ull << 63 : 1ull << 63 | 1ull << 31;

    if (!is_gather(j) || (j->e->row->enc & EVEX) || !only(j, D_ZMM | D_EVENT | D_FLAGS))
        return false;
    if (!only(j, D_ZMM) && !trap_not_fault(j))
        return false;
    for (unsigned k = 0; k < 4; k++)
        if ((n[k] ^ m[k]) & top)
            return false;
    for (unsigned k = 0; k < 32; k++)
        if (k != mask &&
            memcmp(j->native->out.zmm[k], j->menura->out.zmm[k], VECTOR_BYTES))
            return false;
    return true;
}

static bool is_fma(const struct judged *j)
{
    return starts(j, "FMADD") || starts(j, "FMSUB") || starts(j, "FNMADD") ||
           starts(j, "FNMSUB");
}

/* A zero factor hides that the other one is denormal. */
static bool fma_denormal(const struct judged *j)
{
    uint32_t flags = j->native->out.mxcsr ^ j->menura->out.mxcsr;

    if (!is_fma(j) || (flags & ~(uint32_t)MXCSR_DE))
        return false;
    return only(j, D_MXCSR) ||
           (j->menura->vector == VEC_XM && (j->menura->out.mxcsr & MXCSR_DE));
}

static bool fma_underflow(const struct judged *j)
{
    return is_fma(j) && !(j->q->in.mxcsr & MXCSR_UM) && only(j, D_MXCSR) &&
           (j->native->out.mxcsr ^ j->menura->out.mxcsr) == MXCSR_UE &&
           (j->menura->out.mxcsr & MXCSR_UE);
}

static bool half_denormal(const struct judged *j)
{
    uint32_t flags = j->native->out.mxcsr ^ j->menura->out.mxcsr;
    return named(j, "CVTPS2PH") && only(j, D_MXCSR | D_ZMM | D_MEMORY) && flags &&
           !(flags & ~(uint32_t)(MXCSR_UE | MXCSR_PE));
}

static bool shift_by_64(const struct judged *j)
{
    return named(j, "PSRLQ") && ((unsigned)j->e->insn[0].imm & 0xff) == 64 &&
           only(j, D_ZMM);
}

static bool shift_mask_by_15(const struct judged *j)
{
    const char *name = j->e->row->mnemonic;
    return (strcmp(name, "KSHIFTLW") == 0 || strcmp(name, "KSHIFTRW") == 0) &&
           ((unsigned)j->e->insn[0].imm & 0xff) == 15 && only(j, D_OPMASK);
}

/* The opmask names no element, and the operand is misaligned. */
static bool nothing_misaligned(const struct judged *j)
{
    const struct insn *i = &j->e->insn[0];
    return (j->e->row->enc & EVEX) && (j->e->row->traits & T_ALIGN16) && in_memory(j) &&
           INSN_MASK(i) && !(j->q->in.k[INSN_MASK(i)] & 0xffff) &&
           j->menura->vector == VEC_GP;
}

/* Where EVEX.b must be clear. */
static bool store_with_b(const struct judged *j)
{
    const struct encoding *e = j->e;
    unsigned prefix = e->spoiled_at;

    return e->spoiled_by & 0x10 && prefix >= 3 && e->bytes[prefix - 3] == 0x62 &&
           operand_info[e->row->operand[0]].class == OC_W && in_memory(j) &&
           j->menura->vector == VEC_UD;
}

/* VSIB with an index from 16 on. */
static bool high_index(const struct judged *j)
{
    return isa_uses(j->e->row, OC_VM) && j->native->vector == VEC_UD &&
           (INSN_VVVV(&j->e->insn[0]) & 16);
}

/* Broadcasts of an opmask: bits above the vector length. */
static bool keeps_above(const struct judged *j)
{
    unsigned bytes = 16u << INSN_VL(&j->e->insn[0]);

    if (!starts(j, "PBROADCASTM") || !only(j, D_ZMM))
        return false;
    for (unsigned k = 0; k < 32; k++)
        if (memcmp(j->native->out.zmm[k], j->menura->out.zmm[k], bytes))
            return false;
    return true;
}

/* What the opmask leaves out of memory is not to be touched (SDM vol 2 2.8). */
static bool reads_all(const struct judged *j)
{
    return (named(j, "CVTPH2PS") || starts(j, "PMOVSX") || starts(j, "PMOVZX") ||
            starts(j, "PEXPAND") || starts(j, "EXPAND")) &&
           (j->e->row->enc & EVEX) && in_memory(j) && INSN_MASK(&j->e->insn[0]) &&
           (is_access_fault(j->native->vector) || j->native->vector == VEC_AC);
}

static bool sae_of(const struct judged *j, const char *mnemonic)
{
    return starts(j, mnemonic) && (j->e->row->enc & EVEX) && !in_memory(j) &&
           INSN_B(&j->e->insn[0]);
}

static bool sae_forgotten(const struct judged *j)
{
    return sae_of(j, "CVTPS2PH") &&
           only(j, D_MXCSR | D_EVENT | D_ZMM | D_RIP | D_FLAGS);
}

/* imm8 says: as MXCSR. */
static bool sae_rounds(const struct judged *j)
{
    return (sae_of(j, "RNDSCALE") || sae_of(j, "REDUCE")) &&
           ((unsigned)j->e->insn[0].imm & 4) && only(j, D_ZMM);
}

static bool rounding_flushes(const struct judged *j)
{
    const struct insn *i = &j->e->insn[0];
    return (j->e->row->traits & (T_ER | T_SAE)) && !in_memory(j) && INSN_B(i) &&
           (j->q->in.mxcsr & MXCSR_FTZ) && !(j->q->in.mxcsr & MXCSR_UM) &&
           only(j, D_ZMM);
}

static bool affine(const struct judged *j)
{
    return starts(j, "GF2P8AFFINE") && only(j, D_ZMM);
}

static bool sha1_rounds(const struct judged *j)
{
    return named(j, "SHA1RNDS4") && only(j, D_ZMM);
}

static bool dot_product_nan(const struct judged *j)
{
    uint32_t flags = j->native->out.mxcsr ^ j->menura->out.mxcsr;
    return (named(j, "DPPS") || named(j, "DPPD")) && only(j, D_ZMM | D_MXCSR) &&
           !(flags & ~(uint32_t)MXCSR_DE);
}

static bool flags_before_store(const struct judged *j)
{
    uint32_t flags = j->native->out.mxcsr ^ j->menura->out.mxcsr;
    return named(j, "CVTPS2PH") && in_memory(j) && is_access_fault(j->menura->vector) &&
           only(j, D_MXCSR | D_EVENT) && !(flags & ~(uint32_t)MXCSR_FLAGS);
}

const struct accepted bochs_accepted[] = {
    {no_alignment_check, "Bochs: no #AC for vectors in memory (AMD: as here)"},
    {other_element_first,
     "Bochs: the last element of a masked access faults first (open)"},
    {gather_mask,
     "Bochs: a gather that is cut short has made its mask's elements all ones "
     "or zero (AMD: as here)"},
    {gather_trap,
     "Bochs: the fault of a later element hides the trap of a gather's done "
     "ones (AMD: as here)"},
    {fma_denormal, "Bochs: FMA with a zero factor does not tell of a denormal operand "
                   "(AMD: as here)"},
    {fma_underflow,
     "Bochs: FMA with underflow unmasked and other exceptions: no UE (AMD: "
     "as here)"},
    {half_denormal, "Bochs: VCVTPS2PH with a denormal result: UE, PE (AMD: as here)"},
    {shift_by_64, "Bochs 2.7: PSRLQ by 64 shifts nothing (AMD: as here)"},
    {shift_mask_by_15,
     "Bochs 2.7: KSHIFTLW and KSHIFTRW by 15 make 0 (SDM vol 2: from 16 "
     "on)"},
    {nothing_misaligned,
     "Bochs: no alignment check where the opmask names no element (the "
     "manual does not say)"},
    {store_with_b, "Bochs: EVEX.b is ignored in stores (SDM vol 2 2.7.11: #UD)"},
    {rounding_flushes,
     "Bochs: with embedded rounding FTZ needs MXCSR.UM all the same (SDM "
     "vol 1 15.6.4: all exceptions are masked)"},
    {high_index, "Bochs 2.7: #UD for ZMM16 to 31 as an index (SDM vol 2 2.7.2: EVEX.V' "
                 "is its bit 4)"},
    {keeps_above,
     "Bochs 2.7: VPBROADCASTMB2Q and -MW2D keep the bits above their length "
     "(SDM vol 2: zeroed)"},
    {reads_all,
     "Bochs: VCVTPH2PS, VPMOVSX, VPMOVZX, VPEXPAND read what the opmask leaves "
     "out (SDM vol 2 2.8, types E5, E11, E4: fault suppression)"},
    {sae_forgotten, "Bochs 2.7: VCVTPS2PH has no SAE (SDM vol 2)"},
    {sae_rounds,
     "Bochs: VRNDSCALE, VREDUCE with SAE take EVEX.L'L for the rounding (SDM "
     "vol 2 Table 2-36: SAE alone)"},
    {affine,
     "Bochs 2.7: GF2P8AFFINEQB and -INVQB with inverted parity (SDM vol 2: even "
     "parity is 0)"},
    {sha1_rounds, "Bochs 2.7: SHA1RNDS4 (AMD: as here)"},
    {dot_product_nan, "Bochs: DPPS and DPPD choose another NaN (AMD: as here)"},
    {flags_before_store,
     "Bochs: VCVTPS2PH has set MXCSR when its store faults (AMD: as "
     "here)"},
};
const unsigned bochs_accepted_count = ARRAY_SIZE(bochs_accepted);
