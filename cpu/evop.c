/* evop.c - memory operands under an opmask: an element that is masked out is neither read
 * nor written and cannot fault (SDM vol 2 2.8, exception types E2, E4; vol 1 15.6.4).
 */
#include "cpu/evop.h"

#include "cpu/element.h"

/* All of `bytes` at once, when the mask names all of it. */
static bool is_whole(uint64_t mask, unsigned bytes, unsigned size)
{
    uint64_t all = ~0ull >> (64 - bytes / size);
    return (mask & all) == all;
}

static void read_all(struct cpu *c, const struct insn *i, struct vec *to, unsigned bytes)
{
    if (bytes <= 8)
        to->q[0] = mem_load(c, INSN_SEG(i), ea(c, i), bytes);
    else
        wide_read(c, i, to->q, bytes);
}

/* One element to all places. */
static void read_broadcast(struct cpu *c, const struct insn *i, struct vec *to,
                           unsigned size, uint64_t mask)
{
    uint64_t q = 0;

    if (mask)
        q = mem_load(c, INSN_SEG(i), ea(c, i), size);
    if (size == 4)
        q *= lanes_one(32);
    for (unsigned n = 0; n < ARRAY_SIZE(to->q); n++)
        to->q[n] = q;
}

void evop_read(struct cpu *c, const struct insn *i, struct vec *to, unsigned bytes,
               unsigned size, uint64_t mask)
{
    uint64_t offset = ea(c, i);

    if (INSN_B(i)) {
        read_broadcast(c, i, to, size, mask);
        return;
    }
    if (LIKELY(is_whole(mask, bytes, size))) {
        read_all(c, i, to, bytes);
        return;
    }
    if (isa_rows[i->row].traits & T_ALIGN16)
        check_alignment(c, i, offset, bytes, ACCESS_READ);
    memset(to->q, 0, sizeof to->q);
    for (unsigned n = 0; n < bytes / size; n++)
        if (mask >> n & 1)
            to->q[n * size / 8] |=
                mem_load(c, INSN_SEG(i), ea_wrap(i, offset + n * size), size)
                << n * size % 8 * 8;
}

void evop_writable(struct cpu *c, const struct insn *i, unsigned bytes, unsigned size,
                   uint64_t mask)
{
    uint64_t offset = ea(c, i);
    struct spans spans;

    if (is_whole(mask, bytes, size)) {
        mem_open(c, INSN_SEG(i), offset, bytes, ACCESS_WRITE, &spans);
        return;
    }
    for (unsigned n = 0; n < bytes / size; n++)
        if (mask >> n & 1)
            mem_open(c, INSN_SEG(i), ea_wrap(i, offset + n * size), size, ACCESS_WRITE,
                     &spans);
}

void evop_write(struct cpu *c, const struct insn *i, const struct vec *from,
                unsigned bytes, unsigned size, uint64_t mask)
{
    uint64_t offset = ea(c, i);

    if (LIKELY(is_whole(mask, bytes, size))) {
        if (bytes <= 8)
            mem_store(c, INSN_SEG(i), offset, bytes, from->q[0]);
        else
            wide_write(c, i, from->q, bytes);
        return;
    }
    if (isa_rows[i->row].traits & T_ALIGN16)
        check_alignment(c, i, offset, bytes, ACCESS_WRITE);
    evop_writable(c, i, bytes, size, mask);
    for (unsigned n = 0; n < bytes / size; n++)
        if (mask >> n & 1)
            mem_store(c, INSN_SEG(i), ea_wrap(i, offset + n * size), size,
                      element(from, n, size));
}
