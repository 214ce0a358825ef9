/* cpu.h - one CPU: its registers, and what the run loop keeps beside them.
 *
 * The architectural registers are STATE rows: reset, saved, restored and shown from one
 * list. What is derived from them is rebuilt by cpu_derive().
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "base/clock.h"
#include "base/intc.h"
#include "base/log.h"
#include "base/space.h"
#include "base/state.h"
#include "cpu/flags.h"
#include "cpu/insn.h"
#include "mmu/mmu.h"

#include <setjmp.h>

struct block;
struct code_cache;
struct cpu_model;
struct error;
struct isa_table;
struct points;
struct reader;
struct writer;

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum sreg { ES, CS, SS, DS, FS, GS, SREGS };

/* Bits of struct segment's attr: descriptor bits 55:40, as LAR shows them >> 8. */
enum {
    SEG_TYPE = 0xf,
    SEG_ACCESSED = 1,
    SEG_WRITABLE = 2,    /* data */
    SEG_READABLE = 2,    /* code */
    SEG_EXPAND_DOWN = 4, /* data */
    SEG_CONFORMING = 4,  /* code */
    SEG_CODE = 8,
    SEG_S = 0x10, /* code or data, not system */
    SEG_DPL = 0x60,
    SEG_P = 0x80,
    SEG_AVL = 0x1000,
    SEG_L = 0x2000,
    SEG_DB = 0x4000,
    SEG_G = 0x8000,
};

/* A segment register with its hidden part; also LDTR and TR. */
#define SEGMENT_STATE(_, x)                                                              \
    _(x, uint16_t, selector, 0, 0xffff, "the visible part")                              \
    _(x, uint16_t, attr, 0, 0xffff, "descriptor bits 55:40: type, S, DPL, P, AVL, L, D, G") \
    _(x, uint32_t, limit, 0, 0xffffffff, "last valid offset (expand-down: last invalid)") \
    _(x, uint64_t, base, 0, UINT64_MAX, "linear address of offset 0")                    \
    _(x, bool, usable, true, 1, "not loaded with a null selector")

struct segment {
    SEGMENT_STATE(STATE_MEMBER, )
    /* Derived by seg_derive(): an access [o, o + n) with o + n - 1 <= fast_read (and no
     * wrap) needs no further check; 0 sends all to the full check. */
    uint64_t fast_read, fast_write;
};

/* x87: eight physical registers. MMX lives in sig. */
#define F80_STATE(_, x)                                                                  \
    _(x, uint64_t, sig, 0, UINT64_MAX, "significand, explicit integer bit 63")           \
    _(x, uint16_t, se, 0, 0xffff, "sign bit 15, biased exponent 14:0")

struct f80 {
    F80_STATE(STATE_MEMBER, )
};

/* A vector register, 512 bits. q[0] is the lowest 64 bits, as a host number; use the
 * accessors of cpu/vector.h for narrower elements. */
struct vec {
    uint64_t q[8];
};

enum cpu_activity { ACTIVITY_RUN, ACTIVITY_HALT, ACTIVITY_MWAIT, ACTIVITY_SHUTDOWN,
                    ACTIVITY_WAIT_SIPI };
enum { NO_SIPI = 0x100 };

/* Kinds of event, as delivered through the IDT (cpu/event.c). */
enum event_kind { EVENT_NONE, EVENT_FAULT, EVENT_TRAP, EVENT_INTERRUPT, EVENT_NMI,
                  EVENT_SOFTWARE /* INT n, INT3, INTO */ };

/* After reset: SDM vol 3A 9.1.1, Table 9-1. CS, TR, LDTR and attributes that a plain
 * number cannot give are set by cpu_reset(). */
#define CPU_STATE(_, x)                                                                  \
    _(x, uint64_t, gpr, 0, UINT64_MAX, "RAX RCX RDX RBX RSP RBP RSI RDI R8..R15", 16)    \
    _(x, uint64_t, rip, 0xfff0, UINT64_MAX, "next instruction, between instructions")    \
    _(x, uint32_t, eflags, 2, 0x3fffff, "all but CF PF AF ZF SF OF, which are lazy")     \
    _(x, uint64_t, flag_bits, 0, 0xffff, "the six, while saved (cpu_save, cpu_restore)") \
    _(x, uint64_t, cr0, 0x60000010, UINT64_MAX, "PG CD NW AM WP NE ET TS EM MP PE")      \
    _(x, uint64_t, cr2, 0, UINT64_MAX, "page-fault linear address")                      \
    _(x, uint64_t, cr3, 0, UINT64_MAX, "page-table base, PCID")                          \
    _(x, uint64_t, cr4, 0, UINT64_MAX, "architectural extensions")                       \
    _(x, uint64_t, pdpte, 0, UINT64_MAX, "PAE page-directory-pointer entries", 4)        \
    _(x, uint64_t, xcr0, 1, UINT64_MAX, "XSAVE state components enabled")                \
    _(x, uint64_t, efer, 0, UINT64_MAX, "NXE LMA LME SCE")                               \
    _(x, uint64_t, gdtr_base, 0, UINT64_MAX, "GDTR base")                                \
    _(x, uint64_t, idtr_base, 0, UINT64_MAX, "IDTR base")                                \
    _(x, uint16_t, gdtr_limit, 0xffff, 0xffff, "GDTR limit")                             \
    _(x, uint16_t, idtr_limit, 0xffff, 0xffff, "IDTR limit")                             \
    _(x, uint64_t, dr, 0, UINT64_MAX, "DR0..DR3, DR6, DR7 at their numbers", 8)          \
    _(x, uint64_t, star, 0, UINT64_MAX, "IA32_STAR")                                     \
    _(x, uint64_t, lstar, 0, UINT64_MAX, "IA32_LSTAR")                                   \
    _(x, uint64_t, cstar, 0, UINT64_MAX, "IA32_CSTAR (held, not used on Intel)")         \
    _(x, uint64_t, fmask, 0, UINT64_MAX, "IA32_FMASK")                                   \
    _(x, uint64_t, kernel_gs_base, 0, UINT64_MAX, "IA32_KERNEL_GS_BASE")                 \
    _(x, uint64_t, tsc_aux, 0, UINT64_MAX, "IA32_TSC_AUX")                               \
    _(x, uint64_t, tsc_adjust, 0, UINT64_MAX, "added to the clock's TSC (IA32_TSC_ADJUST)") \
    _(x, uint64_t, sysenter_cs, 0, UINT64_MAX, "IA32_SYSENTER_CS")                       \
    _(x, uint64_t, sysenter_esp, 0, UINT64_MAX, "IA32_SYSENTER_ESP")                     \
    _(x, uint64_t, sysenter_eip, 0, UINT64_MAX, "IA32_SYSENTER_EIP")                     \
    _(x, uint64_t, pat, 0x0007040600070406, UINT64_MAX, "IA32_PAT")                      \
    _(x, uint64_t, misc_enable, 1, UINT64_MAX, "IA32_MISC_ENABLE")                       \
    _(x, uint64_t, spec_ctrl, 0, UINT64_MAX, "IA32_SPEC_CTRL")                           \
    _(x, uint64_t, mtrr_def, 0, UINT64_MAX, "IA32_MTRR_DEF_TYPE")                        \
    _(x, uint64_t, mtrr_fixed, 0, UINT64_MAX, "the eleven fixed-range MTRRs", 11)        \
    _(x, uint64_t, mtrr_var, 0, UINT64_MAX, "PHYSBASE0, PHYSMASK0, ...", 16)             \
    _(x, uint64_t, microcode, 0, UINT64_MAX, "IA32_BIOS_SIGN_ID")                        \
    _(x, uint64_t, xss, 0, UINT64_MAX, "IA32_XSS")                                       \
    _(x, uint32_t, pkru, 0, UINT32_MAX, "protection-key rights, user pages")             \
    _(x, uint32_t, mxcsr, 0x1f80, 0xffff, "SSE control and status")                      \
    _(x, uint16_t, fcw, 0x40, 0xffff, "x87 control word")                                \
    _(x, uint16_t, fsw, 0, 0xffff, "x87 status word, TOP included")                      \
    _(x, uint8_t, ftw, 0xff, 0xff, "x87: bit n set when physical register n is empty")   \
    _(x, uint16_t, fop, 0, 0x7ff, "x87 last opcode")                                     \
    _(x, uint16_t, fcs, 0, 0xffff, "x87 last instruction selector")                      \
    _(x, uint16_t, fds, 0, 0xffff, "x87 last operand selector")                          \
    _(x, uint64_t, fip, 0, UINT64_MAX, "x87 last instruction pointer")                   \
    _(x, uint64_t, fdp, 0, UINT64_MAX, "x87 last operand pointer")                       \
    _(x, uint64_t, monitor_pa, UINT64_MAX, UINT64_MAX, "armed MONITOR line; ~0 none")    \
    _(x, bool, mwait_breaks, false, 1, "MWAIT ECX bit 0: INTR wakes even with IF = 0")   \
    _(x, uint64_t, shadow_end, 0, UINT64_MAX,                                            \
      "retired count at which the interrupt shadow (MOV SS, STI) ends")                  \
    _(x, bool, shadow_ss, false, 1, "that shadow is MOV SS's or POP SS's: debug traps too") \
    _(x, bool, rep_cut, false, 1, "RIP is at a REP instruction that has done some elements") \
    _(x, uint64_t, retired, 0, UINT64_MAX, "instructions and event deliveries so far")   \
    _(x, uint64_t, random, 0, UINT64_MAX, "RDRAND's generator; seeded by the machine")   \
    _(x, uint8_t, activity, ACTIVITY_RUN, ACTIVITY_WAIT_SIPI, "enum cpu_activity")       \
    _(x, bool, nmi_blocked, false, 1, "until IRET")                                      \
    _(x, bool, nmi_pending, false, 1, "an NMI edge was seen")                            \
    _(x, bool, smi_pending, false, 1, "an SMI edge was seen")                            \
    _(x, bool, init_pending, false, 1, "an INIT was seen")                               \
    _(x, bool, in_smm, false, 1, "system-management mode: until RSM")                    \
    _(x, bool, smm_nmi_blocked, false, 1, "nmi_blocked as it was before the SMI")        \
    _(x, uint32_t, smbase, 0x30000, UINT32_MAX, "SMBASE: kept by INIT")                  \
    _(x, bool, intr, false, 1, "level of the INTR pin")                                  \
    _(x, uint16_t, sipi, NO_SIPI, 0x1ff, "start-up vector received, 100h none")         \
    _(x, uint64_t, pending_debug, 0, UINT64_MAX, "DR6 bits of a #DB trap due after this instruction") \
    _(x, uint32_t, page, UINT32_MAX, UINT32_MAX,                                         \
      "backing page being executed from; NO_PAGE: translate RIP before the next fetch")  \
    _(x, uint64_t, page_rip, 0, UINT64_MAX,                                              \
      "RIP of that page's first byte: RIP = page_rip + offset")                          \
    _(x, uint64_t, page_base_zero, 0, 0, "always zero: the missing base or index register")

/* An event on its way through the IDT, and why it was raised. */
struct cpu_event {
    enum event_kind kind;
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint16_t reason;    /* enum reason */
    uint64_t operand[3]; /* the reason's operands */
    uint64_t rip;       /* of the instruction that raised it */
    uint16_t cs;
    uint64_t linear;    /* #PF: CR2 */
    struct walk walk;   /* #PF: the entries the walk read; last, fault.c copies no more */
};

/* Faults kept for the post-mortem. A chain from an event to a triple fault is at most six
 * long (SDM vol 3A Table 6-5): interrupt, #GP, #PF, #GP, the #DF these two become, and
 * what ended it. */
enum { CPU_FAULTS = 8, CPU_TRAIL = 16 };

/* Where the run loop entered a block: its RIP and block_key(); key UINT64_MAX for code
 * that cannot be cached. */
struct cpu_entry {
    uint64_t rip, key;
    uint16_t cs;
};

/* Bits of mode: what decoding and handlers depend on; blocks are keyed by them. */
enum {
    MODE_CODE32 = 1 << 0,    /* CS.D */
    MODE_CODE64 = 1 << 1,    /* 64-bit mode (CS.L and EFER.LMA) */
    MODE_STACK32 = 1 << 2,   /* SS.B */
    MODE_PROTECTED = 1 << 3, /* CR0.PE, not VM */
    MODE_VM86 = 1 << 4,
    MODE_USER = 1 << 5,      /* CPL 3 */
    MODE_FLAT_DATA = 1 << 6, /* DS, ES, SS: base 0, limit FFFFFFFF, writable; or 64-bit */
    MODE_FLAT_CODE = 1 << 7, /* CS limit cannot be met: see cpu_derive */
    MODE_NO_FPU = 1 << 8,    /* CR0.EM or TS: x87 and MMX raise */
    MODE_NO_SSE = 1 << 9,    /* CR0.EM, TS or CR4.OSFXSR: SSE raises */
    MODE_NO_AVX = 1 << 10,   /* CR0.TS, CR4.OSXSAVE or XCR0: VEX vectors raise */
    MODE_LONG = 1 << 11,     /* EFER.LMA */
    MODE_STEP = 1 << 12,     /* one instruction per block */
    MODE_TRACE = 1 << 13,    /* the run loop calls cpu->trace before each instruction */
    MODE_NO_MMX = 1 << 14,   /* CR0.EM: MMX is #UD; with TS alone #NM (MODE_NO_FPU) */
    MODE_RING0 = 1 << 15,    /* CPL 0 */
    MODE_NO_EVEX = 1 << 17,  /* as MODE_NO_AVX, for EVEX and opmask instructions */
    MODE_DEBUG = 1 << 16,    /* a debugger's points or step are armed: cpu/points.h */
};

/* Why the debugger's points made cpu_run() return. */
struct cpu_stop {
    enum { STOP_NONE, STOP_BREAK, STOP_WATCH, STOP_STEP } why;
    uint8_t kind; /* enum point_kind, of the first two */
    uint64_t la;  /* of the instruction to come; STOP_WATCH: of the byte accessed */
};

struct cpu {
    CPU_STATE(STATE_MEMBER, )
    struct segment seg[SREGS];
    struct segment ldtr, tr;
    struct f80 st[8];     /* physical registers R0..R7, not ST(i) */
    struct vec v[32];     /* ZMM0..31; XMM and YMM are their low parts */
    uint64_t k[8];        /* opmasks */
    struct cpu_event event;  /* being delivered, or last delivered */

    /* Derived and transient. */
    struct lazy_flags lazy;
    uint32_t mode;       /* MODE_* */
    uint8_t cpl;
    int32_t budget;      /* instructions left in the slice, blocks charged ahead */
    int32_t slice;       /* what budget started from */
    bool leave;          /* general handlers: return to the run loop after this record */
    const struct insn *at; /* the record whose general handler runs, else NULL */
    struct insn *patch;  /* the link slot that the next lookup fills, or NULL */
    uint64_t seen_flushes; /* mmu.flushes when `page` was last known to be good */
    bool raised;         /* c->event waits to be delivered */
    bool delivering;     /* event_deliver() runs: what is raised now escalates */
    bool leave_slice;    /* the conductor wants cpu_run() to return (set with leave) */
    bool turn_over;      /* PAUSE: with several CPUs, the rest of the turn is given up */
    bool watch_shadow;   /* an interrupt shadow is on: one instruction, then look again */
    int32_t kept;        /* budget set aside while one instruction is stepped */
    struct derived_from {     /* what cpu_derive() saw of what seldom changes */
        uint64_t cr0, cr3, cr4, efer, xcr0, dr7;
        uint32_t pkru;
        bool trace, step, watcher, watching;
    } derived_from;
    uint64_t derived_flow;    /* and of CPL, CS and EFLAGS */
    uint32_t control_mode;    /* MODE_* that follow from derived_from alone */
    uint64_t code_base;  /* CS base that page_rip was computed with */
    uint64_t insn_rip;   /* its RIP; c->rip is the next instruction's meanwhile */
    uint64_t rf_end;     /* EFLAGS.RF, where it is set, is so until more than these
                            instructions have retired: nothing clears it meanwhile */
    uint64_t rip_mask;   /* FFFFFFFFh, or all */
    jmp_buf *escape;     /* where raise_event() jumps to */

    struct mmu mmu;

    /* Wiring. */
    unsigned number;      /* 0 is the boot processor; also the initial APIC id */
    struct clock *clock;
    uint64_t slice_tick;  /* the clock's tick at which the slice began */
    struct space *ports;
    struct intc *intc;
    struct log *log;
    struct code_cache *cache;         /* shared by the machine's CPUs */
    const struct isa_table *isa;      /* rows this model has, for the decoder */
    const struct cpu_model *model;
    uint32_t tsc_hz;
    unsigned cpus, threads_per_core;  /* for CPUID topology */
    /* Optional watchers, chosen before a block is built (MODE_TRACE, MODE_STEP). */
    void (*trace)(struct cpu *c, const struct insn *i);
    /* Each block when it is first decoded, not when it is made faster; c->page_rip holds. */
    void (*translated)(struct cpu *c, const struct block *b);
    void *tracer; /* theirs */
    void (*told)(struct cpu *c, const struct cpu_event *e); /* each event delivered */
    void (*triple_fault)(void *owner, struct cpu *c);  /* the board resets or stops */
    void (*ferr)(void *owner, struct cpu *c);          /* x87 error with CR0.NE = 0 */
    void (*smm)(void *owner, bool entered); /* SMRAM is to be seen, or no longer */
    void *owner;
    bool force_step;      /* one-instruction blocks, for tests */
    /* A debugger's, no part of the guest: points_apply() sets it up. */
    struct points *points; /* NULL: there never was one */
    struct cpu_stop stop;
    bool step_wanted;      /* stop once an instruction or event delivery is over... */
    uint64_t step_first, step_end; /* ...and RIP (linear) is not in [first, end) */
    uint64_t step_from;    /* retired count it began at */
    uint64_t passed;       /* at this retired count breakpoints were looked at already */
    /* For the post-mortem (debug/postmortem.h): the last event that went wrong, all that
     * was raised while it was delivered, and the #DF these became, in order. */
    struct cpu_event faults[CPU_FAULTS];
    unsigned fault_count;
    const struct insn *faulted; /* the record faults[0] came from, or NULL; it may be gone */
    struct cpu_entry trail[CPU_TRAIL]; /* entered by the run loop: slot trail_count % n */
    uint64_t trail_count;
};

#define CPU_GPR_OFFSET(n) ((uint16_t)(offsetof(struct cpu, gpr) + 8 * (n)))
#define CPU_ZERO_OFFSET ((uint16_t)offsetof(struct cpu, page_base_zero))
#define CPU_PAGE_RIP_OFFSET ((uint16_t)offsetof(struct cpu, page_rip))

/* ---- life ---- */

void cpu_init(struct cpu *c, unsigned number);   /* after wiring */
void cpu_free(struct cpu *c);
void cpu_reset(struct cpu *c);                   /* RESET: SDM vol 3A 9.1 */
void cpu_init_reset(struct cpu *c);              /* INIT: keeps FPU, MTRRs, TSC, ... */

/* Registers and both TLBs as rows; derived state is left out. Saving folds the lazy flags
 * into flag_bits and settles `page`, which changes nothing for the guest. A restored CPU has its derived state rebuilt; false
 * with e filled when a value, or a combination of values, cannot be. */
extern const struct field cpu_fields[];
void cpu_save(struct cpu *c, struct writer *w);
bool cpu_restore(struct cpu *c, struct reader *r, struct error *e);

/* Brings `page` into the one form that says the same as any other: whether a branch found its
 * page by itself or left that to the next instruction is nobody's business. */
void cpu_settle_page(struct cpu *c);

/* Runs until `ticks` instructions are retired (events count one each), the CPU halts, or
 * something asked it to leave early. Returns the ticks used, at most `ticks` (1e5 or
 * less). clock->now is exact whenever a device is touched. */
uint32_t cpu_run(struct cpu *c, uint32_t ticks);

/* Does the CPU have anything to do: running, or halted with something deliverable? */
bool cpu_ready(const struct cpu *c);

/* Pins, from interrupt controllers and the board. */
enum cpu_pin { CPU_INTR, CPU_NMI, CPU_SMI, CPU_INIT };
void cpu_pin(void *cpu, unsigned pin, bool level);
void cpu_sipi(struct cpu *c, uint8_t vector);

/* ---- derived state ---- */

/* Recomputes mode, cpl-dependent views, paging and rip_mask from the registers. To be
 * called by whoever changed CR0, CR3, CR4, EFER, EFLAGS.VM/TF/AC, PKRU, CPL or a segment
 * register; the block that did so ends (trait ENDS). */
void cpu_derive(struct cpu *c);

/* The next cpu_derive() takes nothing for known: registers and caches were replaced. */
void cpu_forget_derived(struct cpu *c);

/* All registers were replaced (RESET, INIT, SMI, RSM): translations go, and everything is
 * derived anew. */
void cpu_settle(struct cpu *c);

/* RFLAGS as software sees it; and setting it whole (reserved bits forced). cpu_set_flags
 * calls cpu_derive() when TF, VM, AC, RF or IF changed. */
uint64_t cpu_flags(const struct cpu *c);
/* The same without the six arithmetic flags. */
uint32_t cpu_eflags(const struct cpu *c);
/* RF was set in c->eflags: it holds for the next instruction. */
void cpu_rf_set(struct cpu *c);
void cpu_set_flags(struct cpu *c, uint64_t rflags);

/* Makes clock->now exact for the instruction running now. Cheap. */
void cpu_sync_clock(struct cpu *c);

/* The TSC as RDTSC gives it. */
uint64_t cpu_tsc(struct cpu *c);

/* Instructions retired before the one running now. */
uint64_t cpu_retired(const struct cpu *c);

static inline bool cpu_long_mode(const struct cpu *c)
{
    return c->mode & MODE_LONG;
}
static inline bool cpu_code64(const struct cpu *c)
{
    return c->mode & MODE_CODE64;
}
static inline bool cpu_protected(const struct cpu *c) /* PE = 1 and VM = 0 */
{
    return c->mode & MODE_PROTECTED;
}
static inline bool cpu_vm86(const struct cpu *c)
{
    return c->mode & MODE_VM86;
}

/* For instructions that change CS, CPL or EFLAGS, after cpu_derive(): must the run loop
 * look before the next instruction? Single steps, a CS limit to be watched, an interrupt
 * that may have become deliverable. */
static inline bool cpu_must_look(const struct cpu *c)
{
    return (c->mode & (MODE_STEP | MODE_FLAT_CODE)) != MODE_FLAT_CODE ||
           (c->intr && (c->eflags & FLAG_IF)) || c->nmi_pending;
}

#endif
