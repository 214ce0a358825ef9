/* oracle_native.c - the host's processor: one instruction, single-stepped, by editing
 * the state that a signal handler returns to.
 *
 * Each case costs one exception and one sigreturn. Only signals that the instruction
 * itself causes may arrive: all run on their own stack with the rest blocked, so a
 * fault in our own code ends the process instead of being taken for an answer.
 *
 * Traps: AC must be cleared before the handler touches its stack unaligned, and NT and
 * ID must not survive (sigreturn takes only some flags from the frame); XSTATE_BV tells
 * which parts of the frame hold anything; Linux sets bit 0 of the error code for
 * addresses of the kernel's half.
 */
#define _GNU_SOURCE
#include "tests/isa/oracle.h"

#include "base/byteorder.h"
#include "cpu/fault.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* LDT entries 0 to 2 for 16-bit mode: selector = entry << 3 | 7. */
enum { LDT_CODE16 = 0, LDT_DATA16 = 1 };

const struct oracle_mode oracle_modes[ORACLE_MODES] = {
    {"64", 64, 0x33, 0x2b, 0x2b, 0, 0},
    {"32", 32, 0x23, 0x2b, 0x2b, 0, 0},
    {"16", 16, LDT_CODE16 << 3 | 7, LDT_DATA16 << 3 | 7, LDT_DATA16 << 3 | 7, CODE_LA,
     DATA_LA},
};

uint64_t native_fs_base, native_gs_base;
bool native_fs_usable = true;

static native_next *ask;
static void *ask_owner;
static struct question question;
static bool asking;
static ucontext_t home;
static uint8_t home_fp[4096];
static size_t home_fp_size;

/* ---- the frame ---- */

static const uint8_t greg_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* FXSAVE's layout (SDM vol 1 Table 10-2) and the XSAVE header behind it. */
enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_MXCSR = 24,
    FX_ST = 32,
    FX_XMM = 160,
    XSTATE_BV = 512,
    XSTATE_X87 = 1,
    XSTATE_SSE = 2,
    XSTATE_AVX = 4
};

/* Where the frame has bits 255:128 of the YMM registers; 0: this host has none. */
static unsigned ymm_high;

static void load_fp(uint8_t *fx, const struct regs *r)
{
    unsigned top = r->fsw >> 11 & 7;

    memset(fx, 0, 24);
    store16(fx + FX_FCW, r->fcw);
    store16(fx + FX_FSW, r->fsw);
    fx[FX_FTW] = (uint8_t)~r->ftw;
    store32(fx + FX_MXCSR, r->mxcsr);
    memset(fx + FX_ST, 0, 128);
    for (unsigned n = 0; n < 8; n++) {
        const struct f80 *st = &r->st[(top + n) & 7];
        store64(fx + FX_ST + 16 * n, st->sig);
        store16(fx + FX_ST + 16 * n + 8, st->se);
    }
    for (unsigned n = 0; n < 16; n++) {
        memcpy(fx + FX_XMM + 16 * n, r->ymm[n], 16);
        if (ymm_high)
            memcpy(fx + ymm_high + 16 * n, &r->ymm[n][2], 16);
    }
    store64(fx + XSTATE_BV, load64(fx + XSTATE_BV) | XSTATE_X87 | XSTATE_SSE |
                                (ymm_high ? XSTATE_AVX : 0));
}

static void fetch_fp(const uint8_t *fx, struct regs *r)
{
    uint64_t parts = load64(fx + XSTATE_BV);
    unsigned top;

    r->mxcsr = load32(fx + FX_MXCSR);
    memset(r->ymm, 0, sizeof r->ymm);
    for (unsigned n = 0; n < 16; n++) {
        if (parts & XSTATE_SSE)
            memcpy(r->ymm[n], fx + FX_XMM + 16 * n, 16);
        if (ymm_high && (parts & XSTATE_AVX))
            memcpy(&r->ymm[n][2], fx + ymm_high + 16 * n, 16);
    }
    r->fcw = 0x37f;
    r->fsw = 0;
    r->ftw = 0xff;
    memset(r->st, 0, sizeof r->st);
    if (!(parts & XSTATE_X87))
        return;
    r->fcw = load16(fx + FX_FCW);
    r->fsw = load16(fx + FX_FSW);
    r->ftw = (uint8_t)~fx[FX_FTW];
    top = r->fsw >> 11 & 7;
    for (unsigned n = 0; n < 8; n++) {
        struct f80 *st = &r->st[(top + n) & 7];
        st->sig = load64(fx + FX_ST + 16 * n);
        st->se = load16(fx + FX_ST + 16 * n + 8);
    }
}

static void load(ucontext_t *uc, const struct question *q)
{
    greg_t *g = uc->uc_mcontext.gregs;

    for (unsigned n = 0; n < 16; n++)
        g[greg_of[n]] = (greg_t)q->in.gpr[n];
    g[REG_RIP] = (greg_t)q->in.rip;
    g[REG_EFL] = (greg_t)(q->in.flags | (q->step ? FLAG_TF : 0));
    g[REG_CSGSFS] = (greg_t)((uint64_t)g[REG_CSGSFS] & 0x0000ffffffff0000ull);
    g[REG_CSGSFS] |= (greg_t)(q->mode->cs | (uint64_t)q->mode->ss << 48);
    load_fp((uint8_t *)uc->uc_mcontext.fpregs, &q->in);
}

static void fetch(const ucontext_t *uc, struct answer *a)
{
    const greg_t *g = uc->uc_mcontext.gregs;

    for (unsigned n = 0; n < 16; n++)
        a->out.gpr[n] = (uint64_t)g[greg_of[n]];
    a->out.rip = (uint64_t)g[REG_RIP];
    a->out.flags = (uint64_t)g[REG_EFL];
    fetch_fp((const uint8_t *)uc->uc_mcontext.fpregs, &a->out);
    a->vector = (int)g[REG_TRAPNO];
    a->error = (uint32_t)g[REG_ERR];
    a->cr2 = a->vector == VEC_PF ? (uint64_t)g[REG_CR2] : 0;
    if (a->vector == VEC_DB || a->vector == VEC_UD || a->vector == VEC_DE)
        a->error = 0;
}

/* ---- the handler ---- */

void oracle_signal(int, siginfo_t *, void *);
void oracle_signal_body(int, siginfo_t *, void *);

/* AC, NT and ID off before anything else. */
__asm__(".text\n"
        ".globl oracle_signal\n"
        "oracle_signal:\n\t"
        "pushq $0x202\n\t"
        "popfq\n\t"
        "jmp oracle_signal_body\n");

void oracle_signal_body(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
    struct answer answer;
    bool more;
    (void)signal;
    (void)info;

    if (!asking) {
        asking = true;
        home = *uc;
        home_fp_size =
            load32(fx + 464 + 16) + 4u; /* sw_reserved: xstate_size, magic2 */
        if (home_fp_size > sizeof home_fp)
            home_fp_size = XSTATE_BV;
        memcpy(home_fp, fx, home_fp_size);
        more = ask(ask_owner, NULL, &question);
    } else {
        fetch(uc, &answer);
        more = ask(ask_owner, &answer, &question);
    }
    if (more) {
        load(uc, &question);
        return;
    }
    asking = false;
    memcpy(uc->uc_mcontext.gregs, home.uc_mcontext.gregs,
           sizeof home.uc_mcontext.gregs);
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* behind the UD2 */
    memcpy(fx, home_fp, home_fp_size);
}

void native_run(native_next *next, void *owner)
{
    ask = next;
    ask_owner = owner;
    __asm__ volatile("ud2" ::: "memory");
}

/* ---- beginning ---- */

static const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { STACK = 1 << 20 };

static bool take_signals(void)
{
    struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_size = STACK};

    stack.ss_sp =
        mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL))
        return false;
    sa.sa_sigaction = oracle_signal;
    for (unsigned n = 0; n < ARRAY_SIZE(signals); n++)
        sigaddset(&sa.sa_mask, signals[n]);
    for (unsigned n = 0; n < ARRAY_SIZE(signals); n++)
        if (sigaction(signals[n], &sa, NULL))
            return false;
    return true;
}

static bool map_at(uint64_t la, size_t size, int rights)
{
    void *at = (void *)(uintptr_t)la;
    return mmap(at, size, rights,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1,
                0) == at;
}

/* The addresses just behind the code and inside the holes of the data area must stay
 * unmapped: nothing else of the process lies below 4 GiB when it is a PIE. */
static bool map_areas(void)
{
    if (!map_at(CODE_LA, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_page[n] != PAGE_NONE &&
            !map_at(DATA_LA + n * (uint64_t)PAGE, PAGE, PROT_READ | PROT_WRITE))
            return false;
    return true;
}

uint8_t *native_code(void)
{
    return (uint8_t *)(uintptr_t)CODE_LA;
}

uint8_t *native_data(void)
{
    return (uint8_t *)(uintptr_t)DATA_LA;
}

void native_poke_read_only(const uint8_t *page)
{
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_page[n] == PAGE_READ_ONLY) {
            uint8_t *at = native_data() + n * PAGE;
            mprotect(at, PAGE, PROT_READ | PROT_WRITE);
            memcpy(at, page, PAGE);
            mprotect(at, PAGE, PROT_READ);
        }
}

static bool add_segment(unsigned entry, uint32_t base, unsigned contents)
{
    struct user_desc d = {
        .entry_number = entry,
        .base_addr = base,
        .limit = 0xffff,
        .contents = contents, /* 0 data, 2 code */
        .useable = 1,
    };
    return syscall(SYS_modify_ldt, 1, &d, sizeof d) == 0;
}

/* Does CPUID tell of this feature? */
static bool native_has(unsigned feature)
{
    static const struct {
        uint32_t leaf, subleaf;
        uint8_t reg, bit;
    } where[CPU_FEATURES] = {
        {0, 0, 0, 0},
#define FEATURE(name, leaf, subleaf, reg, bit) {leaf, subleaf, reg, bit},
#include "cpu/cpuid.def"
#undef FEATURE
    };
    static uint8_t known[CPU_FEATURES]; /* 1 no, 2 yes: CPUID is slow in a guest */
    uint32_t r[4];

    if (where[feature].leaf == 0)
        return true;
    if (!known[feature])
        known[feature] = __get_cpuid_count(where[feature].leaf, where[feature].subleaf,
                                           &r[0], &r[1], &r[2], &r[3]) &&
                                 (r[where[feature].reg] >> where[feature].bit & 1)
                             ? 2
                             : 1;
    return known[feature] == 2;
}

/* The frame is in XSAVE's standard format: CPUID leaf 0Dh says where component 2 is. */
static void find_ymm(void)
{
    uint32_t r[4];
    if (native_has(CPUID_AVX) && __get_cpuid_count(0xd, 2, &r[0], &r[1], &r[2], &r[3]))
        ymm_high = r[1];
}

bool native_has_ymm(void)
{
    return ymm_high != 0;
}

bool native_init(const char **why)
{
    if (!map_areas()) {
        *why = "the addresses of the test areas are taken";
        return false;
    }
    if (!take_signals()) {
        *why = "cannot handle signals on their own stack";
        return false;
    }
    syscall(SYS_arch_prctl, ARCH_GET_FS, &native_fs_base);
    native_gs_base = 0x7654321000ull;
    find_ymm();
    return true;
}

bool native_enter(const struct oracle_mode *m)
{
    if (m->bits == 16 &&
        (!add_segment(LDT_CODE16, CODE_LA, 2) || !add_segment(LDT_DATA16, DATA_LA, 0)))
        return false;
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%gs" : : "r"(m->ds));
    if (m->bits == 64)
        syscall(SYS_arch_prctl, ARCH_SET_GS, native_gs_base);
    return true;
}

unsigned long long native_cases(const struct isa_row *row, const char **why)
{
    *why = "this host lacks it";
    return native_has(row->feature) ? ULLONG_MAX : 0;
}

bool native_failed(void)
{
    return false;
}
