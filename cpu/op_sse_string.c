/* op_sse_string.c - PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM; the same with VEX.
 *
 * Two strings of 16 bytes or 8 words are compared, each with each, into a matrix of
 * bits; the aggregation folds it into one bit per element of the second string
 * (IntRes1), the polarity turns that (IntRes2), and the result is an index or a mask.
 * Intel SDM vol 1 (or vol 2) chapter "Packed Comparison of Strings", 4.1.
 *
 * The immediate: 0 words, 1 signed, 3:2 aggregation, 4 negate, 5 only valid ones, 6
 * most significant index, or a mask expanded to elements.
 */
#include "cpu/simd.h"

enum {
    WORDS = 1,
    SIGNED = 2,
    NEGATE = 0x10,
    ONLY_VALID = 0x20,
    LAST = 0x40,
    EXPAND = 0x40
};
enum aggregation { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

struct text {
    int32_t at[16];  /* elements, extended as the immediate says */
    unsigned length; /* valid ones */
};

static unsigned element_count(unsigned imm)
{
    return imm & WORDS ? 8 : 16;
}

static void text_fill(struct text *t, struct x128 x, unsigned imm)
{
    for (unsigned n = 0; n < 16; n++) {
        unsigned h = n / 8;
        if (imm & WORDS)
            t->at[n] = n >= 8           ? 0
                       : (imm & SIGNED) ? lane_signed(16, x.q[n / 4], n % 4)
                                        : (int32_t)lane_get(16, x.q[n / 4], n % 4);
        else
            t->at[n] = imm & SIGNED ? lane_signed(8, x.q[h], n % 8)
                                    : (int32_t)lane_get(8, x.q[h], n % 8);
    }
}

/* Implicit length: up to the first null element. */
static void text_end(struct text *t, unsigned imm)
{
    unsigned n = 0;
    while (n < element_count(imm) && t->at[n])
        n++;
    t->length = n;
}

/* Explicit length: the absolute value of EAX or EDX (RAX, RDX with REX.W), at most the
 * number of elements. */
static unsigned explicit_length(struct cpu *c, const struct insn *i, enum gpr r)
{
    uint64_t v = c->gpr[r];
    unsigned most = element_count((unsigned)i->imm);

    if (!(i->form & FORM_W))
        v = sign_extend(v, 32);
    if (v >> 63)
        v = 0 - v;
    return v < most ? (unsigned)v : most;
}

/* IntRes1: bit j for element j of b. What lies beyond the end of a string does not
 * count as an equal of anything valid; the last two aggregations say what two ends, or
 * an end of a alone, count as (Table 4-8). */
static unsigned aggregate(const struct text *a, const struct text *b, unsigned imm)
{
    unsigned count = element_count(imm), r = 0;

    for (unsigned j = 0; j < count; j++) {
        bool hit = false, valid_b = j < b->length;
        switch ((enum aggregation)(imm >> 2 & 3)) {
        case EQUAL_ANY:
            for (unsigned k = 0; valid_b && k < a->length; k++)
                hit |= a->at[k] == b->at[j];
            break;
        case RANGES: /* pairs of a: lower and upper bound */
            for (unsigned k = 0; valid_b && k + 1 < a->length; k += 2)
                hit |= a->at[k] <= b->at[j] && b->at[j] <= a->at[k + 1];
            break;
        case EQUAL_EACH:
            if (valid_b && j < a->length)
                hit = a->at[j] == b->at[j];
            else
                hit = !valid_b && j >= a->length;
            break;
        case EQUAL_ORDERED: /* does a, as far as b reaches, start at j? */
            hit = true;
            for (unsigned k = 0; k < a->length && j + k < count; k++)
                hit &= j + k < b->length && a->at[k] == b->at[j + k];
            break;
        }
        r |= (unsigned)hit << j;
    }
    return r;
}

static unsigned compare(struct cpu *c, const struct text *a, const struct text *b,
                        unsigned imm)
{
    unsigned count = element_count(imm), r = aggregate(a, b, imm);

    if (imm & NEGATE)
        r ^= imm & ONLY_VALID ? (1u << b->length) - 1 : (1u << count) - 1;
    lazy_put(&c->lazy, (r ? FLAG_CF : 0u) | (b->length < count ? FLAG_ZF : 0u) |
                           (a->length < count ? FLAG_SF : 0u) | (r & 1 ? FLAG_OF : 0u));
    return r;
}

static void put_index(struct cpu *c, unsigned imm, unsigned r)
{
    unsigned count = element_count(imm), n = 0;

    if (!r) {
        n = count;
    } else if (imm & LAST) {
        n = count - 1;
        while (!(r >> n & 1))
            n--;
    } else {
        while (!(r >> n & 1))
            n++;
    }
    reg_set(c, reg_offset(RCX, 32, false), 32, n);
}

static void put_mask(struct cpu *c, unsigned imm, unsigned r)
{
    struct x128 x = x128(r, 0);

    if (imm & EXPAND)
        for (unsigned n = 0; n < 16; n++)
            x8_set(&x, n, r >> (imm & WORDS ? n / 2 : n) & 1 ? 0xff : 0);
    c->v[0].q[0] = x.q[0];
    c->v[0].q[1] = x.q[1];
}

static unsigned run(struct cpu *c, const struct insn *i, bool explicit)
{
    unsigned imm = (unsigned)i->imm;
    struct x128 second = vec_load(c, i);
    struct text a, b;

    text_fill(&a, vec_get(c, i->reg), imm);
    text_fill(&b, second, imm);
    if (explicit) {
        a.length = explicit_length(c, i, RAX);
        b.length = explicit_length(c, i, RDX);
    } else {
        text_end(&a, imm);
        text_end(&b, imm);
    }
    return compare(c, &a, &b, imm);
}

void op_sse_pcmpestrm(struct cpu *c, const struct insn *i)
{
    put_mask(c, (unsigned)i->imm, run(c, i, true));
}

void op_sse_pcmpestri(struct cpu *c, const struct insn *i)
{
    put_index(c, (unsigned)i->imm, run(c, i, true));
}

void op_sse_pcmpistrm(struct cpu *c, const struct insn *i)
{
    put_mask(c, (unsigned)i->imm, run(c, i, false));
}

/* With VEX the rest of the register is cleared. */
static void clear_above_xmm0(struct cpu *c)
{
    for (unsigned n = 2; n < ARRAY_SIZE(c->v[0].q); n++)
        c->v[0].q[n] = 0;
}

void op_v_pcmpestrm(struct cpu *c, const struct insn *i)
{
    op_sse_pcmpestrm(c, i);
    clear_above_xmm0(c);
}

void op_v_pcmpistrm(struct cpu *c, const struct insn *i)
{
    op_sse_pcmpistrm(c, i);
    clear_above_xmm0(c);
}

void op_sse_pcmpistri(struct cpu *c, const struct insn *i)
{
    put_index(c, (unsigned)i->imm, run(c, i, false));
}
