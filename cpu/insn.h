/* insn.h - one decoded instruction.
 *
 * 32 bytes, so that a block is an array walked by adding 32. Everything that can be
 * settled at decode time is settled here: operands are offsets into struct cpu, a missing
 * base or index is the offset of a register that always reads zero, RIP-relative
 * addressing is a base that holds the current page's RIP.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include "base/types.h"

struct cpu;
struct insn;

/* A record's handler runs it and all that follow: it ends in a tail call to the next
 * record's handler, or (plain-loop flavour, cpu/dispatch.h) returns the next record.
 * NULL leaves to the run loop. */
typedef const struct insn *insn_fn(struct cpu *c, const struct insn *i);

enum insn_form {
    FORM_MEM = 1 << 0,     /* r/m is memory */
    FORM_LOCK = 1 << 1,    /* LOCK prefix (already checked to be legal) */
    FORM_REP = 1 << 2,     /* F3 */
    FORM_REPNE = 1 << 3,   /* F2 */
    FORM_DST_REG = 1 << 4, /* the first operand is `reg`, r/m is the source */
    FORM_IMM = 1 << 5,     /* the source is imm */
    FORM_W = 1 << 6,       /* REX.W or VEX.W, in 64-bit mode */
    FORM_LONG = 1 << 7,    /* the next slot holds a 64-bit immediate: its `imm64` */
};

struct insn {
    insn_fn *run;
    int32_t imm;    /* immediate, sign-extended where the row says so; D8 to DF: the x87
                       opcode, (opcode & 7) << 8 | ModRM, for FOP; EVEX: imm8 and from bit 8
                       on INSN_MASK and its neighbours */
    int32_t disp;   /* memory: displacement. Far pointers: the selector */
    uint16_t reg;   /* operand `reg`: offset in struct cpu; a number for Sw, Cy, Dy */
    uint16_t rm;    /* operand r/m: offset of the register, or of the base register */
    uint16_t index; /* memory: offset of the index register */
    uint16_t row;   /* its row in isa.def */
    uint16_t at;    /* its first byte's offset in the page */
    uint8_t len;    /* bytes, 1 to 15 */
    uint8_t left;   /* instructions of the block from this one to the end, this included */
    uint8_t bits;   /* operand size: 8, 16, 32, 64; 128 for vectors, whatever VEX.L */
    uint8_t form;   /* enum insn_form */
    uint8_t addr;   /* INSN_SEG, INSN_SCALE, INSN_ASIZE */
    uint8_t aux;    /* condition code; a second imm8; INSN_VVVV, INSN_VL */
};

/* The slot after a FORM_LONG record. */
struct insn_long {
    uint64_t imm64;
    uint64_t unused[3];
};

#define INSN_SEG(i) ((i)->addr & 7)          /* enum sreg: the segment it goes through */
#define INSN_SCALE(i) ((i)->addr >> 3 & 3)   /* index << scale */
#define INSN_ASIZE(i) ((i)->addr >> 5 & 3)   /* address size: 0 16, 1 32, 2 64 bits */
#define INSN_VVVV(i) ((i)->aux & 31)         /* VEX.vvvv: a register number */
#define INSN_VL(i) ((i)->aux >> 5)           /* VEX.L, EVEX.L'L: 0 128 bits, 1 256, 2 512 */
#define INSN_MASK(i) ((unsigned)(i)->imm >> 8 & 7) /* EVEX.aaa: an opmask's number; 0: all */
#define INSN_Z(i) ((unsigned)(i)->imm >> 11 & 1)   /* EVEX.z: elements masked out are zeroed */
#define INSN_B(i) ((unsigned)(i)->imm >> 12 & 1)   /* EVEX.b: broadcast, rounding, SAE */
#define INSN_RC(i) ((unsigned)(i)->imm >> 13 & 3)  /* with T_ER and b: as MXCSR.RC */

static inline uint64_t insn_imm64(const struct insn *i)
{
    return ((const struct insn_long *)(i + 1))->imm64;
}

#endif
