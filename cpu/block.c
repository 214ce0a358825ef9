/* block.c - building blocks, finding them, dropping them. */
#include "cpu/block.h"

#include "cpu/dispatch.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "cpu/operand.h"
#include "cpu/points.h"
#include "cpu/system.h"

#include <stdlib.h>
#include <string.h>

/* ---- handlers every block needs ---- */

/* The head charges the whole block; what does not fit the budget is left to the run loop,
 * which enters one-instruction blocks instead. Early exits refund. */
static HANDLER(run_head)
{
    if (UNLIKELY(!head_enters(c, i)))
        return NULL;
    NEXT(c, i);
}

static struct block *block_of(const struct insn *head)
{
    return (struct block *)(uintptr_t)((const uint8_t *)head - offsetof(struct block, code));
}

/* The head of a block where a breakpoint may stand: the run loop stops there. */
static HANDLER(run_head_break)
{
    uint64_t rip = (c->page_rip + i->at) & c->rip_mask;
    if (UNLIKELY(points_here(c, rip))) {
        c->rip = rip;
        return NULL;
    }
    TAIL(run_head(c, i));
}

/* A cold block counts its runs; a hot one is rebuilt by the run loop's next lookup. */
static HANDLER(run_head_cold)
{
    struct block *b = block_of(i);
    int32_t left = c->budget - i->imm;
    if (UNLIKELY(left < 0 || ++b->runs >= HOT_RUNS)) {
        c->rip = c->page_rip + i->at;
        return NULL;
    }
    c->budget = left;
    NEXT(c, i);
}

/* The head of a dropped or stale block. */
static HANDLER(run_head_stale)
{
    c->rip = c->page_rip + i->at;
    return NULL;
}

/* The head of a cold block that was rebuilt. */
static HANDLER(run_head_forward)
{
    const struct link *l = insn_link(i);
    GOTO_INSN(c, l->head);
}

HANDLER(run_tail)
{
    const struct link *l = insn_link(i);
    if (UNLIKELY(!l->head)) {
        c->rip = (c->page_rip + i->at) & c->rip_mask;
        c->patch = (struct insn *)(uintptr_t)(i + 1);
        return NULL;
    }
    GOTO_INSN(c, l->head);
}

/* Control runs off the page's end. */
HANDLER(run_tail_page)
{
    c->rip = (c->page_rip + i->at) & c->rip_mask;
    return NULL;
}

static ALWAYS_INLINE void call_general(struct cpu *c, const struct insn *i)
{
    c->at = i;
    c->insn_rip = c->page_rip + i->at;
    c->rip = (c->insn_rip + i->len) & c->rip_mask;
    isa_general[i->row](c, i);
    c->at = NULL;
}

HANDLER(run_general)
{
    call_general(c, i);
    if (UNLIKELY(c->leave)) {
        c->budget += i->left - 1;
        return NULL;
    }
    NEXT(c, i);
}

static HANDLER(run_general_long)
{
    call_general(c, i);
    if (UNLIKELY(c->leave)) {
        c->budget += i->left - 1;
        return NULL;
    }
    NEXT(c, i + 1);
}

HANDLER(run_end)
{
    const struct jump_entry *e;
    uint64_t offset;

    call_general(c, i);
    if (UNLIKELY(c->leave))
        return NULL;
    offset = c->rip - c->page_rip;
    if (offset >= PAGE || c->page == NO_PAGE || c->seen_flushes != c->mmu.flushes) {
        const struct l1_fetch *f =
            &c->mmu.fetch_view[c->rip / PAGE & (L1_FETCHES - 1)];
        offset = c->rip & (PAGE - 1);
        if (!(c->mode & MODE_FLAT_CODE) || f->tag != c->rip - offset)
            return NULL;
        c->seen_flushes = c->mmu.flushes;
        c->page = f->number;
        c->page_rip = f->tag;
    }
    e = &c->cache->jumps[jump_slot(c->page, (unsigned)offset)];
    if (e->key != block_key(c->mode, c->page, (unsigned)offset))
        return NULL;
    GOTO_INSN(c, e->head);
}

/* ---- after a probe that missed ---- */

static bool ends_block(const struct insn *i);

/* The general handler, whether it ends the block or not. */
HANDLER(run_slow)
{
    if (ends_block(i))
        TAIL(run_end(c, i));
    TAIL(run_general(c, i));
}

/* No fast access is wider, so what stays this far from the page's end does not cross. */
enum { WIDEST = 16 };

static ALWAYS_INLINE bool refill(struct cpu *c, uint64_t la, bool write)
{
    return (la & (PAGE - 1)) <= PAGE - WIDEST && mmu_refill(&c->mmu, la, write);
}

/* The linear address of r/m; its segment's limits were checked before the probe. */
static ALWAYS_INLINE uint64_t linear(const struct cpu *c, const struct insn *i)
{
    const struct segment *s = &c->seg[INSN_SEG(i)];
    if (c->mode & MODE_CODE64)
        return ea(c, i) + (INSN_SEG(i) >= FS ? s->base : 0);
    return (uint32_t)(ea(c, i) + s->base);
}

HANDLER(refill_read)
{
    if (LIKELY(refill(c, linear(c, i), false)))
        GOTO_INSN(c, i);
    TAIL(run_slow(c, i));
}

HANDLER(refill_write)
{
    if (LIKELY(refill(c, linear(c, i), true)))
        GOTO_INSN(c, i);
    TAIL(run_slow(c, i));
}

/* 64-bit, or 32-bit and flat: fast handlers have no other stack. */
HANDLER(refill_pop)
{
    uint64_t sp = c->mode & MODE_CODE64 ? c->gpr[RSP] : (uint32_t)c->gpr[RSP];
    if (LIKELY(refill(c, sp, false)))
        GOTO_INSN(c, i);
    TAIL(run_slow(c, i));
}

HANDLER(refill_push)
{
    uint64_t sp = c->mode & MODE_CODE64 ? c->gpr[RSP] - 8 : (uint32_t)c->gpr[RSP] - 4;
    if (LIKELY(refill(c, sp, true)))
        GOTO_INSN(c, i);
    TAIL(run_slow(c, i));
}

/* One-instruction blocks: back to the run loop whatever happened. */
static HANDLER(run_step)
{
    call_general(c, i);
    return NULL;
}

/* ---- instructions that may not run in this mode ---- */

NORETURN static void raise_unavailable(struct cpu *c, const struct isa_row *r)
{
    uint64_t cr0 = c->cr0;

    if ((r->traits & T_CPL0) && !(c->mode & MODE_RING0))
        raise_fault(c, VEC_GP, 0, R_GP_CPL0, c->cpl, 0, 0);
    if (r->traits & (T_SSE | T_MMX)) {
        if (cr0 & 4)
            RAISE_UD(c, R_UD_EM);
        if ((r->traits & T_SSE) && !(c->cr4 & 1 << 9))
            RAISE_UD(c, R_UD_OSFXSR);
        raise_fault(c, VEC_NM, 0, R_NM_TS, 0, 0, 0);
    }
    if ((r->traits & (T_AVX | T_EVEX)) && !(c->cr4 & CR4_OSXSAVE))
        RAISE_UD(c, R_UD_OSXSAVE);
    if ((r->traits & (T_AVX | T_EVEX)) && (c->xcr0 & XSTATE_AVX_SSE) != XSTATE_AVX_SSE)
        raise_fault(c, VEC_UD, 0, R_UD_XCR0, c->xcr0, 0, 0);
    if ((r->traits & T_EVEX) && (c->xcr0 & XSTATE_AVX512) != XSTATE_AVX512)
        raise_fault(c, VEC_UD, 0, R_UD_XCR0_EVEX, c->xcr0, 0, 0);
    raise_fault(c, VEC_NM, 0, cr0 & 4 ? R_NM_EM : R_NM_TS, 0, 0, 0);
}

static bool available(const struct isa_row *r, uint32_t mode)
{
    if (LIKELY(!(r->traits & (T_CPL0 | T_X87 | T_MMX | T_SSE | T_EVEX | T_AVX))))
        return true;
    if ((r->traits & T_CPL0) && !(mode & MODE_RING0))
        return false;
    if ((r->traits & T_X87) && (mode & MODE_NO_FPU))
        return false;
    if ((r->traits & T_MMX) && (mode & (MODE_NO_FPU | MODE_NO_MMX)))
        return false;
    if ((r->traits & T_SSE) && (mode & MODE_NO_SSE))
        return false;
    if ((r->traits & T_EVEX) && (mode & MODE_NO_EVEX))
        return false;
    return !((r->traits & T_AVX) && (mode & MODE_NO_AVX));
}

static HANDLER(run_unavailable)
{
    c->at = i;
    c->insn_rip = c->page_rip + i->at;
    raise_unavailable(c, &isa_rows[i->row]);
}

static HANDLER(run_invalid)
{
    c->at = i;
    c->insn_rip = c->page_rip + i->at;
    if (i->imm == DECODE_LONG)
        RAISE_GP0(c, R_GP_TOO_LONG);
    RAISE_UD(c, R_UD_OPCODE);
}

/* ---- the cache ---- */

static void forget_maps(struct code_cache *k)
{
    for (unsigned n = 0; n < CODE_MAPS; n++)
        k->map[n].page = NO_PAGE;
}

bool code_cache_init(struct code_cache *k, struct phys *phys, struct cpu **cpus,
                     unsigned count)
{
    memset(k, 0, sizeof *k);
    k->phys = phys;
    k->cpus = cpus;
    k->cpu_count = count;
    k->arena = malloc(CODE_ARENA);
    for (unsigned n = 0; n < JUMP_ENTRIES; n++)
        k->jumps[n].key = UINT64_MAX;
    forget_maps(k);
    return k->arena != NULL;
}

void code_cache_free(struct code_cache *k)
{
    free(k->arena);
    k->arena = NULL;
}

static void mark_code(struct code_cache *k, uint32_t page, unsigned first, unsigned last);

void code_cache_empty(struct code_cache *k)
{
    for (unsigned n = 0; n < BLOCK_BUCKETS; n++)
        for (struct block *b = k->in_page[n]; b;) {
            bool second = b->page2 != NO_PAGE && b->page2 % BLOCK_BUCKETS == n &&
                          b->page % BLOCK_BUCKETS != n;
            k->phys->code[b->page] = 0;
            if (b->page2 != NO_PAGE)
                k->phys->code[b->page2] = 0;
            b = b->next_in_page[second];
        }
    memset(k->bucket, 0, sizeof k->bucket);
    memset(k->in_page, 0, sizeof k->in_page);
    for (unsigned n = 0; n < JUMP_ENTRIES; n++)
        k->jumps[n] = (struct jump_entry){UINT64_MAX, NULL};
    forget_maps(k);
    for (unsigned n = 0; n < k->cpu_count; n++)
        k->cpus[n]->patch = NULL;
    k->used = 0;
    k->full = false;
    k->emptied++;
    code_cache_watch(k);
}

static unsigned bucket_of(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15ull;
    return (unsigned)(key >> 48) & (BLOCK_BUCKETS - 1);
}

/* Which of its two lists a block is in under `bucket`. */
static struct block **page_link(struct block *b, unsigned bucket)
{
    return &b->next_in_page[b->page % BLOCK_BUCKETS != bucket];
}

static void unlist(struct code_cache *k, struct block *b, uint32_t page)
{
    unsigned bucket = page % BLOCK_BUCKETS;
    for (struct block **at = &k->in_page[bucket]; *at; at = page_link(*at, bucket))
        if (*at == b) {
            *at = *page_link(b, bucket);
            return;
        }
}

static void forget(struct code_cache *k, struct block *b)
{
    struct jump_entry *e = &k->jumps[jump_slot(b->page, b->start)];

    for (struct block **at = &k->bucket[bucket_of(b->key)]; *at; at = &(*at)->next)
        if (*at == b) {
            *at = b->next;
            break;
        }
    unlist(k, b, b->page);
    if (b->page2 != NO_PAGE && b->page2 % BLOCK_BUCKETS != b->page % BLOCK_BUCKETS)
        unlist(k, b, b->page2);
    if (e->head == b->code)
        *e = (struct jump_entry){UINT64_MAX, NULL};
    b->dead = true;
    b->code[0].run = run_head_stale;
    k->dropped++;
}

static bool overlaps(const struct block *b, uint32_t page, unsigned first, unsigned end)
{
    if (b->page == page && b->start < end && first < b->end)
        return true;
    return b->page2 == page && first + PAGE < b->end;
}

/* ---- MONITOR ---- */

enum { LINE = 64 };

/* The backing page that holds c's monitored line; NO_PAGE when it is not armed, or when no
 * memory stands there. */
static uint32_t monitored_page(const struct phys *p, const struct cpu *c)
{
    struct phys_page page;

    if (c->monitor_pa == UINT64_MAX)
        return NO_PAGE;
    page = phys_find(p, pa(c->monitor_pa));
    return page.host ? page.number : NO_PAGE;
}

static unsigned monitored_offset(const struct cpu *c)
{
    return (unsigned)(c->monitor_pa & (PAGE - 1)) & ~(LINE - 1u);
}

void code_cache_watch(struct code_cache *k)
{
    for (unsigned n = 0; n < k->cpu_count; n++) {
        const struct cpu *c = k->cpus[n];
        uint32_t page = monitored_page(k->phys, c);
        if (page != NO_PAGE)
            mark_code(k, page, monitored_offset(c), monitored_offset(c) + LINE - 1);
    }
}

static void disarm_monitors(struct code_cache *k, uint32_t page, unsigned offset,
                            unsigned size)
{
    for (unsigned n = 0; n < k->cpu_count; n++) {
        struct cpu *c = k->cpus[n];
        if (c->monitor_pa != UINT64_MAX && monitored_page(k->phys, c) == page &&
            offset < monitored_offset(c) + LINE && monitored_offset(c) < offset + size)
            c->monitor_pa = UINT64_MAX;
    }
}

/* ---- dropping ---- */

static unsigned last_of(const struct block *b)
{
    return (b->end > PAGE ? PAGE : b->end) - 1u;
}

/* The chunks of a page that its blocks still cover, or that MONITOR watches. */
static uint64_t chunks_of(const struct code_cache *k, uint32_t page)
{
    unsigned bucket = page % BLOCK_BUCKETS;
    uint64_t mask = 0;
    for (struct block *b = k->in_page[bucket]; b; b = *page_link(b, bucket)) {
        if (b->page == page) {
            mask |= (~0ull << b->start / 64) & (~0ull >> (63 - last_of(b) / 64));
        }
        if (b->page2 == page)
            mask |= 1;
    }
    for (unsigned n = 0; n < k->cpu_count; n++)
        if (monitored_page(k->phys, k->cpus[n]) == page)
            mask |= 1ull << monitored_offset(k->cpus[n]) / LINE;
    return mask;
}

/* Bits [first, last] of a page's map: of the n-th word those. */
static uint64_t word_of(unsigned n, unsigned first, unsigned last)
{
    uint64_t from = first > 64 * n ? ~0ull << first % 64 : ~0ull;
    uint64_t to = last < 64 * n + 63 ? ~0ull >> (63 - last % 64) : ~0ull;

    return from & to;
}

static void map_add(struct code_map *m, unsigned first, unsigned last)
{
    for (unsigned n = first / 64; n <= last / 64; n++)
        m->bytes[n] |= word_of(n, first, last);
}

/* Was no block decoded from these bytes, as far as the map of the page knows? */
static bool map_excludes(const struct code_cache *k, uint32_t page, unsigned first,
                         unsigned last)
{
    const struct code_map *m = &k->map[page % CODE_MAPS];

    if (m->page != page)
        return false;
    for (unsigned n = first / 64; n <= last / 64; n++)
        if (m->bytes[n] & word_of(n, first, last))
            return false;
    return true;
}

/* A page that holds no block has no map: then its mask is gone too. */
static void map_page(struct code_cache *k, uint32_t page)
{
    struct code_map *m = &k->map[page % CODE_MAPS];
    unsigned bucket = page % BLOCK_BUCKETS;

    memset(m, 0, sizeof *m);
    m->page = NO_PAGE;
    for (struct block *b = k->in_page[bucket]; b; b = *page_link(b, bucket)) {
        if (b->page == page)
            map_add(m, b->start, last_of(b));
        if (b->page2 == page)
            map_add(m, 0, b->end - PAGE - 1u);
        if (b->page == page || b->page2 == page)
            m->page = page;
    }
}

/* Takes a cold block out of use until block_find() repairs it. Not for stores that are no
 * patch of an instruction, nor for blocks hit again meanwhile: that is no longer code. */
static bool make_stale(struct block *b, unsigned offset, unsigned size)
{
    enum { PATCH = 16 };

    if (b->code[0].run != run_head_cold || b->page2 != NO_PAGE || size > PATCH)
        return false;
    b->stale_from = (uint16_t)offset;
    b->stale_to = (uint16_t)(offset + size);
    b->code[0].run = run_head_stale;
    return true;
}

void code_cache_monitor(struct cpu *c, uint64_t line)
{
    struct code_cache *k = c->cache;
    uint32_t page;

    if (!k) {
        c->monitor_pa = line;
        return;
    }
    page = monitored_page(k->phys, c);
    c->monitor_pa = UINT64_MAX;
    if (page != NO_PAGE)
        k->phys->code[page] = chunks_of(k, page);
    c->monitor_pa = line;
    if (monitored_page(k->phys, c) == NO_PAGE)
        c->monitor_pa = UINT64_MAX;
    else
        code_cache_watch(k);
}

/* All blocks of a page, and of those that share its list. */
static void forget_list(struct code_cache *k, unsigned bucket)
{
    while (k->in_page[bucket])
        forget(k, k->in_page[bucket]);
}

void code_cache_written(struct code_cache *k, uint32_t page, unsigned offset,
                        unsigned size)
{
    enum { MANY = 512 };
    unsigned bucket = page % BLOCK_BUCKETS, blocks = 0;
    bool hit = false;

    disarm_monitors(k, page, offset, size);
    if (map_excludes(k, page, offset, offset + size - 1))
        return;
    for (struct block *b = k->in_page[bucket], *next; b; b = next, blocks++) {
        next = *page_link(b, bucket);
        if (overlaps(b, page, offset, offset + size)) {
            if (!make_stale(b, offset, size))
                forget(k, b);
            hit = true;
        }
    }
    /* No program has so many in a page that it writes to. A guest that makes them anew with
     * every store would have each store walk thousands. */
    if (blocks > MANY) {
        forget_list(k, bucket);
        hit = true;
    }
    /* The mask is left as it is while blocks are hit: code that is written over and over is
     * soon decoded again. A store that hits no block shows that it says too much. */
    if (!hit) {
        k->phys->code[page] = chunks_of(k, page);
        map_page(k, page);
        return;
    }
    for (unsigned n = 0; n < k->cpu_count; n++)
        k->cpus[n]->patch = NULL;
    if (k->running)
        k->running->leave = true;
}

/* ---- building ---- */

static const uint8_t *page_bytes(const struct phys *p, uint32_t page)
{
    for (unsigned n = 0; n < p->backing_count; n++) {
        const struct backing *b = &p->backings[n];
        if (page - b->first < b->size / PAGE)
            return b->bytes + (uint64_t)(page - b->first) * PAGE;
    }
    return NULL;
}

static void mark_code(struct code_cache *k, uint32_t page, unsigned first, unsigned last)
{
    uint64_t *mask = &k->phys->code[page];
    uint64_t bits = (~0ull << first / 64) & (~0ull >> (63 - last / 64));

    if (!*mask)
        for (unsigned n = 0; n < k->cpu_count; n++)
            mmu_drop_write(&k->cpus[n]->mmu, page);
    *mask |= bits;
    if (k->map[page % CODE_MAPS].page == page)
        map_add(&k->map[page % CODE_MAPS], first, last);
}

static void enlist(struct code_cache *k, struct block *b)
{
    unsigned bucket = bucket_of(b->key), list = b->page % BLOCK_BUCKETS;

    b->next = k->bucket[bucket];
    k->bucket[bucket] = b;
    b->next_in_page[0] = k->in_page[list];
    k->in_page[list] = b;
    mark_code(k, b->page, b->start, last_of(b));
    if (b->page2 != NO_PAGE) {
        list = b->page2 % BLOCK_BUCKETS;
        if (list != b->page % BLOCK_BUCKETS) {
            b->next_in_page[1] = k->in_page[list];
            k->in_page[list] = b;
        }
        mark_code(k, b->page2, 0, b->end - PAGE - 1u);
    }
}

/* A block being built: records so far, and of each instruction where its record is. */
struct build {
    struct block *b;
    unsigned used; /* records, head included */
    unsigned count;
    struct {
        uint16_t record;
        uint8_t slots;
        bool fixed; /* its handler is settled */
        struct fast fast;
    } insn[BLOCK_INSNS];
};

/* Can control come to the record after this one? */
static bool ends_block(const struct insn *i)
{
    const struct isa_row *r = &isa_rows[i->row];
    /* A string instruction that does not repeat is like any other. */
    if ((r->traits & T_REP) && !(i->form & (FORM_REP | FORM_REPNE)))
        return false;
    return r->traits & T_ENDS;
}

static void set_general(struct insn *i, uint32_t mode)
{
    const struct isa_row *r = &isa_rows[i->row];

    if (!available(r, mode))
        i->run = run_unavailable;
    else if (mode & MODE_STEP)
        i->run = run_step;
    else if (ends_block(i))
        i->run = run_end;
    else
        i->run = i->form & FORM_LONG ? run_general_long : run_general;
}

/* Appends what decode() gave. True when the block goes on after it. */
static bool append(struct build *w, const struct insn out[2], enum decode_status status,
                   uint32_t mode, bool hot)
{
    struct insn *i = &w->b->code[w->used];
    unsigned slots = 1;
    bool more = true;

    *i = out[0];
    w->insn[w->count].record = (uint16_t)w->used;
    w->insn[w->count].fixed = true;
    w->insn[w->count].fast = (struct fast){0};
    if (status != DECODE_OK) {
        i->run = run_invalid;
        i->imm = (int32_t)status;
        i->len = 1;
        more = false;
    } else {
        struct fast f = {0};
        if (i->form & FORM_LONG) {
            i[1] = out[1];
            slots = 2;
        }
        set_general(i, mode);
        if (i->run == run_unavailable) {
            more = false;
        } else if (hot && i->rm != offsetof(struct cpu, rip)) {
            f = fast_select(i, mode);
            if (f.run) {
                i->run = f.run;
                slots = f.slots;
                if (slots == 2 && !(i->form & FORM_LONG))
                    memset(&i[1], 0, sizeof i[1]);
                w->insn[w->count].fast = f;
                w->insn[w->count].fixed = false;
            }
        }
        if (more)
            more = f.run ? !f.ends : !ends_block(i);
    }
    w->insn[w->count].slots = (uint8_t)slots;
    w->used += slots;
    w->count++;
    return more;
}

/* Backwards over a hot block: flags that are overwritten before anything can see them
 * need not be kept. */
static void drop_dead_flags(struct build *w)
{
    bool live = true;
    for (unsigned n = w->count; n-- > 0;) {
        const struct fast *f = &w->insn[n].fast;
        if (f->run && !live && f->quiet)
            w->b->code[w->insn[n].record].run = f->quiet;
        if (!f->run || f->effect == EFFECT_BARRIER)
            live = true;
        else if (f->effect == EFFECT_WRITES)
            live = false;
    }
}

/* Compare and branch as one record: the branch's record and link stay where they are,
 * only the first one's handler knows both. */
static void fuse(struct build *w)
{
    for (unsigned n = 0; n + 1 < w->count; n++) {
        struct insn *first = &w->b->code[w->insn[n].record];
        struct insn *branch = &w->b->code[w->insn[n + 1].record];
        if (!w->insn[n].fast.run || !w->insn[n + 1].fast.run || branch != first + 1)
            continue;
        insn_fn *run = fast_fuse(first, branch);
        if (run)
            first->run = run;
    }
}

/* Does the n-th instruction run a fast handler of its own, in one record? */
static bool is_single(const struct build *w, unsigned n, bool *quiet)
{
    const struct fast *f = &w->insn[n].fast;
    insn_fn *run = w->b->code[w->insn[n].record].run;

    *quiet = f->quiet && run == f->quiet;
    return f->run && f->slots == 1 && (*quiet || run == f->run);
}

/* Neighbours as one: the second's record stays, and gives its operands. */
static void join(struct build *w, uint32_t mode)
{
    unsigned n = 0;
    bool quiet, next_quiet;

    if (w->count && is_single(w, 0, &quiet)) {
        insn_fn *run = fast_head(&w->b->code[1], quiet, mode);
        if (run) {
            w->b->code[0].run = run;
            n = 1;
        }
    }
    for (; n + 1 < w->count; n++) {
        struct insn *first = &w->b->code[w->insn[n].record];
        insn_fn *run = NULL;
        if (!is_single(w, n, &quiet))
            continue;
        if (is_single(w, n + 1, &next_quiet))
            run = fast_pair(first, quiet, first + 1, next_quiet, mode);
        if (!run)
            run = fast_pair_with(first, quiet, first + 1, mode);
        if (run) {
            first->run = run;
            n++;
        }
    }
}

static struct block *new_block(struct code_cache *k, uint32_t mode, uint32_t page,
                               unsigned offset)
{
    struct block *b = (struct block *)(void *)(k->arena + k->used);
    memset(b, 0, sizeof *b);
    b->key = block_key(mode, page, offset);
    b->page = page;
    b->page2 = NO_PAGE;
    b->start = (uint16_t)offset;
    return b;
}

/* Step mode looks at breakpoints before each instruction anyway. */
static bool breaks_at(const struct cpu *c, uint32_t mode, unsigned offset)
{
    return (mode & (MODE_DEBUG | MODE_STEP)) == MODE_DEBUG &&
           points_offset(c->points, offset);
}

static void finish(struct build *w, unsigned end, uint32_t mode, bool more, bool hot)
{
    struct block *b = w->b;
    struct insn *head = &b->code[0];

    b->end = (uint16_t)end;
    b->count = (uint8_t)w->count;
    if (more) {
        struct insn *tail = &b->code[w->used];
        memset(tail, 0, 2 * sizeof *tail);
        tail->at = (uint16_t)end;
        tail->run = end < PAGE && !(mode & MODE_STEP) ? run_tail : run_tail_page;
        w->used += 2;
    }
    memset(head, 0, sizeof *head);
    head->imm = b->count;
    head->at = b->start;
    head->run = hot || (mode & MODE_STEP) ? run_head : run_head_cold;
    for (unsigned n = 0; n < w->count; n++)
        b->code[w->insn[n].record].left = (uint8_t)(w->count - n);
    if (hot) {
        drop_dead_flags(w);
        fuse(w);
        join(w, mode);
    }
    b->records = (uint16_t)w->used;
    b->hot = hot;
}

static void commit(struct code_cache *k, struct block *b)
{
    k->used += (sizeof *b + b->records * sizeof(struct insn) + 63) & ~(size_t)63;
    k->full = k->used + 4 * (sizeof *b + (2 * BLOCK_INSNS + 4) * sizeof(struct insn)) >
              CODE_ARENA;
    k->built++;
    enlist(k, b);
}

static struct block *search(struct code_cache *k, uint64_t key)
{
    struct block *b = k->bucket[bucket_of(key)];
    while (b && b->key != key)
        b = b->next;
    return b;
}

/* Who watches hears of new code. A single instruction of a block that does not fit the
 * budget is not new. */
static void tell(struct cpu *c, const struct block *b)
{
    const uint64_t step = (uint64_t)MODE_STEP << 44;

    if (c->translated &&
        (b->page == NO_PAGE || !(b->key & step) || !search(c->cache, b->key & ~step)))
        c->translated(c, b);
}

/* The instruction at the page's end that goes on in the next: a block of its own. */
static struct block *build_crossing(struct cpu *c, uint32_t mode, unsigned offset,
                                    const uint8_t *host)
{
    struct build w = {.used = 1};
    struct insn out[2];
    uint8_t bytes[16];
    unsigned n = PAGE - offset;
    uint64_t rip = (c->page_rip + PAGE) & c->rip_mask;
    uint64_t la = cpu_code64(c) ? rip : (uint32_t)(c->seg[CS].base + rip);
    struct phys_page p;
    paddr where;
    enum decode_status status;

    /* Before the offset wraps: at FFFFh with that limit the instruction does not fit. */
    if (!cpu_code64(c) && c->page_rip + PAGE > c->seg[CS].limit)
        raise_fault(c, VEC_GP, 0, R_GP_RIP_LIMIT, c->page_rip + PAGE, c->seg[CS].limit, 0);
    if (!mmu_fetch(&c->mmu, la, c->cpl == 3, &p, &where))
        raise_page_fault(c, la);
    memcpy(bytes, host + offset, n);
    if (p.host) {
        memcpy(bytes + n, p.host, 15 - n);
    } else {
        for (unsigned k = n; k < 15; k++)
            bytes[k] = (uint8_t)phys_load(c->mmu.phys, pa((where.v & ~4095ull) + k - n), 1);
        return block_uncached(c, mode | MODE_STEP, offset, bytes, 15);
    }
    status = decode(c->isa, mode, bytes, 15, offset, out);
    w.b = new_block(c->cache, mode, c->page, offset);
    w.b->page2 = p.number;
    bool more = append(&w, out, status, mode, false);
    finish(&w, offset + (status == DECODE_OK ? out[0].len : 15u), mode, more, true);
    if (breaks_at(c, mode, offset))
        w.b->code[0].run = run_head_break;
    commit(c->cache, w.b);
    tell(c, w.b);
    return w.b;
}

static struct block *build(struct cpu *c, uint32_t mode, unsigned offset, bool hot)
{
    const uint8_t *host = page_bytes(c->mmu.phys, c->page);
    struct build w = {.used = 1};
    unsigned at = offset, most = mode & MODE_STEP ? 1 : BLOCK_INSNS;
    bool more = true;

    w.b = new_block(c->cache, mode, c->page, offset);
    while (more && w.count < most && at < PAGE) {
        struct insn out[2];
        unsigned bytes = PAGE - at > 15 ? 15 : PAGE - at;
        enum decode_status status;
        if (w.count && breaks_at(c, mode, at))
            break;
        status = decode(c->isa, mode, host + at, bytes, at, out);
        if (status == DECODE_MORE) {
            if (w.count == 0)
                return build_crossing(c, mode, offset, host);
            break;
        }
        more = append(&w, out, status, mode, hot);
        /* Any byte of what is no instruction may make it one. */
        at += status == DECODE_OK ? out[0].len : bytes;
    }
    finish(&w, at, mode, more, hot);
    if (breaks_at(c, mode, offset))
        w.b->code[0].run = run_head_break;
    commit(c->cache, w.b);
    if (!hot || breaks_at(c, mode, offset)) /* the first time */
        tell(c, w.b);
    return w.b;
}

/* Decodes anew the instructions that a store hit. False: the block's shape changed. Code
 * that is patched stays cold. */
static bool repair(struct cpu *c, struct block *b, uint32_t mode)
{
    const uint8_t *host = page_bytes(c->mmu.phys, b->page);
    struct insn *i = &b->code[1];

    for (unsigned n = 0; n < b->count && i->at < b->stale_to; n++) {
        struct insn out[2];
        unsigned room = PAGE - i->at;

        if (i->run == run_invalid)
            return false;
        if (i->at + i->len > b->stale_from) {
            if (decode(c->isa, mode, host + i->at, room > 15 ? 15 : room, i->at, out) !=
                    DECODE_OK ||
                out[0].len != i->len)
                return false;
            set_general(&out[0], mode);
            if (out[0].run != i->run)
                return false;
            out[0].left = i->left;
            *i = out[0];
            if (i->form & FORM_LONG)
                i[1] = out[1];
        }
        i += i->form & FORM_LONG ? 2 : 1;
    }
    b->stale_to = 0;
    b->runs = 0;
    b->code[0].run = run_head_cold;
    return true;
}

struct block *block_uncached(struct cpu *c, uint32_t mode, unsigned offset,
                             const uint8_t *bytes, unsigned size)
{
    struct build w = {.used = 1, .b = (struct block *)(void *)c->cache->scratch};
    struct insn out[2];
    enum decode_status status = decode(c->isa, mode, bytes, size, offset, out);

    memset(w.b, 0, sizeof *w.b);
    w.b->page = w.b->page2 = NO_PAGE;
    w.b->start = (uint16_t)offset;
    append(&w, out, status == DECODE_MORE ? DECODE_INVALID : status, mode | MODE_STEP, false);
    finish(&w, offset + out[0].len, mode | MODE_STEP, false, false);
    tell(c, w.b);
    return w.b;
}

/* ---- finding ---- */

/* Does the second page of a crossing instruction still stand behind the next address? */
static bool second_page_holds(struct cpu *c, const struct block *b)
{
    uint64_t rip = (c->page_rip + PAGE) & c->rip_mask;
    uint64_t la = cpu_code64(c) ? rip : (uint32_t)(c->seg[CS].base + rip);
    struct phys_page p;
    paddr where;

    if (!mmu_fetch(&c->mmu, la, c->cpl == 3, &p, &where))
        raise_page_fault(c, la);
    return p.host && p.number == b->page2;
}

struct block *block_find(struct cpu *c, uint32_t mode, unsigned offset)
{
    struct code_cache *k = c->cache;
    uint64_t key = block_key(mode, c->page, offset);
    struct jump_entry *e = &k->jumps[jump_slot(c->page, offset)];
    struct block *b = e->key == key ? block_of(e->head) : search(k, key);

    if (b && b->page2 != NO_PAGE && !second_page_holds(c, b)) {
        forget(k, b);
        b = NULL;
    }
    if (b && UNLIKELY(b->stale_to != 0) && !repair(c, b, mode)) {
        forget(k, b);
        b = NULL;
    }
    if (!b) {
        b = build(c, mode, offset, breaks_at(c, mode, offset)); /* its head counts no runs */
    } else if (b->runs >= HOT_RUNS && !b->hot) {
        struct block *hot;
        forget(k, b);
        hot = build(c, mode, offset, true);
        /* Whoever linked to the cold one comes through. */
        ((struct link *)(void *)&b->code[1])->head = hot->code;
        b->code[0].run = run_head_forward;
        b = hot;
    }
    if (b->page2 == NO_PAGE && b->page != NO_PAGE)
        *e = (struct jump_entry){key, b->code};
    return b;
}

const struct block *block_holding(const struct cpu *c, const struct insn *record)
{
    unsigned bucket = c->page % BLOCK_BUCKETS;
    uintptr_t at = (uintptr_t)record;

    if (c->page == NO_PAGE || !record)
        return NULL;
    for (struct block *b = c->cache->in_page[bucket]; b; b = *page_link(b, bucket))
        if (b->page == c->page && at > (uintptr_t)b->code &&
            at < (uintptr_t)(b->code + b->records))
            return b;
    return NULL;
}

void block_link(struct cpu *c, struct insn *patch, const struct block *b)
{
    struct link *l = (struct link *)(void *)patch;
    (void)c;
    if (!b->hot || b->page2 != NO_PAGE || b->page == NO_PAGE)
        return;
    l->page = b->page;
    l->head = b->code;
}
