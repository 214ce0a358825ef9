/* oracle_accept.c - where a real processor may differ from us, and why: makers differ,
 * or the manual leaves it open.
 */
#include "tests/isa/accept.h"

#include "cpu/softfloat.h"
#include "cpu/x87.h"

#include <string.h>

static bool starts(const struct judged *j, const char *mnemonic)
{
    return strncmp(j->e->row->mnemonic, mnemonic, strlen(mnemonic)) == 0;
}

/* Both refuse a memory access, and nothing else has happened. */
static bool both_fault(const struct judged *j)
{
    return only(j, D_EVENT) && is_access_fault(j->native->vector) &&
           is_access_fault(j->menura->vector);
}

static bool alignment_first(const struct judged *j)
{
    return both_fault(j) && (j->q->in.flags & FLAG_AC) &&
           (j->native->vector == VEC_AC) != (j->menura->vector == VEC_AC);
}

static bool second_access_first(const struct judged *j)
{
    return both_fault(j) && (starts(j, "CMPS") || starts(j, "CALL") ||
                             starts(j, "BOUND") || starts(j, "ENTER"));
}

static bool other_end_first(const struct judged *j)
{
    return both_fault(j) && (starts(j, "FLDENV") || starts(j, "FRSTOR") ||
                             starts(j, "FNSAVE") || starts(j, "FNSTENV"));
}

static bool misaligned_through_ss(const struct judged *j)
{
    return both_fault(j) && j->native->vector == VEC_GP &&
           j->menura->vector == VEC_SS &&
           ((j->e->row->traits & T_ALIGN16) || starts(j, "CMPXCHG16B"));
}

/* BT with a register: the address without the segment base is looked at first. */
static bool bit_offset(const struct judged *j)
{
    return both_fault(j) && INSN_SEG(&j->e->insn[0]) >= FS &&
           strncmp(j->e->row->mnemonic, "BT", 2) == 0;
}

/* Two bytes can be read where four cannot. */
static bool movsxd16(const struct judged *j)
{
    return starts(j, "MOVSXD") && j->e->insn[0].bits == 16 &&
           is_access_fault(j->native->vector);
}

/* Ten bytes are a quadword and a word. */
static bool in_two_pieces(const struct judged *j)
{
    static const char *const name[] = {"FLD", "FSTP", "FBLD", "FBSTP"};

    if (!both_fault(j))
        return false;
    for (unsigned n = 0; n < ARRAY_SIZE(name); n++)
        if (strcmp(j->e->row->mnemonic, name[n]) == 0)
            return true;
    return false;
}

static bool stores_some(const struct judged *j)
{
    return starts(j, "PUSHA") && only(j, D_MEMORY) &&
           is_access_fault(j->native->vector);
}

/* The other end of the same access. */
static bool wraps_at_4g(const struct judged *j)
{
    return both_fault(j) && j->q->mode->bits == 32 && j->menura->vector == VEC_PF &&
           (j->native->vector == VEC_GP || j->native->vector == VEC_SS) &&
           ((uint32_t)j->menura->cr2 > 0xffffffc0u || (uint32_t)j->menura->cr2 < 64);
}

static bool loads_some(const struct judged *j)
{
    uint64_t rsp = j->native->out.gpr[RSP] ^ j->menura->out.gpr[RSP];
    return starts(j, "POPA") && only(j, D_GPR) && is_access_fault(j->native->vector) &&
           (uint32_t)rsp == 0;
}

/* All of it may be touched, or only what the mask selects; the x87 state is another's
 * before the address is known. */
static bool masked_store(const struct judged *j)
{
    return (starts(j, "MASKMOV") || starts(j, "VMASKMOVDQU")) &&
           (is_access_fault(j->native->vector) || j->menura->vector == VEC_AC);
}

static bool quadword_outside_64(const struct judged *j)
{
    const uint8_t *vex = j->e->bytes;

    if (j->native->vector != VEC_UD || j->q->mode->bits == 64 ||
        !(starts(j, "VPINSRD") || starts(j, "VPEXTRD")))
        return false;
    while (*vex != 0xc4) /* map 0F3A has no other form */
        vex++;
    return vex[2] & 0x80;
}

static bool mmx_before_xm(const struct judged *j)
{
    return j->native->vector == VEC_XM && only(j, D_FSW | D_TAGS) &&
           (j->e->row->traits & T_MMX) &&
           ((j->native->out.fsw ^ j->menura->out.fsw) & ~FSW_TOP) == 0;
}

static bool invalid_unmasked(const struct judged *j)
{
    return (j->native->out.fsw & FSW_IE) && !(j->q->in.fcw & FSW_IE);
}

static bool compares(const struct judged *j)
{
    return starts(j, "FCOM") || starts(j, "FUCOM") || starts(j, "FICOM") ||
           starts(j, "FTST");
}

static bool compare_sets_codes(const struct judged *j)
{
    unsigned fsw = j->native->out.fsw ^ j->menura->out.fsw;
    return compares(j) && invalid_unmasked(j) && only(j, D_FSW | D_FLAGS) &&
           (fsw & ~(unsigned)(FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3)) == 0;
}

static bool comi_keeps_c1(const struct judged *j)
{
    return (starts(j, "FCOMI") || starts(j, "FUCOMI")) && only(j, D_FSW) &&
           (j->native->out.fsw ^ j->menura->out.fsw) == FSW_C1 &&
           (j->native->out.fsw & FSW_C1) == (j->q->in.fsw & FSW_C1);
}

static bool is_transcendental(const struct judged *j)
{
    static const char *const name[] = {"F2XM1",  "FYL2X", "FYL2XP1", "FPTAN",
                                       "FPATAN", "FSIN",  "FCOS",    "FSINCOS"};
    for (unsigned n = 0; n < ARRAY_SIZE(name); n++)
        if (strcmp(j->e->row->mnemonic, name[n]) == 0)
            return true;
    return false;
}

/* Distance in units of the last place; a step over a power of two counts as one. */
static bool near(struct f80 a, struct f80 b)
{
    uint64_t apart = a.sig - b.sig;

    if (a.se == b.se)
        return apart + 1 <= 2;
    return ((a.se - b.se + 1) & 0xffff) <= 2 && (a.se ^ b.se) < 0x8000 &&
           (a.sig == 1ull << 63 || b.sig == 1ull << 63) &&
           apart + (1ull << 63) + 1 <= 2;
}

static bool within_an_ulp(const struct judged *j)
{
    unsigned fsw = j->native->out.fsw ^ j->menura->out.fsw;

    if (!is_transcendental(j) || !only(j, D_FSW | D_ST) ||
        (fsw & ~(unsigned)(FSW_C1 | FSW_PE | FSW_UE)))
        return false;
    for (unsigned n = 0; n < 8; n++)
        if (!near(j->native->out.st[n], j->menura->out.st[n]))
            return false;
    return true;
}

/* |ST(0)| above 1 - sqrt(2)/2 is outside FYL2XP1's range. */
static bool out_of_range(const struct judged *j)
{
    const struct f80 *x = &j->q->in.st[j->q->in.fsw >> 11 & 7];
    unsigned exponent = x->se & 0x7fff;

    return strcmp(j->e->row->mnemonic, "FYL2XP1") == 0 && only(j, D_FSW | D_ST) &&
           (exponent > 0x3ffd || (exponent == 0x3ffd && x->sig > 0x95f619980c4336f7));
}

/* The store is suppressed, but AMD's processors have looked at its address. */
static bool suppressed_store(const struct judged *j)
{
    return (starts(j, "FST") || starts(j, "FIST") || starts(j, "FBSTP")) &&
           in_memory(j) && is_access_fault(j->native->vector) &&
           j->menura->out.rip != j->q->in.rip && (j->menura->out.fsw & FSW_ES);
}

static bool sha_unaligned(const struct judged *j)
{
    return (starts(j, "SHA1") || starts(j, "SHA256")) && in_memory(j) &&
           j->menura->vector == VEC_GP;
}

/* Bit 17 of MXCSR (MM) switches off the alignment checks of SSE on AMD's processors. */
static bool mxcsr_mm(const struct judged *j)
{
    enum { MM = 1 << 17 };
    return (starts(j, "LDMXCSR") || starts(j, "VLDMXCSR")) &&
           j->menura->vector == VEC_GP &&
           only(j, D_EVENT | D_RIP | D_MXCSR | D_FLAGS) && (j->native->out.mxcsr & MM);
}

/* A trap between the elements of a REP instruction or of a gather. */
static bool resumes(const struct judged *j)
{
    return only(j, D_FLAGS) && j->native->vector == VEC_DB &&
           j->native->out.rip == j->q->in.rip &&
           (j->native->out.flags ^ j->menura->out.flags) == FLAG_RF &&
           (j->menura->out.flags & FLAG_RF);
}

/* ---- EVEX: what Zen 4 says ---- */

static bool evex_memory(const struct judged *j)
{
    return is_evex(j) && in_memory(j);
}

static bool reserved_ignored(const struct judged *j)
{
    return j->menura->vector == VEC_UD && j->native->vector != VEC_UD &&
           (spoiled(j, 1) || spoiled(j, 2));
}

/* The rest of the instruction is fetched first. */
static bool fetched_whole(const struct judged *j)
{
    enum { FETCH = 0x10 };
    return spoiled(j, 0) && j->menura->vector == VEC_UD &&
           j->native->vector == VEC_PF && (j->native->error & FETCH);
}

/* Whether a vector in memory is checked for alignment, and on what, is up to the
 * processor. */
static bool vector_alignment(const struct judged *j)
{
    return evex_memory(j) && (j->q->in.flags & FLAG_AC) &&
           (j->native->vector == VEC_AC) != (j->menura->vector == VEC_AC);
}

/* Of several elements, or of the halves of 512 bits, each may fault in its own way. */
static bool elements_fault(const struct judged *j)
{
    return evex_memory(j) && both_fault(j) &&
           (INSN_MASK(&j->e->insn[0]) || INSN_VL(&j->e->insn[0]) == 2 ||
            starts(j, "VPCOMPRESS") || starts(j, "VCOMPRESS"));
}

/* Elements that the opmask does not name lie over the segment's limit. */
static bool masked_over_limit(const struct judged *j)
{
    return evex_memory(j) && INSN_MASK(&j->e->insn[0]) && j->q->mode->bits != 64 &&
           (j->native->vector == VEC_GP || j->native->vector == VEC_SS) &&
           j->native->out.rip == j->q->in.rip &&
           (j->menura->out.rip != j->q->in.rip || j->menura->vector == VEC_XM);
}

/* An aligned move under an opmask that names nothing. */
static bool nothing_to_align(const struct judged *j)
{
    const struct insn *i = &j->e->insn[0];
    unsigned elements = (j->e->row->enc & W1 ? 2u : 4u) << INSN_VL(i);

    return evex_memory(j) && (j->e->row->traits & T_ALIGN16) && INSN_MASK(i) &&
           !(j->q->in.k[INSN_MASK(i)] & ((1ull << elements) - 1)) &&
           (j->menura->vector == VEC_GP || j->menura->vector == VEC_SS) &&
           j->menura->out.rip == j->q->in.rip && j->native->out.rip != j->q->in.rip;
}

static bool reduces_exactly(const struct judged *j)
{
    unsigned mxcsr = j->native->out.mxcsr ^ j->menura->out.mxcsr;

    return starts(j, "VREDUCE") && (mxcsr & ~(unsigned)FP_INEXACT) == 0 &&
           !(j->native->out.mxcsr & ~j->q->in.mxcsr & FP_INEXACT) &&
           (only(j, D_MXCSR) || j->menura->vector == VEC_XM);
}

/* The kernel's half of the register. */
static bool kmov_outside_64(const struct judged *j)
{
    return strcmp(j->e->row->mnemonic, "KMOVD") == 0 && j->q->mode->bits != 64 &&
           only(j, D_OPMASK);
}

const struct accepted oracle_accepted[] = {
    {alignment_first, "#AC before or after #PF: AMD checks alignment first (SDM vol 3A "
                      "Table 6-2 has it last)"},
    {second_access_first,
     "which of an instruction's two accesses faults first is open"},
    {other_end_first, "AMD walks the pieces of an x87 image in an order of its own"},
    {misaligned_through_ss,
     "misaligned and not canonical through SS: #GP or #SS is open"},
    {wraps_at_4g,
     "an access over FFFFFFFFh in a segment with that limit: #GP on AMD, wraps "
     "here (SDM vol 3A 5.3: open)"},
    {stores_some, "AMD: PUSHA has stored some registers when a later store faults"},
    {bit_offset,
     "AMD: the bit string's address must be canonical before FS or GS counts"},
    {movsxd16, "MOVSXD with 66: AMD reads four bytes, Intel two (SDM vol 2, MOVSXD)"},
    {in_two_pieces, "AMD accesses ten bytes as eight and two"},
    {loads_some, "AMD: POPA has loaded some registers when a later one faults"},
    {masked_store,
     "MASKMOV: AMD faults on bytes that are masked out, and MASKMOVDQU is not "
     "checked for alignment (SDM vol 2, MASKMOVDQU: open)"},
    {quadword_outside_64, "VPINSRQ and VPEXTRQ outside 64-bit mode: #UD on AMD, W is "
                          "ignored here (SDM vol 2, PINSRQ, PEXTRQ)"},
    {mmx_before_xm, "AMD: the transition to MMX stays when #XM follows"},
    {compare_sets_codes,
     "AMD sets the codes even if the invalid operand is unmasked (SDM "
     "vol 2, FCOM, FCOMI: not)"},
    {comi_keeps_c1, "AMD: FCOMI leaves C1 alone (SDM: cleared)"},
    {out_of_range, "FYL2XP1 outside its range: undefined"},
    {within_an_ulp, "transcendental: within one unit of the last place"},
    {suppressed_store, "AMD checks the address of a store that an unmasked exception "
                       "suppresses"},
    {sha_unaligned, "SHA: AMD asks for no alignment (SDM vol 2 2.4: class 4 does)"},
    {resumes, "AMD: RF is clear in a trap between two elements (SDM vol 3B 17.3.1.1: "
              "set)"},
    {mxcsr_mm, "LDMXCSR: MXCSR bit 17 (MM) exists on AMD"},
    {reserved_ignored,
     "EVEX: AMD ignores reserved bits of P1 and P2 (SDM vol 2 2.7.11: "
     "#UD, as Intel's do)"},
    {fetched_whole,
     "EVEX: AMD fetches all of an instruction whose P0 is reserved before "
     "#UD"},
    {masked_over_limit,
     "EVEX: AMD has the masked elements within the segment's limit, too "
     "(SDM vol 1 15.6.4: their faults are suppressed)"},
    {vector_alignment, "EVEX: which vectors #AC asks to be aligned on what is open "
                       "(SDM vol 3A 6.15)"},
    {elements_fault, "EVEX: which of an operand's elements, or of its halves, faults first "
                     "is open"},
    {nothing_to_align,
     "EVEX: AMD asks for no alignment under an empty opmask (SDM vol 2 "
     "2.8: class E1 does)"},
    {reduces_exactly,
     "VREDUCE: AMD reports no inexact result (SDM vol 2, VREDUCEPD: may)"},
    {kmov_outside_64,
     "KMOVD with W = 1 outside 64-bit mode: AMD's is KMOVQ, W is ignored "
     "here (SDM vol 2, KMOVQ: invalid there)"},
};
const unsigned oracle_accepted_count = ARRAY_SIZE(oracle_accepted);
