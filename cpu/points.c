/* points.c - breakpoints and watchpoints of a debugger outside the guest. */
#include "cpu/points.h"

#include "cpu/block.h"

#include <string.h>

/* ---- the list ---- */

static bool is_break(enum point_kind kind)
{
    return kind == POINT_SOFT || kind == POINT_HARD;
}

static unsigned find(const struct points *p, enum point_kind kind, uint64_t la,
                     uint64_t size)
{
    unsigned n = 0;

    while (n < p->count && (p->at[n].kind != kind || p->at[n].la != la ||
                            (!is_break(kind) && p->at[n].size != size)))
        n++;
    return n;
}

bool points_add(struct points *p, enum point_kind kind, uint64_t la, uint64_t size)
{
    if (is_break(kind))
        size = 1;
    if (kind >= POINT_KINDS || !size || la + (size - 1) < la)
        return false;
    if (find(p, kind, la, size) < p->count)
        return true;
    if (p->count == POINTS_MOST)
        return false;
    p->at[p->count++] = (struct point){la, size, (uint8_t)kind};
    return true;
}

bool points_remove(struct points *p, enum point_kind kind, uint64_t la, uint64_t size)
{
    unsigned n = find(p, kind, la, size);

    if (n == p->count)
        return false;
    p->count--;
    memmove(&p->at[n], &p->at[n + 1], (p->count - n) * sizeof p->at[0]);
    return true;
}

void points_clear(struct points *p)
{
    p->count = 0;
}

/* ---- arming ---- */

static bool has_break(const uint64_t *list, unsigned count, uint64_t la)
{
    for (unsigned n = 0; n < count; n++)
        if (list[n] == la)
            return true;
    return false;
}

/* The lists hold no address twice, so as many of the one in the other are all. */
static bool built_alike(const struct points *p)
{
    if (p->built != p->breaks)
        return false;
    for (unsigned n = 0; n < p->breaks; n++)
        if (!has_break(p->built_for, p->built, p->break_at[n]))
            return false;
    return true;
}

/* The ranges are the MMU's business on change alone: its first level is dropped. */
static bool make_ranges(struct points *p)
{
    unsigned n = 0;
    bool changed = false;

    p->breaks = 0;
    for (unsigned k = 0; k < p->count; k++) {
        const struct point *at = &p->at[k];
        struct mmu_range r = {at->la, at->la + (at->size - 1)};

        if (is_break(at->kind)) {
            if (!has_break(p->break_at, p->breaks, at->la))
                p->break_at[p->breaks++] = at->la;
            continue;
        }
        changed |= n >= p->watches || p->range[n].first != r.first ||
                   p->range[n].last != r.last;
        p->range[n++] = r;
    }
    changed |= n != p->watches;
    p->watches = n;
    return changed;
}

void points_apply(struct points *p, struct cpu *const *cpus, unsigned count)
{
    bool ranges = make_ranges(p);

    if (p->breaks && !built_alike(p)) {
        code_cache_empty(cpus[0]->cache);
        memcpy(p->built_for, p->break_at, p->breaks * sizeof p->break_at[0]);
        p->built = p->breaks;
    }
    for (unsigned n = 0; n < count; n++) {
        struct cpu *c = cpus[n];

        c->points = p;
        c->step_from = c->retired;
        c->mmu.range = p->range;
        c->mmu.ranges = p->watches;
        if (ranges)
            mmu_drop(&c->mmu);
        cpu_forget_derived(c);
        cpu_derive(c);
    }
}

uint64_t points_pc(const struct cpu *c)
{
    return cpu_code64(c) ? c->rip : (uint32_t)(c->seg[CS].base + c->rip);
}

/* ---- while running ---- */

bool points_offset(const struct points *p, unsigned offset)
{
    for (unsigned n = 0; n < p->breaks; n++)
        if ((p->break_at[n] & (PAGE - 1)) == offset)
            return true;
    return false;
}

/* Passed: the stop was reported here, or the run loop has looked already. */
bool points_here(const struct cpu *c, uint64_t rip)
{
    uint64_t la = cpu_code64(c) ? rip : (uint32_t)(c->seg[CS].base + rip);

    return c->passed != cpu_retired(c) &&
           has_break(c->points->break_at, c->points->breaks, la);
}

/* A hardware breakpoint is told as such where both kinds stand. */
static void stop_at_break(struct cpu *c)
{
    const struct points *p = c->points;

    c->stop = (struct cpu_stop){STOP_BREAK, POINT_SOFT, points_pc(c)};
    if (find(p, POINT_HARD, c->stop.la, 1) < p->count)
        c->stop.kind = POINT_HARD;
    c->passed = cpu_retired(c);
}

bool points_after(struct cpu *c)
{
    uint64_t pc = points_pc(c);

    if (c->stop.why != STOP_NONE)
        return true;
    if (!c->step_wanted || cpu_retired(c) == c->step_from || c->raised)
        return false;
    if (pc >= c->step_first && pc < c->step_end)
        return false;
    /* Whoever steps onto a breakpoint has met it: going on does not stop here again. */
    if (points_here(c, c->rip))
        stop_at_break(c);
    else
        c->stop = (struct cpu_stop){STOP_STEP, 0, pc};
    return true;
}

bool points_before(struct cpu *c)
{
    if (points_after(c))
        return true; /* an interrupt came in, and is what was stepped */
    /* The rest of a REP instruction is not another one. */
    if (!c->rep_cut && points_here(c, c->rip)) {
        stop_at_break(c);
        return true;
    }
    c->passed = cpu_retired(c);
    return false;
}

static bool concerns(enum point_kind kind, enum access_kind access)
{
    return kind == POINT_ACCESS || (kind == POINT_WRITE && access == ACCESS_WRITE) ||
           (kind == POINT_READ && access == ACCESS_READ);
}

void points_access(struct cpu *c, uint64_t la, unsigned size, enum access_kind kind)
{
    const struct points *p = c->points;
    uint64_t last = la + (size - 1);

    if (c->stop.why != STOP_NONE)
        return;
    for (unsigned n = 0; n < p->count; n++) {
        const struct point *at = &p->at[n];

        if (is_break(at->kind) || !concerns(at->kind, kind) || last < at->la ||
            la > at->la + (at->size - 1))
            continue;
        c->stop = (struct cpu_stop){STOP_WATCH, at->kind, la > at->la ? la : at->la};
        c->leave = true; /* right after this instruction */
        return;
    }
}
