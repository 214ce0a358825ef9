/* simd.c - memory operands of MMX and SSE instructions, and #XM. */
#include "cpu/simd.h"

#include "cpu/fault.h"
#include "mmu/access.h"

/* Alignment is a matter of linear addresses and ranks before paging: #GP, not #PF, for
 * a misaligned operand in a page that is absent (SDM vol 3A 6.9). */
static void check_alignment(struct cpu *c, const struct insn *i, uint64_t la)
{
    if (UNLIKELY(la & 15) && isa_rows[i->row].traits & T_ALIGN16)
        raise_fault(c, VEC_GP, 0, R_GP_ALIGN16, la, 0, 0);
}

struct x128 vec_read(struct cpu *c, const struct insn *i, unsigned size)
{
    uint64_t offset = ea(c, i), la;
    const uint8_t *host;
    uint8_t bytes[16];

    if (size < 16)
        return x128(mem_load(c, INSN_SEG(i), offset, size), 0);
    la = seg_linear(c, INSN_SEG(i), offset, 16, ACCESS_READ);
    check_alignment(c, i, la);
    host = probe_read(&c->mmu, la, 16);
    if (UNLIKELY(!host)) {
        mem_read(c, INSN_SEG(i), offset, bytes, 16);
        host = bytes;
    }
    return x128(load64(host), load64(host + 8));
}

void vec_write(struct cpu *c, const struct insn *i, unsigned size, struct x128 x)
{
    uint64_t offset = ea(c, i), la;
    uint8_t bytes[16], *host;

    if (size < 16) {
        mem_store(c, INSN_SEG(i), offset, size, x.q[0]);
        return;
    }
    la = seg_linear(c, INSN_SEG(i), offset, 16, ACCESS_WRITE);
    check_alignment(c, i, la);
    host = probe_write(&c->mmu, la, 16);
    if (LIKELY(host)) {
        store64(host, x.q[0]);
        store64(host + 8, x.q[1]);
        return;
    }
    store64(bytes, x.q[0]);
    store64(bytes + 8, x.q[1]);
    mem_write(c, INSN_SEG(i), offset, bytes, 16);
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
        raise_fault(c, VEC_UD, 0, R_UD_OSXMMEXCPT, c->mxcsr, unmasked, 0);
    raise_fault(c, VEC_XM, 0,
                unmasked & FP_INVALID     ? R_XM_INVALID
                : unmasked & FP_DIVZERO   ? R_XM_DIVZERO
                : unmasked & FP_DENORMAL  ? R_XM_DENORMAL
                : unmasked & FP_OVERFLOW  ? R_XM_OVERFLOW
                : unmasked & FP_UNDERFLOW ? R_XM_UNDERFLOW
                                          : R_XM_PRECISION,
                c->mxcsr, unmasked, 0);
}
