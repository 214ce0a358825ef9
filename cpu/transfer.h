/* transfer.h - what far calls, returns, interrupts and task switches share.
 *
 * Selector and descriptor words, the checks on a new CS and SS, and the stack frame
 * that is translated as a whole before any of it is written. Intel SDM vol 3A ch. 5 to 7.
 */
#ifndef CPU_TRANSFER_H
#define CPU_TRANSFER_H

#include "cpu/fault.h"
#include "cpu/segment.h"
#include "cpu/system.h"

/* The handlers, named by isa_control.def. */
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits)                   \
    general_fn op_##handler;
#include "cpu/isa_control.def"
#undef INSN

enum { DR6_BT = 1 << 15, DR7_LOCAL = 0x155 /* L0 to L3, LE */ };

/* Selectors. */
enum { SEL_TI = 4 };
#define RPL(selector) ((selector) & 3u)
#define IS_NULL(selector) (((selector) & 0xfffcu) == 0)

/* Descriptor attributes. System types are SDM vol 3A Table 3-2. */
enum {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_GATE16 = 4, SYS_TASK_GATE = 5,
    SYS_INT16 = 6, SYS_TRAP16 = 7, SYS_TSS32 = 9, SYS_TSS32_BUSY = 0xb,
    SYS_GATE32 = 0xc, SYS_INT32 = 0xe, SYS_TRAP32 = 0xf,
    SYS_BUSY = 2,
};
enum { ATTR_REAL = 0x93, ATTR_VM86 = 0xf3 };
#define ATTR_DPL(attr) ((unsigned)(attr) >> 5 & 3)
#define IS_CODE(attr) (((attr) & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE))
#define IS_CONFORMING(attr)                                                            \
    (((attr) & (SEG_S | SEG_CODE | SEG_CONFORMING)) ==                                 \
     (SEG_S | SEG_CODE | SEG_CONFORMING))

/* Raises v with the selector as error code, which is the reason's first operand. */
NORETURN void raise_selector(struct cpu *c, enum vector v, uint16_t selector,
                             enum reason why, uint64_t b, uint64_t d);
/* For a selector that descriptor_read() refused. */
NORETURN void raise_outside_table(struct cpu *c, enum vector v, uint16_t selector);

void segment_null(struct segment *s, uint16_t selector);

/* Checks that do not return when they fail: a writable data segment of this privilege; a
 * segment that DS, ES, FS or GS may hold at this CPL. v is #GP or #TS; segments that are
 * not present raise #SS and #NP. */
void stack_descriptor_check(struct cpu *c, enum vector v, const struct descriptor *d,
                            unsigned cpl);
void data_descriptor_check(struct cpu *c, enum vector v, const struct descriptor *d,
                           unsigned cpl);

/* Is this code segment 64-bit code? */
static inline bool is_code64(const struct cpu *c, uint16_t attr)
{
    return cpu_long_mode(c) && (attr & SEG_L);
}

/* #GP(0) unless rip is inside the code segment that is about to be entered. */
void target_check(struct cpu *c, const struct descriptor *cs, uint64_t rip);

/* CS and CPL; the selector's RPL becomes the CPL. No cpu_derive. */
void code_set(struct cpu *c, const struct descriptor *cs, unsigned cpl);

/* The CS a far return or IRET goes to: all checks but the limit. */
void return_code_check(struct cpu *c, uint16_t selector, struct descriptor *cs);
/* The SS such a return pops. False: a null selector, which is legal here. */
bool return_stack_check(struct cpu *c, uint16_t selector, const struct descriptor *cs,
                        struct descriptor *ss);
/* Loads SS with what return_stack_check() found. */
void return_stack_set(struct cpu *c, uint16_t selector, bool usable,
                      const struct descriptor *ss);
/* After a return to an outer level: data segments it must not see become null (SDM
 * vol 3A 5.8.6). */
void hide_inner_segments(struct cpu *c);

/* EFLAGS as c->event pushes them: RF by the kind of event. */
uint64_t event_flags(const struct cpu *c);

/* RFLAGS whole, without cpu_derive(). */
void flags_load(struct cpu *c, uint64_t rflags);

/* RSP with the part that a stack of this address mask uses replaced. */
static inline uint64_t sp_merge(uint64_t rsp, uint64_t mask, uint64_t sp)
{
    return mask == 0xffff ? (rsp & ~mask) | (sp & mask) : sp & mask;
}

/* Stack address mask of a (legacy) stack segment. */
static inline uint64_t segment_stack_mask(uint16_t attr)
{
    return attr & SEG_DB ? 0xffffffff : 0xffff;
}

/* ---- stacks of inner levels, from the TSS (SDM vol 3A 7.2.1, 7.7) ---- */

/* RSP of cpl, or with ist 1 to 7 that entry. Long mode. */
uint64_t inner_rsp(struct cpu *c, unsigned cpl, unsigned ist);

/* ---- frames ---- */

enum { FRAME_MAX = 36 /* a call gate's 31 parameters, SS, ESP, CS, EIP */ };

/* Values to be pushed one after the other, all translated by frame_open() before
 * frame_write() stores the first. */
struct frame {
    const struct segment *ss;
    uint64_t sp, mask;
    uint32_t error;  /* of the #SS that an address outside ss raises */
    uint8_t bytes;   /* of each value: 2, 4 or 8 */
    uint8_t cpl;     /* whose stack it is */
    bool wide;       /* a 64-bit stack: no limit, no base */
    bool whole;      /* opened in one piece */
    uint8_t *host;   /* in plain memory, lowest byte; else NULL */
    uint8_t count;
    uint64_t value[FRAME_MAX];
    struct spans at[FRAME_MAX];
};

/* A frame on the stack in use now. */
void frame_here(struct cpu *c, struct frame *f, unsigned bits);
/* On the stack of an inner level instead, checked: ss says which, stack is its segment and
 * lives as long as the frame. Raises #TS, #SS. Not in long mode. */
void frame_to_inner(struct cpu *c, struct frame *f, unsigned cpl, struct descriptor *ss,
                    struct segment *stack);

static inline void frame_push(struct frame *f, uint64_t value)
{
    f->value[f->count++] = value;
}

void frame_open(struct cpu *c, struct frame *f);
void frame_write(struct cpu *c, struct frame *f);

/* SP after the pushes. */
static inline uint64_t frame_sp(const struct frame *f)
{
    return (f->sp - (uint64_t)f->count * f->bytes) & f->mask;
}

/* ---- tasks (cpu/task.c) ---- */

enum task_source { TASK_JUMP, TASK_CALL, TASK_EVENT, TASK_RETURN };

/* Switches to the task of a TSS descriptor (type and privilege already checked, not
 * present and limit not). rip is what the old task resumes at. Ends with cpu_derive(). A
 * fault past the commit point is raised in the new task. */
void task_switch(struct cpu *c, struct descriptor *tss, enum task_source source,
                 uint64_t rip);
/* Finds the TSS that a task gate's selector names, raising #GP (by JMP, CALL, events). */
void task_find(struct cpu *c, uint16_t selector, struct descriptor *tss);

#endif
