/* op_bit.c - single bits, bit scans and counts, SETcc, CRC32. */
#include "cpu/op_integer.h"

#include "cpu/model.h"

/* ---- BT, BTS, BTR, BTC ---- */

/* Where the bit's word lies: with a register bit offset and a memory operand it may be
 * anywhere, a signed number of words away (SDM vol 1 3.1.1.9). */
static uint64_t bit_word(const struct cpu *c, const struct insn *i)
{
    int64_t offset;

    if (i->form & FORM_IMM)
        return ea(c, i);
    offset = (int64_t)sign_extend(reg_get(c, i->reg, i->bits), i->bits);
    return (ea(c, i) + (uint64_t)((offset >> (i->bits == 16   ? 4
                                              : i->bits == 32 ? 5
                                                              : 6)) *
                                  (i->bits / 8))) &
           address_mask(i);
}

static unsigned bit_number(const struct cpu *c, const struct insn *i)
{
    unsigned n =
        i->form & FORM_IMM ? (unsigned)i->imm : (unsigned)reg_get(c, i->reg, i->bits);
    return n & (i->bits - 1u);
}

static void bit_to_cf(struct cpu *c, uint64_t v, unsigned n)
{
    flags_merge(c, FLAG_CF, v >> n & 1 ? FLAG_CF : 0u);
}

void op_bt(struct cpu *c, const struct insn *i)
{
    uint64_t v;

    if (i->form & FORM_MEM)
        v = mem_load(c, INSN_SEG(i), bit_word(c, i), i->bits / 8);
    else
        v = reg_get(c, i->rm, i->bits);
    bit_to_cf(c, v, bit_number(c, i));
}

static struct place open_bit(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_MEM)
        return open_mem(c, INSN_SEG(i), bit_word(c, i), i->bits, ACCESS_WRITE);
    return open_rm(c, i, i->bits);
}

void op_bts(struct cpu *c, const struct insn *i)
{
    struct place to = open_bit(c, i);
    unsigned n = bit_number(c, i);
    uint64_t v = place_get(c, &to);

    place_set(c, &to, v | 1ull << n);
    bit_to_cf(c, v, n);
}

void op_btr(struct cpu *c, const struct insn *i)
{
    struct place to = open_bit(c, i);
    unsigned n = bit_number(c, i);
    uint64_t v = place_get(c, &to);

    place_set(c, &to, v & ~(1ull << n));
    bit_to_cf(c, v, n);
}

void op_btc(struct cpu *c, const struct insn *i)
{
    struct place to = open_bit(c, i);
    unsigned n = bit_number(c, i);
    uint64_t v = place_get(c, &to);

    place_set(c, &to, v ^ 1ull << n);
    bit_to_cf(c, v, n);
}

/* ---- scans and counts ---- */

static unsigned count_ones(uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555;
    v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(v * 0x0101010101010101 >> 56);
}

static unsigned lowest_one(uint64_t v) /* v is not 0 */
{
    return count_ones((v & (0 - v)) - 1);
}

static unsigned highest_one(uint64_t v) /* v is not 0 */
{
    for (unsigned k = 1; k < 64; k *= 2)
        v |= v >> k;
    return count_ones(v) - 1;
}

/* A source of 0 leaves the destination as it was, upper half included (documented by
 * AMD, relied upon everywhere); ZF alone changes. */
void op_bsf(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits);

    if (v)
        reg_set(c, i->reg, i->bits, lowest_one(v));
    flags_set_zf(c, v == 0);
}

void op_bsr(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits);

    if (v)
        reg_set(c, i->reg, i->bits, highest_one(v));
    flags_set_zf(c, v == 0);
}

/* ZF and CF; OF stays, SF, AF and PF become 0 (undefined; Zen 3). */
static void count_flags(struct cpu *c, bool zf, bool cf)
{
    lazy_put(&c->lazy, (zf ? FLAG_ZF : 0u) | (cf ? FLAG_CF : 0u) |
                           (lazy_of(&c->lazy) ? FLAG_OF : 0u));
}

/* F3 0F BC and BD are BSF and BSR with a prefix that means nothing on models without
 * these instructions: one row each, decided here. */
void op_tzcnt(struct cpu *c, const struct insn *i)
{
    uint64_t v;
    unsigned n;

    if (!cpu_model_has(c->model, CPUID_BMI1)) {
        op_bsf(c, i);
        return;
    }
    v = rm_get(c, i, i->bits);
    n = v ? lowest_one(v) : i->bits;
    reg_set(c, i->reg, i->bits, n);
    count_flags(c, n == 0, v == 0);
}

void op_lzcnt(struct cpu *c, const struct insn *i)
{
    uint64_t v;
    unsigned n;

    if (!cpu_model_has(c->model, CPUID_LZCNT)) {
        op_bsr(c, i);
        return;
    }
    v = rm_get(c, i, i->bits);
    n = v ? i->bits - 1 - highest_one(v) : i->bits;
    reg_set(c, i->reg, i->bits, n);
    count_flags(c, n == 0, v == 0);
}

void op_popcnt(struct cpu *c, const struct insn *i)
{
    uint64_t v = rm_get(c, i, i->bits);

    reg_set(c, i->reg, i->bits, count_ones(v));
    lazy_put(&c->lazy, v ? 0 : FLAG_ZF);
}

void op_setcc(struct cpu *c, const struct insn *i)
{
    rm_set(c, i, 8, lazy_cond(&c->lazy, i->aux));
}

/* ---- CRC32 ---- */

/* CRC-32C, polynomial 11EDC6F41h, bits reflected: SDM vol 2, CRC32. */
static uint32_t crc32c(uint32_t crc, uint64_t v, unsigned bits)
{
    for (unsigned n = 0; n < bits; n += 8) {
        crc ^= (uint8_t)(v >> n);
        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

static void crc_of(struct cpu *c, const struct insn *i, unsigned bits)
{
    uint64_t v = rm_get(c, i, bits);
    reg_set(c, i->reg, i->bits, crc32c((uint32_t)reg_get(c, i->reg, i->bits), v, bits));
}

void op_crc32_b(struct cpu *c, const struct insn *i)
{
    crc_of(c, i, 8);
}

void op_crc32_w(struct cpu *c, const struct insn *i)
{
    crc_of(c, i, 16);
}

void op_crc32(struct cpu *c, const struct insn *i)
{
    crc_of(c, i, i->bits);
}
