/* simd.c - memory operands of MMX and SSE instructions, and #XM. */
#include "cpu/simd.h"

#include "cpu/fault.h"
#include "mmu/access.h"

static bool must_align(const struct insn *i)
{
    return isa_rows[i->row].traits & T_ALIGN16;
}

/* Alignment is a matter of linear addresses and ranks before paging: #GP, not #PF, for
 * a misaligned operand in a page that is absent (SDM vol 3A 6.9). */
void check_alignment(struct cpu *c, const struct insn *i, uint64_t offset,
                     unsigned size, enum access_kind kind)
{
    uint64_t la = seg_linear(c, INSN_SEG(i), offset, size, kind);
    if ((la & (size - 1)) && must_align(i))
        raise_fault(c, VEC_GP, 0, R_GP_ALIGN16, la, size, 0);
}

/* The short way: the host address of the operand if its segment needs no further check,
 * it is aligned or need not be, and its page is plain RAM known to the TLB. Else NULL.
 */
static ALWAYS_INLINE uint8_t *quick(const struct cpu *c, const struct insn *i,
                                    uint64_t offset, unsigned size,
                                    enum access_kind kind)
{
    const struct segment *seg = &c->seg[INSN_SEG(i)];
    uint64_t la;

    if (c->mode & MODE_CODE64) {
        la = offset + (INSN_SEG(i) >= FS ? seg->base : 0);
    } else {
        if (offset + size > (kind == ACCESS_WRITE ? seg->fast_write : seg->fast_read))
            return NULL;
        la = (uint32_t)(seg->base + offset);
    }
    if (UNLIKELY(la & (size - 1)) && must_align(i))
        return NULL;
    return kind == ACCESS_WRITE ? probe_write(&c->mmu, la, size)
                                : probe_read(&c->mmu, la, size);
}

const uint64_t *vec_read(struct cpu *c, const struct insn *i, uint64_t room[2])
{
    uint64_t offset = ea(c, i);
    const uint8_t *host = quick(c, i, offset, 16, ACCESS_READ);
    uint8_t bytes[16];

    if (UNLIKELY(!host)) {
        check_alignment(c, i, offset, 16, ACCESS_READ);
        mem_read(c, INSN_SEG(i), offset, bytes, 16);
        host = bytes;
    }
    /* In one piece: who reads it next may take all 16 bytes at once. */
    memcpy(room, host, 16);
    room[0] = LE64(room[0]);
    room[1] = LE64(room[1]);
    return room;
}

void vec_write(struct cpu *c, const struct insn *i, const uint64_t from[2])
{
    uint64_t offset = ea(c, i), q[2];
    uint8_t *host = quick(c, i, offset, 16, ACCESS_WRITE);

    memcpy(q, from, 16);
    q[0] = LE64(q[0]);
    q[1] = LE64(q[1]);
    if (LIKELY(host != NULL)) {
        memcpy(host, q, 16);
        return;
    }
    check_alignment(c, i, offset, 16, ACCESS_WRITE);
    mem_write(c, INSN_SEG(i), offset, q, 16);
}

void wide_read(struct cpu *c, const struct insn *i, uint64_t *q, unsigned size)
{
    uint64_t offset = ea(c, i);
    const uint8_t *host = quick(c, i, offset, size, ACCESS_READ);
    uint8_t bytes[sizeof(struct vec)];

    if (UNLIKELY(!host)) {
        check_alignment(c, i, offset, size, ACCESS_READ);
        mem_read(c, INSN_SEG(i), offset, bytes, size);
        host = bytes;
    }
    memcpy(q, host, size);
    for (unsigned n = 0; n < size / 8; n++)
        q[n] = LE64(q[n]);
}

void wide_write(struct cpu *c, const struct insn *i, const uint64_t *from, unsigned size)
{
    uint64_t offset = ea(c, i), q[ARRAY_SIZE(((struct vec *)0)->q)];
    uint8_t *host = quick(c, i, offset, size, ACCESS_WRITE);

    for (unsigned n = 0; n < size / 8; n++)
        q[n] = LE64(from[n]);
    if (LIKELY(host != NULL)) {
        memcpy(host, q, size);
        return;
    }
    check_alignment(c, i, offset, size, ACCESS_WRITE);
    mem_write(c, INSN_SEG(i), offset, q, size);
}

void mask_store(struct cpu *c, const struct insn *i, struct x128 x, struct x128 mask,
                unsigned bytes)
{
    static const uint64_t wrap[] = {0xffff, 0xffffffff, UINT64_MAX, UINT64_MAX};
    uint64_t rdi = reg_get(c, CPU_GPR_OFFSET(RDI), 64);
    uint64_t limit = wrap[INSN_ASIZE(i)];
    unsigned set = lanes_signs(mask.q[0]), first = 0, end = bytes;
    struct spans spans;

    if (bytes == 16)
        set |= lanes_signs(mask.q[1]) << 8;
    if (!set)
        return;
    while (!(set >> first & 1))
        first++;
    while (!(set >> (end - 1) & 1))
        end--;
    /* All faults come now; after this each byte is a store that cannot fail. */
    mem_open(c, INSN_SEG(i), (rdi + first) & limit, end - first, ACCESS_WRITE, &spans);
    for (unsigned n = first; n < end; n++)
        if (set >> n & 1)
            mem_store(c, INSN_SEG(i), (rdi + n) & limit, 1, x8(x, n));
}

/* Pre-computation exceptions (#I, #Z, #D) of all elements are looked at before any
 * element is computed: if one of them is unmasked, the flags of the computation itself
 * (#O, #U, #P) are not seen (SDM vol 1 11.5.3.2). */
void sse_unmasked(struct cpu *c, unsigned flags)
{
    enum { PRE = FP_INVALID | FP_DENORMAL | FP_DIVZERO };
    unsigned masks = c->mxcsr >> 7 & MXCSR_FLAGS, unmasked;

    if (flags & ~masks & PRE)
        flags &= PRE;
    c->mxcsr |= flags;
    unmasked = flags & ~masks;
    if (!(c->cr4 & 1 << 10)) /* OSXMMEXCPT */
        raise_fault(c, VEC_UD, 0, R_UD_OSXMMEXCPT, unmasked, c->mxcsr, 0);
    raise_fault(c, VEC_XM, 0,
                unmasked & FP_INVALID     ? R_XM_INVALID
                : unmasked & FP_DIVZERO   ? R_XM_DIVZERO
                : unmasked & FP_DENORMAL  ? R_XM_DENORMAL
                : unmasked & FP_OVERFLOW  ? R_XM_OVERFLOW
                : unmasked & FP_UNDERFLOW ? R_XM_UNDERFLOW
                                          : R_XM_INEXACT,
                unmasked, c->mxcsr, 0);
}
