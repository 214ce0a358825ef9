/* op_string.c - MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS, alone and repeated.
 *
 * A repeated instruction is a sequence of elements, each as much an instruction as any
 * other: it is charged one count, registers and flags are committed after it, and an
 * interrupt, a trap or the end of the slice may come between any two. Elements that lie
 * in one page of plain RAM for all operands are done as one chunk on host memory; every
 * other one goes the long way by itself, which also fills the first-level TLB for the
 * next chunk. MOVS and STOS check and translate an MMIO operand once for a page: a
 * change of the memory map ends the run (rep_next).
 *
 * The manual (SDM vol 2, REP) has EFLAGS restored when CMPS or SCAS faults half-way;
 * here they are those of the last completed element, as after an interrupt. Neither
 * instruction reads them, and the result may not depend on where a slice ended.
 */
#include "cpu/op_integer.h"
#include "mmu/access.h"

/* ---- counting ---- */

/* The run loop has charged one count for the record. It stands for the element now
 * being done, so that a fault, or a device that asks the time, finds the count of an
 * ordinary instruction; completed elements are charged before the next begins. */
struct rep {
    uint64_t left; /* elements still to do, the one in progress included */
    unsigned bits; /* of the counter: the address size */
    bool repeat;
};

static struct rep rep_begin(const struct cpu *c, const struct insn *i)
{
    struct rep r = {.left = 1, .bits = address_bits(i)};

    r.repeat = i->form & (FORM_REP | FORM_REPNE);
    if (r.repeat)
        r.left = gpr_get(c, RCX, r.bits);
    return r;
}

/* n elements were completed. True: go on with the next. */
static bool rep_next(struct cpu *c, struct rep *r, uint64_t n)
{
    r->left -= n;
    if (!r->repeat)
        return false;
    gpr_set(c, RCX, r->bits, r->left);
    c->budget -= (int32_t)(n - 1);
    if (!r->left)
        return false;
    /* Between two elements: may the next follow at once? TF, a data breakpoint, code
     * that was written over, an event a device raised, the slice's end. */
    if ((c->eflags & FLAG_TF) || c->pending_debug || c->leave || c->budget <= 0) {
        c->rip = c->insn_rip;
        c->rep_cut = true;
        return false;
    }
    c->budget--;
    return true;
}

/* Elements that may be done before rep_next() is asked. */
static uint64_t rep_room(const struct cpu *c, const struct rep *r)
{
    uint64_t room = c->budget > 0 ? (uint64_t)c->budget + 1 : 1;

    if (c->eflags & FLAG_TF)
        room = 1;
    return r->left < room ? r->left : room;
}

/* ---- operands ---- */

/* One of the two memory operands: where its next element is. */
struct run {
    unsigned reg, seg;   /* RSI or RDI, and through which segment */
    unsigned size, bits; /* of an element in bytes; of the address */
    bool down;
};

static struct run run_source(const struct cpu *c, const struct insn *i, unsigned size)
{
    return (struct run){RSI, INSN_SEG(i), size, address_bits(i), c->eflags & FLAG_DF};
}

/* The destination is ES, whatever segment prefix there is. */
static struct run run_destination(const struct cpu *c, const struct insn *i,
                                  unsigned size)
{
    return (struct run){RDI, ES, size, address_bits(i), c->eflags & FLAG_DF};
}

static uint64_t run_at(const struct cpu *c, const struct run *r)
{
    return gpr_get(c, r->reg, r->bits);
}

static void run_advance(struct cpu *c, const struct run *r, uint64_t n)
{
    uint64_t by = n * r->size;
    gpr_set(c, r->reg, r->bits, c->gpr[r->reg] + (r->down ? 0 - by : by));
}

static uint8_t *one_at_most(uint64_t *n)
{
    *n = 1;
    return NULL;
}

/* The host address of the lowest byte of the next *n elements, which are cut to what
 * one page, the segment and the address size hold. NULL: the long way. */
static uint8_t *run_chunk(const struct cpu *c, const struct run *r,
                          enum access_kind kind, uint64_t *n)
{
    const struct segment *seg = &c->seg[r->seg];
    uint64_t at = run_at(c, r), la, fit, in_page, low, bytes;

    if (c->mode & MODE_CODE64) {
        la = at + (r->seg >= FS ? seg->base : 0);
    } else {
        uint64_t top = kind == ACCESS_WRITE ? seg->fast_write : seg->fast_read;
        /* As in operand.c: one byte short, so that 0 admits nothing. */
        if (at + r->size > top)
            return one_at_most(n);
        if (!r->down && *n > (top - at) / r->size)
            *n = (top - at) / r->size;
        la = (uint32_t)(seg->base + at);
    }
    in_page = la & (PAGE - 1);
    if (in_page + r->size > PAGE)
        return one_at_most(n);
    /* Upwards the offset may not pass the end of the address size, downwards not 0. */
    if (r->down) {
        fit = (in_page < at ? in_page : at) / r->size + 1;
    } else {
        uint64_t above = width_mask(r->bits) - at; /* bytes after the first */
        if (above < r->size - 1)
            return one_at_most(n);
        fit = (PAGE - in_page) / r->size;
        if (fit > (above - (r->size - 1)) / r->size + 1)
            fit = (above - (r->size - 1)) / r->size + 1;
    }
    if (*n > fit)
        *n = fit;
    bytes = *n * r->size;
    low = r->down ? la - (bytes - r->size) : la;
    if (kind == ACCESS_WRITE)
        return probe_write(&c->mmu, low, (unsigned)bytes);
    return probe_read(&c->mmu, low, (unsigned)bytes);
}

/* A chunk of one whole page is the most. Both operands are probed for the same number
 * of elements: the second may shorten what the first offered, so the first moves
 * (downwards the lowest byte is further up then). */
static uint8_t *cut_to(uint8_t *low, const struct run *r, uint64_t had, uint64_t n)
{
    return r->down ? low + (had - n) * r->size : low;
}

static struct place run_open(struct cpu *c, const struct run *r, enum access_kind kind)
{
    return open_mem(c, r->seg, run_at(c, r), r->size * 8, kind);
}

static bool is_mmio(const struct place *p)
{
    return p->spans.count == 1 && !p->spans.part[0].host && !p->spans.part[0].drop;
}

/* From an element's place to that of the next one, in the same page. */
static void place_advance(struct place *p, const struct run *r)
{
    struct span *s = &p->spans.part[0];
    uint64_t by = r->down ? 0 - (uint64_t)r->size : r->size;

    if (s->host)
        s->host += (ptrdiff_t)(int64_t)by;
    s->where.v += by;
}

/* ---- MOVS ---- */

/* Exactly what n element copies in order do, overlapping or not. */
static void copy_elements(uint8_t *to, const uint8_t *from, size_t n, unsigned size,
                          bool down)
{
    uintptr_t t = (uintptr_t)to, f = (uintptr_t)from;
    size_t bytes = n * size, gap;

    if (down ? t >= f || t + bytes <= f : t <= f || f + bytes <= t) {
        memmove(to, from, bytes);
        return;
    }
    /* Each element may read what an earlier one wrote: the gap's bytes repeat. */
    gap = down ? f - t : t - f;
    if (gap < size) {
        for (size_t k = 0; k < n; k++) {
            size_t at = (down ? n - 1 - k : k) * size;
            store_le(to + at, size, load_le(from + at, size));
        }
        return;
    }
    gap -= gap % size;
    for (size_t done = 0; done < bytes;) {
        size_t part = bytes - done < gap ? bytes - done : gap;
        size_t at = down ? bytes - done - part : done;
        memcpy(to + at, from + at, part);
        done += part;
    }
}

void op_movs(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run source = run_source(c, i, size), target = run_destination(c, i, size);
    struct rep r = rep_begin(c, i);
    uint64_t n;

    if (!r.left)
        return;
    do {
        uint64_t had = rep_room(c, &r);
        uint8_t *from = run_chunk(c, &source, ACCESS_READ, &had);
        uint8_t *to;

        n = had;
        to = run_chunk(c, &target, ACCESS_WRITE, &n);
        if (from && to) {
            copy_elements(to, cut_to(from, &source, had, n), n, size, source.down);
        } else {
            struct place src = run_open(c, &source, ACCESS_READ);
            struct place dst = run_open(c, &target, ACCESS_WRITE);
            if (c->mmu.watching || !(is_mmio(&src) || is_mmio(&dst)))
                n = 1;
            place_set(c, &dst, place_get(c, &src));
            for (; n > 1; n--) {
                run_advance(c, &source, 1);
                run_advance(c, &target, 1);
                if (!rep_next(c, &r, 1))
                    return;
                place_advance(&src, &source);
                place_advance(&dst, &target);
                place_set(c, &dst, place_get(c, &src));
            }
        }
        run_advance(c, &source, n);
        run_advance(c, &target, n);
    } while (rep_next(c, &r, n));
}

/* ---- STOS ---- */

static void fill_elements(uint8_t *to, size_t n, unsigned size, uint64_t v)
{
    size_t bytes = n * size, done = size;

    if (v == (v & 0xff) * (0x0101010101010101 & width_mask(8 * size))) {
        memset(to, (int)(v & 0xff), bytes);
        return;
    }
    store_le(to, size, v);
    while (done < bytes) {
        size_t part = bytes - done < done ? bytes - done : done;
        memcpy(to + done, to, part);
        done += part;
    }
}

void op_stos(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run target = run_destination(c, i, size);
    struct rep r = rep_begin(c, i);
    uint64_t v = gpr_get(c, RAX, i->bits), n;

    if (!r.left)
        return;
    do {
        uint8_t *to;

        n = rep_room(c, &r);
        to = run_chunk(c, &target, ACCESS_WRITE, &n);
        if (to) {
            fill_elements(to, n, size, v);
        } else {
            struct place dst = run_open(c, &target, ACCESS_WRITE);
            if (c->mmu.watching || !is_mmio(&dst))
                n = 1;
            place_set(c, &dst, v);
            for (; n > 1; n--) {
                run_advance(c, &target, 1);
                if (!rep_next(c, &r, 1))
                    return;
                place_advance(&dst, &target);
                place_set(c, &dst, v);
            }
        }
        run_advance(c, &target, n);
    } while (rep_next(c, &r, n));
}

/* ---- LODS ---- */

void op_lods(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run source = run_source(c, i, size);
    struct rep r = rep_begin(c, i);
    uint64_t n;

    if (!r.left)
        return;
    do {
        const uint8_t *from;

        n = rep_room(c, &r);
        from = run_chunk(c, &source, ACCESS_READ, &n);
        if (from) {
            /* Only the last one stays. */
            gpr_set(c, RAX, i->bits,
                    load_le(source.down ? from : from + (n - 1) * size, size));
        } else {
            struct place src = run_open(c, &source, ACCESS_READ);
            gpr_set(c, RAX, i->bits, place_get(c, &src));
            n = 1;
        }
        run_advance(c, &source, n);
    } while (rep_next(c, &r, n));
}

/* ---- CMPS, SCAS ---- */

/* Does the repetition end after an element that compared so? */
static bool stops(const struct insn *i, bool equal)
{
    if (i->form & FORM_REP)
        return !equal;
    return (i->form & FORM_REPNE) && equal;
}

/* As rep_next, for those that a comparison ends too. */
static bool rep_next_unless(struct cpu *c, struct rep *r, uint64_t n, bool stop)
{
    if (stop && r->repeat) {
        r->left -= n;
        gpr_set(c, RCX, r->bits, r->left);
        c->budget -= (int32_t)(n - 1);
        return false;
    }
    return rep_next(c, r, n);
}

/* Elements of a and b (or of a alone, against v) compared in order until one ends the
 * repetition; how many, and the last pair. The elements' size is a constant to the
 * compiler. */
struct compared {
    size_t n;
    uint64_t a, b;
};

static ALWAYS_INLINE struct compared compare_sized(const uint8_t *a, const uint8_t *b,
                                                   uint64_t v, size_t n, unsigned size,
                                                   bool down, bool stop_equal)
{
    struct compared r = {.b = v};

    while (r.n < n) {
        size_t at = (down ? n - 1 - r.n : r.n) * size;
        r.a = load_le(a + at, size);
        if (b)
            r.b = load_le(b + at, size);
        r.n++;
        if ((r.a == r.b) == stop_equal)
            break;
    }
    return r;
}

static struct compared compare_elements(const uint8_t *a, const uint8_t *b, uint64_t v,
                                        size_t n, unsigned size, bool down,
                                        bool stop_equal)
{
    /* The elements of an all-equal (or, SCASB, nowhere equal) run are skipped by the
     * C library, which is faster than any loop here. */
    if (!down && n > 1) {
        size_t skip = 0;
        if (b && !stop_equal && !memcmp(a, b, (n - 1) * size))
            skip = n - 1;
        if (!b && stop_equal && size == 1) {
            const uint8_t *found = memchr(a, (int)v, n);
            skip = found ? (size_t)(found - a) : n - 1;
        }
        if (skip) {
            struct compared r = {.n = skip + 1, .b = v};
            r.a = load_le(a + skip * size, size);
            if (b)
                r.b = load_le(b + skip * size, size);
            return r;
        }
    }
    switch (size) {
    case 1: return compare_sized(a, b, v, n, 1, down, stop_equal);
    case 2: return compare_sized(a, b, v, n, 2, down, stop_equal);
    case 4: return compare_sized(a, b, v, n, 4, down, stop_equal);
    default: return compare_sized(a, b, v, n, 8, down, stop_equal);
    }
}

/* The first operand, from which the second is subtracted, is the source. */
void op_cmps(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run source = run_source(c, i, size), target = run_destination(c, i, size);
    struct rep r = rep_begin(c, i);
    struct compared got;
    bool stop_equal = i->form & FORM_REPNE;

    if (!r.left)
        return;
    do {
        uint64_t had = rep_room(c, &r), n;
        const uint8_t *b = NULL;
        uint8_t *a = run_chunk(c, &source, ACCESS_READ, &had);

        n = had;
        if (a)
            b = run_chunk(c, &target, ACCESS_READ, &n);
        if (a && b) {
            a = cut_to(a, &source, had, n);
            got = compare_elements(a, b, 0, n, size, source.down, stop_equal);
        } else {
            struct place first = run_open(c, &source, ACCESS_READ);
            struct place second = run_open(c, &target, ACCESS_READ);
            got.a = place_get(c, &first);
            got.b = place_get(c, &second);
            got.n = 1;
        }
        lazy_sub(&c->lazy, i->bits, got.a, got.a - got.b);
        run_advance(c, &source, got.n);
        run_advance(c, &target, got.n);
    } while (rep_next_unless(c, &r, got.n, stops(i, got.a == got.b)));
}

void op_scas(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run target = run_destination(c, i, size);
    struct rep r = rep_begin(c, i);
    uint64_t v = gpr_get(c, RAX, i->bits);
    struct compared got;
    bool stop_equal = i->form & FORM_REPNE;

    if (!r.left)
        return;
    do {
        uint64_t n = rep_room(c, &r);
        const uint8_t *at = run_chunk(c, &target, ACCESS_READ, &n);

        if (at) {
            got = compare_elements(at, NULL, v, n, size, target.down, stop_equal);
        } else {
            struct place p = run_open(c, &target, ACCESS_READ);
            got.a = place_get(c, &p);
            got.n = 1;
        }
        lazy_sub(&c->lazy, i->bits, v, v - got.a);
        run_advance(c, &target, got.n);
    } while (rep_next_unless(c, &r, got.n, stops(i, got.a == v)));
}

/* ---- INS, OUTS: one port access an element ---- */

void op_ins(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run target = run_destination(c, i, size);
    struct rep r = rep_begin(c, i);

    if (!r.left)
        return;
    do {
        uint16_t port = (uint16_t)c->gpr[RDX];
        struct place to;

        port_check(c, port, size);
        to = run_open(c, &target, ACCESS_WRITE);
        place_set(c, &to, port_in(c, port, size));
        run_advance(c, &target, 1);
    } while (rep_next(c, &r, 1));
}

void op_outs(struct cpu *c, const struct insn *i)
{
    unsigned size = i->bits / 8;
    struct run source = run_source(c, i, size);
    struct rep r = rep_begin(c, i);

    if (!r.left)
        return;
    do {
        uint16_t port = (uint16_t)c->gpr[RDX];
        struct place from;

        port_check(c, port, size);
        from = run_open(c, &source, ACCESS_READ);
        port_out(c, port, size, (uint32_t)place_get(c, &from));
        run_advance(c, &source, 1);
    } while (rep_next(c, &r, 1));
}
