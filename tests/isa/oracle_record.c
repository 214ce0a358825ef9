/* oracle_record.c - answers to bytes and back. */
#include "tests/isa/oracle_record.h"

#include "base/byteorder.h"
#include "cpu/fault.h"

#include <string.h>

const char record_title[] = "Answers of a real processor to tests/isa, format 1\n";

/* Which parts of the answer differ from what is expected of it. */
enum {
    A_GPR = 1 << 0,
    A_RIP = 1 << 1,
    A_FLAGS = 1 << 2,
    A_EVENT = 1 << 3,
    A_X87 = 1 << 4,
    A_MXCSR = 1 << 5,
    A_VECTORS = 1 << 6, /* and opmasks */
    A_MEMORY = 1 << 7,
    A_LEFT_OUT = 0xff,
};
enum { WIDE = 0x80 }; /* put_vectors() */

/* ---- bytes ---- */

void tape_put(struct tape *t, unsigned size, uint64_t v)
{
    if (t->size - t->at < size) {
        t->bad = true;
        return;
    }
    store_le(t->bytes + t->at, size, v);
    t->at += size;
}

uint64_t tape_get(struct tape *t, unsigned size)
{
    uint64_t v;
    if (t->size - t->at < size) {
        t->bad = true;
        return 0;
    }
    v = load_le(t->bytes + t->at, size);
    t->at += size;
    return v;
}

void tape_put_number(struct tape *t, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        tape_put(t, 1, (v & 0x7f) | 0x80);
    tape_put(t, 1, v);
}

uint64_t tape_get_number(struct tape *t)
{
    uint64_t v = 0, byte = 0x80;
    for (unsigned s = 0; s < 64 && (byte & 0x80); s += 7) {
        byte = tape_get(t, 1);
        v |= (byte & 0x7f) << s;
    }
    return v;
}

/* A difference: its number of bytes, then these. */
static void put_change(struct tape *t, uint64_t change)
{
    unsigned size = 0;
    while (size < 8 && change >> 8 * size)
        size++;
    tape_put(t, 1, size);
    for (unsigned n = 0; n < size; n++)
        tape_put(t, 1, change >> 8 * n & 0xff);
}

static uint64_t get_change(struct tape *t)
{
    unsigned size = (unsigned)tape_get(t, 1);
    uint64_t v = 0;
    if (size > 8)
        t->bad = true;
    for (unsigned n = 0; n < size && n < 8; n++)
        v |= tape_get(t, 1) << 8 * n;
    return v;
}

/* ---- hashes ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

uint64_t row_key(const struct isa_row *row)
{
    uint64_t h = mix(1, row->enc);
    for (const char *c = row->mnemonic; *c; c++)
        h = mix(h, (uint8_t)*c);
    for (unsigned k = 0; k < ARRAY_SIZE(row->operand) && row->operand[k]; k++)
        for (const char *c = operand_info[row->operand[k]].name; *c; c++)
            h = mix(h, (uint8_t)*c);
    return h;
}

static uint16_t question_hash(const struct question *q, const struct encoding *e)
{
    const struct regs *r = &q->in;
    uint64_t h = mix(mix(q->step, e->len), e->offset);

    for (unsigned n = 0; n < e->len; n++)
        h = mix(h, e->bytes[n]);
    for (unsigned n = 0; n < 16; n++)
        h = mix(mix(h, r->gpr[n]), r->zmm[n][0] ^ r->zmm[n][3]);
    if (native_words() == 8)
        h = mix(h, r->k[1] ^ r->zmm[31][7]);
    return (uint16_t)mix(mix(mix(h, r->rip), r->flags), r->mxcsr);
}

/* ---- an answer ---- */

/* What most answers are: the instruction done, and the step or the filler behind it. */
static struct answer expected(const struct question *q, const struct encoding *e)
{
    struct answer a = {.out = q->in, .vector = q->step ? VEC_DB : VEC_GP};
    a.out.rip += e->len;
    if (q->step)
        a.out.flags |= FLAG_TF;
    return a;
}

static bool same_x87(const struct regs *a, const struct regs *b)
{
    bool same = a->fcw == b->fcw && a->fsw == b->fsw && a->ftw == b->ftw;
    for (unsigned n = 0; n < 8; n++)
        same &= a->st[n].sig == b->st[n].sig && a->st[n].se == b->st[n].se;
    return same;
}

static void put_gprs(struct tape *t, const struct regs *a, const struct regs *b)
{
    unsigned mask = 0;
    for (unsigned n = 0; n < 16; n++)
        mask |= a->gpr[n] != b->gpr[n] ? 1u << n : 0;
    tape_put_number(t, mask);
    for (unsigned n = 0; n < 16; n++)
        if (mask >> n & 1)
            put_change(t, a->gpr[n] ^ b->gpr[n]);
}

static void put_x87(struct tape *t, const struct regs *a, const struct regs *b)
{
    unsigned mask = 0;
    for (unsigned n = 0; n < 8; n++)
        if (a->st[n].sig != b->st[n].sig || a->st[n].se != b->st[n].se)
            mask |= 1u << n;
    tape_put(t, 2, a->fcw);
    tape_put(t, 2, a->fsw);
    tape_put(t, 1, a->ftw);
    tape_put(t, 1, mask);
    for (unsigned n = 0; n < 8; n++)
        if (mask >> n & 1) {
            put_change(t, a->st[n].sig ^ b->st[n].sig);
            tape_put(t, 2, a->st[n].se);
        }
}

static void put_quadwords(struct tape *t, const uint64_t *a, const uint64_t *b,
                          unsigned mask)
{
    for (unsigned q = 0; q < 8; q++)
        if (mask >> q & 1)
            put_change(t, a[q] ^ b[q]);
}

/* Which of the quadwords differ. */
static unsigned changed_quadwords(const uint64_t *a, const uint64_t *b)
{
    unsigned mask = 0;
    for (unsigned q = 0; q < 8; q++)
        mask |= a[q] != b[q] ? 1u << q : 0;
    return mask;
}

/* How many registers changed, then each: its number and the quadwords that did, in one
 * byte. With AVX-512 in two bytes, the count has bit 7, and the opmasks follow. */
static void put_vectors(struct tape *t, const struct regs *a, const struct regs *b)
{
    const bool wide = native_words() == 8;
    unsigned count = 0;

    for (unsigned n = 0; n < 32; n++)
        count += changed_quadwords(a->zmm[n], b->zmm[n]) != 0;
    tape_put(t, 1, count | (wide ? WIDE : 0));
    for (unsigned n = 0; n < 32; n++) {
        unsigned mask = changed_quadwords(a->zmm[n], b->zmm[n]);
        if (!mask)
            continue;
        if (wide)
            tape_put(t, 1, n);
        tape_put(t, 1, wide ? mask : n << 4 | mask);
        put_quadwords(t, a->zmm[n], b->zmm[n], mask);
    }
    if (wide) {
        unsigned mask = changed_quadwords(a->k, b->k);
        tape_put(t, 1, mask);
        put_quadwords(t, a->k, b->k, mask);
    }
}

/* Runs of changed bytes: where, how many, which; 0 ends. */
static void put_memory(struct tape *t, const uint8_t *before, const uint8_t *after)
{
    unsigned last = 0;
    for (unsigned n = 0; n < DATA_SIZE; n++) {
        unsigned size = 0;
        if (data_page[n / PAGE] != PAGE_WRITABLE || before[n] == after[n])
            continue;
        while (n + size < DATA_SIZE && data_page[(n + size) / PAGE] == PAGE_WRITABLE &&
               before[n + size] != after[n + size])
            size++;
        tape_put_number(t, size);
        tape_put_number(t, n - last);
        for (unsigned k = 0; k < size; k++)
            tape_put(t, 1, after[n + k]);
        n += size;
        last = n;
    }
    tape_put_number(t, 0);
}

static bool same_memory(const uint8_t *before, const uint8_t *after)
{
    for (unsigned p = 0; p < DATA_PAGES; p++)
        if (data_page[p] == PAGE_WRITABLE &&
            memcmp(before + p * PAGE, after + p * PAGE, PAGE) != 0)
            return false;
    return true;
}

void record_answer(struct tape *t, const struct question *q, const struct encoding *e,
                   const struct answer *a, const uint8_t *before, const uint8_t *after)
{
    struct answer x = expected(q, e);
    const struct regs *r = &a->out, *b = &x.out;
    unsigned parts = 0;

    tape_put(t, 2, question_hash(q, e));
    if (!after) {
        tape_put(t, 1, A_LEFT_OUT);
        return;
    }
    parts |= memcmp(r->gpr, b->gpr, sizeof r->gpr) ? A_GPR : 0;
    parts |= r->rip != b->rip ? A_RIP : 0;
    parts |= r->flags != b->flags ? A_FLAGS : 0;
    parts |= a->vector != x.vector || a->error || a->cr2 ? A_EVENT : 0;
    parts |= same_x87(r, b) ? 0 : A_X87;
    parts |= r->mxcsr != b->mxcsr ? A_MXCSR : 0;
    if (memcmp(r->zmm, b->zmm, sizeof r->zmm) || memcmp(r->k, b->k, sizeof r->k))
        parts |= A_VECTORS;
    parts |= same_memory(before, after) ? 0 : A_MEMORY;
    tape_put(t, 1, parts);
    if (parts == A_LEFT_OUT) /* all at once: no instruction does that */
        return;
    if (parts & A_GPR)
        put_gprs(t, r, b);
    if (parts & A_RIP)
        put_change(t, r->rip ^ b->rip);
    if (parts & A_FLAGS)
        put_change(t, r->flags ^ b->flags);
    if (parts & A_EVENT) {
        tape_put(t, 1, (uint64_t)a->vector);
        put_change(t, a->error);
        put_change(t, a->cr2);
    }
    if (parts & A_X87)
        put_x87(t, r, b);
    if (parts & A_MXCSR)
        put_change(t, r->mxcsr ^ b->mxcsr);
    if (parts & A_VECTORS)
        put_vectors(t, r, b);
    if (parts & A_MEMORY)
        put_memory(t, before, after);
}

static void get_x87(struct tape *t, struct regs *r)
{
    unsigned mask;
    r->fcw = (uint16_t)tape_get(t, 2);
    r->fsw = (uint16_t)tape_get(t, 2);
    r->ftw = (uint8_t)tape_get(t, 1);
    mask = (unsigned)tape_get(t, 1);
    for (unsigned n = 0; n < 8; n++)
        if (mask >> n & 1) {
            r->st[n].sig ^= get_change(t);
            r->st[n].se = (uint16_t)tape_get(t, 2);
        }
}

static void get_quadwords(struct tape *t, uint64_t *v, unsigned mask)
{
    for (unsigned q = 0; q < 8; q++)
        if (mask >> q & 1)
            v[q] ^= get_change(t);
}

static void get_vectors(struct tape *t, struct regs *r)
{
    unsigned count = (unsigned)tape_get(t, 1);
    bool wide = count & WIDE;

    for (count &= ~(unsigned)WIDE; count && !t->bad; count--) {
        unsigned n = (unsigned)tape_get(t, 1);
        unsigned mask = wide ? (unsigned)tape_get(t, 1) : n & 15;
        get_quadwords(t, r->zmm[wide ? n & 31 : n >> 4], mask);
    }
    if (wide)
        get_quadwords(t, r->k, (unsigned)tape_get(t, 1));
}

static void get_memory(struct tape *t, uint8_t *data)
{
    uint64_t at = 0, size;
    while (!t->bad && (size = tape_get_number(t)) != 0) {
        at += tape_get_number(t);
        for (; size && !t->bad; size--, at++) {
            uint8_t byte = (uint8_t)tape_get(t, 1);
            if (at < DATA_SIZE)
                data[at] = byte;
        }
    }
}

bool replay_answer(struct tape *t, const struct question *q, const struct encoding *e,
                   struct answer *a, uint8_t *data)
{
    struct regs *r = &a->out;
    unsigned parts, mask;

    *a = expected(q, e);
    if (tape_get(t, 2) != question_hash(q, e))
        return false;
    parts = (unsigned)tape_get(t, 1);
    if (parts == A_LEFT_OUT) {
        a->vector = NOT_RECORDED;
        return !t->bad;
    }
    if (parts & A_GPR) {
        mask = (unsigned)tape_get_number(t);
        for (unsigned n = 0; n < 16; n++)
            if (mask >> n & 1)
                r->gpr[n] ^= get_change(t);
    }
    if (parts & A_RIP)
        r->rip ^= get_change(t);
    if (parts & A_FLAGS)
        r->flags ^= get_change(t);
    if (parts & A_EVENT) {
        a->vector = (int)tape_get(t, 1);
        a->error = (uint32_t)get_change(t);
        a->cr2 = get_change(t);
    }
    if (parts & A_X87)
        get_x87(t, r);
    if (parts & A_MXCSR)
        r->mxcsr ^= (uint32_t)get_change(t);
    if (parts & A_VECTORS)
        get_vectors(t, r);
    if (parts & A_MEMORY)
        get_memory(t, data);
    return !t->bad;
}
