/* op_arith.c - add, subtract, logic, compare and exchange, decimal adjustment. */
#include "cpu/op_integer.h"

/* ---- two operands ---- */

void op_add(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t b = src_get(c, i);
    uint64_t a = place_get(c, &to);

    place_set(c, &to, a + b);
    lazy_add(&c->lazy, i->bits, a, a + b);
}

/* With a carry in, the first operand and the result no longer tell the carry out (b and
 * the carry may sum to 0), so it is computed here. */
void op_adc(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t b = src_get(c, i);
    uint64_t a = place_get(c, &to);
    uint64_t r = a + b + lazy_cf(&c->lazy);
    unsigned top = i->bits - 1;
    uint32_t flags = (uint32_t)((a ^ b ^ r) & FLAG_AF);

    flags |= ((a & b) | ((a | b) & ~r)) >> top & 1 ? FLAG_CF : 0u;
    flags |= ((a ^ r) & (b ^ r)) >> top & 1 ? FLAG_OF : 0u;
    place_set(c, &to, r);
    lazy_result(&c->lazy, i->bits, r, flags);
}

/* ADCX carries through CF, ADOX through OF; each leaves the other five flags. */
static void add_through(struct cpu *c, const struct insn *i, uint32_t flag, bool in)
{
    uint64_t b = rm_get(c, i, i->bits), a = reg_get(c, i->reg, i->bits);
    uint64_t r = a + b + in;
    bool out = ((a & b) | ((a | b) & ~r)) >> (i->bits - 1) & 1;

    reg_set(c, i->reg, i->bits, r);
    flags_merge(c, flag, out ? flag : 0);
}

void op_adcx(struct cpu *c, const struct insn *i)
{
    add_through(c, i, FLAG_CF, lazy_cf(&c->lazy));
}

void op_adox(struct cpu *c, const struct insn *i)
{
    add_through(c, i, FLAG_OF, lazy_of(&c->lazy));
}

void op_sub(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t b = src_get(c, i);
    uint64_t a = place_get(c, &to);

    place_set(c, &to, a - b);
    lazy_sub(&c->lazy, i->bits, a, a - b);
}

void op_sbb(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t b = src_get(c, i);
    uint64_t a = place_get(c, &to);
    uint64_t r = a - b - lazy_cf(&c->lazy);
    unsigned top = i->bits - 1;
    uint32_t flags = (uint32_t)((a ^ b ^ r) & FLAG_AF);

    flags |= ((~a & b) | ((~a | b) & r)) >> top & 1 ? FLAG_CF : 0u;
    flags |= ((a ^ b) & (a ^ r)) >> top & 1 ? FLAG_OF : 0u;
    place_set(c, &to, r);
    lazy_result(&c->lazy, i->bits, r, flags);
}

void op_cmp(struct cpu *c, const struct insn *i)
{
    uint64_t a = dst_get(c, i);
    uint64_t b = src_get(c, i);
    lazy_sub(&c->lazy, i->bits, a, a - b);
}

void op_and(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t r = src_get(c, i);

    r &= place_get(c, &to);
    place_set(c, &to, r);
    lazy_logic(&c->lazy, i->bits, r);
}

void op_or(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t r = src_get(c, i);

    r |= place_get(c, &to);
    place_set(c, &to, r);
    lazy_logic(&c->lazy, i->bits, r);
}

void op_xor(struct cpu *c, const struct insn *i)
{
    struct place to = open_dst(c, i);
    uint64_t r = src_get(c, i);

    r ^= place_get(c, &to);
    place_set(c, &to, r);
    lazy_logic(&c->lazy, i->bits, r);
}

void op_test(struct cpu *c, const struct insn *i)
{
    uint64_t a = dst_get(c, i);
    lazy_logic(&c->lazy, i->bits, a & src_get(c, i));
}

/* ---- one operand ---- */

/* INC and DEC leave CF alone. */
void op_inc(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    uint64_t a = place_get(c, &to), r = a + 1;
    uint32_t flags = lazy_cf(&c->lazy) ? FLAG_CF : 0u;

    flags |= (uint32_t)((a ^ r) & FLAG_AF);
    flags |= (~a & r) >> (i->bits - 1) & 1 ? FLAG_OF : 0u;
    place_set(c, &to, r);
    lazy_result(&c->lazy, i->bits, r, flags);
}

void op_dec(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    uint64_t a = place_get(c, &to), r = a - 1;
    uint32_t flags = lazy_cf(&c->lazy) ? FLAG_CF : 0u;

    flags |= (uint32_t)((a ^ r) & FLAG_AF);
    flags |= (a & ~r) >> (i->bits - 1) & 1 ? FLAG_OF : 0u;
    place_set(c, &to, r);
    lazy_result(&c->lazy, i->bits, r, flags);
}

void op_neg(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    uint64_t r = 0 - place_get(c, &to);

    place_set(c, &to, r);
    lazy_sub(&c->lazy, i->bits, 0, r);
}

void op_not(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    place_set(c, &to, ~place_get(c, &to));
}

/* ---- exchange ---- */

void op_xadd(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    uint64_t a = place_get(c, &to);
    uint64_t b = reg_get(c, i->reg, i->bits);

    reg_set(c, i->reg, i->bits, a);
    place_set(c, &to, a + b); /* last: in XADD EAX, EAX the sum stays */
    lazy_add(&c->lazy, i->bits, a, a + b);
}

/* Memory is written either way (SDM vol 2, CMPXCHG); a register that did not match
 * keeps even its upper half, as Zen 3 does it. */
void op_cmpxchg(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, i->bits);
    uint64_t old = place_get(c, &to);
    uint64_t a = gpr_get(c, RAX, i->bits);

    if (a == old) {
        place_set(c, &to, reg_get(c, i->reg, i->bits));
    } else {
        if (to.spans.count)
            place_set(c, &to, old);
        gpr_set(c, RAX, i->bits, old);
    }
    lazy_sub(&c->lazy, i->bits, a, a - old);
}

void op_cmpxchg8b(struct cpu *c, const struct insn *i)
{
    struct place to = open_rm(c, i, 64);
    uint64_t old = place_get(c, &to);
    uint64_t expected = c->gpr[RDX] << 32 | (uint32_t)c->gpr[RAX];
    bool same = old == expected;

    if (same) {
        place_set(c, &to, c->gpr[RCX] << 32 | (uint32_t)c->gpr[RBX]);
    } else {
        place_set(c, &to, old);
        c->gpr[RAX] = (uint32_t)old;
        c->gpr[RDX] = old >> 32;
    }
    flags_set_zf(c, same);
}

void op_cmpxchg16b(struct cpu *c, const struct insn *i)
{
    uint64_t at = ea(c, i), low, high;
    uint64_t la = seg_linear(c, INSN_SEG(i), at, 16, ACCESS_WRITE);
    struct spans sp;
    uint8_t bytes[16];
    bool same;

    if (la & 15)
        raise_fault(c, VEC_GP, 0, R_GP_ALIGN16, la, 16, 0);
    mem_open(c, INSN_SEG(i), at, 16, ACCESS_WRITE, &sp);
    spans_read(&c->mmu, &sp, bytes, 16);
    low = load64(bytes);
    high = load64(bytes + 8);
    same = low == c->gpr[RAX] && high == c->gpr[RDX];
    if (same) {
        store64(bytes, c->gpr[RBX]);
        store64(bytes + 8, c->gpr[RCX]);
    } else {
        c->gpr[RAX] = low;
        c->gpr[RDX] = high;
    }
    spans_write(&c->mmu, &sp, bytes, 16);
    flags_set_zf(c, same);
}

/* ---- decimal (not in 64-bit mode) ---- */

static uint8_t al(const struct cpu *c)
{
    return (uint8_t)c->gpr[RAX];
}

static bool low_digit_carries(const struct cpu *c)
{
    return (al(c) & 15) > 9 || lazy_af(&c->lazy);
}

/* AAA, AAS: 106h is one into AH and six into AL. The undefined flags are those of the
 * 16-bit addition or subtraction, as on Zen 3. */
static void ascii_adjust(struct cpu *c, bool add)
{
    uint32_t flags = 0;
    uint64_t old = c->gpr[RAX], ax = old;

    if (low_digit_carries(c)) {
        ax = add ? ax + 0x106 : ax - 0x106;
        flags = FLAG_CF | FLAG_AF;
    }
    if ((add ? ~old & ax : old & ~ax) & 0x8000)
        flags |= FLAG_OF;
    lazy_result(&c->lazy, 16, ax, flags);
    gpr_set(c, RAX, 16, ax & 0xff0f);
}

void op_aaa(struct cpu *c, const struct insn *i)
{
    (void)i;
    ascii_adjust(c, true);
}

void op_aas(struct cpu *c, const struct insn *i)
{
    (void)i;
    ascii_adjust(c, false);
}

static void decimal_adjust(struct cpu *c, bool add)
{
    uint8_t old = al(c), r = old;
    bool carry = lazy_cf(&c->lazy);
    uint32_t flags = 0;

    if (low_digit_carries(c)) {
        r = (uint8_t)(add ? r + 6 : r - 6);
        flags |= FLAG_AF;
        /* DAS: a borrow out of the first step alone sets CF too. */
        if (!add && old < 6)
            flags |= FLAG_CF;
    }
    if (old > 0x99 || carry) {
        r = (uint8_t)(add ? r + 0x60 : r - 0x60);
        flags |= FLAG_CF;
    }
    /* Undefined; Zen 3 gives that of the addition or subtraction. */
    if ((add ? ~old & r : old & ~r) & 0x80)
        flags |= FLAG_OF;
    gpr_set(c, RAX, 8, r);
    lazy_result(&c->lazy, 8, r, flags);
}

void op_daa(struct cpu *c, const struct insn *i)
{
    (void)i;
    decimal_adjust(c, true);
}

void op_das(struct cpu *c, const struct insn *i)
{
    (void)i;
    decimal_adjust(c, false);
}

void op_aam(struct cpu *c, const struct insn *i)
{
    unsigned base = (uint8_t)i->imm, v = al(c);

    if (!base)
        raise_fault(c, VEC_DE, 0, R_DE_AAM, 0, 0, 0);
    gpr_set(c, RAX, 16, v / base << 8 | v % base);
    lazy_result(&c->lazy, 8, v % base, 0);
}

void op_aad(struct cpu *c, const struct insn *i)
{
    unsigned base = (uint8_t)i->imm, high = c->gpr[RAX] >> 8 & 0xff;
    uint8_t r = (uint8_t)(al(c) + high * base);

    lazy_add(&c->lazy, 8, al(c), r); /* CF, AF, OF: undefined, Zen 3's */
    gpr_set(c, RAX, 16, r);
}
