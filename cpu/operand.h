/* operand.h - how a general handler reaches its operands and guest memory.
 *
 * A handler reads, computes, commits; all that can fault comes before the first commit.
 * Every function here that touches memory may not return: it leaves by raise_event()
 * with the architectural state untouched.
 */
#ifndef CPU_OPERAND_H
#define CPU_OPERAND_H

#include "base/byteorder.h"
#include "cpu/cpu.h"

/* ---- registers, by offset (insn reg and rm) ---- */

static ALWAYS_INLINE uint64_t reg_get(const struct cpu *c, uint16_t offset, unsigned bits)
{
    const uint8_t *p = (const uint8_t *)c + offset;
    switch (bits) {
    case 8: return *p;
    case 16: {
        uint16_t v;
        memcpy(&v, p, 2);
        return v;
    }
    case 32: {
        uint32_t v;
        memcpy(&v, p, 4);
        return v;
    }
    default: {
        uint64_t v;
        memcpy(&v, p, 8);
        return v;
    }
    }
}

/* A 32-bit write clears bits 63:32; narrower ones leave them (SDM vol 1 3.4.1.1). */
static ALWAYS_INLINE void reg_set(struct cpu *c, uint16_t offset, unsigned bits, uint64_t v)
{
    uint8_t *p = (uint8_t *)c + offset;
    switch (bits) {
    case 8: *p = (uint8_t)v; break;
    case 16: {
        uint16_t h = (uint16_t)v;
        memcpy(p, &h, 2);
        break;
    }
    case 32:
        v = (uint32_t)v;
        memcpy((uint8_t *)c + (offset & ~7u), &v, 8);
        break;
    default: memcpy(p, &v, 8); break;
    }
}

/* The offset of general register n at a width; high8 for AH CH DH BH (n 4 to 7). */
static inline uint16_t reg_offset(unsigned n, unsigned bits, bool high8)
{
    unsigned at = 0;
    if (bits == 8 && high8) {
        n &= 3;
        at = 1;
    }
    if (HOST_BIG_ENDIAN)
        at = 8 - bits / 8 - at;
    return (uint16_t)(CPU_GPR_OFFSET(n) + at);
}

/* ---- effective addresses ---- */

/* a, truncated to the address size. */
static ALWAYS_INLINE uint64_t ea_wrap(const struct insn *i, uint64_t a)
{
    switch (INSN_ASIZE(i)) {
    case 0: return (uint16_t)a;
    case 1: return (uint32_t)a;
    default: return a;
    }
}

/* The offset part of r/m, truncated to the address size. */
static ALWAYS_INLINE uint64_t ea(const struct cpu *c, const struct insn *i)
{
    return ea_wrap(i, reg_get(c, i->rm, 64) +
                          (reg_get(c, i->index, 64) << INSN_SCALE(i)) +
                          (uint64_t)(int64_t)i->disp);
}

/* ---- memory ---- */

/* Segment checks (limit, type, null, canonical) for [offset, offset + size) through s;
 * the linear address. Raises #GP or #SS. kind: ACCESS_READ or ACCESS_WRITE. */
uint64_t seg_linear(struct cpu *c, unsigned s, uint64_t offset, unsigned size,
                    enum access_kind kind);

/* Checked and translated for reading or (for both reading and) writing; data breakpoints
 * noted, alignment checked. size at most 64. Nothing but TLBs and A/D bits has changed. */
void mem_open(struct cpu *c, unsigned s, uint64_t offset, unsigned size,
              enum access_kind kind, struct spans *sp);
void mem_open_linear(struct cpu *c, uint64_t la, unsigned size, struct accessor how,
                     struct spans *sp);

uint64_t mem_load(struct cpu *c, unsigned s, uint64_t offset, unsigned size);
void mem_store(struct cpu *c, unsigned s, uint64_t offset, unsigned size, uint64_t v);
void mem_read(struct cpu *c, unsigned s, uint64_t offset, void *to, unsigned size);
void mem_write(struct cpu *c, unsigned s, uint64_t offset, const void *from, unsigned size);

/* System structures (GDT, IDT, LDT, TSS): linear, supervisor whatever the CPL. */
uint64_t sys_load(struct cpu *c, uint64_t la, unsigned size);
void sys_store(struct cpu *c, uint64_t la, unsigned size, uint64_t v);

/* ---- r/m and the two-operand forms ---- */

/* A place that was checked for writing (and reading). */
struct place {
    uint16_t reg;  /* offset, when spans.count is 0 */
    uint8_t bits;
    struct spans spans;
};

/* Memory of bits / 8 bytes (1 to 8), checked for reading, or for reading and writing. */
struct place open_mem(struct cpu *c, unsigned s, uint64_t offset, unsigned bits,
                      enum access_kind kind);
/* The r/m operand, writable. size in bits. */
struct place open_rm(struct cpu *c, const struct insn *i, unsigned bits);
/* The first operand: `reg` with FORM_DST_REG, else r/m; i->bits wide. */
struct place open_dst(struct cpu *c, const struct insn *i);
uint64_t place_get(struct cpu *c, const struct place *p);
void place_set(struct cpu *c, const struct place *p, uint64_t v);

/* Reads r/m, bits wide (not necessarily i->bits: MOVZX). */
uint64_t rm_get(struct cpu *c, const struct insn *i, unsigned bits);
/* Writes r/m without reading it. */
void rm_set(struct cpu *c, const struct insn *i, unsigned bits, uint64_t v);
/* The second operand: imm with FORM_IMM, r/m with FORM_DST_REG, else `reg`. */
uint64_t src_get(struct cpu *c, const struct insn *i);
/* The first operand, read only (CMP, TEST). */
uint64_t dst_get(struct cpu *c, const struct insn *i);

/* ---- the stack ---- */

/* Stack address size in bytes from SS.B and mode: 2, 4 or 8; and its mask. */
static inline uint64_t stack_mask(const struct cpu *c)
{
    return c->mode & MODE_CODE64 ? ~0ull : c->mode & MODE_STACK32 ? 0xffffffffull : 0xffffull;
}

/* RSP with its low part (by stack width) replaced: how every stack instruction commits. */
void set_sp(struct cpu *c, uint64_t sp);

void push(struct cpu *c, unsigned bits, uint64_t v);
uint64_t pop(struct cpu *c, unsigned bits); /* commits RSP */
uint64_t stack_peek(struct cpu *c, unsigned bits, uint64_t up); /* at SP + up; no commit */
/* The `size` bytes from SP up in host memory, when nothing keeps them from being read at
 * once; else NULL, which says nothing about them. Changes nothing. */
const uint8_t *stack_probe(const struct cpu *c, unsigned size);

/* ---- jumps ---- */

/* The checks of jump_near alone: target truncated to `bits`, or a raise. */
uint64_t jump_check(struct cpu *c, unsigned bits, uint64_t target);

/* Sets c->rip to target truncated to the operand size `bits`, after the checks of the
 * CS limit or canonical form (#GP with the reason, RIP unchanged). */
void jump_near(struct cpu *c, unsigned bits, uint64_t target);

/* ---- ports ---- */

/* IN and OUT with the I/O permission bitmap checked (#GP). size 1, 2, 4. */
void port_check(struct cpu *c, uint16_t port, unsigned size);
uint32_t port_in(struct cpu *c, uint16_t port, unsigned size);
void port_out(struct cpu *c, uint16_t port, unsigned size, uint32_t v);

#endif
