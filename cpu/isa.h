/* isa.h - the instruction table, read from isa.def, and the decoder over it. */
#ifndef CPU_ISA_H
#define CPU_ISA_H

#include "cpu/insn.h"

struct cpu;

/* A general handler: complete, executed once, may raise. c->rip is already the next
 * instruction's; c->insn_rip its own. */
typedef void general_fn(struct cpu *c, const struct insn *i);

/* ---- encoding column ---- */
/* Map and opcode. */
#define OP(op) ((uint64_t)(op))
#define OP0F(op) ((uint64_t)(op) | 1ull << 8)
#define OP38(op) ((uint64_t)(op) | 2ull << 8)
#define OP3A(op) ((uint64_t)(op) | 3ull << 8)
#define ENC_OPCODE(e) ((e) & 0xff)
#define ENC_MAP(e) ((e) >> 8 & 3)
/* ModRM constraints. */
#define REG(n) (1ull << 12 | (uint64_t)(n) << 13) /* ModRM.reg is an opcode extension /n */
#define RM(n) (1ull << 16 | (uint64_t)(n) << 17)  /* ModRM.rm too */
#define MEM (1ull << 20)                          /* mod != 3 */
#define NOMEM (1ull << 21)                        /* mod == 3 */
/* Mandatory prefix: exactly this one (F2 and F3 win over 66). Without: any. */
#define NP (1ull << 22)
#define P66 (2ull << 22)
#define PF3 (3ull << 22)
#define PF2 (4ull << 22)
#define ENC_PREFIX(e) ((e) >> 22 & 7)
#define W0 (1ull << 25)
#define W1 (1ull << 26)
#define PLUSR (1ull << 27) /* opcode bits 2:0 name a register: operand Z */
#define COND (1ull << 28)  /* opcode bits 3:0 are a condition: insn aux */
#define VEX (1ull << 29)   /* only with a VEX prefix; rows without it only without */
#define L0 (1ull << 30) /* vector length 128 (VEX.L, EVEX.L'L); several: one of them */
#define L1 (1ull << 31)
#define L2 (1ull << 32)
#define HASMODRM (1ull << 33) /* a ModRM byte though no operand says so */
#define OS16 (1ull << 34)     /* only with operand size 16; OS32, OS64 likewise */
#define OS32 (1ull << 35)
#define OS64 (1ull << 36)
#define P66_OR_NP (5ull << 22) /* neither F2 nor F3 */
#define AS16 (1ull << 37)      /* only with address size 16, 32, 64 */
#define AS32 (1ull << 38)
#define AS64 (1ull << 39)
#define EVEX (1ull << 40) /* only with an EVEX prefix */

/* ---- traits ---- */
enum trait {
    T_LOCK = 1 << 0,    /* LOCK is legal when the destination is memory */
    T_REP = 1 << 1,     /* string instruction: F3 and F2 repeat */
    T_NO64 = 1 << 2,    /* #UD in 64-bit mode */
    T_ONLY64 = 1 << 3,  /* only in 64-bit mode */
    T_D64 = 1 << 4,     /* operand size defaults to 64 in 64-bit mode (16 stays) */
    T_F64 = 1 << 5,     /* operand size is 64 in 64-bit mode whatever the prefix */
    T_PROT = 1 << 6,    /* #UD in real and virtual-8086 mode */
    T_CPL0 = 1 << 7,    /* #GP(0) unless CPL is 0 (real mode is 0; VM86 is 3) */
    T_ENDS = 1 << 8,    /* may change RIP, mode, or what is deliverable: ends its block */
    T_X87 = 1 << 9,     /* #NM with CR0.EM or TS (WAIT, FXSAVE have their own check) */
    T_MMX = 1 << 10,    /* #UD with EM, #NM with TS; pending x87 errors raise #MF */
    T_SSE = 1 << 11,    /* #UD with EM or without OSFXSR, #NM with TS */
    T_AVX = 1 << 12,    /* #UD without OSXSAVE or XCR0[2:1] = 11, #NM with TS */
    T_X87WAIT = 1 << 13, /* waits: pending unmasked x87 errors raise #MF first */
    T_ALIGN16 = 1 << 14, /* memory operand must be 16-byte aligned, else #GP(0); with
                            VEX: aligned to its own size */
    T_NOIMPL = 1 << 15, /* a row that claims an encoding and raises #UD */
    T_RARE = 1 << 16,   /* oracle: needs a hand-written test */
    T_SYS = 1 << 17,    /* oracle: cannot run in user mode */
    T_BYTESTORE = 1 << 18,
    T_EVEX = 1 << 19,   /* #UD without OSXSAVE or XCR0[7:5,2:1] all ones, #NM with TS; opmask
                           instructions too */
    /* What EVEX.b, aaa and z may say; where a row has none of these traits, a mask is
     * allowed, b is #UD, and z is #UD when the destination is memory or an opmask. */
    T_BCST = 1 << 20,     /* b with memory: one element of 32 (W0) or 64 bits (W1) for all */
    T_ER = 1 << 21,       /* b with registers: 512 bits, L'L is the rounding; implies SAE */
    T_SAE = 1 << 22,      /* b with registers: 512 bits, all exceptions suppressed */
    T_NOMASK = 1 << 23,   /* aaa must be 0 */
    T_NEEDMASK = 1 << 24, /* aaa must not be 0, z must be: gathers and scatters */
};

/* ---- flags columns ---- */
enum {
    F_CF = 1 << 0, F_PF = 1 << 2, F_AF = 1 << 4, F_ZF = 1 << 6, F_SF = 1 << 7,
    F_DF = 1 << 10, F_OF = 1 << 11,
    F_OSZAPC = F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF,
    F_OSZPC = F_OSZAPC & ~F_AF,
    F_OSZAP = F_OSZAPC & ~F_CF,
};

/* ---- operands, in the manual's letters ---- */
enum operand {
    O_none,
#define OPERAND(name, class, size) O_##name,
#include "cpu/operand.def"
#undef OPERAND
};

enum operand_class {
    OC_NONE,
    OC_E,     /* ModRM.rm: general register or memory */
    OC_M,     /* ModRM.rm: memory only (mod 3 is #UD) */
    OC_R,     /* ModRM.rm: general register only */
    OC_G,     /* ModRM.reg: general register */
    OC_Z,     /* opcode bits 2:0: general register; stands in rm */
    OC_ACC,   /* AL, AX, EAX, RAX; stands in rm when first, in reg when second */
    OC_I,     /* immediate, zero-extended */
    OC_SI,    /* immediate, sign-extended to the operand size */
    OC_J,     /* relative branch: imm */
    OC_O,     /* moffs: address in the instruction; stands in disp or the long slot */
    OC_A,     /* far pointer: imm offset, disp selector */
    OC_S,     /* ModRM.reg: segment register number */
    OC_C,     /* ModRM.reg: control register number */
    OC_D,     /* ModRM.reg: debug register number */
    OC_V,     /* ModRM.reg: XMM */
    OC_W,     /* ModRM.rm: XMM or memory */
    OC_U,     /* ModRM.rm: XMM only */
    OC_H,     /* VEX.vvvv: vector register; its number in aux */
    OC_P,     /* ModRM.reg: MMX: reg holds the number */
    OC_Q,     /* ModRM.rm: MMX (rm holds the number) or memory */
    OC_N,     /* ModRM.rm: MMX only */
    OC_X,     /* DS:rSI */
    OC_Y,     /* ES:rDI */
    OC_ST,    /* ST(rm): rm holds the number */
    OC_FIXED, /* named by the mnemonic alone: CL, DX, 1, ES, ... */
    OC_B,     /* VEX.vvvv: general register; its number in aux */
    OC_L,     /* imm8 bits 7:4: vector register; its number there in imm */
    OC_VM,    /* ModRM.rm: memory whose index is a vector register (VSIB) */
    OC_K,     /* ModRM.reg: opmask */
    OC_KM,    /* ModRM.rm: opmask or memory */
    OC_KR,    /* ModRM.rm: opmask only */
    OC_KH,    /* VEX.vvvv: opmask; its number in aux */
};

/* Sizes: bytes, or the letters that depend on prefixes. */
enum operand_size { SZ_NONE = 0, SZ_B = 1, SZ_W = 2, SZ_D = 4, SZ_Q = 8, SZ_T = 10,
                    SZ_DQ = 16, SZ_QQ = 32,
                    SZ_V = 128, /* 16, 32, 64 by operand size */
                    SZ_Y = 129, /* 32, or 64 with REX.W */
                    SZ_Z = 130, /* 16 or 32 */
                    SZ_P = 131, /* far pointer in memory: 16:16, 16:32, 16:64 */
                    SZ_S = 132, /* descriptor-table operand: 6 or 10 bytes */
                    SZ_OO = 64,
                    SZ_X = 133, /* vector length */
                    SZ_YD = 134, /* 64 in 64-bit mode, else 32: control registers */
                    SZ_X2 = 135, /* a half, a quarter, an eighth of the vector length */
                    SZ_X4 = 136,
                    SZ_X8 = 137,
};

struct isa_row {
    uint64_t enc;
    const char *mnemonic;
    general_fn *general;
    uint8_t operand[4]; /* enum operand */
    uint8_t feature;    /* enum cpu_feature */
    uint16_t reads, writes, undefined; /* F_* */
    uint32_t traits;
};

extern const struct isa_row isa_rows[];
extern const unsigned isa_row_count;
extern general_fn *const isa_general[]; /* by row: the handlers alone, for the hot loop */

struct operand_info {
    const char *name;
    uint8_t class, size;
};
extern const struct operand_info operand_info[];

/* Whether one of the row's operands is of this class. */
static inline bool isa_uses(const struct isa_row *r, enum operand_class class)
{
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        if (operand_info[r->operand[k]].class == class)
            return true;
    return false;
}

/* What the bytes after an opcode look like, and what the choice of a row depends on. */
enum {
    SHAPE_KNOWN = 1,
    SHAPE_MODRM = 2,
    SHAPE_REGISTER = 4,   /* mod is ignored: MOV CR */
    SHAPE_RESTRICTED = 8, /* not every ModRM or vvvv will do for an operand */
};

/* The opcode maps: one byte, 0F, 0F38, 0F3A, and from ISA_VEX on the same with VEX, from
 * ISA_EVEX on with EVEX. */
enum { ISA_VEX = 4, ISA_EVEX = 8, ISA_MAPS = 12 };

static inline unsigned isa_map(const struct isa_row *r)
{
    return (unsigned)ENC_MAP(r->enc) + (r->enc & VEX ? ISA_VEX : r->enc & EVEX ? ISA_EVEX : 0);
}

/* Which rows a CPU model has, chained by map and opcode. */
struct isa_table {
    uint16_t first[ISA_MAPS][256]; /* row + 1 */
    uint8_t shape[ISA_MAPS][256];  /* SHAPE_* */
    bool short_evex; /* AVX512VL: EVEX with 128 and 256 bits */
    uint16_t *next; /* by row * 16 + (opcode - the row's first): next candidate + 1 */
};

struct cpu_model;
bool isa_table_init(struct isa_table *t, const struct cpu_model *m);
void isa_table_free(struct isa_table *t);

enum decode_status {
    DECODE_OK,
    DECODE_MORE,    /* the bytes given end inside the instruction */
    DECODE_INVALID, /* #UD: row names the closest row, or none */
    DECODE_LONG,    /* longer than 15 bytes: #GP(0) */
};

/* Decodes one instruction at bytes (n available) for mode (MODE_*). Fills out[0] (and
 * out[1] with FORM_LONG), all but run, at, left. RIP-relative operands get base page_rip
 * and a displacement that counts from the page's first byte, given `at`. */
enum decode_status decode(const struct isa_table *t, uint32_t mode, const uint8_t *bytes,
                          unsigned n, unsigned at, struct insn out[2]);

#endif
