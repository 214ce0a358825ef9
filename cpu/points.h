/* points.h - where a debugger outside the guest wants the CPUs to stop.
 *
 * Breakpoints and watchpoints of linear addresses, for all CPUs of a machine. They are
 * no part of the guest: setting, meeting and removing them changes no memory, register,
 * count or hash. The guest's own DR0 to DR7 and TF work beside them.
 *
 * Where nothing is armed nothing is tested. Where something is, MODE_DEBUG is in the key
 * of the blocks: they end before an offset that a breakpoint has in its page, and the one
 * that begins there has a head that compares the whole address. Watched pages get no fast
 * tags, like those of the guest's data breakpoints.
 */
#ifndef CPU_POINTS_H
#define CPU_POINTS_H

#include "cpu/cpu.h"

enum { POINTS_MOST = 512 };

/* In the order of the remote protocol's Z0 to Z4. */
enum point_kind { POINT_SOFT, POINT_HARD, POINT_WRITE, POINT_READ, POINT_ACCESS, POINT_KINDS };

struct point {
    uint64_t la, size; /* size: bytes watched, at least 1; breakpoints have 1 */
    uint8_t kind;      /* enum point_kind */
};

struct points {
    struct point at[POINTS_MOST];
    unsigned count;
    /* Made from them by points_apply(). */
    unsigned breaks;
    uint64_t break_at[POINTS_MOST]; /* linear addresses, each once */
    unsigned watches;
    struct mmu_range range[POINTS_MOST];
    /* What blocks with MODE_DEBUG were built for: usually the same again, since debuggers
     * take breakpoints out at each stop. */
    unsigned built;
    uint64_t built_for[POINTS_MOST];
};

/* Both take effect with points_apply(). Adding twice is adding once. False: there are
 * POINTS_MOST already, or the range is empty or wraps; there is no such point. */
bool points_add(struct points *p, enum point_kind kind, uint64_t la, uint64_t size);
bool points_remove(struct points *p, enum point_kind kind, uint64_t la, uint64_t size);
void points_clear(struct points *p);

/* Arms them, and the CPUs' step_wanted. Between runs only. */
void points_apply(struct points *p, struct cpu *const *cpus, unsigned count);

/* The linear address of the next instruction, as breakpoints mean it. */
uint64_t points_pc(const struct cpu *c);

/* ---- for the run loop, block builder and memory access, with MODE_DEBUG ---- */

/* Between instructions, before events are looked at, and then behind that: true, with
 * c->stop filled, when the CPU is to stop here. */
bool points_after(struct cpu *c);
bool points_before(struct cpu *c);

/* May a breakpoint stand at this offset of its page? */
bool points_offset(const struct points *p, unsigned offset);

/* Does the CPU have to look at its breakpoints before the instruction at rip? */
bool points_here(const struct cpu *c, uint64_t rip);

/* An access to [la, la + size) is about to be made. */
void points_access(struct cpu *c, uint64_t la, unsigned size, enum access_kind kind);

#endif
