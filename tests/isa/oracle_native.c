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
#include "tests/isa/oracle_x86.h"

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
bool native_fs_usable = true, native_zmm_usable = true;

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

/* What the frame holds of XSAVE's components. */
static struct xsave layout;

static void load(ucontext_t *uc, const struct question *q)
{
    greg_t *g = uc->uc_mcontext.gregs;

    for (unsigned n = 0; n < 16; n++)
        g[greg_of[n]] = (greg_t)q->in.gpr[n];
    g[REG_RIP] = (greg_t)q->in.rip;
    g[REG_EFL] = (greg_t)(q->in.flags | (q->step ? FLAG_TF : 0));
    g[REG_CSGSFS] = (greg_t)((uint64_t)g[REG_CSGSFS] & 0x0000ffffffff0000ull);
    g[REG_CSGSFS] |= (greg_t)(q->mode->cs | (uint64_t)q->mode->ss << 48);
    xsave_put(&layout, (uint8_t *)uc->uc_mcontext.fpregs, &q->in);
}

static void fetch(const ucontext_t *uc, struct answer *a)
{
    const greg_t *g = uc->uc_mcontext.gregs;

    for (unsigned n = 0; n < 16; n++)
        a->out.gpr[n] = (uint64_t)g[greg_of[n]];
    a->out.rip = (uint64_t)g[REG_RIP];
    a->out.flags = (uint64_t)g[REG_EFL];
    xsave_get(&layout, (const uint8_t *)uc->uc_mcontext.fpregs, &a->out);
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
            home_fp_size = XSAVE_HEADER;
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

static bool cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    return __get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]);
}

/* Does CPUID tell of this feature? */
static bool native_has(unsigned feature)
{
    static uint8_t known[CPU_FEATURES]; /* 1 no, 2 yes: CPUID is slow in a guest */
    struct cpuid_bit where = feature_bit(feature);
    uint32_t r[4];

    if (where.leaf == 0)
        return true;
    if (!known[feature])
        known[feature] =
            cpuid(where.leaf, where.subleaf, r) && (r[where.reg] >> where.bit & 1) ? 2
                                                                                   : 1;
    return known[feature] == 2;
}

/* The frame is in XSAVE's standard format, and holds what the kernel has switched on. */
static struct xsave find_layout(void)
{
    uint32_t low = XSAVE_X87 | XSAVE_SSE, high = 0, r[4];

    if (cpuid(1, 0, r) && (r[2] >> 27 & 1)) /* OSXSAVE */
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!native_zmm_usable)
        low &= ~(uint32_t)XSAVE_AVX512;
    return xsave_find(cpuid, low);
}

unsigned native_words(void)
{
    return xsave_words(&layout);
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
    layout = find_layout();
    return true;
}

bool native_enter(const struct oracle_mode *m, const char **why)
{
    *why = "this kernel allows no LDT";
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
    if ((row->traits & T_EVEX) && native_words() < 8)
        return 0;
    return native_has(row->feature) ? ULLONG_MAX : 0;
}

void native_end(void)
{
}

void native_data_filled(void)
{
}

unsigned native_batch(void)
{
    return 0;
}

const struct accepted *native_accepted(unsigned *count)
{
    *count = 0;
    return NULL;
}

bool native_failed(void)
{
    return false;
}
