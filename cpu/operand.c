/* operand.c - how general handlers reach registers, guest memory, the stack and ports.
 *
 * Two ways lead to memory. The short one: the segment's fast limit, then a first-level
 * probe. All else takes the long one: segment checks one by one, translation,
 * alignment, data breakpoints, each refusal with its reason. The first level holds only
 * pages that need none of the latter (no watchpoint, no armed alignment check, no
 * decoded code to drop), and never a non-canonical address, so a hit proves the access
 * good.
 */
#include "cpu/operand.h"

#include "cpu/fault.h"
#include "cpu/points.h"
#include "mmu/access.h"

/* ---- the short way ---- */

/* The linear address of [offset, offset + size) through s. False: the segment's fast limit
 * does not admit it. */
static ALWAYS_INLINE bool quick_linear(const struct cpu *c, unsigned s, uint64_t offset,
                                       unsigned size, enum access_kind kind, uint64_t *la)
{
    const struct segment *seg = &c->seg[s];

    if (c->mode & MODE_CODE64) {
        *la = offset + (s >= FS ? seg->base : 0);
        return true;
    }
    /* One byte short of what is allowed: a fast limit of 0 admits nothing. */
    if (offset + size > (kind == ACCESS_WRITE ? seg->fast_write : seg->fast_read))
        return false;
    *la = (uint32_t)(seg->base + offset);
    return true;
}

/* The host address of [offset, offset + size) through s, or NULL: take the long way. */
static ALWAYS_INLINE uint8_t *quick(const struct cpu *c, unsigned s, uint64_t offset,
                                    unsigned size, enum access_kind kind)
{
    uint64_t la;

    if (!quick_linear(c, s, offset, size, kind, &la))
        return NULL;
    return kind == ACCESS_WRITE ? probe_write(&c->mmu, la, size)
                                : probe_read(&c->mmu, la, size);
}

/* Likewise for a store to a page that decoded code alone keeps from the short way: its
 * first-level entry, or NULL. Data beside code is common in small programs. */
static ALWAYS_INLINE const struct l1_entry *beside_code(const struct cpu *c, unsigned s,
                                                        uint64_t offset, unsigned size,
                                                        uint64_t *la)
{
    if (!quick_linear(c, s, offset, size, ACCESS_WRITE, la))
        return NULL;
    return probe_code_page(&c->mmu, *la, size);
}

/* ---- segment checks ---- */

static bool canonical(const struct cpu *c, uint64_t la)
{
    unsigned spare = c->mmu.paging.mode == PAGING_5LEVEL ? 64 - 57 : 64 - 48;
    return (uint64_t)((int64_t)(la << spare) >> spare) == la;
}

NORETURN static COLD void noncanonical(struct cpu *c, unsigned s, uint64_t la)
{
    if (s == SS)
        raise_fault(c, VEC_SS, 0, R_SS_NONCANONICAL, la, 0, 0);
    raise_fault(c, VEC_GP, 0, R_GP_NONCANONICAL, la, 0, 0);
}

/* Is [offset, offset + size) inside the segment's limit? SDM vol 3A 5.3. */
static bool in_limit(const struct segment *seg, uint64_t offset, unsigned size)
{
    uint64_t last = offset + size - 1;

    if ((seg->attr & (SEG_S | SEG_CODE | SEG_EXPAND_DOWN)) == (SEG_S | SEG_EXPAND_DOWN))
        return offset > seg->limit &&
               last <= (seg->attr & SEG_DB ? 0xffffffff : 0xffff);
    /* With a limit of FFFFFFFFh whether an access that wraps faults is left to the
     * implementation (5.3): here it wraps, as on 386 to Pentium. */
    return last <= seg->limit || seg->limit == 0xffffffff;
}

uint64_t seg_linear(struct cpu *c, unsigned s, uint64_t offset, unsigned size,
                    enum access_kind kind)
{
    const struct segment *seg = &c->seg[s];

    if (cpu_code64(c)) {
        uint64_t la = offset + (s >= FS ? seg->base : 0);
        if (!canonical(c, la))
            noncanonical(c, s, la);
        if (!canonical(c, la + size - 1))
            noncanonical(c, s, la + size - 1);
        return la;
    }
    /* Real mode checks limits only: CS may be written whatever its cached type. */
    if (cpu_protected(c)) {
        if (!seg->usable)
            raise_fault(c, s == SS ? VEC_SS : VEC_GP, 0, R_GP_NULL_SEGMENT, s, 0, 0);
        if (kind == ACCESS_WRITE &&
            ((seg->attr & SEG_CODE) || !(seg->attr & SEG_WRITABLE)))
            raise_fault(c, VEC_GP, 0, R_GP_NOT_WRITABLE, s, 0, 0);
        if (kind == ACCESS_READ && (seg->attr & (SEG_CODE | SEG_READABLE)) == SEG_CODE)
            raise_fault(c, VEC_GP, 0, R_GP_NOT_READABLE, s, 0, 0);
    }
    if (!in_limit(seg, offset, size)) {
        if (s == SS)
            raise_fault(c, VEC_SS, 0, R_SS_LIMIT, offset, size, seg->limit);
        raise_fault(c, VEC_GP, 0, R_GP_LIMIT, offset, size, seg->limit);
    }
    return (uint32_t)(seg->base + offset);
}

/* ---- translation ---- */

/* Bytes a data object must be aligned on (SDM vol 3A 6.15, Table 6-7). */
static unsigned natural_alignment(unsigned size)
{
    switch (size) {
    case 1: return 1;
    case 2: return 2;
    case 4:
    case 6: return 4; /* 6: a 48-bit far pointer */
    case 8:
    case 10: return 8; /* 10: an x87 extended real */
    /* FSTENV, FSAVE and their loads: by operand size. The larger image of FSAVE comes as
     * 64 bytes and the rest; the rest tells the two apart. */
    case 14:
    case 30:
    case 64: return 2;
    case 28:
    case 44: return 4;
    default: return 16;
    }
}

/* LEN field of DR7: 1, 2, 8, 4 bytes (SDM vol 3B 17.2.4). */
static unsigned breakpoint_length(uint64_t dr7, unsigned n)
{
    static const uint8_t length[4] = {1, 2, 8, 4};
    return length[dr7 >> (18 + 4 * n) & 3];
}

static bool breakpoint_enabled(uint64_t dr7, unsigned n)
{
    return dr7 >> (2 * n) & 3;
}

/* Notes data breakpoints that [la, la + size) touches, the guest's (SDM vol 3B 17.2.5) and
 * a debugger's. */
static void watch(struct cpu *c, uint64_t la, unsigned size, enum access_kind kind)
{
    uint64_t first = la & ~(uint64_t)(PAGE - 1);
    uint64_t last = (la + size - 1) & ~(uint64_t)(PAGE - 1);

    if (c->mmu.ranges)
        points_access(c, la, size, kind);
    for (unsigned n = 0; n < 4; n++) {
        unsigned rw = c->dr[7] >> (16 + 4 * n) & 3;
        uint64_t length = breakpoint_length(c->dr[7], n);
        uint64_t at = c->dr[n] & ~(length - 1);

        if (c->mmu.watched[n] != first && c->mmu.watched[n] != last)
            continue;
        if (!breakpoint_enabled(c->dr[7], n))
            continue;
        if (rw != 3 && !(rw == 1 && kind == ACCESS_WRITE))
            continue;
        if (la < at + length && at < la + size) {
            c->pending_debug |= 1u << n;
            c->leave = true; /* the trap comes right after this instruction */
        }
    }
}

static void translate(struct cpu *c, uint64_t la, unsigned size, struct accessor how,
                      struct spans *sp)
{
    uint64_t bad;

    if (!cpu_long_mode(c) && la + size > 0x100000000ull) {
        /* Linear addresses are 32 bits wide: the rest continues at 0. */
        unsigned part = (unsigned)(0x100000000ull - la);
        struct spans rest;
        if (!mmu_open(&c->mmu, la, part, how, sp, &bad) ||
            !mmu_open(&c->mmu, 0, size - part, how, &rest, &bad))
            raise_page_fault(c, bad);
        sp->part[1] = rest.part[0];
        sp->count = 2;
        return;
    }
    if (!mmu_open(&c->mmu, la, size, how, sp, &bad))
        raise_page_fault(c, bad);
}

static void open_checked(struct cpu *c, uint64_t la, unsigned size, struct accessor how,
                         struct spans *sp)
{
    enum { CR0_AM = 1 << 18 };

    translate(c, la, size, how, sp);
    if (how.user && c->cpl == 3 && (c->eflags & FLAG_AC) && (c->cr0 & CR0_AM)) {
        unsigned on = natural_alignment(size);
        if (la & (on - 1))
            raise_fault(c, VEC_AC, 0, R_AC_UNALIGNED, la, on, 0);
    }
    if (UNLIKELY(c->mmu.watching))
        watch(c, la, size, how.kind);
}

void mem_open_linear(struct cpu *c, uint64_t la, unsigned size, struct accessor how,
                     struct spans *sp)
{
    if (!cpu_long_mode(c))
        la = (uint32_t)la;
    else if (!canonical(c, la) || !canonical(c, la + size - 1))
        noncanonical(c, DS, la);
    if (!how.implicit) {
        open_checked(c, la, size, how, sp);
        return;
    }
    translate(c, la, size, how, sp);
    if (UNLIKELY(c->mmu.ranges))
        points_access(c, la, size, how.kind);
}

void mem_open(struct cpu *c, unsigned s, uint64_t offset, unsigned size,
              enum access_kind kind, struct spans *sp)
{
    struct accessor how = {.kind = kind, .user = c->cpl == 3};
    uint64_t la = seg_linear(c, s, offset, size, kind);

    if (!cpu_code64(c) && cpu_long_mode(c) && la + size > 0x100000000ull) {
        /* Compatibility mode: 32-bit addresses, though the page walk takes 64. */
        unsigned part = (unsigned)(0x100000000ull - la);
        struct spans rest;
        open_checked(c, la, part, how, sp);
        open_checked(c, 0, size - part, how, &rest);
        sp->part[1] = rest.part[0];
        sp->count = 2;
        return;
    }
    open_checked(c, la, size, how, sp);
}

/* ---- loads and stores ---- */

uint64_t mem_load(struct cpu *c, unsigned s, uint64_t offset, unsigned size)
{
    const uint8_t *host = quick(c, s, offset, size, ACCESS_READ);
    struct spans sp;

    if (LIKELY(host != NULL))
        return load_le(host, size);
    mem_open(c, s, offset, size, ACCESS_READ, &sp);
    return spans_load(&c->mmu, &sp, size);
}

void mem_store(struct cpu *c, unsigned s, uint64_t offset, unsigned size, uint64_t v)
{
    uint8_t *host = quick(c, s, offset, size, ACCESS_WRITE);
    const struct l1_entry *e;
    struct spans sp;
    uint64_t la;

    if (LIKELY(host != NULL)) {
        store_le(host, size, v);
        return;
    }
    e = beside_code(c, s, offset, size, &la);
    if (e) {
        store_le(hit(e, la), size, v);
        phys_stored(c->mmu.phys, e->number, (unsigned)(la & (PAGE - 1)), size);
        return;
    }
    mem_open(c, s, offset, size, ACCESS_WRITE, &sp);
    spans_store(&c->mmu, &sp, size, v);
}

enum { OPEN_MAX = 64 };

static unsigned piece(unsigned size)
{
    return size < OPEN_MAX ? size : OPEN_MAX;
}

/* Larger areas (FXSAVE) are opened whole before the first byte moves. */
static void check_area(struct cpu *c, unsigned s, uint64_t offset, unsigned size,
                       enum access_kind kind)
{
    for (unsigned n, at = 0; at < size; at += n) {
        struct spans sp;
        n = piece(size - at);
        mem_open(c, s, offset + at, n, kind, &sp);
    }
}

void mem_read(struct cpu *c, unsigned s, uint64_t offset, void *to, unsigned size)
{
    if (size > OPEN_MAX)
        check_area(c, s, offset, size, ACCESS_READ);
    for (unsigned n, at = 0; at < size; at += n) {
        const uint8_t *host;
        struct spans sp;
        n = piece(size - at);
        host = quick(c, s, offset + at, n, ACCESS_READ);
        if (host) {
            memcpy((uint8_t *)to + at, host, n);
            continue;
        }
        mem_open(c, s, offset + at, n, ACCESS_READ, &sp);
        spans_read(&c->mmu, &sp, (uint8_t *)to + at, n);
    }
}

void mem_write(struct cpu *c, unsigned s, uint64_t offset, const void *from,
               unsigned size)
{
    if (size > OPEN_MAX)
        check_area(c, s, offset, size, ACCESS_WRITE);
    for (unsigned n, at = 0; at < size; at += n) {
        uint8_t *host;
        struct spans sp;
        n = piece(size - at);
        host = quick(c, s, offset + at, n, ACCESS_WRITE);
        if (host) {
            memcpy(host, (const uint8_t *)from + at, n);
            continue;
        }
        mem_open(c, s, offset + at, n, ACCESS_WRITE, &sp);
        spans_write(&c->mmu, &sp, (const uint8_t *)from + at, n);
    }
}

uint64_t sys_load(struct cpu *c, uint64_t la, unsigned size)
{
    struct accessor how = {.kind = ACCESS_READ, .implicit = true};
    struct spans sp;
    const uint8_t *host;

    if (!cpu_long_mode(c))
        la = (uint32_t)la;
    host = probe_system(&c->mmu, la, size);
    if (LIKELY(host != NULL))
        return load_le(host, size);
    mem_open_linear(c, la, size, how, &sp);
    return spans_load(&c->mmu, &sp, size);
}

void sys_store(struct cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    struct accessor how = {.kind = ACCESS_WRITE, .implicit = true};
    struct spans sp;

    mem_open_linear(c, la, size, how, &sp);
    spans_store(&c->mmu, &sp, size, v);
}

/* ---- places ---- */

static ALWAYS_INLINE struct place register_place(uint16_t offset, unsigned bits)
{
    struct place p;
    p.reg = offset;
    p.bits = (uint8_t)bits;
    p.spans.count = 0;
    return p;
}

struct place open_mem(struct cpu *c, unsigned s, uint64_t offset, unsigned bits,
                      enum access_kind kind)
{
    uint8_t *host = quick(c, s, offset, bits / 8, kind);
    const struct l1_entry *e;
    struct place p;
    uint64_t la;

    p.reg = CPU_ZERO_OFFSET;
    p.bits = (uint8_t)bits;
    if (LIKELY(host != NULL)) {
        /* NO_PAGE: a probe that hit says that no decoded code can be written over. */
        p.spans.count = 1;
        p.spans.part[0] =
            (struct span){.host = host, .number = NO_PAGE, .size = bits / 8};
    } else if (kind == ACCESS_WRITE && (e = beside_code(c, s, offset, bits / 8, &la))) {
        p.spans.count = 1;
        p.spans.part[0] = (struct span){.host = hit(e, la),
                                        .where = pa((uint64_t)e->frame * PAGE |
                                                    (la & (PAGE - 1))),
                                        .number = e->number,
                                        .size = bits / 8};
    } else {
        mem_open(c, s, offset, bits / 8, kind, &p.spans);
    }
    return p;
}

struct place open_rm(struct cpu *c, const struct insn *i, unsigned bits)
{
    if (i->form & FORM_MEM)
        return open_mem(c, INSN_SEG(i), ea(c, i), bits, ACCESS_WRITE);
    return register_place(i->rm, bits);
}

struct place open_dst(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_DST_REG)
        return register_place(i->reg, i->bits);
    return open_rm(c, i, i->bits);
}

uint64_t place_get(struct cpu *c, const struct place *p)
{
    const struct span *first = &p->spans.part[0];

    if (p->spans.count == 0)
        return reg_get(c, p->reg, p->bits);
    if (p->spans.count == 1 && first->host)
        return load_le(first->host, p->bits / 8);
    return spans_load(&c->mmu, &p->spans, p->bits / 8);
}

void place_set(struct cpu *c, const struct place *p, uint64_t v)
{
    const struct span *first = &p->spans.part[0];

    if (p->spans.count == 0)
        reg_set(c, p->reg, p->bits, v);
    else if (p->spans.count == 1 && first->number == NO_PAGE && first->host)
        store_le(first->host, p->bits / 8, v);
    else
        spans_store(&c->mmu, &p->spans, p->bits / 8, v);
}

uint64_t rm_get(struct cpu *c, const struct insn *i, unsigned bits)
{
    if (i->form & FORM_MEM)
        return mem_load(c, INSN_SEG(i), ea(c, i), bits / 8);
    return reg_get(c, i->rm, bits);
}

void rm_set(struct cpu *c, const struct insn *i, unsigned bits, uint64_t v)
{
    if (i->form & FORM_MEM)
        mem_store(c, INSN_SEG(i), ea(c, i), bits / 8, v);
    else
        reg_set(c, i->rm, bits, v);
}

uint64_t src_get(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_LONG)
        return insn_imm64(i);
    if (i->form & FORM_IMM)
        return (uint64_t)(int64_t)i->imm;
    if (i->form & FORM_DST_REG)
        return rm_get(c, i, i->bits);
    return reg_get(c, i->reg, i->bits);
}

uint64_t dst_get(struct cpu *c, const struct insn *i)
{
    if (i->form & FORM_DST_REG)
        return reg_get(c, i->reg, i->bits);
    return rm_get(c, i, i->bits);
}

/* ---- the stack ---- */

void set_sp(struct cpu *c, uint64_t sp)
{
    if (c->mode & MODE_CODE64)
        c->gpr[RSP] = sp;
    else if (c->mode & MODE_STACK32)
        c->gpr[RSP] = (uint32_t)sp;
    else
        c->gpr[RSP] = (c->gpr[RSP] & ~0xffffull) | (uint16_t)sp;
}

void push(struct cpu *c, unsigned bits, uint64_t v)
{
    uint64_t sp = (c->gpr[RSP] - bits / 8) & stack_mask(c);
    mem_store(c, SS, sp, bits / 8, v);
    set_sp(c, sp);
}

uint64_t stack_peek(struct cpu *c, unsigned bits, uint64_t up)
{
    return mem_load(c, SS, (c->gpr[RSP] + up) & stack_mask(c), bits / 8);
}

const uint8_t *stack_probe(const struct cpu *c, unsigned size)
{
    uint64_t mask = stack_mask(c), sp = c->gpr[RSP] & mask;

    if (sp + size - 1 > mask || sp + size - 1 < sp)
        return NULL;
    return quick(c, SS, sp, size, ACCESS_READ);
}

uint64_t pop(struct cpu *c, unsigned bits)
{
    uint64_t v = stack_peek(c, bits, 0);
    set_sp(c, c->gpr[RSP] + bits / 8);
    return v;
}

/* ---- jumps ---- */

uint64_t jump_check(struct cpu *c, unsigned bits, uint64_t target)
{
    if (bits == 16)
        target = (uint16_t)target;
    else if (bits == 32)
        target = (uint32_t)target;
    if (cpu_code64(c)) {
        if (!canonical(c, target))
            raise_fault(c, VEC_GP, 0, R_GP_RIP_NONCANONICAL, target, 0, 0);
    } else if (target > c->seg[CS].limit) {
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, target, c->seg[CS].limit, 0);
    }
    return target;
}

void jump_near(struct cpu *c, unsigned bits, uint64_t target)
{
    c->rip = jump_check(c, bits, target);
}

/* ---- ports ---- */

/* The I/O permission bitmap of the TSS. SDM vol 1 19.5.2; virtual-8086 mode asks it
 * whatever the IOPL (vol 3A 21.3.3). */
static NOINLINE void bitmap_check(struct cpu *c, uint16_t port, unsigned size)
{
    enum { IOMAP_BASE = 0x66 };
    unsigned type = c->tr.attr & SEG_TYPE, deny;
    uint32_t at;

    /* A 16-bit TSS has no bitmap. */
    if (!c->tr.usable || (type & ~2u) != 9 || c->tr.limit < IOMAP_BASE + 1)
        raise_fault(c, VEC_GP, 0, R_GP_IOMAP_LIMIT, port, c->tr.limit, 0);
    /* Two bytes are read always, so the bitmap ends in a byte of ones (19.5.2). */
    at = (uint32_t)sys_load(c, c->tr.base + IOMAP_BASE, 2) + port / 8u;
    if (at + 1 > c->tr.limit)
        raise_fault(c, VEC_GP, 0, R_GP_IOMAP_LIMIT, port, c->tr.limit, 0);
    deny = (unsigned)sys_load(c, c->tr.base + at, 2) >> (port & 7);
    if (deny & ((1u << size) - 1))
        raise_fault(c, VEC_GP, 0, R_GP_IOPL_PORT, port, 0, 0);
}

void port_check(struct cpu *c, uint16_t port, unsigned size)
{
    bool privileged = c->cpl <= (c->eflags & FLAG_IOPL) >> 12;

    if (LIKELY(privileged && !(c->eflags & FLAG_VM)))
        return;
    if (cpu_vm86(c) || (cpu_protected(c) && !privileged))
        bitmap_check(c, port, size);
}

/* I/O breakpoints: R/W field 2, with CR4.DE (SDM vol 3B 17.2.4). */
static void watch_port(struct cpu *c, uint16_t port, unsigned size)
{
    enum { CR4_DE = 1 << 3 };

    if (!(c->cr4 & CR4_DE) || !(c->dr[7] & 0xff))
        return;
    for (unsigned n = 0; n < 4; n++) {
        uint64_t length = breakpoint_length(c->dr[7], n);
        uint64_t at = c->dr[n] & ~(length - 1);

        if (!breakpoint_enabled(c->dr[7], n) || (c->dr[7] >> (16 + 4 * n) & 3) != 2)
            continue;
        if (port < at + length && at < (uint64_t)port + size) {
            c->pending_debug |= 1u << n;
            c->leave = true;
        }
    }
}

uint32_t port_in(struct cpu *c, uint16_t port, unsigned size)
{
    struct io io = {.address = port, .size = (uint8_t)size};

    port_check(c, port, size);
    watch_port(c, port, size);
    cpu_sync_clock(c);
    space_access(c->ports, &io);
    return (uint32_t)io.value;
}

void port_out(struct cpu *c, uint16_t port, unsigned size, uint32_t v)
{
    struct io io = {.address = port, .size = (uint8_t)size, .write = true, .value = v};

    port_check(c, port, size);
    watch_port(c, port, size);
    cpu_sync_clock(c);
    space_access(c->ports, &io);
}
