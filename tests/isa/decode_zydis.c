/* decode_zydis.c - decode() against the Zydis disassembler: is it an instruction, how
 * long is it, which operands has it, and which flags does its row say that it reads and
 * writes, in 16-, 32- and 64-bit mode.
 *
 *   decode_zydis [-n STRINGS] [-seed N] [-v]
 *   decode_zydis MODE BYTES...      (one string, shown in full)
 *
 * A sixth of the strings is noise, half have the shape of instructions, and a third are
 * of a row of the table, so that each row is asked about many times. Every disagreement
 * is a failure unless a row of `accepted` gives the reason.
 */
#include <Zydis/Zydis.h> /* before isa.h, whose L2 is a member here */

#include "base/byteorder.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "cpu/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 16, AT = 0x100 };

struct mode {
    const char *name;
    unsigned bits;
    uint32_t ours;
    ZydisMachineMode machine;
    ZydisStackWidth stack;
};

static const struct mode modes[] = {
    {"64", 64, MODE_CODE64 | MODE_LONG | MODE_PROTECTED | MODE_STACK32,
     ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
    {"32", 32, MODE_CODE32 | MODE_PROTECTED | MODE_STACK32,
     ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
    {"16", 16, MODE_PROTECTED, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16},
    {"real", 16, 0, ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16},
};

/* One string, decoded by both. */
struct pair {
    const struct mode *mode;
    const uint8_t *bytes;
    enum decode_status status;
    struct insn out[2];
    const struct isa_row *row; /* NULL: not decoded */
    ZyanStatus zstatus;
    ZydisDecodedInstruction z;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* ---- disagreements that are right ---- */

enum kind {
    WE_REFUSE,
    ZYDIS_REFUSES,
    LENGTHS,
    OPERANDS,
    READS,
    WRITES,
    UNDEFINED,
    KINDS
};
static const char *const kind_name[KINDS] = {
    "only Zydis decodes it", "only we decode it", "lengths differ",
    "operands differ",       "flags read differ", "flags written differ",
    "undefined flags differ"};

static bool is_row(const struct pair *p, const char *mnemonic)
{
    return p->row && strcmp(p->row->mnemonic, mnemonic) == 0;
}

/* What Zydis knows and no row has yet. */
static bool not_implemented(const struct pair *p)
{
    switch (p->z.meta.isa_set) {
    case ZYDIS_ISA_SET_AVX512ER_512:
    case ZYDIS_ISA_SET_AVX512ER_SCALAR:
    case ZYDIS_ISA_SET_AVX512PF_512:
    case ZYDIS_ISA_SET_AVX512_4FMAPS_512:
    case ZYDIS_ISA_SET_AVX512_4FMAPS_SCALAR:
    case ZYDIS_ISA_SET_AVX512_4VNNIW_512:
    case ZYDIS_ISA_SET_AVX512_FP16_128:
    case ZYDIS_ISA_SET_AVX512_FP16_128N:
    case ZYDIS_ISA_SET_AVX512_FP16_256:
    case ZYDIS_ISA_SET_AVX512_FP16_512:
    case ZYDIS_ISA_SET_AVX512_FP16_SCALAR:
    case ZYDIS_ISA_SET_AVX512_VP2INTERSECT_128:
    case ZYDIS_ISA_SET_AVX512_VP2INTERSECT_256:
    case ZYDIS_ISA_SET_AVX512_VP2INTERSECT_512: return true;
    default: break;
    }
    switch (p->z.meta.isa_ext) {
    case ZYDIS_ISA_EXT_ADOX_ADCX:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_AVX:
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVX2GATHER:
    case ZYDIS_ISA_EXT_AVX512EVEX:
    case ZYDIS_ISA_EXT_AVX512VEX:
    case ZYDIS_ISA_EXT_AVXAES:
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_BMI1:
    case ZYDIS_ISA_EXT_BMI2:
    case ZYDIS_ISA_EXT_CLFLUSHOPT:
    case ZYDIS_ISA_EXT_CLFSH:
    case ZYDIS_ISA_EXT_CLWB:
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA:
    case ZYDIS_ISA_EXT_GFNI:
    case ZYDIS_ISA_EXT_INVPCID:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_LZCNT:
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_MONITOR:
    case ZYDIS_ISA_EXT_MOVBE:
    case ZYDIS_ISA_EXT_PAUSE:
    case ZYDIS_ISA_EXT_PCLMULQDQ:
    case ZYDIS_ISA_EXT_PKU:
    case ZYDIS_ISA_EXT_RDPID:
    case ZYDIS_ISA_EXT_RDRAND:
    case ZYDIS_ISA_EXT_RDSEED:
    case ZYDIS_ISA_EXT_RDTSCP:
    case ZYDIS_ISA_EXT_RDWRFSGS:
    case ZYDIS_ISA_EXT_SHA:
    case ZYDIS_ISA_EXT_SMAP:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_SSE4A:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_VAES:
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_XSAVE:
    case ZYDIS_ISA_EXT_XSAVEC:
    case ZYDIS_ISA_EXT_XSAVEOPT:
    case ZYDIS_ISA_EXT_XSAVES: return false;
    default: return true;
    }
}

/* Checked when executed: MOV to CS, and control and debug registers that do not exist.
 */
static bool refused_by_handler(const struct pair *p)
{
    const struct isa_row *r = p->row;
    if (strcmp(r->mnemonic, "MOV") != 0)
        return false;
    for (unsigned k = 0; k < 2; k++)
        switch (operand_info[r->operand[k]].class) {
        case OC_S: return k == 0 && p->out[0].reg == CS;
        case OC_C:
        case OC_D: return true;
        default: break;
        }
    return false;
}

static bool refused_by_mode(const struct pair *p)
{
    return (p->mode->ours & MODE_PROTECTED) == 0 &&
           (is_row(p, "SYSENTER") || is_row(p, "SYSEXIT") || is_row(p, "SYSRET"));
}

static bool is_monitor(const struct pair *p)
{
    return is_row(p, "MONITOR") || is_row(p, "MWAIT");
}

static bool no_operand_matters(const struct pair *p)
{
    return is_row(p, "NOP") || is_row(p, "PREFETCHh") || is_row(p, "PREFETCHW") ||
           is_row(p, "UD0") || is_row(p, "UD1");
}

/* Table 2-3, note 1: base 5 with mod 0 is no base, whatever REX.B. Zydis 4.0 takes R13D
 * when the address size is 32. */
static bool sib_without_base(const struct pair *p)
{
    return p->mode->bits == 64 && p->z.address_width == 32 && p->z.raw.modrm.mod == 0 &&
           p->z.raw.modrm.rm == 4 && p->z.raw.sib.base == 5 && p->z.raw.rex.B;
}

static bool stores_word(const struct pair *p)
{
    return (p->out[0].form & FORM_MEM) && p->op[0].size == 16 &&
           (is_row(p, "MOV") || is_row(p, "SLDT") || is_row(p, "STR"));
}

static bool zero_extends(const struct pair *p)
{
    return p->out[0].bits == 32 && p->op[0].size == 64 &&
           (is_row(p, "MOVMSKPS") || is_row(p, "MOVMSKPD") || is_row(p, "RDPID"));
}

static bool is_compressed(const struct pair *p)
{
    return (p->out[0].form & FORM_MEM) && (strstr(p->row->mnemonic, "COMPRESS") ||
                                           strstr(p->row->mnemonic, "EXPAND"));
}

static bool is_flush(const struct pair *p)
{
    return is_row(p, "CLFLUSH") || is_row(p, "CLFLUSHOPT") || is_row(p, "CLWB");
}

/* W is ignored there, and with it 0 the rounding is, too (VCVTSI2SD): nothing to refuse */
static bool rounds_exact(const struct pair *p)
{
    return p->mode->bits != 64 && INSN_B(&p->out[0]) &&
           (is_row(p, "VCVTSI2SD") || is_row(p, "VCVTUSI2SD"));
}

enum { ALL_FLAGS = F_OSZAPC | F_DF };

static const ZydisAccessedFlags *zydis_flags(const struct pair *p)
{
    static const ZydisAccessedFlags none;
    return p->z.cpu_flags ? p->z.cpu_flags : &none;
}

static uint32_t zydis_undefined(const struct pair *p)
{
    return zydis_flags(p)->undefined & ALL_FLAGS;
}

/* An undefined flag counts as written, too. */
static uint32_t zydis_written(const struct pair *p)
{
    const ZydisAccessedFlags *z = zydis_flags(p);
    return (z->modified | z->set_0 | z->set_1 | z->undefined) & ALL_FLAGS;
}

static uint32_t written(const struct pair *p)
{
    return p->row->writes | p->row->undefined;
}

static bool any_condition(const struct pair *p)
{
    return p->row->reads == F_OSZPC &&
           (is_row(p, "Jcc") || is_row(p, "SETcc") || is_row(p, "CMOVcc"));
}

static bool is_shift(const struct pair *p)
{
    return is_row(p, "SHL") || is_row(p, "SHR") || is_row(p, "SAR") ||
           is_row(p, "ROL") || is_row(p, "ROR") || is_row(p, "RCL") ||
           is_row(p, "RCR") || is_row(p, "SHLD") || is_row(p, "SHRD");
}

static bool keeps_if_zero(const struct pair *p)
{
    return is_shift(p) && p->row->operand[1] != O_I1 &&
           (p->row->reads == p->row->writes || p->row->reads == written(p));
}

/* OF by a count of 1; CF when the count is the operand's size or more. */
static bool by_count(const struct pair *p)
{
    bool by_1 = p->row->operand[1] == O_I1;
    uint32_t ours = p->row->undefined;

    if (!is_shift(p))
        return false;
    if (by_1)
        return ours == (zydis_undefined(p) & ~(uint32_t)F_OF);
    return (is_row(p, "SHL") || is_row(p, "SHR")) &&
           ours == (zydis_undefined(p) | F_CF);
}

/* Onto the stack or into a TSS. */
static bool saves_flags(const struct pair *p)
{
    static const char *const name[] = {"INT", "INT1", "INT3", "INTO", "IRET", "SYSCALL"};

    if (p->row->reads != ALL_FLAGS)
        return false;
    for (unsigned n = 0; n < ARRAY_SIZE(name); n++)
        if (is_row(p, name[n]))
            return true;
    return (is_row(p, "CALL") || is_row(p, "JMP")) &&
           p->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

static bool compares_strings(const struct pair *p)
{
    return p->row->reads == F_DF && (is_row(p, "CMPS") || is_row(p, "SCAS"));
}

/* To and from control and debug registers. */
static bool is_system_move(const struct pair *p)
{
    return is_row(p, "MOV") && p->row->undefined == F_OSZAPC && !p->row->writes;
}

static bool is_vector_test(const struct pair *p)
{
    return p->row->writes == F_OSZAPC && !p->row->undefined &&
           (is_row(p, "VPTEST") || is_row(p, "VTESTPS") || is_row(p, "VTESTPD"));
}

static bool is_subtraction(const struct pair *p)
{
    return is_row(p, "SBB") && !p->row->undefined;
}

static bool is_extraction(const struct pair *p)
{
    return is_row(p, "BEXTR") && p->row->undefined == (F_SF | F_AF | F_PF);
}

static bool counts_zeros(const struct pair *p)
{
    return (is_row(p, "LZCNT") || is_row(p, "TZCNT")) &&
           p->row->undefined == (F_OF | F_SF | F_AF | F_PF);
}

struct accepted {
    enum kind kind;
    bool (*is)(const struct pair *p);
    const char *reason;
};

static const struct accepted accepted[] = {
    {WE_REFUSE, not_implemented, "an extension that no row has"},
    {ZYDIS_REFUSES, refused_by_handler,
     "#UD for the register's number, by the handler"},
    {ZYDIS_REFUSES, refused_by_mode, "real mode: #GP(0) or #UD, by the handler"},
    {ZYDIS_REFUSES, rounds_exact,
     "EVEX.W1 outside 64-bit mode with a rounding that does not matter"},
    {ZYDIS_REFUSES, is_monitor, "the manual's row forbids no prefix"},
    {OPERANDS, no_operand_matters, "hints and UD: operands mean nothing"},
    {OPERANDS, sib_without_base, "Zydis 4.0: R13D where the manual has no base"},
    {OPERANDS, stores_word, "memory form: 16 bits whatever the operand size"},
    {OPERANDS, zero_extends, "bits 63:32 are zero with every operand size"},
    {OPERANDS, is_compressed, "Zydis: an element; of how many the mask decides"},
    {OPERANDS, is_flush, "Zydis: the cache line; the manual: m8"},
    {READS, any_condition, "one row for all conditions"},
    {READS, keeps_if_zero, "a count of 0 keeps the flags that others write"},
    {READS, saves_flags, "saved on the stack, in R11 or a TSS"},
    {READS, compares_strings, "Zydis: REPE's test of what the comparison wrote"},
    {WRITES, is_vector_test,
     "Zydis 4.0: as PTEST does it, OF, SF, AF and PF are cleared"},
    {WRITES, is_system_move, "Zydis has none; SDM vol 2, MOV: undefined"},
    {UNDEFINED, is_system_move, "Zydis has none; SDM vol 2, MOV: undefined"},
    {UNDEFINED, by_count, "shifts: OF is defined for 1, CF below the operand's size"},
    {UNDEFINED, is_subtraction, "Zydis 4.0: AF of SBB is defined (SDM vol 2)"},
    {UNDEFINED, is_extraction, "Zydis: BEXTR clears OF and CF (SDM vol 2)"},
    {UNDEFINED, counts_zeros, "Zydis is told to take it for BSF or BSR"},
};

static const struct accepted *accept(const struct pair *p, enum kind kind)
{
    for (unsigned n = 0; n < ARRAY_SIZE(accepted); n++)
        if (accepted[n].kind == kind && accepted[n].is(p))
            return &accepted[n];
    return NULL;
}

/* ---- both decoders ---- */

static struct isa_table table;
static ZydisDecoder decoders[ARRAY_SIZE(modes)];

/* Zydis decodes some hints as what later extensions made of them. */
static bool decoders_init(void)
{
    static const ZydisDecoderMode off[] = {
        ZYDIS_DECODER_MODE_MPX,      ZYDIS_DECODER_MODE_CET,
        ZYDIS_DECODER_MODE_LZCNT,    ZYDIS_DECODER_MODE_TZCNT,
        ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE,
    };
    for (unsigned n = 0; n < ARRAY_SIZE(modes); n++) {
        if (ZYAN_FAILED(
                ZydisDecoderInit(&decoders[n], modes[n].machine, modes[n].stack)))
            return false;
        for (unsigned k = 0; k < ARRAY_SIZE(off); k++)
            ZydisDecoderEnableMode(&decoders[n], off[k], ZYAN_FALSE);
    }
    return true;
}

static void decode_both(struct pair *p, const struct mode *mode, const uint8_t *bytes)
{
    p->mode = mode;
    p->bytes = bytes;
    p->status = decode(&table, mode->ours, bytes, 15, AT, p->out);
    p->row = p->status == DECODE_OK ? &isa_rows[p->out[0].row] : NULL;
    p->zstatus =
        ZydisDecoderDecodeFull(&decoders[mode - modes], bytes, 15, &p->z, p->op);
}

/* ---- comparing operands ---- */

/* The general register at an offset in struct cpu, or a number for what is not one. */
static int gpr_at(uint16_t offset)
{
    int at = (int)offset - (int)CPU_GPR_OFFSET(0);
    return at >= 0 && at < 16 * 8 ? at / 8 : -1;
}

static bool is_high_byte(uint16_t offset)
{
    return ((offset - CPU_GPR_OFFSET(0)) & 7) == (HOST_BIG_ENDIAN ? 6 : 1);
}

static bool same_register(uint16_t ours, ZydisRegister z)
{
    unsigned id = (unsigned)ZydisRegisterGetId(z);

    switch (ZydisRegisterGetClass(z)) {
    case ZYDIS_REGCLASS_GPR8:
        if (z >= ZYDIS_REGISTER_AH && z <= ZYDIS_REGISTER_BH)
            return is_high_byte(ours) && gpr_at(ours) == (int)(z - ZYDIS_REGISTER_AH);
        if (z >= ZYDIS_REGISTER_SPL)
            id = (unsigned)(z - ZYDIS_REGISTER_SPL) + 4;
        else
            id = (unsigned)(z - ZYDIS_REGISTER_AL);
        return !is_high_byte(ours) && gpr_at(ours) == (int)id;
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64: return gpr_at(ours) == (int)id;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
        return ours == offsetof(struct cpu, v) + id * sizeof(struct vec);
    case ZYDIS_REGCLASS_MASK:
        return ours == offsetof(struct cpu, k) + id * sizeof(uint64_t);
    case ZYDIS_REGCLASS_MMX:
    case ZYDIS_REGCLASS_X87:
    case ZYDIS_REGCLASS_SEGMENT:
    case ZYDIS_REGCLASS_CONTROL:
    case ZYDIS_REGCLASS_DEBUG: return ours == id;
    default: return false;
    }
}

static const char *compare_memory(const struct pair *p, const ZydisDecodedOperand *o)
{
    const struct insn *i = &p->out[0];
    int64_t disp = i->disp;
    static const ZydisRegister sreg[] = {ZYDIS_REGISTER_ES, ZYDIS_REGISTER_CS,
                                         ZYDIS_REGISTER_SS, ZYDIS_REGISTER_DS,
                                         ZYDIS_REGISTER_FS, ZYDIS_REGISTER_GS};

    if (!(i->form & FORM_MEM))
        return "memory operand";
    if (16u << INSN_ASIZE(i) != p->z.address_width)
        return "address size";
    if (o->mem.type == ZYDIS_MEMOP_TYPE_MEM && sreg[INSN_SEG(i)] != o->mem.segment)
        return "segment";
    if (o->mem.base == ZYDIS_REGISTER_RIP || o->mem.base == ZYDIS_REGISTER_EIP) {
        if (i->rm != CPU_PAGE_RIP_OFFSET)
            return "RIP base";
        disp -= AT + i->len;
    } else if (o->mem.base == ZYDIS_REGISTER_NONE) {
        if (i->rm != CPU_ZERO_OFFSET)
            return "no base";
    } else if (!same_register(i->rm, o->mem.base)) {
        return "base";
    }
    if (o->mem.index == ZYDIS_REGISTER_NONE) {
        if (i->index != CPU_ZERO_OFFSET)
            return "no index";
    } else if (!same_register(i->index, o->mem.index) ||
               1u << INSN_SCALE(i) != o->mem.scale) {
        return "index";
    }
    if ((i->form & FORM_LONG) && (p->row->enc & 0x7fc) == 0xa0)
        disp = (int64_t)insn_imm64(i);
    if (o->mem.disp.has_displacement) {
        uint64_t mask =
            p->z.address_width == 64 ? UINT64_MAX : (1ull << p->z.address_width) - 1;
        if ((((uint64_t)disp ^ (uint64_t)o->mem.disp.value) & mask) != 0)
            return "displacement";
    } else if (disp != 0) {
        return "no displacement";
    }
    return NULL;
}

static const char *compare_immediate(const struct pair *p, const ZydisDecodedOperand *o,
                                     unsigned nth)
{
    const struct insn *i = &p->out[0];
    uint64_t ours = (uint64_t)(int64_t)i->imm;
    uint64_t mask = o->size >= 64 ? UINT64_MAX : (1ull << o->size) - 1;

    if (nth == 1)
        ours = i->aux; /* ENTER's level */
    else if (i->form & FORM_LONG)
        ours = insn_imm64(i);
    if ((ours ^ o->imm.value.u) & mask)
        return o->imm.is_relative ? "branch distance" : "immediate";
    return NULL;
}

/* The width of a general-purpose first operand that its row gives by a letter. */
static const char *compare_width(const struct pair *p)
{
    const struct operand_info *o = &operand_info[p->row->operand[0]];

    if (p->z.operand_count_visible == 0) /* NOP, PAUSE */
        return NULL;
    switch (o->class) {
    case OC_E:
    case OC_G:
    case OC_R:
    case OC_Z:
    case OC_ACC: return p->out[0].bits == p->op[0].size ? NULL : "operand size";
    default: return NULL;
    }
}

static unsigned vector_bytes(const struct pair *p)
{
    return 16u << (p->row->enc & (VEX | EVEX) ? INSN_VL(&p->out[0]) : 0);
}

/* The size of the row's operand in memory; 0: nothing to compare. BOUND has two. */
static unsigned memory_bytes(const struct pair *p, const struct operand_info *o)
{
    const struct insn *i = &p->out[0];

    if ((p->row->enc & EVEX) && INSN_B(i))
        return p->z.raw.evex.W ? 8 : 4;
    switch (o->size) {
    case SZ_V: return (o == &operand_info[O_Ma] ? 2 : 1) * i->bits / 8;
    case SZ_Y: return i->form & FORM_W ? 8 : 4;
    case SZ_P: return i->bits / 8 + 2;
    case SZ_S: return p->mode->machine == ZYDIS_MACHINE_MODE_LONG_64 ? 10 : 6;
    case SZ_X: return vector_bytes(p);
    case SZ_X2: return vector_bytes(p) / 2;
    case SZ_X4: return vector_bytes(p) / 4;
    case SZ_X8: return vector_bytes(p) / 8;
    case SZ_Z:
    case SZ_YD: return 0;
    default: return o->size;
    }
}

static const char *compare_memory_size(const struct pair *p,
                                       const ZydisDecodedOperand *z)
{
    for (unsigned k = 0; k < ARRAY_SIZE(p->row->operand) && p->row->operand[k]; k++) {
        const struct operand_info *o = &operand_info[p->row->operand[k]];
        unsigned bytes;

        switch (o->class) {
        case OC_E:
        case OC_M:
        case OC_W:
        case OC_Q:
        case OC_KM:
        case OC_VM:
            bytes = memory_bytes(p, o);
            return bytes && 8 * bytes != z->size ? "memory size" : NULL;
        default: break;
        }
    }
    return NULL;
}

static const char *compare_each(const struct pair *p)
{
    const struct insn *i = &p->out[0];
    const char *what = NULL;
    unsigned immediates = 0;

    for (unsigned n = 0; n < p->z.operand_count_visible && !what; n++) {
        const ZydisDecodedOperand *o = &p->op[n];
        switch (o->type) {
        case ZYDIS_OPERAND_TYPE_REGISTER:
            if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG &&
                !same_register(i->reg, o->reg.value))
                what = "register";
            else if ((o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
                      o->encoding == ZYDIS_OPERAND_ENCODING_OPCODE) &&
                     !same_register(i->rm, o->reg.value))
                what = "r/m register";
            else if (o->encoding == ZYDIS_OPERAND_ENCODING_NDSNDD &&
                     INSN_VVVV(i) != (unsigned)ZydisRegisterGetId(o->reg.value))
                what = "vvvv";
            else if (o->encoding == ZYDIS_OPERAND_ENCODING_IS4 &&
                     i->imm >> 4 != ZydisRegisterGetId(o->reg.value))
                what = "is4";
            break;
        case ZYDIS_OPERAND_TYPE_MEMORY:
            if (o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
                o->encoding == ZYDIS_OPERAND_ENCODING_DISP16_32_64)
                what = compare_memory(p, o);
            if (!what && o->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
                what = compare_memory_size(p, o);
            break;
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
            if (o->encoding != ZYDIS_OPERAND_ENCODING_NONE)
                what = compare_immediate(p, o, immediates++);
            break;
        case ZYDIS_OPERAND_TYPE_POINTER:
            if (o->ptr.segment != (uint16_t)i->disp ||
                o->ptr.offset != (uint32_t)i->imm)
                what = "far pointer";
            break;
        default: break;
        }
    }
    return what;
}

/* Zydis gives fixed forms a length too. */
static bool has_vector_length(const struct isa_row *r)
{
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        if (operand_info[r->operand[k]].size == SZ_X)
            return true;
    return false;
}

static const char *compare_evex(const struct pair *p)
{
    static const uint16_t bits[] = {128, 256, 512};
    const struct insn *i = &p->out[0];
    const ZydisDecodedInstructionAvx *avx = &p->z.avx;

    if (avx->mask.mode != ZYDIS_MASK_MODE_INVALID &&
        INSN_MASK(i) != (unsigned)ZydisRegisterGetId(avx->mask.reg))
        return "opmask";
    if (INSN_Z(i) != p->z.raw.evex.z || INSN_B(i) != p->z.raw.evex.b)
        return "z or b";
    if (avx->has_sae && !(p->row->traits & (T_ER | T_SAE)))
        return "SAE";
    if (avx->broadcast.mode && !avx->broadcast.is_static && !(p->row->traits & T_BCST))
        return "broadcast";
    if (avx->rounding.mode && INSN_RC(i) != avx->rounding.mode - ZYDIS_ROUNDING_MODE_RN)
        return "rounding";
    if (avx->vector_length && has_vector_length(p->row) &&
        bits[INSN_VL(i)] != avx->vector_length)
        return "vector length";
    return NULL;
}

static const char *compare_operands(const struct pair *p)
{
    const char *what = compare_width(p);

    if (!what && (p->row->enc & EVEX))
        what = compare_evex(p);
    return what ? what : compare_each(p);
}

/* ---- counting and telling ---- */

static unsigned long long strings, both, accepted_count[ARRAY_SIZE(accepted)];
static unsigned long long failures;
static unsigned told[KINDS][2048];
static bool verbose;

/* One line for each kind and instruction, all with -v. */
static void tell(const struct pair *p, enum kind kind, const char *what)
{
    unsigned key = p->row ? p->out[0].row : 1024 + (p->z.mnemonic & 1023);

    failures++;
    if (told[kind][key % 2048]++ && !verbose)
        return;
    printf("%s-bit", p->mode->name);
    for (unsigned n = 0; n < 15; n++)
        printf(" %02x", p->bytes[n]);
    printf(": %s%s%s: we %s (%u bytes), Zydis %s (%u bytes, %s)\n", kind_name[kind],
           what ? ": " : "", what ? what : "", p->row ? p->row->mnemonic : "nothing",
           p->row ? p->out[0].len : 0,
           ZYAN_SUCCESS(p->zstatus) ? ZydisMnemonicGetString(p->z.mnemonic) : "nothing",
           ZYAN_SUCCESS(p->zstatus) ? p->z.length : 0,
           ZYAN_SUCCESS(p->zstatus) ? ZydisISAExtGetString(p->z.meta.isa_ext) : "-");
}

static void disagree(const struct pair *p, enum kind kind, const char *what)
{
    const struct accepted *a = accept(p, kind);
    if (a)
        accepted_count[a - accepted]++;
    else
        tell(p, kind, what);
}

static void check(struct pair *p)
{
    const char *what;

    strings++;
    if (ZYAN_FAILED(p->zstatus)) {
        if (p->row)
            disagree(p, ZYDIS_REFUSES, NULL);
        return;
    }
    if (!p->row) {
        disagree(p, WE_REFUSE, NULL);
        return;
    }
    both++;
    if (p->out[0].len != p->z.length) {
        disagree(p, LENGTHS, NULL);
        return;
    }
    what = compare_operands(p);
    if (what)
        disagree(p, OPERANDS, what);
    if ((p->row->reads ^ zydis_flags(p)->tested) & ALL_FLAGS)
        disagree(p, READS, NULL);
    if (written(p) != zydis_written(p))
        disagree(p, WRITES, NULL);
    if (p->row->undefined != zydis_undefined(p))
        disagree(p, UNDEFINED, NULL);
}

/* ---- strings ---- */

static uint64_t random_state;

static uint64_t random64(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15ull; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* The prefixes of a row, the last of them its mandatory one; W is in REX. */
static unsigned put_legacy(const struct isa_row *r, uint64_t dice, uint8_t *to)
{
    static const uint8_t prefix[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x64, 0x65};
    static const uint8_t mandatory[] = {0, 0, 0x66, 0xf3, 0xf2, 0};
    enum { REX = 0x40, W = 8 };
    unsigned n = 0, map = ENC_MAP(r->enc), rex = REX | (dice & 15);

    for (unsigned k = dice >> 4 & 3; k > 2; k--)
        to[n++] = prefix[dice >> 6 & 7];
    if (mandatory[ENC_PREFIX(r->enc)])
        to[n++] = mandatory[ENC_PREFIX(r->enc)];
    if (r->enc & W1)
        rex |= W;
    if (r->enc & W0)
        rex &= ~(unsigned)W;
    if ((r->enc & W1) || (dice >> 9 & 1))
        to[n++] = (uint8_t)rex;
    if (map)
        to[n++] = 0x0f;
    if (map > 1)
        to[n++] = map == 2 ? 0x38 : 0x3a;
    return n;
}

/* VEX of three bytes, or EVEX; what a row may not use is mostly unused. */
static unsigned put_vector(const struct isa_row *r, uint64_t dice, uint8_t *to)
{
    static const uint8_t pp[] = {0, 0, 1, 2, 3, 0};
    unsigned map = ENC_MAP(r->enc), n = 0;
    unsigned l = r->enc & L0 ? 0 : r->enc & L1 ? 1 : r->enc & L2 ? 2 : dice % 3;
    unsigned w = r->enc & W1 ? 1 : r->enc & W0 ? 0 : dice >> 2 & 1;
    unsigned vvvv = dice >> 3 & 1 ? 15 : dice >> 4 & 15;
    unsigned second = w << 7 | vvvv << 3 | pp[ENC_PREFIX(r->enc)];
    unsigned inverted = (dice >> 8 & 1 ? 7 : dice >> 9 & 7) << 5;

    if (r->enc & VEX) {
        to[n++] = 0xc4;
        to[n++] = (uint8_t)(inverted | map);
        to[n++] = (uint8_t)(second | (l & 1) << 2);
        return n;
    }
    to[n++] = 0x62;
    to[n++] = (uint8_t)(inverted | (dice >> 12 & 1) << 4 | map);
    to[n++] = (uint8_t)(second | 4);
    to[n++] = (uint8_t)((dice >> 13 & 1) << 7 | l << 5 | (dice >> 14 & 1) << 4 |
                        (dice >> 15 & 1 ? 8u : dice >> 16 & 8) | (dice >> 20 & 7));
    return n;
}

/* A row of the table: all that it asks for; the rest of the string stays. */
static void put_row(uint8_t bytes[BYTES])
{
    const struct isa_row *r = &isa_rows[random64() % isa_row_count];
    uint64_t dice = random64(), e = r->enc;
    bool vector = e & (VEX | EVEX);
    unsigned n = vector ? put_vector(r, dice, bytes) : put_legacy(r, dice, bytes);
    unsigned low = e & PLUSR ? 7 : e & COND ? 15 : 0;

    bytes[n++] = (uint8_t)(ENC_OPCODE(e) | (dice >> 24 & low));
    if (e & REG(0))
        bytes[n] = (uint8_t)((bytes[n] & ~0x38u) | (e >> 13 & 7) << 3);
    if (e & RM(0))
        bytes[n] = (uint8_t)((bytes[n] & ~7u) | (e >> 17 & 7));
    if (e & NOMEM)
        bytes[n] |= 0xc0;
    if ((e & MEM) && bytes[n] >= 0xc0)
        bytes[n] ^= 0x40;
}

static void random_string(uint8_t bytes[BYTES])
{
    static const uint8_t prefix[] = {0x66, 0x66, 0xf2, 0xf3, 0xf2, 0xf3, 0x67, 0xf0,
                                     0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x48, 0x41};
    uint64_t dice = random64();
    unsigned n = 0;

    for (unsigned k = 0; k < BYTES; k += 8)
        store64(bytes + k, random64());
    if (dice >> 32 & 1) {
        if (dice % 3)
            put_row(bytes);
        return;
    }
    if ((dice & 0xc000) == 0x8000) { /* EVEX likewise */
        bytes[0] = 0x62;
        bytes[1] = (uint8_t)((bytes[1] & 0xf0) | (1 + (dice >> 17) % 3));
        bytes[2] |= 4;
        if (dice & 2) {
            bytes[2] |= 0x78;
            bytes[3] |= 8;
        }
        if (dice & 4) /* what outside 64-bit mode is not BOUND */
            bytes[1] |= 0xc0;
        if (dice & 8)
            bytes[3] &= 0xef;
        return;
    }
    if ((dice & 0xc000) == 0xc000) { /* VEX: map and pp that exist */
        bytes[n++] = dice >> 16 & 1 ? 0xc4 : 0xc5;
        if (bytes[0] == 0xc4)
            bytes[n] = (uint8_t)((bytes[n] & 0xe0) | (1 + (dice >> 17) % 3)), n++;
        if (dice & 2) /* vvvv that most rows without it want */
            bytes[n] |= 0x78;
        return;
    }
    for (unsigned k = dice >> 1 & 3; k > 1; k--)
        bytes[n++] = prefix[random64() % ARRAY_SIZE(prefix)];
    if (dice & 8)
        bytes[n++] = (uint8_t)(0x40 | (dice >> 4 & 15));
    if (dice >> 8 & 1) {
        bytes[n++] = 0x0f;
        if ((dice >> 9 & 7) < 3)
            bytes[n++] = dice >> 12 & 1 ? 0x38 : 0x3a;
    }
}

static int show(const char *mode_name, char **text, int count)
{
    uint8_t bytes[BYTES] = {0};
    struct pair p;

    for (int n = 0; n < count && n < 15; n++)
        bytes[n] = (uint8_t)strtoul(text[n], NULL, 16);
    for (unsigned n = 0; n < ARRAY_SIZE(modes); n++)
        if (strcmp(modes[n].name, mode_name) == 0) {
            decode_both(&p, &modes[n], bytes);
            printf("we: status %d row %d %s length %u bits %u form %x imm %x disp %x\n",
                   p.status, p.out[0].row, p.row ? p.row->mnemonic : "-", p.out[0].len,
                   p.out[0].bits, p.out[0].form, (unsigned)p.out[0].imm,
                   (unsigned)p.out[0].disp);
            printf("Zydis: status %x %s length %u\n", (unsigned)p.zstatus,
                   ZYAN_SUCCESS(p.zstatus) ? ZydisMnemonicGetString(p.z.mnemonic) : "-",
                   ZYAN_SUCCESS(p.zstatus) ? p.z.length : 0);
            verbose = true;
            check(&p);
        }
    return failures != 0;
}

int main(int argc, char **argv)
{
    struct cpu_model model;
    uint64_t count = 10000000, seed = 1;
    struct pair p;

    if (!cpu_model_parse("max", &model, NULL) || !isa_table_init(&table, &model) ||
        !decoders_init()) {
        fprintf(stderr, "decode_zydis: cannot start the decoders\n");
        return 2;
    }
    for (int n = 1; n < argc; n++) {
        if (strcmp(argv[n], "-n") == 0 && n + 1 < argc)
            count = strtoull(argv[++n], NULL, 0);
        else if (strcmp(argv[n], "-seed") == 0 && n + 1 < argc)
            seed = strtoull(argv[++n], NULL, 0);
        else if (strcmp(argv[n], "-v") == 0)
            verbose = true;
        else if (argv[n][0] != '-')
            return show(argv[n], argv + n + 1, argc - n - 1);
    }
    random_state = seed;
    while (strings < count) {
        uint8_t bytes[BYTES];
        random_string(bytes);
        for (unsigned m = 0; m < ARRAY_SIZE(modes) && strings < count; m++) {
            decode_both(&p, &modes[m], bytes);
            check(&p);
        }
    }
    printf("%llu strings (seed %" PRIu64 "), %llu decoded by both\n", strings, seed,
           both);
    for (unsigned n = 0; n < ARRAY_SIZE(accepted); n++)
        printf("%10llu accepted: %s: %s\n", accepted_count[n],
               kind_name[accepted[n].kind], accepted[n].reason);
    printf("%10llu disagreements\n", failures);
    isa_table_free(&table);
    return failures != 0;
}
